"""Writing our own layout, converting to it, hashing and identifying files."""

import os

import h5py
import numpy as np
import pytest
from weight_files import EXPECTED, WEIGHTS, assert_equal, caffe_npz, keras_1, without_top

from minivis.errors import InputError, WeightFileError
from minivis.weights import PUBLISHED, convert, hashing, identify, open_weights, save_weights, sha256_of, verifying
from minivis.weights.published import Published


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("MINIVIS_CACHE", str(folder))
    return folder


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


ATTRIBUTES = {
    "architecture": "tiny",
    "labels": ["Katze", "größer", "", "猫"],
    "accuracy": 0.93,
    "epochs": 30,
    "mean": [1.5, 2.0, 3.25],
    "note": "two\nlines",
}


def test_what_is_saved_comes_back(tmp_path):
    path = save_weights(tmp_path / "w.h5", WEIGHTS, attributes=ATTRIBUTES)
    assert path == tmp_path / "w.h5"
    file = open_weights(path, EXPECTED)
    assert_equal(file, WEIGHTS)
    assert file.attributes == ATTRIBUTES
    assert {name: type(value) for name, value in file.attributes.items()} == {n: type(v) for n, v in ATTRIBUTES.items()}


def test_the_order_of_the_rows_is_kept_and_rows_nest(tmp_path):
    rows = ["z", "a/b", "a", "conv10", "conv9"]
    weights = {row: {"kernel": np.full((2, 2), k, "f4"), "bias": np.full(2, k, "f4")} for k, row in enumerate(rows)}
    assert_equal(open_weights(save_weights(tmp_path / "w.h5", weights)), weights)


def test_other_names_than_kernel_and_bias(tmp_path):
    weights = {
        "lstm": {"input": np.ones((3, 8), "f4"), "hidden": np.ones((2, 8), "f4"), "gain": np.ones((1, 1, 2), "f4")}
    }
    assert_equal(open_weights(save_weights(tmp_path / "w.h5", weights)), weights)


def test_the_same_input_gives_the_same_bytes(tmp_path, monkeypatch):
    """Also a moment later: HDF5 can note the time of each dataset."""
    first = save_weights(tmp_path / "a.h5", WEIGHTS, attributes=ATTRIBUTES).read_bytes()
    with h5py.File(tmp_path / "timed.h5", "w") as f:
        f.create_dataset("x", data=np.ones(3), track_times=True)
    assert b"\x12\x00\x08\x00" in (tmp_path / "timed.h5").read_bytes()  # message 18: modification time
    assert b"\x12\x00\x08\x00" not in first
    assert save_weights(tmp_path / "b.h5", WEIGHTS, attributes=ATTRIBUTES).read_bytes() == first


def test_float16_halves_the_file(tmp_path):
    rows = {"fc7": {"kernel": np.random.default_rng(0).standard_normal((300, 300)), "bias": np.zeros(300)}}
    full, half = (save_weights(tmp_path / dtype, rows, dtype=dtype) for dtype in ("float32", "float16"))
    assert half.stat().st_size < 0.6 * full.stat().st_size
    kernel = open_weights(half).read("fc7")["kernel"]
    np.testing.assert_array_equal(kernel, rows["fc7"]["kernel"].astype("f2").astype("f4"))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({}, "no rows"),
        ({"": {"kernel": np.ones((2, 2))}}, "a row is named like"),
        ({"a//b": {"kernel": np.ones((2, 2))}}, "a row is named like"),
        ({"../a": {"kernel": np.ones((2, 2))}}, "a row is named like"),
        ({"a": {}}, "has no arrays"),
        ({"a": {"b/c": np.ones(2)}}, "an array of row 'a' is named like"),
        ({"a/kernel": {"bias": np.ones(2)}, "a": {"kernel": np.ones((2, 2))}}, "both a row and an array"),
        ({"a": {"kernel": np.ones((2, 2), int)}}, "expected an array of floats, got int64"),
        ({"a": {"kernel": np.float32(1)}}, "expected an array of floats"),
        ({"a": {"kernel": np.ones((0, 2))}}, "expected an array of floats"),
        ({"a": {"kernel": np.array([[1, np.nan]])}}, r"a/kernel\[0, 1\] is not a finite float32: nan"),
        ({"a": {"kernel": np.array([[1e39, 1]])}}, r"a/kernel\[0, 0\] is not a finite float32: 1e\+39"),
    ],
)
def test_rows_that_cannot_be_saved_leave_nothing_behind(tmp_path, rows, message):
    with pytest.raises(InputError, match=message):
        save_weights(tmp_path / "w.h5", rows)
    assert names_in(tmp_path) == []


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"rows": "x"}, "written by minivis itself"),
        ({"x": None}, "expected text, a number, or a list"),
        ({"x": True}, "expected text, a number, or a list"),
        ({"x": ["a", 1]}, "expected text, a number, or a list"),
        ({"x": "a\0b"}, "expected text, a number, or a list"),
        ({"labels": ["x" * 100] * 1000}, "100000 bytes; at most 60000"),
    ],
)
def test_attributes_that_cannot_be_saved(tmp_path, attributes, message):
    with pytest.raises(InputError, match=message):
        save_weights(tmp_path / "w.h5", WEIGHTS, attributes=attributes)
    assert names_in(tmp_path) == []


