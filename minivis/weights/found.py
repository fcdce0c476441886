"""What a layout finds in a weight file: its rows under the file's own names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .container import Parts, Shape, as_is

GENERIC = re.compile(r"(conv2d|convolution2d|dense|layer)(_\d+)?")


class Preprocessing(NamedTuple):
    """What the net of the weights does to an RGB picture in 0..255 first: ``(picture[order] * scale - mean) / std``.

    `order` is "RGB", "BGR" or "grey" (one channel); `mean` and `std` have one number per channel, in that order, for
    the scaled picture.
    """

    order: str
    scale: float
    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class Found:
    """What a layout found in a file: rows under the file's own names, in the file's order."""

    layout: str
    rows: dict[str, Parts]
    unused: tuple[str, ...] = ()
    attributes: dict[str, Any] = field(default_factory=dict)
    preprocessing: Preprocessing | None = None  # which the layout implies
    odd: tuple[str, ...] = ()  # those of `unused` that hold matrices or kernels all the same

    @property
    def unnamed(self) -> bool:
        """Whether the names are the ones that Keras makes up: conv2d, conv2d_1, ..., dense; layer_0, layer_1, ..."""
        return all(GENERIC.fullmatch(name.rpartition("/")[2]) for name in self.rows)


def natural(name: str) -> list[str | int]:
    """Sort key that puts conv2d_2 before conv2d_10."""
    return [int(piece) if piece.isdecimal() else piece for piece in re.split(r"(\d+)", name)]


def kernel_and_bias(tensors: Iterable[tuple[str, Shape]]) -> Parts | None:
    """Tell kernel from bias by rank, whatever their order and names; None if it is no convolution or dense layer."""
    tensors = list(tensors)
    kernels = [as_is(where, shape) for where, shape in tensors if len(shape) in (2, 4)]
    biases = [as_is(where, shape) for where, shape in tensors if len(shape) == 1]
    if len(kernels) != 1 or len(biases) > 1 or len(tensors) != len(kernels) + len(biases):
        return None
    return {"kernel": kernels[0]} | ({"bias": biases[0]} if biases else {})
