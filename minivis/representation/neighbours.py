"""Nearest neighbours, exactly: by pixels, by codes, by anything that is a row of numbers.

Distances to all points come from a product of matrices, which is fast and rounds. So it only says who may be among the
nearest; those few are measured again, by the differences themselves, and put in order. Points at the same distance
keep the order of their indices.
"""

from typing import Any, NamedTuple

import numpy as np

from ..backend import Array, array_module
from ..errors import InputError
from .points import as_points, row_blocks, squared_distances

METRICS = ("euclidean", "cosine")
PIECE = 2**22  # numbers of points that are converted to float64 at a time (ours): 32 MB
QUERIES = 2**24  # numbers of queries at a time (ours): 128 MB; each block of them goes over all points


class Neighbours(NamedTuple):
    """The nearest points of each query, nearest first."""

    index: Array  # (M, k) int
    distance: Array  # (M, k), in the dtype of the points


def nearest_neighbours(
    points: Array, k: int = 5, queries: Array | None = None, metric: str = "euclidean"
) -> Neighbours:
    """Find the `k` nearest points of each query.

    Parameters
    ----------
    points : ndarray, shape (N, D)
        Integers, such as 8-bit pixels, are taken as they are, a piece at a time.
    k : int
    queries : ndarray, shape (M, D), optional
        Default: the points themselves, and then none is a neighbour of itself.
    metric : str
        "euclidean", or "cosine": 1 - a·b / (|a| |b|).

    Returns
    -------
    Neighbours

    Raises
    ------
    InputError
        If there are fewer than `k` neighbours to be had, or, for "cosine", a point is 0 and so has no direction.
    """
    if metric not in METRICS:
        raise InputError(f"a metric is one of {', '.join(METRICS)}, got {metric!r}")
    own = queries is None
    _check(points, "points")
    queries = points if queries is None else queries
    _check(queries, "queries")
    xp = array_module(points, queries)
    if queries.shape[1] != points.shape[1]:
        raise InputError(f"points of {points.shape[1]} numbers and queries of {queries.shape[1]}: not the same space")
    most = len(points) - own
    if not 1 <= k <= most:
        raise InputError(f"there are {max(most, 0)} neighbours to choose from, asked for {k}")
    cosine = metric == "cosine"
    dtype = points.dtype if points.dtype.kind == "f" and points.dtype.itemsize >= 4 else np.dtype("float32")
    index, distance = xp.empty((len(queries), k), "int64"), xp.empty((len(queries), k), dtype)
    origin = 0.0 if cosine else points.mean(0, dtype="float64")
    width = max(len(points), points.shape[1])
    for rows in row_blocks(len(queries), width, xp, QUERIES):
        wanted = _wide(queries[rows], cosine)
        squared, error = _roughly(points, wanted - origin, origin, cosine)
        if own:
            squared[xp.arange(len(wanted)), xp.arange(rows.start, rows.stop)] = np.inf
        limit = xp.partition(squared, k - 1, axis=1)[:, k - 1] + 2 * error
        for i, query in enumerate(wanted):
            near = xp.flatnonzero(squared[i] <= limit[i])
            exact = _exactly(points, near, query, cosine)
            order = xp.argsort(exact, kind="stable")[:k]
            index[rows.start + i] = near[order]
            distance[rows.start + i] = exact[order]
    return Neighbours(index, distance / 2 if cosine else xp.sqrt(distance))


def _check(points: Any, what: str) -> None:
    """Raise `InputError` unless these are points; blocks of floats are checked as they are converted."""
    if getattr(points, "ndim", 0) != 2 or len(points) == 0:
        as_points(points, 1, what)


def _wide(points: Array, unit: bool) -> Array:
    """Return points in float64; of length 1, if `unit`."""
    points = as_points(points).astype("float64")
    if not unit:
        return points
    lengths = (points * points).sum(1, keepdims=True) ** 0.5
    if not bool((lengths > 0).all()):
        raise InputError("a point that is 0 in every number has no direction: take metric='euclidean'")
    return points / lengths


def _roughly(points: Array, wanted: Array, origin: Any, unit: bool) -> tuple[Array, Array]:
    """Return the squared distances (m, N) by a product of matrices, and how wrong those of a query can be, (m,).

    What is `wanted` is seen from `origin`, the mean of the points: the smaller the numbers, the less there is to round.
    """
    xp = array_module(wanted)
    squared = xp.empty((len(wanted), len(points)))
    longest = xp.zeros(())
    for columns in row_blocks(len(points), points.shape[1], xp, PIECE):
        some = _wide(points[columns], unit) - origin
        squared[:, columns] = squared_distances(wanted, some)
        longest = xp.maximum(longest, (some * some).sum(1).max())
    # The rounding of a sum of D products is at most D eps times the sum of their sizes; twice that, with three sums.
    lengths = (wanted * wanted).sum(1) + longest
    return squared, 4 * (points.shape[1] + 4) * np.finfo(float).eps * lengths


def _exactly(points: Array, near: Array, query: Array, unit: bool) -> Array:
    """Return the squared distances of `query` and ``points[near]``, by their differences: exact for whole numbers."""
    xp = array_module(query)
    found = [xp.zeros(0)]
    for some in row_blocks(len(near), points.shape[1], xp, PIECE):
        apart = _wide(points[near[some]], unit) - query
        found.append((apart * apart).sum(1))
    return xp.concatenate(found)


class Votes(NamedTuple):
    """How the classes of neighbours agree with those of the queries, by `votes`."""

    agreeing: np.ndarray  # (M,) how many of the neighbours have the class of the query
    k: int

    @property
    def majority(self) -> np.ndarray:
        """Whether more than half of the neighbours have it, (M,)."""
        return 2 * self.agreeing > self.k

    @property
    def share(self) -> float:
        """The share of queries for which that is so, 0..1."""
        return float(self.majority.mean())


def votes(index: np.ndarray, classes: np.ndarray, wanted: np.ndarray) -> Votes:
    """Count the neighbours that have the class of their query.

    Parameters
    ----------
    index : ndarray of int, shape (M, k)
        Of the neighbours.
    classes : ndarray, shape (N,)
        Of the points.
    wanted : ndarray, shape (M,)
        Of the queries.
    """
    agreeing = np.asarray(classes)[index] == np.asarray(wanted)[:, None]
    return Votes(agreeing.sum(1), index.shape[1])
