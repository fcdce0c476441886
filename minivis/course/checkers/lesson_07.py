"""Lesson 7: one hidden layer, and first-layer filters."""

import numpy as np

from ..judging import Answer, derivative, exercise, numbers, parts, same


@exercise
def filters_as_pictures(answer: Answer) -> None:
    """A kernel's filters, stretched, in RGB."""
    kernel = np.random.default_rng(71).normal(size=(2, 3, 3, 5)) * np.arange(1, 6)
    given = kernel.copy()
    pictures = numbers("the pictures", answer(given, "RGB"))
    same("the kernel afterwards", given, kernel)
    same("the shape: filter, height, width, colour", pictures.shape, (5, 2, 3, 3))
    same("the smallest number of each picture, plus 1", 1 + pictures.min((1, 2, 3)), np.ones(5))
    same("the largest number of each picture", pictures.max((1, 2, 3)), np.full(5, 255.0))
    single = np.zeros((3, 3, 3, 2))
    single[0, 2, 0, 0] = single[1, 0, 1, 1] = 1
    expected = np.zeros((2, 3, 3, 3))
    expected[0, 0, 2, 0] = expected[1, 1, 0, 1] = 255
    same("RGB: filter 0 with one weight, top right, for red; filter 1 with one, middle left, for green",
         answer(single.copy(), "RGB"), expected)  # fmt: skip
    same("BGR: the same weights are for blue and green", answer(single.copy(), "BGR"), expected[..., ::-1])
    double = answer(3 * kernel - 1, "BGR")
    same("a stronger filter with another zero looks the same", double, answer(kernel.copy(), "BGR"))


@exercise
def slope_of_hidden_templates(answer: Answer) -> None:
    """Back through both layers and the ReLU."""
    rng = np.random.default_rng(72)
    x, w1, b1, w2 = rng.normal(size=(4, 5)), rng.normal(size=(5, 3)), rng.normal(size=3), rng.normal(size=(3, 2))
    g = rng.normal(size=(4, 2))

    def value(some):
        return float((g * (np.maximum(x @ some + b1, 0) @ w2)).sum())

    got = answer(x.copy(), w1.copy(), b1.copy(), w2.copy(), g.copy())
    derivative("the slope of <g, scores> with respect to w1", got, value, w1)
    closed = np.array([0.0, -100, 0])  # a bias that keeps a unit shut
    got = numbers("the slope", answer(x.copy(), w1.copy(), b1 + closed, w2.copy(), g.copy()))
    same("a unit that is closed for all pictures has slope", got[:, 1], np.zeros(5))


@exercise
def with_templates_of_length_one(answer: Answer) -> None:
    """The same network with other templates."""
    rng = np.random.default_rng(73)
    x, w1, b1, w2 = rng.normal(size=(6, 4)), rng.normal(size=(4, 3)), rng.normal(size=3), rng.normal(size=(3, 2))
    given = w1.copy(), b1.copy(), w2.copy()
    new = parts(answer(*given), 3)
    for name, now, before in zip(("w1", "b1", "w2"), given, (w1, b1, w2), strict=True):
        same(f"the {name} that came in, afterwards", now, before)
    for name, now, before in zip(("w1", "b1", "w2"), new, (w1, b1, w2), strict=True):
        same(f"the shape of {name}", np.shape(now), before.shape)
    n1, c1, n2 = (np.asarray(one, dtype=float) for one in new)
    same("the lengths of the templates", np.sqrt((n1**2).sum(0)), np.ones(3))
    same("the scores, without b2", np.maximum(x @ n1 + c1, 0) @ n2, np.maximum(x @ w1 + b1, 0) @ w2)
