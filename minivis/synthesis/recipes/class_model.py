"""Class models: the picture that a network would most readily give a name (Simonyan, Vedaldi and Zisserman 2014)."""

from typing import Any

import numpy as np

from ...attribution.targets import Target
from ...backend import Array
from ...errors import InputError, UnknownName
from ...nets import Net
from ..ascend import Ascent
from ..objectives import log_probability, probability, unit
from ..steps import progress
from ..touches import (
    blur,
    clip_small_contributions,
    clip_small_gradients,
    clip_small_pixels,
    clip_to_range,
    decay,
    every,
)
from ..views import jitter, rotation, scale
from .climbing import Climb, chosen

UNIT = 255 * 0.226  # one unit of CS231n's pictures, which are divided by the standard deviation of ImageNet's colours

PRESETS: dict[str, Climb] = {
    "clear": Climb(  # after Olah, Mordvintsev and Schubert (2017)
        parametrisation="fourier",  # their code, lucid
        step="adam",  # lucid
        lr=0.05,  # lucid
        views=(jitter(16), scale(0.9, 1.1), rotation(5)),  # lucid, but for its jitter of 8 and 4, and 10 degrees
        steps=128,  # ours; lucid takes 512
    ),
    "simonyan": Climb(  # paper: the score, L2, and the zero picture as start; it gives no number
        l2=1e-5,  # ours
        step="mean-abs",  # ours: the same for all networks, whose gradients differ in size
        lr=2.0,  # ours
        steps=100,  # ours
    ),
    "cs231n": Climb(  # the assignment's notebook, whose pictures are in units of UNIT; the plain step is its words
        l2=1e-3 / UNIT**2,  # notebook
        lr=25 * UNIT**2,  # notebook
        noise=UNIT,  # notebook: N(0, 1)
        views=(jitter(16),),  # notebook, which draws 0..16; either way here
        after=(clip_to_range(), every(10, blur(0.5))),  # notebook
        steps=100,  # notebook
    ),
    "blur-and-clip": Climb(  # CS231n's lecture on visualising: from zeros, with L2 and three touches; no numbers
        l2=1e-6,  # ours
        step="mean-abs",  # ours
        lr=8.0,  # ours
        after=(
            every(4, blur(1.0)),
            every(8, clip_small_pixels(10)),
            every(8, clip_small_gradients(10)),
            clip_to_range(),
        ),  # all numbers ours
        steps=100,  # ours
    ),
    # Yosinski et al. (2015), table 1, and their code for the order: blur before the clipping of pixels, then into the
    # range. They leave out the last step, which here is taken.
    "yosinski-1": Climb(
        noise=10,
        lr=progress(2.0, 100.0),
        after=(every(4, blur(0.5)), clip_small_pixels(50), clip_to_range()),
        steps=500,
    ),
    "yosinski-2": Climb(noise=10, lr=100.0, after=(decay(0.3), clip_small_pixels(20), clip_to_range()), steps=750),
    "yosinski-3": Climb(noise=10, lr=100.0, after=(decay(0.0001), every(4, blur(1.0)), clip_to_range()), steps=1000),
    "yosinski-4": Climb(
        noise=10,
        lr=progress(2.0, 1e8),
        after=(every(4, blur(0.5)), clip_small_contributions(90), clip_to_range()),
        steps=1000,
    ),
}
"""How to climb, by name, each value with its source."""

SCORES = {
    "score": lambda target: unit("logits", target),
    "probability": probability,
    "log-probability": log_probability,
}


def class_model(
    net: Net,
    target: Target,
    preset: str = "clear",
    of: str = "score",
    start: Array | None = None,
    steps: int | None = None,
    rng: np.random.Generator | None = None,
    state: Any = None,
) -> Ascent:
    """Make the picture that a class scores highest.

    Parameters
    ----------
    net : Net
    target : int, str or list
        A class, by index or name; a list makes a batch with one picture for each.
    preset : str
        How to climb: one of `PRESETS`. "clear" gives the best pictures, the others are those of their papers.
    of : {"score", "probability", "log-probability"}
        What to raise. Simonyan et al. take the score before the softmax, since the probability (the "posterior") can
        also rise by pushing the other classes down.
    start : ndarray, shape (N, H, W, 3), optional
        Default: the preset's own, of the size that the network was trained for.
    steps : int, optional
        Default: the preset's own number.
    rng : numpy.random.Generator
        For the start and the views; only "simonyan" and "blur-and-clip" need none.
    state : dict, optional
        Of an earlier ascent, to go on from.

    Returns
    -------
    Ascent
        An iterator of (picture, score).
    """
    if of not in SCORES:
        raise UnknownName(f"a class has no {of!r}: there are {', '.join(SCORES)}")
    if target is None:
        raise InputError("say which class: target=, an index or a name")
    choices = chosen(PRESETS, preset)
    if start is None:
        n = len(target) if isinstance(target, list) else 1
        start = choices.start(net, n, net.size, rng)
    return choices.climb(net, SCORES[of](target), start, steps, rng, state)
