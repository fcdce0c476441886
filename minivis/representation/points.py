"""Points: rows of numbers, checked; and the squared distances between them, a block of rows at a time."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..backend import Array, array_module
from ..errors import InputError

HOST_BLOCK, DEVICE_BLOCK = 2**17, 2**26
"""How many numbers a block should have (ours): half a megabyte of float32 stays in a core's cache."""


def as_points(points: Any, at_least: int = 1, what: str = "points") -> Array:
    """Return `points` as floats (N, D); raise `InputError` unless they are that, finite, and at least so many."""
    shape = getattr(points, "shape", None)
    if shape is None or len(shape) != 2 or shape[1] == 0 or points.dtype.kind not in "biuf":
        came = f"shape {tuple(shape)} of {points.dtype}" if shape is not None else type(points).__name__
        raise InputError(f"expected {what} as an array of numbers (N, D), got {came}")
    if len(points) < at_least:
        raise InputError(f"expected at least {at_least} {what}, got {len(points)}")
    if points.dtype not in (np.float32, np.float64):
        points = points.astype("float32" if points.dtype.itemsize < 4 else "float64")
    if not bool(array_module(points).isfinite(points).all()):
        raise InputError(f"some of the {what} are not finite")
    return points


def row_blocks(rows: int, width: int, xp: Any = np, size: int | None = None) -> Iterator[slice]:
    """Yield the slices that cut `rows` rows of `width` numbers into blocks of about `size` numbers."""
    size = size or (HOST_BLOCK if xp is np else DEVICE_BLOCK)
    step = max(1, size // max(width, 1))
    return (slice(first, min(first + step, rows)) for first in range(0, rows, step))


def squared_distances(a: Array, b: Array) -> Array:
    """Return the squared Euclidean distances of the rows of `a` (m, D) and `b` (n, D): (m, n), in float64.

    By ``|a|² + |b|² - 2 a·b``, one product of matrices. It rounds: by some 1e-16 of the squared lengths per dimension,
    so move the points near the origin first.
    """
    xp = array_module(a, b)
    a, b = a.astype("float64", copy=False), b.astype("float64", copy=False)
    found = a @ b.T
    found *= -2
    found += (a * a).sum(1)[:, None]
    found += (b * b).sum(1)
    return xp.maximum(found, 0, out=found)


def signs_fixed(vectors: Array) -> Array:
    """Return the rows of `vectors`, each turned so that its entry of largest size is positive (the first, on ties).

    An eigenvector is known up to its sign only: without a rule the same data could give mirrored maps.
    """
    xp = array_module(vectors)
    strongest = vectors[xp.arange(len(vectors)), xp.abs(vectors).argmax(1)]
    return vectors * xp.where(strongest < 0, -1, 1).astype(vectors.dtype)[:, None]
