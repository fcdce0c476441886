"""Where pictures come from, which are held back, and what is said of files that are damaged."""

import gzip
import hashlib
import io
import os
import struct
import zipfile

import numpy as np
import pytest
from conftest import shared_path
from PIL import Image
from tiny import TINY, make_folder, make_pictures

from minivis.errors import ImageFileError, InputError
from minivis.pictures import centre_crop, resize_short_side
from minivis.scenes import make_scenes, synthetic_faces
from minivis.training import sources
from minivis.training.arrays import read_idx_array
from minivis.training.sources import GreyPictures, open_data


def grey(count, size=6, seed=0, height=None):
    return np.random.default_rng(seed).integers(0, 256, (count, height or size, size), dtype=np.uint8)


def rgb(pictures):
    return np.repeat(pictures[..., None], 3, -1)


def idx(array, code=0x08):
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape) + array.tobytes()


def write_mnist(folder, end="", count=40):
    """Write the four files as MNIST has them, and return their arrays."""
    arrays = {}
    for part, n, seed in (("train", count, 1), ("t10k", 10, 2)):
        pictures, labels = grey(n, seed=seed), (np.arange(n) % 4).astype(np.uint8)
        for kind, array, axes in (("images", pictures, 3), ("labels", labels, 1)):
            data = idx(array)
            path = folder / f"{part}-{kind}-idx{axes}-ubyte{end}"
            path.write_bytes(gzip.compress(data, mtime=0) if end else data)
            arrays[part, kind] = array
    return arrays


# -- what is read ------------------------------------------------------------------------------------------------------


@pytest.fixture
def few(monkeypatch):
    """Few pictures are drawn."""
    for name, count in {"FACES_EACH": 4, "FACES_TEST_EACH": 3, "SCENES_EACH": 4, "SCENES_TEST_EACH": 2}.items():
        monkeypatch.setattr(sources, name, count)
    monkeypatch.setattr(sources, "BLOCK", 7)


def test_faces_are_drawn_apart(few):
    data = open_data("faces", 16)
    assert len(data.shown) == 24 and len(data.hidden) == 18
    assert data.classes == ("Ada", "Ben", "Cora", "Dan", "Eve", "Finn") and data.size == 16
    assert (data.hidden == synthetic_faces(3, "test", 16).pictures).all()
    other = open_data("faces", 16, validate=True)
    assert other.sha256 == data.sha256
    assert len(np.unique(np.concatenate([data.shown, data.hidden, other.hidden]).reshape(60, -1), axis=0)) == 60


def test_scenes_are_drawn_apart(few):
    data, other = open_data("shapes", 32), open_data("shapes", 32, validate=True)
    assert (len(data.shown), len(data.hidden), len(data.classes)) == (24, 12, 6)
    assert np.bincount(data.shown_labels).tolist() == [4] * 6 and np.bincount(data.hidden_labels).tolist() == [2] * 6
    scenes = make_scenes(24, 32)
    assert (data.shown == scenes.pictures).all() and (data.shown_labels == scenes.labels).all()
    assert (data.hidden[3] == make_scenes(1, 32, first=1_200_003).pictures[0]).all()
    assert len(np.unique(np.concatenate([data.shown, data.hidden, other.hidden]).reshape(48, -1), axis=0)) == 48
    textures = open_data("textures", 32)
    assert (len(textures.shown), len(textures.hidden), textures.classes) == (12, 6, ("striped", "dotted", "checked"))
    assert (textures.shown == make_scenes(12, 32, by="texture").pictures).all()
    views = data.view(data.shown[:8], 32, np.random.default_rng(0))
    assert views.dtype == np.float32
    for view, picture in zip(views, data.shown[:8], strict=True):  # a view is the picture turned, its colours exchanged
        assert np.sort(view.ravel()).tolist() == np.sort(picture.ravel()).tolist()
    assert (views != data.shown[:8]).any(axis=(1, 2, 3)).sum() > 5


@pytest.mark.parametrize("end", ["", ".gz"])
@pytest.mark.parametrize("named", ["folder", "file"])
def test_idx_files_are_read_with_their_companions(tmp_path, end, named):
    arrays = write_mnist(tmp_path, end)
    path = tmp_path if named == "folder" else tmp_path / f"train-images-idx3-ubyte{end}"
    data = open_data(str(path))
    assert (data.size, data.classes) == (6, ("0", "1", "2", "3"))
    assert (data.shown[:] == rgb(arrays["train", "images"])).all()
    assert (data.hidden[[3, 1]] == rgb(arrays["t10k", "images"][[3, 1]])).all()
    assert (data.shown_labels == arrays["train", "labels"]).all()
    assert (data.hidden_labels == arrays["t10k", "labels"]).all()


