"""minivis neighbours and minivis embed: tables, files, resumption, and what is told in one line."""

import csv
from pathlib import Path

import h5py
import numpy as np
import pytest
from command_line import caller, prepare
from PIL import Image

from minivis.cli.making.states import load_state, save_state
from minivis.cli.mapping import embed, neighbours
from minivis.cli.mapping.album import Album, code_row, list_album
from minivis.errors import InputError
from minivis.nets import load
from minivis.pictures import save_picture
from minivis.representation.codes import write_codes
from minivis.training.data import tenth

RED, BLUE = np.array([200.0, 40, 40]), np.array([40.0, 40, 200])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    return prepare(tmp_path, monkeypatch)


@pytest.fixture
def photos(folder):
    """Six photographs of each of two classes, red and blue ones; one file is no picture."""
    rng = np.random.default_rng(7)
    for name, colour in (("blue", BLUE), ("red", RED)):
        (folder / "photos" / name).mkdir(parents=True)
        for i in range(6):
            save_picture(
                folder / "photos" / name / f"{i}.png", np.clip(colour + rng.normal(0, 25, (20, 20, 3)), 0, 255)
            )
    (folder / "photos" / "red" / "broken.png").write_text("no picture")
    return folder / "photos"


@pytest.fixture
def call(capsys):
    return caller(capsys)


def size(path):
    with Image.open(path) as image:
        return image.size


def percentages(out, name):
    (line, *_) = (line for line in out.splitlines() if line.startswith(name))
    return [float(word[:-1]) for word in line.split() if word.endswith("%")]


# Neighbours.


def test_neighbours_prints_both_kinds_and_draws_a_sheet(folder, photos, call):
    said = call("neighbours", "chain.h5", "photos", "--k", 3, "--show", 4)
    assert said.code == 0
    assert said.out.startswith("12 photographs, each with its 3 nearest among 11 others")
    assert percentages(said.out, "pixels") == [100, 100]
    assert len(percentages(said.out, "relu3")) == 2  # the row that the classifier reads, before its dropout
    assert percentages(said.out, "blue")[0] == 100
    assert "minivis-neighbours.png: 4 of 12 photographs" in said.out
    assert "left out, since they cannot be used: 1 files" in said.err
    assert "broken.png" in said.err
    assert size("minivis-neighbours.png")[0] > 700


def test_the_table_counts_as_brute_force_does(folder, photos, call):
    said = call("neighbours", "chain.h5", "photos", "--k", 3, "--row", "pool1", "--metric", "cosine")
    net = load("chain.h5")
    album = list_album("photos")
    good = [i for i in range(len(album)) if "broken" not in album.files[i]]
    codes = np.concatenate([net.capture(net.picture(album.path(i)), ["pool1"])["pool1"].reshape(1, -1) for i in good])
    labels = album.labels[good]
    unit = codes / np.linalg.norm(codes, axis=1, keepdims=True)
    apart = 1 - unit @ unit.T
    np.fill_diagonal(apart, np.inf)
    agreeing = (labels[np.argsort(apart, 1)[:, :3]] == labels[:, None]).sum(1)
    expected = [100 * (agreeing >= 2).mean(), 100 * agreeing.mean() / 3]
    np.testing.assert_allclose(percentages(said.out, "pool1"), expected, atol=0.051)


def test_a_query_that_lies_in_the_folder_is_not_its_own_neighbour(folder, photos, call, monkeypatch):
    seen = []
    real = neighbours.search
    monkeypatch.setattr(neighbours, "search", lambda *given: seen.append(real(*given)) or seen[0])
    said = call("neighbours", "chain.h5", "photos", "--query", "photos/red/3.png", "cat.png", "--k", 2)
    assert said.code == 0
    (found,) = seen
    assert (len(found.queries), len(found.points)) == (2, 11)
    assert "red/3.png" not in found.points.files
    assert "2 photographs, each with its 2 nearest among 11" in said.out
    assert percentages(said.out, "red")  # cat.png is of no class, and not counted
    assert "1 of" not in said.out


def test_held_back_photographs_look_among_the_others(folder, photos, call):
    hashes = list_album("photos").held_back
    if not hashes.any():  # ten more chances each
        rng = np.random.default_rng(1)
        for i in range(40):
            save_picture(photos / "red" / f"more{i}.png", np.clip(RED + rng.normal(0, 25, (20, 20, 3)), 0, 255))
    album = list_album("photos")
    usable = [i for i in range(len(album)) if "broken" not in album.files[i]]
    back = int(album.only(usable).held_back.sum())
    said = call("neighbours", "chain.h5", "photos", "--held-back", "--k", 3)
    assert said.out.startswith(f"{back} photographs, each with its 3 nearest among {len(usable) - back}")


