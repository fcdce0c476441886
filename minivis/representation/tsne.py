"""t-SNE: a map on which near points are near (van der Maaten and Hinton 2008), exact.

The affinities p_ij of the points (see `affinities`) are compared with those of the map, q_ij = w_ij / Z, where
w_ij = 1 / (1 + |y_i - y_j|²) and Z is the sum of all w. The map descends the gradient of sum p log(p / q):

    4 sum_j (p_ij - q_ij) w_ij (y_i - y_j)                          as the paper has it,
    4 [ sum_j p_ij w_ij (y_i - y_j)  -  sum_j w_ij² (y_i - y_j) / Z ]             attraction less repulsion: the same.

The first form needs Z before it can begin, so it goes over all pairs twice or keeps q. In the second, Z is a number by
which the repulsion is divided at the end: one pass over blocks of rows, each small enough to stay in a core's cache,
and no array of all pairs but p. Each sum is a product of matrices: sum_j a_ij (y_i - y_j) = y_i sum_j a_ij - (A y)_i.
(A sum over half of the pairs would do half of the work; but then threads would add to the same rows, and the result
would depend on who comes first.)
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from ..backend import Array, array_module
from ..errors import InputError
from .affinities import affinities, check_perplexity, in_threads
from .pca import pca, reduced
from .points import as_points, row_blocks

EARLY = 250  # iterations with p exaggerated and the first momentum (bhtsne, scikit-learn)
EXAGGERATION = 12.0  # what p is multiplied by in those (bhtsne, scikit-learn)
MOMENTUM = (0.5, 0.8)  # in those, and after (bhtsne, scikit-learn)
GAIN_UP, GAIN_DOWN, LEAST_GAIN = 0.2, 0.8, 0.01  # bhtsne, scikit-learn; the rule is of Jacobs (1988)
LEAST_RATE = 50.0  # scikit-learn; its gradient has the factor 4, bhtsne's (rate 200) has not
SPREAD = 1e-4  # standard deviation of the start along its first axis (scikit-learn)
KEPT = 50  # principal components that the affinities see (bhtsne's scripts)
STATE = ("step", "embedding", "update", "gains")


class Standing(NamedTuple):
    """Where the descent stands between two iterations. Its arrays are never written into."""

    step: int
    embedding: Array  # (N, d)
    update: Array  # (N, d): the last change
    gains: Array  # (N, d): what each coordinate's rate is multiplied by


class Descent(Iterator):
    """A descent under way, made by `tsne_steps`. Iterating takes `every` iterations at a time.

    Attributes
    ----------
    step : int
        How many iterations have been made.
    embedding : ndarray, shape (N, d)
        A copy of the map now. It is whole also after an interrupt.
    """

    def __init__(
        self, p: Array, start: Array, steps: int | None, every: int, rate: float | None, exaggeration: float, early: int
    ):
        p, start = as_points(p, what="affinities"), as_points(start, what="places to start from")
        if p.shape != (len(start), len(start)):
            raise InputError(f"expected affinities ({len(start)}, {len(start)}) for {len(start)} points, got {p.shape}")
        if (steps is not None and steps < 0) or every < 1 or early < 0:
            raise InputError(f"steps and early are 0 or more, every 1 or more; got {steps}, {early}, {every}")
        rate = max(len(p) / exaggeration / 4, LEAST_RATE) if rate is None else rate  # Belkina et al. (2019)
        if not 0 < rate < math.inf or not 0 < exaggeration < math.inf:
            raise InputError(f"a rate and an exaggeration are numbers above 0, got {rate} and {exaggeration}")
        self.p, self.steps, self.every, self.rate = p, steps, every, float(rate)
        self.exaggeration, self.early = float(exaggeration), early
        start = start.astype(p.dtype)
        xp = array_module(p, start)
        self._now = Standing(0, start, xp.zeros_like(start), xp.ones_like(start))

    step = property(lambda self: self._now.step)

    @property
    def embedding(self) -> Array:
        return self._now.embedding.copy()

    def state(self) -> dict[str, Any]:
        """Return all that is needed to go on from here: a dict of a number and copies of arrays."""
        step, *arrays = self._now
        return dict(zip(STATE, [step, *(array.copy() for array in arrays)], strict=True))

    def resume(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned."""
        step, *arrays = (state[key] for key in STATE)
        if any(array.shape != self._now.embedding.shape for array in arrays):
            raise InputError(f"the state is of a map of shape {arrays[0].shape}, not {self._now.embedding.shape}")
        self._now = Standing(int(step), *(array.astype(self.p.dtype) for array in arrays))

    def __repr__(self) -> str:
        return f"<Descent of {len(self.p)} points, after {self.step} iterations>"

    def __next__(self) -> tuple[int, Array, float]:
        if self.steps is not None and self.step >= self.steps:
            raise StopIteration
        for _ in range(self.every if self.steps is None else min(self.every, self.steps - self.step)):
            self._now = self._advance()
        return self.step, self.embedding, kl_divergence(self.p, self._now.embedding)

    def _advance(self) -> Standing:
        step, embedding, update, gains = self._now
        xp = array_module(embedding)
        early = step < self.early
        if step == self.early:  # what was learned under exaggeration is forgotten (scikit-learn; bhtsne keeps it)
            update, gains = xp.zeros_like(update), xp.ones_like(gains)
        slope = gradient(self.p, embedding, self.exaggeration if early else 1.0)
        turned = slope * update < 0  # the update goes against the gradient: still the same way, so faster
        gains = xp.maximum(xp.where(turned, gains + GAIN_UP, gains * GAIN_DOWN), LEAST_GAIN)
        update = MOMENTUM[0 if early else 1] * update - self.rate * gains * slope
        embedding = embedding + update
        if not bool(xp.isfinite(embedding).all()):
            raise InputError(f"iteration {step}: the map left the range of numbers; a smaller rate than {self.rate:g}?")
        return Standing(step + 1, embedding, update, gains)


