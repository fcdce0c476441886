"""L-BFGS with box bounds and a line search, on NumPy or CuPy arrays.

Newton's step is -H g, with H the inverse of the second derivatives. L-BFGS never has H: it multiplies g by an
approximation made of the last few pairs (s, y), how far the point moved and how much its gradient changed, in two loops
over the pairs (Nocedal and Wright 2006, algorithm 7.4). Values at a bound that would be pushed beyond it are held, and
only the free ones enter the loops; the rest of the path is cut off at the bounds (projection, as Bertsekas 1982).

The arrays are (N, ...), and each of the N points is minimised as if it were alone, with pairs and step lengths of its
own; they only share the calls of the function.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..backend import Array, array_module
from ..errors import InputError

ENOUGH, FLATTER = 1e-4, 0.9  # constants of the two Wolfe conditions (Nocedal and Wright 2006, section 3.1)
LONGEST = 1024  # times the trial step, in one line search (ours)
CURVED = 1e-10  # a pair whose s.y is below this share of y.y tells nothing (ours)


@dataclass(frozen=True)
class LBFGS:
    """How to step: ``step=LBFGS(pairs=20, bounds=(0, 255))``.

    Parameters
    ----------
    pairs : int
        How many pairs to keep, each twice the memory of a picture. Default: as SciPy.
    bounds : (low, high), optional
        Numbers or arrays that broadcast to the picture.
    trials : int
        The most evaluations in one line search (ours).
    """

    pairs: int = 10
    bounds: tuple[Any, Any] | None = None
    trials: int = 16

    def __post_init__(self) -> None:
        if self.pairs < 1 or self.trials < 1:
            raise InputError(f"L-BFGS takes at least one pair and one trial, got {self.pairs} and {self.trials}")


class Cost(NamedTuple):
    """What is known at a point; `source` is whatever the caller wants to keep with it."""

    value: Array  # (N,)
    gradient: Array  # (N, ...)
    source: Any = None


class Past(NamedTuple):
    """What is remembered of the steps before."""

    pairs: list[tuple[Array, Array]]  # (s, y), newest last
    stuck: Array  # (N,) of bool: no lower point was found, not even straight down; such points are left alone


Evaluate = Callable[[Array], Cost]


def nothing_past(point: Array) -> Past:
    """Return the past of points that have made no step."""
    return Past([], array_module(point).zeros(point.shape[0], dtype=bool))


def lbfgs_step(
    evaluate: Evaluate, point: Array, cost: Cost, past: Past, options: LBFGS, first: float
) -> tuple[Array, Cost, Past]:
    """Return the point after one step towards a minimum, the cost there, and what to remember.

    Parameters
    ----------
    evaluate : callable
        From points (N, ...) to their `Cost`.
    point, cost
        Where it stands, within the bounds, and the cost there.
    past : Past
        Of the steps before; at first `nothing_past`.
    options : LBFGS
    first : float
        Euclidean length of the first trial step where there is no pair to tell the scale.
    """
    xp = array_module(point)
    low, high = options.bounds or (-math.inf, math.inf)
    free = ~((point <= low) & (cost.gradient > 0) | (point >= high) & (cost.gradient < 0))
    downhill = -cost.gradient * free
    pairs = past.pairs if bool(free.all()) else [(s * free, y * free) for s, y in past.pairs]
    way, known = direction(downhill, pairs, first)
    way = xp.where((point <= low) & (way < 0) | (point >= high) & (way > 0), 0, way)
    lost = known & (dot(way, cost.gradient) >= 0)  # uphill, after what the bounds took away: start afresh
    way = xp.where(column(lost, way), downhill * column(scale_to(downhill, first), way), way)
    way = xp.where(column(past.stuck, way), 0, way)

    moved, there, length = line_search(evaluate, point, cost, way, (low, high), options.trials)
    stopped = length == 0
    keep = column(~(stopped | lost), point)
    kept = past.pairs if bool(keep.all()) else [(s * keep, y * keep) for s, y in past.pairs]
    pair = (moved - point, there.gradient - cost.gradient)
    return moved, there, Past([*kept, pair][-options.pairs :], past.stuck | stopped & ~known)


def direction(downhill: Array, pairs: list[tuple[Array, Array]], first: float) -> tuple[Array, Array]:
    """Return H times `downhill`, and whether there was any pair to make H of: (N, ...) and (N,)."""
    xp = array_module(downhill)
    q, scale, passed = downhill, None, []
    for s, y in reversed(pairs):
        sy, yy = dot(s, y), dot(y, y)
        useful = (sy > CURVED * yy) & (yy > 0)
        rho = useful / xp.where(useful, sy, 1.0)
        share = rho * dot(s, q)
        q = q - column(share, q) * y
        passed.append((s, y, rho, share))
        latest = xp.where(useful, sy / xp.where(useful, yy, 1.0), 0.0)
        scale = latest if scale is None else xp.where(scale > 0, scale, latest)
    if scale is None:
        scale = xp.zeros(downhill.shape[0])
    known = scale > 0
    q = q * column(xp.where(known, scale, scale_to(downhill, first)), q)
    for s, y, rho, share in reversed(passed):
        q = q + column(share - rho * dot(y, q), q) * s
    return q, known


def line_search(
    evaluate: Evaluate, point: Array, cost: Cost, way: Array, bounds: tuple[Any, Any], trials: int
) -> tuple[Array, Cost, Array]:
    """Find a length t for each point such that point + t way, cut off at the bounds, satisfies the Wolfe conditions.

    Bisection and doubling (Lewis and Overton 2013, "Nonsmooth optimization via quasi-Newton methods"), which also
    copes with the kinks that ReLUs make: t is too long where the value has not fallen enough, too short where the slope
    is still as steep as at the start. It is doubled up to `LONGEST` at most, as some objectives have no end. Where
    nothing is found in `trials`, the longest t with enough fall is taken, or 0.

    Returns
    -------
    point, cost, t
    """
    xp = array_module(point)
    slope_here = dot(way, cost.gradient)
    done = ~(slope_here < 0)  # nowhere to go: at a minimum
    t = xp.where(done, 0.0, 1.0)
    short, long = xp.zeros_like(t), xp.full_like(t, math.inf)
    for _ in range(trials):
        trial = cut(point + column(t, point) * way, bounds)
        there = evaluate(trial)
        slope, slope_there = dot(trial - point, cost.gradient), dot(trial - point, there.gradient)
        fell = (there.value <= cost.value + ENOUGH * slope) & (there.value < cost.value) & xp.isfinite(slope_there)
        inside = _any((trial > bounds[0]) & (trial < bounds[1]) & (way != 0))  # else a longer t changes nothing
        further = fell & (slope_there < FLATTER * slope) & inside & (t < LONGEST)
        done = done | (fell & ~further)
        if bool(done.all()):
            return trial, there, t
        short, long = xp.where(further & ~done, t, short), xp.where(fell | done, long, t)
        t = xp.where(done, t, xp.where(xp.isinf(long), 2 * t, 0.5 * (short + long)))
    t = xp.where(done, t, short)
    trial = cut(point + column(t, point) * way, bounds)
    return trial, evaluate(trial), t


def dot(a: Array, b: Array) -> Array:
    """Return the inner product of each point, in float64: (N,)."""
    return (a * b).reshape(a.shape[0], -1).sum(1, dtype="float64")


def column(numbers: Array, like: Array) -> Array:
    """Return one number per point, (N,), shaped and typed to multiply `like`."""
    dtype = like.dtype if numbers.dtype.kind == "f" else numbers.dtype
    return numbers.astype(dtype).reshape(-1, *(1,) * (like.ndim - 1))


def scale_to(way: Array, length: float) -> Array:
    """Return what each way is to be multiplied by to be `length` long: (N,)."""
    size = dot(way, way) ** 0.5
    return length / (size + (size == 0))


def cut(point: Array, bounds: tuple[Any, Any]) -> Array:
    """Return `point` with every value brought within its bounds."""
    xp = array_module(point)
    return xp.minimum(xp.maximum(point, bounds[0]), bounds[1]).astype(point.dtype, copy=False)


def _any(mask: Array) -> Array:
    return mask.reshape(mask.shape[0], -1).any(1)
