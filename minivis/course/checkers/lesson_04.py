"""Lesson 4: pooling, ReLU, linear, softmax."""

import numpy as np

from ..judging import Answer, derivative, exercise, parts, same


@exercise
def relu_rule(answer: Answer) -> None:
    """The gate that the input opens."""
    x, g = np.array([2.0, -1.0, 0.5, -3.0]), np.array([1.0, 4.0, -2.0, -5.0])
    derivative("the slope of <g, max(x, 0)>", answer(g, np.maximum(x, 0)), lambda x: (g * np.maximum(x, 0)).sum(), x)
    same("an open gate lets negative g pass, too", answer(g, np.maximum(x, 0))[2], -2.0)
    same("where x was exactly 0, nothing passes", answer(np.array([3.0]), np.array([0.0])), [0.0])
    g, y = np.random.default_rng(8).normal(size=(2, 3, 4))
    same("g where the output is positive, else 0", answer(g, np.maximum(y, 0)), np.where(y > 0, g, 0))


@exercise
def max_pool_rule(answer: Answer) -> None:
    """Each g to where the maximum was."""
    rng = np.random.default_rng(9)
    x, g = rng.permutation(24).reshape(4, 6) / 3, rng.normal(size=(2, 3))
    back = answer(g, x.copy())
    derivative("the slope of <g, max_pool(x)>", back, lambda x: (g * _pool(x)).sum(), x)
    same("unpooling moves: the sum of what reaches x is that of g", np.sum(back), g.sum())
    one = np.array([[5.0]])
    same("four equal numbers: the top left gets all", answer(one, np.full((2, 2), 7.0)), [[5, 0], [0, 0]])
    same("the right column equal: the top right gets all", answer(one, np.array([[1.0, 4], [2, 4]])), [[0, 5], [0, 0]])
    same("the diagonal equal: the top right is first", answer(one, np.array([[1.0, 4], [4, 2]])), [[0, 5], [0, 0]])
    below = answer(one, np.array([[-3.0, -2], [-1, -4]]))
    same("a window of negative numbers: the largest gets all", below, [[0, 0], [5, 0]])


@exercise
def linear_rules(answer: Answer) -> None:
    """The three ways back through a linear layer."""
    rng = np.random.default_rng(10)
    x, weights, bias, g = (rng.normal(size=shape) for shape in ((5, 3), (3, 4), (4,), (5, 4)))
    to_x, to_weights, to_bias = parts(answer(g.copy(), x.copy(), weights.copy()), 3)
    derivative("to x: the slope of <g, x W + b>", to_x, lambda x: (g * (x @ weights + bias)).sum(), x)
    derivative("to W: the slope of <g, x W + b>", to_weights, lambda w: (g * (x @ w + bias)).sum(), weights)
    derivative("to b: the slope of <g, x W + b>", to_bias, lambda b: (g * (x @ weights + b)).sum(), bias)


def _pool(x: np.ndarray) -> np.ndarray:
    return x.reshape(x.shape[0] // 2, 2, x.shape[1] // 2, 2).max((1, 3))
