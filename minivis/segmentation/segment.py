"""Simonyan's weakly supervised segmentation: saliency, trimap, two colour models, one graph cut."""

from typing import NamedTuple

import numpy as np

from ..backend import Array, to_host
from ..errors import InputError
from .boxes import Box, bounding_box, largest_component
from .colour_models import COMPONENTS, fit_colours
from .graphcut import SMOOTHNESS, graph_cut, neighbour_links
from .trimap import BACKGROUND, BACKGROUND_QUANTILE, FOREGROUND, FOREGROUND_QUANTILE, trimap


class Segmentation(NamedTuple):
    """What became of each picture of a batch."""

    trimap: np.ndarray  # (N, H, W) uint8: 0 undefined, 1 foreground, 2 background
    cut: np.ndarray  # (N, H, W) bool: all that the cut calls foreground
    mask: np.ndarray  # (N, H, W) bool: its largest component
    boxes: list[Box | None]  # of the mask; None where it is empty


def segment(
    pictures: Array,
    saliency: Array,
    foreground: float = FOREGROUND_QUANTILE,
    background: float = BACKGROUND_QUANTILE,
    components: int = COMPONENTS,
    smoothness: float = SMOOTHNESS,
    neighbours: int = 8,
    hard: bool = False,
    rng: np.random.Generator | None = None,
) -> Segmentation:
    """Cut the object out that a saliency map points at.

    Two colour models are fitted, one to the foreground of the trimap and one to its background, and one cut is made:
    nothing is fitted again, as GrabCut would.

    Parameters
    ----------
    pictures : ndarray, shape (N, H, W, 3)
        RGB, 0..255. CuPy arrays are brought to the host, where SciPy makes the cut; the result stays there.
    saliency : ndarray, shape (N, H, W)
    foreground, background : float
        Quantiles of the saliency; see `trimap`.
    components : int
        Gaussians per colour model (ours).
    smoothness : float
        Cost of parting two neighbours of one colour, in nats (ours).
    neighbours : {8, 4}
    hard : bool
        Keep the trimap's pixels as they are, as Boykov and Jolly keep the strokes of a user. Default: they only teach
        the colour models, since a saliency map is speckled inside an object too.
    rng : numpy.random.Generator, optional
        Of the colour models' start. Default: seeded with 0, so that a result can be had again.

    Raises
    ------
    InputError
        If shapes do not fit, or a map is so flat that there is no foreground in it.

    References
    ----------
    Simonyan, Vedaldi and Zisserman 2014; Boykov and Jolly 2001.
    """
    pictures = to_host(pictures)
    seeds = trimap(saliency, foreground, background)
    if pictures.ndim != 4 or pictures.shape[-1] != 3 or pictures.shape[:3] != seeds.shape:
        raise InputError(
            f"expected pictures (N, H, W, 3) with maps (N, H, W) of their size, got {pictures.shape} and {seeds.shape}"
        )
    if not np.isfinite(pictures).all():
        raise InputError("the pictures have values that are not finite")
    for n, seed in enumerate(seeds):
        if not (seed == FOREGROUND).any():
            raise InputError(f"the saliency map of picture {n} is flat: no pixel stands out as foreground")
    rng = rng or np.random.default_rng(0)
    cuts = np.zeros(seeds.shape, bool)
    for n, (picture, seed) in enumerate(zip(pictures, seeds, strict=True)):
        unary = colour_costs(picture, seed, components, rng)
        if hard:
            unary[seed == FOREGROUND], unary[seed == BACKGROUND] = -np.inf, np.inf
        cuts[n] = graph_cut(unary, neighbour_links(picture, smoothness, neighbours)).mask
    masks = np.stack([largest_component(cut) for cut in cuts])
    return Segmentation(seeds, cuts, masks, [bounding_box(mask) for mask in masks])


def colour_costs(picture: np.ndarray, seed: np.ndarray, components: int, rng: np.random.Generator) -> np.ndarray:
    """Return log(background density / foreground density) at each pixel's colour, shape (H, W), float64."""
    inside = fit_colours(picture[seed == FOREGROUND], components, rng)
    outside = fit_colours(picture[seed == BACKGROUND], components, rng)
    return outside.log_density(picture) - inside.log_density(picture)
