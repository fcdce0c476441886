"""Multifaceted visualisation: a class is seen in several ways, one picture for each (Nguyen, Yosinski and Clune 2016).

Photographs of a class are sorted into facets by the codes that the network gives them; the mean photograph of each
facet is where its class model starts.
"""

from typing import Any, NamedTuple

import numpy as np

from ...attribution.targets import Target
from ...backend import Array, to_device, to_host
from ...errors import InputError
from ...nets import Net
from ...representation.pca import reduced
from ..ascend import Ascent
from ..objectives import unit
from ..touches import blur, clip_to_range, every
from ..views import jitter
from .climbing import Climb

KEPT = 50  # dimensions (ours; the paper clusters an embedding by t-SNE)
FACETS = 10  # authors' code, as the folders of its results have it
NEAREST = 15  # photographs in a mean (authors' code, likewise)

CLIMB = Climb(
    step="mean-abs",  # the rule of the authors' code; the numbers are ours
    lr=1.5,
    views=(jitter(8),),
    variation=1e-6,
    after=(every(4, blur(0.5)), clip_to_range()),
    steps=100,
)
"""How the class model of a facet climbs. The authors' code has another table: octaves, and total variation removed."""


class Facets(NamedTuple):
    """How the photographs of a class fall into groups."""

    plane: np.ndarray  # (N, 2): the first two principal components of each photograph's code, to draw
    facet: np.ndarray  # (N,): the facet that each photograph belongs to
    members: list[np.ndarray]  # for each facet, the photographs in its mean, nearest first
    starts: Array  # (k, H, W, 3): the mean of those photographs


def codes_of(net: Net, pictures: Array, row: str | None = None, batch: int = 8) -> np.ndarray:
    """Return the codes of pictures, (N, D), on the host; by default those that the classifier reads."""
    row = net.architecture.check(row or net.architecture.rows[net.logits].inputs[0])
    parts = [to_host(net.capture(pictures[i : i + batch], [row])[row]) for i in range(0, len(pictures), batch)]
    return np.concatenate(parts).reshape(len(pictures), -1)


def principal(codes: np.ndarray, kept: int = KEPT) -> np.ndarray:
    """Return the coordinates of codes (N, D) along their first `kept` principal components, in float64."""
    return reduced(codes.astype("float64"), kept)


def facets(
    net: Net,
    pictures: Array,
    count: int = FACETS,
    nearest: int = NEAREST,
    row: str | None = None,
    kept: int = KEPT,
    seed: int = 0,
) -> Facets:
    """Sort the photographs of a class into facets.

    Parameters
    ----------
    net : Net
    pictures : ndarray, shape (N, H, W, 3)
        Of one class, as ``net.picture`` reads them.
    count : int
        How many facets. Groups that k-means leaves empty are dropped.
    nearest : int
        How many photographs are averaged, those whose code is nearest to the centre of their facet.
    row : str, optional
        The row of the codes. Default: the one that the classifier reads.
    kept : int
        How many principal components k-means sees.
    seed : int
        Of k-means.

    Returns
    -------
    Facets
    """
    from scipy.cluster.vq import kmeans2

    pictures = net.check_picture(pictures)
    if not 1 <= count <= len(pictures) or nearest < 1:
        raise InputError(
            f"{len(pictures)} pictures fall into 1 to {len(pictures)} facets with means of 1 or more, "
            f"got {count} and {nearest}"
        )
    points = principal(codes_of(net, pictures, row), kept)
    centres, facet = kmeans2(points, count, minit="++", seed=seed)
    used = [k for k in range(count) if (facet == k).any()]
    members = []
    for k in used:
        own = np.flatnonzero(facet == k)
        distance = ((points[own] - centres[k]) ** 2).sum(1)
        members.append(own[np.argsort(distance, kind="stable")][:nearest])
    host = to_host(pictures)
    starts = np.stack([host[own].mean(0) for own in members]).astype(net.dtype)
    renumbered = np.searchsorted(used, facet)
    plane = np.pad(points, ((0, 0), (0, 1)))[:, :2]  # one component is drawn on a line
    return Facets(plane, renumbered, members, to_device(starts, net.device))


def multifaceted(
    net: Net,
    target: Target,
    found: Facets,
    climb: Climb = CLIMB,
    steps: int | None = None,
    rng: np.random.Generator | None = None,
    state: Any = None,
) -> Ascent:
    """Make the class model of each facet, all at once: an iterator of (pictures, scores), one for each facet.

    Parameters
    ----------
    target : int or str
        The class, by index or name.
    found : Facets
        Of photographs of that class, by `facets`.
    climb : Climb
        How.
    """
    return climb.climb(net, unit("logits", target), found.starts, steps, rng, state)
