"""What a change in a small part of the picture changes in a network, and nothing else.

A convolution or a pool makes the rectangle that changed a little larger, or smaller by its stride; outside, each
activation is the one of the clean picture, computed once. So for each row only that rectangle is computed anew, from
the clean maps with the rectangle below laid over them. It is exact, not an approximation (Nakandala et al. 2019,
"Incremental and approximate inference for faster occlusion-based deep CNN explanations").

Changes whose rectangles have the same shape in every row are computed together, as one batch.
"""

import dataclasses
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..backend import Array, array_module
from ..nets import Net
from ..nets.architecture import Row
from ..nets.layers import LRN, Concat, Conv, Dropout, Input, Layer, MaxPool, Normalize, ReLU, Shape, Window

POINTWISE = (Normalize, ReLU, Dropout, LRN)  # a place of the output depends on that place of the input alone
LOCAL = (*POINTWISE, Input, Conv, MaxPool, Concat)


class Span(NamedTuple):
    """Places start to stop - 1 along one axis."""

    start: int
    stop: int

    def moved(self, by: int) -> slice:
        """Return these places as a slice, counted from `by`."""
        return slice(self.start - by, self.stop - by)


class Step(NamedTuple):
    """Along one axis, at one row: what changed, what must be read for it, and the padding that this meets."""

    changed: Span
    read: Span
    before: int
    after: int


class Change(NamedTuple):
    """A rectangle of the picture: rows top to bottom - 1, columns left to right - 1."""

    top: int
    bottom: int
    left: int
    right: int


