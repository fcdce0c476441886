"""Do the rich get richer? How the energy of a row is shared out while a picture is dreamt of."""

from typing import NamedTuple

from ...backend import Array, array_module
from ...nets import Net


class Concentration(NamedTuple):
    """How unequally something is shared out, in each picture: (N,) each."""

    gini: Array  # 0 all alike, 1 one has all
    spread: Array  # over which share of them: exp of the entropy, divided by their number


def gini(values: Array) -> Array:
    """Return how unequal the amounts in each picture's row are: (N,), 0 if all are equal, near 1 if one has all.

    Half the mean absolute difference over the mean. Negative values count as 0.
    """
    xp = array_module(values)
    amounts = xp.sort(xp.maximum(values, 0).reshape(values.shape[0], -1).astype("float64"), axis=1)
    n = amounts.shape[1]
    total = amounts.sum(1)
    ranks = xp.arange(1, n + 1)
    return (2 * (amounts * ranks).sum(1) / xp.where(total > 0, total, 1) / n - (n + 1) / n) * (total > 0)


def entropy(values: Array) -> Array:
    """Return over how many units a row's activation is spread, as a share of all: exp of the entropy over n, (N,)."""
    xp = array_module(values)
    amounts = xp.maximum(values, 0).reshape(values.shape[0], -1).astype("float64")
    shares = amounts / xp.maximum(amounts.sum(1, keepdims=True), 1e-300)
    spread = xp.exp(-(shares * xp.log(xp.maximum(shares, 1e-300))).sum(1))
    return spread / amounts.shape[1]


def concentration(net: Net, row: str, picture: Array) -> dict[str, Concentration]:
    """Return how the energy of a row, the sum of squares that a dream raises, is shared out in each picture.

    "units" are all the numbers of the row; "places" are summed over the channels, "channels" over the places. The three
    can go different ways as a dream goes on: energy may gather in few places while more channels take part.
    """
    values = net.capture(picture, [row])[row]
    energy = values * values
    shared = {"units": energy}
    if energy.ndim == 4:
        shared |= {"places": energy.sum(3), "channels": energy.sum((1, 2))}
    return {among: Concentration(gini(amounts), entropy(amounts)) for among, amounts in shared.items()}
