"""Gradient ascent on pictures: the loop that all making rests on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..backend import Array
from ..errors import InputError, MinivisError
from ..nets import Net
from ..rules import VANILLA
from ..tape import Rules
from .algebra import Objective, row_in
from .evaluation import Evaluation, NoRandomness, evaluate, is_finite
from .lbfgs import LBFGS, Cost, Past, cut, lbfgs_step, nothing_past
from .parametrisations import Pixels, parametrisation_for
from .steps import Memory, Rate, rate_at, step_rule
from .touches import Touch, bound
from .views import View

STATE = ("step", "picture", "parameters", "rule", "memory", "rng")


class Standing(NamedTuple):
    """Where the ascent stands between two steps. Its arrays are never written into."""

    step: int
    parameters: Array
    memory: Memory


class NotFinite(MinivisError):
    """The objective has left the range of numbers."""


MISSING = NoRandomness("a view or touch draws random numbers: pass rng=numpy.random.default_rng(0)")
FROZEN = NoRandomness("L-BFGS needs an objective that stays the same: it cannot be used with random views")


class Ascent(Iterator):
    """An ascent under way, made by `ascend`. Iterating takes the steps.

    Attributes
    ----------
    step : int
        How many steps have been taken.
    picture : ndarray, shape (N, H, W, 3)
        A copy of the picture now. It is whole and finite also after an error or an interrupt.
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
        self.net, self.objective, self.rules, self.steps, self.rng = net, objective, rules, steps, rng
        self.rule, self.lr = step_rule(step), lr
        self.views, self.after = _listed(views), tuple(bound(touch, net) for touch in _listed(after))
        self.parametrisation = parametrisation_for(parametrisation, *start.shape[1:3])
        self._check_choices()
        self.terms: list[tuple[str, Array]] = []
        self._now = Standing(0, self.parametrisation.parameters(start.copy()), {})
        self._before: tuple[Standing, Any] | None = None  # where the last step began, and the rng then
        self._known: tuple[Array, Evaluation] | None = None  # parameters that a line search has looked at already

    def _check_choices(self) -> None:
        """Raise where the choices do not go together."""
        line_search = isinstance(self.rule, LBFGS)
        if self.lr is None and not line_search:
            raise InputError("say how far to step: lr=, a number or a function of (step, gradient)")
        if self.lr is not None and not callable(self.lr) and not 0 < self.lr < math.inf:
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
        """Return all that is needed to go on from here: a dict with copies of arrays, and numbers and names."""
        parts = (
            self.step,
            self.picture,
            self._now.parameters.copy(),
            _name_of(self.rule),
            _copied(self._now.memory),
            _drawn(self.rng),
        )
        return dict(zip(STATE, parts, strict=True))

    def resume(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned."""
        step, _, parameters, rule, memory, drawn = (state[key] for key in STATE)
        if rule != _name_of(self.rule):
            raise InputError(f"the state is that of step={rule}, this ascent has step={_name_of(self.rule)}")
        if parameters.shape != self._now.parameters.shape:
            raise InputError(
                f"the state has parameters of shape {parameters.shape}, this ascent {self._now.parameters.shape}: "
                "does it belong to another parametrisation?"
            )
        self._now = Standing(int(step), parameters.copy(), _copied(memory))
        if drawn is not None:
            self.rng = np.random.Generator(getattr(np.random, drawn["bit_generator"])())
            self.rng.bit_generator.state = drawn

    def __repr__(self) -> str:
        return f"<Ascent of {self.objective!r} in {self.net.name}, after {self.step} steps>"

    def __next__(self) -> tuple[Array, Array]:
        stuck = self._now.memory.get("stuck")
        if (self.steps is not None and self.step >= self.steps) or (stuck is not None and bool(stuck.all())):
            raise StopIteration
        drawn = _drawn(self.rng)
        try:
            with np.errstate(all="ignore"):  # what is not finite is found and reported
                here, after = self._advance()
        except BaseException as error:  # Ctrl-C too: a step is taken as a whole or not at all
            if isinstance(error, NotFinite) and self._before:
                self._now, drawn = self._before  # the last picture that could be scored
            if self.rng is not None:
                self.rng.bit_generator.state = drawn
            if isinstance(error, NotFinite):
                raise InputError(f"{error}; the last good picture is .picture (a smaller lr may help)") from None
            raise
        self._before, self._now, self.terms = (self._now, drawn), after, here.terms
        return self.picture, here.score.copy()

    def _advance(self) -> tuple[Evaluation, Standing]:
        """Return what was found here, and where one step leads."""
        if isinstance(self.rule, LBFGS):
            return self._line_search(self.rule)
        step, parameters, memory = self._now
        here = self._checked(self._evaluate(parameters, self.rng or MISSING))
        rate = rate_at(self.lr, step, here.gradient)
        change, memory = self.rule(here.gradient, rate, memory)
        return here, Standing(step + 1, self._touched(parameters + change, here.gradient), memory)

    def _line_search(self, options: LBFGS) -> tuple[Evaluation, Standing]:
        """As `_advance`, by L-BFGS. It minimises, so signs are turned."""

        def cost_at(parameters: Array) -> Cost:
            found = self._evaluate(parameters, FROZEN)
            return Cost(-found.score, -found.gradient, found)

        step, parameters, memory = self._now
        if options.bounds and not memory:
            parameters = cut(parameters, options.bounds)
        if self._known and self._known[0] is parameters:
            here = self._known[1]
        else:
            here = self._evaluate(parameters, FROZEN)
        cost = Cost(-self._checked(here).score, -here.gradient)
        first: Any = self.lr or math.sqrt(math.prod(parameters.shape[1:]))  # ours: each value by 1, on average
        past = Past(**memory) if memory else nothing_past(parameters)
        found, there, past = lbfgs_step(cost_at, parameters, cost, past, options, first)
        moved = self._touched(found, here.gradient)
        if moved is not found and bool((moved != found).any()):  # the pairs are of another path now
            return here, Standing(step + 1, moved, {})
        self._known = (moved, there.source)
        return here, Standing(step + 1, moved, past._asdict())

    def _evaluate(self, parameters: Array, rng: Any) -> Evaluation:
        return evaluate(self.net, self.objective, parameters, self.parametrisation, self.views, rng, self.rules)

    def _checked(self, here: Evaluation) -> Evaluation:
        if here.trouble:
            raise NotFinite(f"step {self.step}: {here.trouble}")
        return here

    def _touched(self, moved: Array, gradient: Array) -> Array:
        for touch in self.after:
            moved = touch(moved, gradient, self.step, self.rng or MISSING)  # type: ignore[arg-type]
        if not is_finite(moved):
            raise InputError(
                f"step {self.step}: the step or a touch made the picture non-finite; the last good picture is .picture "
                "(a smaller lr may help)"
            )
        return moved


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
        Where to stop, counted from the very first step. Default: no end. L-BFGS ends where nothing rises any more.
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
        if not isinstance(state, dict) or not set(STATE) <= set(state):
            raise InputError(f"state must be what .state() returned, a dict with {', '.join(STATE)}")
        start = state["picture"]
    ascent = Ascent(net, objective, start, lr, step, views, after, steps, rng, parametrisation, rules)
    if state is not None:
        ascent.resume(state)
    return ascent


def _listed(functions: Any) -> tuple[Any, ...]:
    return (functions,) if callable(functions) else tuple(functions)


def _drawn(rng: np.random.Generator | None) -> Any:
    return None if rng is None else rng.bit_generator.state


def _name_of(rule: Any) -> str:
    return getattr(rule, "__name__", None) or repr(rule)


def _copied(memory: Any) -> Any:
    """Return a copy of nested dicts, lists and tuples, with copies of their arrays."""
    if isinstance(memory, dict):
        return {key: _copied(value) for key, value in memory.items()}
    if isinstance(memory, list | tuple):
        return type(memory)(_copied(value) for value in memory)
    return memory.copy() if hasattr(memory, "copy") else memory
