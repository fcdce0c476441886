"""Lesson 14: class activation maps."""

import numpy as np

from ..judging import Answer, exercise, numbers, parts, same


@exercise
def class_activation_map(answer: Answer) -> None:
    """The sum of the maps times the weights of a class."""
    rng = np.random.default_rng(141)
    maps, weights, biases = rng.uniform(0, 2, size=(4, 5, 6)), rng.normal(size=(6, 3)), rng.normal(size=3)
    scores = maps.mean((0, 1)) @ weights + biases
    for c in range(3):
        heat = numbers("the map", answer(maps.copy(), weights.copy(), c))
        same("the shape of the map", heat.shape, (4, 5))
        same("the mean of the map, plus the bias, is the score", heat.mean() + biases[c], scores[c])
    single = np.zeros((2, 3, 6))
    single[1, 2, 4] = 1
    expected = np.zeros((2, 3))
    expected[1, 2] = weights[4, 1]
    same("where only map 4 has a 1, at one place, the map of class 1 is its weight there", answer(single, weights, 1),
         expected)  # fmt: skip
    same("of a class with the weights negated the map is the negative", answer(maps, -weights, 0),
         -numbers("the map", answer(maps, weights, 0)))  # fmt: skip


@exercise
def cam_box(answer: Answer) -> None:
    """The box around the largest part above a threshold."""
    heat = np.zeros((8, 10))
    heat[2:5, 3:9] = 0.5
    same("one block, rows 2 to 4 and columns 3 to 8: left, top, right, bottom", parts(answer(heat.copy(), 0.2), 4),
         (3, 2, 9, 5))  # fmt: skip
    heat[7, 0] = 1
    same("a brighter single pixel elsewhere: the larger part counts", parts(answer(heat.copy(), 0.2), 4), (3, 2, 9, 5))
    same("above 0.6 of the maximum there is only that pixel", parts(answer(heat.copy(), 0.6), 4), (0, 7, 1, 8))
    same("the box of 10 times the map", parts(answer(10 * heat, 0.2), 4), (3, 2, 9, 5))
    same("on ground of a tenth of the maximum, the maximum being 10", parts(answer(10 * heat.clip(0.1), 0.2), 4),
         (3, 2, 9, 5))  # fmt: skip
    heat[5:7, 9] = 0.5
    same("what touches by a corner is not connected", parts(answer(heat.copy(), 0.2), 4), (3, 2, 9, 5))
    heat = np.full((5, 6), -3.0)
    heat[1, 1:3] = 1
    heat[3:, 3:] = -0.5
    same("where the rest of the map is negative", parts(answer(heat, 0.2), 4), (1, 1, 3, 2))


@exercise
def why_rather_than(answer: Answer) -> None:
    """A map of the difference of two scores."""
    rng = np.random.default_rng(143)
    maps, weights, biases = rng.uniform(0, 2, size=(3, 4, 5)), rng.normal(size=(5, 4)), rng.normal(size=4)
    scores = maps.mean((0, 1)) @ weights + biases
    heat = numbers("the map", answer(maps.copy(), weights.copy(), biases.copy(), 2, 0))
    same("the shape of the map", heat.shape, (3, 4))
    same("its mean is the score of c minus the score of d", heat.mean(), scores[2] - scores[0])
    added = weights + rng.normal(size=(5, 1))
    same("the same vector added to the weights of all classes changes the map: afterwards",
         answer(maps.copy(), added, biases + 7, 2, 0), heat)  # fmt: skip
    same("c rather than d is the negative of d rather than c",
         answer(maps.copy(), weights.copy(), biases.copy(), 0, 2), -heat)  # fmt: skip
    changed = maps.copy()
    changed[1, 3] = 0
    expected = heat.copy()
    expected[1, 3] = biases[2] - biases[0]
    same("where one place of the maps is set to 0, the biases are left there, and the other places stay",
         answer(changed, weights.copy(), biases.copy(), 2, 0), expected)  # fmt: skip
