"""Sums, means and maxima over axes."""

import math
from typing import NamedTuple

from ..backend import Array, array_module
from ..tape import Primitive

Axes = int | tuple[int, ...] | None


class Reduced(NamedTuple):
    """What was reduced: the shape before, and over which axes."""

    shape: tuple[int, ...]
    axes: tuple[int, ...]


class MaxResidual(NamedTuple):
    """Where the maxima were."""

    where: Array  # index of the first maximum, in row-major order of the reduced axes
    shape: tuple[int, ...]
    axes: tuple[int, ...]


def positive_axes(axis: Axes, ndim: int) -> tuple[int, ...]:
    """Return `axis` as a sorted tuple of axes counted from the front; None is all of them."""
    axes = range(ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
    return tuple(sorted(a % ndim for a in axes))


def expand(g: Array, reduced: Reduced | MaxResidual) -> Array:
    """Give `g` back the axes that were reduced, each of size 1."""
    return g.reshape(tuple(1 if i in reduced.axes else n for i, n in enumerate(reduced.shape)))


@Primitive
def sum(x: Array, *, axis: Axes = None, keepdims: bool = False) -> tuple[Array, Reduced]:
    """Sum over `axis` (None: over all)."""
    axes = positive_axes(axis, x.ndim)
    return array_module(x).asarray(x.sum(axes, keepdims=keepdims)), Reduced(x.shape, axes)


@sum.backward_to(0)
def sum_x(g: Array, r: Reduced) -> Array:
    """Each element counted once."""
    return array_module(g).broadcast_to(expand(g, r), r.shape)


@Primitive
def mean(x: Array, *, axis: Axes = None, keepdims: bool = False) -> tuple[Array, Reduced]:
    """Average over `axis` (None: over all)."""
    axes = positive_axes(axis, x.ndim)
    return array_module(x).asarray(x.mean(axes, keepdims=keepdims)), Reduced(x.shape, axes)


@mean.backward_to(0)
def mean_x(g: Array, r: Reduced) -> Array:
    """Each element counted 1 / n."""
    share = expand(g, r) / math.prod(r.shape[a] for a in r.axes)
    return array_module(g).broadcast_to(share, r.shape)


@Primitive
def max(x: Array, *, axis: Axes = None, keepdims: bool = False) -> tuple[Array, MaxResidual]:
    """Largest element over `axis` (None: over all); the first among equals gets the gradient."""
    axes = positive_axes(axis, x.ndim)
    where = _axes_last(x, axes).argmax(-1)
    return array_module(x).asarray(x.max(axes, keepdims=keepdims)), MaxResidual(where, x.shape, axes)


@max.backward_to(0)
def max_x(g: Array, r: MaxResidual) -> Array:
    """Everything to the winner."""
    xp = array_module(g)
    kept = tuple(i for i in range(len(r.shape)) if i not in r.axes)
    count = math.prod(r.shape[a] for a in r.axes)
    won = xp.arange(count) == r.where[..., None]
    gx = (g.reshape(r.where.shape)[..., None] * won).reshape(tuple(r.shape[i] for i in (*kept, *r.axes)))
    return gx.transpose(tuple((*kept, *r.axes).index(i) for i in range(len(r.shape))))


def _axes_last(x: Array, axes: tuple[int, ...]) -> Array:
    """Return `x` with `axes` moved to the end and flattened into one."""
    kept = tuple(i for i in range(x.ndim) if i not in axes)
    return x.transpose((*kept, *axes)).reshape((*(x.shape[i] for i in kept), -1))
