"""Lesson 27: PCA, t-SNE and Isomap by hand."""

import itertools

import numpy as np

from ..judging import Answer, Wrong, derivative, exercise, numbers, same


@exercise
def share_of_variance(answer: Answer) -> None:
    """How much the first components keep."""
    cross = np.array([[2.0, 0], [-2, 0], [0, 1], [0, -1]])
    same("the points (2, 0), (-2, 0), (0, 1), (0, -1), one component", answer(cross.copy(), 1), 0.8)
    same("the same four points, all components", answer(cross.copy(), 2), 1.0)
    same("the same four points, moved by (10, 10): no variance has changed", answer(cross + 10, 1), 0.8)
    quarter = np.array([[0.6, 0.8], [-0.8, 0.6]])
    same("the same four points, turned by an angle", answer(cross @ quarter, 1), 0.8)
    line = np.outer(np.arange(5.0), [1.0, 2, -1]) + 3
    same("points on a straight line, one component", answer(line, 1), 1.0)
    points = np.random.default_rng(271).normal(size=(6, 9)) * np.arange(1, 10)
    shares = [float(numbers("one number", answer(points.copy(), count))) for count in range(1, 6)]
    if any(b < a for a, b in itertools.pairwise(shares)):
        raise Wrong("more components keep more", "rising shares", str(np.round(shares, 3)))
    same("6 points of 9 numbers have 5 components: all of the variance", shares[4], 1.0)


@exercise
def map_gradient(answer: Answer) -> None:
    """The gradient of the divergence of a map."""
    rng = np.random.default_rng(272)
    y, p = rng.normal(size=(6, 2)), rng.uniform(size=(6, 6))
    p = p + p.T
    np.fill_diagonal(p, 0)
    p /= p.sum()
    given = y.copy()
    got = answer(p.copy(), given)
    same("y afterwards", given, y)
    derivative("C = sum p log(p / q)", got, lambda places: _divergence(p, places), y)
    same("moving the whole map changes nothing, so the gradients add up to 0", 1 + numbers("sum", got).sum(0), [1.0, 1])
    far = 3 * y + 5
    derivative("the same for a wider map elsewhere", answer(p.copy(), far.copy()), lambda q: _divergence(p, q), far)


@exercise
def shortest_paths(answer: Answer) -> None:
    """Shortest paths between all points."""
    no = np.inf
    square = np.array([[0, 1.0, no, 5], [1, 0, 1, no], [no, 1, 0, 1], [5, no, 1, 0]])
    given = square.copy()
    _same_paths(
        "a ring of joints 1, 1, 1 and 5", answer(given), [[0, 1, 2, 3], [1, 0, 1, 2], [2, 1, 0, 1], [3, 2, 1, 0]]
    )
    same(
        "the lengths afterwards (no joint: 0)",
        np.where(np.isinf(given), 0, given),
        np.where(np.isinf(square), 0, square),
    )
    places = np.random.default_rng(273).permutation(9)  # a chain whose points are numbered at random
    chain = np.full((9, 9), no)
    np.fill_diagonal(chain, 0)
    for a, b in itertools.pairwise(places):
        chain[a, b] = chain[b, a] = 2
    where = np.argsort(places)
    _same_paths("nine points in a chain of joints of 2", answer(chain), 2 * np.abs(where[:, None] - where))
    apart = np.array([[0, 3.0, no], [3, 0, no], [no, no, 0]])
    _same_paths("two points joined, one alone", answer(apart.copy()), apart)


def _same_paths(identity: str, got: object, expected: object) -> None:
    """Compare with -1 in the place of inf, which `same` refuses."""
    found, wanted = numbers(identity, got), np.asarray(expected, dtype=float)
    same(
        f"{identity} (-1: no path)", np.where(np.isposinf(found), -1, found), np.where(np.isposinf(wanted), -1, wanted)
    )


def _divergence(p: np.ndarray, y: np.ndarray) -> float:
    w = 1 / (1 + ((y[:, None] - y) ** 2).sum(-1))
    np.fill_diagonal(w, 0)
    off = ~np.eye(len(p), dtype=bool)
    return float((p[off] * np.log(p[off] * w.sum() / w[off])).sum())
