"""The localisation task of ILSVRC: name the class of a picture and put a box around it, in five tries."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..attribution import cam, enlarge, grad_cam, saliency
from ..backend import to_host
from ..errors import ImageFileError, InputError, MinivisError
from ..nets import Net
from ..nets.labels import class_index
from ..pictures import SUFFIXES
from ..pixels import first_line, to_pixels
from ..shards import map_shards
from .boxes import CAM_SHARE, GRAD_CAM_SHARE, Box, box_of_map, iou
from .segment import segment
from .views import view_of
from .voc import read_voc

OVERLAP = 0.5
"""Intersection over union from which on a box is right: ILSVRC."""

METHODS = ("graphcut", "cam", "grad-cam")
PICTURE_FOLDERS = ("jpegimages", "images", "pictures", "data")
SHARD = 8  # pictures (ours)

Names = Mapping[str, Sequence[int | str]]


class Truth(NamedTuple):
    """An object that is there: the classes that its name stands for, and its box in the picture."""

    classes: frozenset[int]
    box: Box


class Guess(NamedTuple):
    """One try: a class, its probability, a box in the picture (None if none was found), and the best overlap."""

    label: int
    probability: float
    box: Box | None
    overlap: float  # with the boxes of that class, 0..1; 0 where there is none


class Located(NamedTuple):
    """A picture, what is in it, and the tries, the most probable first."""

    picture: str
    truths: list[Truth]
    guesses: list[Guess]

    def named(self, k: int) -> bool:
        """Whether one of the first `k` tries names a class that is there."""
        there = frozenset().union(*(truth.classes for truth in self.truths))
        return any(guess.label in there for guess in self.guesses[:k])

    def found(self, k: int) -> bool:
        """Whether one of the first `k` tries has a right class and a right box."""
        return any(guess.overlap >= OVERLAP for guess in self.guesses[:k])


class Localisation(NamedTuple):
    """The result over a folder."""

    pictures: list[Located]
    skipped: list[tuple[str, str]]  # files that could not be used, and why

    def error(self, k: int) -> float:
        """Return the share of pictures in which none of the first `k` tries is right: the localisation error."""
        return 1 - sum(picture.found(k) for picture in self.pictures) / len(self.pictures)

    def class_error(self, k: int) -> float:
        """Return the share of pictures in which none of the first `k` tries names a right class."""
        return 1 - sum(picture.named(k) for picture in self.pictures) / len(self.pictures)


def localise(
    net: Net,
    folder: str | Path,
    k: int = 5,
    method: str = "graphcut",
    names: Names | None = None,
    executor: Executor | None = None,
    progress: Any = iter,
) -> Localisation:
    """Measure the localisation error over a folder with box files.

    For each of the `k` most probable classes of a picture a box is made. A try is right if its class is there and its
    box and a box of that class have an intersection over union of 0.5 or more; a picture is right if one try is.

    Parameters
    ----------
    net : Net
    folder : path
        With .xml files of PASCAL VOC, each beside its picture of the same name, or in ``Annotations`` where the
        pictures lie in ``JPEGImages``, ``images``, ``pictures`` or ``Data`` beside it.
    k : int
    method : {"graphcut", "cam", "grad-cam"}
        Simonyan's segmentation of the class's saliency; or a threshold on CAM (0.20 of the largest value) or
        Grad-CAM (0.15).
    names : mapping, optional
        For names in the box files that are no class of the net: the classes that each stands for.
    executor : concurrent.futures.Executor, optional
        See `minivis.shards`.
    progress : callable
        Wraps the iterator of shards, for a bar.

    Returns
    -------
    Localisation
        Boxes are in pixels of the pictures: see `boxes` and `views`. The net sees the centre only, so that no box
        reaches beyond it.

    References
    ----------
    Russakovsky et al. 2015, "ImageNet large scale visual recognition challenge". There each picture has one class;
    here, one of those in its box file is enough.
    """
    if method not in METHODS:
        raise InputError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    if not 1 <= k <= len(net.labels):
        raise InputError(f"k lies in 1..{len(net.labels)} for {net.name}, got {k}")
    if method == "cam":
        cam(net, np.zeros((1, net.size, net.size, 3), np.float32), 0)  # raises where there is none
    pairs, skipped = box_files(folder)
    done: list[Located] = []
    for shard in progress(map_shards(partial(_locate, net, k, method, dict(names or {})), pairs, SHARD, executor)):
        done += [result for result in shard.result if isinstance(result, Located)]
        skipped += [result for result in shard.result if not isinstance(result, Located)]
    if not done:
        raise InputError(f"none of the {len(skipped)} box files can be used; {skipped[0][0]!r}: {skipped[0][1]}")
    return Localisation(done, skipped)


def box_files(folder: str | Path) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return pairs (picture, box file), and the box files that have no picture, each with the reason."""
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise ImageFileError(f"there is no folder {str(folder)!r}")
    files = sorted(path for path in root.rglob("*") if not any(p.startswith(".") for p in path.relative_to(root).parts))
    xml = [path for path in files if path.suffix.lower() == ".xml"]
    if not xml:
        raise ImageFileError(f"there is no box file (.xml of PASCAL VOC) in {str(folder)!r}")
    beside: dict[Path, Path] = {}
    apart: dict[str, Path | None] = {}
    for path in files:
        if path.suffix.lower() not in SUFFIXES:
            continue
        beside.setdefault(path.with_suffix(""), path)
        if any(part.lower() in PICTURE_FOLDERS for part in path.relative_to(root).parts[:-1]):
            apart[path.stem] = None if path.stem in apart else path  # None: two have that name
    pairs, skipped = [], []
    for path in xml:
        picture = beside.get(path.with_suffix("")) or apart.get(path.stem)
        if picture:
            pairs.append((str(picture), str(path)))
        else:
            skipped.append(
                (str(path), "two pictures have its name" if path.stem in apart else "no picture has its name")
            )
    return pairs, skipped


