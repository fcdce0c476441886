"""Lesson 2: is the gradient right?"""

import numpy as np

from ..judging import Answer, Wrong, derivative, exercise, same


@exercise
def central_difference(answer: Answer) -> None:
    """The slope by one element, from both sides."""
    x = np.array([1.0, 2.0, -3.0])
    given = x.copy()
    same("f = 5 x1 is a straight line: its slope", answer(lambda x: 5 * x[1], x, 1, 0.5), 5.0)
    same("f = x0² at 1, with the large step 0.5, from both sides alike", answer(lambda x: x[0] ** 2, x, 0, 0.5), 2.0)
    same("f = x2³ at -3, where the step 0.1 errs by 0.1²", answer(lambda x: x[2] ** 3, x, 2, 0.1), 27.01)
    same("f does not depend on x0: its slope", answer(lambda x: x[1] * x[2], x, 0, 1e-3), 0.0)
    same("x afterwards", x, given)


@exercise
def log_softmax_rule(answer: Answer) -> None:
    """The walk back through the logarithm of a softmax."""
    rng = np.random.default_rng(3)
    x, g = rng.normal(size=5), rng.normal(size=5)
    one_hot = np.eye(5)[2]
    for name, weights in (("g one-hot", one_hot), ("g random", g), ("g all ones", np.ones(5))):
        derivative(f"slopes of <g, log softmax(x)>, {name}", answer(weights, _log_softmax(x)), _weighted(weights), x)
    same("adding one number to all x changes nothing: the sum of what reaches x", answer(g, _log_softmax(x)).sum(), 0.0)


@exercise
def looks_right(answer: Answer) -> None:
    """Tell right rules from wrong ones."""
    rng = np.random.default_rng(4)
    matrix, x = rng.normal(size=(4, 3)), rng.normal(size=(3,))
    off = matrix.copy()
    off[2, 1] += 0.01
    square = rng.uniform(1, 2, size=(2, 3))
    cases = [
        ("a matrix and its transpose", True, lambda x: matrix @ x, lambda g, x: matrix.T @ g, x),
        ("a matrix of 12 numbers, one of them off by 0.01", False, lambda x: matrix @ x, lambda g, x: off.T @ g, x),
        ("x² of an array with two axes", True, lambda x: x**2, lambda g, x: 2 * g * x, square),
        ("x² with the rule g x", False, lambda x: x**2, lambda g, x: g * x, square),
        ("x² with the sign flipped", False, lambda x: x**2, lambda g, x: -2 * g * x, square),
        ("softmax", True, _softmax, lambda g, x: _softmax(x) * (g - (g * _softmax(x)).sum()), x),
        ("softmax with a rule that returns 0", False, _softmax, lambda g, x: 0 * g, x),
        ("a sum, whose g is one number", True, lambda x: x.sum(), lambda g, x: g * np.ones_like(x), x),
        ("all but the first slope doubled", False, lambda x: x**2, lambda g, x: 2 * g * x * [1, 2, 2], x),
    ]
    for name, truth, f, back, at in cases:
        said = answer(f, back, at.copy())
        if not isinstance(said, bool | np.bool_):
            raise Wrong("what it returns", "True or False", type(said).__name__)
        if said != truth:
            raise Wrong(f"{name}: does the rule look right?", truth, bool(said))


def _softmax(x: np.ndarray) -> np.ndarray:
    powers = np.exp(x - x.max())
    return powers / powers.sum()


def _log_softmax(x: np.ndarray) -> np.ndarray:
    return x - np.log(np.exp(x).sum())


def _weighted(g: np.ndarray) -> Answer:
    return lambda x: float((g * _log_softmax(x)).sum())
