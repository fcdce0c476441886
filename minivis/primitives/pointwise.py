"""Functions of one number, applied everywhere, and their derivatives."""

from __future__ import annotations

import numpy as np

from ..backend import Array, array_module, like
from ..errors import InputError
from ..tape import OPERATORS, Primitive
from .gates import passed, rectify


@Primitive
def relu(x: Array) -> tuple[Array, Array]:
    """max(x, 0). Its residual is its output, which the next layer holds anyway."""
    y = rectify(x)
    return y, y


@relu.backward_to(0)
def relu_x(g: Array, y: Array) -> Array:
    """Pass g where the input was positive, nothing at exactly 0: g * (y > 0)."""
    return passed(g, y)


@Primitive
def sigmoid(x: Array) -> tuple[Array, Array]:
    """1 / (1 + exp(-x)), written as a tanh so that no x overflows."""
    y = 0.5 * array_module(x).tanh(0.5 * x) + 0.5
    return y, y


@sigmoid.backward_to(0)
def sigmoid_x(g: Array, y: Array) -> Array:
    """Y' = y (1 - y)."""
    return g * (y * (1 - y))


@Primitive
def tanh(x: Array) -> tuple[Array, Array]:
    """Hyperbolic tangent."""
    y = array_module(x).tanh(x)
    return y, y


@tanh.backward_to(0)
def tanh_x(g: Array, y: Array) -> Array:
    """Y' = 1 - y²."""
    return g * (1 - y * y)


@Primitive
def exp(x: Array) -> tuple[Array, Array]:
    """E to the power of x."""
    y = array_module(x).exp(x)
    return y, y


@exp.backward_to(0)
def exp_x(g: Array, y: Array) -> Array:
    """Y' = y."""
    return g * y


@Primitive
def log(x: Array) -> tuple[Array, Array]:
    """Natural logarithm."""
    return array_module(x).log(x), x


@log.backward_to(0)
def log_x(g: Array, x: Array) -> Array:
    """Y' = 1 / x."""
    return g / x


@Primitive
def sqrt(x: Array) -> tuple[Array, Array]:
    """Square root."""
    y = array_module(x).sqrt(x)
    return y, y


@sqrt.backward_to(0)
def sqrt_x(g: Array, y: Array) -> Array:
    """Y' = 1 / (2 y)."""
    return g / (2 * y)


@Primitive
def absolute(x: Array) -> tuple[Array, Array]:
    """Absolute value; its derivative at 0 is taken as 0."""
    xp = array_module(x)
    return xp.abs(x), xp.sign(x)


@absolute.backward_to(0)
def absolute_x(g: Array, sign: Array) -> Array:
    """Y' = sign(x)."""
    return g * sign


@Primitive
def dropout(x: Array, *, rate: float = 0.5, rng: np.random.Generator | None = None) -> tuple[Array, Array | None]:
    """Set a random share `rate` of the elements to 0 and divide the rest by ``1 - rate``: in training only.

    Without `rng` it does nothing, which is how networks are looked at. The mask is drawn on the host, so that a seed
    gives the same mask on every device.
    """
    if not 0 <= rate < 1:
        raise InputError(f"dropout's rate must be in [0, 1), got {rate}")
    if rng is None:
        return x, None
    kept = rng.random(x.shape, dtype=np.float32) >= rate
    mask = like(kept.astype(x.dtype) / (1 - rate), x)
    return x * mask, mask


@dropout.backward_to(0)
def dropout_x(g: Array, mask: Array | None) -> Array:
    """The same mask."""
    return g if mask is None else g * mask


def identity(g: Array, residual: object) -> Array:
    """Pass g on unchanged: a rule for tables that leave a primitive out on the way down."""
    return g


OPERATORS["absolute"] = absolute
