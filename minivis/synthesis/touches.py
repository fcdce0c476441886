"""Touches: what is done to the picture between two steps, outside the gradient.

A touch is a function of (picture, gradient, step, rng) and returns a picture: `picture` (N, H, W, 3) is what the step
has made, `gradient` is that of the step, `step` counts from 0. It returns a new array, or the picture itself where it
has nothing to do. Any function of this kind will do.

Some touches pull towards "zero". The zero picture of a network is its mean colour, since that is what its
preprocessing takes to 0; `ascend` tells those touches by their method ``bind(net)``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..backend import Array, array_module, ndimage_of
from ..errors import InputError
from ..nets import Net

Touch = Callable[[Array, Array, int, np.random.Generator], Array]


@dataclass(frozen=True)
class AboutZero:
    """A touch that has to know which colour is zero."""

    name: str
    function: Callable[[Array, Array, Array], Array]  # of (picture, zero, gradient)
    zero: Array | None = None  # (3,), RGB 0..255

    def bind(self, net: Net) -> AboutZero:
        """Return this touch with the network's mean colour as zero."""
        return replace(self, zero=net.mean_colour)

    def __call__(self, picture: Array, gradient: Array, step: int, rng: Any = None) -> Array:
        if self.zero is None:
            raise InputError(f"{self.name} does not know which colour is zero: call {self.name}(...).bind(net) first")
        return self.function(picture, self.zero, gradient)


@dataclass(frozen=True)
class Every:
    """A touch at some steps only."""

    n: int
    touch: Touch

    def bind(self, net: Net) -> Every:
        """Tell the touch inside."""
        return replace(self, touch=bound(self.touch, net))

    def __call__(self, picture: Array, gradient: Array, step: int, rng: Any = None) -> Array:
        return picture if step % self.n else self.touch(picture, gradient, step, rng)


def bound(touch: Touch, net: Net) -> Touch:
    """Return `touch`, told of the network if it wants to know."""
    return touch.bind(net) if hasattr(touch, "bind") else touch


def every(n: int, touch: Touch) -> Every:
    """Touch after steps 0, n, 2n, ...: the first included, as in the code of Yosinski et al. (2015)."""
    if not isinstance(n, int) or n < 1:
        raise InputError(f"every takes a number of steps from 1 on, got {n!r}")
    return Every(n, touch)


def blur(sigma: float) -> Touch:
    """Blur each colour with a Gaussian of `sigma` pixels; beyond the edge the picture is mirrored."""
    if not sigma >= 0:
        raise InputError(f"blur takes a sigma in pixels from 0 on, got {sigma!r}")

    def touch(picture: Array, gradient: Array, step: int, rng: Any = None) -> Array:
        return ndimage_of(array_module(picture)).gaussian_filter(picture, (0, sigma, sigma, 0))

    return touch


def decay(rate: float) -> AboutZero:
    """Take the share `rate` of the way to zero (Yosinski et al. 2015)."""
    _share("decay", rate, 1)
    return AboutZero("decay", lambda picture, zero, gradient: picture + rate * (zero - picture))


def clip_small_pixels(percentile: float) -> AboutZero:
    """Set to zero the pixels whose norm over the colours is below this percentile of the picture's.

    (Yosinski et al. 2015.)
    """
    _share("clip_small_pixels", percentile, 100)
    return AboutZero(
        "clip_small_pixels",
        lambda picture, zero, gradient: _clipped(picture, zero, ((picture - zero) ** 2).sum(-1), percentile),
    )


def clip_small_contributions(percentile: float) -> AboutZero:
    """Set to zero the pixels whose contribution is below this percentile of the picture's.

    The contribution of a pixel is the size of the sum over its colours of value times gradient: about how much the
    score would change if the pixel were zero (Yosinski et al. 2015).
    """
    _share("clip_small_contributions", percentile, 100)
    return AboutZero(
        "clip_small_contributions",
        lambda picture, zero, gradient: _clipped(picture, zero, abs(((picture - zero) * gradient).sum(-1)), percentile),
    )


def clip_small_gradients(percentile: float) -> AboutZero:
    """Set to zero the pixels whose gradient's norm over the colours is below this percentile of the picture's.

    This is what lectures (CS231n) make of `clip_small_contributions`; it is another touch.
    """
    _share("clip_small_gradients", percentile, 100)
    return AboutZero(
        "clip_small_gradients",
        lambda picture, zero, gradient: _clipped(picture, zero, (gradient**2).sum(-1), percentile),
    )


def clip_to_range(low: float = 0.0, high: float = 255.0) -> Touch:
    """Bring every value into the valid range."""
    if not low < high:
        raise InputError(f"clip_to_range takes low < high, got {low!r} and {high!r}")

    def touch(picture: Array, gradient: Array, step: int, rng: Any = None) -> Array:
        return picture.clip(low, high)

    return touch


def renormalise(rho: float, centred: bool = False) -> AboutZero:
    """Scale each picture to the Euclidean norm `rho`, in units of 0..255 (Erhan et al. 2009).

    Parameters
    ----------
    rho : float
    centred : bool
        Scale the picture less the mean colour, which is what the network sees, instead of the picture itself.
    """
    if not rho > 0:
        raise InputError(f"renormalise takes a norm above 0, got {rho!r}")

    def function(picture: Array, zero: Array, gradient: Array) -> Array:
        origin = zero if centred else 0 * zero
        apart = picture - origin
        norm = (apart * apart).sum((1, 2, 3), keepdims=True) ** 0.5
        return origin + apart * (rho / (norm + (norm == 0)))  # a zero picture has no direction: it stays

    return AboutZero("renormalise", function)


def _clipped(picture: Array, zero: Array, size: Array, percentile: float) -> Array:
    """Return `picture` with zero where `size` (N, H, W) is below its percentile, picture by picture."""
    xp = array_module(picture)
    limit = xp.percentile(size, percentile, axis=(1, 2), keepdims=True)
    return xp.where((size < limit)[..., None], zero, picture)


def _share(name: str, value: float, most: float) -> None:
    if not 0 <= value <= most:
        raise InputError(f"{name} takes a number from 0 to {most}, got {value!r}")
