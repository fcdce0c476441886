"""Codes equal what the network gives for each picture, however the run went; a stranger's file does no harm."""

import os
import subprocess
import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import numpy as np
import pytest
from conftest import ROOT

sys.path.insert(0, str(Path(__file__).parent))
from folder_of_pictures import ROWS, make_bad, make_pictures, small_net

from minivis.errors import ImageFileError, InputError, UnknownName
from minivis.pictures import picture_files
from minivis.representation import passes
from minivis.representation.codes import read_codes, write_codes
from minivis.shards import Workers


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return make_pictures(tmp_path_factory.mktemp("pictures"), 21)


def write(folder, out, net=None, rows=ROWS, **options):
    return write_codes(net or small_net(), folder, rows, out, batch=4, **options)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_codes_are_what_the_network_gives(pictures, tmp_path, dtype):
    net = small_net(dtype=dtype)
    assert write(pictures, tmp_path / "codes.h5", net) == []
    codes = read_codes(tmp_path / "codes.h5", net)
    files = picture_files(pictures)
    assert codes.paths == files
    assert codes.classes == ["one", "two"]
    assert [codes.classes[label] for label in codes.labels] == [file.parent.name for file in files]
    for row in ROWS:
        expected = np.concatenate([net.capture(net.picture(file), [row])[row] for file in files])
        assert codes.values[row].dtype == dtype
        assert codes.values[row].shape == expected.shape
        np.testing.assert_allclose(codes.values[row], expected, rtol=1e-5 if dtype == np.float32 else 1e-12, atol=1e-6)
        assert codes.points(row).shape == (21, expected[0].size)
    assert not (tmp_path / "codes.h5.parts").exists()
    assert not list(tmp_path.glob(".*"))


def test_means_of_maps(pictures, tmp_path):
    write(pictures, tmp_path / "maps.h5")
    write(pictures, tmp_path / "means.h5", pool="mean")
    maps, means = read_codes(tmp_path / "maps.h5"), read_codes(tmp_path / "means.h5")
    assert (maps.pool, means.pool) == ("none", "mean")
    np.testing.assert_allclose(means.values["relu2"], maps.values["relu2"].mean((1, 2)), rtol=1e-6)
    np.testing.assert_array_equal(means.values["fc"], maps.values["fc"])


def test_the_file_reads_with_h5py_alone(pictures, tmp_path):
    write(pictures, tmp_path / "codes.h5")
    with h5py.File(tmp_path / "codes.h5") as file:
        assert file["codes/relu2"].shape == (21, 10, 10, 7)
        assert file.attrs["complete"] == 21
        assert file.attrs["net"] == b"small"
        assert list(file.attrs["rows"]) == [row.encode() for row in ROWS]


def test_bad_files_are_listed_and_skipped(tmp_path):
    folder = make_pictures(tmp_path / "pictures", 9)
    good = picture_files(folder)
    bad = make_bad(folder)
    lines = write(folder, tmp_path / "codes.h5")
    assert [line.partition(":")[0] for line in lines] == [
        *(str(folder / name) for name in bad),
        "1 files whose names are not those of pictures (.txt 1)",
    ]
    assert "damaged" in lines[0] and "empty" in lines[1] and "web page" in lines[2] and "tiny: 50 x 3" in lines[3]
    codes = read_codes(tmp_path / "codes.h5")
    assert codes.paths == good
    assert [entry.name for entry in codes.skipped] == bad
    assert len(codes.values["fc"]) == 9
    assert write(folder, tmp_path / "codes.h5") == lines  # told again, though nothing is read again


