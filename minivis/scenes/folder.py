"""Scenes as files: a folder that other tools can train and test on."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from ..atomic import replacing
from ..pictures import save_picture
from .making import Scenes, make_scenes

_AT_ONCE = 64  # scenes that are held in memory (ours)


def write_scenes(
    folder: str | os.PathLike[str], count: int, size: int = 64, seed: int = 0, by: str = "shape", first: int = 0
) -> Iterator[Path]:
    """Write scenes into a folder, one after the other; each file appears complete or not at all.

    ``pictures/CLASS/scene_000012.png`` is what `train --data` takes (with ``FOLDER/pictures``). Beside it lie
    ``masks/scene_000012.png`` (255 where the mask is True), ``annotations/scene_000012.xml`` (the mask's box as PASCAL
    VOC has it: counted from 1, the last pixel included) and, at the end, ``scenes.json`` with captions, questions and
    answers.

    Parameters
    ----------
    folder : path
        Made if it is not there. Files of the same names are replaced.
    count, size, seed, by, first
        As in `make_scenes`.

    Yields
    ------
    Path
        Of each picture that is written.
    """
    root = Path(folder)
    told: list[dict] = []
    for start in range(first, first + count, _AT_ONCE):
        scenes = make_scenes(min(_AT_ONCE, first + count - start), size, seed, by, start)
        for kind in ("masks", "annotations", *(f"pictures/{name}" for name in scenes.classes)):
            (root / kind).mkdir(parents=True, exist_ok=True)
        for i in range(len(scenes.pictures)):
            stem = f"scene_{start + i:06d}"
            path = root / "pictures" / scenes.classes[scenes.labels[i]] / f"{stem}.png"
            save_picture(root / "masks" / f"{stem}.png", scenes.masks[i] * np.uint8(255))
            _write(root / "annotations" / f"{stem}.xml", _voc(scenes, i, path.name))
            save_picture(path, scenes.pictures[i])
            told.append(_told(scenes, i, path.relative_to(root).as_posix()))
            yield path
    made = {"size": size, "seed": seed, "by": by, "first": first, "count": count}
    _write(root / "scenes.json", json.dumps({"made": made, "scenes": told}, indent=1).encode())


def _told(scenes: Scenes, i: int, file: str) -> dict:
    return {
        "file": file,
        "class": scenes.classes[scenes.labels[i]],
        "box": scenes.boxes[i].tolist(),
        "caption": scenes.captions[i],
        "questions": [{"question": question, "answer": answer} for question, answer in scenes.questions[i]],
    }


def _voc(scenes: Scenes, i: int, file: str) -> bytes:
    height, width = scenes.masks.shape[1:]
    root = ElementTree.Element("annotation")
    ElementTree.SubElement(root, "filename").text = file
    _numbers(ElementTree.SubElement(root, "size"), width=width, height=height, depth=3)
    thing = ElementTree.SubElement(root, "object")
    ElementTree.SubElement(thing, "name").text = scenes.classes[scenes.labels[i]]
    left, top, right, bottom = (int(place) + 1 for place in scenes.boxes[i])
    _numbers(ElementTree.SubElement(thing, "bndbox"), xmin=left, ymin=top, xmax=right, ymax=bottom)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="utf-8")


def _numbers(parent: ElementTree.Element, **values: int) -> None:
    for name, value in values.items():
        ElementTree.SubElement(parent, name).text = str(value)


def _write(path: Path, content: bytes) -> None:
    with replacing(path) as part:
        part.write_bytes(content)
