"""One look at a picture: the score of an objective, and its gradient."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from ..backend import Array, array_module
from ..errors import InputError
from ..nets import Net
from ..tape import Rules, Tensor, backward
from .algebra import Objective, total, value_of
from .parametrisations import Parametrisation
from .views import View


class Evaluation(NamedTuple):
    """What a look at the picture has found."""

    score: Array  # (N,)
    gradient: Array  # of the parameters
    terms: list[tuple[str, Array]]
    trouble: str  # which term is not finite, or ""


class NoRandomness:
    """Stands in for a generator where there is none, and says why."""

    def __init__(self, reason: str):
        self._reason = reason

    def __getattr__(self, name: str) -> Any:
        raise InputError(self._reason)


def evaluate(
    net: Net,
    objective: Objective,
    parameters: Array,
    parametrisation: Parametrisation,
    views: Sequence[View],
    rng: Any,
    rules: Rules,
) -> Evaluation:
    """Record the way from the parameters over picture, views and rows to the scores, and walk back."""
    recorded = Tensor(parameters)
    picture = parametrisation.picture(recorded)
    looked = picture
    for view in views:
        looked = view(looked, rng)
    scores = objective.scores(net, picture, looked)
    score = total([score for _, score in scores])
    ones = array_module(parameters).ones_like(score.value)  # no picture's score depends on another picture
    gradient = backward(score, recorded, ones, rules)
    trouble = ""
    if not (is_finite(score.value) and is_finite(gradient)):
        trouble = _culprit(scores, recorded, ones, rules)
    return Evaluation(score.value, gradient, [(name, value_of(s)) for name, s in scores], trouble)


def is_finite(x: Array) -> bool:
    """Return whether every number of `x` is."""
    return bool(array_module(x).isfinite(x).all())


def _culprit(scores: list[tuple[str, Any]], recorded: Tensor, ones: Array, rules: Rules) -> str:
    """Say which term is not finite, or has a gradient that is not."""
    for name, score in scores:
        for n, value in enumerate(value_of(score).tolist()):
            if not math.isfinite(value):
                return f"{name} is {value} for picture {n}"
    for name, score in scores:
        if isinstance(score, Tensor) and not is_finite(backward(score, recorded, ones, rules)):
            return f"the gradient of {name} is not finite"
    return "the sum of the terms is not finite"
