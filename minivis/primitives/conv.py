"""Convolution as it is taught: cut out every window, multiply by the kernel, and the transpose of that.

A map (N, H, W, C) is cut into windows of kh*kw*C numbers; each window is a row of a matrix, the kernel
(kh, kw, C, K) is a matrix of kh*kw*C rows, and the convolution is their product. (As everywhere in deep learning this
is a cross-correlation: the kernel is not turned.) The matrix of windows is kh*kw times as large as the map, so it is
made in strips of a few rows that fit into the cache, and never held whole.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ..backend import Array, array_module
from ..errors import InputError
from ..parallel import product
from ..tape import Primitive
from ..workspace import scratch
from . import gpu, planes, winograd
from .windows import Grid, Pair, add_sides, grid, overlap_add, remove_sides, windows
from .winograd import WinogradPlan

STRIP_BYTES = 8 << 20  # of the matrix of windows (measured: faster than 2 and 4 MiB, 16 are alike)
STRIP_BYTES_GPU = 256 << 20  # a GPU wants few, large products


class ConvResidual(NamedTuple):
    """What the rules of `conv2d` need."""

    x: Array  # None unless the kernel is recorded
    kernel: Array
    shape: tuple[int, ...]
    grid: Grid
    groups: int
    plan: Any  # a WinogradPlan or None


@Primitive
def conv2d(
    x: Array,
    kernel: Array,
    bias: Array | None = None,
    *,
    stride: int | Pair = 1,
    padding: int | tuple = 0,
    groups: int = 1,
    plan: WinogradPlan | None = None,
    wanted: frozenset = frozenset(),
) -> tuple[Array, ConvResidual]:
    """Convolve maps with a kernel.

    Parameters
    ----------
    x : ndarray, shape (N, H, W, C)
    kernel : ndarray, shape (kh, kw, C / groups, K)
    bias : ndarray, shape (K,), optional
    stride, padding : int or pair
        Padding is with zeros; ((top, bottom), (left, right)) gives each side its own.
    groups : int
        Channels are split into so many groups, each seen by K / groups kernels alone.
    plan : WinogradPlan, optional
        Made for this very kernel, where it will be used again: lets the fast twin in `winograd.py` take over.

    Returns
    -------
    ndarray, shape (N, rows, columns, K)
        ``y[n, i, j, k] = sum over (a, b, c) of x[n, i*s + a - p, j*s + b - p, c] * kernel[a, b, c, k] + bias[k]``

    Notes
    -----
    With a plan, what is not finite in one place of `x` spreads over the tiles of 4x4 outputs that see it.
    """
    return convolve(x, kernel, bias, stride, padding, groups, plan, wanted)


def convolve(
    x: Array,
    kernel: Array,
    bias: Array | None,
    stride: int | Pair,
    padding: int | tuple,
    groups: int,
    plan: WinogradPlan | None,
    wanted: frozenset,
    rectify: bool = False,
) -> tuple[Array, ConvResidual]:
    """Do what `conv2d` does, and with `rectify` the ReLU after it, by whichever of the twins is the fastest here."""
    _check(x, kernel, groups)
    places = grid(x.shape, kernel.shape[:2], stride, padding)
    recorded = 1 in wanted  # a kernel that is being learned: keep x for its gradient, and trust no plan
    residual = ConvResidual(x if recorded else None, kernel, x.shape, places, groups, None if recorded else plan)
    if _has_winograd(x, residual):
        y = winograd.forward(x, residual.plan, places.sides, (places.rows, places.columns), bias, rectify)
        return y, residual
    if _has_planes(x, residual):
        return planes.forward(x, kernel, places, bias, rectify), residual
    y = _convolve(x, kernel, places, groups)
    if bias is not None:
        y += bias
    if rectify:
        array_module(y).maximum(y, 0, out=y)
    return y, residual


def _convolve(x: Array, kernel: Array, places: Grid, groups: int) -> Array:
    """Cut, multiply, put in place: strip by strip."""
    xp = array_module(x, kernel)
    y = xp.empty((x.shape[0], places.rows, places.columns, kernel.shape[3]), dtype=xp.result_type(x, kernel))
    padded = add_sides(x, places.sides)
    for c, k in _group_slices(kernel, groups):
        matrix = _matrix(kernel[..., k])
        for strip in _strips(y.shape, matrix, places, xp):
            y[strip.pictures, strip.rows, :, k] = product(_cut(padded[..., c], strip, places), matrix).reshape(
                *strip.shape, -1
            )
    return y


@conv2d.backward_to(0)
def conv2d_x(g: Array, r: ConvResidual) -> Array:
    """Send each output's g back through the kernel to its window, and add where windows overlap."""
    if _has_winograd(g, r):
        return winograd.adjoint(g, r.plan, r.grid.sides, r.shape)
    if _has_planes(g, r):
        return planes.adjoint(g, r.kernel, r.grid, r.shape)
    xp = array_module(g)
    n, height, width, channels = r.shape
    top, bottom, left, right = r.grid.sides
    gx = xp.zeros((n, top + height + bottom, left + width + right, channels), dtype=g.dtype)
    for c, k in _group_slices(r.kernel, r.groups):
        matrix = _matrix(r.kernel[..., k])
        for strip in _strips(g.shape, matrix, r.grid, xp):
            pieces = product(g[strip.pictures, strip.rows, :, k].reshape(-1, matrix.shape[1]), matrix.T)
            pieces = pieces.reshape(*strip.shape, *r.kernel.shape[:3])
            overlap_add(pieces, gx[strip.pictures, r.grid.span(strip.rows), :, c], r.grid.stride)
    return remove_sides(gx, r.grid.sides)