def test_a_folder_without_classes_has_no_table(folder, call):
    said = call("neighbours", "chain.h5", ".", "--k", 1, "--out", "sheet.png")
    assert (said.code, said.err) == (0, "")
    assert "%" not in said.out
    assert size("sheet.png")


def test_the_default_row_is_that_before_the_dropout(folder):
    assert code_row(load("chain.h5")) == "relu3"
    assert code_row(load("chain.h5"), "pool2") == "pool2"
    assert code_row(load("minivgg")) == "relu7"


def test_shown_rows_are_evenly_chosen():
    assert neighbours.evenly(8, 4) == [1, 3, 5, 7]
    assert neighbours.evenly(3, 8) == [0, 1, 2]


def test_the_held_back_tenth_is_that_of_the_training(folder, photos):
    import hashlib

    album = list_album("photos")
    expected = [tenth(hashlib.sha256(album.path(i).read_bytes()).hexdigest()) == 0 for i in range(len(album))]
    np.testing.assert_array_equal(album.held_back, expected)


def test_a_limit_takes_evenly(folder, photos):
    album = list_album("photos", 4)
    assert album.files == ["blue/0.png", "blue/3.png", "red/0.png", "red/3.png"]
    assert [album.class_of(i) for i in range(4)] == ["blue", "blue", "red", "red"]


# Maps.


@pytest.mark.parametrize("method", ["tsne", "pca", "isomap"])
def test_embed_writes_the_map_and_its_coordinates(folder, photos, call, method):
    extra = ("--perplexity", 3, "--steps", 30, "--neighbours", 8)
    said = call("embed", "chain.h5", "photos", "--method", method, *extra, "--grid", 3, "--out", "map.png")
    assert said.code == 0
    assert "12 photographs by relu3 of chain" in said.out
    assert "broken.png" in said.err
    assert size("map.png")[1] > 760
    assert size("map-grid.png") == (3 * embed.CELL, 3 * embed.CELL)
    with Path("map-coordinates.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [line["file"] for line in table] == [f"{c}/{i}.png" for c in ("blue", "red") for i in range(6)]
    assert {line["class"] for line in table} == {"blue", "red"}
    with h5py.File("map-coordinates.h5") as file:
        places = file["embedding"][:]
        assert file["file"].asstr()[0] == "blue/0.png"
        assert file["class"].asstr()[11] == "red"
        assert (file.attrs["method"], file.attrs["codes"]) == (method, "relu3 of chain")
    np.testing.assert_array_equal(places.astype("float64"), [[float(line["x"]), float(line["y"])] for line in table])
    assert not (folder / "map.png.state.npz").exists()


def test_who_is_alone_in_a_class_is_not_counted():
    places, codes = np.array([[0.0], [0.1], [5], [5.2], [9]]), np.array([[0.0], [1], [0.2], [1.1], [9]])
    album = Album(Path(), list("abcde"), ("x", "y", "z"), np.array([0, 0, 1, 1, 2]), [])
    assert embed.nearest_share(places, album) == 1
    assert embed.nearest_share(codes, album) == 0
    assert np.isnan(embed.nearest_share(codes, album.only([0, 2, 4])))


def test_a_class_that_loses_all_but_one_is_refused(folder, photos, call):
    for i in range(1, 6):
        (photos / "red" / f"{i}.png").write_text("no picture")
    said = call("neighbours", "chain.h5", "photos", "--k", 2)
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert "only one photograph in 'red'" in said.err


def test_a_grid_has_each_picture_once(folder, photos, call):
    said = call("embed", "chain.h5", "photos", "--method", "pca", "--grid", 4, "--once")
    assert "4 x 4 cells, 12 pictures" in said.out


def test_embed_takes_codes_from_a_file(folder, photos, call):
    net = load("chain.h5")
    write_codes(net, "photos", ["relu3", "pool2"], "codes.h5")
    common = ("--method", "pca", "--out")
    assert call("embed", "chain.h5", "photos", *common, "seen.png").code == 0
    said = call("embed", "chain.h5", "--from", "codes.h5", *common, "read.png")
    assert (said.code, said.err) == (0, "")
    assert "12 photographs by relu3 of chain" in said.out
    with h5py.File("seen-coordinates.h5") as seen, h5py.File("read-coordinates.h5") as read:
        np.testing.assert_allclose(read["embedding"][:], seen["embedding"][:], atol=1e-4)
        assert list(read["file"]) == list(seen["file"])
    said = call(
        "embed", "chain.h5", "photos/red", "--from", "codes.h5", "--row", "pool2", "--limit", 4, *common, "x.png"
    )
    assert "4 photographs by pool2" in said.out
    with h5py.File("x-coordinates.h5") as file:
        assert set(file["class"].asstr()) == {"red"}


def test_codes_that_do_not_fit_are_told_in_one_line(folder, photos, call):
    write_codes(load("chain.h5"), "photos", "pool2", "codes.h5")
    for argv, told in [
        (("class_maps.h5", "--from", "codes.h5"), "is of chain with the weights"),
        (("chain.h5", "--from", "codes.h5", "--row", "relu3"), "has no codes of 'relu3'; it has pool2"),
        (("chain.h5", "empty", "--from", "codes.h5"), "no codes of pictures in 'empty'"),
        (("chain.h5", "--from", "no.h5"), "no.h5"),
        (("chain.h5", "--from", "cat.png"), "cat.png"),
        (("chain.h5",), "a FOLDER, or --from"),
    ]:
        said = call("embed", *argv)
        assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)
        assert told in said.err


