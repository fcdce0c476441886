"""Pooling: the largest or the mean of each window.

Max-pool's residual is its switches: which element of each window was the largest. They alone decide the way back, in
the derivative as in DeconvNet's unpooling (Zeiler and Fergus 2014, section 2.1): the two are the same function.
"""

from typing import NamedTuple

import numpy as np

from ..backend import Array, array_module
from ..errors import InputError
from ..tape import Primitive
from . import gpu, pool2x2
from .windows import Grid, Pair, Sides, add_sides, four_sides, grid, overlap_add, remove_sides, window_slice


class MaxPoolResidual(NamedTuple):
    """What the rule of `max_pool` needs."""

    switches: Array  # uint8 (N, rows, columns, C): row-major index of the first maximum within its window
    shape: tuple[int, ...]
    grid: Grid


class AvgPoolResidual(NamedTuple):
    """What the rule of `avg_pool` needs."""

    counts: Array  # (rows, columns, 1): by how many elements each window was divided
    shape: tuple[int, ...]
    grid: Grid


@Primitive
def max_pool(
    x: Array,
    *,
    kernel: int | Pair = 2,
    stride: int | Pair | None = None,
    padding: int | tuple = 0,
    ceil: bool = False,
) -> tuple[Array, MaxPoolResidual]:
    """Keep the largest element of each window, channel by channel.

    Parameters
    ----------
    x : ndarray, shape (N, H, W, C)
    kernel, stride, padding : int or pair
        Stride None is the kernel's size. Padding never wins: it counts as minus infinity.
    ceil : bool
        Let a last window overhang the end (Caffe's pooling does).

    Returns
    -------
    ndarray, shape (N, rows, columns, C)
        Among equals the first in row-major order wins, and alone gets the gradient.

    Notes
    -----
    The way back of float32 2x2 pools multiplies by 0 and 1, so an infinite gradient also leaves NaN at its neighbours.
    """
    stride = kernel if stride is None else stride
    places = grid(x.shape, kernel, stride, padding, ceil)
    _check_pool(places, four_sides(padding))
    kh, kw = places.kernel
    if kh * kw > 256:
        raise InputError(f"max_pool keeps its switches in one byte: {kh} x {kw} windows are larger than 256 elements")
    if _has_fast_twin(x, places):
        y, switches = pool2x2.forward(x)
        return y, MaxPoolResidual(switches, x.shape, places)
    if gpu.usable(x):
        y, switches = gpu.max_pool(x, places)
        return y, MaxPoolResidual(switches, x.shape, places)
    xp = array_module(x)
    padded = add_sides(x, places.sides, -xp.inf)
    y = window_slice(padded, 0, 0, places.stride, places.rows, places.columns).copy()
    switches = xp.zeros(y.shape, dtype="uint8")
    for index in range(1, kh * kw):
        candidate = window_slice(padded, *divmod(index, kw), places.stride, places.rows, places.columns)
        xp.copyto(switches, xp.uint8(index), where=candidate > y)  # strictly: a later equal does not win
        xp.maximum(y, candidate, out=y)
    return y, MaxPoolResidual(switches, x.shape, places)


@max_pool.backward_to(0)
def max_pool_x(g: Array, r: MaxPoolResidual) -> Array:
    """Put each g where its switch says, and nothing elsewhere."""
    if _has_fast_twin(g, r.grid):
        return pool2x2.adjoint(g, r.switches, r.shape)
    if gpu.usable(g):
        return gpu.max_pool_back(g, r.switches, r.shape, r.grid)
    xp = array_module(g)
    padded = _zeros_for(g, r.shape, r.grid.sides)
    kh, kw = r.grid.kernel
    for index in range(kh * kw):
        place = window_slice(padded, *divmod(index, kw), r.grid.stride, r.grid.rows, r.grid.columns)
        place += xp.where(r.switches == index, g, 0)
    return remove_sides(padded, r.grid.sides)


@Primitive
def avg_pool(
    x: Array,
    *,
    kernel: int | Pair = 2,
    stride: int | Pair | None = None,
    padding: int | tuple = 0,
    ceil: bool = False,
    count_padding: bool = True,
) -> tuple[Array, AvgPoolResidual]:
    """Average each window, channel by channel.

    Parameters
    ----------
    x : ndarray, shape (N, H, W, C)
    kernel, stride, padding, ceil
        As in `max_pool`. Padding is with zeros.
    count_padding : bool
        Whether padding counts in the mean (as in Caffe and PyTorch). What overhangs in ceil mode never does.

    Returns
    -------
    ndarray, shape (N, rows, columns, C)
    """
    stride = kernel if stride is None else stride
    sides = four_sides(padding)
    places = grid(x.shape, kernel, stride, padding, ceil)
    _check_pool(places, sides)
    xp = array_module(x)
    inside = xp.ones((1, x.shape[1], x.shape[2], 1), dtype=x.dtype)
    overhang = Sides(0, places.sides.bottom - sides.bottom, 0, places.sides.right - sides.right)
    counted = add_sides(add_sides(inside, sides, 1.0 if count_padding else 0.0), overhang)
    counts = _window_sums(counted, places)[0]
    y = _window_sums(add_sides(x, places.sides), places) / counts
    return y, AvgPoolResidual(counts, x.shape, places)


@avg_pool.backward_to(0)
def avg_pool_x(g: Array, r: AvgPoolResidual) -> Array:
    """Give each element of a window its equal share of g."""
    padded = _zeros_for(g, r.shape, r.grid.sides)
    share = (g / r.counts)[:, :, :, None, None]
    xp = array_module(g)
    overlap_add(xp.broadcast_to(share, (*g.shape[:3], *r.grid.kernel, g.shape[3])), padded, r.grid.stride)
    return remove_sides(padded, r.grid.sides)


@Primitive
def global_avg_pool(x: Array) -> tuple[Array, tuple[int, ...]]:
    """Average each map: (N, H, W, C) -> (N, C)."""
    return x.mean((1, 2)), x.shape


@global_avg_pool.backward_to(0)
def global_avg_pool_x(g: Array, shape: tuple[int, ...]) -> Array:
    """Give each place its equal share of g."""
    share = g[:, None, None, :] / (shape[1] * shape[2])
    return array_module(g).broadcast_to(share, shape)


def _window_sums(padded: Array, places: Grid) -> Array:
    kh, kw = places.kernel
    total = window_slice(padded, 0, 0, places.stride, places.rows, places.columns).copy()
    for index in range(1, kh * kw):
        total += window_slice(padded, *divmod(index, kw), places.stride, places.rows, places.columns)
    return total


def _zeros_for(g: Array, shape: tuple[int, ...], sides: Sides) -> Array:
    n, height, width, channels = shape
    xp = array_module(g)
    return xp.zeros((n, sides.top + height + sides.bottom, sides.left + width + sides.right, channels), dtype=g.dtype)


def _has_fast_twin(x: Array, places: Grid) -> bool:
    """Return whether `pool2x2.py` computes the same, sooner."""
    fits = places.kernel == places.stride == (2, 2) and not any(places.sides)
    return fits and isinstance(x, np.ndarray) and x.dtype == np.float32


def _check_pool(places: Grid, sides: Sides) -> None:
    kh, kw = places.kernel
    if max(sides.top, sides.bottom) >= kh or max(sides.left, sides.right) >= kw:
        raise InputError(
            f"padding {tuple(sides)} reaches the pooling window {places.kernel}: a window would hold nothing"
        )
