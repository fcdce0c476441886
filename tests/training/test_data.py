"""The folder, its split, what cannot be read, and the views."""

import hashlib

import numpy as np
import pytest
from PIL import Image
from tiny import TINY, make_folder, make_pictures

from minivis.errors import ImageFileError, InputError
from minivis.nets import Net, initial_weights
from minivis.training import Pictures, centre_views, open_folder, random_views, stored_side
from minivis.training.data import tenth


def test_split_is_by_the_hash_of_the_bytes_and_nothing_else(tmp_path):
    folder = open_folder(make_folder(tmp_path / "a"))
    for file in folder.files:
        number = int.from_bytes(hashlib.sha256(file.path.read_bytes()).digest(), "big")
        assert (file in folder.test) == (number % 10 == 0)
    assert sorted(folder.test + folder.training) == sorted(folder.files)
    assert 0 < len(folder.test) < len(folder.files) / 3
    # Renamed and in the company of others, each file stays on its side.
    for i, path in enumerate(sorted((tmp_path / "a").rglob("*.png"))):
        path.rename(path.with_name(f"other{997 * i % 1000}.png"))
    make_folder(tmp_path / "a", count=9, size=30)
    again = {file.sha256 for file in open_folder(tmp_path / "a").test}
    assert {file.sha256 for file in folder.test} <= again
    assert not {file.sha256 for file in folder.training} & again


def test_tenths_are_counted_from_the_whole_hash():
    assert [tenth("0a"), tenth("0b"), tenth("10"), tenth("f" * 63 + "e")] == [0, 1, 6, (16**64 - 2) % 10]


def test_equal_bytes_fall_on_the_same_side(tmp_path):
    root = make_folder(tmp_path)
    for file in open_folder(root).files:
        (file.path.with_name("copy-" + file.path.name)).write_bytes(file.path.read_bytes())
    folder = open_folder(root)
    assert not {file.sha256 for file in folder.test} & {file.sha256 for file in folder.training}


def test_classes_are_the_subfolders_in_order(tmp_path):
    folder = open_folder(make_folder(tmp_path, count=6))
    assert folder.classes == TINY.labels
    assert [file.label for file in folder.files] == [0, 0, 1, 1, 2, 2]
    assert all(file.path.parent.name == folder.classes[file.label] for file in folder.files)


def test_a_folder_that_is_none_or_has_no_classes_is_refused(tmp_path):
    with pytest.raises(ImageFileError, match="no folder"):
        open_folder(tmp_path / "missing")
    with pytest.raises(InputError, match="per class"):
        open_folder(tmp_path)
    make_folder(tmp_path, count=6)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no pictures"):
        open_folder(tmp_path)


@pytest.mark.parametrize("memory", [1 << 30, 0], ids=["held", "streamed"])
def test_unreadable_files_are_listed_and_the_rest_keep_their_labels(tmp_path, memory):
    root = make_folder(tmp_path, count=12)
    (root / "blue" / "000.png").write_bytes(b"no picture")
    (root / "green" / "zzz.jpg").write_bytes(b"")
    files = open_folder(root).files
    pictures = Pictures(files, 18, memory)
    assert [path.name for path, _ in pictures.unreadable] == ["000.png", "zzz.jpg"]
    assert all(reason for _, reason in pictures.unreadable)
    assert len(pictures) == len(pictures.labels) == len(files) - 2
    for i, file in enumerate(pictures.files):
        assert (pictures[[i]][0] == np.asarray(Image.open(file.path))).all()
        assert TINY.labels[pictures.labels[i]] == file.path.parent.name


def test_streamed_and_held_pictures_are_the_same(tmp_path):
    files = open_folder(make_folder(tmp_path, count=9, size=25)).files
    held, streamed = Pictures(files, 20), Pictures(files, 20, memory=0)
    for indices in ([3, 1, 1], slice(2, 7), np.array([8])):
        assert (held[indices] == streamed[indices]).all()
        assert streamed[indices].dtype == np.uint8
        assert held[indices].shape[1:] == (20, 20, 3)
    assert len(held) == len(streamed) == 9


@pytest.mark.parametrize("size", [(40, 30), (30, 41), (18, 18), (55, 20)])
def test_centre_views_are_what_the_net_makes_of_the_file(tmp_path, rng, size):
    root = make_folder(tmp_path, count=6)
    path = root / "red" / "wide.png"
    Image.fromarray(rng.integers(0, 256, (*size, 3), dtype=np.uint8)).save(path)
    net = Net(TINY, initial_weights(TINY, rng))
    pictures = Pictures([file for file in open_folder(root).files if file.path == path], stored_side(net.size))
    views = centre_views(pictures[:], net.size)
    assert views.dtype == np.float32
    assert (views == net.picture(path)).all()


def test_random_views_are_pictures_that_differ_and_repeat_with_the_seed():
    pictures, _ = make_pictures(6, size=20)
    kept = pictures.copy()
    views = random_views(pictures, 16, np.random.default_rng(1))
    assert views.shape == (6, 16, 16, 3) and views.dtype == np.float32
    assert views.min() >= 0 and views.max() <= 255
    assert (views == random_views(pictures, 16, np.random.default_rng(1))).all()
    assert (views != random_views(pictures, 16, np.random.default_rng(2))).any(axis=(1, 2, 3)).all()
    assert (pictures == kept).all()


def test_random_views_of_one_picture_are_mirrored_half_of_the_time():
    ramp = np.zeros((1, 40, 40, 3), np.uint8) + np.linspace(20, 200, 40).astype(np.uint8)[:, None]
    views = random_views(np.repeat(ramp, 200, 0), 16, np.random.default_rng(0))
    rising = (views[:, :, -1].mean((1, 2)) > views[:, :, 0].mean((1, 2))).mean()
    assert 0.4 < rising < 0.6


def test_random_views_blur_half_of_the_pictures():
    fine = np.zeros((200, 32, 32, 3), np.uint8)
    fine[:, :, 1::2] = 200  # stripes of one pixel: the finest detail there is
    contrast = random_views(fine, 32, np.random.default_rng(0)).std((1, 2, 3))
    sharp = (contrast > 50).mean()
    assert 0.35 < sharp < 0.65
