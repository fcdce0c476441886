"""Where training pictures come from, and which of them are held back: what `minivis train --data` understands.

Folders, arrays and pictures drawn here all become a `Dataset`: pictures to train on, pictures held back to measure by,
and a sentence that says which those are.
"""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..errors import InputError
from ..nets import Architecture
from ..pictures import centre_crop, resize_short_side
from ..scenes import make_scenes, synthetic_faces
from ..scenes.scene import classes_by
from .arrays import GZIP, Arrays, idx_in, read_idx, read_npz
from .data import (
    TENTHS,
    TEST_TENTH,
    VALIDATION_TENTH,
    Pictures,
    open_folder,
    plain_views,
    random_views,
    stored_side,
    tenth,
    turned_views,
)
from .loop import PictureArray, View

DRAWN = ("faces", "textures", "shapes")
BY = {"textures": "texture", "shapes": "shape"}  # what decides the class of a scene
SIZE = 64  # of a picture, where neither the data nor the caller says another; ours
FACES_EACH, FACES_TEST_EACH = 100, 50  # pictures of each person; ours
SCENES_EACH, SCENES_TEST_EACH = 2000, 200  # scenes of each class; ours
SCENES_TEST, SCENES_VALIDATION = 1_200_000, 2_400_000  # the numbers of the first ones, whole rounds of classes; ours
BLOCK = 500
SHARE = 0.3  # of the pictures of each class is held back where an archive has them by class; ours
FIRST = 6  # so many classes of such an archive are taken, as in the lecture on templates
TEST, VALIDATION, REST = range(3)


class Dataset(NamedTuple):
    """Pictures to train on and pictures held back."""

    classes: tuple[str, ...]
    shown: PictureArray
    shown_labels: np.ndarray
    hidden: PictureArray
    hidden_labels: np.ndarray
    split: str  # which are held back
    sha256: str  # of what is trained on
    size: int  # height and width that a net for them has; the pictures may be larger, for views to be cut from
    unreadable: tuple[tuple[Path, str], ...] = ()
    view: View = plain_views  # what a network without templates is shown of them in training


class GreyPictures:
    """Grey pictures (N, H, W) that are given out in RGB: ``pictures[indices]`` is (n, H, W, 3)."""

    def __init__(self, grey: np.ndarray):
        self.grey = grey

    def __len__(self) -> int:
        return len(self.grey)

    def __getitem__(self, indices: Any) -> np.ndarray:
        return np.repeat(self.grey[indices][..., None], 3, axis=-1)


def open_data(
    data: str,
    size: int | None = None,
    validate: bool = False,
    first: int = FIRST,
    net: Architecture | None = None,
) -> Dataset:
    """Open what `data` names.

    Parameters
    ----------
    data : str
        "faces"; scenes to tell by their "textures" or "shapes", which are drawn here as well; a folder with one
        subfolder of pictures per class; an .npz archive; the idx file of the pictures to train on, or the folder that
        it is in.
    size : int, optional
        Height and width. Default: that of the arrays, if they are square; else 64.
    validate : bool
        Leave the test part alone, and hold back another part of what would be trained on.
    first : int
        Of an archive with pictures by class: how many classes are taken.
    net : Architecture, optional
        Whose classes they must be.

    Raises
    ------
    InputError, ImageFileError
        If there is no such data, if it is damaged, or if a class has no picture to train on.
    """
    path = Path(data)
    if data == "faces":
        found = _faces(size or SIZE, validate)
    elif data in BY:
        found = _scenes(BY[data], size or SIZE, validate)
    elif path.is_dir():
        idx = idx_in(path)
        found = _of_arrays(read_idx(idx), size, validate) if idx else _of_folder(path, size or SIZE, validate, net)
    elif path.is_file():
        found = _of_arrays(_read(path, first), size, validate)
    else:
        raise InputError(f"there is no folder or file {data!r}; the words for what is drawn here: {', '.join(DRAWN)}")
    _check_classes(net, found.classes, data)
    counts = np.bincount(found.shown_labels, minlength=len(found.classes))
    if len(found.shown) and counts.min() == 0:
        raise InputError(f"{data}: class {found.classes[counts.argmin()]!r} has no picture to train on")
    return found


def _read(path: Path, first: int) -> Arrays:
    with path.open("rb") as file:
        head = file.read(4)
    if head[:2] == b"PK":
        return read_npz(path, first)
    if head[:2] in (GZIP, b"\0\0"):
        return read_idx(path)
    raise InputError(f"{str(path)!r} is neither an .npz archive nor an idx file: it begins with {head!r}")


def _faces(size: int, validate: bool) -> Dataset:
    shown = synthetic_faces(FACES_EACH, "train", size)
    hidden = synthetic_faces(FACES_TEST_EACH, "test", size, seed=int(validate))
    split = f"{FACES_TEST_EACH} of each person, drawn apart"
    digest = _digest([shown.pictures.tobytes(), shown.labels.tobytes()])
    return Dataset(shown.names, shown.pictures, shown.labels, hidden.pictures, hidden.labels, split, digest, size)


def _scenes(by: str, size: int, validate: bool) -> Dataset:
    """Draw scenes by their numbers: from 0 on to train on, from `SCENES_TEST` on to test."""
    shown, shown_labels, classes = _drawn(by, SCENES_EACH * len(classes_by(by)), 0, size)
    apart = SCENES_VALIDATION if validate else SCENES_TEST
    hidden, hidden_labels, _ = _drawn(by, SCENES_TEST_EACH * len(classes_by(by)), apart, size)
    split = f"the scenes numbered from {apart:,} on"
    digest = _digest([shown.tobytes(), shown_labels.tobytes()])
    return Dataset(classes, shown, shown_labels, hidden, hidden_labels, split, digest, size, view=turned_views)


