"""The commands that make pictures: their files, limits, interruption and resumption, and what is told in one line."""

import argparse
import json

import numpy as np
import pytest
from command_line import caller, prepare
from PIL import Image
from small import CHAIN

from minivis.cli.making import runner
from minivis.cli.making.maximize import channels_of
from minivis.cli.making.states import load_state, save_state
from minivis.errors import InputError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    return prepare(tmp_path, monkeypatch)


@pytest.fixture
def call(capsys):
    return caller(capsys)


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def files(folder):
    return {path.name for path in folder.iterdir()} - {"chain.h5", "class_maps.h5", "cat.png", "dog.png", "cache"}


class Brightening:
    """An iterator of pictures that get brighter, as a recipe would be; it may be interrupted before a step."""

    def __init__(self, steps=None, interrupt=None, step=0):
        self.steps, self.interrupt, self.step = steps, interrupt, step

    picture = property(lambda self: np.full((1, 4, 6, 3), float(self.step)))

    def __iter__(self):
        return self

    def __next__(self):
        if self.step == self.interrupt:
            raise KeyboardInterrupt
        if self.step == self.steps:
            raise StopIteration
        self.step += 1
        return self.picture, np.array([10.0 * self.step])

    def state(self):
        return {"step": self.step, "rng": None}


def options(*argv):
    parser = argparse.ArgumentParser()
    runner.add_options(parser, out="bright.png")
    return parser.parse_args([str(word) for word in argv])


# The runner.


def test_a_run_writes_its_last_picture_and_says_so(folder, capsys):
    last = runner.run(Brightening(5), options())
    assert (pixels("bright.png") == 5).all()
    assert (last == 5).all()
    assert capsys.readouterr().out.startswith("bright.png: 5 steps in ")
    assert files(folder) == {"bright.png"}


def test_seconds_end_a_run_by_the_clock_and_leave_a_state(folder):
    ticks = iter(range(100))
    runner.run(Brightening(), options("--seconds", 3), clock=lambda: next(ticks))
    assert (pixels("bright.png") == 3).all()
    assert load_state("bright.png.state.npz")["state"] == {"step": 3, "rng": None}


def test_previews_come_at_the_first_step_and_every_few_seconds(folder, monkeypatch):
    saved = []
    monkeypatch.setattr(runner, "save_picture", lambda path, picture: saved.append(int(picture.max())))
    ticks = iter(range(100))
    runner.run(Brightening(8), options(), clock=lambda: next(ticks))
    assert saved == [1, 4, 7, 8]


def test_an_interrupted_run_leaves_its_picture_and_its_state(folder):
    with pytest.raises(KeyboardInterrupt):
        runner.run(Brightening(9, interrupt=4), options("--seed", 3))
    assert (pixels("bright.png") == 4).all()
    assert runner.saved_state(options("--seed", 3, "--resume")) == {"step": 4, "rng": None}
    assert runner.saved_state(options("--seed", 3)) is None
    runner.run(Brightening(9, step=4), options("--seed", 3, "--resume"))
    assert (pixels("bright.png") == 9).all()
    assert files(folder) == {"bright.png"}  # a finished run leaves no state


def test_an_interruption_before_the_first_step_leaves_the_start(folder):
    with pytest.raises(KeyboardInterrupt):
        runner.run(Brightening(9, interrupt=0), options())
    assert (pixels("bright.png") == 0).all()


def test_a_run_is_resumed_with_its_own_options_only(folder):
    with pytest.raises(InputError, match=r"nothing to resume: no file 'bright\.png\.state\.npz'"):
        runner.saved_state(options("--resume"))
    with pytest.raises(KeyboardInterrupt):
        runner.run(Brightening(interrupt=2), options("--net", "chain.h5", "--steps", 5))
    with pytest.raises(InputError, match=r"had net = 'chain.h5', not 'minivgg'"):
        runner.saved_state(options("--resume"))
    assert runner.saved_state(options("--net", "chain.h5", "--steps", 9, "--seconds", 2, "--resume"))["step"] == 2


