"""Views: looks at the picture, drawn anew at each step, through which the gradient flows back.

A view is a function of (picture, rng), where the picture is a Tensor (N, H, W, 3), and returns a Tensor. What the net
sees is the last view's result; what is stepped is the picture itself. So a view is undone by construction: after a
jitter the gradient comes back rolled to where it belongs, and the picture cannot drift. One look is drawn for the whole
batch.

The rng is a `numpy.random.Generator`. Any function of this kind will do; these four are the usual ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import InputError
from ..primitives import roll, warp
from ..primitives.windows import pair

View = Callable[[Any, np.random.Generator], Any]


def jitter(pixels: int) -> View:
    """Roll the picture by up to `pixels` rows and columns either way, both ends included.

    What leaves at one edge comes in at the other. (Mordvintsev et al. 2015, DeepDream's code: 32 pixels.)
    """
    if not isinstance(pixels, int) or pixels < 0:
        raise InputError(f"jitter takes a whole number of pixels from 0 on, got {pixels!r}")

    def view(picture: Any, rng: np.random.Generator) -> Any:
        down, across = rng.integers(-pixels, pixels + 1, 2)  # the upper end is left out by NumPy
        return roll(picture, shift=(int(down), int(across)), axis=(1, 2))

    return view


def scale(low: float, high: float) -> View:
    """Enlarge the picture about its centre by a factor between `low` and `high`, and keep its size.

    Below 1 it shrinks, and its edge is drawn out to fill the frame (ours: networks with fully connected layers take
    one size only).
    """
    if not 0 < low <= high:
        raise InputError(f"scale takes two factors, 0 < low <= high, got {low!r} and {high!r}")

    def view(picture: Any, rng: np.random.Generator) -> Any:
        step = 1 / rng.uniform(low, high)
        return warp(picture, matrix=((step, 0.0), (0.0, step)))

    return view


def rotation(degrees: float) -> View:
    """Turn the picture about its centre by up to `degrees` either way; its edge is drawn out to fill the corners."""
    if not degrees >= 0:
        raise InputError(f"rotation takes an angle in degrees from 0 on, got {degrees!r}")

    def view(picture: Any, rng: np.random.Generator) -> Any:
        angle = math.radians(rng.uniform(-degrees, degrees))
        cos, sin = math.cos(angle), math.sin(angle)
        return warp(picture, matrix=((cos, sin), (-sin, cos)))

    return view


def random_crop(size: int | tuple[int, int]) -> View:
    """Cut a window of `size` (rows, columns) out of a larger picture, at a random place."""
    height, width = pair(size, "size")

    def view(picture: Any, rng: np.random.Generator) -> Any:
        spare = (picture.shape[1] - height, picture.shape[2] - width)
        if min(spare) < 0:
            raise InputError(f"a crop of {height} x {width} does not fit into {picture.shape[1]} x {picture.shape[2]}")
        top, left = (int(rng.integers(0, room + 1)) for room in spare)
        return picture[:, top : top + height, left : left + width]

    return view