def boxes_for(net: Net, x: Any, classes: Sequence[int], method: str = "graphcut") -> list[Box | None]:
    """Return a box for each class in one picture `x` (1, H, W, 3), in pixels of the net; None where none is found."""
    boxes: list[Box | None] = []
    for label in classes:
        if method == "graphcut":
            heat = to_host(saliency(net, x, label))
            flat = heat.min() == heat.max()  # nothing to start from
            boxes.append(None if flat else segment(x, heat).boxes[0])
        else:
            small = cam(net, x, label) if method == "cam" else grad_cam(net, x, label)
            share = CAM_SHARE if method == "cam" else GRAD_CAM_SHARE
            boxes.append(box_of_map(enlarge(small, x.shape[1:3])[0], share))
    return boxes


def judge(guess: tuple[int, float, Box | None], truths: Sequence[Truth]) -> Guess:
    """Return a try with its best overlap among the boxes of its class."""
    label, probability, box = guess
    overlaps = [iou(box, truth.box) for truth in truths if label in truth.classes] if box is not None else []
    return Guess(label, probability, box, max(overlaps, default=0.0))


def _locate(
    net: Net, k: int, method: str, names: Names, pairs: list[tuple[str, str]]
) -> list[Located | tuple[str, str]]:
    return [_one(net, k, method, names, *pair) for pair in pairs]


def _one(net: Net, k: int, method: str, names: Names, picture: str, xml: str) -> Located | tuple[str, str]:
    """Return the result for one picture, or (file, what is wrong with it)."""
    try:
        annotation = read_voc(xml)
        truths = [
            Truth(frozenset(_class(net, name) for name in names.get(thing.name, (thing.name,))), thing.box)
            for thing in annotation.things
        ]
    except MinivisError as error:
        return xml, first_line(error).removeprefix(f"{xml!r} ")
    try:
        pixels = to_pixels(picture)
        height, width = pixels.shape[:2]
        if annotation.size not in (None, (height, width)):
            return xml, f"it says {annotation.size[1]} x {annotation.size[0]}, the picture has {width} x {height}"
        x = net.picture(pixels)
    except MinivisError as error:
        return picture, first_line(error).removeprefix(f"{picture!r} ")
    probabilities = to_host(net(x))[0]
    classes = [int(i) for i in np.argsort(-probabilities, kind="stable")[:k]]
    view = view_of(height, width, net.size)
    boxes = [box and view.to_picture(box) for box in boxes_for(net, x, classes, method)]
    guesses = [judge((c, float(probabilities[c]), b), truths) for c, b in zip(classes, boxes, strict=True)]
    return Located(picture, truths, guesses)


def _class(net: Net, name: int | str) -> int:
    """Return the class of a name as box files have it: with underscores where there may be blanks."""
    if isinstance(name, str) and name not in net.labels:
        name = name.replace("_", " ")
    return class_index(net.labels, name)
