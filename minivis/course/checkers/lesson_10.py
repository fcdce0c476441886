"""Lesson 10: saliency."""

import numpy as np

from ..judging import Answer, derivative, exercise, same


@exercise
def saliency_map(answer: Answer) -> None:
    """From gradient to map."""
    rng = np.random.default_rng(1)
    w = rng.normal(size=(2, 4, 5, 3))
    given = w.copy()
    found = answer(given)
    same(
        "one picture, one pixel, slopes (3, 0, -4)",
        answer(
            np.array([[[[3.0, 0, -4]]]]),
        ),
        [[[4.0]]],
    )
    same("the map of -S is the map of S", answer(-w), found)
    same("the order of the colours does not matter", answer(w[..., ::-1].copy()), found)
    one = np.zeros_like(w)
    one[..., 1] = w[..., 1]
    same("if only green matters, the map is the size of its slope", answer(one), np.abs(w[..., 1]))
    same("twice the score, twice the map", answer(2 * w), 2 * np.asarray(found, dtype=float))
    same("each picture by itself: the second one alone", answer(w[1:].copy()), np.asarray(found, dtype=float)[1:])
    same("the largest of each pixel's three sizes", found, np.sqrt((w**2).max(-1)))
    same("the gradients that were given have not changed", given, w)


@exercise
def share_flipped(answer: Answer) -> None:
    """How many ReLUs flip."""
    rng = np.random.default_rng(2)
    rows = [np.maximum(rng.normal(size=shape), 0) for shape in ((1, 4, 4, 3), (1, 2, 2, 5), (1, 7))]
    same("the same picture twice: none flips", answer(rows, [row.copy() for row in rows]), 0.0)
    same("outputs that only grow or shrink: none flips", answer(rows, [3 * row for row in rows]), 0.0)
    same("all open, then all closed", answer([np.ones((2, 3))], [np.zeros((2, 3))]), 1.0)
    same("one opens, one closes, two stay", answer([np.array([1.0, 0, 2, 0])], [np.array([0.0, 1, 5, 0])]), 0.5)
    large, small = np.ones((1, 9)), np.ones((1, 1))
    same("9 ReLUs stay in one row, 1 flips in another", answer([large, small], [large, 0 * small]), 0.1)
    others = [np.maximum(rng.normal(size=row.shape), 0) for row in rows]
    same("there and back: the share is the same", answer(rows, others), answer(others, rows))


@exercise
def probability_gradient(answer: Answer) -> None:
    """The gradient of a probability."""
    rng = np.random.default_rng(3)
    gradients, scores = rng.normal(size=(4, 2, 3, 3)), rng.normal(size=4)

    def chances(picture: np.ndarray) -> np.ndarray:  # of a network whose scores are exactly planes
        powers = np.exp(scores + np.tensordot(gradients, picture, 3))
        return powers / powers.sum()

    found = [answer(gradients.copy(), scores.copy(), label) for label in range(4)]
    none = np.zeros((2, 3, 3))
    derivative("the slope of the probability of class 0", found[0], lambda picture: chances(picture)[0], none)
    derivative("the slope of the probability of class 2", found[2], lambda picture: chances(picture)[2], none)
    same("probabilities sum to 1, so their gradients sum to 0", np.sum(found, 0), none)
    same("the same number added to all scores", answer(gradients.copy(), scores + 50, 1), found[1])
    far = answer(gradients.copy(), scores + 2000 * np.eye(4)[3], 3)
    same("a network that is entirely sure: slope 0, no overflow", far, none)