def test_a_skipped_file_that_was_repaired_is_used(tmp_path):
    folder = make_pictures(tmp_path / "pictures", 3)
    broken = folder / "two" / "cut.png"
    broken.write_bytes((folder / "two" / "0000.png").read_bytes()[:99])
    assert len(write(folder, tmp_path / "codes.h5")) == 1
    broken.write_bytes((folder / "two" / "0000.png").read_bytes())
    assert write(folder, tmp_path / "codes.h5") == []
    codes = read_codes(tmp_path / "codes.h5")
    assert codes.skipped == ()
    assert codes.paths[-1] == broken
    np.testing.assert_allclose(
        codes.points("fc")[-1], codes.points("fc")[codes.paths.index(folder / "two" / "0000.png")], rtol=1e-5
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [("nothing", "there is no picture in"), ("bad", "none of 1 pictures could be read; the first is .*empty")],
)
def test_a_folder_without_pictures(tmp_path, make, message):
    folder = tmp_path / "pictures"
    folder.mkdir()
    if make == "bad":
        (folder / "a.png").touch()
    with pytest.raises(ImageFileError, match=message):
        write(folder, tmp_path / "codes.h5")
    assert list(tmp_path.iterdir()) == [folder]
    with pytest.raises(ImageFileError, match="no folder"):
        write(tmp_path / "missing", tmp_path / "codes.h5")


def test_a_later_run_adds_the_new_pictures(tmp_path):
    folder = make_pictures(tmp_path / "pictures", 6)
    write(folder, tmp_path / "codes.h5")
    before = read_codes(tmp_path / "codes.h5")
    make_pictures(folder, 5, seed=1, first=6)
    counted = []
    write(folder, tmp_path / "codes.h5", progress=lambda done, total: counted.append((done, total)))
    assert counted == [(10, 11), (11, 11)]
    codes = read_codes(tmp_path / "codes.h5")
    assert codes.paths[:6] == before.paths
    np.testing.assert_array_equal(codes.values["relu2"][:6], before.values["relu2"])
    net = small_net()
    for path, value in zip(codes.paths, codes.values["relu2"], strict=True):
        np.testing.assert_allclose(value, net.capture(net.picture(path), ["relu2"])["relu2"][0], rtol=1e-5, atol=1e-6)


def test_a_picture_that_changed_is_an_error(tmp_path):
    folder = make_pictures(tmp_path / "pictures", 3)
    write(folder, tmp_path / "codes.h5")
    os.utime(folder / "one" / "0001.png", ns=(0, 12345))
    with pytest.raises(InputError, match=r"0001.png' has changed since .*codes.h5"):
        write(folder, tmp_path / "codes.h5")


@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_any_executor_gives_the_same_bytes(pictures, tmp_path, executor):
    write(pictures, tmp_path / "here.h5")
    with ThreadPoolExecutor(3) if executor == "threads" else Workers(2) as pool:
        write(pictures, tmp_path / "there.h5", executor=pool)
    assert (tmp_path / "there.h5").read_bytes() == (tmp_path / "here.h5").read_bytes()


POINTS = [
    ("shard", 3),
    ("before a file takes its place", 2),
    ("before a file takes its place", 7),
    ("before the parts go", 1),
]


@pytest.mark.parametrize(("point", "number"), POINTS)
def test_a_killed_run_goes_on_to_the_same_bytes(pictures, tmp_path, point, number):
    write(pictures, tmp_path / "whole.h5")
    out = tmp_path / "killed.h5"
    script = Path(__file__).parent / "killing.py"
    command = [sys.executable, script, "codes", pictures, out, point, str(number)]
    assert subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False).returncode == -9
    if point != "before the parts go":
        with pytest.raises(InputError, match="is not finished: the command that writes it goes on"):
            read_codes(out)
    done = []
    write(pictures, out, progress=lambda now, total: done.append(now))
    # 21 pictures in shards of 4; of what the first run had finished, nothing is done again.
    assert len(done) == {3: 6 - 3, 2: 6 - 1, 7: 0, 1: 0}[number]
    assert out.read_bytes() == (tmp_path / "whole.h5").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["killed.h5", "whole.h5"]


def test_ctrl_c_keeps_what_is_finished(pictures, tmp_path):
    def interrupt(done, total):
        if done == 12:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(pictures, tmp_path / "codes.h5", progress=interrupt)
    counted = []
    write(pictures, tmp_path / "codes.h5", progress=lambda done, total: counted.append(done))
    assert counted == [16, 20, 21]
    write(pictures, tmp_path / "whole.h5")
    assert (tmp_path / "codes.h5").read_bytes() == (tmp_path / "whole.h5").read_bytes()


