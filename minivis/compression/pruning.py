"""Pruning: the weights of least magnitude are set to zero (Han et al. 2015), and what that costs."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..backend import to_host
from ..errors import InputError
from ..nets import Net
from ..nets.architecture import WeightTable
from ..training import evaluate
from ..training.loop import PictureArray

Table = dict[str, dict[str, np.ndarray]]
SCOPES = ("global", "std", "row")
SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
"""Where `pruning_curve` looks (ours)."""


class PruningCurve(NamedTuple):
    """How often a pruned network is right."""

    shares: np.ndarray  # (S,) asked for
    zeros: np.ndarray  # (S,) share of kernel weights that are zero
    accuracy: np.ndarray  # (S,) 0..1
    by_row: dict[str, np.ndarray]  # share of zeros in each row's kernel, (S,)


def pruned(weights: WeightTable, share: float, scope: str = "global") -> Table:
    """Return weights of which a share is zero: those of least magnitude. Biases stay.

    Parameters
    ----------
    weights : mapping
        By row, then "kernel" and perhaps "bias".
    share : float
        Of all kernel weights, 0..1; exactly so many, rounded. Of equal ones the first go first.
    scope : {"global", "std", "row"}
        Within which weights are compared: "global", across rows as they are; "std", across rows, each divided by the
        standard deviation of its row's kernel (Han et al. set a row's threshold to its standard deviation times one
        factor); "row", each row loses the same share.

    Returns
    -------
    dict
        New arrays, on the host.
    """
    if not 0 <= share <= 1 or scope not in SCOPES:
        raise InputError(f"expected a share 0..1 and a scope of {', '.join(SCOPES)}, got {share} and {scope!r}")
    table = {row: {kind: to_host(array) for kind, array in arrays.items()} for row, arrays in weights.items()}
    sizes = {row: np.abs(arrays["kernel"]) for row, arrays in table.items()}
    if scope == "std":
        sizes = {row: size / (float(table[row]["kernel"].std()) or 1.0) for row, size in sizes.items()}
    if scope == "row":
        keep = {row: _largest(size.ravel(), share).reshape(size.shape) for row, size in sizes.items()}
    else:
        flags = _largest(np.concatenate([size.ravel() for size in sizes.values()]), share)
        parts = np.split(flags, np.cumsum([size.size for size in sizes.values()])[:-1])
        keep = {row: part.reshape(sizes[row].shape) for row, part in zip(sizes, parts, strict=True)}
    return {row: {**arrays, "kernel": arrays["kernel"] * keep[row]} for row, arrays in table.items()}


def _largest(sizes: np.ndarray, share: float) -> np.ndarray:
    """Return which of `sizes` (n,) stay if the least, a share of them, go."""
    gone = round(share * sizes.size)
    keep = np.ones(sizes.size, bool)
    if gone:
        limit = np.partition(sizes, gone - 1)[gone - 1]
        keep[sizes < limit] = False
        ties = np.flatnonzero(sizes == limit)
        keep[ties[: gone - np.count_nonzero(~keep)]] = False
    return keep


def pruning_curve(
    net: Net,
    pictures: PictureArray,
    labels: np.ndarray,
    shares: Sequence[float] = SHARES,
    scope: str = "global",
) -> PruningCurve:
    """Measure how often a network is right with ever more of its weights set to zero, without training in between.

    Parameters
    ----------
    net : Net
    pictures : ndarray, shape (N, H, W, 3), or Pictures
        That it was not trained on.
    labels : ndarray of int, shape (N,)
    shares : sequence of float
        Of the kernel weights.
    scope : {"global", "std", "row"}
        As in `pruned`.
    """
    zeros, accuracy = [], []
    by_row: dict[str, list[float]] = {row: [] for row in net.weights}
    for share in shares:
        table = pruned(net.weights, share, scope)
        accuracy.append(accuracy_with(net, table, pictures, labels))
        zeros.append(share_of_zeros(table))
        for row, arrays in table.items():
            by_row[row].append(share_of_zeros({row: arrays}))
    rows = {row: np.array(values) for row, values in by_row.items()}
    return PruningCurve(np.array(shares, float), np.array(zeros), np.array(accuracy), rows)


def accuracy_with(net: Net, weights: WeightTable, pictures: PictureArray, labels: np.ndarray) -> float:
    """Return the accuracy of `net`, 0..1, with these weights in place of its own."""
    return evaluate(Net(net.architecture, weights, net.device, net.dtype), pictures, labels).accuracy


def share_of_zeros(weights: WeightTable) -> float:
    """Return the share of kernel weights that are exactly zero."""
    kernels = [arrays["kernel"] for arrays in weights.values()]
    return sum(int((kernel == 0).sum()) for kernel in kernels) / sum(kernel.size for kernel in kernels)
