"""Lesson 1: a tape."""

import numpy as np

from ..judging import Answer, Wrong, derivative, exercise, parts, same


@exercise
def sigmoid_rule(answer: Answer) -> None:
    """The slope of the sigmoid, from its output."""
    rng = np.random.default_rng(1)
    x, g = rng.normal(size=5), rng.normal(size=5)
    got = answer(g, 1 / (1 + np.exp(-x)))
    derivative("the slope of the sigmoid, times g", got, lambda x: (g / (1 + np.exp(-x))).sum(), x)


@exercise
def quotient_rules(answer: Answer) -> None:
    """Both slopes of a / b."""
    rng = np.random.default_rng(2)
    a, b, g = rng.normal(size=4), rng.uniform(1, 2, size=4), rng.normal(size=4)
    to_a, to_b = parts(answer(g, a, b), 2)
    derivative("what reaches a", to_a, lambda a: (g * a / b).sum(), a)
    derivative("what reaches b", to_b, lambda b: (g * a / b).sum(), b)


@exercise
def walk(answer: Answer) -> None:
    """A walk back along a tape of numbers."""
    chain = [("u", [("x", 3.0)]), ("v", [("u", 2.0)]), ("y", [("v", -1.0)])]
    same("y = -v, v = 2u, u = 3x: dy/dx", _slope(answer(chain, "y"), "x"), -6.0)
    square = [("u", [("x", 5.0), ("x", 5.0)])]
    same("u = x x at x = 5, where two paths meet: du/dx", _slope(answer(square, "u"), "x"), 10.0)
    diamond = [
        ("u", [("x", 2.0)]),
        ("v", [("x", -1.0), ("u", 3.0)]),
        ("w", [("x", 7.0)]),
        ("y", [("u", 1.0), ("v", 4.0)]),
    ]
    found = answer(diamond, "y")
    same("y = u + 4v, v = -x + 3u, u = 2x: dy/du", _slope(found, "u"), 13.0)
    same("y = u + 4v, v = -x + 3u, u = 2x: dy/dx", _slope(found, "x"), 22.0)
    same("dy/dy", _slope(found, "y"), 1.0)
    if found.get("w", 0) != 0:
        raise Wrong("y was not computed from w: dy/dw", "0, or nothing", found["w"])


def _slope(found: object, name: str) -> float:
    if not isinstance(found, dict):
        raise Wrong("what it returns", "a dictionary from names to slopes", type(found).__name__)
    if name not in found:
        raise Wrong(f"the slope with respect to {name}", "a number", f"nothing: there are only {sorted(found)}")
    return found[name]
