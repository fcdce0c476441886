"""Lesson 15: Grad-CAM."""

import numpy as np

from ..judging import Answer, derivative, exercise, numbers, same


@exercise
def weighted_maps(answer: Answer) -> None:
    """From maps and slopes to L."""
    rng = np.random.default_rng(1)
    maps, slopes = rng.uniform(0, 1, size=(4, 5, 6)), rng.normal(size=(4, 5, 6))
    given = maps.copy(), slopes.copy()
    found = numbers("L", answer(*given))
    same("the maps that were given have not changed", given[0], maps)
    same("the slopes that were given have not changed", given[1], slopes)
    one = np.array([[[1.0], [2.0]], [[3.0], [4.0]]])
    same("one map 1 2 3 4, all slopes 2", answer(one.copy(), 2 * np.ones_like(one)), 2 * one[..., 0])
    at_one_place = np.zeros_like(one)
    at_one_place[0, 0] = 4
    same("the same, one slope of 4 and three of 0: their mean is 1", answer(one.copy(), at_one_place), one[..., 0])
    same("all slopes negative: L is 0", answer(maps.copy(), -np.abs(slopes)), np.zeros((4, 5)))
    two = np.concatenate([one, one], axis=-1)
    cancel = np.ones_like(two) * np.array([1.0, -1.0])
    same("two equal maps with slopes 1 and -1 cancel", answer(two.copy(), cancel), np.zeros((2, 2)))
    same("maps that are all 0: L is 0", answer(0 * maps, slopes.copy()), np.zeros((4, 5)))
    same("twice the slopes, twice the map", answer(maps.copy(), 2 * slopes), 2 * found)
    order = rng.permutation(20)
    shuffled = slopes.reshape(20, 6)[order].reshape(slopes.shape)
    same("it does not matter where in a map its slopes are", answer(maps.copy(), shuffled), found)
    against = numbers("L of -y", answer(maps.copy(), -slopes))
    linear = np.einsum("ijk,abk->ij", maps, slopes) / 20
    same("L(y) - L(-y) is the sum without the ReLU", found - against, linear)


@exercise
def enlarged(answer: Answer) -> None:
    """Enlarge along one axis."""
    rng = np.random.default_rng(2)
    same("two values 0 and 1, enlarged to four", answer(np.array([0.0, 1.0]), 4), [0.0, 0.25, 0.75, 1.0])
    same("one value is level everywhere", answer(np.array([3.0]), 5), np.full(5, 3.0))
    values = rng.normal(size=6)
    same("as many values as before: unchanged", answer(values.copy(), 6), values)
    found = numbers("6 values, enlarged to 18", answer(values.copy(), 18))
    same("three times as many: every third stands at an old middle", found[1::3], values)
    same("mirrored values, mirrored result", answer(values[::-1].copy(), 18), found[::-1])
    others = rng.normal(size=6)
    summed = found + numbers("6 others", answer(others.copy(), 18))
    same("the sum of two, enlarged, is the sum of both enlarged", answer(values + others, 18), summed)
    ramp = numbers("0 1 2 3, enlarged to 7", answer(np.arange(4.0), 7))
    middles = (np.arange(7) + 0.5) * 4 / 7 - 0.5
    same("a slope stays one between the first and the last middle", ramp[1:-1], middles[1:-1])
    same("before the first middle and after the last it is level", ramp[[0, -1]], [0.0, 3.0])


@exercise
def caption_seed(answer: Answer) -> None:
    """Where the walk back of a caption begins."""
    rng = np.random.default_rng(3)
    scores, words = rng.normal(size=(3, 5)), np.array([4, 0, 4])

    def log_likelihood(scores: np.ndarray) -> float:
        powers = np.exp(scores - scores.max(1, keepdims=True))
        return float(np.log((powers / powers.sum(1, keepdims=True))[range(3), words]).sum())

    given = scores.copy()
    found = answer(given, words.copy())
    same("the scores that were given have not changed", given, scores)
    derivative("the slope of the sum of the words' log p", found, log_likelihood, scores)
    same("each step's slopes sum to 0", np.sum(numbers("the seed", found), -1), np.zeros(3))
    same("the same number added to all scores of a step", answer(scores + np.array([[9.0], [0], [-4]]), words), found)
    sure = 2000 * np.eye(5)[words]
    same("a network that is sure of every word: 0, and no overflow", answer(sure, words.copy()), np.zeros((3, 5)))