def tsne_steps(
    p: Array,
    start: Array | None = None,
    steps: int | None = None,
    every: int = 1,
    rate: float | None = None,
    exaggeration: float = EXAGGERATION,
    early: int = EARLY,
    state: dict[str, Any] | None = None,
) -> Descent:
    """Make a map of points whose affinities are known, iteration by iteration.

    Parameters
    ----------
    p : ndarray, shape (N, N)
        By `affinities`. Its dtype is that of the descent.
    start : ndarray, shape (N, d)
        By `pca_start`, for example. Not used where `state` is given.
    steps : int, optional
        Where to stop, counted from the very first iteration. Default: no end.
    every : int
        How many iterations are made between two maps.
    rate : float, optional
        The learning rate. Default: N / 48, and 50 at least (scikit-learn's "auto", for an exaggeration of 12).
    exaggeration, early : float, int
        For how many iterations the affinities are multiplied, and by what: clusters form while there is room.
    state : dict, optional
        What ``state()`` of a descent with the same arguments returned: go on from there to the same result.

    Returns
    -------
    Descent
        An iterator of (iteration, map, divergence): the map (N, d) after so many iterations, a copy, and its
        Kullback-Leibler divergence from the affinities without exaggeration.
    """
    if state is not None:
        if not isinstance(state, dict) or not set(STATE) <= set(state):
            raise InputError(f"state must be what .state() returned, a dict with {', '.join(STATE)}")
        start = state["embedding"]
    descent = Descent(p, start, steps, every, rate, exaggeration, early)
    if state is not None:
        descent.resume(state)
    return descent


def tsne(
    points: Array,
    perplexity: float = 30.0,
    steps: int = 1000,
    dims: int = 2,
    kept: int | None = KEPT,
    start: Array | None = None,
    rate: float | None = None,
) -> Array:
    """Return the t-SNE map of points. It is not random: it starts from the principal components.

    Parameters
    ----------
    points : ndarray, shape (N, D)
    perplexity : float
        How many neighbours a point has, about; at most (N - 1) / 3.
    steps : int
        Iterations.
    dims : int
        Of the map.
    kept : int, optional
        Principal components that are kept first: what lies beyond is mostly noise. None: the points as they are.
    start : ndarray, shape (N, dims), optional
        Default: `pca_start`.
    rate : float, optional
        As in `tsne_steps`.

    Returns
    -------
    ndarray, shape (N, dims)
        In the dtype of the points. Its axes and its distances between clusters mean nothing; who is near whom does.

    Raises
    ------
    InputError
        If there are too few points for the perplexity.
    """
    points = as_points(points, at_least=2)
    check_perplexity(len(points), perplexity)
    seen = points if kept is None else reduced(points, kept)
    start = pca_start(seen, dims) if start is None else start
    descent = tsne_steps(affinities(seen, perplexity), start, steps, every=max(1, steps), rate=rate)
    for _ in descent:
        pass
    return descent.embedding


