"""`minivis patches` and `minivis codes`: an index and figures; one line for what is wrong."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "representation"))
from folder_of_pictures import make_bad, make_pictures

from minivis.cli import main
from minivis.cli.patches import units_of
from minivis.errors import InputError
from minivis.representation.codes import read_codes


def run(capsys, *argv):
    code = main(["patches", *map(str, argv)])
    out, err = capsys.readouterr()
    return code, out.splitlines(), err.splitlines()


def test_index_figures_and_the_list_of_what_was_left_out(tmp_path, capsys):
    folder = make_pictures(tmp_path / "pictures", 4)
    bad = make_bad(folder)
    argv = ["minivgg", folder, "--rows", "relu1_1,pool1", "--units", "0,3", "--top", 4, "--out", tmp_path / "out"]
    code, out, err = run(capsys, *argv)
    assert code == 0
    assert [Path(line).name for line in out] == ["index.h5", "relu1_1.png", "pool1.png"]
    assert err[0] == "left out, 5:"
    assert [line.split(":")[0].strip() for line in err[1:5]] == [str(folder / name) for name in bad]
    with Image.open(tmp_path / "out" / "relu1_1.png") as picture:
        assert np.asarray(picture).std() > 20
    before = (tmp_path / "out" / "index.h5").read_bytes()
    assert run(capsys, *argv) == (code, out, err)  # nothing is new
    assert (tmp_path / "out" / "index.h5").read_bytes() == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--rows", "relu9"], "no row named 'relu9'; did you mean"),
        (["--units", "0-16", "--rows", "relu1_1"], "relu1_1 has units 0 to 15, asked for 0-16"),
        (["--units", "x"], "--units takes numbers such as 0-7"),
        (["--workers", "0"], "expected 1 worker or more, got 0"),
        (["--batch", "0"], "a shard has 1 item or more"),
        (["--workers", "2", "--scheduler", "tcp://a:1"], "not both"),
        (["--top", "0"], "1 picture per unit or more"),
    ],
)
def test_wrong_options_are_one_line(tmp_path, capsys, options, message):
    folder = make_pictures(tmp_path / "pictures", 1)
    code, out, err = run(capsys, "minivgg", folder, "--out", tmp_path / "out", *options)
    assert (code, out, len(err)) == (2, [], 1)
    assert message in err[0]


def test_folders_without_pictures_are_one_line(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    for folder, message in (("empty", "there is no picture in"), ("missing", "there is no folder")):
        code, _, err = run(capsys, "minivgg", tmp_path / folder, "--out", tmp_path / "out")
        assert (code, len(err)) == (2, 1)
        assert message in err[0]


def test_an_index_of_other_rows_is_one_line(tmp_path, capsys):
    folder = make_pictures(tmp_path / "pictures", 2)
    argv = ["minivgg", folder, "--units", "0", "--out", tmp_path / "out", "--rows"]
    assert run(capsys, *argv, "relu1_1")[0] == 0
    code, _, err = run(capsys, *argv, "pool1")
    assert (code, len(err)) == (2, 1)
    assert "has relu1_1 with" in err[0]
    assert "choose another file" in err[0]


def test_codes(tmp_path, capsys):
    folder = make_pictures(tmp_path / "pictures", 3)
    make_bad(folder)
    argv = ["codes", "minivgg", folder, "--rows", "pool1,relu1_1", "--pool", "mean", "--out", tmp_path / "codes.h5"]
    assert main([*map(str, argv)]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [str(tmp_path / "codes.h5")]
    assert err.startswith("left out, 5:")
    codes = read_codes(tmp_path / "codes.h5")
    assert {row: values.shape for row, values in codes.values.items()} == {"pool1": (3, 16), "relu1_1": (3, 16)}
    assert main([*map(str, argv), "--rows", "pool2"]) == 2
    assert "choose another file" in capsys.readouterr().err


def test_units_of():
    assert units_of("all", "r", 3) == [0, 1, 2]
    assert units_of("2, 0-1,1", "r", 3) == [2, 0, 1]
    for wrong in ("", "3", "1-0", "-1", "a-b"):
        with pytest.raises(InputError):
            units_of(wrong, "r", 3)
