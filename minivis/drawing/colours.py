"""Numbers become colours. Every function returns a picture, RGB, float32, 0..255, and says what its colours mean.

Nothing here hides a sign: what may be negative is drawn on a scale that is symmetric about zero, and a scale for
amounts refuses negative numbers. The one exception is `rescale_each`, and it says so.
"""

from collections.abc import Sequence

import numpy as np

from ..attribution import enlarge
from ..backend import DTYPE, Array, to_host
from ..errors import InputError

# Ours: dark enough at both ends to be told apart in print, white in the middle.
NEGATIVE, ZERO, POSITIVE = (33, 102, 172), (255, 255, 255), (178, 24, 43)
# Dark red over orange to pale yellow (ours): its lightness grows, so it reads in grey as well.
HEAT = ((110, 10, 30), (200, 50, 20), (245, 140, 30), (255, 240, 150))


def limit_of(values: Array, percentile: float = 100.0) -> float:
    """Return the absolute value at which a colour scale for `values` should end.

    Parameters
    ----------
    values : ndarray
    percentile : float
        Of the absolute values that are not 0; 100 is the largest. Gradients have a few very large values: below 100
        those are clipped, and the rest can be seen.

    Returns
    -------
    float
        0 only if all values are 0.
    """
    if not 0 < percentile <= 100:
        raise InputError(f"a percentile is above 0 and at most 100, got {percentile}")
    sizes = np.abs(finite(values))
    sizes = sizes[sizes > 0]
    return float(np.percentile(sizes, percentile)) if sizes.size else 0.0


def signed(values: Array, limit: float | None = None) -> np.ndarray:
    """Draw numbers of either sign, symmetric about zero.

    Parameters
    ----------
    values : ndarray, shape (H, W, 3) or (H, W)
        Three colours are drawn about middle grey, each colour brighter where it is positive. A map goes from blue
        (negative) over white (zero) to red (positive).
    limit : float, optional
        The absolute value at either end of the scale; what is beyond is clipped. Default: the largest absolute value.

    Returns
    -------
    ndarray, shape (H, W, 3)
    """
    values = finite(values)
    share = _share(values, limit)
    if values.ndim == 3 and values.shape[2] == 3:
        return 127.5 + 127.5 * share
    if values.ndim == 2:
        return _between(share, (-1, 0, 1), (NEGATIVE, ZERO, POSITIVE))
    raise InputError(f"expected a signed picture (H, W, 3) or map (H, W), got shape {values.shape}")


def grey(values: Array, limit: float | None = None) -> np.ndarray:
    """Draw amounts: black is 0, white is `limit`.

    Parameters
    ----------
    values : ndarray, shape (H, W), or (H, W, 3) for one amount per colour
        Not negative.
    limit : float, optional
        What is beyond is clipped. Default: the largest value.

    Returns
    -------
    ndarray, shape (H, W, 3)

    Raises
    ------
    InputError
        If a value is negative, which grey would hide: use `signed`.
    """
    values = finite(values)
    if values.ndim not in (2, 3) or (values.ndim == 3 and values.shape[2] != 3):
        raise InputError(f"expected a map (H, W) or amounts per colour (H, W, 3), got shape {values.shape}")
    if values.min() < 0:
        raise InputError(f"grey starts at 0 and the smallest value is {values.min():.3g}: use signed")
    share = 255 * _share(values, limit)
    return share if share.ndim == 3 else np.repeat(share[:, :, None], 3, axis=2)


def heat_over(
    picture: Array, heat: Array, limit: float | None = None, either_sign: bool = False, opacity: float = 0.85
) -> np.ndarray:
    """Lay a map over its photograph, which turns grey; the map covers it the more, the farther it is from zero.

    Parameters
    ----------
    picture : ndarray, shape (H, W, 3)
        RGB, 0..255.
    heat : ndarray, shape (h, w)
        Enlarged to (H, W) as `minivis.enlarge` does.
    limit : float, optional
        The absolute value at the end of the scale; what is beyond is clipped. Default: the largest absolute value.
    either_sign : bool
        False for amounts: from dark red to pale yellow. True: blue is negative, red positive.
    opacity : float
        How much the map covers at `limit`, 0..1; in proportion below, so that zero leaves the photograph as it is.

    Returns
    -------
    ndarray, shape (H, W, 3)

    Raises
    ------
    InputError
        If a value is negative and `either_sign` is False.
    """
    picture, heat = finite(picture), finite(heat)
    if picture.ndim != 3 or picture.shape[2] != 3 or heat.ndim != 2:
        raise InputError(f"expected a picture (H, W, 3) and a map (h, w), got {picture.shape} and {heat.shape}")
    if not 0 <= opacity <= 1:
        raise InputError(f"opacity lies in 0..1, got {opacity}")
    if heat.min() < 0 and not either_sign:
        raise InputError(f"the smallest value of the map is {heat.min():.3g}: pass either_sign=True to draw its sign")
    if heat.shape != picture.shape[:2]:
        limit = limit or limit_of(heat)  # of the map itself: enlarging can lower its peaks
        heat = enlarge(heat[None], picture.shape[:2])[0]
    share = _share(heat, limit)
    if either_sign:
        colours = np.where(share[:, :, None] < 0, NEGATIVE, POSITIVE)
    else:
        colours = _between(share, np.linspace(0, 1, len(HEAT)), HEAT)
    cover = opacity * np.abs(share)[:, :, None]
    lightness = picture.mean(2, keepdims=True)
    return ((1 - cover) * lightness + cover * colours).astype(DTYPE)


