"""Activation maximisation: the picture that a unit answers to most (Erhan, Bengio, Courville and Vincent 2009)."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ... import primitives as p
from ...backend import Array, array_module, to_device
from ...errors import InputError, UnknownName
from ...nets import Net
from ..algebra import Objective, row_in
from ..ascend import Ascent, ascend
from ..objectives import channel, unit
from ..touches import blur, every, renormalise
from ..views import jitter, rotation, scale
from .climbing import Climb, chosen, grey

CONTRAST = 27098.116 / math.sqrt(227 * 227 * 3)
"""Root of the mean square of a photograph less its mean colour, 68.9 (Mahendran and Vedaldi 2015, authors' code)."""

PRESETS: dict[str, Climb] = {
    "clear": Climb(  # after Olah, Mordvintsev and Schubert (2017)
        parametrisation="fourier",  # their code, lucid
        step="adam",  # lucid
        lr=0.05,  # lucid
        views=(jitter(4), scale(0.95, 1.05), rotation(5)),  # the kinds are lucid's, the numbers ours
        steps=64,  # ours; lucid takes 512
    ),
    "fine": Climb(  # Erhan et al. (2009): the norm is kept; the numbers are ours, and so is the blur
        contrast=40.0,
        step="norm",
        lr=1 / 3,
        after=(every(4, blur(0.7)),),
        noise=40.0,
        steps=40,
    ),
    "plain": Climb(  # ours: nothing but the gradient, to see what that gives
        noise=10, step="mean-abs", lr=1.0, steps=64
    ),
}
"""How to climb, by name, each value with its source."""


def positive(row: str, channels: Any) -> Objective:
    """Mean over a map of what is above 0 in it. After a ReLU this is `channel`.

    Before it, the plain mean is no good for making pictures: each pixel is seen once through each tap of the filter, so
    that inside the picture only the filter's sum counts, and an edge of either kind cancels itself.
    """

    def score(rows: Mapping[str, Any], net: Net) -> Any:
        return channel(row, channels).terms[0].score({row: p.relu(rows[row])}, net)

    return Objective.of(f"positive({row}, {channels})", [row], score)


PLACES = {
    "positive": positive,
    "mean": channel,
    "centre": lambda row, channels: unit(row, channels, "centre"),
}


def activation_maximization(
    net: Net,
    row: str,
    channels: int | str | Sequence[int],
    place: str = "positive",
    preset: str | None = None,
    size: int | None = None,
    start: Array | None = None,
    steps: int | None = None,
    rng: np.random.Generator | None = None,
    state: Any = None,
) -> Ascent:
    """Make the pictures that channels of a row answer to most.

    Parameters
    ----------
    net : Net
    row : str
        Any row; in one of scores the channels are classes.
    channels : int, str or sequence of int
        Several make a batch, with one picture for each.
    place : {"positive", "mean", "centre"}
        In a row of maps: the mean of what is above 0 in the map, which fills the picture with a texture (see
        `positive`); the mean of the map; or the unit in the centre, which draws its one patch.
    preset : str, optional
        One of `PRESETS`. Default: "fine" for units that see less than 32 pixels, else "clear".
    size : int, optional
        Height and width of the pictures. Default: `size_for`.
    start : ndarray, shape (N, H, W, 3), optional
        Default: the preset's noise.
    steps : int, optional
        Default: the preset's own number.
    rng : numpy.random.Generator
        For the start and the views.
    state : dict, optional
        Of an earlier ascent, to go on from.

    Returns
    -------
    Ascent
        An iterator of (picture, score).
    """
    if place not in PLACES:
        raise UnknownName(f"no place is called {place!r}: there are {', '.join(PLACES)}")
    named = row_in(net, row)
    small = len(net.shapes(upto=named)[named]) == 3 and net.receptive_field(named).size < 32
    choices = chosen(PRESETS, preset or ("fine" if small else "clear"))
    batch = channels if isinstance(channels, int | str) else list(channels)
    if start is None:
        n = len(batch) if isinstance(batch, list) else 1
        start = choices.start(net, n, size or size_for(net, row), rng)
    flat = len(net.shapes(start.shape[1:3], upto=named)[named]) == 1
    objective = PLACES["mean" if flat else place](row, batch)
    return choices.climb(net, objective, start, steps, rng, state)


def size_for(net: Net, row: str, least: int = 64) -> int:
    """Return a size that shows what a unit of `row` sees: its receptive field and half as much again (ours).

    It is a multiple of 16, `least` at least, and no more than the size that the network was trained for, which is the
    size wherever the picture's size is fixed.
    """
    row = row_in(net, row)
    if len(net.shapes(upto=row)[row]) == 1:
        return net.size
    field = net.receptive_field(row).size
    return min(max(least, 16 * math.ceil(1.5 * field / 16)), net.size)


def on_the_sphere(
    net: Net,
    row: str,
    channel: int,
    rho: float | None = None,
    starts: int = 9,
    place: str = "centre",
    size: int | None = None,
    lr: float | None = None,
    steps: int = 100,
    rng: np.random.Generator | None = None,
    state: Any = None,
) -> Ascent:
    """Maximise a unit among all pictures of one norm, from several random starts at once (Erhan et al. 2009).

    The norm is that of the picture less the network's mean colour, and is restored after each step. The starts are
    pictures of noise of that norm. If they end in much the same picture, the optimum is likely to be the only one: see
    `agreement`.

    Parameters
    ----------
    net, row, channel, place, size, rng, state
        As for `activation_maximization`, for one channel.
    rho : float, optional
        The norm. Erhan et al. take the mean norm of the data. Default: that of photographs, `CONTRAST` times the root
        of the number of values.
    starts : int
        How many (the paper: 9).
    lr : float, optional
        The Euclidean length of a step. Default: a tenth of rho (ours).
    steps : int
        (Ours.)

    Returns
    -------
    Ascent
        An iterator of (pictures, scores), with one of each for every start.
    """
    if not isinstance(starts, int) or starts < 1:
        raise InputError(f"starts must be a whole number from 1 on, got {starts!r}")
    if place not in PLACES:
        raise UnknownName(f"no place is called {place!r}: there are {', '.join(PLACES)}")
    side = size or size_for(net, row)
    rho = CONTRAST * side * math.sqrt(3) if rho is None else rho
    onto = renormalise(rho, centred=True).bind(net)
    rng = np.random.default_rng(0) if rng is None else rng
    noise = to_device(rng.standard_normal((starts, side, side, 3)).astype(net.dtype), net.device)
    start = onto(grey(net, starts, side) + noise, noise, 0)
    named = row_in(net, row)
    flat = len(net.shapes(side, upto=named)[named]) == 1
    objective = PLACES["mean" if flat else place](row, [channel] * starts)
    return ascend(
        net, objective, start, lr=lr or rho / 10, step="norm", after=[onto], steps=steps, rng=rng, state=state
    )


def agreement(pictures: Array) -> Array:
    """Return how alike pictures are, each with each: the correlation of their values, (N, N)."""
    xp = array_module(pictures)
    flat = pictures.reshape(len(pictures), -1).astype("float64")
    flat = flat - flat.mean(1, keepdims=True)
    size = xp.sqrt((flat * flat).sum(1))
    size = xp.where(size > 0, size, 1)
    return flat @ flat.T / size[:, None] / size


def sensitivity(net: Net, row: str, channels: Sequence[int], pictures: Array, place: str = "centre") -> Array:
    """Return the activation of each unit at the optimum of each: the sensitivity matrix of Erhan et al. (2009).

    Parameters
    ----------
    row, channels, place
        The units.
    pictures : ndarray, shape (K, H, W, 3)
        The optimum of each, in the same order.

    Returns
    -------
    ndarray, shape (K, K)
        [i, j]: unit j at the optimum of unit i.
    """
    if place not in PLACES:
        raise UnknownName(f"no place is called {place!r}: there are {', '.join(PLACES)}")
    if len(pictures) != len(channels):
        raise InputError(f"{len(pictures)} pictures for {len(channels)} channels: give the optimum of each")
    row = row_in(net, row)
    values = net.capture(pictures, [row])[row]
    wrong = [c for c in channels if not 0 <= c < values.shape[-1]]
    if wrong:
        raise InputError(f"{row} has channels 0 to {values.shape[-1] - 1}, asked for {wrong}")
    if values.ndim == 4:
        middle = values[:, values.shape[1] // 2, values.shape[2] // 2]
        values = middle if place == "centre" else values.mean((1, 2))
    return values[:, list(channels)]
