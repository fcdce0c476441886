"""Many scenes at once, as arrays."""

from typing import NamedTuple

import numpy as np

from ..errors import InputError
from .scene import classes_by, draw_scene
from .telling import caption, questions

SMALLEST = 24  # pixels (ours): below, a star is no star


class Scenes(NamedTuple):
    """Scenes with their answers."""

    pictures: np.ndarray  # (N, size, size, 3) float32, RGB 0..255, whole numbers
    labels: np.ndarray  # (N,) int
    classes: tuple[str, ...]
    masks: np.ndarray  # (N, size, size) bool: the visible pixels of the object that decides the class
    boxes: np.ndarray  # (N, 4) int: left, top, right, bottom of the mask, in pixels from 0, the last ones included
    captions: tuple[str, ...]
    questions: tuple[tuple[tuple[str, str], ...], ...]  # per scene: pairs (question, answer)


def make_scenes(count: int, size: int = 64, seed: int = 0, by: str = "shape", first: int = 0) -> Scenes:
    """Draw scenes whose class one object decides, with the pixels of that object.

    A scene has one object of a shape that names a class, up to three of other shapes, strokes and specks, on a ground
    of any colour. All objects are painted alike and cover the same area whatever their shape, so that neither colour
    nor size tells the class. At most 35 % of an object is hidden by others.

    Parameters
    ----------
    count : int
    size : int
        Height and width in pixels, 24 or more.
    seed : int
        Scene k of a seed is the same whatever `count` and `first` are. Not negative.
    by : {"shape", "texture"}
        What decides the class: "shape", of six; or "texture", of three, and then the one object that is not plain has
        any shape.
    first : int
        The number of the first scene, so that sets can be apart. Training (`minivis train`) takes those from 0 on, and
        its tests those from 1,200,000 on.

    Returns
    -------
    Scenes
        In every block of as many scenes as there are classes, each class comes once.
    """
    if by not in ("shape", "texture"):
        raise InputError(f"by is 'shape' or 'texture', got {by!r}")
    if count < 1 or first < 0 or seed < 0 or size < SMALLEST:
        raise InputError(
            f"expected count >= 1, first >= 0, seed >= 0 and size >= {SMALLEST}; got {count}, {first}, {seed}, {size}"
        )
    classes = classes_by(by)
    indices = range(first, first + count)
    scenes = [draw_scene(seed, k, _label(seed, k, len(classes)), size, by) for k in indices]
    masks = np.stack([scene.mask for scene in scenes])
    return Scenes(
        np.stack([scene.picture for scene in scenes]),
        np.array([scene.label for scene in scenes]),
        classes,
        masks,
        np.array([box_of(mask) for mask in masks]),
        tuple(caption(scene) for scene in scenes),
        tuple(tuple(questions(scene)) for scene in scenes),
    )


def box_of(mask: np.ndarray) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of what is True in `mask` (H, W): pixels from 0, the last ones included."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])


def _label(seed: int, index: int, classes: int) -> int:
    block, place = divmod(index, classes)
    return int(np.random.default_rng([seed, block, classes]).permutation(classes)[place])