def reach(changed: Span, window: Window, size: int, below: int) -> Step:
    """Return what `changed` changes in a layer of `size` places with `window`, over `below` places."""
    kernel, stride, padding = window
    start = max(0, -((kernel - 1 - padding - changed.start) // stride))  # the first window that reaches into it
    stop = min(size, (changed.stop - 1 + padding) // stride + 1)
    if stop <= start:  # it fell between the windows
        return Step(Span(start, start), Span(0, 0), 0, 0)
    first, last = start * stride - padding, (stop - 1) * stride - padding + kernel
    return Step(Span(start, stop), Span(max(0, first), min(below, last)), max(0, -first), max(0, last - below))


def passes(
    net: Net, x: Array, changes: Sequence[Change], covers: Array, names: Sequence[str], memory: int
) -> Iterator[tuple[list[int], dict[str, Array]]]:
    """Run the network on one picture under each of many changes.

    Parameters
    ----------
    net : Net
    x : ndarray, shape (1, H, W, 3)
    changes : sequence of Change
        Rectangles inside the picture.
    covers : ndarray, shape (H, W, 3)
        The picture from which the rectangles are taken.
    names : sequence of str
        The rows wanted.
    memory : int
        About how many bytes of maps to hold at once, beside the clean ones.

    Yields
    ------
    (list of int, dict)
        Which changes, and the rows wanted for them.
    """
    plan = _Plan(net, x, names, changes)
    for some in _parts(range(len(changes)), max(1, memory // (4 * plan.edge_bytes))):
        edge = {name: array_module(x).repeat(plan.clean[name], len(some), 0) for name in plan.edge}
        groups: dict[tuple, list[int]] = defaultdict(list)
        for i in some:
            groups[plan.key(changes[i])].append(i)
        for group in groups.values():
            for part in _parts(group, max(1, memory // (4 * _bytes(plan, changes[group[0]])))):
                _fill(edge, plan, [changes[i] for i in part], [i - some[0] for i in part], covers)
        yield list(some), net.capture(edge, names)


def full_passes(
    net: Net, x: Array, changes: Sequence[Change], covers: Array, names: Sequence[str], memory: int
) -> Iterator[tuple[list[int], dict[str, Array]]]:
    """Do as `passes` does, by as many whole forward passes as there are changes: its slow, obvious twin."""
    shapes = net.shapes(x.shape[1:3], upto=max(names, key=net.names.index))
    largest = max(math.prod(shape) for shape in shapes.values()) * np.dtype(net.dtype).itemsize
    for some in _parts(range(len(changes)), max(1, memory // (4 * largest))):
        pictures = array_module(x).repeat(x, len(some), 0)
        for picture, i in zip(pictures, some, strict=True):
            top, bottom, left, right = changes[i]
            picture[top:bottom, left:right] = covers[top:bottom, left:right]
        yield list(some), net.capture(pictures, names)


class _Plan:
    """Which rows are computed piece by piece, their clean maps, and what a change means at each of them.

    Rows are taken piece by piece until a change in the middle of the picture reaches half of their map: from there on
    whole maps, in large batches, are sooner done.
    """

    def __init__(self, net: Net, x: Array, names: Sequence[str], changes: Sequence[Change]):
        self.net = net
        self.shapes: dict[str, Shape] = net.shapes(x.shape[1:3], upto=max(names, key=net.names.index))
        self._paths: dict[tuple[int, Span], dict[str, Step]] = {}
        needed = net.architecture.ancestors(names)
        self.rows: list[Row] = []
        local = {"input"}
        for row in needed[1:]:
            if type(row.layer) in LOCAL and local.issuperset(row.inputs):
                self.rows.append(row)
                local.add(row.name)
        small = self._small(sorted(changes)[len(changes) // 2])
        self.rows = [row for row in self.rows if row.name in small]
        local = {"input", *small}
        beyond = {name for row in needed if row.name not in local for name in row.inputs}
        self.edge = [row.name for row in self.rows if row.name in beyond or row.name in names]
        around = {name for row in self.rows if not isinstance(row.layer, POINTWISE) for name in row.inputs}
        self.clean: dict[str, Array] = net.capture(x, sorted({*around, *self.edge}))
        self.edge_bytes = sum(self.clean[name].nbytes for name in self.edge)

    def _small(self, change: Change) -> set[str]:
        """Return the rows of which `change` reaches less than half, and all rows below too."""
        down, across = self.steps(change)
        small: set[str] = {"input"}
        for row in self.rows:
            height, width, _ = self.shapes[row.name]
            part = math.prod(_extent(down[row.name], across[row.name])) / (height * width)
            first = row.name == "normalize"  # there is always a piecewise row, so that there is an edge
            if small.issuperset(row.inputs) and (part < 0.5 or first):
                small.add(row.name)
        return small - {"input"}

    def steps(self, change: Change) -> tuple[dict[str, Step], dict[str, Step]]:
        """Return what a change means at each row, down and across."""
        return self._path(0, Span(change.top, change.bottom)), self._path(1, Span(change.left, change.right))

    def key(self, change: Change) -> tuple:
        """Return what is the same for changes that can be computed in one batch: every size and offset."""
        return tuple(
            (
                path[row.name].changed.stop - path[row.name].changed.start,
                path[row.name].read.stop - path[row.name].read.start,
                path[row.name].before,
                path[row.name].after,
                *(path[name].changed.start - path[row.name].read.start for name in row.inputs),
            )
            for path in self.steps(change)
            for row in self.rows
        )

    def _path(self, axis: int, changed: Span) -> dict[str, Step]:
        if (axis, changed) not in self._paths:
            path = {"input": Step(changed, changed, 0, 0)}
            for row in self.rows:
                below = [path[name].changed for name in row.inputs]
                hull = Span(min(span.start for span in below), max(span.stop for span in below))
                under = self.shapes[row.inputs[0]]
                path[row.name] = reach(hull, row.layer.window(under), self.shapes[row.name][axis], under[axis])
            self._paths[axis, changed] = path
        return self._paths[axis, changed]


def _fill(edge: dict[str, Array], plan: _Plan, changes: Sequence[Change], places: Sequence[int], covers: Array) -> None:
    """Compute the piecewise rows for changes of one shape, and lay the results over `edge` at `places`."""
    paths = [plan.steps(change) for change in changes]
    down, across = paths[0]
    xp = array_module(covers)
    dirty = {"input": xp.stack([covers[c.top : c.bottom, c.left : c.right] for c in changes])}
    for row in plan.rows:
        extent = _extent(down[row.name], across[row.name])
        if 0 in extent:
            dirty[row.name] = xp.empty((len(changes), *extent, plan.shapes[row.name][2]), covers.dtype)
            continue
        inputs = [_patches(name, row.name, plan, paths, dirty) for name in row.inputs]
        layer = _on_a_piece(row.layer, down[row.name], across[row.name])
        dirty[row.name] = layer(*inputs, weights=plan.net.weights.planned(row.name), rng=None)
    for name in plan.edge:
        for place, (rows, columns), values in zip(places, paths, dirty[name], strict=True):
            edge[name][place, rows[name].changed.moved(0), columns[name].changed.moved(0)] = values


def _on_a_piece(layer: Layer, down: Step, across: Step) -> Layer:
    """Return `layer` as it is at this piece: with the padding that this piece meets, on each side."""
    sides: Any = ((down.before, down.after), (across.before, across.after))
    if isinstance(layer, Conv):
        return dataclasses.replace(layer, padding=sides)
    if isinstance(layer, MaxPool):
        return dataclasses.replace(layer, padding=sides, ceil=False)
    return layer


def _patches(name: str, reader: str, plan: _Plan, paths: Sequence[tuple], dirty: dict[str, Array]) -> Array:
    """Return what `reader` reads of row `name` under each change: clean maps with what changed laid over them."""
    down, across = paths[0]
    reads = down[reader].read, across[reader].read
    changed = down[name].changed, across[name].changed
    if changed == reads:
        return dirty[name]
    clean = plan.clean[name][0]
    pieces = array_module(clean).stack(
        [clean[rows[reader].read.moved(0), columns[reader].read.moved(0)] for rows, columns in paths]
    )
    (of_piece_y, of_dirty_y), (of_piece_x, of_dirty_x) = map(_common, changed, reads)
    pieces[:, of_piece_y, of_piece_x] = dirty[name][:, of_dirty_y, of_dirty_x]
    return pieces


def _common(changed: Span, read: Span) -> tuple[slice, slice]:
    """Return the places in both, counted from the start of `read` and from the start of `changed`."""
    start = max(changed.start, read.start)
    both = Span(start, max(start, min(changed.stop, read.stop)))
    return both.moved(read.start), both.moved(changed.start)


def _extent(down: Step, across: Step) -> tuple[int, int]:
    return max(0, down.changed.stop - down.changed.start), max(0, across.changed.stop - across.changed.start)


def _bytes(plan: _Plan, change: Change) -> int:
    """Return the bytes that one change needs at its largest row."""
    down, across = plan.steps(change)
    sizes = [math.prod(_extent(down[row.name], across[row.name])) * plan.shapes[row.name][2] for row in plan.rows]
    return max(1, *sizes) * np.dtype(plan.net.dtype).itemsize


def _parts(items: Sequence[int], most: int) -> Iterator[Sequence[int]]:
    for first in range(0, len(items), most):
        yield items[first : first + most]