def test_several_pictures_are_written_side_by_side(folder):
    runner.run(iter([(np.full((3, 4, 6, 3), 7.0), np.zeros(3))]), options())
    assert pixels("bright.png").shape == (9, 13, 3)


def test_an_out_that_cannot_be_written_is_told_at_the_first_step(folder):
    from minivis.errors import ImageFileError

    climb = Brightening(1000)
    with pytest.raises(ImageFileError, match="no folder"):
        runner.run(climb, options("--out", "nowhere/bright.png"))
    assert climb.step == 1


@pytest.mark.parametrize("words", [("--steps", "0"), ("--seconds", "-1"), ("--seconds", "nan"), ("--size", "1.5")])
def test_limits_that_are_none_are_refused(words, capsys):
    with pytest.raises(SystemExit):
        options(*words)
    assert "expected a" in capsys.readouterr().err


# States.


def test_a_state_comes_back_as_it_was(tmp_path):
    rng = np.random.default_rng(3).bit_generator.state  # it holds integers of 128 bits
    state = {"a": np.arange(6.0).reshape(2, 3), "b": [(np.float32(2), True), None, "x"], "rng": rng, "n": np.int64(4)}
    save_state(tmp_path / "s.npz", state)
    found = load_state(tmp_path / "s.npz")
    np.testing.assert_array_equal(found["a"], state["a"])
    assert found["b"] == [(2.0, True), None, "x"]
    assert found["rng"] == rng
    assert found["n"] == 4
    assert [path.name for path in tmp_path.iterdir()] == ["s.npz"]


