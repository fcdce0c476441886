"""Fooling a network: small changes to a picture that turn its class into another.

Three methods that take steps along the gradient, as choices for `ascend`: the lecture's, the fast gradient sign, and
its iterated form. `least_change` looks for the smallest change instead, `fool_noise` and `evolve` need no photograph.
"""

import math
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import numpy as np

from ...attribution.targets import Target
from ...backend import Array, array_module
from ...errors import InputError, UnknownName
from ...nets import Net
from ..algebra import Objective
from ..ascend import Ascent, ascend
from ..objectives import log_probability, unit
from ..touches import Touch, clip_to_range
from .fooled import Fooled, Fooling, Tagged, ten_times

__all__ = [
    "PRESETS",
    "Fooled",
    "Fooling",
    "Stepwise",
    "fast_gradient_sign",
    "fool",
    "iterated_gradient_sign",
    "ten_times",
]

PRESETS = MappingProxyType(
    {
        "fool": MappingProxyType(
            {
                "lr": Tagged(57.6, "CS231n: 1, of pictures divided by their standard deviation, about 57.6 here"),
                "steps": Tagged(100, "CS231n: most pictures need fewer"),
                "objective": Tagged("log-probability", "ours; CS231n has the score, which moves fewer pictures"),
                "margin": Tagged(0.0, "CS231n: stop when the class flips"),
            }
        ),
        "fast_gradient_sign": MappingProxyType({"eps": Tagged(2.0, "ours")}),
        "iterated_gradient_sign": MappingProxyType(
            {
                "eps": Tagged(4.0, "ours"),
                "alpha": Tagged(1.0, "Kurakin et al. 2016: every value by one grey level"),
                "steps": Tagged("min(eps + 4, 1.25 eps), rounded up", "Kurakin et al. 2016"),
            }
        ),
    }
)
"""The default of each value, with its source. Lengths are in units of 0..255."""

_LECTURE, _FAST, _ITERATED = (PRESETS[name] for name in ("fool", "fast_gradient_sign", "iterated_gradient_sign"))

Choices = Callable[[np.ndarray], dict[str, Any]]
"""From the numbers of the pictures that are still under way to the arguments of `ascend`."""


class Stepwise(Fooling):
    """Fooling by steps of `ascend`; a picture that is fooled is left alone from then on.

    Parameters
    ----------
    choices : callable
        From the numbers of the pictures under way to the arguments of `ascend` for them. The step rule must have no
        memory, since the ascent begins anew whenever a picture drops out.
    steps : int
        The most steps.
    state : dict, optional
        What ``state()`` of an earlier run with the same arguments returned.
    best : bool
        Report the picture whose lead was the largest on the way, instead of the last one.
    """

    def __init__(
        self,
        net: Net,
        x: Any,
        to: Target,
        choices: Choices,
        steps: int,
        state: dict[str, Any] | None = None,
        best: bool = False,
        **how: Any,
    ):
        super().__init__(net, x, to, **how)
        self._best = best
        if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
            raise InputError(f"steps must be a number from 1 on, got {steps!r}")
        self.steps, self._choices = steps, choices
        self._climb: Ascent | None = None
        if state is not None:
            self.resume(state)

    def __next__(self) -> tuple[Array, np.ndarray]:
        active = np.flatnonzero(~self.done)
        if not len(active) or self.step >= self.steps:
            raise StopIteration
        pick = self._pick(active)
        climb = self._climb or ascend(self.net, start=self._exact[pick], **self._choices(active))
        self._climb = None  # after an interrupt it is begun anew, from where things stand
        exact, _ = next(climb)
        judged = self._as_file(exact)
        verdict = self._verdict(judged, active)
        reported = verdict.lead > self.lead[active] if self._best else np.full(len(active), True)
        which = active[reported]
        self._exact[pick], self._judged[self._pick(which)] = exact, judged[self._pick(np.flatnonzero(reported))]
        self.lead[which], self.done[active] = verdict.lead[reported], self._enough(verdict)
        self.step += 1
        self.steps_taken[active] = self.step
        self._climb = None if self.done[active].any() else climb
        return self.picture, self.lead.copy()


