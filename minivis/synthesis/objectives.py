"""Objectives on the rows of a network: what a picture is changed for. They are to be raised; see `algebra`.

Ways to say what a unit, a channel or a row should be; `grams` and `regularisers` hold the others.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import primitives as p
from ..attribution.targets import Target, Unit, resolve, seed_for
from ..backend import Array, like
from ..errors import InputError
from ..nets import Net
from .algebra import Objective, fitted, total_of, value_of

Position = str | tuple[int, int] | None


def unit(row: str, channel: Target, position: Position = None) -> Objective:
    """Activation of one unit.

    Parameters
    ----------
    row : str
        "logits" is the row before the softmax.
    channel : int, str or list
        A channel; for a row of scores a class, by index or name; a list for one per picture.
    position : None, "centre" or (i, j)
        In a row of maps, which unit of the channel: None is the strongest one, found in each picture at each step;
        "centre" is (height // 2, width // 2), which the toolbox of Yosinski et al. (2015) recommends. For the mean of
        the whole map see `channel`, which is another objective.
    """

    def score(rows: Mapping[str, Any], net: Net) -> Any:
        y = rows[row]
        chosen = resolve(net, y, channel)
        if position is not None:
            chosen = [_placed(row, y, unit, position) for unit in chosen]
        return total_of(y * seed_for(y, chosen))

    place = "" if position is None else f", {position}"
    return Objective.of(f"unit({row}, {channel}{place})", [row], score)


def channel(row: str, channel: Target) -> Objective:
    """Mean of a map over its places; of a row of scores, the score.

    Parameters
    ----------
    row : str
    channel : int, str or list
        As for `unit`.
    """

    def score(rows: Mapping[str, Any], net: Net) -> Any:
        y = rows[row]
        shares = np.zeros((y.shape[0], *(1,) * (y.ndim - 2), y.shape[-1]), y.dtype)
        for n, unit in enumerate(resolve(net, y, channel)):
            shares[n, ..., unit[-1]] = 1 / math.prod(y.shape[1:-1])
        return total_of(y * like(shares, value_of(y)))

    return Objective.of(f"channel({row}, {channel})", [row], score)


def log_probability(target: Target) -> Objective:
    """Logarithm of a class's probability, from the scores before the softmax.

    Parameters
    ----------
    target : int, str or list
        A class, by index or name; a list for one per picture.
    """

    def score(rows: Mapping[str, Any], net: Net) -> Any:
        y = rows["logits"]
        return total_of(p.log_softmax(y) * seed_for(y, resolve(net, y, target)))

    return Objective.of(f"log_probability({target})", ["logits"], score)


def probability(target: Target) -> Objective:
    """Probability of a class, the posterior of Simonyan et al. (2014): it can also rise by pushing the others down."""

    def score(rows: Mapping[str, Any], net: Net) -> Any:
        y = rows["logits"]
        return total_of(p.softmax(y) * seed_for(y, resolve(net, y, target)))

    return Objective.of(f"probability({target})", ["logits"], score)


def energy(row: str) -> Objective:
    """Half the sum of squares of a row: its gradient with respect to the row is the row itself.

    So "set the gradient equal to the activation" (Mordvintsev et al. 2015, DeepDream) is the gradient of this.
    """
    return Objective.of(f"energy({row})", [row], lambda rows, net: 0.5 * total_of(rows[row] * rows[row]))


def mean(row: str) -> Objective:
    """Mean of a whole row."""
    return Objective.of(
        f"mean({row})", [row], lambda rows, net: p.mean(rows[row], axis=tuple(range(1, rows[row].ndim)))
    )


def direction(row: str, vector: Array) -> Objective:
    """How far a row points along a vector: their inner product.

    Parameters
    ----------
    row : str
    vector : ndarray, shape (C,), that of one picture's row, or (N, ...) for one per picture
        With (C,), a direction among the channels, it is the mean over the places: a unit vector gives `channel`.
    """

    def score(rows: Mapping[str, Any], net: Net) -> Any:
        y = rows[row]
        if vector.shape == y.shape[-1:]:
            return total_of(y * vector.astype(y.dtype)) / math.prod(y.shape[1:-1])
        return total_of(y * fitted(f"direction({row})", vector, y.shape[1:], y))

    return Objective.of(f"direction({row})", [row], score)


def match(row: str, code: Array, variant: str = "sum") -> Objective:
    """How near a row is to a code: minus a squared distance, 0 at the best.

    Parameters
    ----------
    row : str
    code : ndarray, shape of one picture's row, or (N, ...) or (1, ...)
        What the row is to be.
    variant : {"sum", "half", "relative", "mean"}
        D, the sum of squared differences; D / 2 (Gatys et al. 2016); D / ||code||² (Mahendran and Vedaldi 2015);
        D / size (neural-style's code).
    """
    name = f"match({row})"
    if variant not in ("sum", "half", "relative", "mean"):
        raise InputError(f"{name}: variant must be 'sum', 'half', 'relative' or 'mean', got {variant!r}")

    def score(rows: Mapping[str, Any], net: Net) -> Any:
        y = rows[row]
        wanted = fitted(name, code, y.shape[1:], y)
        apart = y - wanted
        distance = total_of(apart * apart)
        if variant == "relative":
            return -distance / _size(name, wanted)
        return distance * {"sum": -1.0, "half": -0.5, "mean": -1 / math.prod(y.shape[1:])}[variant]

    return Objective.of(name, [row], score)


def _size(name: str, code: Array) -> Array:
    size = (code * code).sum(tuple(range(1, code.ndim)))
    if not size.all():
        raise InputError(f"{name}: the code is zero, so there is no distance relative to it")
    return size


def _placed(row: str, y: Any, unit: Unit, position: Position) -> Unit:
    """Return `unit` moved to `position`."""
    if y.ndim != 4:
        raise InputError(f"{row} is no row of maps: its units have no position, leave position out")
    height, width = y.shape[1:3]
    if position == "centre":
        position = height // 2, width // 2
    if not isinstance(position, tuple) or len(position) != 2:
        raise InputError(f"position must be None, 'centre' or (i, j), got {position!r}")
    i, j = position
    if not (0 <= i < height and 0 <= j < width):
        raise InputError(f"{row} has places (0, 0) to ({height - 1}, {width - 1}), asked for {position}")
    return i, j, unit[-1]
