"""The command `minivis fool`: what it writes, what it tells, and how it goes on after an interrupt."""

import argparse
import json
from pathlib import Path

import numpy as np
import pytest
from small import CHAIN, pictures, small_net

import minivis as mv
from minivis.cli.making import fool as fool_command
from minivis.nets import ARCHITECTURES
from minivis.synthesis.recipes.evolve import Evolution
from minivis.synthesis.recipes.fool import Stepwise
from minivis.synthesis.recipes.fooled import ten_times
from minivis.synthesis.recipes.least_change import LeastChange
from minivis.weights import save_weights


@pytest.fixture
def command(tmp_path, monkeypatch):
    """A function that calls `minivis fool` in a folder with a small network and two photographs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(ARCHITECTURES, CHAIN.name, CHAIN)
    save_weights("chain.h5", small_net(seed=2).weights, attributes={"architecture": CHAIN.name})
    for n, name in enumerate(("cat.png", "dog.png")):
        mv.save_picture(name, pictures(seed=n, n=1)[0].repeat(2, 0).repeat(2, 1))
    parser = argparse.ArgumentParser()
    fool_command.add_commands(parser.add_subparsers(), argparse.ArgumentParser(add_help=False))

    def call(*argv):
        arguments = parser.parse_args(["fool", "--net", "chain.h5", *map(str, argv)])
        arguments.run(arguments)
        return json.loads(Path("minivis-fool/summary.json").read_text()) if Path("minivis-fool").is_dir() else None

    return call


FILES = {"fooled.png", "difference.png", "difference-x10.png", "figure.png", "summary.json"}


@pytest.mark.parametrize("method", ["step", "fgsm", "ifgsm", "lbfgs"])
def test_the_command_writes_what_it_did(method, command, capsys):
    told = command("cat.png", "--to", "dog", "--method", method)
    assert {path.name for path in Path("minivis-fool").iterdir()} == FILES
    picture, net = mv.read_picture("minivis-fool/fooled.png"), mv.load("chain.h5")
    top = net.top(picture[None], 5)[0]
    assert told["class"]["name"] == "dog" and told["fooled"] == (top[0][0] == "dog")
    assert told["fooled, read again from the file"] == told["fooled"]
    assert [name for name, _ in told["after"]] == [name for name, _ in top]
    difference = picture - net.picture("cat.png")[0]
    assert told["norm of the difference"] == pytest.approx(float(np.linalg.norm(difference)))
    assert np.array_equal(mv.read_picture("minivis-fool/difference-x10.png"), np.rint(ten_times(difference)))
    assert ("not fooled" in capsys.readouterr().out) != told["fooled"]


@pytest.mark.parametrize("method", ["noise", "evolve", "cppn"])
def test_the_command_starts_from_nothing(method, command):
    told = command("--to", "2", "--method", method, "--steps", "4")
    assert told["picture"] == "nothing" and told["steps"] == 4 and told["class"]["index"] == 2
    assert {path.name for path in Path("minivis-fool").iterdir()} == FILES


def test_the_command_sends_many_to_one(command, capsys):
    assert command("cat.png", "dog.png", "--to", "ant", "--out", "many", "--lr", "9") is None
    assert {path.name for path in Path("many").iterdir()} == {"01-cat", "02-dog", "fooled.png"}
    for folder in ("01-cat", "02-dog"):
        assert {path.name for path in Path("many", folder).iterdir()} == FILES
        assert json.loads(Path("many", folder, "summary.json").read_text())["class"]["name"] == "ant"
    assert "of 2 pictures have fooled chain" in capsys.readouterr().out


@pytest.mark.parametrize("method", ["step", "lbfgs", "cppn"])
def test_the_command_goes_on_after_an_interrupt(method, command, monkeypatch):
    photo = ["cat.png"] if method != "cppn" else []
    more = {"step": ["--lr", "0.5", "--margin", "9", "--steps", "6"], "lbfgs": [], "cppn": ["--steps", "6"]}[method]
    argv = [*photo, "--to", "dog", "--method", method, *more]
    whole = command(*argv)
    picture = mv.read_picture("minivis-fool/fooled.png")
    with pytest.raises(KeyboardInterrupt), monkeypatch.context() as patch:
        calls = []

        def tired(*_):
            calls.append(1)
            if len(calls) > 2:
                raise KeyboardInterrupt
            return original(*_)

        kind = {"step": Stepwise, "lbfgs": LeastChange, "cppn": Evolution}[method]
        original = kind.__next__
        patch.setattr(kind, "__next__", tired)
        command(*argv)
    assert {path.name for path in Path("minivis-fool").iterdir()} == {*FILES, "fooled.png.state.npz"}
    assert json.loads(Path("minivis-fool/summary.json").read_text())["steps"] < whole["steps"]
    assert command(*argv, "--resume") == whole
    assert np.array_equal(mv.read_picture("minivis-fool/fooled.png"), picture)


@pytest.mark.parametrize(
    ("words", "argv"),
    [
        ("needs a PHOTO", ["--to", "dog"]),
        ("leave the PHOTO out", ["cat.png", "--to", "dog", "--method", "noise"]),
        ("needs --to", ["--method", "cppn"]),
        ("--eps has no meaning", ["cat.png", "--eps", "2"]),
        ("--steps has no meaning", ["cat.png", "--method", "fgsm", "--steps", "2"]),
        ("no class is called 'ostrich'", ["cat.png", "--to", "ostrich"]),
        ("class 9 is out of range", ["cat.png", "--to", "9"]),
        ("no picture file", ["bird.png", "--to", "dog"]),
    ],
)
def test_the_command_tells_what_is_wrong_before_it_writes(words, argv, command):
    with pytest.raises(mv.MinivisError, match=words):
        command(*argv)
    assert not Path("minivis-fool").exists()
