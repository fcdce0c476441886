"""One scene: exactly one object that decides the class, others that do not, and clutter, drawn from a seed."""

from typing import NamedTuple

import numpy as np

from ..backend import DTYPE
from .paint import TEXTURES, background, colour_names, jittered, surface
from .shapes import OTHERS, SHAPES, coverage, reach

# All ours.
AREA = (0.08, 0.2)  # of an object, as a share of the picture
MOST_HIDDEN = 0.35  # of an object, by those in front of it
MOST_OTHERS = 3
_TRIES = 30
_FURTHEST = max(reach(name) for name in SHAPES + OTHERS)


class Thing(NamedTuple):
    """An object of a scene."""

    shape: str
    colour: str
    texture: str
    centre: tuple[float, float]  # (y, x) in pixels
    area: float  # in pixels, were nothing in front of it
    turn: float  # radians


class Scene(NamedTuple):
    """A scene with its answer."""

    picture: np.ndarray  # (size, size, 3) float32, RGB 0..255, whole numbers
    mask: np.ndarray  # (size, size) bool: the visible pixels of the object that decides the class
    things: tuple[Thing, ...]  # the deciding one first
    label: int


def classes_by(by: str) -> tuple[str, ...]:
    """Return the class names if the `by` of an object ("shape" or "texture") decides."""
    return SHAPES if by == "shape" else TEXTURES[1:]


def draw_scene(seed: int, index: int, label: int, size: int = 64, by: str = "shape") -> Scene:
    """Draw scene number `index` of `seed`, as a scene of class `label`.

    Everything but the class is drawn from (seed, index) alone: the same scene of another class has the same background,
    colours, places and sizes, but for others that the two shapes hide differently and that are left out.

    Parameters
    ----------
    seed, index, label : int
    size : int
        Height and width.
    by : {"shape", "texture"}
        What decides: the shape of the one object whose shape is in `SHAPES`; or the texture of the one object that has
        one, whatever its shape.
    """
    rng = np.random.default_rng([seed, index])
    picture = background(rng, size)
    _clutter(rng, picture)
    names = colour_names(rng, picture.mean((0, 1)), 1 + MOST_OTHERS)
    things, depths = _things(rng, names, label, size, by)
    period = size * rng.uniform(0.075, 0.11)
    colours = [jittered(rng, thing.colour) for thing in things]

    covered = [coverage(thing.shape, size, thing.centre, thing.area, thing.turn) for thing in things]
    order: list[int] = []
    for i in range(len(things)):  # whatever would hide too much of another, or be hidden too much, is left out
        trial = sorted([*order, i], key=lambda k: depths[k])
        if all(s > 1 - MOST_HIDDEN for s in _visible_shares(trial, covered)):
            order = trial
    seen = np.zeros((size, size), DTYPE)
    for i in order:
        share = covered[i][..., None]
        thing = things[i]
        paint = surface(thing.texture, colours[i], size, thing.centre, thing.turn, period)
        picture = picture * (1 - share) + paint.astype(DTYPE) * share
        seen = covered[0] if i == 0 else seen * (1 - covered[i])
    kept = tuple(things[i] for i in sorted(order))
    return Scene(np.rint(np.clip(picture, 0, 255)).astype(DTYPE), seen >= 0.5, kept, label)


def _things(
    rng: np.random.Generator, names: list[str], label: int, size: int, by: str
) -> tuple[list[Thing], list[float]]:
    """Return the objects, the deciding one first, and how near each is. What is drawn does not depend on `label`."""
    count = 1 + int(rng.integers(0, min(MOST_OTHERS, len(names) - 1) + 1))
    things, depths = [], []
    for i in range(count):
        area = rng.uniform(*AREA) * size**2
        margin = min(_FURTHEST * np.sqrt(area), size / 2)  # that of the furthest shape: a place tells no shape
        y, x = rng.uniform(margin, size - margin, 2)
        turn = rng.uniform(0, 2 * np.pi)
        shape = OTHERS[rng.integers(len(OTHERS))]
        texture = TEXTURES[rng.integers(len(TEXTURES))]
        any_shape = (SHAPES + OTHERS)[rng.integers(len(SHAPES + OTHERS))]
        depths.append(rng.random())
        if by == "texture":
            shape, texture = any_shape, TEXTURES[1 + label] if i == 0 else "plain"
        elif i == 0:
            shape = SHAPES[label]
        things.append(Thing(shape, names[i], texture, (float(y), float(x)), float(area), float(turn)))
    return things, depths


def _visible_shares(order: list[int], covered: list[np.ndarray]) -> list[float]:
    """Return which part of each object, from back to front, those in front of it leave visible."""
    shares = []
    through = np.ones_like(covered[0])
    for i in reversed(order):
        shares.append(float((covered[i] * through).sum() / covered[i].sum()))
        through = through * (1 - covered[i])
    return shares


def _clutter(rng: np.random.Generator, picture: np.ndarray) -> None:
    """Draw thin strokes and specks onto a background, in place."""
    size = len(picture)
    y, x = np.arange(size)[:, None] + 0.5, np.arange(size)[None] + 0.5
    for _ in range(rng.integers(3, 12)):
        (y0, x0), angle = rng.uniform(0, size, 2), rng.uniform(0, np.pi)
        length, width = size * rng.uniform(0.0, 0.25), size * rng.uniform(0.008, 0.022)
        along = np.clip((y - y0) * np.sin(angle) + (x - x0) * np.cos(angle), -length / 2, length / 2)
        distance = np.hypot(y - y0 - along * np.sin(angle), x - x0 - along * np.cos(angle))
        share = np.clip(width - distance + 0.5, 0, 1)[..., None] * rng.uniform(0.5, 1)
        picture += share * (rng.uniform(0, 255, 3) - picture)
