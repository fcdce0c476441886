"""How well a map agrees with a mask of the pixels that are the cause.

Where pixels have equal values, which of them comes first is chance: each function returns the expectation over that
chance, so that a map that is 0 everywhere scores as a random one and not by the order in which pixels are stored.
"""

import numpy as np

from ..backend import Array, to_host
from ..errors import InputError


def pointing_game(maps: Array, masks: Array, tolerance: float = 0) -> np.ndarray:
    """Return whether the strongest pixel lies in the mask.

    Parameters
    ----------
    maps : ndarray, shape (N, H, W)
    masks : ndarray of bool, shape (N, H, W)
    tolerance : float
        A miss by at most so many pixels (Euclidean) counts as a hit. The authors allow 15 on photographs; 0 is ours,
        since these masks are exact.

    Returns
    -------
    ndarray, shape (N,)
        1 or 0; where several pixels are the strongest, the share of them that hit.

    References
    ----------
    Zhang et al. 2018, "Top-down neural attention by excitation backprop".
    """
    maps, masks = _checked(maps, masks)
    if tolerance:
        masks = np.stack([_grown(mask, tolerance) for mask in masks])
    strongest = maps == maps.max((1, 2), keepdims=True)
    return (strongest & masks).sum((1, 2)) / strongest.sum((1, 2))


def intersection_over_union(maps: Array, masks: Array) -> np.ndarray:
    """Return the overlap of the mask with as many of the strongest pixels as the mask has (this threshold is ours).

    Parameters
    ----------
    maps : ndarray, shape (N, H, W)
    masks : ndarray of bool, shape (N, H, W)

    Returns
    -------
    ndarray, shape (N,)
        0..1. No threshold is chosen by hand, and none favours maps of a certain contrast.
    """
    maps, masks = _checked(maps, masks)
    found = []
    for values, mask in zip(maps, masks, strict=True):
        count = int(mask.sum())
        threshold = np.partition(values, -count, axis=None)[-count]
        above, tied = values > threshold, values == threshold
        inside = (above & mask).sum() + (count - above.sum()) * (tied & mask).sum() / tied.sum()
        found.append(inside / (2 * count - inside))
    return np.array(found)


def energy_inside(maps: Array, masks: Array) -> np.ndarray:
    """Return which share of the sum of the positive values lies in the mask.

    Parameters
    ----------
    maps : ndarray, shape (N, H, W)
        Negative values count as 0.
    masks : ndarray of bool, shape (N, H, W)

    Returns
    -------
    ndarray, shape (N,)
        0..1. For a map without positive values: the mask's share of the picture.

    References
    ----------
    Wang et al. 2020, "Score-CAM", with a mask in place of the box.
    """
    maps, masks = _checked(maps, masks)
    positive = maps.clip(0, None)
    total, inside = positive.sum((1, 2)), (positive * masks).sum((1, 2))
    return np.where(total > 0, inside / np.where(total > 0, total, 1), masks.mean((1, 2)))


def _checked(maps: Array, masks: Array) -> tuple[np.ndarray, np.ndarray]:
    maps, masks = to_host(maps).astype(np.float64), to_host(masks)
    if maps.ndim != 3 or maps.shape != masks.shape or masks.dtype != bool:
        raise InputError(
            f"expected maps (N, H, W) and masks of bool of that shape, got {maps.shape} and {masks.dtype} {masks.shape}"
        )
    if not np.isfinite(maps).all():
        raise InputError("a map holds values that are not finite")
    if not masks.any((1, 2)).all():
        raise InputError(f"mask {int(np.argmin(masks.any((1, 2))))} is empty: nothing can lie in it")
    return maps, masks


def _grown(mask: np.ndarray, tolerance: float) -> np.ndarray:
    from scipy.ndimage import distance_transform_edt

    return distance_transform_edt(~mask) <= tolerance