def interrupt_at(monkeypatch, step):
    """Let the descent be interrupted in its iteration `step`."""
    from minivis.representation import tsne

    real, done = tsne.gradient, []

    def gradient(*given):
        done.append(1)
        if len(done) == step:
            raise KeyboardInterrupt
        return real(*given)

    monkeypatch.setattr(tsne, "gradient", gradient)


COMMON = ("embed", "chain.h5", "photos", "--perplexity", 3, "--steps", 60, "--out")


def test_an_interrupted_map_is_resumed_to_the_same_bits(folder, photos, call, monkeypatch):
    assert call(*COMMON, "whole.png").code == 0
    with monkeypatch.context() as patch:
        interrupt_at(patch, 41)
        said = call(*COMMON, "part.png")
    assert (said.code, said.err) == (130, "minivis: interrupted; what was finished stays\n")
    assert size("part.png")[1] > 760
    assert load_state(folder / "part.png.state.npz")["state"]["step"] == 40
    (photos / "blue" / "0.png").rename(photos / "away.bin")  # what was read need not be read again
    assert call(*COMMON, "part.png", "--resume", "--grid", 2).code == 0
    with h5py.File("whole-coordinates.h5") as whole, h5py.File("part-coordinates.h5") as part:
        np.testing.assert_array_equal(part["embedding"][:], whole["embedding"][:])
    assert not (folder / "part.png.state.npz").exists()


def test_a_state_is_kept_every_half_minute(folder, photos, monkeypatch):
    kept = []
    monkeypatch.setattr(embed, "save_state", lambda path, state: kept.append(state["state"]["step"]))
    monkeypatch.setattr(embed, "EVERY", 10)
    ticks = iter(range(0, 1000, 16))
    from minivis.cli import build_parser

    arguments = build_parser(["embed"]).parse_args([str(word) for word in (*COMMON, "map.png")])
    embed.run(arguments, clock=lambda: next(ticks))
    assert kept == [20, 40, 60]


def test_a_state_of_other_options_is_refused(folder, photos, call, monkeypatch):
    with monkeypatch.context() as patch:
        interrupt_at(patch, 3)
        call(*COMMON, "part.png")
    said = call(*COMMON, "part.png", "--resume", "--perplexity", 2)
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert "had perplexity = 3.0, not 2.0" in said.err
    save_state(folder / "part.png.state.npz", {"step": 3})
    assert "is no state of a map" in call(*COMMON, "part.png", "--resume").err


