"""Pictures and labels that come as arrays: .npz archives, and the idx files in which MNIST is published.

Both are somebody else's files: what they declare is compared with what is there before memory is asked for, and no
pickle is ever opened.
"""

import gzip
import math
import zlib
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from ..errors import InputError, WeightFileError
from ..nets.families import MOST_CLASSES
from ..weights.container import TENSOR_LIMIT, Shape, StrPath, complaint
from ..weights.npz import NpzFile

GZIP = b"\x1f\x8b"
IDX_BYTES = 0x08  # the code of unsigned bytes, the only type that MNIST and its kin use
MOST_AXES = 4
TRAINING, TEST = "train", "t10k"  # how MNIST names its two parts


class Arrays(NamedTuple):
    """Pictures with labels, in the parts that the file has."""

    pictures: np.ndarray  # (N, H, W) or (N, H, W, 3) uint8
    labels: np.ndarray  # (N,) int
    test_pictures: np.ndarray | None = None
    test_labels: np.ndarray | None = None
    by_class: bool = False  # whether the file holds equally many of each class, one class after the other


class _Numbers(NpzFile):
    """An .npz of numbers of any kind."""

    @staticmethod
    def check(path: StrPath, where: str, shape: Shape, itemsize: int, kind: str) -> int:
        """Check what is declared of an array; return its size in bytes."""
        size = itemsize * math.prod(shape)
        if kind not in "fiu" or itemsize > 8:
            raise complaint(path, f"expected numbers, found kind {kind!r} of {itemsize} bytes", where)
        if not shape or len(shape) > MOST_AXES + 1 or min(shape) < 1 or size > TENSOR_LIMIT:
            raise complaint(path, f"expected pictures or labels of at most 1 GiB, found shape {shape}", where)
        return size

    def read(self, where: str) -> np.ndarray:
        """Return an array, in the type that it has."""
        out = np.empty(self.shape(where), self._header(where).dtype)
        self.read_into(where, out)
        return out


def read_npz(path: Path, first: int) -> Arrays:
    """Read an .npz archive of pictures.

    Either x_train and y_train, perhaps with x_test and y_test; or x and y; or `images` (or x) alone, of the shape
    (classes, pictures of each, H, W), of which the `first` classes are taken.

    Raises
    ------
    InputError
        If it is damaged, or holds something else.
    """
    try:
        with _Numbers(path) as file:
            names = file.names()
            if {"x_train", "y_train"} <= set(names):
                parts = ["train"] + ["test"] * ({"x_test", "y_test"} <= set(names))
                read = [file.read(f"{kind}_{part}") for part in parts for kind in "xy"]
                return _checked(path, *read)
            pictures = next((name for name in ("images", "x", "X", "data") if name in names), None)
            labels = next((name for name in ("labels", "y", "target") if name in names), None)
            if pictures and labels:
                return _checked(path, file.read(pictures), file.read(labels))
            if pictures and len(file.shape(pictures)) in (4, 5):
                return _by_class(path, file.read(pictures), first)
    except WeightFileError as error:
        raise InputError(str(error)) from error
    raise InputError(
        f"{str(path)!r} has {', '.join(names[:8])}: expected x_train and y_train, or x and y, or images alone of the "
        "shape (classes, pictures of each, H, W)"
    )


def read_idx(path: Path) -> Arrays:
    """Read the idx files that belong together, by the name of the pictures to train on (``train-images-idx3-ubyte``).

    The labels are in the file that has "labels" for "images" and idx1 for idx3 in its name, the test part in those that
    have "t10k" for "train". Each may end in .gz.
    """
    if "images" not in path.name:
        raise InputError(f"{str(path)!r}: expected the idx file of the pictures, named like train-images-idx3-ubyte")
    found = [_companion(path, part, kind) for part in (TRAINING, TEST) for kind in ("images", "labels")]
    pictures, labels, *test = found
    if pictures is None or labels is None:
        missing = _sibling(path.name, TRAINING, "labels" if pictures else "images")
        raise InputError(f"{str(path)!r}: expected {missing} beside it, the labels of its pictures")
    files = [pictures, labels, *(file for file in test if all(test) and file)]
    return _checked(path, *(read_idx_array(file) for file in files))


def idx_in(folder: Path) -> Path | None:
    """Return the idx file of training pictures in a folder, if there is one."""
    found = sorted(file for file in folder.glob(f"{TRAINING}-images*idx3-ubyte*") if file.is_file())
    return found[0] if found else None


def read_idx_array(path: Path) -> np.ndarray:
    """Read one idx file of bytes, gzip-compressed or not.

    Two zero bytes, a code for the type, the number of axes; their lengths as big-endian 4-byte integers; the numbers,
    the last axis fastest (the format is described on the page that MNIST was published on).
    """
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == GZIP
            raw.seek(0)
            with gzip.open(raw) if packed else raw as file:
                return _idx(path, file)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{str(path)!r} cannot be read: {error}") from error


