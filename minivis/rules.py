"""Rule tables: what a backward walk does at each primitive instead of taking the derivative.

A table maps a primitive to a function ``rule(g, residual)``. What is not in it uses the derivative. This is the table
of Simonyan, Vedaldi and Zisserman (2014, section 4) in code: DeconvNet, guided backprop and the gradient treat
convolution and max-pool alike, and differ in one row, the ReLU.
"""

from types import MappingProxyType
from typing import Any

from .backend import Array
from .primitives.conv import ConvResidual, conv2d, conv2d_x
from .primitives.dense import LinearResidual, linear, linear_x
from .primitives.gates import passed
from .primitives.norm import lrn
from .primitives.pointwise import identity, relu
from .tape import Rule, Rules


def table(rules: dict[Any, Rule]) -> Rules:
    """Return `rules` as a table that cannot be changed by accident."""
    return MappingProxyType(dict(rules))


VANILLA = table({})
"""The derivative: a ReLU passes g where its input was positive."""

DECONVNET = table({relu: lambda g, y: passed(g, g)})  # g * (g > 0)
"""A ReLU passes g where g itself is positive (Zeiler and Fergus 2014, section 2.1)."""

GUIDED = table({relu: lambda g, y: passed(g, g, y)})  # g * (g > 0) * (y > 0)
"""A ReLU passes g where both are positive (Springenberg et al. 2015, section 3.4)."""

DECONVNET_ZF = table({**DECONVNET, lrn: identity})
"""`DECONVNET` that also leaves contrast normalisation out on the way down, as Zeiler and Fergus do."""


def _positive_conv2d(g: Array, r: ConvResidual) -> Array:
    return conv2d_x(g, r._replace(kernel=r.kernel.clip(0, None)))


def _positive_linear(g: Array, r: LinearResidual) -> Array:
    return linear_x(g, r._replace(kernel=r.kernel.clip(0, None)))


POSITIVE_PATHS = table({conv2d: _positive_conv2d, linear: _positive_linear})
"""Only positive weights carry: every edge is clipped, not the sums. Not guided backprop, though it is taken for it."""
