"""Objectives add up: weighted terms, each a score of some rows of a network, one number per picture."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .. import primitives as p
from ..backend import Array, array_module
from ..errors import InputError
from ..nets import Net

Score = Callable[[Mapping[str, Any], Net], Any]
"""Of the captured rows and the network; returns one number per picture, (N,)."""


class Term(NamedTuple):
    """One weighted score, with a name to report it by."""

    name: str
    rows: tuple[str, ...]
    score: Score
    weight: float = 1.0


@dataclass(frozen=True, repr=False)
class Objective:
    """A weighted sum of terms: objectives add, subtract, and are multiplied and divided by numbers.

    It is to be raised, so a loss carries a minus sign. Call it with a network and pictures for their scores:
    ``objective(net, x)``, an array or Tensor (N,). A picture's score depends on no other picture of the batch.
    """

    terms: tuple[Term, ...]
    __array_ufunc__ = None  # so that a NumPy number times an objective comes here

    @classmethod
    def of(cls, name: str, rows: Sequence[str], score: Score) -> "Objective":
        """Return an objective of one term of your own; `score` takes (rows, net) and returns (N,).

        The row "logits" is the one before the softmax, whatever the network calls it. The row "input" is the picture
        itself, before any view.
        """
        return cls((Term(name, tuple(rows), score),))

    @property
    def rows(self) -> tuple[str, ...]:
        """The names of the rows that it reads."""
        return tuple(dict.fromkeys(row for term in self.terms for row in term.rows))

    def scores(self, net: Net, picture: Any, looked: Any = None) -> list[tuple[str, Any]]:
        """Return the name and the weighted scores (N,) of each term.

        Parameters
        ----------
        net : Net
            Only the rows that are read, and what lies below them, are computed.
        picture : Tensor or ndarray, shape (N, H, W, 3)
            What the row "input" stands for.
        looked : Tensor or ndarray, optional
            What the network is shown, if that is not `picture` itself.
        """
        names = {row: row_in(net, row) for row in self.rows if row != "input"}
        captured = net.capture(picture if looked is None else looked, sorted(set(names.values()))) if names else {}
        rows = {"input": picture, **{row: captured[name] for row, name in names.items()}}
        return [(term.name, _one_per_picture(term, rows, net) * term.weight) for term in self.terms]

    def __call__(self, net: Net, picture: Any) -> Any:
        return total([score for _, score in self.scores(net, net.check_picture(picture))])

    def __add__(self, other: Any) -> "Objective":
        if isinstance(other, int | float) and other == 0:  # where sum() starts
            return self
        return Objective(self.terms + other.terms) if isinstance(other, Objective) else NotImplemented

    __radd__ = __add__

    def __sub__(self, other: Any) -> "Objective":
        return self + -other if isinstance(other, Objective) else NotImplemented

    def __mul__(self, factor: Any) -> "Objective":
        factor = _finite(factor)
        return Objective(tuple(t._replace(weight=t.weight * factor) for t in self.terms))

    __rmul__ = __mul__

    def __truediv__(self, divisor: Any) -> "Objective":
        divisor = _finite(divisor)
        if not divisor:
            raise InputError("an objective cannot be divided by 0")
        return Objective(tuple(t._replace(weight=t.weight / divisor) for t in self.terms))

    def __neg__(self) -> "Objective":
        return self * -1.0

    def __repr__(self) -> str:
        signs = ["-" if term.weight < 0 else "+" for term in self.terms]
        sizes = ["" if abs(term.weight) == 1 else f"{abs(term.weight):g} * " for term in self.terms]
        text = " ".join(f"{a} {b}{term.name}" for a, b, term in zip(signs, sizes, self.terms, strict=True))
        return text.removeprefix("+ ")


def row_in(net: Net, row: str) -> str:
    """Return the name of a row in `net`, where "logits" is the one before the softmax; raise if there is none."""
    return net.logits if row == "logits" else net.architecture.check(row)


def total(scores: Sequence[Any]) -> Any:
    """Return the sum of scores."""
    first, *others = scores
    for score in others:
        first = first + score
    return first


def total_of(x: Any) -> Any:
    """Return the sum over everything but the pictures: (N,)."""
    return p.sum(x, axis=tuple(range(1, x.ndim)))


def value_of(x: Any) -> Array:
    """Return the array of a Tensor, or the array itself."""
    return getattr(x, "value", x)


def fitted(name: str, given: Array, shape: tuple[int, ...], y: Any) -> Array:
    """Return what an objective was given, in the dtype of `y` and as (N or 1, *shape); raise if it is not that."""
    if given.shape == shape:
        given = given[None]
    if given.shape[1:] != shape or given.shape[0] not in (1, y.shape[0]):
        raise InputError(
            f"{name} was given shape {given.shape}, the row gives {(y.shape[0], *shape)}: was it taken from a picture "
            "of another size?"
        )
    array_module(given, value_of(y))  # raises if one is on the host and the other on the GPU
    return given.astype(y.dtype, copy=False)


def _one_per_picture(term: Term, rows: Mapping[str, Any], net: Net) -> Any:
    score, count = term.score(rows, net), rows["input"].shape[0]
    if getattr(score, "shape", None) != (count,):
        found = getattr(score, "shape", type(score).__name__)
        raise InputError(f"{term.name} must give one score per picture, shape ({count},), it gave {found}")
    return score


def _finite(number: Any) -> float:
    if isinstance(number, bool) or not isinstance(number, int | float | np.number) or not math.isfinite(number):
        raise InputError(f"an objective is multiplied and divided by finite numbers only, got {number!r}")
    return float(number)
