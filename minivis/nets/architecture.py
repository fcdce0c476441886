"""A network as a table of named rows: its shapes, weights and receptive fields, all without a single weight."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, cast

import numpy as np

from ..backend import DTYPE
from ..errors import InputError, UnknownName
from .layers import Conv, Input, Layer, Normalize, ReLU, Shape, Sigmoid, Softmax


class Row(NamedTuple):
    """One row: its name, what it does, and the rows it reads."""

    name: str
    layer: Layer
    inputs: tuple[str, ...]


class ReceptiveField(NamedTuple):
    """Which pixels a unit sees: unit i sees `size` of them, centred on ``offset + i * stride``."""

    size: int
    stride: int
    offset: float

    def span(self, i: int) -> tuple[int, int]:
        """Return the first pixel that unit `i` sees, and the one after the last; either may lie outside."""
        first = round(self.offset + i * self.stride - (self.size - 1) / 2)
        return first, first + self.size


@dataclass(frozen=True)
class Architecture:
    """The table of a network.

    Parameters
    ----------
    name : str
    table : sequence of tuples
        ``(name, layer)`` reads the row above, ``(name, layer, *inputs)`` the rows named. Row 0 is the picture, row 1
        the network's preprocessing.
    labels : tuple of str
        The names of the classes.
    maps : str
        The last row of maps after its ReLU: where Grad-CAM looks unless told otherwise.
    files : tuple of str
        The file names under which weights are looked for.
    family : str
        Of a network whose size and classes are those of its weight file: how it is made, see `families`.
    """

    name: str
    table: tuple[tuple, ...]
    labels: tuple[str, ...]
    maps: str
    files: tuple[str, ...] = field(default=(), repr=False)
    family: str = field(default="", repr=False)

    @cached_property
    def rows(self) -> dict[str, Row]:
        """The rows by name, in order."""
        rows: dict[str, Row] = {}
        above: tuple[str, ...] = ()
        for name, layer, *inputs in self.table:
            for read in inputs:
                if read not in rows:
                    raise InputError(f"{self.name}: row {name} reads {read}, which is not above it")
            if name in rows:
                raise InputError(f"{self.name}: two rows are called {name}")
            rows[name] = Row(name, layer, tuple(inputs) or above)
            above = (name,)
        first = [(row.name, type(row.layer)) for row in list(rows.values())[:2]]
        if first != [("input", Input), ("normalize", Normalize)]:
            raise InputError(f"{self.name}: row 0 must be ('input', Input(...)), row 1 ('normalize', Normalize(...))")
        return rows

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the rows, in order."""
        return tuple(self.rows)

    @property
    def size(self) -> int:
        """Height and width of the picture the network was trained for."""
        return cast(Input, self.rows["input"].layer).size

    @property
    def normalize(self) -> Normalize:
        """The preprocessing."""
        return cast(Normalize, self.rows["normalize"].layer)

    @property
    def logits(self) -> str:
        """The row before the softmax, or before the sigmoid."""
        *_, last = self.rows.values()
        return last.inputs[0] if isinstance(last.layer, Softmax | Sigmoid) else last.name

    def check(self, name: str) -> str:
        """Return `name` if there is such a row, and raise `UnknownName` if not."""
        if name not in self.rows:
            from difflib import get_close_matches

            near = get_close_matches(str(name), self.names, n=3, cutoff=0.5)
            hint = f"did you mean {' or '.join(near)}? " if near else ""
            raise UnknownName(
                f"no layer named {name!r} in {self.name}; {hint}it has {', '.join(self.names[:4])}, ... "
                f"{', '.join(self.names[-2:])} (all of them: minivis summary {self.name})"
            )
        return name

    def ancestors(self, names: Iterable[str], given: Iterable[str] = ()) -> list[Row]:
        """Return the rows to compute for `names`, in order, if the values of `given` are there already."""
        wanted, given = {self.check(name) for name in names}, set(given)
        needed = []
        for row in reversed(self.rows.values()):
            if row.name in wanted and row.name not in given:
                needed.append(row)
                wanted.update(row.inputs)
        return needed[::-1]

    def bottlenecks(self, rows: Sequence[Row]) -> set[str]:
        """Return those of `rows`, in order, whose value is all that the rows after them need of what came before."""
        last_reader = {name: i for i, row in enumerate(rows) for name in row.inputs}
        inside = {row.name for row in rows}
        # The last row that reads anything computed so far, or given.
        found, furthest = set(), max((i for name, i in last_reader.items() if name not in inside), default=0)
        for i, row in enumerate(rows):
            if furthest <= i:
                found.add(row.name)
            furthest = max(furthest, last_reader.get(row.name, i))
        return found

    def shapes(self, size: int | tuple[int, int] | None = None, upto: str | None = None) -> dict[str, Shape]:
        """Return the output shape of each row for one picture of `size`, by arithmetic alone."""
        height, width = (size, size) if isinstance(size, int) else size or (self.size, self.size)
        shapes: dict[str, Shape] = {}
        for row in self.rows.values():
            given = [shapes[name] for name in row.inputs]
            shapes[row.name] = row.layer.shape(*given) if given else (height, width, 3)
            if row.name == upto:
                break
        return shapes

    @cached_property
    def parameters(self) -> dict[str, dict[str, Shape]]:
        """The shapes of the weights of each row that has any, in order."""
        shapes = self.shapes()
        found = {r.name: r.layer.parameters(*(shapes[i] for i in r.inputs)) for r in self.rows.values()}
        return {name: parameters for name, parameters in found.items() if parameters}

    def count(self, name: str) -> int:
        """Return how many weights the row `name` has."""
        return sum(math.prod(shape) for shape in self.parameters.get(name, {}).values())

    @cached_property
    def receptive_fields(self) -> dict[str, ReceptiveField]:
        """Which pixels a unit of each row sees, worked out row by row.

        Unit i of a layer with kernel k, stride s and padding p reads units i*s - p to i*s - p + k - 1 below it; what a
        unit of a join sees is the hull of its branches. A layer that takes the whole map has a kernel of that size.
        """
        shapes = self.shapes()
        hulls: dict[str, tuple[float, float, int]] = {}  # first and last pixel of unit 0, and the step to unit 1
        for row in self.rows.values():
            if not row.inputs:
                hulls[row.name] = (0, 0, 1)
                continue
            kernel, stride, padding = row.layer.window(shapes[row.inputs[0]])
            first = min(hulls[name][0] for name in row.inputs)
            last = max(hulls[name][1] for name in row.inputs)
            step = hulls[row.inputs[0]][2]
            hulls[row.name] = (first - padding * step, last + (kernel - 1 - padding) * step, step * stride)
        return {
            name: ReceptiveField(int(last - first) + 1, step, (first + last) / 2)
            for name, (first, last, step) in hulls.items()
        }

    def summary(self) -> str:
        """Return the table as text: rows, what they read, output shapes, weights and receptive fields."""
        shapes, fields = self.shapes(), self.receptive_fields
        lines = [("row", "reads", "layer", "output", "weights", "sees")]
        above: tuple[str, ...] = ()
        for row in self.rows.values():
            reads = "" if row.inputs == above else ", ".join(row.inputs)
            shape = " x ".join(map(str, shapes[row.name]))
            count = f"{self.count(row.name):,}" if self.count(row.name) else ""
            lines.append((row.name, reads, type(row.layer).__name__, shape, count, str(fields[row.name].size)))
            above = (row.name,)
        longest_reads = max(len(line[1]) for line in lines)
        widths = [max(len(line[i]) for line in lines) for i in range(6)]
        widths[1] = min(longest_reads, 48)
        text = [
            f"{name:<{widths[0]}}  {_cut(reads, widths[1]):<{widths[1]}}  {layer:<{widths[2]}}  {shape:>{widths[3]}}  "
            f"{count:>{widths[4]}}  {sees:>{widths[5]}}"
            for name, reads, layer, shape, count, sees in lines
        ]
        total = sum(self.count(name) for name in self.rows)
        head = f"{self.name}: {len(self.rows)} rows, {total:,} weights, input {self.size} x {self.size} x 3 RGB"
        return "\n".join([head, "", text[0], "-" * len(text[0]), *text[1:]])


