"""Step rules: how far and which way to go, given the gradient.

A step rule is a function of (gradient, rate, memory) that returns (change, memory): what to add to the picture, and
what to remember for the next step, a dict of arrays that is empty at first. Each picture of a batch is treated as if it
were alone. Any function of this kind will do; the usual ones have names.

L-BFGS is no such rule, since it has to try a step before it takes it: see `lbfgs`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..backend import Array, array_module
from ..errors import InputError, UnknownName
from .lbfgs import LBFGS

Memory = dict[str, Any]
StepRule = Callable[[Array, Array, Memory], tuple[Array, Memory]]
Rate = float | Callable[[int, Array], Any]


def plain(gradient: Array, rate: Array, memory: Memory) -> tuple[Array, Memory]:
    """Rate times the gradient."""
    return rate * gradient, memory


def norm(gradient: Array, rate: Array, memory: Memory) -> tuple[Array, Memory]:
    """Rate times the gradient over its Euclidean norm: a step of length `rate`."""
    return rate * _over(gradient, sum_of(gradient * gradient) ** 0.5), memory


def mean_abs(gradient: Array, rate: Array, memory: Memory) -> tuple[Array, Memory]:
    """Rate times the gradient over its mean absolute value: values change by `rate` on average.

    DeepDream's code (Mordvintsev et al. 2015), with a rate of 1.5.
    """
    return rate * _over(gradient, abs(gradient).mean(_inner(gradient), keepdims=True)), memory


@dataclass(frozen=True)
class Momentum:
    """Keep the share `share` of the last change, and add rate times the gradient (Polyak 1964).

    With `restart`, what was kept is dropped whenever the rate changes, as in the code of Mahendran and Vedaldi (2015).
    """

    share: float = 0.9
    restart: bool = False

    def __call__(self, gradient: Array, rate: Array, memory: Memory) -> tuple[Array, Memory]:
        change = rate * gradient
        if memory and not (self.restart and bool((memory["rate"] != rate).any())):
            change = change + self.share * memory["change"]
        return change, {"change": change, "rate": rate}


@dataclass(frozen=True)
class Adam:
    """Rate times the running mean of the gradient over the root of that of its square (Kingma and Ba 2015, alg. 1)."""

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __call__(self, gradient: Array, rate: Array, memory: Memory) -> tuple[Array, Memory]:
        t = memory.get("t", 0) + 1
        m = self.beta1 * memory.get("m", 0.0) + (1 - self.beta1) * gradient
        v = self.beta2 * memory.get("v", 0.0) + (1 - self.beta2) * gradient * gradient
        mean, square = m / (1 - self.beta1**t), v / (1 - self.beta2**t)
        return rate * mean / (array_module(v).sqrt(square) + self.epsilon), {"t": t, "m": m, "v": v}


STEPS: dict[str, StepRule | LBFGS] = {
    "plain": plain,
    "norm": norm,
    "mean-abs": mean_abs,
    "momentum": Momentum(),
    "adam": Adam(),
    "lbfgs": LBFGS(),
}
"""The step rules by name."""


def step_rule(step: Any) -> Any:
    """Return the step rule called `step`, or `step` itself if it is one."""
    if isinstance(step, str):
        if step not in STEPS:
            raise UnknownName(f"no step rule is called {step!r}: there are {', '.join(STEPS)}")
        return STEPS[step]
    if not callable(step) and not isinstance(step, LBFGS):
        raise InputError(f"step must be {', '.join(map(repr, STEPS))}, or a step rule, got {step!r}")
    return step


def progress(desired: float, most: float) -> Callable[[int, Array], Array]:
    """Return a rate that should raise each score by `desired` per plain step, but is never above `most`.

    The score rises by about rate times ||g||², so the rate is desired / ||g||². (The policy "progress" in the toolbox
    of Yosinski et al. 2015.)
    """
    if not (desired > 0 and most > 0):
        raise InputError(f"progress takes two numbers above 0, got {desired!r} and {most!r}")

    def rate(step: int, gradient: Array) -> Array:
        xp = array_module(gradient)
        square = sum_of(gradient * gradient)
        return (desired / xp.maximum(square, desired / most)).reshape(-1)

    return rate


def rate_at(lr: Rate | None, step: int, gradient: Array) -> Array:
    """Return the rate at a step as an array that fits the gradient: one number, or one per picture."""
    xp = array_module(gradient)
    rate = xp.asarray(lr(step, gradient) if callable(lr) else lr, dtype=gradient.dtype)
    if rate.ndim and rate.shape != gradient.shape[:1]:
        raise InputError(f"lr must give a number, or one for each of the {len(gradient)} pictures, got {rate.shape}")
    return rate.reshape(-1, *(1,) * (gradient.ndim - 1)) if rate.ndim else rate


def sum_of(x: Array) -> Array:
    """Return the sum over each picture, shaped to divide it: (N, 1, 1, 1)."""
    return x.sum(_inner(x), keepdims=True)


def _inner(x: Array) -> tuple[int, ...]:
    return tuple(range(1, x.ndim))


def _over(gradient: Array, size: Array) -> Array:
    return gradient / (size + (size == 0))  # no gradient, no step
