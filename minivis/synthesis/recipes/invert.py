"""Inversion: which pictures have this code? (Mahendran and Vedaldi 2015, "Understanding Deep Image Representations by
Inverting Them")

Find x with the least ``||Phi(x) - Phi0||² / ||Phi0||² + strength * R(x)``. What comes back of the picture is what the
row has kept of it; what comes back otherwise is what it has lost. The prior is, with z = (x - mean colour) / sigma,
``R = lambda_alpha * sum |z|^alpha + lambda_tv * TV_beta(z)``: not too strong colours, and smooth.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ...backend import Array, to_device
from ...errors import InputError
from ...nets import Net
from ..algebra import Objective, row_in
from ..ascend import Ascent, ascend
from ..lbfgs import LBFGS
from ..objectives import match
from ..regularisers import alpha_norm, total_variation
from ..steps import Momentum
from .climbing import chosen
from .maximize import CONTRAST

SIGMA = 27098.116
"""Mean Euclidean norm of a centred photograph of 227 x 227 x 3 (authors' code, x0_sigma)."""

SEEN = (51, 131)
"""What relu2 and relu4 of the authors' net, AlexNet, see of a picture, in pixels: there lambda_tv changes."""


@dataclass(frozen=True)
class Preset:
    """How strong the prior is, and how to descend."""

    alpha: float
    beta: float
    lambda_alpha: float
    lambda_tv: tuple[float, float, float]  # for rows that see little, more, much of the picture: see `SEEN`
    step: Any
    steps: int
    contrast: float  # of the noise to start from: root of its mean square
    rates: tuple[tuple[int, float], ...] = ()  # (until which step, rate in units of sigma); L-BFGS finds its own


PRESETS: dict[str, Preset] = {
    "mahendran": Preset(
        alpha=6,  # paper, section 4.2
        beta=2,  # paper, section 4.2
        lambda_alpha=4e-10 * SIGMA**4,  # authors' code, 2.157e8; the paper rounds it to 2.16e8
        lambda_tv=(0.5, 5.0, 50.0),  # authors' code: up to relu2, up to relu4, and above
        step=Momentum(0.9, restart=True),  # authors' code; the paper has the 0.9
        steps=400,  # authors' code
        contrast=CONTRAST,  # authors' code
        rates=((100, 0.004), (300, 0.0004), (400, 0.00004)),  # authors' code
    ),
    "quick": Preset(
        alpha=6,  # as above
        beta=2,  # as above
        lambda_alpha=4e-10 * SIGMA**4,  # as above
        lambda_tv=(0.1, 1.0, 10.0),  # ours: small pictures are rougher, pixel for pixel, than those of 227 x 227
        step=LBFGS(pairs=20, bounds=(0.0, 255.0)),  # ours: nearer to the minimum in fewer steps, and a valid picture
        steps=200,  # ours
        contrast=10.0,  # ours: what a row does not see of the noise stays in the picture
    ),
}
"""The choices by name, each value with its source."""


class Inverted(NamedTuple):
    """What has become of a picture."""

    row: str
    strength: float
    picture: Array  # (N, H, W, 3)
    error: Array  # (N,): ||Phi(x) - Phi0|| / ||Phi0||


def invert(
    net: Net,
    x: Any,
    row: str,
    preset: str = "quick",
    strength: float = 1.0,
    start: Any = None,
    steps: int | None = None,
    rng: np.random.Generator | None = None,
    state: dict[str, Any] | None = None,
) -> Ascent:
    """Look for a picture with the same code as `x` at `row`, from noise.

    Parameters
    ----------
    net : Net
    x : ndarray, shape (N, H, W, 3)
        RGB, 0..255. Only its code is used.
    row : str
        Any row.
    preset : {"quick", "mahendran"}
        See `PRESETS`.
    strength : float
        Of the prior, times the preset's; 0 leaves it out.
    start : ndarray, shape (N, H, W, 3), optional
        Default: noise, in the authors' preset as strong as a photograph.
    steps : int, optional
        Default: that of the preset.
    rng : numpy.random.Generator
        For the noise.
    state : dict, optional
        Of an ascent to go on from.

    Returns
    -------
    Ascent
        An iterator of (picture, score), where the score is minus what is to become small. `relative_error` says how
        near its code is.
    """
    choices = chosen(PRESETS, preset)
    x = net.check_picture(x)
    objective = inversion_objective(net, x, row, preset, strength)
    if start is None and state is None:
        start = noise_like(net, x, choices.contrast, rng)

    def rate(step: int, gradient: Array) -> float:  # the paper steps z, we step x = sigma z
        return next((r for until, r in choices.rates if step < until), choices.rates[-1][1]) * SIGMA**2

    lr = rate if choices.rates else None
    steps = choices.steps if steps is None else steps
    return ascend(net, objective, start, lr=lr, step=choices.step, steps=steps, state=state)


def inversion_objective(net: Net, x: Any, row: str, preset: str = "quick", strength: float = 1.0) -> Objective:
    """Return what `invert` raises: minus the relative squared distance of codes, minus the prior.

    As in the authors' code sigma is that of pictures of 227 x 227, whatever the size.
    """
    choices = chosen(PRESETS, preset)
    if not 0 <= strength < math.inf:
        raise InputError(f"strength is a number from 0 on, got {strength!r}")
    alpha, beta = choices.alpha, choices.beta
    lambda_tv = choices.lambda_tv[_seen(net, row)]
    prior = choices.lambda_alpha / SIGMA**alpha * alpha_norm(alpha) + lambda_tv / SIGMA**beta * total_variation(beta)
    return match(row, code_of(net, x, row), "relative") - strength * prior


def relative_error(net: Net, picture: Any, x: Any, row: str) -> Array:
    """Return ||Phi(picture) - Phi(x)|| / ||Phi(x)|| for each picture: (N,)."""
    code = code_of(net, x, row)
    return (-match(row, code, "relative")(net, picture)) ** 0.5


def what_is_lost(
    net: Net, x: Any, rows: Sequence[str] | None = None, preset: str = "quick", **options: Any
) -> Iterator[Inverted]:
    """Invert each row in turn, and yield each when it is finished: what is lost at each stage.

    Parameters
    ----------
    net, x, preset, **options
        As for `invert`.
    rows : sequence of str, optional
        Default: every row above the preprocessing whose weights are there, up to the scores before the softmax.
    """
    for row in readable_rows(net) if rows is None else list(rows):
        yield finished(net, x, row, preset=preset, **options)


def over_strengths(net: Net, x: Any, row: str, strengths: Iterable[float], **options: Any) -> Iterator[Inverted]:
    """Invert one row with priors of several strengths, and yield each when it is finished."""
    for strength in strengths:
        yield finished(net, x, row, strength=strength, **options)


def finished(net: Net, x: Any, row: str, strength: float = 1.0, **options: Any) -> Inverted:
    """Return the last picture of `invert`, with its relative error."""
    climb = invert(net, x, row, strength=strength, **options)
    for _ in climb:
        pass
    return Inverted(row, strength, climb.picture, relative_error(net, climb.picture, x, row))


def readable_rows(net: Net) -> list[str]:
    """Return the rows that can be computed with the weights at hand, without the picture, its centring and the softmax.

    A weight file may end early: "notop" files have no fully connected layers.
    """
    source: Any = net.weights.source  # a file, or a mapping by row
    there = set(getattr(source, "rows", source))
    architecture = net.architecture
    rows = [row for row in net.names if row not in ("input", "normalize")]
    if net.logits in rows:
        rows = rows[: rows.index(net.logits) + 1]
    needed = {row: {r.name for r in architecture.ancestors([row])} & set(architecture.parameters) for row in rows}
    return [row for row in rows if needed[row] <= there]


def code_of(net: Net, x: Any, row: str) -> Array:
    """Return a row of pictures."""
    name = row_in(net, row)
    return net.capture(x, [name])[name]


def noise_like(net: Net, x: Array, contrast: float, rng: np.random.Generator | None) -> Array:
    """Return normal noise around the mean colour, of the shape of `x`, each picture scaled to `contrast` per value."""
    if rng is None:
        raise InputError("the start is noise: pass rng=numpy.random.default_rng(0)")
    noise = rng.standard_normal(x.shape)
    noise *= contrast / np.sqrt((noise * noise).mean((1, 2, 3), keepdims=True))
    return net.mean_colour + to_device(noise.astype(net.dtype), net.device)


def _seen(net: Net, row: str) -> int:
    """Return which of a preset's three lambda_tv a row has."""
    return bisect_left(SEEN, net.receptive_field(row_in(net, row)).size)