def _idx(path: Path, file: IO[bytes] | gzip.GzipFile) -> np.ndarray:
    head = file.read(4)
    if len(head) < 4 or head[:2] != b"\0\0" or not 1 <= head[3] <= MOST_AXES:
        raise InputError(f"{str(path)!r} is no idx file: it begins with {head!r}")
    if head[2] != IDX_BYTES:
        raise InputError(f"{str(path)!r}: an idx file of type 0x{head[2]:02x}; expected unsigned bytes, 0x08")
    lengths = file.read(4 * head[3])
    if len(lengths) < 4 * head[3]:
        raise InputError(f"{str(path)!r} ends within its first {4 + 4 * head[3]} bytes")
    shape = tuple(int(n) for n in np.frombuffer(lengths, ">u4"))
    size = math.prod(shape)
    if not 0 < size <= TENSOR_LIMIT:
        raise InputError(f"{str(path)!r} declares the shape {shape}, {size} bytes: at most {TENSOR_LIMIT}, and some")
    content = file.read(size + 1)  # what is not there is not asked for: read() returns less
    if len(content) != size:
        more = "goes on after" if len(content) > size else f"ends after {len(content)} of"
        raise InputError(f"{str(path)!r} {more} the {size} bytes of its shape {shape}")
    return np.frombuffer(content, np.uint8).reshape(shape)


def _companion(path: Path, part: str, kind: str) -> Path | None:
    name = _sibling(path.name, part, kind).removesuffix(".gz")
    found = (path.with_name(name + end) for end in ("", ".gz"))
    return next((file for file in found if file.is_file()), None)


def _sibling(name: str, part: str, kind: str) -> str:
    for old, new in ((TEST, part), (TRAINING, part), ("labels", kind), ("images", kind)):
        name = name.replace(old, new)
    return name.replace("idx1", "idx3") if kind == "images" else name.replace("idx3", "idx1")


def _by_class(path: Path, pictures: np.ndarray, first: int) -> Arrays:
    count, each = pictures.shape[:2]
    if min(count, first) < 2:
        raise InputError(f"{str(path)!r} has pictures of {count} classes, and {first} were asked for: two are needed")
    taken = pictures[:first]
    flat = taken.reshape(-1, *pictures.shape[2:])
    return _checked(path, flat, np.repeat(np.arange(len(taken)), each))._replace(by_class=True)


def _checked(path: Path, *arrays: np.ndarray) -> Arrays:
    """Check pictures, labels, and perhaps those of a test part, against each other."""
    made: list[Any] = []
    for pictures, labels in zip(arrays[::2], arrays[1::2], strict=True):
        if labels.shape != pictures.shape[:1] or labels.dtype.kind not in "iu":
            raise InputError(
                f"{str(path)!r}: pictures of shape {pictures.shape} need one whole number each as labels, got "
                f"{labels.dtype} of shape {labels.shape}"
            )
        if labels.min() < 0 or labels.max() >= MOST_CLASSES:
            raise InputError(
                f"{str(path)!r}: labels are 0 to {MOST_CLASSES - 1} at most, got {labels.min()}..{labels.max()}"
            )
        made += [_bytes(path, pictures), labels.astype(np.intp)]
    if len(made) == 4 and made[0].shape[1:] != made[2].shape[1:]:
        raise InputError(
            f"{str(path)!r}: pictures to train on {made[0].shape[1:]}, in the test part {made[2].shape[1:]}"
        )
    return Arrays(*made)


def _bytes(path: Path, pictures: np.ndarray) -> np.ndarray:
    """Return (N, H, W) or (N, H, W, 3) as bytes; floats that all lie in 0..1 are taken as shares of 255."""
    if pictures.ndim == 4 and pictures.shape[3] == 1:
        pictures = pictures[..., 0]
    if pictures.ndim not in (3, 4) or (pictures.ndim == 4 and pictures.shape[3] != 3):
        raise InputError(f"{str(path)!r}: expected pictures (N, H, W) or (N, H, W, 3), got shape {pictures.shape}")
    if pictures.dtype == np.uint8:
        return pictures
    low, high = pictures.min(), pictures.max()
    if not (np.isfinite(low) and np.isfinite(high)) or low < 0 or high > 255:
        raise InputError(f"{str(path)!r}: expected pictures 0..255, or floats 0..1, got {low}..{high}")
    scale = 255 if pictures.dtype.kind == "f" and high <= 1 else 1
    return np.rint(pictures * scale).astype(np.uint8)