def fool(
    net: Net,
    x: Any,
    to: Target = None,
    lr: float = _LECTURE["lr"].value,
    steps: int = _LECTURE["steps"].value,
    margin: float = _LECTURE["margin"].value,
    objective: str = _LECTURE["objective"].value,
    eight_bit: bool = True,
    state: dict[str, Any] | None = None,
) -> Stepwise:
    """Step along the gradient over its norm until the class flips (CS231n): x += lr g / ||g||, within 0..255.

    Parameters
    ----------
    net, x, to, margin, eight_bit
        As in `Fooling`. ``to="ostrich"`` sends all pictures to one class, a list each to its own.
    lr : float
        Length of a step, in units of 0..255. With rounding to 8 bits, a picture whose values change by less than one
        half changes not at all: many small steps still add up, since it is the exact picture that is stepped.
    steps : int
        The most steps. A picture whose class has not flipped by then is reported so.
    objective : {"score", "log-probability"}
        What rises (with `to=None`, falls): the score before the softmax, as in the lecture, or the logarithm of the
        probability, which also rises when the other scores fall. Of twenty photographs, each to a class 500 further
        on in SqueezeNet, the score moved 18 in 100 steps, the logarithm all in 15 at most.

    Returns
    -------
    Stepwise
        An iterator; ``.finish()`` takes all the steps and returns a `Fooled` for each picture.

    Examples
    --------
    ::

        (result,) = fool(net, net.picture("cat.jpg"), "ostrich").finish()
        print(result)
    """
    rising = _objective(objective)

    def choices(active: np.ndarray) -> dict[str, Any]:
        return {"objective": rising(task, active), "lr": lr, "step": "norm", "after": [clip_to_range()]}

    task = Stepwise(net, x, to, choices, steps, state, margin=margin, eight_bit=eight_bit)
    return task


def fast_gradient_sign(
    net: Net,
    x: Any,
    to: Target = None,
    eps: float = _FAST["eps"].value,
    eight_bit: bool = True,
    state: dict[str, Any] | None = None,
) -> Stepwise:
    """Change every value by `eps` along the sign of the gradient, once (Goodfellow et al. 2015).

    Parameters
    ----------
    net, x, to, eight_bit
        As in `Fooling`. None, away from the class the network sees, is the paper's form.
    eps : float
        In units of 0..255. (The paper gives it for pictures scaled otherwise.)
    """
    return _by_sign(net, x, to, eps, eps, 1, 0.0, eight_bit, state)


def iterated_gradient_sign(
    net: Net,
    x: Any,
    to: Target = None,
    eps: float = _ITERATED["eps"].value,
    alpha: float = _ITERATED["alpha"].value,
    steps: int | None = None,
    margin: float = 0.0,
    eight_bit: bool = True,
    state: dict[str, Any] | None = None,
) -> Stepwise:
    """As `fast_gradient_sign` in steps of `alpha`, no value further than `eps` from the original (Kurakin et al. 2016).

    It stops a picture as soon as it is fooled (ours); the paper takes all the steps.

    Parameters
    ----------
    net, x, to, margin, eight_bit
        As in `Fooling`.
    eps, alpha : float
        In units of 0..255.
    steps : int, optional
        Default: the paper's, min(eps + 4, 1.25 eps), rounded up.
    """
    if not alpha > 0:
        raise InputError(f"alpha must be above 0, got {alpha!r}")
    if steps is None:
        steps = max(1, math.ceil(min(eps + 4, 1.25 * eps)))
    return _by_sign(net, x, to, eps, alpha, steps, margin, eight_bit, state)


def _by_sign(
    net: Net, x: Any, to: Target, eps: float, alpha: float, steps: int, margin: float, eight_bit: bool, state: Any
) -> Stepwise:
    if not 0 < eps <= 255:
        raise InputError(f"eps is how far a value may go, above 0 and at most 255, got {eps!r}")
    rising = _objective("log-probability")

    def choices(active: np.ndarray) -> dict[str, Any]:
        touches = [near(task.original[task._pick(active)], eps), clip_to_range()]
        return {"objective": rising(task, active), "lr": alpha, "step": sign, "after": touches}

    task = Stepwise(net, x, to, choices, steps, state, margin=margin, eight_bit=eight_bit)
    return task


def sign(gradient: Array, rate: Array, memory: dict[str, Any]) -> tuple[Array, dict[str, Any]]:
    """Rate times the sign of the gradient: a step rule for `ascend`."""
    return rate * array_module(gradient).sign(gradient), memory


def near(original: Array, eps: float) -> Touch:
    """Bring every value back to within `eps` of the original: a touch for `ascend`."""

    def touch(picture: Array, gradient: Array, step: int, rng: Any = None) -> Array:
        return picture.clip(original - eps, original + eps)

    return touch


def _objective(name: str) -> Callable[[Fooling, np.ndarray], Objective]:
    """Return what makes the objective for those pictures that are under way."""
    kinds = {"score": lambda t: unit("logits", t), "log-probability": log_probability}
    if name not in kinds:
        raise UnknownName(f"no objective for fooling is called {name!r}: there are {', '.join(kinds)}")

    def objective(task: Fooling, active: np.ndarray) -> Objective:
        towards = kinds[name]([int(t) for t in task.targets[active]])
        return -towards if task.away else towards

    return objective
