"""Fooling from noise: gradient ascent on the posterior (Nguyen, Yosinski and Clune 2015, figure 13).

The values are those of the authors' code, ``caffe/ascent/find_fooling_image.py``.
"""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from ...attribution.targets import Target
from ...backend import Array, array_module, to_device
from ...errors import InputError
from ...nets import Net
from ..algebra import Objective
from ..objectives import probability
from ..steps import sum_of
from ..touches import clip_to_range, decay
from .fool import Stepwise
from .fooled import Tagged

_CODE = "authors' code"
PRESET = MappingProxyType(
    {
        "start": Tagged(1.0, f"{_CODE}: standard deviation of the noise around the mean picture"),
        "decay": Tagged(0.01, _CODE),
        "early": Tagged(0.03, f"{_CODE}: the most that a step should raise the probability"),
        "late": Tagged(0.1, f"{_CODE}: the most that a step should raise it, as a share of 1 - p"),
        "fastest": Tagged(1e12, f"{_CODE}: the highest rate"),
        "longest": Tagged(math.inf, f"{_CODE}: a step may be of any length"),
        "steps": Tagged(300, _CODE),
        "confidence": Tagged(0.99, "ours: stop there; the code notes when it is passed, and goes on"),
    }
)
"""The default of each value, with its source. Their mean is a picture, ours the network's mean colour."""


class Posterior:
    """The probability of classes as objective, and the rate for it.

    The rate depends on the probability, which `ascend` does not tell: so the objective notes what it was.
    """

    def __init__(self, targets: list[int], longest: float):
        self._inner, self._longest = probability(targets), longest
        self._now: Any = None

    def objective(self) -> Objective:
        """Return the objective, which notes its score."""

        def score(rows: Mapping[str, Any], net: Net) -> Any:
            (term,) = self._inner.terms
            found = term.score(rows, net)
            self._now = getattr(found, "value", found)
            return found

        return Objective.of(self._inner.terms[0].name, ["logits"], score)

    def rate(self, step: int, gradient: Array) -> Array:
        """Return the rates (N,) that should raise each probability p by `early` or `late` (1 - p), the smaller."""
        xp = array_module(gradient)
        early, late, fastest = (PRESET[name].value for name in ("early", "late", "fastest"))
        desired = xp.minimum(early, late * (1 - self._now))
        square = sum_of(gradient * gradient).reshape(-1)
        square = square + (square == 0)  # no gradient, no step
        longest = self._longest * (gradient.size / len(gradient)) ** 0.5
        return xp.minimum(xp.minimum(desired / square, longest / square**0.5), fastest)


def fool_from_noise(
    net: Net,
    to: Target,
    rng: np.random.Generator,
    size: int | None = None,
    steps: int = PRESET["steps"].value,
    confidence: float = PRESET["confidence"].value,
    longest: float = PRESET["longest"].value,
    eight_bit: bool = True,
    state: dict[str, Any] | None = None,
) -> Stepwise:
    """Raise the probability of a class from noise, which makes pictures that look like nothing.

    The best picture on the way is reported, as the authors' code does. With `eight_bit` that need not be among the
    last: less than one grey level may be enough for the exact picture, and the decay takes it there.

    Parameters
    ----------
    net : Net
    to : int, str or list
        A class, or a list of them for one picture each.
    rng : numpy.random.Generator
        Of the start: the mean colour plus noise.
    size : int, optional
        Height and width. Default: the network's.
    steps : int
        The most steps.
    confidence : float
        Stop when the class is the first and its probability at least this.
    longest : float
        The most that a step may change the values, as root mean square, in units of 0..255. Where the probability is
        nearly 0 at the start, the authors' policy throws the picture to black and white at once; the decay brings it
        back over the steps that follow. A limit of 1 prevents that, and ends lower.
    eight_bit, state
        As in `Fooling` and `fool`.

    Returns
    -------
    Stepwise
        An iterator; ``.finish()`` takes all the steps and returns a `Fooled` for each picture, whose original is the
        noise.
    """
    if to is None:
        raise InputError("say which class the noise is to become: to=, an index or a name")
    if not longest > 0:
        raise InputError(f"longest is how far a step may go, above 0, got {longest!r}")
    count = len(to) if isinstance(to, list) else 1

    def choices(active: np.ndarray) -> dict[str, Any]:
        towards = Posterior([int(t) for t in task.targets[active]], longest)
        touches = [decay(PRESET["decay"].value), clip_to_range()]
        return {"objective": towards.objective(), "lr": towards.rate, "step": "plain", "after": touches}

    start = noise_around_mean(net, count, rng, size)
    task = Stepwise(net, start, to, choices, steps, state, best=True, confidence=confidence, eight_bit=eight_bit)
    return task


def noise_around_mean(net: Net, count: int, rng: np.random.Generator, size: int | None = None) -> Array:
    """Return the network's mean colour plus normal noise, within 0..255: (count, size, size, 3)."""
    side = size or net.size
    noise = PRESET["start"].value * rng.standard_normal((count, side, side, 3))
    return (net.mean_colour + to_device(noise.astype(net.dtype), net.device)).clip(0, 255)
