"""Products of matrices: the fully connected layer, the general product, and the Gram matrix."""

import math
from typing import NamedTuple

from ..backend import Array, array_module
from ..errors import InputError
from ..parallel import product
from ..tape import OPERATORS, Primitive
from .arithmetic import unbroadcast


class LinearResidual(NamedTuple):
    """What the rules of `linear` need."""

    x: Array  # (N, D); None unless the kernel is recorded
    kernel: Array
    shape: tuple[int, ...]


class GramResidual(NamedTuple):
    """What the rule of `gram` needs."""

    features: Array  # (N, H*W, C)
    shape: tuple[int, ...]
    scale: float


@Primitive
def linear(
    x: Array, kernel: Array, bias: Array | None = None, *, wanted: frozenset = frozenset()
) -> tuple[Array, LinearResidual]:
    """Fully connected layer; maps are flattened in row-major order (height, width, channel) first.

    Parameters
    ----------
    x : ndarray, shape (N, ...)
    kernel : ndarray, shape (D, K)
        D is the number of values per picture in `x`.
    bias : ndarray, shape (K,), optional

    Returns
    -------
    ndarray, shape (N, K)
    """
    size = math.prod(x.shape[1:])
    if kernel.ndim != 2 or kernel.shape[0] != size:
        raise InputError(
            f"linear expects {kernel.shape[0]} values per picture, got {x.shape} ({size}): is the picture of another "
            "size than the network's?"
        )
    flat = x.reshape(x.shape[0], size)
    y = product(flat, kernel)
    if bias is not None:
        y += bias
    return y, LinearResidual(flat if 1 in wanted else None, kernel, x.shape)


@linear.backward_to(0)
def linear_x(g: Array, r: LinearResidual) -> Array:
    """Back through the transposed matrix: g K', taken as (K g')' since the rows of K lie one after the other."""
    return product(r.kernel, g.T).T.reshape(r.shape)


@linear.backward_to(1)
def linear_kernel(g: Array, r: LinearResidual) -> Array:
    """Each weight met one input and one output."""
    return product(r.x.T, g)


@linear.backward_to(2)
def linear_bias(g: Array, r: LinearResidual) -> Array:
    """Each bias was added once per picture."""
    return g.sum(0)


@Primitive
def matmul(a: Array, b: Array) -> tuple[Array, tuple[Array, Array]]:
    """Matrix product of (..., n, k) and (..., k, m); the leading axes broadcast."""
    if a.ndim < 2 or b.ndim < 2:
        raise InputError(f"matmul wants matrices, got {a.shape} and {b.shape}: reshape vectors to one row or column")
    return array_module(a, b).matmul(a, b), (a, b)


@matmul.backward_to(0)
def matmul_a(g: Array, r: tuple[Array, Array]) -> Array:
    """∂/∂a: g times b transposed."""
    a, b = r
    return unbroadcast(g @ b.swapaxes(-1, -2), a.shape)


@matmul.backward_to(1)
def matmul_b(g: Array, r: tuple[Array, Array]) -> Array:
    """∂/∂b: a transposed times g."""
    a, b = r
    return unbroadcast(a.swapaxes(-1, -2) @ g, b.shape)


@Primitive
def gram(x: Array, *, average: bool = False) -> tuple[Array, GramResidual]:
    """Gram matrix of maps: which channels fire together, wherever that is.

    Parameters
    ----------
    x : ndarray, shape (N, H, W, C)
    average : bool
        Divide by the number of places H*W. Gatys et al. (2015, "Texture synthesis") do not.

    Returns
    -------
    ndarray, shape (N, C, C)
        ``G[n, i, j] = sum over places p of x[n, p, i] * x[n, p, j]``
    """
    features = x.reshape(x.shape[0], -1, x.shape[-1])
    scale = 1.0 / features.shape[1] if average else 1.0
    y = array_module(x).stack([product(f.T, f) for f in features])
    return (y * scale if average else y), GramResidual(features, x.shape, scale)


@gram.backward_to(0)
def gram_x(g: Array, r: GramResidual) -> Array:
    """F appears on both sides of F'F: F (g + g')."""
    both = r.scale * (g + g.swapaxes(1, 2))
    return array_module(g).stack([product(f, b) for f, b in zip(r.features, both, strict=True)]).reshape(r.shape)


OPERATORS["matmul"] = matmul
