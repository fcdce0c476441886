"""Arithmetic between arrays that broadcast, and the sum that undoes broadcasting on the way back.

Where an array of shape (C,) meets one of (N, H, W, C) it is used N*H*W times, so its gradient is the sum over all
those uses.
"""

from typing import NamedTuple

import numpy as np

from ..backend import Array, array_module
from ..tape import OPERATORS, Primitive


class Operands(NamedTuple):
    """The two operands of a product or quotient."""

    a: Array
    b: Array


class Shapes(NamedTuple):
    """The shapes of two operands."""

    a: tuple[int, ...]
    b: tuple[int, ...]


class Chosen(NamedTuple):
    """Which operand was the larger, and the shapes of both."""

    first: Array
    shapes: Shapes


def number(x: Array | float) -> Array | float:
    """Return NumPy scalars as Python numbers, which take the other operand's dtype (float32 stays float32)."""
    return x.item() if isinstance(x, np.generic) else x


def shape_of(x: Array | float) -> tuple[int, ...]:
    """Return the shape of an array, () for a number."""
    return getattr(x, "shape", ())


def unbroadcast(g: Array, shape: tuple[int, ...]) -> Array:
    """Sum `g` over the axes that broadcasting added or stretched, back to `shape`."""
    if g.shape == shape:
        return g
    added = g.ndim - len(shape)
    stretched = tuple(added + i for i, size in enumerate(shape) if size == 1 and g.shape[added + i] != 1)
    return g.sum((*range(added), *stretched), keepdims=True).reshape(shape)


@Primitive
def add(a: Array, b: Array) -> tuple[Array, Shapes]:
    """A + b."""
    return number(a) + number(b), Shapes(shape_of(a), shape_of(b))


@add.backward_to(0)
def add_a(g: Array, shapes: Shapes) -> Array:
    """∂(a + b)/∂a = 1."""
    return unbroadcast(g, shapes.a)


@add.backward_to(1)
def add_b(g: Array, shapes: Shapes) -> Array:
    """∂(a + b)/∂b = 1."""
    return unbroadcast(g, shapes.b)


@Primitive
def subtract(a: Array, b: Array) -> tuple[Array, Shapes]:
    """A - b."""
    return number(a) - number(b), Shapes(shape_of(a), shape_of(b))


@subtract.backward_to(0)
def subtract_a(g: Array, shapes: Shapes) -> Array:
    """∂(a - b)/∂a = 1."""
    return unbroadcast(g, shapes.a)


@subtract.backward_to(1)
def subtract_b(g: Array, shapes: Shapes) -> Array:
    """∂(a - b)/∂b = -1."""
    return unbroadcast(-g, shapes.b)


@Primitive
def multiply(a: Array, b: Array) -> tuple[Array, Operands]:
    """A * b, element by element."""
    a, b = number(a), number(b)
    return a * b, Operands(a, b)


@multiply.backward_to(0)
def multiply_a(g: Array, r: Operands) -> Array:
    """∂(a b)/∂a = b."""
    return unbroadcast(g * r.b, shape_of(r.a))


@multiply.backward_to(1)
def multiply_b(g: Array, r: Operands) -> Array:
    """∂(a b)/∂b = a."""
    return unbroadcast(g * r.a, shape_of(r.b))


@Primitive
def divide(a: Array, b: Array) -> tuple[Array, Operands]:
    """A / b, element by element."""
    a, b = number(a), number(b)
    return a / b, Operands(a, b)


@divide.backward_to(0)
def divide_a(g: Array, r: Operands) -> Array:
    """∂(a / b)/∂a = 1 / b."""
    return unbroadcast(g / r.b, shape_of(r.a))


@divide.backward_to(1)
def divide_b(g: Array, r: Operands) -> Array:
    """∂(a / b)/∂b = -a / b²."""
    return unbroadcast(-g * r.a / (r.b * r.b), shape_of(r.b))


@Primitive
def negative(x: Array) -> tuple[Array, None]:
    """-x."""
    return -x, None


@negative.backward_to(0)
def negative_x(g: Array, _: None) -> Array:
    """Y' = -1."""
    return -g


@Primitive
def power(x: Array, *, exponent: float) -> tuple[Array, tuple[Array, float]]:
    """X to a constant power."""
    return x ** number(exponent), (x, number(exponent))


@power.backward_to(0)
def power_x(g: Array, r: tuple[Array, float]) -> Array:
    """Y' = p x^(p - 1)."""
    x, exponent = r
    return g * (exponent * x ** (exponent - 1))


@Primitive
def maximum(a: Array, b: Array) -> tuple[Array, Chosen]:
    """The larger of a and b, element by element; among equals the gradient goes to a alone."""
    a, b = number(a), number(b)
    return array_module(a, b).maximum(a, b), Chosen(a >= b, Shapes(shape_of(a), shape_of(b)))


@maximum.backward_to(0)
def maximum_a(g: Array, r: Chosen) -> Array:
    """1 where a won."""
    return unbroadcast(g * r.first, r.shapes.a)


@maximum.backward_to(1)
def maximum_b(g: Array, r: Chosen) -> Array:
    """1 where b won."""
    return unbroadcast(g * ~r.first, r.shapes.b)


for _primitive in (add, subtract, multiply, divide, negative, power):
    OPERATORS[_primitive.name] = _primitive