def pca_start(points: Array, dims: int = 2) -> Array:
    """Return the first principal coordinates of points, (N, dims), scaled to a spread of 1e-4 along the first.

    So small, the map can still change its shape; and it begins with the layout at large, which t-SNE does not see
    (Kobak and Berens 2019).
    """
    found = pca(points, dims).transform(points)
    spread = found[:, 0].std()
    if not bool(spread > 0):
        raise InputError("the points are all the same: there is nothing to map")
    return found / spread * SPREAD


def gradient(p: Array, embedding: Array, exaggeration: float = 1.0) -> Array:
    """Return the gradient of the divergence of a map (N, d), in one pass: see the head of this module."""
    xp = array_module(p, embedding)
    count = len(embedding)
    y = embedding - embedding.mean(0)  # nearer to 0 there is less to round
    ones = xp.ones((count, 1), y.dtype)
    weighed = xp.concatenate([ones, y], 1)  # (N, 1 + d)
    left, right = _factors(y)
    sums = xp.empty(count, y.dtype)
    attraction, repulsion = xp.empty_like(weighed), xp.empty_like(weighed)

    def work(blocks: list[slice]) -> None:
        most = max(rows.stop - rows.start for rows in blocks)
        w_buffer, buffer = (xp.empty((most, count), y.dtype) for _ in range(2))
        for rows in blocks:
            w, product = w_buffer[: rows.stop - rows.start], buffer[: rows.stop - rows.start]
            _student(left[rows], right, rows.start, w)
            sums[rows] = w @ ones[:, 0]
            attraction[rows] = xp.multiply(p[rows], w, out=product) @ weighed
            repulsion[rows] = xp.multiply(w, w, out=product) @ weighed

    in_threads(list(row_blocks(count, count, xp)), work, xp)
    forces = exaggeration * attraction - repulsion / sums.sum(dtype="float64").astype(y.dtype)
    return 4 * (y * forces[:, :1] - forces[:, 1:])


def kl_divergence(p: Array, embedding: Array) -> float:
    """Return the Kullback-Leibler divergence of a map (N, d) from affinities, sum p log(p / q); in float64.

    As sum p log p + sum p log(1 + |y_i - y_j|²) + log Z, with p of sum 1.
    """
    xp = array_module(p, embedding)
    count = len(embedding)
    y = (embedding - embedding.mean(0)).astype("float64")
    left, right = _factors(y)
    blocks = list(row_blocks(count, count, xp))
    z, cross = (xp.zeros(count) for _ in range(2))

    def work(some: list[slice]) -> None:
        for rows in some:
            w = _student(left[rows], right, rows.start, xp.empty((rows.stop - rows.start, count)))
            z[rows] = w.sum(1)
            own = p[rows].astype("float64")
            w = xp.where(w > 0, w, 1)  # the diagonal, where p is 0
            cross[rows] = (own * xp.log(xp.where(own > 0, own, 1) / w)).sum(1)

    in_threads(blocks, work, xp)
    return float(cross.sum() + xp.log(z.sum()))


def _factors(y: Array) -> tuple[Array, Array]:
    """Return (N, d + 2) and (d + 2, N) whose product is 1 + |y_i - y_j|²."""
    xp = array_module(y)
    square, ones = (y * y).sum(1, keepdims=True), xp.ones((len(y), 1), y.dtype)
    return xp.concatenate([y, square + 1, ones], 1), xp.concatenate([-2 * y, ones, square], 1).T


def _student(left: Array, right: Array, first: int, out: Array) -> Array:
    """Write w_ij = 1 / (1 + |y_i - y_j|²) of the rows from `first` on into `out`, with 0 for a point and itself."""
    xp = array_module(left, right)
    xp.matmul(left, right, out=out)
    xp.maximum(out, 1, out=out)  # rounding
    xp.reciprocal(out, out=out)
    out.reshape(-1)[first :: right.shape[1] + 1] = 0
    return out
