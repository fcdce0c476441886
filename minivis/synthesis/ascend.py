"""Gradient ascent on pictures: the loop that all making rests on."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..backend import Array, array_module
from ..errors import InputError, MinivisError
from ..nets import Net
from ..rules import VANILLA
from ..tape import Rules, Tensor, backward
from .algebra import Objective, row_in, total
from .lbfgs import LBFGS, Cost, lbfgs_step
from .parametrisations import Pixels, parametrisation_for
from .steps import Memory, Rate, rate_at, step_rule
from .touches import Touch, bound
from .views import View


class Evaluation(NamedTuple):
    """What one look at the picture has found."""

    score: Array  # (N,)
    gradient: Array  # of the parameters
    terms: list[tuple[str, Array]]
    recorded: tuple[Tensor, list[tuple[str, Any]]]  # the parameters and the terms, to find a culprit


class Standing(NamedTuple):
    """Where the ascent stands between two steps. Its arrays are never written into."""

    step: int
    parameters: Array
    memory: Memory


class NotFinite(MinivisError):
    """A number has left the range of numbers."""


class NoRandomness:
    """Stands in for a generator where none may be used, and says why."""

    def __init__(self, reason: str):
        self._reason = reason

    def __getattr__(self, name: str) -> Any:
        raise InputError(self._reason)


class Ascent(Iterator):
    """An ascent under way; made by `ascend`. Iterating takes the steps.

    Attributes
    ----------
    step : int
        How many steps have been taken.
    picture : ndarray, shape (N, H, W, 3)
        The picture now; it stays usable after an error or an interrupt (a copy).
    terms : list of (name, ndarray of shape (N,))
        The weighted score of each term at the last step, in the order of the objective.
    """

    def __init__(
        self,
        net: Net,
        objective: Objective,
        start: Any,
        lr: Rate | None,
        step: Any,
        views: Sequence[View],
        after: Sequence[Touch],
        steps: int | None,
        rng: np.random.Generator | None,
        parametrisation: Any,
        rules: Rules,
    ):
        if not isinstance(objective, Objective):
            raise InputError(f"expected an objective, such as unit('fc8', 130), got {type(objective).__name__}")
        for row in objective.rows:
            row_in(net, row)  # raises if there is none
        if steps is not None and (not isinstance(steps, int) or steps < 0):
            raise InputError(f"steps must be a number from 0 on, or None for no end, got {steps!r}")
        start = net.check_picture(start)
        self.net, self.objective, self.rules, self.steps = net, objective, rules, steps
        self.rule, self.lr = step_rule(step), lr
        self.views, self.after = tuple(views), tuple(bound(touch, net) for touch in after)
        self.parametrisation = parametrisation_for(parametrisation, *start.shape[1:3])
        self.rng = rng
        self._check_choices()
        self.terms: list[tuple[str, Array]] = []
        self._now = Standing(0, self.parametrisation.parameters(start.copy()), {})
        self._undo: tuple[Standing, Any] | None = None
        self._known: tuple[Array, Evaluation] | None = None  # parameters that a line search has looked at already

    def _check_choices(self) -> None:
        """Raise where the choices do not go together."""
        line_search = isinstance(self.rule, LBFGS)
        if self.lr is None and not line_search:
            raise InputError("say how far to step: lr=, a number or a function of (step, gradient)")
        if not callable(self.lr) and self.lr is not None and not (self.lr > 0 and math.isfinite(self.lr)):
            raise InputError(f"lr must be a finite number above 0, got {self.lr!r}")
        if line_search and callable(self.lr):
            raise InputError("L-BFGS finds its step lengths itself: lr is the length of the first one, a number")
        if line_search and self.rules:
            raise InputError("L-BFGS needs the gradient: leave rules out")
        if not isinstance(self.parametrisation, Pixels) and (self.after or getattr(self.rule, "bounds", None)):
            raise InputError("touches and bounds act on pixels: leave them out, or take parametrisation='pixels'")

    step = property(lambda self: self._now.step)

    @property
    def picture(self) -> Array:
        picture = self.parametrisation.picture(self._now.parameters)
        return picture.copy() if picture is self._now.parameters else picture

    def state(self) -> dict[str, Any]:
        """Return all that is needed to go on from here: a dict of copies of arrays, numbers and names."""
        return {
            "step": self.step,
            "picture": self.picture,
            "parameters": self._now.parameters.copy(),
            "rule": repr_of(self.rule),
            "memory": copied(self._now.memory),
            "rng": None if self.rng is None else self.rng.bit_generator.state,
        }

    def resume(self, state: dict[str, Any]) -> None:
        """Go on from `state`."""
        if state["rule"] != repr_of(self.rule):
            raise InputError(f"the state is of an ascent with step {state['rule']}, not {repr_of(self.rule)}")
        if state["parameters"].shape != self._now.parameters.shape:
            raise InputError(
                f"the state has parameters {state['parameters'].shape}, expected {self._now.parameters.shape}: "
                "does it belong to another parametrisation?"
            )
        self._now = Standing(state["step"], state["parameters"].copy(), copied(state["memory"]))
        if state["rng"] is not None:
            self.rng = np.random.Generator(getattr(np.random, state["rng"]["bit_generator"])())
            self.rng.bit_generator.state = state["rng"]

    def __repr__(self) -> str:
        return f"<Ascent of {self.objective!r} in {self.net.name}, after {self.step} steps>"

    def __next__(self) -> tuple[Array, Array]:
        stuck = self._now.memory.get("stuck")
        if self.step == self.steps or (stuck is not None and bool(stuck.all())):
            raise StopIteration
        drawn = self.rng and self.rng.bit_generator.state
        try:
            with np.errstate(all="ignore"):  # what is not finite is found and reported below
                evaluation, after = self._advance()
        except BaseException as error:  # Ctrl-C included: a step is taken as a whole or not at all
            if isinstance(error, NotFinite) and self._undo:
                self._now, drawn = self._undo  # the last picture that could still be scored
            if self.rng is not None:
                self.rng.bit_generator.state = drawn
            if isinstance(error, NotFinite):
                raise InputError(f"{error}; the last good picture is .picture (a smaller lr may help)") from None
            raise
        self._undo, self._now, self.terms = (self._now, drawn), after, evaluation.terms
        return self.picture, evaluation.score.copy()

    def _advance(self) -> tuple[Evaluation, Standing]:
        """Return what was found here, and where one step leads."""
        if isinstance(self.rule, LBFGS):
            return self._line_search()
        step, parameters, memory = self._now
        here = self._evaluate(parameters, self.rng or NoRandomness("a view or touch draws random numbers: pass rng="))
        self._check_finite(here)
        change, memory = self.rule(here.gradient, rate_at(self.lr, step, here.gradient), memory)  # type: ignore[arg-type]
        moved = self._touched(parameters + change, here)
        return here, Standing(step + 1, moved, memory)

    def _line_search(self) -> tuple[Evaluation, Standing]:
        """As `_advance`, by L-BFGS. It minimises, so all signs are turned."""
        still = NoRandomness("L-BFGS needs an objective that stays the same: it cannot be used with random views")
        step, parameters, memory = self._now

        def evaluate(parameters: Array) -> Cost:
            found = self._evaluate(parameters, still)
            return Cost(-found.score, -found.gradient, found)

        if not memory and self.rule.bounds:
            parameters = parameters.clip(*self.rule.bounds)
        known = self._known and self._known[0] is parameters
        here = self._known[1] if known else self._evaluate(parameters, still)  # type: ignore[index]
        self._check_finite(here)
        first = self.lr or math.sqrt(math.prod(parameters.shape[1:]))  # ours: by one level per value
        cost = Cost(-here.score, -here.gradient, here)
        found = lbfgs_step(evaluate, parameters, cost, memory.get("pairs", []), self.rule, first)
        moved = self._touched(found.point, here)
        touched = moved is not found.point and bool((moved != found.point).any())
        self._known = None if touched else (moved, found.cost.source)
        after = {"pairs": [] if touched else found.pairs, "stuck": found.stuck & (not touched)}
        return here, Standing(step + 1, moved, after)

    def _evaluate(self, parameters: Array, rng: Any) -> Evaluation:
        """Record the way from the parameters to the scores, and walk back."""
        recorded = Tensor(parameters)
        picture = self.parametrisation.picture(recorded)
        looked = picture
        for view in self.views:
            looked = view(looked, rng)
        scores = self.objective.scores(self.net, picture, looked)
        score = total([score for _, score in scores])
        gradient = backward(score, recorded, array_module(parameters).ones_like(score.value), self.rules)
        values = [(name, getattr(score, "value", score)) for name, score in scores]
        return Evaluation(score.value, gradient, values, (recorded, scores))

    def _touched(self, moved: Array, here: Evaluation) -> Array:
        for touch in self.after:
            moved = touch(moved, here.gradient, self.step, self.rng or NoRandomness("a touch draws: pass rng="))
        if not bool(array_module(moved).isfinite(moved).all()):
            raise NotFinite(f"step {self.step}: the step itself has made the picture non-finite")
        return moved

    def _check_finite(self, here: Evaluation) -> None:
        """Raise with the step and the term that did it, if the score or its gradient is not finite."""
        xp = array_module(here.score)
        if bool(xp.isfinite(here.score).all()) and bool(xp.isfinite(here.gradient).all()):
            return
        for name, value in here.terms:
            bad = [n for n, finite in enumerate(xp.isfinite(value).tolist()) if not finite]
            if bad:
                raise NotFinite(f"step {self.step}: {name} is {float(value[bad[0]])} for picture {bad[0]}")
        recorded, scores = here.recorded
        for name, score in scores:
            if isinstance(score, Tensor):
                gradient = backward(score, recorded, xp.ones_like(score.value), self.rules)
                if not bool(xp.isfinite(gradient).all()):
                    raise NotFinite(f"step {self.step}: the gradient of {name} is not finite")
        raise NotFinite(f"step {self.step}: the sum of the terms is not finite")


def ascend(
    net: Net,
    objective: Objective,
    start: Any,
    lr: Rate | None = None,
    step: Any = "plain",
    views: Sequence[View] = (),
    after: Sequence[Touch] = (),
    steps: int | None = None,
    rng: np.random.Generator | None = None,
    state: dict[str, Any] | None = None,
    parametrisation: Any = "pixels",
    rules: Rules = VANILLA,
) -> Ascent:
    """Change pictures so that an objective rises, step by step.

    Parameters
    ----------
    net : Net
    objective : Objective
        What is to rise: see `minivis.objectives`.
    start : ndarray, shape (N, H, W, 3)
        RGB pictures, 0..255. Not used, and may be None, where `state` is given.
    lr : float or callable
        The rate of the step rule, or a function of (step, gradient) that gives a number or one per picture. L-BFGS
        needs none: for it, the Euclidean length of its first trial step.
    step : str or step rule
        "plain", "norm", "mean-abs", "momentum", "adam", "lbfgs", or a rule: see `steps`.
    views : sequence of callables
        Looks, each through the one before, before the net: functions of (picture, rng). See `views`.
    after : sequence of callables
        Touches after the step, in order: functions of (picture, gradient, step, rng). See `touches`.
    steps : int, optional
        Where to stop, counted from the very first step. Default: no end. (L-BFGS ends where nothing rises any more.)
    rng : numpy.random.Generator
        For views and touches that draw random numbers.
    state : dict, optional
        What ``state()`` of an earlier ascent with the same arguments returned: go on from there to the same result.
    parametrisation : str
        "pixels" or "fourier": which numbers are stepped. See `parametrisations`.
    rules : mapping
        What to walk back by instead of the gradient.

    Returns
    -------
    Ascent
        An iterator of (picture, score): a copy of the picture after the step, and the score (N,) before it, which is
        that of the picture the step began with.

    Raises
    ------
    InputError
        While iterating, if the objective is not finite: with the step and the term that did it. The last good picture
        is then in ``.picture``.
    """
    if state is not None:
        start = state["picture"]
    ascent = Ascent(net, objective, start, lr, step, views, after, steps, rng, parametrisation, rules)
    if state is not None:
        ascent.resume(state)
    return ascent


def copied(memory: Any) -> Any:
    """Return a copy of nested dicts, lists and tuples with copies of their arrays."""
    if isinstance(memory, dict):
        return {key: copied(value) for key, value in memory.items()}
    if isinstance(memory, list | tuple):
        return type(memory)(copied(value) for value in memory)
    return memory.copy() if hasattr(memory, "copy") else memory


def repr_of(rule: Any) -> str:
    """Return what a step rule is called, in a state."""
    return getattr(rule, "__name__", None) or repr(rule)