def test_float16_overflow_and_unknown_precision(tmp_path):
    with pytest.raises(InputError, match=r"not a finite float16: 70000\.0"):
        save_weights(tmp_path / "w.h5", {"a": {"kernel": np.full((2, 2), 7e4)}}, dtype="float16")
    with pytest.raises(InputError, match="dtype must be"):
        save_weights(tmp_path / "w.h5", WEIGHTS, dtype="int8")


def test_a_failed_save_keeps_the_old_file(tmp_path):
    old = save_weights(tmp_path / "w.h5", WEIGHTS).read_bytes()
    with pytest.raises(InputError):
        save_weights(tmp_path / "w.h5", WEIGHTS | {"fc9": {"kernel": np.full((2, 2), np.nan)}})
    assert (tmp_path / "w.h5").read_bytes() == old
    assert names_in(tmp_path) == ["w.h5"]


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(WeightFileError, match=r"w\.h5: cannot be written"):
        save_weights(tmp_path / "nowhere" / "w.h5", WEIGHTS)


def test_an_ordinary_file_mode(tmp_path):
    assert save_weights(tmp_path / "w.h5", WEIGHTS).stat().st_mode & 0o777 == 0o644


# -- converting ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("writer", [keras_1, caffe_npz])
def test_convert_keeps_the_numbers_and_says_where_they_came_from(tmp_path, writer):
    src = writer(tmp_path / "source", WEIGHTS)
    dst = convert(src, tmp_path / "w.h5", EXPECTED, attributes={"architecture": "tiny"})
    file = open_weights(dst, EXPECTED)
    assert_equal(file, WEIGHTS)
    assert file.layout == "minivis"
    assert file.attributes == {
        "source": "source",
        "source_sha256": sha256_of(src),
        "source_layout": {"keras_1": "keras-1", "caffe_npz": "caffe-npz"}[writer.__name__],
        "architecture": "tiny",
    }


def test_converting_twice_keeps_the_first_source(tmp_path):
    once = convert(keras_1(tmp_path / "source"), tmp_path / "once.h5")
    twice = convert(once, tmp_path / "twice.h5", dtype="float16", attributes={"note": "half"})
    assert open_weights(twice).attributes == open_weights(once).attributes | {"note": "half"}


def test_a_source_with_nan_is_not_converted(tmp_path):
    weights = WEIGHTS | {"fc8": {"kernel": np.full((8, 5), np.nan, "f4"), "bias": np.zeros(5, "f4")}}
    src = keras_1(tmp_path / "source", weights)
    with pytest.raises(WeightFileError, match=r"'fc8': kernel\[0, 0\] is nan"):
        convert(src, tmp_path / "w.h5")
    assert names_in(tmp_path) == ["source"]


# -- hashes --------------------------------------------------------------------------------------------------------


def test_sha256_is_remembered_in_the_cache_and_nowhere_else(tmp_path, cache, monkeypatch):
    path = tmp_path / "f"
    path.write_bytes(b"abc")
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, appendix B.1
    assert sha256_of(path) == known
    assert names_in(tmp_path) == ["f"]
    assert len(list(cache.rglob("*.json"))) == 1
    monkeypatch.setattr("hashlib.md5", None)  # hashing anything now fails
    assert sha256_of(path) == known
    with pytest.raises(TypeError):
        sha256_of(path, fresh=True)


def test_a_changed_file_is_hashed_again(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"abc")
    os.utime(path, ns=(0, 1))
    first = sha256_of(path)
    path.write_bytes(b"abd")
    os.utime(path, ns=(0, 2))
    assert sha256_of(path) != first


@pytest.mark.parametrize("note", ["", "{}", "[]", "null", '{"identity": 3}', "\xff"])
def test_a_damaged_note_is_ignored(tmp_path, cache, note):
    path = tmp_path / "f"
    path.write_bytes(b"abc")
    known = sha256_of(path)
    next(cache.rglob("*.json")).write_text(note, encoding="latin-1")
    assert sha256_of(path) == known


def test_63_a_cache_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("MINIVIS_CACHE", str(tmp_path / "file" / "below"))
    (tmp_path / "f").write_bytes(b"abc")
    assert sha256_of(tmp_path / "f").startswith("ba7816bf")