def test_a_state_is_read_without_pickle(tmp_path):
    path = tmp_path / "s.npz"
    np.savez(path, tree=np.array([print], dtype=object))
    with pytest.raises(InputError, match="no state of a run"):
        load_state(path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no archive", b"\x93NUMPY"])
def test_a_damaged_state_is_told(tmp_path, content):
    (tmp_path / "s.npz").write_bytes(content)
    with pytest.raises(InputError, match="no state of a run, or damaged"):
        load_state(tmp_path / "s.npz")


@pytest.mark.parametrize("tree", ["[1, 2]", '{"array": "0"}', '{"dict": 3}', '{"a": 1, "b": 2}', "{"])
def test_a_state_with_a_strange_tree_is_told(folder, tree):
    np.savez("bright.png.state.npz", tree=np.array(tree))
    with pytest.raises(InputError, match="state of a run"):
        runner.saved_state(options("--resume"))


# The commands, on tiny networks.


def test_class_makes_one_picture_or_several(folder, call):
    said = call("class", "bee", "--net", "chain.h5", "--steps", 3)
    assert (said.code, said.err) == (0, "")
    assert pixels("class.png").shape == (16, 16, 3)
    assert call("class", "bee", "4", "--net", "chain.h5", "--steps", 2, "--out", "two.png").code == 0
    assert pixels("two.png").shape == (16, 33, 3)


@pytest.mark.parametrize("argv", [("class", "bee"), ("dream", "cat.png", "--size", 24), ("maximize", "conv2_1")])
def test_a_command_that_is_interrupted_is_resumed_to_the_same_picture(folder, call, argv, monkeypatch):
    argv = (*argv, "--net", "chain.h5", "--steps", 4, "--out")
    assert call(*argv, "whole.png").code == 0
    steps = []

    def interrupted(score):
        steps.append(score)
        if len(steps) == 3:
            raise KeyboardInterrupt
        return 0.0

    with monkeypatch.context() as patch:
        patch.setattr(runner, "_mean", interrupted)
        said = call(*argv, "part.png")
    assert (said.code, said.err) == (130, "minivis: interrupted; what was finished stays\n")
    assert {"part.png", "part.png.state.npz"} <= files(folder)
    assert call(*argv, "part.png", "--resume").code == 0
    np.testing.assert_array_equal(pixels("part.png"), pixels("whole.png"))
    assert "part.png.state.npz" not in files(folder)


def test_dream_writes_a_picture_of_the_size_asked_for(folder, call):
    said = call("dream", "cat.png", "--net", "chain.h5", "--row", "relu1_1", "--size", 30, "--steps", 1, "--octaves", 2)
    assert (said.code, said.err) == (0, "")
    assert pixels("dream.png").shape == (25, 30, 3)
    assert "2 steps" in said.out


def test_dream_takes_a_guide_a_channel_and_tiles(folder, call):
    common = ("dream", "cat.png", "--net", "chain.h5", "--size", 30, "--steps", 1, "--octaves", 1)
    assert call(*common, "--guide", "dog.png", "--out", "guided.png").code == 0
    assert call(*common, "--aim", "2", "--out", "channel.png").code == 0
    assert call(*common, "--tile", 16, "--out", "tiled.png").code == 0
    assert (pixels("guided.png") != pixels("channel.png")).any()


def test_dream_draws_the_concentration_and_zooms(folder, call):
    common = ("dream", "cat.png", "--net", "chain.h5", "--size", 24, "--steps", 2, "--octaves", 1)
    assert call(*common, "--concentration", "curve.png").code == 0
    assert pixels("curve.png").std() > 0
    assert call(*common, "--zoom", 3, "--out", "zoom.gif").code == 0
    with Image.open("zoom.gif") as image:
        assert image.n_frames == 3


def test_maximize_makes_a_row_or_a_page(folder, call):
    assert call("maximize", "conv1_1", "--net", "chain.h5", "--channels", "0,2-3", "--steps", 2).code == 0
    assert pixels("maximize.png").shape == (33, 33, 3)  # three pictures of 16 x 16 in a square
    said = call("maximize", "--net", "chain.h5", "--channels", "0-1", "--steps", 2, "--out", "page.png")
    assert (said.code, said.out) == (0, "page.png: 4 pictures\n")
    assert pixels("page.png").std() > 0


def test_channels_are_read(folder):
    assert channels_of("0-2,5, 1", 6) == [0, 1, 2, 5]
    for text in ("", "a", "3-", "-3", "2-1", "6"):
        with pytest.raises(InputError):
            channels_of(text, 6)


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (("class", "beee"), "did you mean bee?"),
        (("class", "9"), "9"),
        (("class", "bee", "--size", "99"), "leave --size 99 out"),
        (("class", "bee", "--seed", "-1"), "--seed must be 0 or more"),
        (("class", "bee", "--resume"), "nothing to resume"),
        (("dream", "cat.png", "--row", "relu1_2"), "did you mean relu1_1"),
        (("dream", "no.png"), "no.png"),
        (("dream", "cat.png", "--aim", "loud"), "'loud'"),
        (("dream", "cat.png", "--zoom", "2"), ".gif or .webp"),
        (("maximize", "conv3"), "conv3"),
        (("maximize", "conv1_1", "--channels", "6"), "channels 0 to 5"),
        (("maximize", "--resume"), "nothing to resume"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(folder, call, argv, told):
    said = call(*argv, "--net", "chain.h5")
    assert said.code == 2
    assert said.err.count("\n") == 1
    assert told in said.err
    assert files(folder) == set()


def test_settings_that_matter_are_kept(folder):
    kept = json.loads(runner.settings_of(options("--seed", 4)))
    assert kept["seed"] == 4
    assert not {"steps", "out", "resume"} & set(kept)
    assert CHAIN.name == "chain"


@pytest.mark.parametrize(
    "command", [["class", "ant"], ["dream", "cat.png"], ["maximize", "relu1_1", "--channels", "0,3"]]
)
def test_a_picture_that_will_not_fit_into_memory_is_refused_before_the_start(command, folder, call, monkeypatch):
    monkeypatch.setattr("minivis.cli.common.free_memory", lambda device: 1 << 20)
    said = call(*command, "--net", "chain.h5", "--size", "256", "--out", "out.png")
    assert said.code == 2
    assert said.err.startswith("minivis: a picture of 256 x 256 takes about 0.01 GiB through chain")
    assert "GiB are free: choose a smaller size" in said.err
    assert not (folder / "out.png").exists()
    monkeypatch.setattr("minivis.cli.common.free_memory", lambda device: None)  # a system that does not tell
    assert call(*command, "--net", "chain.h5", "--size", "16", "--steps", "1", "--out", "out.png").code == 0


# What is kept while a run goes on.


def test_a_state_is_kept_every_few_seconds_and_goes_only_when_all_is_written(folder, monkeypatch):
    kept, there, real = [], [], runner.save_state

    def watched(path, state):
        kept.append(state["state"]["step"])
        real(path, state)

    monkeypatch.setattr(runner, "save_state", watched)
    ticks = iter(range(0, 1000, 5))
    conclude = lambda: there.append(runner.state_file("bright.png").exists())  # noqa: E731
    runner.run(Brightening(9), options(), clock=lambda: next(ticks), conclude=conclude)
    assert kept == [4, 8]  # after 20 and 40 seconds
    assert there == [True]
    assert files(folder) == {"bright.png"}


def test_a_run_that_was_killed_at_its_end_writes_its_picture_when_resumed(folder):
    runner.run(Brightening(9, step=9), options("--resume"))
    assert (pixels("bright.png") == 9).all()


def test_a_state_that_cannot_be_written_leaves_the_one_before_and_one_line(folder, monkeypatch):
    ticks, real = iter(range(0, 1000, 20)), runner.save_state

    def full_at_six(path, state):
        if state["state"]["step"] >= 6:
            raise InputError("'x' cannot be written: No space left on device")
        real(path, state)

    monkeypatch.setattr(runner, "save_state", full_at_six)
    with pytest.raises(InputError, match="No space left"):
        runner.run(Brightening(9), options(), clock=lambda: next(ticks))
    assert load_state("bright.png.state.npz")["state"]["step"] == 5
    assert (pixels("bright.png") >= 5).all()


@pytest.mark.parametrize(
    "argv",
    [
        ("maximize", "--channels", "0-1", "--out", "{}.png"),
        ("invert", "cat.png", "--row", "pool1", "--strengths", "--out", "{}.png"),
        ("dream", "cat.png", "--size", "24", "--octaves", "1", "--zoom", "3", "--out", "{}.gif"),
    ],
)
def test_a_page_goes_on_after_its_last_finished_part(folder, call, argv, monkeypatch):
    from minivis.cli.making.parts import Parts

    def words(name):
        return [*(word.format(name) for word in argv), "--net", "chain.h5", "--steps", 2]

    assert call(*words("whole")).code == 0
    assert call(*words("part"), "--seconds", 1e-9).code == 0  # the first part, and the time is up
    (kept,) = folder.glob("part.*.parts")
    assert [path.name for path in kept.iterdir()] == ["00000.npz"]
    said = call(*words("part"), "--resume", "--seed", 1)
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert "had seed = 0, not 1" in said.err
    added, real = [], Parts.add
    monkeypatch.setattr(Parts, "add", lambda self, part: (added.append(part), real(self, part)))
    assert call(*words("part"), "--resume").code == 0
    (part,), (whole,) = folder.glob("part.*"), folder.glob("whole.*")
    assert part.read_bytes() == whole.read_bytes()
    resumed = len(added)
    assert call(*words("part")).code == 0  # from the beginning
    assert len(added) == 2 * resumed + 1
    assert "nothing to resume" in call(*words("part"), "--resume").err


def test_the_curve_of_a_dream_goes_on_too(folder, call):
    common = ("dream", "cat.png", "--net", "chain.h5", "--size", 24, "--steps", 3, "--octaves", 2)
    common += ("--concentration", "curve.png", "--out")
    assert call(*common, "a.png").code == 0
    whole = pixels("curve.png")
    assert call(*common, "b.png", "--seconds", 1e-9).code == 0
    assert (pixels("curve.png") != whole).any()
    assert call(*common, "b.png", "--resume").code == 0
    np.testing.assert_array_equal(pixels("curve.png"), whole)
