"""Style: how near the Gram matrix of a row is to that of another picture. Four losses go by this name."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from .. import primitives as p
from ..backend import Array
from ..errors import InputError
from ..nets import Net
from .algebra import Objective, fitted, total_of


class GramLoss(NamedTuple):
    """G = FF' / divisor, and the loss is factor times the sum of squared differences of G.

    Both are functions of the number of channels and the number of places.
    """

    divisor: Callable[[int, int], float]
    factor: Callable[[int, int], float]


GRAM_LOSSES: dict[str, GramLoss] = {
    "gatys": GramLoss(lambda c, m: 1.0, lambda c, m: 1 / (4 * c**2 * m**2)),
    "gatys-code": GramLoss(lambda c, m: m, lambda c, m: 1 / (4 * c**2)),
    "neural-style": GramLoss(lambda c, m: c * m, lambda c, m: 1 / c**2),
    "cs231n": GramLoss(lambda c, m: c * m, lambda c, m: 1.0),
}
"""Gatys et al. (2015): G = FF' and sum (G - G0)² / (4 C² M²). Their code, DeepTextures: G = FF' / M and
sum (...)² / (4 C²); it differs from the paper's only where the two pictures differ in size. neural-style's code:
G = FF' / (C M) and sum (...)² / C². CS231n's assignment: that G, and sum (...)²."""


def gram_of(maps: Any, variant: str = "gatys") -> Any:
    """Return the Gram matrices (N, C, C) of maps (N, H, W, C), scaled as `match_gram` of that variant wants them."""
    loss = _loss(variant)
    if maps.ndim != 4:
        raise InputError(f"a Gram matrix needs maps (N, H, W, C), got {maps.shape}")
    divisor = loss.divisor(maps.shape[3], maps.shape[1] * maps.shape[2])
    return p.gram(maps) / divisor


def match_gram(row: str, gram: Array, variant: str = "gatys") -> Objective:
    """How near the Gram matrix of a row is to another: minus a style loss, 0 at the best.

    Parameters
    ----------
    row : str
        A row of maps.
    gram : ndarray, shape (C, C), (N, C, C) or (1, C, C)
        Of another picture's row, by `gram_of` with the same variant.
    variant : {"gatys", "gatys-code", "neural-style", "cs231n"}
        See `GRAM_LOSSES`. They weigh the rows differently: neural-style's is 4 / C² times Gatys's.
    """
    loss = _loss(variant)

    def score(rows: Mapping[str, Any], net: Net) -> Any:
        found = gram_of(rows[row], variant)
        apart = found - fitted(f"match_gram({row})", gram, found.shape[1:], found)
        _, height, width, channels = rows[row].shape
        return total_of(apart * apart) * -loss.factor(channels, height * width)

    return Objective.of(f"match_gram({row})", [row], score)


def _loss(variant: str) -> GramLoss:
    if variant not in GRAM_LOSSES:
        raise InputError(f"no style loss is called {variant!r}: there are {', '.join(GRAM_LOSSES)}")
    return GRAM_LOSSES[variant]