def _drawn(by: str, count: int, first: int, size: int) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Draw scenes, a few hundred at a time: as bytes they take a quarter of the room."""
    parts = [make_scenes(min(BLOCK, count - i), size, by=by, first=first + i) for i in range(0, count, BLOCK)]
    pictures = np.concatenate([part.pictures.astype(np.uint8) for part in parts])
    return pictures, np.concatenate([part.labels for part in parts]), parts[0].classes


def _of_folder(folder: Path, size: int, validate: bool, net: Architecture | None) -> Dataset:
    found = open_folder(folder)
    _check_classes(net, found.classes, str(folder))
    parts, split = _parts([file.sha256 for file in found.files], [file.label for file in found.files], found.classes)
    training, held_back = _chosen(parts, validate)
    side = stored_side(size)
    shown = Pictures([found.files[i] for i in training], side)
    hidden = Pictures([found.files[i] for i in held_back], side)
    digest = _digest(f"{file.sha256} {file.label}\n".encode() for file in shown.files)
    unreadable = (*shown.unreadable, *hidden.unreadable)
    return Dataset(
        found.classes, shown, shown.labels, hidden, hidden.labels, split, digest, size, unreadable, random_views
    )


def _of_arrays(arrays: Arrays, size: int | None, validate: bool) -> Dataset:
    """Split arrays: by their own test part, by order within each class, or by the hashes of the pictures."""
    pictures, labels = arrays.pictures, arrays.labels
    height, width = pictures.shape[1:3]
    size = size or (height if height == width else SIZE)
    classes = tuple(f"person {k + 1}" if arrays.by_class else str(k) for k in range(labels.max() + 1))
    if arrays.by_class:
        parts, split = _by_order(labels, classes)
    else:
        hashes = [hashlib.sha256(picture.tobytes()).hexdigest() for picture in pictures]
        parts, split = _parts(hashes, labels.tolist(), classes)
        if arrays.test_pictures is not None:
            parts[parts == TEST] = REST
            split = "the test part that the files have"
    training, held_back = _chosen(parts, validate)
    hidden, hidden_labels = pictures[held_back], labels[held_back]
    if arrays.test_pictures is not None and arrays.test_labels is not None:
        if arrays.test_labels.max() >= len(classes):
            raise InputError(f"the test part has a class {arrays.test_labels.max()}, which is not trained on")
        if not validate:
            training, hidden, hidden_labels = np.arange(len(labels)), arrays.test_pictures, arrays.test_labels
    shown, shown_labels = pictures[training], labels[training]
    digest = _digest([np.ascontiguousarray(shown).tobytes(), shown_labels.tobytes()])
    fitted = _sized(shown, size), shown_labels, _sized(hidden, size), hidden_labels
    return Dataset(classes, *fitted, split, digest, size)


def _sized(pictures: np.ndarray, size: int) -> PictureArray:
    """Bring pictures to a size as a file is brought to it, but without a rim: the whole short side is kept."""
    if pictures.shape[1:3] != (size, size):
        return np.stack([centre_crop(resize_short_side(picture, size), size) for picture in pictures]).astype(np.uint8)
    return pictures if pictures.ndim == 4 else GreyPictures(pictures)


def _chosen(parts: np.ndarray, validate: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return which to train on and which are held back."""
    if validate:
        return np.flatnonzero(parts == REST), np.flatnonzero(parts == VALIDATION)
    return np.flatnonzero(parts != TEST), np.flatnonzero(parts == TEST)


def _parts(hashes: Sequence[str], labels: Sequence[int], classes: Sequence[str]) -> tuple[np.ndarray, str]:
    """Split by hash modulo 10 (see `data`); where that leaves a class out, as with few pictures, by its rank."""
    parts = np.array([{TEST_TENTH: TEST, VALIDATION_TENTH: VALIDATION}.get(tenth(h), REST) for h in hashes])
    of_class = [np.flatnonzero(np.asarray(labels) == k).tolist() for k in range(len(classes))]
    if all(0 < (parts[some] == TEST).sum() < len(some) for some in of_class):
        return parts, f"SHA-256 modulo {TENTHS} is {TEST_TENTH}"
    for name, some in zip(classes, of_class, strict=True):
        ranked = sorted({hashes[i] for i in some})  # copies of one picture stay together
        if len(ranked) < 2:
            raise InputError(
                f"class {name!r} has {len(some)} pictures, {len(ranked)} of them different: two are needed"
            )
        count = max(1, len(ranked) // TENTHS)
        rank = {h: i // count for i, h in enumerate(ranked)}
        parts[some] = [min(rank[hashes[i]], REST) for i in some]
    return parts, f"of each class the {TENTHS}th part with the smallest SHA-256, one picture at least"


def _by_order(labels: np.ndarray, classes: Sequence[str]) -> tuple[np.ndarray, str]:
    parts = np.full(len(labels), REST)
    for k, name in enumerate(classes):
        some = np.flatnonzero(labels == k)
        count = max(1, round(SHARE * len(some)))
        if len(some) < 2:
            raise InputError(f"{name} has {len(some)} pictures: two are needed, one to train on and one to hold back")
        parts[some[-count:]] = TEST
        parts[some[-2 * count : -count]] = VALIDATION
    return parts, f"the last {count} pictures of each"


def _check_classes(net: Architecture | None, classes: tuple[str, ...], data: str) -> None:
    if net is not None and classes != net.labels:
        raise InputError(f"{net.name} has the classes {_some(net.labels)}; those of {data!r} are {_some(classes)}")


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names) if len(names) <= 12 else f"{', '.join(names[:3])}, ... ({len(names)} in all)"


def _digest(pieces: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()
