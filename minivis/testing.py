"""One gradient check for everything that has a backward rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .backend import Array, array_module, like, to_host
from .errors import MinivisError
from .tape import Tensor, backward


class GradientMismatch(MinivisError, AssertionError):
    """A backward rule and finite differences do not agree."""


def check_backward(
    f: Callable[..., Any],
    *arrays: Array,
    wrt: int = 0,
    rng: np.random.Generator | None = None,
    step: float = 1e-6,
    tolerance: float = 1e-6,
) -> float:
    """Compare a backward rule with central differences, along one random direction and for one random cotangent.

    With a direction v and a cotangent g, both random, two numbers must be the same:
    ``<g, (f(x + h v) - f(x - h v)) / 2h>`` and ``<f's rules applied to g, v>``. One number stands for the whole
    Jacobian: a wrong entry anywhere changes it with probability one. A cotangent of ones would not do: the gradient of
    the sum of a softmax is 0, so a softmax whose backward returns 0 would pass.

    Parameters
    ----------
    f : callable
        Of Tensors or arrays; returns one of them. A function that draws random numbers must seed them itself.
    *arrays : ndarray
        Its arguments. Those of floats are taken to float64.
    wrt : int
        Which argument to check.
    rng : numpy.random.Generator, optional
        Default: seeded with 0.
    step, tolerance : float
        Size h of the step, and the largest difference allowed, relative to the larger number (ours: central
        differences in float64 err by about h² + 1e-16 / h).

    Returns
    -------
    float
        The relative difference.

    Raises
    ------
    GradientMismatch
        With both numbers.
    """
    rng = rng or np.random.default_rng(0)
    values = [a.astype("float64") if a.dtype.kind == "f" else a for a in arrays]
    x = values[wrt]
    # Components of 0.5 to 1.5 in size: none so small that the direction misses an element.
    direction = like(rng.uniform(0.5, 1.5, x.shape) * rng.choice([-1.0, 1.0], x.shape), x)

    def moved(by: float) -> Array:
        y = f(*values[:wrt], x + by * direction, *values[wrt + 1 :])
        return y.value if isinstance(y, Tensor) else y

    recorded = Tensor(x)
    y = f(*values[:wrt], recorded, *values[wrt + 1 :])
    cotangent = like(rng.standard_normal(y.shape), x)
    by_rules = float((backward(y, recorded, cotangent) * direction).sum())
    by_differences = float((cotangent * (moved(step) - moved(-step))).sum()) / (2 * step)
    size = max(abs(by_rules), abs(by_differences))
    # Cancellation among many terms is no error of the rule: judge by the size of what was added up.
    scale = max(size, 1e-3 * float(array_module(x).abs(cotangent).sum()), 1e-12)
    error = abs(by_rules - by_differences) / scale
    if not error <= tolerance:
        name = getattr(f, "name", getattr(f, "__name__", "f"))
        raise GradientMismatch(
            f"{name}, argument {wrt}: the rule gives {by_rules:.12g}, finite differences {by_differences:.12g} "
            f"(relative difference {error:.2e}, allowed {tolerance:.0e})"
        )
    return error


def relative_error(a: Array, b: Array) -> float:
    """Return the largest difference between two arrays, relative to the largest value of the second."""
    a, b = to_host(a).astype("float64"), to_host(b).astype("float64")
    if a.shape != b.shape:
        raise GradientMismatch(f"shapes differ: {a.shape} and {b.shape}")
    largest = float(np.abs(b).max(initial=0.0))
    return float(np.abs(a - b).max(initial=0.0)) / (largest or 1.0)
