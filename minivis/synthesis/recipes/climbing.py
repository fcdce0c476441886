"""What class models and maximised units have in common: how to start, and a table of how to climb."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from ...backend import Array, to_device
from ...errors import InputError, UnknownName
from ...nets import Net
from ..algebra import Objective
from ..ascend import Ascent, ascend
from ..parametrisations import Fourier
from ..regularisers import l2, total_variation
from ..touches import Touch, renormalise
from ..views import View

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Climb:
    """How to climb. Lengths and rates are in units of 0..255, unless the parametrisation is Fourier's."""

    steps: int
    lr: Any
    step: Any = "plain"
    l2: float = 0.0  # weight of `l2`
    variation: float = 0.0  # weight of `total_variation`
    views: tuple[View, ...] = ()
    after: tuple[Touch, ...] = ()
    parametrisation: str = "pixels"
    contrast: float = 0.0  # if given, the root mean square about the mean colour that each step is brought back to;
    # then lr is a share of the picture's norm (Erhan et al. 2009 keep the norm)
    noise: float = 0.0  # standard deviation of the start about the mean colour; Fourier has a start of its own

    def start(self, net: Net, n: int, size: int, rng: np.random.Generator | None) -> Array:
        """Return where to begin: (n, size, size, 3)."""
        if not self.noise and self.parametrisation == "pixels":
            return grey(net, n, size)
        if rng is None:
            raise InputError("the start is noise: pass rng=numpy.random.default_rng(0)")
        if self.parametrisation == "fourier":
            return to_device(Fourier(size, size).noise(n, rng, net.dtype), net.device)
        spread = self.noise * rng.standard_normal((n, size, size, 3)).astype(net.dtype)
        return (grey(net, n, size) + to_device(spread, net.device)).clip(0, 255)

    def climb(
        self,
        net: Net,
        objective: Objective,
        start: Array,
        steps: int | None,
        rng: np.random.Generator | None,
        state: Any,
    ) -> Ascent:
        """Return the ascent of `objective`, with the penalties of this table."""
        for weight, penalty in ((self.l2, l2), (self.variation, total_variation)):
            if weight:
                objective = objective - weight * penalty()
        lr, after = self.lr, self.after
        if self.contrast:
            rho = self.contrast * math.sqrt(math.prod(start.shape[1:]))
            lr, after = lr * rho, (*after, renormalise(rho, centred=True))
        return ascend(
            net,
            objective,
            start,
            lr=lr,
            step=self.step,
            views=self.views,
            after=after,
            steps=self.steps if steps is None else steps,
            rng=rng,
            state=state,
            parametrisation=self.parametrisation,
        )


def grey(net: Net, n: int, size: int) -> Array:
    """Return `n` pictures of the network's mean colour, its zero pictures: (n, size, size, 3)."""
    blank = np.zeros((n, size, size, 3), net.dtype)
    return to_device(blank, net.device) + net.mean_colour


def chosen(presets: Mapping[str, T], name: str) -> T:
    """Return the preset called `name`; raise `UnknownName` with those that there are."""
    if name not in presets:
        raise UnknownName(f"no preset is called {name!r}: there are {', '.join(presets)}")
    return presets[name]
