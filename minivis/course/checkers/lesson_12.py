"""Lesson 12: DeconvNet, and the table of Simonyan et al."""

import numpy as np

from ..judging import Answer, adjoint, derivative, exercise, same


@exercise
def deconvnet_relu(answer: Answer) -> None:
    """The cell of the table that was left empty."""
    rng = np.random.default_rng(6)
    R, X = rng.normal(size=(2, 3, 4))
    found = answer(R.copy(), X.copy())
    same("what comes down may be any activation: nothing is negative", np.minimum(found, 0), np.zeros((3, 4)))
    same("it does not depend on X", answer(R.copy(), -X), found)
    same("twice as much comes down: twice as much goes on", answer(2 * R, X.copy()), 2 * np.asarray(found, dtype=float))
    same("R = (2, -1), X = (-3, 4)", answer(np.array([2.0, -1]), np.array([-3.0, 4])), [2, 0])
    same("it is passed whole, or not at all", found, np.where(R > 0, R, 0))


@exercise
def pool_row_of_the_table(answer: Answer) -> None:
    """The row of the table with the misprint."""
    rng = np.random.default_rng(7)
    R, X = rng.normal(size=4), rng.normal(size=8)
    found = answer(R.copy(), X.copy())
    derivative("the slope of <R, max-pool(X)>", found, lambda X: (R * X.reshape(-1, 2).max(1)).sum(), X)
    same("X = (1, 5), R = 3", answer(np.array([3.0]), np.array([1.0, 5])), [0, 3])
    same("X = (5, 1), R = -3: a negative R is moved, too", answer(np.array([-3.0]), np.array([5.0, 1])), [-3, 0])
    same("X = (-5, -1), R = 2", answer(np.array([2.0]), np.array([-5.0, -1])), [0, 2])
    same("X = (4, 4), R = 1: the first", answer(np.array([1.0]), np.array([4.0, 4])), [1, 0])
    wins = X.reshape(-1, 2).argmax(1) + 2 * np.arange(4)
    adjoint("moving down is the transpose of picking up", lambda x: x[wins], lambda g: answer(g, X.copy()), 3 * X, R)


@exercise
def project(answer: Answer) -> None:
    """DeconvNet for two linear rows."""
    one = np.array([[1.0]])
    none = np.zeros(1)
    same("x = 2, W = 3, V = 1, no bias: the value 6, times 3", answer(2 * one[0], 3 * one, none, one, none, 0), [18.0])
    closed = answer(one[0], np.array([[1.0, -1]]), np.zeros(2), np.array([[1.0], [2]]), none, 0)
    same("a ReLU that was closed on the way up does not stop what comes down", closed, [-1.0])
    drop = answer(one[0], np.array([[2.0, 1]]), np.zeros(2), np.array([[1.0], [-1]]), none, 0)
    same("a negative signal that comes down to a ReLU is stopped, though it was open", drop, [2.0])
    lifted = answer(one[0], 2 * one, none, one, np.array([5.0]), 0)
    same("biases count on the way up and not on the way down: the value 7, times 2", lifted, [14.0])
    rng = np.random.default_rng(8)
    x, W, b, V, c = (rng.normal(size=shape) for shape in ((5,), (5, 6), (6,), (6, 4), (4,)))
    c = c + 9  # all four are open
    value = np.maximum(np.maximum(x @ W + b, 0) @ V + c, 0)
    for unit in (1, 3):
        down = answer(x.copy(), W.copy(), b.copy(), V.copy(), c.copy(), unit)
        expected = sum(W[:, h] * V[h, unit] * value[unit] for h in range(6) if V[h, unit] > 0)
        same(f"unit {unit}: the sum over the paths whose upper weight is positive", down, expected)
    dead = answer(x.copy(), W.copy(), b.copy(), V.copy(), np.full(4, -99.0), 0)
    same("a unit that does not respond sends nothing back", dead, np.zeros(5))
