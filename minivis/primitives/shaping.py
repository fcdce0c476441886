"""Moving numbers without changing them, and bilinear resizing. All are linear: their rules are their adjoints."""

from typing import Any, NamedTuple

import numpy as np

from ..backend import Array, array_module, like
from ..errors import InputError
from ..tape import OPERATORS, Primitive
from .windows import Sides, add_sides, four_sides, pair, remove_sides


class IndexResidual(NamedTuple):
    """What was taken from an array of which shape."""

    key: Any
    shape: tuple[int, ...]


class ResizeResidual(NamedTuple):
    """The two matrices of a bilinear resize."""

    down: Array  # (rows after, rows before)
    across: Array  # (columns after, columns before)


@Primitive
def reshape(x: Array, *, shape: tuple[int, ...]) -> tuple[Array, tuple[int, ...]]:
    """The same numbers, in row-major order, in another shape."""
    return x.reshape(shape), x.shape


@reshape.backward_to(0)
def reshape_x(g: Array, shape: tuple[int, ...]) -> Array:
    """Back to the old shape."""
    return g.reshape(shape)


@Primitive
def transpose(x: Array, *, axes: tuple[int, ...]) -> tuple[Array, tuple[int, ...]]:
    """The same numbers with their axes in another order."""
    return x.transpose(axes), axes


@transpose.backward_to(0)
def transpose_x(g: Array, axes: tuple[int, ...]) -> Array:
    """Back to the old order."""
    return g.transpose(tuple(sorted(range(len(axes)), key=lambda i: axes[i] % len(axes))))


@Primitive
def index(x: Array, *, key: Any) -> tuple[Array, IndexResidual]:
    """x[key]: numbers, slices, integer arrays or masks, as in NumPy."""
    return array_module(x).asarray(x[key]), IndexResidual(key, x.shape)


@index.backward_to(0)
def index_x(g: Array, r: IndexResidual) -> Array:
    """Put each g back where it came from, adding where one place was taken several times."""
    xp = array_module(g)
    gx = xp.zeros(r.shape, dtype=g.dtype)
    parts = r.key if isinstance(r.key, tuple) else (r.key,)
    if all(part is None or part is Ellipsis or isinstance(part, int | slice | np.integer) for part in parts):
        gx[r.key] = g
    else:
        xp.add.at(gx, r.key, g)
    return gx


@Primitive
def concat(*arrays: Array, axis: int = -1) -> tuple[Array, tuple[tuple[int, ...], int]]:
    """Join arrays along an axis (the channels, unless told otherwise)."""
    return array_module(*arrays).concatenate(arrays, axis), (tuple(a.shape[axis] for a in arrays), axis)


@concat.backward_to_each
def concat_each(g: Array, r: tuple[tuple[int, ...], int], position: int) -> Array:
    """Cut out what this argument brought."""
    sizes, axis = r
    start = int(np.sum(sizes[:position], dtype=int))
    cut: list[slice] = [slice(None)] * g.ndim
    cut[axis] = slice(start, start + sizes[position])
    return g[tuple(cut)]


@Primitive
def pad(x: Array, *, padding: int | tuple, value: float = 0.0) -> tuple[Array, Sides]:
    """Add a border of `value` to maps (N, H, W, C): a number, (vertical, horizontal) or four sides."""
    sides = four_sides(padding)
    return add_sides(x, sides, value), sides


@pad.backward_to(0)
def pad_x(g: Array, sides: Sides) -> Array:
    """Cut the border off."""
    return remove_sides(g, sides)


@Primitive
def roll(x: Array, *, shift: int | tuple[int, ...], axis: int | tuple[int, ...]) -> tuple[Array, tuple]:
    """Shift along axes; what leaves at one end comes in at the other."""
    return array_module(x).roll(x, shift, axis), (shift, axis)


@roll.backward_to(0)
def roll_x(g: Array, r: tuple) -> Array:
    """Shift back."""
    shift, axis = r
    back = tuple(-s for s in shift) if isinstance(shift, tuple) else -shift
    return array_module(g).roll(g, back, axis)


@Primitive
def resize(x: Array, *, size: int | tuple[int, int]) -> tuple[Array, ResizeResidual]:
    """Resize maps (N, H, W, C) to `size` (rows, columns) by bilinear interpolation.

    Half-pixel centres, edges clamped, no low-pass filter before shrinking (as ``align_corners=False`` in PyTorch and
    OpenCV's ``INTER_LINEAR``). It is a product with one matrix from the left and one from the right.
    """
    if x.ndim != 4:
        raise InputError(f"resize wants maps (N, H, W, C), got {x.shape}")
    rows, columns = pair(size, "size")
    down = like(bilinear_matrix(x.shape[1], rows, x.dtype), x)
    across = like(bilinear_matrix(x.shape[2], columns, x.dtype), x)
    return _two_sided(x, down, across), ResizeResidual(down, across)


@resize.backward_to(0)
def resize_x(g: Array, r: ResizeResidual) -> Array:
    """The transposed matrices."""
    return _two_sided(g, r.down.T, r.across.T)


def bilinear_matrix(before: int, after: int, dtype: Any = "float64") -> np.ndarray:
    """Return the matrix (after, before) that interpolates `before` values linearly at `after` places."""
    centres = (np.arange(after) + 0.5) * (before / after) - 0.5
    centres = np.clip(centres, 0, before - 1)
    left = np.floor(centres).astype(int)
    right = np.minimum(left + 1, before - 1)
    matrix = np.zeros((after, before))
    np.add.at(matrix, (np.arange(after), left), 1 - (centres - left))
    np.add.at(matrix, (np.arange(after), right), centres - left)
    return matrix.astype(dtype)


def _two_sided(x: Array, down: Array, across: Array) -> Array:
    n, height, width, channels = x.shape
    tall = (down @ x.reshape(n, height, width * channels)).reshape(-1, width, channels)
    return (across @ tall).reshape(n, down.shape[0], across.shape[0], channels)


OPERATORS["index"] = index
