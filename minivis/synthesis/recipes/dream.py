"""DeepDream: a network adds to a photograph more of what it sees there (Mordvintsev, Olah and Tyka 2015).

Half the sum of squares of a row is raised. Its gradient is the activation itself, so what is seen strongly is made
stronger. It is done at several sizes, "octaves", smallest first. From one to the next only the detail is carried up,
that is what the network has added, so that the photograph itself stays sharp.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...backend import Array, array_module, ndimage_of
from ...errors import InputError
from ...nets import Net
from ...primitives import warp
from ..algebra import Objective, total_of, value_of
from ..ascend import Ascent, ascend
from ..objectives import channel, energy, mean
from ..touches import clip_to_range
from ..views import jitter
from .climbing import chosen
from .tiles import TiledAscent

ROW = "inception_4c/output"
"""The row of the published pictures; other networks: their last row of maps."""

BY = 0.05
"""The share of a picture that leaves at each frame of `zoom_in` (authors' code)."""


@dataclass(frozen=True, kw_only=True)
class Preset:
    """How to dream."""

    octaves: int
    ratio: float  # of the size of one octave to that below it
    steps: int  # in each octave
    lr: float  # by how much values change in a step, on average
    jitter: int  # pixels


PRESETS: dict[str, Preset] = {
    # The defaults of the authors' code, google/deepdream's dream.ipynb.
    "deepdream": Preset(octaves=4, ratio=1.4, steps=10, lr=1.5, jitter=32),
    # Ours, for small networks and pictures.
    "small": Preset(octaves=3, ratio=1.4, steps=10, lr=1.5, jitter=8),
}
"""How to dream, by name."""


def deep_dream(
    net: Net,
    picture: Array,
    row: str | None = None,
    aim: str | int | Objective = "energy",
    guide: Array | None = None,
    preset: str = "deepdream",
    octaves: int | None = None,
    steps: int | None = None,
    tile: int | None = None,
    rng: np.random.Generator | None = None,
    state: Any = None,
) -> "Dream":
    """Dream of a picture.

    Parameters
    ----------
    net : Net
    picture : ndarray, shape (N, H, W, 3)
        RGB, 0..255, of any size that the rows up to `row` take.
    row : str, optional
        Default: `ROW` where there is one, else the network's last row of maps.
    aim : {"energy", "mean"}, int, or Objective
        What to raise: half the sum of squares of the row (the authors'), its mean, or one channel.
    guide : ndarray, shape (1, h, w, 3), optional
        A picture of what to dream of: see `guided`. It takes the place of `aim`.
    preset : str
        One of `PRESETS`.
    octaves, steps : int, optional
        How many sizes, and how many steps at each. Default: the preset's.
    tile : int, optional
        Height and width of the tiles in which the gradient is made, for pictures larger than memory. Default: no tiles.
    rng : numpy.random.Generator
        Default: ``numpy.random.default_rng(0)``.
    state : dict, optional
        Of an earlier dream with the same arguments, to go on from.

    Returns
    -------
    Dream
        An iterator of (picture, score); the pictures of smaller octaves are smaller.
    """
    row = net.architecture.check(row or (ROW if ROW in net.names else net.maps))
    choices = chosen(PRESETS, preset)
    octaves = choices.octaves if octaves is None else octaves
    steps = choices.steps if steps is None else steps
    if min(octaves, steps) < 1:
        raise InputError(f"a dream has at least one octave and one step, got {octaves} and {steps}")
    objective = guided(net, row, guide) if guide is not None else objective_of(row, aim)
    dream = Dream(net, objective, octaves_of(net.check_picture(picture), octaves, choices.ratio), steps, choices)
    dream.begin(np.random.default_rng(0) if rng is None else rng, tile, state)
    return dream


class Dream(Iterator):
    """A dream under way, made by `deep_dream`. Iterating takes the steps.

    Attributes
    ----------
    picture : ndarray, shape (N, h, w, 3)
        A copy of the picture now, in the size of the octave.
    step, steps : int
        How many steps have been taken in all octaves, and how many there will be.
    """

    def __init__(self, net: Net, objective: Objective, bases: list[Array], steps: int, choices: Preset):
        self.net, self.objective, self.bases, self.choices = net, objective, bases, choices
        self.steps = steps * len(bases)
        self._steps, self._octave = steps, 0
        self._tile: int | None = None
        self._rng: np.random.Generator | None = None

    def begin(self, rng: np.random.Generator, tile: int | None, state: Mapping[str, Any] | None = None) -> None:
        """Start with the smallest octave, or where `state` says."""
        self._tile, self._rng = tile, rng
        if state is None:
            self._climb = self._ascent(self.bases[0])
            return
        if not isinstance(state, Mapping) or set(state) != {"octave", "climb"}:
            raise InputError("state must be what .state() of a dream returned")
        if not 0 <= int(state["octave"]) < len(self.bases):
            raise InputError(f"the state is of octave {state['octave']}, this dream has {len(self.bases)}")
        self._octave = int(state["octave"])
        self._climb = self._ascent(self.bases[self._octave])
        self._climb.resume(state["climb"])

    def state(self) -> dict[str, Any]:
        """Return all that is needed to go on from here."""
        return {"octave": self._octave, "climb": self._climb.state()}

    picture = property(lambda self: self._climb.picture)
    step = property(lambda self: self._octave * self._steps + self._climb.step)

    def __next__(self) -> tuple[Array, Array]:
        if self._climb.step >= self._steps:
            if self._octave + 1 == len(self.bases):
                raise StopIteration
            self._rng = self._climb.rng
            climb = self._ascent(self._carried_up())
            self._climb, self._octave = climb, self._octave + 1
        return next(self._climb)

    def _carried_up(self) -> Array:
        """Return the next octave's photograph with the detail of this one."""
        base = self.bases[self._octave + 1]
        detail = self._climb.picture - self.bases[self._octave]
        return base + zoomed(detail, *base.shape[1:3])

    def _ascent(self, start: Array) -> Ascent:
        options: dict[str, Any] = {"lr": self.choices.lr, "step": "mean-abs", "after": [clip_to_range()]}
        if self._tile is not None and max(start.shape[1:3]) > self._tile:
            return TiledAscent(self._tile, self.net, self.objective, start, rng=self._rng, **options)
        return ascend(self.net, self.objective, start, views=[jitter(self.choices.jitter)], rng=self._rng, **options)


def objective_of(row: str, aim: str | int | Objective) -> Objective:
    """Return what "energy", "mean", or the number of a channel means at `row`."""
    if isinstance(aim, Objective):
        return aim
    if isinstance(aim, int) and not isinstance(aim, bool):
        return channel(row, aim)
    if aim not in ("energy", "mean"):
        raise InputError(f"a dream's aim is 'energy', 'mean', the number of a channel, or an objective; got {aim!r}")
    return energy(row) if aim == "energy" else mean(row)


def guided(net: Net, row: str, guide: Array) -> Objective:
    """How well each place of a row agrees with the place of the guide's row that fits it best: sum of inner products.

    The authors' code sets the gradient to the codes of those places; it is the gradient of this.
    """
    code = net.capture(guide, [row])[row]  # (1, h, w, C)
    if code.ndim != 4:
        raise InputError(f"{row} is no row of maps: a guide needs one")
    places = code.reshape(-1, code.shape[-1])

    def score(rows: Mapping[str, Any], net: Net) -> Any:
        y = rows[row]
        best = value_of(y).reshape(-1, y.shape[-1]) @ places.T
        return total_of(y * places[best.argmax(1)].reshape(y.shape))

    return Objective.of(f"guided({row})", [row], score)


def octaves_of(picture: Array, count: int, ratio: float) -> list[Array]:
    """Return the picture in `count` sizes, smallest first, each made of the next larger one."""
    octaves = [picture]
    for _ in range(count - 1):
        _, height, width, _ = octaves[-1].shape
        octaves.append(zoomed(octaves[-1], max(1, round(height / ratio)), max(1, round(width / ratio))))
    return octaves[::-1]


def zoomed(x: Array, height: int, width: int) -> Array:
    """Return `x`, (N, h, w, C), in another size, by linear interpolation between corners that stay (authors' code)."""
    factors = (1, height / x.shape[1], width / x.shape[2], 1)
    return ndimage_of(array_module(x)).zoom(x, factors, order=1)


def zoom_in(
    net: Net, picture: Array, frames: int, by: float = BY, rng: np.random.Generator | None = None, **choices: Any
) -> Iterator[Array]:
    """Dream, go closer, and dream of that, again and again: yield `frames` pictures (N, H, W, 3).

    Parameters
    ----------
    by : float
        The share of the picture that leaves at each frame; interpolation is linear, as in the authors' code.
    **choices
        Of `deep_dream`.
    """
    if not 0 <= by < 1:
        raise InputError(f"by is the share of the picture that leaves, from 0 to below 1; got {by!r}")
    rng = np.random.default_rng(0) if rng is None else rng
    for _ in range(frames):
        for _ in (dream := deep_dream(net, picture, rng=rng, **choices)):
            pass
        yield dream.picture
        picture = closer(dream.picture, by)


def closer(x: Array, by: float) -> Array:
    """Return `x`, (N, H, W, C), enlarged about its centre by 1 / (1 - by), in its size."""
    return warp(x, matrix=((1 - by, 0.0), (0.0, 1 - by)))
