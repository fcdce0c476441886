"""Ascent on pictures larger than memory: the gradient is made tile by tile, and the step is one for the whole picture.

What a tile does not see is lost to it, at its edges. So the picture is rolled by a random amount before each step, that
is, the tiles lie elsewhere each time, and the seams are evened out (as in the tile functions of DeepDream's TensorFlow
notebook, Mordvintsev 2016).
"""

import itertools
import math
from typing import Any

from ...backend import Array, array_module
from ...errors import InputError
from ...tape import Rules
from ..ascend import Ascent
from ..evaluation import Evaluation, evaluate
from ..touches import bound


class TiledAscent(Ascent):
    """An ascent whose gradient is made tile by tile. The score is the sum of the tiles' scores.

    Parameters
    ----------
    tile : int
        Height and width of a tile, at most.
    **choices
        As for `ascend`, without views: the roll is the view.
    """

    def __init__(self, tile: int, net: Any, objective: Any, start: Array, **choices: Any):
        if not isinstance(tile, int) or tile < 1:
            raise InputError(f"tile must be a whole number of pixels from 1 on, got {tile!r}")
        self._tile = tile
        rules: Rules = {}
        defaults = {"lr": None, "step": "plain", "views": (), "after": (), "steps": None, "rng": None}
        super().__init__(net, objective, start, **{**defaults, **choices}, parametrisation="pixels", rules=rules)
        self.after = tuple(bound(touch, net) for touch in self.after)

    def _evaluate(self, parameters: Array, rng: Any) -> Evaluation:
        xp = array_module(parameters)
        _, height, width, _ = parameters.shape
        down, across = (int(rng.integers(0, size)) for size in (height, width))
        rolled = xp.roll(parameters, (down, across), (1, 2))
        gradient, score, terms = xp.empty_like(rolled), 0.0, []
        for rows, columns in itertools.product(spans(height, self._tile), spans(width, self._tile)):
            part = xp.ascontiguousarray(rolled[:, rows, columns])
            here = evaluate(self.net, self.objective, part, self.parametrisation, (), rng, self.rules)
            if here.trouble:
                return here._replace(gradient=gradient)
            gradient[:, rows, columns] = here.gradient
            score, terms = score + here.score, here.terms
        return Evaluation(score, xp.roll(gradient, (-down, -across), (1, 2)), terms, "")


def spans(size: int, tile: int) -> list[slice]:
    """Cut 0..size into the fewest slices of at most `tile`, equal but for a pixel."""
    count = math.ceil(size / tile)
    edges = [i * size // count for i in range(count + 1)]
    return [slice(a, b) for a, b in itertools.pairwise(edges)]
