"""Segmentation drawn: the trimap in three colours, the outline of a mask, boxes."""

from typing import TYPE_CHECKING

import numpy as np

from ..backend import DTYPE, Array, to_host
from ..errors import InputError
from ..segmentation.boxes import Box
from ..segmentation.segment import Segmentation
from ..segmentation.trimap import BACKGROUND, FOREGROUND, UNDEFINED
from .colours import finite, grey, limit_of, outline
from .figures import grid

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = {UNDEFINED: (255, 0, 0), FOREGROUND: (0, 0, 255), BACKGROUND: (0, 255, 255)}
"""Red, blue and cyan, as in the figure of Simonyan, Vedaldi and Zisserman (2014)."""

EDGE = (255, 220, 0)

CAPTION = (
    "Trimap: blue teaches the colours of the foreground (saliency above its {high:g} % quantile), cyan those of the "
    "background (below {low:g} %), red is undefined. Then one graph cut, the largest component of its foreground, and "
    "the box around that."
)


def trimap_colours(seeds: Array) -> np.ndarray:
    """Return a trimap (H, W) as a picture (H, W, 3), 0..255: foreground blue, background cyan, undefined red."""
    seeds = to_host(seeds)
    if seeds.ndim != 2 or seeds.dtype.kind not in "ui" or not np.isin(seeds, list(COLOURS)).all():
        raise InputError(f"expected a trimap (H, W) of {sorted(COLOURS)}, got {seeds.dtype} of shape {seeds.shape}")
    return np.array([COLOURS[code] for code in sorted(COLOURS)], DTYPE)[seeds]


def mask_outline(picture: Array, mask: Array, dim: float = 0.35) -> np.ndarray:
    """Return `picture` (H, W, 3) with what is outside `mask` (H, W) darkened to `dim`, and the mask's edge drawn in."""
    from scipy.ndimage import binary_erosion

    picture, mask = finite(picture), to_host(mask)
    if mask.dtype != bool or mask.shape != picture.shape[:2]:
        raise InputError(f"expected a mask of bool of shape {picture.shape[:2]}, got {mask.dtype} of {mask.shape}")
    drawn = np.where(mask[..., None], picture, picture * DTYPE.type(dim))
    drawn[mask & ~binary_erosion(mask, border_value=1)] = EDGE
    return drawn


def box_outline(picture: Array, box: Box | None) -> np.ndarray:
    """Return `picture` (H, W, 3) with a box drawn on it, rounded to whole pixels; None draws nothing."""
    if box is None:
        return finite(picture).copy()
    left, top, right, bottom = (round(edge) for edge in box)
    return outline(picture, top, left, bottom, right)


def segmentation_figure(
    picture: Array,
    saliency: Array,
    found: Segmentation,
    caption: str = "",
    quantiles: tuple[float, float] = (0.95, 0.30),
    index: int = 0,
) -> "Figure":
    """Draw the way from saliency to a box.

    Parameters
    ----------
    picture : ndarray, shape (H, W, 3)
    saliency : ndarray, shape (H, W)
    found : Segmentation
    caption : str
        Stands first.
    quantiles : (float, float)
        Of foreground and background, for the caption.
    index : int
        Which picture of `found`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    drawn = [
        finite(picture),
        grey(saliency, limit_of(saliency, 99)),
        trimap_colours(found.trimap[index]),
        mask_outline(picture, found.cut[index]),
        mask_outline(picture, found.mask[index]),
        box_outline(picture, found.boxes[index]),
    ]
    titles = ["picture", "saliency", "trimap", "graph cut", "largest component", "box"]
    told = CAPTION.format(high=100 * quantiles[0], low=100 * quantiles[1])
    return grid(drawn, titles, 6, f"{caption} {told}".strip())
