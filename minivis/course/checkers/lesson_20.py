"""Lesson 20: many facets of one neuron."""

import numpy as np

from ..judging import Answer, exercise, parts, same


@exercise
def k_means_round(answer: Answer) -> None:
    """One round of k-means."""
    points = np.array([[0.0, 0], [2, 0], [0, 4], [10, 0], [12, 2]])
    group, centres = parts(answer(points.copy(), np.array([[1.0, 0], [9, 0], [50, 50]])), 2)
    same("each point's nearest centre", group, [0, 0, 0, 1, 1])
    same("centres of groups with points are their means", np.asarray(centres)[:2], [[2 / 3, 4 / 3], [11, 1]])
    same("a centre without points stays", np.asarray(centres)[2:], [[50, 50]])
    group, _ = parts(answer(np.array([[1.0, 0]]), np.array([[0.0, 0], [2, 0]])), 2)
    same("of two centres that are equally near, the first", group, [0])
    rng = np.random.default_rng(20)
    points, centres = rng.normal(size=(30, 3)), rng.normal(size=(4, 3))
    group, moved = parts(answer(points.copy(), centres.copy()), 2)
    again, other = parts(answer(points + 100, centres + 100), 2)
    same("if everything is moved by 100, the groups stay", again, group)
    same("if everything is moved by 100, so are the centres", np.asarray(other) - 100, moved)


@exercise
def facet_start(answer: Answer) -> None:
    """The mean picture of the middle of a group."""
    rng = np.random.default_rng(21)
    pictures = rng.uniform(0, 255, size=(7, 2, 3, 3))
    codes = np.array([[0.0], [1], [2], [9], [100], [101], [103]])
    group = np.array([0, 0, 0, 0, 1, 1, 1])

    def start(j: int, nearest: int) -> object:
        return answer(pictures.copy(), codes.copy(), group.copy(), j, nearest)

    same("codes 0, 1, 2, 9, of mean 3: the nearest is 2", start(0, 1), pictures[2])
    same("codes 0, 1, 2, 9, of mean 3: the two nearest", start(0, 2), pictures[[1, 2]].mean(0))
    same("the second group: codes 100, 101, 103, the nearest to the mean", start(1, 1), pictures[5])
    same("a group with fewer members: the mean of all", start(1, 15), pictures[4:].mean(0))


@exercise
def schedule(answer: Answer) -> None:
    """A value that goes from a to b in n steps."""
    same("from 1 to 2 by five values", answer(1.0, 2.0, 5), [1, 1.25, 1.5, 1.75, 2])
    same("from 0.4 to 0.4 it is level", answer(0.4, 0.4, 190), np.full(190, 0.4))
    down, up = answer(3.0, -1.0, 7), answer(-1.0, 3.0, 7)
    same("from 3 to -1 is from -1 to 3 backwards", down, np.flip(np.asarray(up, dtype=float)))
    same("two values are the two ends", answer(0.4, 2.0, 2), [0.4, 2.0])