def test_codes_of_something_else_are_one_clear_line(pictures, tmp_path):
    out = tmp_path / "codes.h5"
    write(pictures, out)
    other = small_net(seed=1)
    for call in (lambda: write(pictures, out, other), lambda: read_codes(out, other)):
        with pytest.raises(
            InputError, match=r"codes.h5' is of small with the weights \w{12}, not of small with \w{12}"
        ):
            call()
    with pytest.raises(InputError, match=r"has relu1, relu2, fc with .*, asked for fc with"):
        write(pictures, out, rows="fc")
    with pytest.raises(InputError, match=r"pool: none.*asked for.*pool: mean"):
        write(pictures, out, pool="mean")
    with pytest.raises(UnknownName, match="has no codes of 'conv9'; it has relu1, relu2, fc"):
        read_codes(out, rows="conv9")
    with pytest.raises(UnknownName, match="no codes of 'conv9' here; there are of fc"):
        read_codes(out, rows="fc").points("conv9")
    with pytest.raises(UnknownName, match="no layer named 'conv9'"):
        write(pictures, tmp_path / "b.h5", rows="conv9")
    with pytest.raises(InputError, match="pool is one of"):
        write(pictures, tmp_path / "b.h5", pool="max")
    with pytest.raises(InputError, match=r"no folder .* create it first"):
        write(pictures, tmp_path / "missing" / "b.h5")


def test_a_strangers_file_does_no_harm(pictures, tmp_path):
    write(pictures, tmp_path / "codes.h5")
    whole = (tmp_path / "codes.h5").read_bytes()
    bad = tmp_path / "bad.h5"
    with pytest.raises(InputError, match="cannot be opened"):
        read_codes(bad)
    os.mkfifo(bad)
    with pytest.raises(InputError, match="no regular file"):
        read_codes(bad)
    bad.unlink()
    for content in (b"", b"<html>", whole[: len(whole) // 2]):
        bad.write_bytes(content)
        with pytest.raises(InputError, match=r"bad\.h5"):
            read_codes(bad)
    for change, message in {
        "link": "link that leads elsewhere", "huge": "that the file can hold", "few": "damaged: 3 codes of fc for 21",
        "table": "pictures'?: is damaged", "format": "expected codes or patches", "outside": "a path inside its folder",
    }.items():  # fmt: skip
        bad.write_bytes(whole)
        with h5py.File(bad, "a") as file:
            if change == "link":
                del file["codes/fc"]
                file["codes/fc"] = h5py.ExternalLink(str(tmp_path / "codes.h5"), "/codes/fc")
            elif change == "huge":
                del file["codes/fc"]
                file.create_dataset("codes/fc", (1 << 40,), "f4")
            elif change == "few":
                del file["codes/fc"]
                file["codes/fc"] = np.zeros((3, 4), "f4")
            elif change == "format":
                file.attrs["format"] = np.bytes_(b"other")
            else:
                text = (
                    b'{"folders":["/a"],"pictures":[[0,"../../b",1,1,null]]}'
                    if change == "outside"
                    else b'{"pictures":[[1]]}'
                )
                del file["pictures"]
                file["pictures"] = np.frombuffer(text, np.uint8)
        with pytest.raises(InputError, match=message) as caught:
            read_codes(bad)
        assert "\n" not in str(caught.value)


def test_memory_does_not_grow_with_the_number_of_pictures(tmp_path, monkeypatch):
    monkeypatch.setattr(passes, "HELD", 80_000)  # a part after every third shard or so
    few, many = (make_pictures(tmp_path / str(n), n) for n in (20, 120))
    net = small_net()
    write(few, tmp_path / "warm.h5", net)
    peaks = []
    for folder in (few, many):
        tracemalloc.start()
        write(folder, tmp_path / f"{folder.name}.h5", net)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # The codes of 100 pictures would be 100 * 11 kB = 1.1 MB; their names and places in the table are some 1.5 kB each.
    assert peaks[1] - peaks[0] < 100 * 2000
