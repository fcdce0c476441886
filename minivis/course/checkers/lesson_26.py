"""Lesson 26: neighbours in pixels and in codes."""

import math

import numpy as np

from ..judging import Answer, Wrong, exercise, numbers, same


@exercise
def all_distances(answer: Answer) -> None:
    """Euclidean distances of all pairs."""
    same("3, 4 and 5: the distance of (0, 0) and (3, 4)", answer(np.zeros((1, 2)), np.array([[3.0, 4.0]])), [[5.0]])
    rng = np.random.default_rng(261)
    a, b = rng.normal(size=(3, 4)), rng.normal(size=(5, 4))
    expected = [[math.dist(one, other) for other in b] for one in a]
    same("three points and five others", answer(a.copy(), b.copy()), expected)
    same("moving all points by the same vector changes no distance", answer(a + 7, b + 7), expected)
    dark, light = np.array([[3, 200]], "uint8"), np.array([[5, 100]], "uint8")
    same("8-bit pixels (3, 200) and (5, 100)", answer(dark, light), [[math.sqrt(10_004)]])
    same("the same, in the other direction", answer(light, dark), [[math.sqrt(10_004)]])
    alike = 100 * rng.normal(size=(20, 30))
    own = np.diag(numbers("the distance of a point to itself", answer(alike.copy(), alike.copy())))
    if not np.all(np.abs(own) < 1e-3):
        raise Wrong("the distance of a point to itself", 0, own[~(np.abs(own) < 1e-3)][0])


@exercise
def cosine_neighbours(answer: Answer) -> None:
    """The nearest by direction."""
    angles = np.radians([0, 10, 30, 90, 180])
    fan = np.stack([np.cos(angles), np.sin(angles)], 1)
    expected = [[1, 2], [0, 2], [1, 0], [2, 1], [3, 2]]
    same("points at 0, 10, 30, 90 and 180 degrees on a circle", answer(fan.copy(), 2), expected)
    lengths = np.array([[1.0], [50.0], [0.1], [3.0], [20.0]])
    same("the same directions, other lengths", answer(fan * lengths, 2), expected)
    same("only the nearest", answer(fan.copy(), 1), [one[:1] for one in expected])


@exercise
def vote(answer: Answer) -> None:
    """The class of most neighbours."""
    labels = np.array([4, 4, 7, 7, 7, 2])
    same("two of class 4, one of class 7, the latter nearest", answer(np.array([[2, 0, 1]]), labels), [4])
    same("all of one class", answer(np.array([[3, 2, 4]]), labels), [7])
    same("one of 2, then one of 7: the nearest decides", answer(np.array([[5, 2]]), labels), [2])
    same("7, 4, 4, 7: two each, the nearest decides", answer(np.array([[2, 0, 1, 3]]), labels), [7])
    same("2, 7, 4, 4, 7: one, two, two", answer(np.array([[5, 2, 0, 1, 3]]), labels), [7])
    same("two queries", answer(np.array([[2, 3, 0], [0, 1, 5]]), labels), [7, 4])
