"""Recomputation: keep what goes into a piece of a computation, and record the piece only when walking back through it.

Chen et al. (2016, "Training deep nets with sublinear memory cost") trade a second forward pass for memory: between two
kept values nothing is held. The gradient is the same, number by number, since the same steps are taken again.
"""

from collections.abc import Callable
from types import MappingProxyType
from typing import Any, NamedTuple

from ..backend import Array
from ..tape import Primitive, Rules, Tensor, backward


class Piece(NamedTuple):
    """A piece of a computation, and what went into it."""

    function: Callable[[Any], Any]
    x: Array


@Primitive
def recompute(x: Array, *, function: Callable[[Any], Any]) -> tuple[Array, Piece]:
    """Return ``function(x)``, made of primitives, of one array; nothing in it is recorded until the walk back."""
    return function(x), Piece(function, x)


@recompute.backward_to(0)
def recompute_x(g: Array, piece: Piece, rules: Rules = MappingProxyType({})) -> Array:
    """Do the piece again, recorded, and walk back through it by the same table of rules."""
    x = Tensor(piece.x)
    return backward(piece.function(x), x, g, rules)
