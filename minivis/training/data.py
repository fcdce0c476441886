"""Training pictures: a folder with one subfolder per class, its test part, and the random views used in training.

A picture is in the test part if the SHA-256 of its file's bytes, as an integer, is 0 modulo 10. So the split needs no
list, does not change when files are added or renamed, and files with the same bytes are on the same side. (The same
photograph saved twice with different bytes is not noticed.)
"""

import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..backend import DTYPE
from ..errors import ImageFileError, InputError
from ..pictures import centre_crop, picture_files, resize_short_side

TENTHS = 10
TEST_TENTH = 0
VALIDATION_TENTH = 1
MEMORY = 2 << 30
"""How many bytes of decoded pictures are held at most, unless said otherwise; beyond, they are read for each batch."""


class LabelledFile(NamedTuple):
    """A picture file, the index of its class, and the SHA-256 of its bytes."""

    path: Path
    label: int
    sha256: str


class Folder(NamedTuple):
    """The picture files of a folder with one subfolder per class, in the order of their names."""

    classes: tuple[str, ...]
    files: tuple[LabelledFile, ...]

    def tenth(self, *tenths: int) -> list[LabelledFile]:
        """Return the files whose SHA-256 modulo 10 is one of `tenths`."""
        return [file for file in self.files if tenth(file.sha256) in tenths]

    @property
    def test(self) -> list[LabelledFile]:
        """The test part: never to be trained on, nor to choose anything by."""
        return self.tenth(TEST_TENTH)

    @property
    def training(self) -> list[LabelledFile]:
        """Everything else."""
        return [file for file in self.files if tenth(file.sha256) != TEST_TENTH]


def tenth(sha256: str) -> int:
    """Return which tenth of all files one with this hash belongs to: 0 is the test part."""
    return int(sha256, 16) % TENTHS


def open_folder(folder: str | os.PathLike[str]) -> Folder:
    """List the pictures in `folder`: each subfolder is a class, named by it, in alphabetical order.

    Raises
    ------
    ImageFileError
        If there is no such folder.
    InputError
        If it does not have two subfolders with pictures, or one without any.
    """
    root = Path(folder)
    if not root.is_dir():
        raise ImageFileError(f"there is no folder {str(root)!r}")
    classes = sorted(path.name for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    if len(classes) < 2:
        raise InputError(f"{str(root)!r} must hold one folder of pictures per class, and at least two; got {classes}")
    files = []
    for label, name in enumerate(classes):
        paths = picture_files(root / name)
        if not paths:
            raise InputError(f"{str(root / name)!r} holds no pictures")
        files += [LabelledFile(path, label, hashlib.sha256(path.read_bytes()).hexdigest()) for path in paths]
    return Folder(tuple(classes), tuple(files))


class Pictures:
    """Square pictures of one size from files, as 8-bit arrays: ``pictures[indices]`` is (n, side, side, 3).

    They are brought to their size as `Net.picture` does, and its centre crop can be cut from them. Every file is
    decoded once at the start, which finds the unreadable ones; the result is held if it fits into `memory`, else each
    batch is read from the files again.

    Parameters
    ----------
    files : list of LabelledFile
    side : int
        Height and width: the short side of each file is resized to this, and the centre cut out.
    memory : int
        In bytes.

    Attributes
    ----------
    files : list of LabelledFile
        Those that could be read.
    labels : ndarray of int, shape (N,)
    unreadable : list of (Path, str)
        The others, each with what is wrong with it.
    """

    def __init__(self, files: Iterable[LabelledFile], side: int, memory: int = MEMORY):
        self.side = side
        self.files: list[LabelledFile] = []
        self.unreadable: list[tuple[Path, str]] = []
        files = list(files)
        self._held: np.ndarray | None = None
        if len(files) * side * side * 3 <= memory:
            self._held = np.empty((len(files), side, side, 3), np.uint8)
        for file in files:
            try:
                pixels = decode(file.path, side)
            except ImageFileError as error:
                self.unreadable.append((file.path, str(error)))
                continue
            if self._held is not None:
                self._held[len(self.files)] = pixels
            self.files.append(file)
        if self._held is not None:
            self._held = self._held[: len(self.files)]
        self.labels = np.array([file.label for file in self.files], dtype=np.intp)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, indices: Sequence[int] | np.ndarray | slice) -> np.ndarray:
        if self._held is not None:
            return self._held[indices]
        chosen = np.arange(len(self))[indices]
        return np.stack([decode(self.files[i].path, self.side) for i in chosen])


def stored_side(size: int) -> int:
    """Return the side of the pictures from which `size` x `size` are cut: 256/224 of it, as in `Net.picture`."""
    return round(size * 256 / 224)


def centre_views(pictures: np.ndarray, size: int) -> np.ndarray:
    """Return the centres of `pictures`, (N, size, size, 3) float32. With `stored_side`, what `Net.picture` gives."""
    top, left = (pictures.shape[1] - size) // 2, (pictures.shape[2] - size) // 2
    return pictures[:, top : top + size, left : left + size].astype(DTYPE)


def plain_views(pictures: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Return `centre_views`, as what is shown in training: nothing is random."""
    return centre_views(pictures, size)


def turned_views(pictures: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Return the centres of `pictures`, each turned by quarters, mirrored, its colours exchanged, at random.

    For drawn scenes, whose classes no turn and no colour changes: (N, size, size, 3) float32.
    """
    views = centre_views(pictures, size)
    for i, view in enumerate(views):
        quarters, mirror = divmod(int(rng.integers(8)), 2)
        turned = np.rot90(view, quarters)[:, :: -1 if mirror else 1]
        views[i] = turned[..., rng.permutation(3)]
    return views


def random_views(pictures: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Return a random view of each picture, for training: (N, size, size, 3) float32, 0..255.

    A square of 0.7 to 1 of the picture's side at a random place, mirrored half of the time, its brightness times 0.8 to
    1.2. Half of the time it is first reduced to between `size` / 2 and `size` pixels and enlarged again: where classes
    come from cameras of different resolution, sharpness would tell them apart, so pictures of all classes are blurred
    alike. (All these ranges are ours.)
    """
    from PIL import Image

    bilinear = Image.Resampling.BILINEAR
    views = np.empty((len(pictures), size, size, 3), DTYPE)
    for i, picture in enumerate(pictures):
        scale, y, x, mirror, blur, detail, brightness = rng.random(7)
        side = min(picture.shape[:2]) * (0.7 + 0.3 * scale)
        top, left = y * (picture.shape[0] - side), x * (picture.shape[1] - side)
        box = (left, top, left + side, top + side)
        image = Image.fromarray(picture)
        if blur < 0.5:
            reduced = round(size * (0.5 + 0.5 * detail))
            image, box = image.resize((reduced, reduced), bilinear, box), (0, 0, reduced, reduced)
        view = np.asarray(image.resize((size, size), bilinear, box), DTYPE)
        views[i] = view[:, ::-1] if mirror < 0.5 else view
        views[i] *= 0.8 + 0.4 * brightness
    return np.clip(views, 0, 255, out=views)


def decode(path: Path, side: int) -> np.ndarray:
    """Read a picture as (side, side, 3) uint8: its short side is resized to `side`, and the centre cut out."""
    picture = centre_crop(resize_short_side(path, side), side)
    return np.rint(picture).astype(np.uint8)
