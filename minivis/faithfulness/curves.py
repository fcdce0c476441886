"""Deletion and insertion: what happens to the score while the pixels go, or come, in the order of their importance."""

from typing import Any, NamedTuple

import numpy as np

from ..backend import Array, array_module, ndimage_of, to_host
from ..errors import InputError
from ..nets import Net

STEPS = 32  # ours; the curve is exact at these points, and each costs a forward pass
BLUR = 1 / 8  # sigma, as a share of the picture's height (ours): no shape can be told


class Curve(NamedTuple):
    """Scores along the way."""

    shares: np.ndarray  # (steps + 1,) of the pixels that are gone, or there: 0..1
    scores: np.ndarray  # (N, steps + 1)

    @property
    def area(self) -> np.ndarray:
        """The area under each picture's curve, by trapezoids: (N,). The mean score along the way."""
        widths = np.diff(self.shares)
        return ((self.scores[:, 1:] + self.scores[:, :-1]) / 2 * widths).sum(1)


def deletion(net: Net, x: Array, maps: Array, classes: list[int], steps: int = STEPS, **options: Any) -> Curve:
    """Replace the most important pixels first by the network's mean colour; a true map makes the score fall early.

    Parameters
    ----------
    net : Net
    x : ndarray, shape (N, H, W, 3)
    maps : ndarray, shape (N, H, W)
        The larger, the more important. Equal pixels go in an order of chance, the same for every map.
    classes : list of int
        Of each picture, whose score is followed.
    steps : int
        In each, an equal share of the pixels goes, to a pixel.
    output : str, optional
        The row of the scores. Default: the probabilities.
    batch : int
        Pictures in one forward pass; default 32.

    Returns
    -------
    Curve
        A small area is good.

    References
    ----------
    Petsiuk, Das and Saenko 2018, "RISE". What replaces the pixels, here and in `insertion`, is ours.
    """
    x = net.check_picture(x)
    blank = array_module(x).broadcast_to(net.mean_colour, x.shape)
    return _walk(net, x, blank, maps, classes, steps, **options)


def insertion(net: Net, x: Array, maps: Array, classes: list[int], steps: int = STEPS, **options: Any) -> Curve:
    """Start from the blurred picture and sharpen the most important pixels first; a large area is good.

    The parameters are those of `deletion`. The blur is Gaussian with a sigma of an eighth of the height.
    """
    x = net.check_picture(x)
    sigma = (0, BLUR * x.shape[1], BLUR * x.shape[1], 0)
    blurred = ndimage_of(array_module(x)).gaussian_filter(x, sigma, mode="nearest")
    return _walk(net, blurred, x, maps, classes, steps, **options)


def _walk(
    net: Net,
    start: Array,
    end: Array,
    maps: Array,
    classes: list[int],
    steps: int,
    output: str | None = None,
    batch: int = 32,
) -> Curve:
    """Go from `start` to `end`, pixel by pixel in the order of `maps`."""
    xp = array_module(start)
    count, height, width = start.shape[:3]
    pixels = height * width
    if tuple(maps.shape) != (count, height, width) or len(classes) != count:
        raise InputError(
            f"expected maps {(count, height, width)} and {count} classes, got {tuple(maps.shape)} and {len(classes)}"
        )
    if not 1 <= steps <= pixels:
        raise InputError(f"steps must be 1 to {pixels}, one per pixel, got {steps}")
    output = output or net.names[-1]
    places = np.rint(np.linspace(0, pixels, steps + 1)).astype(int)
    scores = np.empty((count, steps + 1))
    for n in range(count):
        ranks = xp.asarray(_ranks(to_host(maps[n]))).reshape(height, width)
        for first in range(0, steps + 1, batch):
            some = places[first : first + batch]
            changed = ranks[None] < xp.asarray(some)[:, None, None]
            pictures = xp.where(changed[..., None], end[n][None], start[n][None])
            values = to_host(net.capture(pictures, [output])[output])
            scores[n, first : first + batch] = values[:, classes[n]]
    return Curve(places / pixels, scores)


def _ranks(values: np.ndarray) -> np.ndarray:
    """Return the place of each pixel in the order of falling values, (H * W,)."""
    flat = values.ravel()
    order = np.lexsort((np.random.default_rng(0).permutation(flat.size), -flat))
    ranks = np.empty(flat.size, dtype=np.intp)
    ranks[order] = np.arange(flat.size)
    return ranks
