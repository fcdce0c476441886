"""Boxes: of a mask, of a heat map, and how much two of them have in common.

A box is (x0, y0, x1, y1) in pixels, the edges of what it holds: columns x0 to x1 - 1 and rows y0 to y1 - 1 of a mask.
Its area is (x1 - x0) * (y1 - y0). PASCAL VOC counts from 1 and includes both ends: (x0 + 1, y0 + 1, x1, y1).
"""

import math
from collections.abc import Sequence

import numpy as np

from ..backend import Array, to_host
from ..errors import InputError

Box = tuple[float, float, float, float]

CAM_SHARE, GRAD_CAM_SHARE = 0.20, 0.15
"""Of the largest value: Zhou et al. (2016) for CAM, Selvaraju et al. (2017) for Grad-CAM."""


def largest_component(mask: Array) -> np.ndarray:
    """Return the largest connected part of `mask` (H, W), bool; sides join pixels and corners do not (ours).

    Of equal parts, the first from the top; an empty mask stays empty.
    """
    from scipy.ndimage import label

    mask = to_host(mask)
    if mask.ndim != 2 or mask.dtype != bool:
        raise InputError(f"expected a mask (H, W) of bool, got {mask.dtype} of shape {mask.shape}")
    parts, count = label(mask)
    if count == 0:
        return np.zeros(mask.shape, bool)
    return parts == 1 + np.bincount(parts.ravel())[1:].argmax()


def bounding_box(mask: Array) -> Box | None:
    """Return the smallest box around what is True in `mask` (H, W); None if nothing is."""
    mask = to_host(mask)
    if mask.ndim != 2:
        raise InputError(f"expected a mask (H, W), got shape {mask.shape}")
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return None
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def box_of_map(heat: Array, share: float = CAM_SHARE) -> Box | None:
    """Return the box of the largest component of what exceeds `share` of a heat map's largest value.

    Parameters
    ----------
    heat : ndarray, shape (H, W)
        Already enlarged to the picture's size: see `minivis.enlarge`.
    share : float
        0..1.

    Returns
    -------
    (x0, y0, x1, y1), or None if no value is positive
    """
    heat = to_host(heat)
    if heat.ndim != 2 or heat.size == 0 or not np.isfinite(heat).all():
        raise InputError(f"expected a finite map (H, W), got shape {heat.shape}")
    if not 0 <= share < 1:
        raise InputError(f"a share lies in 0..1, got {share}")
    return bounding_box(largest_component((heat > share * heat.max()) & (heat > 0)))


def iou(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the intersection over the union of two boxes, 0..1.

    Raises
    ------
    InputError
        If a box is empty, turned inside out, or not finite.
    """
    for box in (a, b):
        if len(box) != 4 or not all(map(math.isfinite, box)) or box[0] >= box[2] or box[1] >= box[3]:
            raise InputError(f"a box is (x0, y0, x1, y1) with x0 < x1 and y0 < y1, got {tuple(box)}")
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return width * height / (sum(areas) - width * height)
