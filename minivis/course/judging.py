"""What checkers are made of: the claims that an answer must meet, and how a claim that fails is told.

A checker is a function of the student's function. It returns if all is right, and raises `Wrong` with the name of the
identity that fails and the two numbers that differ: enough to find the mistake, and never the solution.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..errors import InputError
from ..tape import Tensor

Answer = Callable[..., Any]


class Wrong(Exception):
    """An identity that the answer breaks.

    Parameters
    ----------
    identity : str
        What should have been equal, in words or as a formula.
    expected, got : object, optional
        The two sides, as they are shown.
    """

    def __init__(self, identity: str, expected: Any = None, got: Any = None):
        numbers = "" if expected is None and got is None else f": expected {shown(expected)}, got {shown(got)}"
        super().__init__(identity + numbers)


class Exercise(NamedTuple):
    """An exercise: its lesson's number, its name, which is the function's, and what checks an answer."""

    lesson: int
    name: str
    checker: Callable[[Answer], None]


EXERCISES: dict[str, Exercise] = {}
"""All exercises whose checkers have been imported, by name."""


def exercise(checker: Callable[[Answer], None]) -> Callable[[Answer], None]:
    """Register a checker of a module ``lesson_NN`` for the exercise of the same name. Used as a decorator."""
    name, lesson = checker.__name__, int(checker.__module__[-2:])
    if name in EXERCISES and EXERCISES[name].lesson != lesson:
        raise InputError(f"lessons {EXERCISES[name].lesson} and {lesson} both have an exercise called {name}")
    EXERCISES[name] = Exercise(lesson, name, checker)
    return checker


def same(identity: str, got: Any, expected: Any, tolerance: float = 1e-6) -> None:
    """Raise `Wrong` unless `got` is `expected`, in shape and in every number.

    Parameters
    ----------
    identity : str
        What is claimed, such as ``"the bias is added at every place"``.
    got, expected : number or ndarray
    tolerance : float
        The largest difference allowed, relative to the largest value expected.
    """
    found, wanted = numbers(identity, got), np.asarray(expected, dtype=float)
    if found.shape != wanted.shape:
        raise Wrong(f"{identity}: the shape differs", wanted.shape, found.shape)
    if wanted.size == 0:
        return
    if not np.isfinite(found).all():
        raise Wrong(f"{identity}: a number is not finite", "finite numbers", found[~np.isfinite(found)][0])
    difference = np.abs(found - wanted)
    largest = float(np.abs(wanted).max()) or 1.0
    if difference.max() > tolerance * largest:
        place = np.unravel_index(int(difference.argmax()), wanted.shape)
        at = f" at {tuple(map(int, place))}" if wanted.ndim else ""
        raise Wrong(f"{identity}{at}", float(wanted[place]), float(found[place]))


def derivative(identity: str, gradient: Any, f: Callable[[Any], float], x: Any, tolerance: float = 1e-5) -> None:
    """Raise `Wrong` unless `gradient` is that of the number ``f(x)``, by central differences in a random direction."""
    x = np.asarray(x, dtype=float)
    found = numbers(identity, gradient)
    if found.shape != x.shape:
        raise Wrong(f"{identity}: a gradient has the shape of what it belongs to", x.shape, found.shape)
    rng = np.random.default_rng(7)
    step, h = rng.uniform(0.5, 1.5, x.shape) * rng.choice([-1.0, 1.0], x.shape), 1e-6
    slope = (float(f(x + h * step)) - float(f(x - h * step))) / (2 * h)
    claimed = float((found * step).sum())
    if not abs(slope - claimed) <= tolerance * max(abs(slope), abs(claimed), 1e-3):
        raise Wrong(f"{identity}: finite differences in a random direction disagree", slope, claimed)


def adjoint(identity: str, forward: Answer, back: Answer, x: Any, g: Any, tolerance: float = 1e-9) -> None:
    """Raise `Wrong` unless ``<forward(x), g> = <x, back(g)>``, which holds if and only if `back` is its transpose."""
    y, gx = numbers(identity, forward(x)), numbers(identity, back(g))
    if y.shape != np.shape(g) or gx.shape != np.shape(x):
        raise Wrong(f"{identity}: the shapes differ", (np.shape(g), np.shape(x)), (y.shape, gx.shape))
    left, right = float((y * g).sum()), float((x * gx).sum())
    if not abs(left - right) <= tolerance * max(abs(left), abs(right), 1e-3):
        raise Wrong(f"{identity}: <Ax, g> and <x, A'g> differ", left, right)


def parts(got: Any, count: int) -> tuple:
    """Return what an answer that has `count` parts returned; raise `Wrong` if it returned something else."""
    if not isinstance(got, tuple | list) or len(got) != count:
        length = f" of {len(got)}" if isinstance(got, tuple | list) else ""
        raise Wrong("what it returns", f"a tuple of {count}", f"{type(got).__name__}{length}")
    return tuple(got)


def numbers(identity: str, got: Any) -> np.ndarray:
    """Return what an answer returned as an array of float64; raise `Wrong` if those are no numbers."""
    if got is None:
        raise Wrong(f"{identity}: it returned nothing (is there a return?)")
    if isinstance(got, Tensor):
        raise Wrong(f"{identity}: it returned a Tensor", "an array", "a Tensor, whose array is its .value")
    try:
        return np.asarray(got, dtype=float)
    except (TypeError, ValueError):
        raise Wrong(f"{identity}: it returned no numbers", "numbers", type(got).__name__) from None


def shown(value: Any) -> str:
    """Return `value` as a message shows it: numbers with six digits."""
    if isinstance(value, bool | str) or not isinstance(value, int | float | np.number):
        return str(value)
    return f"{value:.6g}"
