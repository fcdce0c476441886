"""Box files in the XML of PASCAL VOC, as ILSVRC has them too; read as what they are, files from strangers."""

import math
import os
import stat
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from ..errors import ImageFileError
from ..pixels import first_line
from .boxes import Box

MOST_BYTES = 1 << 20
MOST_OBJECTS = 10_000
DEEPEST = 16
"""Bounds on a file (ours): the real ones have some kilobytes, some objects and five levels."""

LARGEST = 1e6  # pixels along a side (ours)


class Thing(NamedTuple):
    """An object in a picture."""

    name: str
    box: Box  # (x0, y0, x1, y1), edges counted from 0: see `boxes`


class Annotation(NamedTuple):
    """What a box file says."""

    things: list[Thing]
    size: tuple[int, int] | None  # (height, width), if it is told


def read_voc(path: str | os.PathLike[str]) -> Annotation:
    """Read a box file.

    Boxes are counted from 1 in there and include their last pixel; here they are edges from 0: ``xmin - 1, ymin - 1,
    xmax, ymax``. A count from 0, which some writers use, is taken as it is at the picture's edge.

    Raises
    ------
    ImageFileError
        If it is no such file, is larger than `MOST_BYTES`, has a document type (entities are defined there), or has a
        box that is none.
    """
    path = Path(path)
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise ImageFileError(f"{str(path)!r} is no file")
        if found.st_size > MOST_BYTES:
            raise ImageFileError(f"{str(path)!r} has {found.st_size:,} bytes, more than {MOST_BYTES:,}: no box file")
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ImageFileError(f"{str(path)!r} cannot be read: {error.strerror}") from error
    try:
        if len(content) > MOST_BYTES:
            raise _NotVoc(f"it has more than {MOST_BYTES:,} bytes")
        parser = ElementTree.XMLParser(target=_Guard())
        parser.feed(content)
        return _annotation(parser.close())
    except (ElementTree.ParseError, ValueError, LookupError) as error:  # LookupError: an encoding that does not exist
        raise ImageFileError(f"{str(path)!r} is no box file of PASCAL VOC: {first_line(error)[:200]}") from error


class _NotVoc(ValueError):
    pass


class _Guard(ElementTree.TreeBuilder):
    """A tree builder that stops before entities can be defined, and before the tree gets too deep."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0

    def doctype(self, name: str, public: str | None, system: str | None) -> None:
        raise _NotVoc("it has a document type, which these files do not need and which can hide entities")

    def start(self, tag: str, attributes: dict[str, str]) -> ElementTree.Element:
        self._depth += 1
        if self._depth > DEEPEST:
            raise _NotVoc(f"it is nested more than {DEEPEST} deep")
        return super().start(tag, attributes)

    def end(self, tag: str) -> ElementTree.Element:
        self._depth -= 1
        return super().end(tag)


def _annotation(root: ElementTree.Element) -> Annotation:
    if root.tag != "annotation":
        raise _NotVoc(f"its root is <{root.tag[:40]}>, expected <annotation>")
    size = None
    told = root.find("size")
    if told is not None:
        height, width = (_number(told, name, "size") for name in ("height", "width"))
        if height > 0 and width > 0:  # some writers leave zeros there
            size = int(height), int(width)
    objects = root.findall("object")
    if not objects:
        raise _NotVoc("it has no <object>")
    if len(objects) > MOST_OBJECTS:
        raise _NotVoc(f"it has {len(objects):,} objects, more than {MOST_OBJECTS:,}")
    return Annotation([_thing(found, i, size) for i, found in enumerate(objects, 1)], size)


def _thing(found: ElementTree.Element, number: int, size: tuple[int, int] | None) -> Thing:
    where = f"object {number}"
    name = (found.findtext("name") or "").strip()
    if not name:
        raise _NotVoc(f"{where} has no <name>")
    box = found.find("bndbox")
    if box is None:
        raise _NotVoc(f"{where} has no <bndbox>")
    xmin, ymin, xmax, ymax = (_number(box, field, where) for field in ("xmin", "ymin", "xmax", "ymax"))
    if min(xmin, ymin) < 0 or xmax < xmin or ymax < ymin:
        raise _NotVoc(f"{where} has the box {xmin:g}, {ymin:g}, {xmax:g}, {ymax:g}, which is negative or inside out")
    if size is not None and (ymax > size[0] or xmax > size[1]):
        raise _NotVoc(f"{where} ends at {xmax:g}, {ymax:g}, outside the picture of {size[1]} x {size[0]}")
    x0, y0 = max(0.0, xmin - 1), max(0.0, ymin - 1)
    if x0 >= xmax or y0 >= ymax:
        raise _NotVoc(f"{where} has an empty box")
    return Thing(name, (x0, y0, xmax, ymax))


def _number(parent: ElementTree.Element, field: str, where: str) -> float:
    text = (parent.findtext(field) or "").strip()
    try:
        number = float(text)
    except ValueError:
        raise _NotVoc(f"{where} has no number <{field}>, got {text[:40]!r}") from None
    if not math.isfinite(number) or abs(number) > LARGEST:
        raise _NotVoc(f"{where} has <{field}> {text[:40]}")
    return number