def rescale_each(filters: Array) -> np.ndarray:
    """Stretch each filter from its own smallest value (0) to its own largest (255), as filters are usually shown.

    It makes the most of each filter's contrast and hides two things: filters of different strength look alike, and
    zero has no fixed grey. `signed` keeps both.

    Parameters
    ----------
    filters : ndarray, shape (K, h, w, 3) or (K, h, w)

    Returns
    -------
    ndarray, same shape
        A constant filter is middle grey.
    """
    filters = finite(filters)
    if filters.ndim not in (3, 4):
        raise InputError(f"expected filters (K, h, w, 3) or (K, h, w), got shape {filters.shape}")
    axes = tuple(range(1, filters.ndim))
    low, high = filters.min(axes, keepdims=True), filters.max(axes, keepdims=True)
    spread = high - low
    flat = spread == 0
    return np.where(flat, DTYPE.type(127.5), (filters - low) / np.where(flat, 1, spread) * 255)


def outline(picture: Array, top: int, left: int, bottom: int, right: int) -> np.ndarray:
    """Draw the outline of rows `top` to `bottom` and columns `left` to `right` (the ends not included) on a copy.

    The line is white with a black one inside it, so that it shows on any photograph. What is outside the picture is
    left out.
    """
    drawn = finite(picture).copy()
    height, width = drawn.shape[:2]
    for inset, colour in ((0, 255), (1, 0)):
        first, last = max(top, 0) + inset, min(bottom, height) - 1 - inset
        start, end = max(left, 0) + inset, min(right, width) - 1 - inset
        if first > last or start > end:
            break
        drawn[[first, last], start : end + 1] = colour
        drawn[first : last + 1, [start, end]] = colour
    return drawn


def tile(pictures: Sequence[Array], columns: int | None = None, gap: int = 1) -> np.ndarray:
    """Put pictures of one size beside each other, with white gaps.

    Parameters
    ----------
    pictures : sequence of ndarray, shape (h, w, 3)
        0..255.
    columns : int, optional
        Default: as square as possible.
    gap : int
        In pixels.

    Returns
    -------
    ndarray, shape (rows * (h + gap) - gap, columns * (w + gap) - gap, 3)
    """
    pictures = [finite(picture) for picture in pictures]
    if not pictures or {picture.shape for picture in pictures} != {(*pictures[0].shape[:2], 3)}:
        raise InputError(f"expected pictures of one shape (h, w, 3), got {sorted({p.shape for p in pictures})}")
    columns = columns or int(np.ceil(np.sqrt(len(pictures))))
    rows = -(-len(pictures) // columns)
    height, width = pictures[0].shape[:2]
    canvas = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), 255, DTYPE)
    for i, picture in enumerate(pictures):
        top, left = i // columns * (height + gap), i % columns * (width + gap)
        canvas[top : top + height, left : left + width] = picture
    return canvas


def finite(values: Array) -> np.ndarray:
    """Return `values` on the host in float32; raise `InputError` if some are not finite, or there are none."""
    values = to_host(values).astype(DTYPE, copy=False)
    if values.size == 0 or not np.isfinite(values).all():
        raise InputError(f"expected finite numbers to draw, got shape {values.shape} with some that are not, or none")
    return values


def _share(values: np.ndarray, limit: float | None) -> np.ndarray:
    """Return `values` as shares of `limit`, clipped to -1..1; all 0 where there is nothing to scale by."""
    limit = limit_of(values) if limit is None else limit
    if limit < 0:
        raise InputError(f"a limit is not negative, got {limit}")
    return np.clip(values / limit, -1, 1) if limit else np.zeros_like(values)


def _between(share: np.ndarray, places: Sequence[float] | np.ndarray, colours: Sequence[tuple]) -> np.ndarray:
    """Interpolate colours linearly between those given at `places`."""
    table = np.asarray(colours, dtype=float)
    return np.stack([np.interp(share, places, table[:, i]) for i in range(3)], -1).astype(DTYPE)