@conv2d.backward_to(1)
def conv2d_kernel(g: Array, r: ConvResidual) -> Array:
    """Each kernel element met one value of each window: multiply those by g and add over all windows."""
    xp = array_module(g)
    gk = xp.zeros(r.kernel.shape, dtype=g.dtype)
    padded = add_sides(r.x, r.grid.sides)
    for c, k in _group_slices(r.kernel, r.groups):
        part = gk[..., k]
        matrix = _matrix(r.kernel[..., k])
        for strip in _strips(g.shape, matrix, r.grid, xp):
            cut = _cut(padded[..., c], strip, r.grid)
            part += product(cut.T, g[strip.pictures, strip.rows, :, k].reshape(len(cut), -1)).reshape(part.shape)
    return gk


@conv2d.backward_to(2)
def conv2d_bias(g: Array, r: ConvResidual) -> Array:
    """Each bias was added at every place."""
    return g.sum((0, 1, 2))


class Strip(NamedTuple):
    """Some rows of the output of some pictures: what is computed in one product."""

    pictures: slice
    rows: slice
    columns: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """(pictures, rows, columns) of the output in this strip."""
        return self.pictures.stop - self.pictures.start, self.rows.stop - self.rows.start, self.columns


def _strips(shape: tuple[int, ...], matrix: Array, places: Grid, xp: object) -> Iterator[Strip]:
    """Cut the output into strips whose matrix of windows is about `STRIP_BYTES` large.

    Small maps go several pictures at a time, large ones a few rows at a time.
    """
    n, rows, columns, _ = shape
    budget = STRIP_BYTES if xp is np else STRIP_BYTES_GPU
    row_bytes = columns * matrix.shape[0] * matrix.dtype.itemsize
    pictures = max(1, budget // (row_bytes * rows))
    height = rows if pictures > 1 else min(rows, max(1, budget // row_bytes))
    for first in range(0, n, pictures):
        for top in range(0, rows, height):
            yield Strip(slice(first, min(first + pictures, n)), slice(top, min(top + height, rows)), columns)


def _cut(padded: Array, strip: Strip, places: Grid) -> Array:
    """Return the windows of a strip as the rows of a matrix, (windows, kh*kw*C)."""
    cut = windows(padded[strip.pictures, places.span(strip.rows)], places.kernel, places.stride)
    size = cut.shape[3] * cut.shape[4] * cut.shape[5]
    if not isinstance(cut, np.ndarray):
        return cut.reshape(-1, size)
    matrix = scratch("windows", cut.shape, cut.dtype)  # the same memory for every strip
    matrix[...] = cut
    return matrix.reshape(-1, size)


def _matrix(kernel: Array) -> Array:
    """Return a kernel (kh, kw, C, K) as a matrix (kh*kw*C, K)."""
    return kernel.reshape(-1, kernel.shape[3])


def _group_slices(kernel: Array, groups: int) -> Iterator[tuple[slice, slice]]:
    """Yield the input channels and the output channels of each group."""
    c, k = kernel.shape[2], kernel.shape[3] // groups
    for group in range(groups):
        yield slice(group * c, (group + 1) * c), slice(group * k, (group + 1) * k)


def _has_winograd(x: Array, r: ConvResidual) -> bool:
    """Return whether `winograd.py` computes the same here, sooner."""
    if r.plan is None or r.groups > 1 or r.grid.kernel != (3, 3) or r.grid.stride != (1, 1):
        return False
    pays = r.plan.pays(r.kernel, x, r.shape, (r.grid.rows, r.grid.columns))
    return pays and (isinstance(x, np.ndarray) or gpu.usable(x))


def _has_planes(x: Array, r: ConvResidual) -> bool:
    """Return whether `planes.py` computes the same here, sooner."""
    return r.groups == 1 and isinstance(x, np.ndarray) and planes.pays(r.kernel, (r.grid.rows, r.grid.columns))


def _check(x: Array, kernel: Array, groups: int) -> None:
    if x.ndim != 4 or kernel.ndim != 4:
        raise InputError(f"conv2d wants x (N, H, W, C) and a kernel (kh, kw, C, K), got {x.shape} and {kernel.shape}")
    if x.shape[3] != kernel.shape[2] * groups or kernel.shape[3] % groups:
        raise InputError(
            f"conv2d expects {kernel.shape[2] * groups} channels last, got {x.shape}: is the picture channels-first?"
        )