def test_a_file_that_changes_while_it_is_hashed(tmp_path, monkeypatch):
    path = tmp_path / "f"
    path.write_bytes(b"abc")
    now = hashing.identity_of(path)
    answers = iter([now, now._replace(mtime_ns=now.mtime_ns + 1)])
    monkeypatch.setattr(hashing, "identity_of", lambda path: next(answers))
    with pytest.raises(WeightFileError, match="changed while it was read"):
        sha256_of(path, fresh=True)


def test_hashing_a_fifo_is_refused(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(WeightFileError, match="not a regular file"):
        sha256_of(tmp_path / "fifo")


# -- identifying ---------------------------------------------------------------------------------------------------


@pytest.fixture
def published(tmp_path, monkeypatch):
    """A file that is published for the length of a test."""
    path = keras_1(tmp_path / "published.h5", without_top())
    md5 = hashing.digests_of(path).md5
    entry = Published(path.name, ("https://example.org/published.h5",), path.stat().st_size, md5, None, "ours", "MIT")
    monkeypatch.setitem(PUBLISHED, "tiny", entry)
    return path


def test_identify_a_published_file(published):
    report = identify(published, EXPECTED)
    assert (report.path, report.bytes, report.sha256) == (published, published.stat().st_size, sha256_of(published))
    assert (report.layout, report.rows) == ("keras-1", tuple(without_top()))
    assert (report.origin, report.loads, report.why) == ("published.h5: ours; MIT", True, "")


def test_31_a_bit_flip_in_a_published_file(published):
    """The numbers are still numbers, so only the hash can tell."""
    data = bytearray(published.read_bytes())
    data[data.index(WEIGHTS["conv1_1"]["bias"].tobytes())] ^= 1
    published.write_bytes(data)
    report = identify(published, EXPECTED)
    assert (report.origin, report.loads) == ("origin unknown", False)
    assert "the published one is" in report.why
    assert open_weights(published).origin == "origin unknown"


def test_31_a_bit_flip_in_an_unknown_file(tmp_path):
    report = identify(keras_1(tmp_path / "mine.h5"), EXPECTED)
    assert (report.origin, report.loads) == ("origin unknown", True)


def test_origin_is_known_after_the_hash_is(published, cache):
    file = open_weights(published)
    for note in cache.rglob("*.json"):
        note.unlink()
    assert file.origin == "origin unknown"
    identify(published)
    assert file.origin == "published.h5: ours; MIT"


def test_identify_reads_every_number(tmp_path):
    weights = WEIGHTS | {"fc8": {"kernel": np.full((8, 5), np.inf, "f4"), "bias": np.zeros(5, "f4")}}
    report = identify(keras_1(tmp_path / "w.h5", weights))
    assert not report.loads
    assert "'fc8': kernel[0, 0] is inf" in report.why
    assert report.layout == "keras-1"


def test_identify_what_is_no_weight_file(tmp_path):
    (tmp_path / "w.h5").write_bytes(b"<!DOCTYPE html>")
    report = identify(tmp_path / "w.h5")
    assert (report.layout, report.rows, report.loads) == ("", (), False)
    assert "web page" in report.why
    with pytest.raises(WeightFileError, match="no such file"):
        identify(tmp_path / "missing.h5")


def test_the_published_files_are_those_of_keras():
    full, notop = PUBLISHED["vgg16"], PUBLISHED["vgg16-notop"]
    assert (full.bytes, full.md5) == (553_467_096, "64373286793e3c8b2b4e3219cbf3544b")
    assert (notop.bytes, notop.md5) == (58_889_256, "6d6bbae143d832006294945121d1f1fc")
    # 138,357,544 and 14,714,688 float32 numbers, and the HDF5 around them
    assert 0 < full.bytes - 4 * 138_357_544 < 40_000
    assert 0 < notop.bytes - 4 * 14_714_688 < 40_000
    assert all(url.startswith("https://") for entry in PUBLISHED.values() for url in entry.urls)
    assert verifying.PUBLISHED is PUBLISHED


def test_progress_is_told_to_the_end_and_never_goes_back(tmp_path):
    rows = {f"row{i}": {"kernel": np.ones((2, 3), "float32")} for i in range(3)}
    path, told = save_weights(tmp_path / "a.h5", rows), []
    assert identify(path, progress=lambda *two: told.append(two)).loads
    size = path.stat().st_size
    assert told == [(size, 2 * size), *((size + size * n // 3, 2 * size) for n in (1, 2, 3))]
    told.clear()
    convert(path, tmp_path / "b.h5", progress=lambda *two: told.append(two))
    assert told == [(1, 3), (2, 3), (3, 3)]