def initial_weights(
    architecture: Architecture, rng: np.random.Generator, dtype: Any = DTYPE
) -> dict[str, dict[str, np.ndarray]]:
    """Return random weights: normal with variance 2 / inputs (He et al. 2015, eq. 10), biases 0."""
    weights: dict[str, dict[str, np.ndarray]] = {}
    for name, shapes in architecture.parameters.items():
        kernel = rng.standard_normal(shapes["kernel"], dtype=np.float32)
        kernel *= math.sqrt(2 / math.prod(shapes["kernel"][:-1]))
        weights[name] = {"kernel": kernel.astype(dtype), "bias": np.zeros(shapes["bias"], dtype)}
    return weights


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 3] + "..."


WeightTable = Mapping[str, Mapping[str, Any]]
"""Weights by row, then "kernel" and "bias"."""


def relus_at_once(rows: Sequence[Row], readers: Mapping[str, int]) -> dict[str, str]:
    """Return by convolution the ReLU that can be computed with it, since nothing else reads the convolution."""
    layers = {row.name: row.layer for row in rows}
    relus = [row for row in rows if isinstance(row.layer, ReLU)]
    return {
        row.inputs[0]: row.name
        for row in relus
        if isinstance(layers.get(row.inputs[0]), Conv) and readers[row.inputs[0]] == 1
    }
