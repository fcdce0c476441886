"""The rich get richer: how the activation of a row gathers in few units while a picture is dreamt of."""

from ...backend import Array, array_module
from ...nets import Net


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


def concentration(net: Net, row: str, picture: Array) -> tuple[Array, Array]:
    """Return `gini` and `entropy` of a row for each picture: whether the rich get richer as a dream goes on."""
    values = net.capture(picture, [row])[row]
    return gini(values), entropy(values)
