"""Affinities: how near points are to each other, as probabilities (van der Maaten and Hinton 2008).

Point i picks point j as its neighbour with probability p(j|i), proportional to exp(-beta_i |x_i - x_j|²). Each point
has its own beta, such that its choice is as uncertain as one among `perplexity` equal neighbours: the entropy of p(.|i)
is the logarithm of the perplexity. So every point has neighbours, in dense places and in sparse ones.
"""

import math
from typing import Any

import numpy as np

from .. import parallel
from ..backend import Array, array_module
from ..errors import InputError
from .points import as_points, row_blocks, squared_distances

# Ours. Bounds of beta times the mean squared distance of a point's neighbours; far beyond what data need.
SMALLEST, LARGEST = 1e-6, 1e12
EXACT = 1e-10  # how near the entropy must come to the logarithm of the perplexity
HALVINGS = 64  # of the interval in which log beta lies, at most
SQUARE = 1024  # rows and columns of p that are mirrored at a time


def affinities(points: Array, perplexity: float = 30.0) -> Array:
    """Return the joint probabilities of pairs of points, p_ij = (p(j|i) + p(i|j)) / 2N.

    Parameters
    ----------
    points : ndarray, shape (N, D)
    perplexity : float
        How many neighbours a point has, about: above 1, and at most (N - 1) / 3 (bhtsne's rule).

    Returns
    -------
    ndarray, shape (N, N)
        Symmetric, 0 on the diagonal, of sum 1, in the dtype of the points.

    Raises
    ------
    InputError
        If there are fewer points than the perplexity needs.
    """
    points = as_points(points)
    xp = array_module(points)
    count = len(points)
    check_perplexity(count, perplexity)
    centred = points - points.mean(0)
    found = xp.empty((count, count), points.dtype)

    def work(blocks: list[slice]) -> None:
        for rows in blocks:
            squared = squared_distances(centred[rows], centred)
            found[rows] = conditional(squared, xp.arange(rows.start, rows.stop), perplexity)

    in_threads(list(row_blocks(count, count, xp)), work, xp)
    _symmetrise(found)
    return found


def check_perplexity(count: int, perplexity: float) -> None:
    """Raise `InputError` if `count` points are too few for a perplexity."""
    if not perplexity > 1:
        raise InputError(f"a perplexity is above 1, got {perplexity:g}")
    if count - 1 < 3 * perplexity:
        most = (count - 1) / 3
        advice = f"it may be {most:.4g} at most" if most > 1 else "there must be 5 or more"
        raise InputError(f"{count} points are too few for a perplexity of {perplexity:g}: {advice}")


def conditional(squared: Array, own: Array, perplexity: float) -> Array:
    """Return p(j|i) for some points i and all points j, by bisection on log beta, all rows at once.

    Parameters
    ----------
    squared : ndarray, shape (n, N), float64
        The squared distances of n points to all N. It is overwritten.
    own : ndarray of int, shape (n,)
        Which of the N each row is: a point is no neighbour of itself.
    perplexity : float
        A point with more equally near neighbours than that shares its probability out among them alike.

    Returns
    -------
    ndarray, shape (n, N)
        Rows of sum 1.
    """
    xp = array_module(squared)
    rows = xp.arange(len(squared))
    squared[rows, own] = math.inf
    squared -= squared.min(1, keepdims=True)  # changes no probability, and the largest weight is exp(0)
    squared[rows, own] = 0
    mean = squared.mean(1, keepdims=True)
    squared /= xp.where(mean > 0, mean, 1)  # beta has no unit now
    wanted = math.log(perplexity)
    low = xp.full((len(squared), 1), math.log(SMALLEST))
    high = xp.full((len(squared), 1), math.log(LARGEST))
    weights, product = xp.empty_like(squared), xp.empty_like(squared)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        beta = xp.exp(middle)
        xp.exp(xp.multiply(squared, -beta, out=weights), out=weights)
        weights[rows, own] = 0
        total = weights.sum(1, keepdims=True)
        # The entropy, -sum p log p with p = exp(-beta d) / total; it falls as beta grows.
        entropy = xp.log(total) + beta * xp.multiply(weights, squared, out=product).sum(1, keepdims=True) / total
        if bool((abs(entropy - wanted) < EXACT).all()):
            break
        low, high = xp.where(entropy > wanted, middle, low), xp.where(entropy > wanted, high, middle)
    weights /= total
    return weights


def in_threads(blocks: list[slice], work: Any, xp: Any) -> None:
    """Call ``work(some of the blocks)``: in threads on the host, at once on a device."""
    if xp is np:
        parallel.over(blocks, work)
    else:
        work(blocks)


def _symmetrise(p: Array) -> None:
    """Replace p(j|i) by p_ij, in place, a square of blocks at a time."""
    xp = array_module(p)
    pieces = [slice(first, first + SQUARE) for first in range(0, len(p), SQUARE)]
    for i, rows in enumerate(pieces):
        for columns in pieces[i:]:
            both = p[rows, columns] + p[columns, rows].T
            both /= 2 * len(p)
            p[rows, columns] = both
            p[columns, rows] = xp.ascontiguousarray(both.T)
