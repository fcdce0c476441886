"""A saliency map as a trimap: surely object, surely not, and undefined in between."""

import numpy as np

from ..backend import Array, to_host
from ..errors import InputError

UNDEFINED, FOREGROUND, BACKGROUND = 0, 1, 2

FOREGROUND_QUANTILE, BACKGROUND_QUANTILE = 0.95, 0.30
"""Simonyan, Vedaldi and Zisserman (2014)."""


def trimap(
    saliency: Array, foreground: float = FOREGROUND_QUANTILE, background: float = BACKGROUND_QUANTILE
) -> np.ndarray:
    """Split each map at two quantiles of its own values.

    Parameters
    ----------
    saliency : ndarray, shape (N, H, W)
        Finite; a CuPy array is brought to the host, where the cut is made.
    foreground, background : float
        Quantiles, 0 <= background < foreground <= 1. What reaches the first is foreground, what does not exceed the
        second is background: equal values stay together, so that a map with many zeros has a background.

    Returns
    -------
    ndarray, shape (N, H, W), uint8
        `UNDEFINED` (0), `FOREGROUND` (1) or `BACKGROUND` (2). A flat map is background only.

    References
    ----------
    Simonyan, Vedaldi and Zisserman 2014, "Deep inside convolutional networks".
    """
    maps = to_host(saliency)
    if maps.ndim != 3 or maps.size == 0 or maps.dtype.kind not in "fui":
        raise InputError(f"expected saliency maps of shape (N, H, W), got {maps.dtype} of shape {maps.shape}")
    if not np.isfinite(maps).all():
        raise InputError(f"{np.count_nonzero(~np.isfinite(maps))} values of the saliency map are not finite")
    if not 0 <= background < foreground <= 1:
        raise InputError(f"quantiles must satisfy 0 <= background < foreground <= 1, got {background} and {foreground}")
    high, low = (np.quantile(maps, q, axis=(1, 2), keepdims=True) for q in (foreground, background))
    seeds = np.full(maps.shape, UNDEFINED, np.uint8)
    seeds[(maps >= high) & (maps > low)] = FOREGROUND
    seeds[maps <= low] = BACKGROUND
    return seeds
