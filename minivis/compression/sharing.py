"""Shared weights: k-means on numbers, so that few values stand for many weights (Han, Mao and Dally 2016).

On a line a cluster is an interval between two midpoints of neighbouring centroids. So the values are sorted once, and a
step of Lloyd's algorithm is a search for the midpoints and a difference of running sums.
"""

from typing import NamedTuple

import numpy as np

from ..errors import InputError

STEPS = 300
"""How often centroids are moved at most (ours): they have stopped long before."""


class Shared(NamedTuple):
    """Values that are shared, made by `shared_values`."""

    centroids: np.ndarray  # (K,) rising, of the values' dtype
    cluster: np.ndarray  # which of them each value is, of the values' shape

    @property
    def values(self) -> np.ndarray:
        """What stands for the values now."""
        return self.centroids[self.cluster]


def shared_values(
    values: np.ndarray, count: int, start: str = "linear", rng: np.random.Generator | None = None, steps: int = STEPS
) -> Shared:
    """Cluster numbers by k-means: each becomes the mean of its cluster.

    Parameters
    ----------
    values : ndarray
        Finite floats of any shape.
    count : int
        Clusters at most. Those that hold nothing in the end are left out.
    start : {"linear", "density", "random"}
        First centroids: evenly spaced from the least value to the largest, the paper's choice, as large weights are
        few and matter; evenly spaced quantiles; or some of the values, by `rng`.
    rng : numpy.random.Generator, optional
        For "random".
    steps : int
        Moves at most. It ends when no value changes its cluster.

    Returns
    -------
    Shared

    Notes
    -----
    It is Lloyd's algorithm in float64: the sum of squares never rises, and the end depends on the start. A value midway
    between two centroids goes to the upper one. A cluster that has lost all its values keeps its place.
    """
    values = np.asarray(values)
    if values.dtype.kind != "f" or not values.size or not np.isfinite(values).all() or count < 1:
        raise InputError(f"expected finite floats and a count above 0, got {values.dtype} {values.shape}, {count}")
    ordered = np.sort(values, axis=None).astype(np.float64)
    sums = np.concatenate([[0.0], ordered.cumsum()])
    centroids = _start(ordered, count, start, rng)
    bounds = None
    for _ in range(steps):
        moved = np.searchsorted(ordered, (centroids[1:] + centroids[:-1]) / 2)
        if bounds is not None and np.array_equal(moved, bounds):
            break
        bounds = moved
        edges = np.concatenate([[0], bounds, [len(ordered)]])
        sizes = np.diff(edges)
        means = np.diff(sums[edges]) / np.maximum(sizes, 1)
        centroids = np.where(sizes > 0, means, centroids)
    index = np.searchsorted((centroids[1:] + centroids[:-1]) / 2, values.astype(np.float64), side="right")
    used, index = np.unique(index, return_inverse=True)
    return Shared(centroids[used].astype(values.dtype), index.reshape(values.shape))


def _start(ordered: np.ndarray, count: int, start: str, rng: np.random.Generator | None) -> np.ndarray:
    if start == "linear":
        return np.linspace(ordered[0], ordered[-1], count)
    if start == "density":
        return np.quantile(ordered, (np.arange(count) + 0.5) / count)
    if start == "random":
        if rng is None:
            raise InputError("a random start needs a generator: give rng=numpy.random.default_rng(seed)")
        return np.sort(rng.choice(ordered, count))
    raise InputError(f"start is linear, density or random, got {start!r}")