# What is wrong.


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (("neighbours", "chain.h5", "empty"), "there is no picture in 'empty'"),
        (("neighbours", "chain.h5", "nowhere"), "there is no folder 'nowhere'"),
        (("neighbours", "chain.h5", "photos", "--k", 12), "12 photographs are too few for 12 neighbours"),
        (("neighbours", "chain.h5", "photos", "--row", "relu9"), "no layer named 'relu9'"),
        (("neighbours", "chain.h5", "photos", "--query", "no.png"), "there is no photograph 'no.png'"),
        (("neighbours", "chain.h5", "alone"), "only one photograph in 'one'"),
        (("neighbours", "chain.h5", "bad"), "none of the 1 pictures can be read"),
        (("neighbours", "chian", "photos"), "did you mean"),
        (("embed", "chain.h5", "empty"), "there is no picture in 'empty'"),
        (("embed", "chain.h5", "photos"), "13 points are too few for a perplexity of 30: it may be 4 at most"),
        (("embed", "chain.h5", "photos", "--perplexity", "4"), "12 points are too few for a perplexity of 4"),
        (("embed", "chain.h5", "photos", "--perplexity", "0.5"), "above 1, got 0.5"),
        (("embed", "chain.h5", "photos", "--perplexity", "3", "--grid", "3", "--once"), "4 x 4 would do"),
        (("embed", "chain.h5", "photos", "--method", "isomap", "--neighbours", "12"), "asked for 12"),
        (("embed", "chain.h5", "photos", "--method", "pca", "--resume"), "nothing to resume"),
        (("embed", "chain.h5", "photos", "--resume"), "nothing to resume"),
        (("embed", "chain.h5", "photos", "--out", "map.h5"), "such as map.png, got 'map.h5'"),
        (("neighbours", "chain.h5", "photos", "--out", "nowhere/x.png"), "got 'nowhere/x.png'"),
        (("embed", "chain.h5", "photos", "--method", "pca", "--limit", "2"), "needs 3 photographs or more"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(folder, photos, call, argv, told):
    for name in ("empty", "alone/one", "alone/two", "bad"):
        (folder / name).mkdir(parents=True)
    for name in ("one/a", "two/a", "two/b"):
        save_picture(folder / "alone" / f"{name}.png", np.full((20, 20, 3), 9.0))
    (folder / "bad" / "x.png").write_text("no picture")
    said = call(*argv)
    assert (said.code, said.out) == (2, "")
    assert said.err.count("\n") == 1
    assert told in said.err
    assert not list(folder.glob("minivis-*"))


def test_too_much_for_the_memory_is_told(folder, photos, call, monkeypatch):
    from minivis.cli.mapping import album

    monkeypatch.setattr(album, "MEMORY", 10_000)
    said = call("neighbours", "chain.h5", "photos", "--row", "input")
    assert said.code == 2
    assert "--limit 2" in said.err


def test_a_photograph_that_has_gone_is_a_white_cell(tmp_path):
    album = Album(tmp_path, ["gone.png"], (), np.zeros(1, int), [])
    assert (embed.picture_or_white(album, 0) == 255).all()
    assert [file for file, _ in album.unreadable] == ["gone.png"]


def test_classes_of_one_photograph_are_refused():
    alone = Album(None, ["a/1", "b/1", "b/2"], ("a", "b"), np.array([0, 1, 1]), [])
    with pytest.raises(InputError, match="only one photograph in 'a'"):
        neighbours.check_classes(alone)


# What is kept of a map.


@pytest.mark.parametrize("method", ["tsne", "pca"])
def test_codes_are_kept_until_the_map_is_there(folder, photos, call, monkeypatch, method):
    from minivis.representation import codes

    common = (
        "embed",
        "chain.h5",
        "photos",
        "--method",
        method,
        "--perplexity",
        3,
        "--steps",
        20,
        "--batch",
        4,
        "--out",
    )
    assert call(*common, "whole.png").code == 0
    real, read = codes.read_batch, []

    def interrupted(net, paths):
        if len(read) == 8:
            raise KeyboardInterrupt
        read.extend(paths)
        return real(net, paths)

    with monkeypatch.context() as patch:
        patch.setattr(codes, "read_batch", interrupted)
        assert call(*common, "part.png").code == 130
    assert not (folder / "part.png").exists()
    again = []
    monkeypatch.setattr(codes, "read_batch", lambda net, paths: (again.extend(paths), real(net, paths))[1])
    said = call(*common, "part.png", "--resume")
    assert said.code == 0
    assert len(again) == 5 and "broken.png" in said.err
    assert not list(folder.glob("part.png.*"))
    assert (folder / "part.png").read_bytes() == (folder / "whole.png").read_bytes()
    assert (folder / "part-coordinates.csv").read_bytes() == (folder / "whole-coordinates.csv").read_bytes()


def test_a_resumed_map_tells_again_what_was_left_out(folder, photos, call, monkeypatch):
    with monkeypatch.context() as patch:
        interrupt_at(patch, 3)
        assert call(*COMMON, "part.png").code == 130
    said = call(*COMMON, "part.png", "--resume")
    assert said.code == 0
    assert "left out, since they cannot be used: 1 files" in said.err and "broken.png" in said.err


def test_embed_with_other_processes_gives_the_same_map(folder, photos, call):
    common = ("embed", "minivgg", "photos", "--method", "pca", "--batch", 4, "--out")
    assert call(*common, "here.png").code == 0
    said = call(*common, "there.png", "--workers", 2)
    assert said.code == 0, said.err
    assert (folder / "there-coordinates.csv").read_bytes() == (folder / "here-coordinates.csv").read_bytes()
