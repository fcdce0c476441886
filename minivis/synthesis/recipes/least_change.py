"""The smallest change that fools a network, with L-BFGS and box bounds (Szegedy et al. 2014)."""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from ...attribution.targets import Target
from ...backend import Array, like, to_host
from ...errors import InputError
from ...nets import Net
from ..algebra import Objective, total_of
from ..ascend import ascend
from ..lbfgs import LBFGS
from ..objectives import log_probability
from .fooled import Fooling, Tagged

PRESET = MappingProxyType(
    {
        "bounds": Tagged((0.0, 255.0), "Szegedy et al. 2014"),
        "c": Tagged(1.0, "ours"),
        "factor": Tagged(10.0, "ours"),
        "trials": Tagged(8, "ours"),
        "steps": Tagged(20, "ours"),
    }
)
"""The default of each value, with its source."""

FIRST = 57.6  # length of the first trial step in units of 0..255 (ours): as long as the lecture's


class LeastChange(Fooling):
    """The search for the largest weight c of the distance at which the result still fools; see `least_change`.

    One step is one trial: the weights c, one per picture, tried by L-BFGS from the original picture. `picture` is the
    nearest that has fooled so far, or else the last.
    """

    def __init__(
        self,
        net: Net,
        x: Any,
        to: Target,
        c: float,
        trials: int,
        steps: int,
        margin: float,
        eight_bit: bool,
        state: dict[str, Any] | None,
    ):
        super().__init__(net, x, to, margin, eight_bit=eight_bit)
        if not 0 < c < math.inf:
            raise InputError(f"c is the weight of the distance, above 0, got {c!r}")
        for name, value in (("trials", trials), ("steps", steps)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise InputError(f"{name} must be a number from 1 on, got {value!r}")
        self.trials, self.steps = trials, steps
        n = len(self.original)
        self._c, self._low, self._high = np.full(n, c), np.zeros(n), np.full(n, np.inf)  # low has fooled, high has not
        self._idle = self.done.copy()  # what is of that class from the start needs no change
        if state is not None:
            self.resume(state)

    def __next__(self) -> tuple[Array, np.ndarray]:
        active = np.flatnonzero(~self._idle)
        if not len(active) or self.step >= self.trials:
            raise StopIteration
        exact, taken = self._minimise(active)
        judged = self._as_file(exact)
        verdict = self._verdict(judged, active)
        fooled = self._enough(verdict)
        nearer = self._distance(judged, active) < self._distance(self._judged[self._pick(active)], active)
        better = np.where(self.done[active], fooled & nearer, True)
        which, chosen = active[better], like(np.flatnonzero(better), exact)
        self._exact[self._pick(which)], self._judged[self._pick(which)] = exact[chosen], judged[chosen]
        self.lead[which], self.done[which] = verdict.lead[better], fooled[better]
        self._low[active] = np.where(fooled, self._c[active], self._low[active])
        self._high[active] = np.where(fooled, self._high[active], self._c[active])
        self._c = _next(self._low, self._high, self._c)
        self.step += 1
        self.steps_taken[active] += taken
        return self.picture, self.lead.copy()

    def _minimise(self, active: np.ndarray) -> tuple[Array, int]:
        """Return the pictures of least c distance + loss, and how many steps of L-BFGS that took."""
        original = self.original[self._pick(active)]
        targets = [int(t) for t in self.targets[active]]
        likely = -log_probability(targets) if self.away else log_probability(targets)
        weighted = likely - distance(original, like(self._c[active], original))
        climb = ascend(self.net, weighted, original, FIRST, LBFGS(bounds=PRESET["bounds"].value), steps=self.steps)
        for _ in climb:
            pass
        return climb.picture, climb.step

    def _distance(self, pictures: Array, active: np.ndarray) -> np.ndarray:
        apart = pictures - self.original[self._pick(active)]
        return to_host((apart * apart).sum((1, 2, 3)))

    def state(self) -> dict[str, Any]:
        weights = {"c": self._c.copy(), "low": self._low.copy(), "high": self._high.copy()}
        return {**super().state(), **weights}

    def resume(self, state: dict[str, Any]) -> None:
        super().resume(state)
        if not {"c", "low", "high"} <= set(state):
            raise InputError("the state is that of another method")
        self._c, self._low, self._high = (to_host(state[key]).copy() for key in ("c", "low", "high"))


def least_change(
    net: Net,
    x: Any,
    to: Target = None,
    c: float = PRESET["c"].value,
    trials: int = PRESET["trials"].value,
    steps: int = PRESET["steps"].value,
    margin: float = 0.0,
    eight_bit: bool = True,
    state: dict[str, Any] | None = None,
) -> LeastChange:
    """Look for the smallest change that fools: minimise c ||r||² - log p(class of x + r) within 0..255.

    The paper writes c |r|, which has no gradient at r = 0. The square (ours) has the same stationary points: those of c
    are those of 2 c |r| there. The paper asks for "the minimum c" that fools; as c weighs the distance, the smallest
    change belongs to the largest c that still fools, and that is what is searched here (ours): c is multiplied or
    divided by ten until one value fools and another does not, then halved between them on a scale of logarithms.

    Parameters
    ----------
    net, x, to, margin, eight_bit
        As in `Fooling`. With `eight_bit` it is the smallest change that survives the rounding.
    c : float
        The first weight, for r in units of 0..1.
    trials : int
        How many weights are tried.
    steps : int
        The most steps of L-BFGS for each. The report counts all of them.

    Returns
    -------
    LeastChange
        An iterator; ``.finish()`` takes all the steps and returns a `Fooled` for each picture.
    """
    return LeastChange(net, x, to, c, trials, steps, margin, eight_bit, state)


def distance(original: Array, weights: Array) -> Objective:
    """Squared Euclidean distance from `original`, in units of 0..1, times one weight per picture."""

    def score(rows: Mapping[str, Any], net: Net) -> Any:
        apart = (rows["input"] - original) / 255.0
        return total_of(apart * apart) * weights.astype(original.dtype)

    return Objective.of("distance", ["input"], score)


def _next(low: np.ndarray, high: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Return the next weights to try."""
    factor = PRESET["factor"].value
    with np.errstate(invalid="ignore"):  # 0 times infinity, where nothing is known yet
        between = np.sqrt(low * high)
    return np.where(np.isinf(high), c * factor, np.where(low == 0, c / factor, between))
