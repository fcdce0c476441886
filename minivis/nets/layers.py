"""Layers: what a row of a network does, as frozen records that hold no weights.

Each can be called with its inputs and weights, and knows its output's shape, its weights' shapes and its window
without being called. Shapes here are of one picture: (H, W, C) or (K,).
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..errors import InputError
from ..primitives import (
    avg_pool,
    concat,
    conv2d,
    conv2d_relu,
    dropout,
    global_avg_pool,
    linear,
    lrn,
    max_pool,
    normalize,
    relu,
    sigmoid,
    softmax,
)
from ..primitives.windows import positions

Shape = tuple[int, ...]
LUMA = (0.299, 0.587, 0.114)
"""How much red, green and blue count for grey: as Pillow's ``convert("L")`` has it, after ITU-R BT.601."""
Weights = Mapping[str, Any]
"""The weights of one row: "kernel" and "bias", and the "plan" of a fast path where there is one."""


class Window(NamedTuple):
    """How a layer looks at the maps below it; (1, 1, 0) is a point."""

    kernel: int
    stride: int
    padding: int


class Layer:
    """A layer that treats every place alike and has no weights. The others say where they differ.

    It is called as ``layer(*inputs, weights=..., rng=...)``; `rng` is given in training only.
    """

    __call__: Callable[..., Any]

    def shape(self, *shapes: Shape) -> Shape:
        """Return the shape of the output for one picture."""
        return shapes[0]

    def parameters(self, *shapes: Shape) -> dict[str, Shape]:
        """Return the shapes of the weights."""
        return {}

    def window(self, shape: Shape) -> Window:
        """Return the window over an input of `shape`."""
        return Window(1, 1, 0)


@dataclass(frozen=True)
class Input(Layer):
    """The picture: RGB, 0..255, of the size the network was trained for."""

    size: int

    def shape(self, *shapes: Shape) -> Shape:
        return (self.size, self.size, 3)


@dataclass(frozen=True)
class Normalize(Layer):
    """The network's own preprocessing; mean and std in its own order of colours: "RGB", "BGR" or "grey" (`LUMA`)."""

    mean: tuple[float, ...]
    std: tuple[float, ...] | None = None
    scale: float = 1.0
    order: str = "RGB"

    def __call__(self, x, *, weights, rng):
        luma = LUMA if self.order == "grey" else None
        return normalize(x, mean=self.mean, std=self.std, scale=self.scale, reverse=self.order == "BGR", luma=luma)

    def shape(self, *shapes: Shape) -> Shape:
        return (*shapes[0][:2], len(self.mean))

    @property
    def zero_colour(self) -> tuple[float, ...]:
        """The RGB colour, 0..255, that becomes zero."""
        colour = tuple(m / self.scale for m in self.mean)
        if self.order == "grey":
            return colour * 3
        return colour[::-1] if self.order == "BGR" else colour


@dataclass(frozen=True)
class Conv(Layer):
    """Convolution with a bias."""

    filters: int
    kernel: int = 3
    stride: int = 1
    padding: int = 0
    groups: int = 1

    def __call__(self, x, *, weights, rng, rectify=False):
        """Convolve; with `rectify`, do the ReLU of the next row as well."""
        return (conv2d_relu if rectify else conv2d)(
            x,
            weights["kernel"],
            weights["bias"],
            stride=self.stride,
            padding=self.padding,
            groups=self.groups,
            plan=weights.get("plan"),
        )

    def shape(self, *shapes: Shape) -> Shape:
        return (*_slide(shapes[0], self.window(shapes[0])), self.filters)

    def parameters(self, *shapes: Shape) -> dict[str, Shape]:
        channels = shapes[0][-1] // self.groups
        return {"kernel": (self.kernel, self.kernel, channels, self.filters), "bias": (self.filters,)}

    def window(self, shape: Shape) -> Window:
        return Window(self.kernel, self.stride, self.padding)


@dataclass(frozen=True)
class ReLU(Layer):
    """max(x, 0)."""

    def __call__(self, x, *, weights, rng):
        return relu(x)


@dataclass(frozen=True)
class MaxPool(Layer):
    """The largest of each window."""

    kernel: int = 2
    stride: int = 2
    padding: int = 0
    ceil: bool = False

    def __call__(self, x, *, weights, rng):
        return max_pool(x, kernel=self.kernel, stride=self.stride, padding=self.padding, ceil=self.ceil)

    def shape(self, *shapes: Shape) -> Shape:
        return (*_slide(shapes[0], self.window(shapes[0]), self.ceil), shapes[0][2])

    def window(self, shape: Shape) -> Window:
        return Window(self.kernel, self.stride, self.padding)


@dataclass(frozen=True)
class AvgPool(MaxPool):
    """The mean of each window."""

    def __call__(self, x, *, weights, rng):
        return avg_pool(x, kernel=self.kernel, stride=self.stride, padding=self.padding, ceil=self.ceil)


@dataclass(frozen=True)
class GlobalAvgPool(Layer):
    """The mean of each map."""

    def __call__(self, x, *, weights, rng):
        return global_avg_pool(x)

    def shape(self, *shapes: Shape) -> Shape:
        return shapes[0][2:]

    def window(self, shape: Shape) -> Window:
        return Window(shape[0], 1, 0)


@dataclass(frozen=True)
class LRN(Layer):
    """Local response normalisation across channels, with the constants of Caffe's AlexNet and GoogLeNet."""

    size: int = 5
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 1.0

    def __call__(self, x, *, weights, rng):
        return lrn(x, size=self.size, alpha=self.alpha, beta=self.beta, k=self.k)


@dataclass(frozen=True)
class Concat(Layer):
    """Maps side by side: channels joined."""

    def __call__(self, *inputs, weights, rng):
        return concat(*inputs, axis=-1)

    def shape(self, *shapes: Shape) -> Shape:
        if len({shape[:-1] for shape in shapes}) > 1:
            raise InputError(f"maps of different sizes cannot be joined: {shapes}")
        return (*shapes[0][:-1], sum(shape[-1] for shape in shapes))


@dataclass(frozen=True)
class Linear(Layer):
    """Fully connected layer; maps are flattened in the order height, width, channel."""

    units: int

    def __call__(self, x, *, weights, rng):
        return linear(x, weights["kernel"], weights["bias"])

    def shape(self, *shapes: Shape) -> Shape:
        return (self.units,)

    def parameters(self, *shapes: Shape) -> dict[str, Shape]:
        return {"kernel": (math.prod(shapes[0]), self.units), "bias": (self.units,)}

    def window(self, shape: Shape) -> Window:
        return Window(shape[0] if len(shape) == 3 else 1, 1, 0)


@dataclass(frozen=True)
class Dropout(Layer):
    """Random zeros, in training only."""

    rate: float = 0.5

    def __call__(self, x, *, weights, rng):
        return dropout(x, rate=self.rate, rng=rng)


@dataclass(frozen=True)
class Softmax(Layer):
    """Scores to probabilities."""

    def __call__(self, x, *, weights, rng):
        return softmax(x)


@dataclass(frozen=True)
class Sigmoid(Layer):
    """Each score to a probability of its own: they need not add up to 1."""

    def __call__(self, x, *, weights, rng):
        return sigmoid(x)


def _slide(shape: Shape, window: Window, ceil: bool = False) -> tuple[int, int]:
    kernel, stride, padding = window
    height, width = (positions(size, kernel, stride, padding, padding, ceil) for size in shape[:2])
    return height, width
