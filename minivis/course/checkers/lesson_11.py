"""Lesson 11: a gradient by hand."""

import numpy as np

from ..judging import Answer, derivative, exercise, parts, same


@exercise
def paper_gradient(answer: Answer) -> None:
    """The slopes of y = max(h2, h3) - 4 h1."""
    cases = {
        "h2 wins, h1 is open": (3.0, 1.2),
        "h2 wins, h1 is closed": (1.0, 1.0),
        "h3 wins, h2 is open, too": (0.5, 1.0),
        "h3 wins, h2 is closed": (-1.0, 1.0),
        "only h1 is open": (-1.0, -3.0),
        "h2 and h3 are closed, and so is h1": (-5.0, -2.0),
    }
    for case, (a, b) in cases.items():
        found = np.stack([np.asarray(part, dtype=float) for part in parts(answer(a, b), 2)])
        derivative(f"at ({a:g}, {b:g}), where {case}", found, _paper, np.array([a, b]))


@exercise
def maximum_rules(answer: Answer) -> None:
    """The two rules of a maximum."""
    rng = np.random.default_rng(4)
    g, a, b = rng.normal(size=(3, 4, 5))
    to_a, to_b = parts(answer(g.copy(), a.copy(), b.copy()), 2)
    derivative("to a: the slope of <g, max(a, b)>", to_a, lambda a: (g * np.maximum(a, b)).sum(), a)
    derivative("to b: the slope of <g, max(a, b)>", to_b, lambda b: (g * np.maximum(a, b)).sum(), b)
    same("what reaches a and b together is g", np.add(to_a, to_b), g)
    tie = parts(answer(np.array([3.0]), np.array([2.0]), np.array([2.0])), 2)
    same("among equals all of g reaches a", tie[0], [3.0])
    same("among equals nothing reaches b", tie[1], [0.0])


@exercise
def contributions_of_locations(answer: Answer) -> None:
    """One pixel's slope, location by location."""
    rng = np.random.default_rng(5)
    g, kernel = rng.normal(size=(5, 6)), rng.normal(size=(3, 2))
    x = rng.normal(size=(7, 7))
    for i, j in ((3, 3), (0, 0), (6, 6), (1, 6)):
        found = answer(g.copy(), kernel.copy(), i, j)
        one = np.zeros((7, 7))
        one[i, j] = 1
        moved = _convolve(x + one, kernel) - _convolve(x, kernel)
        same(f"pixel ({i}, {j}): what a nudge by 1 does at each location, times its g", found, g * moved)
        slope = (g * _convolve(one, kernel)).sum()
        same(f"pixel ({i}, {j}): the contributions add up to its slope", np.sum(found), slope)


def _paper(x: np.ndarray) -> float:
    a, b = x
    return max(2 * a + b, 3 * b - a, 0) - 4 * max(a - 2 * b, 0)


def _convolve(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    return np.einsum("ijab,ab->ij", np.lib.stride_tricks.sliding_window_view(x, kernel.shape), kernel)