def test_idx_files_without_a_test_part_are_split_by_hash(tmp_path):
    write_mnist(tmp_path, count=400)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    data = open_data(str(tmp_path))
    assert 20 < len(data.hidden) < 70 and len(data.hidden) + len(data.shown) == 400
    for picture in data.hidden.grey:
        assert int(hashlib.sha256(picture.tobytes()).hexdigest(), 16) % 10 == 0


def test_validation_leaves_the_test_part_of_the_files_alone(tmp_path):
    arrays = write_mnist(tmp_path, count=400)
    data = open_data(str(tmp_path), validate=True)
    assert len(data.hidden) + len(data.shown) == 400 - 0 and len(data.hidden) > 10
    everything = np.concatenate([data.hidden[:], data.shown[:]]).reshape(-1, 108)
    test = rgb(arrays["t10k", "images"]).reshape(-1, 108)
    assert not {p.tobytes() for p in test} & {p.tobytes() for p in everything}


def test_an_archive_in_the_way_of_mnist(tmp_path):
    x, y = grey(30), np.arange(30) % 3
    np.savez_compressed(tmp_path / "m.npz", x_train=x, y_train=y, x_test=x[:5] // 2, y_test=y[:5])
    data = open_data(str(tmp_path / "m.npz"))
    assert (data.shown[:] == rgb(x)).all() and (data.hidden[:] == rgb(x[:5] // 2)).all()
    assert open_data(str(tmp_path / "m.npz"), size=9).shown[:].shape == (30, 9, 9, 3)


def test_an_archive_by_person_takes_the_first_people_and_holds_the_last_pictures_back(tmp_path):
    faces = grey(8 * 10, 10, height=14).reshape(8, 10, 14, 10)
    np.savez(tmp_path / "f.npz", images=faces)
    data = open_data(str(tmp_path / "f.npz"), size=8)
    assert data.classes == tuple(f"person {k}" for k in range(1, 7))
    assert (np.bincount(data.shown_labels) == 7).all() and (np.bincount(data.hidden_labels) == 3).all()
    expected = centre_crop(resize_short_side(faces[2, 9], 8), 8)
    assert (data.hidden[8] == expected).all()  # the third person's last
    chosen = open_data(str(tmp_path / "f.npz"), validate=True, size=8)
    assert (np.bincount(chosen.shown_labels) == 4).all()
    assert (chosen.hidden[6] == centre_crop(resize_short_side(faces[2, 4], 8), 8)).all()
    assert len(open_data(str(tmp_path / "f.npz"), first=3).classes) == 3
    assert len(open_data(str(tmp_path / "f.npz"), first=99).classes) == 8


@pytest.mark.parametrize("kind", ["float shares", "float", "int32", "colour", "one channel", "fortran", "big-endian"])
def test_arrays_of_any_number_become_bytes(tmp_path, kind):
    x = grey(60, 5)
    stored = {
        "float shares": x / 255,
        "float": np.maximum(x.astype("float32") - 0.25, 0),
        "int32": x.astype("int32"),
        "colour": rgb(x),
        "one channel": x[..., None],
        "fortran": np.asfortranarray(x),
        "big-endian": x.astype(">u2"),
    }[kind]
    np.savez(tmp_path / "a.npz", x=stored, y=np.arange(60) % 2)
    data = open_data(str(tmp_path / "a.npz"))
    both = np.concatenate([data.shown[:], data.hidden[:]])
    assert both.dtype == np.uint8
    assert {p.tobytes() for p in both} == {p.tobytes() for p in rgb(x)}


def test_a_folder_is_split_by_hash_as_before(tmp_path):
    root = make_folder(tmp_path / "many", count=300, size=8)
    data = open_data(str(root), 16)
    tenths = [int(file.sha256, 16) % 10 for file in data.hidden.files]
    assert set(tenths) == {0} and "modulo" in data.split
    assert data.shown[:1].shape == (1, 18, 18, 3)


@pytest.mark.parametrize("validate", [False, True])
def test_few_pictures_are_split_within_each_class(tmp_path, validate):
    root = make_folder(tmp_path / "few", count=12, size=8)
    data = open_data(str(root), 8, validate)
    assert np.bincount(data.hidden_labels).tolist() == [1, 1, 1]
    assert np.bincount(data.shown_labels).tolist() == ([2, 2, 2] if validate else [3, 3, 3])
    test = {file.sha256 for file in open_data(str(root), 8).hidden.files}
    assert validate == (not test & {file.sha256 for file in data.hidden.files})
    assert not test & {file.sha256 for file in data.shown.files}


def test_copies_of_a_picture_stay_together(tmp_path):
    root = make_folder(tmp_path / "few", count=9, size=8)
    for path in list(root.rglob("*.png")):
        path.with_name("copy-" + path.name).write_bytes(path.read_bytes())
    data = open_data(str(root), 8)
    hidden = {file.sha256 for file in data.hidden.files}
    assert len(data.hidden) == 6 and len(hidden) == 3
    assert not hidden & {file.sha256 for file in data.shown.files}


def test_grey_pictures_are_given_out_in_rgb():
    held = GreyPictures(grey(5))
    assert len(held) == 5
    assert held[[1, 3]].shape == (2, 6, 6, 3) and (held[1:2] == rgb(held.grey[1:2])).all()


@pytest.mark.verify
def test_the_real_archives():
    people = open_data(str(shared_path("data/orl_faces.npz")), 64)
    assert (len(people.classes), len(people.shown), len(people.hidden)) == (6, 42, 18)
    digits = open_data(str(shared_path("data/mnist.npz")))
    assert (len(digits.classes), len(digits.shown), len(digits.hidden), digits.size) == (10, 60000, 10000, 28)


# -- what is refused ---------------------------------------------------------------------------------------------------


def npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def npz_with(name, content):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, content)
    return file.getvalue()


class Bomb:
    """Would leave a file behind if it were unpickled."""

    def __reduce__(self):
        return os.mkdir, ("unpickled",)


X, Y = grey(20), np.arange(20) % 2
HEADER = b"{'descr': '|u1', 'fortran_order': False, 'shape': (1048576, 1048576), }"
GIANT = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(HEADER)) + HEADER + b"short"

BAD = {
    "a text": (b"<html>not found</html>", "neither an .npz archive nor an idx file"),
    "nothing": (b"", "neither an .npz archive nor an idx file"),
    "half an npz": (npz(x=X, y=Y)[:400], "truncated"),
    "other names": (npz(a=X, b=Y), "has a, b: expected x_train and y_train"),
    "labels only": (npz(y=Y), "has y: expected"),
    "pickled": (npz(x=np.array([Bomb()], dtype=object), y=Y), "object array"),
    "declared terabyte": (npz_with("x.npy", GIANT), "cannot be read|needs|at most|has x: expected"),
    "giant pictures": (
        npz_with("images.npy", GIANT.replace(b"1048576, 1048576", b"1024, 1024, 9, 9")),
        "needs .* bytes",
    ),
    "no pictures": (npz(x=np.zeros((20, 4), "u1"), y=Y), r"expected pictures \(N, H, W\)"),
    "five channels": (npz(x=np.zeros((20, 4, 4, 5), "u1"), y=Y), r"expected pictures \(N, H, W\)"),
    "no numbers": (npz(x=np.full((20, 2, 2), "a"), y=Y), "expected numbers, found kind 'U'"),
    "fewer labels": (npz(x=X, y=Y[:7]), "need one whole number each"),
    "labels of floats": (npz(x=X, y=Y + 0.5), "need one whole number each"),
    "a negative label": (npz(x=X, y=Y - 1), r"labels are 0 to 999 at most, got -1\.\.0"),
    "a giant label": (npz(x=X, y=Y + 10**9), "labels are 0 to 999 at most"),
    "a class without pictures": (npz(x=X, y=Y * 2), "class '1' has 0 pictures"),
    "a class with one picture": (npz(x=X, y=(np.arange(20) == 3) * 1), "class '1' has 1 pictures, 1 of them different"),
    "nan": (npz(x=np.full((20, 4, 4), np.nan), y=Y), r"expected pictures 0\.\.255"),
    "beyond 255": (npz(x=X.astype(int) * 9, y=Y), r"expected pictures 0\.\.255"),
    "below 0": (npz(x=X.astype(int) - 5, y=Y), r"expected pictures 0\.\.255"),
    "one person": (npz(images=grey(10).reshape(1, 10, 6, 6)), "pictures of 1 classes"),
    "one picture each": (npz(images=grey(4).reshape(4, 1, 6, 6)), "person 1 has 1 pictures: two are needed"),
    "another size to test": (npz(x_train=X, y_train=Y, x_test=grey(4, 7), y_test=Y[:4]), "in the test part"),
    "another class to test": (npz(x_train=X, y_train=Y, x_test=X, y_test=Y + 1), "class 2, which is not trained on"),
    "an idx without labels": (idx(X), "expected the idx file of the pictures, named like"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_files_are_one_clear_line(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content, said = BAD[kind]
    path = tmp_path / "data.bin"
    path.write_bytes(content)
    with pytest.raises(InputError, match=said) as error:
        open_data(str(path), 8)
    assert "\n" not in str(error.value) and len(str(error.value)) < 500
    assert [p.name for p in tmp_path.iterdir()] == ["data.bin"]


BAD_IDX = {
    "empty": (b"", "is no idx file"),
    "three bytes": (b"\0\0\x08", "is no idx file"),
    "a text": (b"hello, world", "is no idx file"),
    "no axes": (b"\0\0\x08\0", "is no idx file"),
    "shorts": (idx(X, 0x0B), "of type 0x0b; expected unsigned bytes"),
    "ends in its lengths": (idx(X)[:9], "ends within its first 16 bytes"),
    "cut": (idx(X)[:-3], "ends after 717 of the 720 bytes"),
    "too long": (idx(X) + b"x", "goes on after the 720 bytes"),
    "giant": (idx(X)[:4] + struct.pack(">3I", 2**31, 2**31, 2**31) + b"x", "declares the shape"),
    "none": (idx(X)[:4] + struct.pack(">3I", 0, 28, 28), "declares the shape"),
    "cut gzip": (gzip.compress(idx(X))[:-20], "cannot be read"),
    "damaged gzip": (gzip.compress(idx(X))[:30] + bytes(60) + gzip.compress(idx(X))[90:], "cannot be read|declares"),
    "a gzip bomb": (gzip.compress(idx(X) + bytes(1 << 22)), "goes on after the 720 bytes"),
}


@pytest.mark.parametrize("kind", BAD_IDX)
def test_bad_idx_files_are_one_clear_line(kind, tmp_path):
    content, said = BAD_IDX[kind]
    write_mnist(tmp_path)
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(content)
    with pytest.raises(InputError, match=said):
        read_idx_array(path)
    with pytest.raises(InputError):
        open_data(str(tmp_path))


def test_labels_of_another_file_are_refused(tmp_path):
    write_mnist(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(np.zeros(39, np.uint8)))
    with pytest.raises(InputError, match="need one whole number each"):
        open_data(str(tmp_path))


def test_bad_folders_are_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="one folder of pictures per class"):
        open_data(str(tmp_path / "empty"))
    root = make_folder(tmp_path / "some", count=9, size=8)
    (root / "zebra").mkdir()
    with pytest.raises(InputError, match=r"zebra.* holds no pictures"):
        open_data(str(root))
    Image.fromarray(make_pictures(1, 8)[0][0]).save(root / "zebra" / "only.png")
    with pytest.raises(InputError, match="class 'zebra' has 1 pictures, 1 of them different: two are needed"):
        open_data(str(root))
    for name in ("a.png", "b.png"):
        (root / "zebra" / name).write_bytes(b"no picture " + name.encode())
    (root / "zebra" / "only.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match="class 'zebra' has no picture to train on"):
        open_data(str(root), 8)
    for missing in ("nowhere", "face"):
        with pytest.raises(InputError, match=r"there is no folder or file .* faces, textures, shapes"):
            open_data(str(tmp_path / missing))
    with pytest.raises((InputError, ImageFileError)):
        open_data("face")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
def test_a_fifo_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "pipe.npz")
    with pytest.raises(InputError, match="no folder or file"):
        open_data(str(tmp_path / "pipe.npz"))


def test_the_classes_must_be_those_of_a_fixed_network(few, tmp_path):
    root = make_folder(tmp_path / "some", count=30, size=8)
    assert open_data(str(root), 16, net=TINY).classes == TINY.labels
    with pytest.raises(InputError, match="tiny has the classes blue, green, red; those of 'faces' are Ada"):
        open_data("faces", 16, net=TINY)
