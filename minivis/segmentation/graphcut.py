"""The segmentation of least cost, found exactly as a minimum cut (Boykov and Jolly 2001).

Each pixel is a node; the source stands for "foreground", the sink for "background". A link from the source costs what
calling the pixel background costs, and the other way round; neighbours are linked by what it costs to part them. The
cut of least cost between source and sink is the labelling of least cost, and equals the maximum flow.
"""

from typing import NamedTuple

import numpy as np

from ..backend import Array, to_host
from ..errors import InputError

SMOOTHNESS = 10.0
"""Cost of parting two neighbours of the same colour, in nats (ours: objects were lost at 50)."""

FINEST = 1000
"""SciPy's flow has whole capacities: costs are counted in thousandths of a nat (ours), coarser where int32 ends."""

MOST_PIXELS = 1 << 22
"""Of a picture that is cut (ours): the graph takes about 300 bytes for each."""

STEPS = {4: ((0, 1), (1, 0)), 8: ((0, 1), (1, 0), (1, 1), (1, -1))}
"""Half of the neighbours, down and right; the other half are the same links seen from their other ends."""


class Links(NamedTuple):
    """Links between neighbouring pixels: flat indices of both ends, and what parting them costs; (L,) each."""

    first: np.ndarray
    second: np.ndarray
    cost: np.ndarray


class Cut(NamedTuple):
    """A minimum cut."""

    mask: np.ndarray  # (H, W) bool: the source's side, the foreground
    flow: int  # the maximum flow, in units of 1 / scale
    value: int  # the links that the mask cuts, in the same units: equal to the flow
    scale: float  # units per nat


def graph_cut(unary: Array, links: Links) -> Cut:
    """Return the labelling that minimises ``sum of unary over the foreground + sum of cost over parted links``.

    Parameters
    ----------
    unary : ndarray, shape (H, W)
        What foreground costs more than background at each pixel; -inf and inf decide a pixel (hard seeds).
    links : Links
        With costs that are not negative.

    Returns
    -------
    Cut
        Exact for the costs rounded to whole units. Of several such cuts, the one with the least foreground.

    Notes
    -----
    A pixel that costs more one way than all its links together is decided anyway. So costs are clipped there, plus one
    unit, which changes no labelling and is the K of Boykov and Jolly's hard constraints, but for each pixel its own.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import breadth_first_order, maximum_flow

    unary = to_host(unary).astype(np.float64, copy=False)
    if unary.ndim != 2 or unary.size == 0 or np.isnan(unary).any():
        raise InputError(f"expected costs (H, W) without NaN, got shape {unary.shape}")
    if unary.size > MOST_PIXELS:
        raise InputError(
            f"{unary.size:,} pixels are too many for one cut: resize the picture to {MOST_PIXELS:,} or less"
        )
    first, second, cost = (to_host(part) for part in links)
    if not np.isfinite(cost).all() or (cost < 0).any():
        raise InputError("the costs of links must be finite and not negative")
    pixels = unary.size
    around = np.bincount(first, cost, pixels) + np.bincount(second, cost, pixels)
    ties = np.bincount(first, minlength=pixels) + np.bincount(second, minlength=pixels)
    clipped = np.clip(unary.ravel(), -around, around)
    scale = _scale(np.abs(clipped), cost, 1 + ties)
    weight = np.rint(cost * scale).astype(np.int32)
    whole_around = np.bincount(first, weight, pixels) + np.bincount(second, weight, pixels)
    units = np.clip(np.rint(unary.ravel() * scale), -whole_around - 1, whole_around + 1).astype(np.int32)

    source, sink = pixels, pixels + 1
    likes, dislikes = np.flatnonzero(units < 0), np.flatnonzero(units > 0)
    tails = np.concatenate([first, second, np.full(len(likes), source), dislikes])
    heads = np.concatenate([second, first, likes, np.full(len(dislikes), sink)])
    capacity = np.concatenate([weight, weight, -units[likes], units[dislikes]]).astype(np.int32)
    graph = coo_array((capacity, (tails, heads)), shape=(pixels + 2, pixels + 2)).tocsr()
    graph.indices, graph.indptr = graph.indices.astype(np.int32), graph.indptr.astype(np.int32)
    result = maximum_flow(graph, source, sink)
    left = graph - result.flow  # what each link, or its reverse, could still carry
    left.eliminate_zeros()
    foreground = np.zeros(pixels + 2, bool)
    foreground[breadth_first_order(left, source, return_predecessors=False)] = True
    value = int(capacity[foreground[tails] & ~foreground[heads]].astype(np.int64).sum())
    return Cut(foreground[:pixels].reshape(unary.shape), int(result.flow_value), value, scale)


def neighbour_links(picture: Array, smoothness: float = SMOOTHNESS, neighbours: int = 8) -> Links:
    """Link neighbouring pixels; parting them is cheap where the colour changes.

    ``cost = smoothness * exp(-|colour difference|^2 / (2 sigma^2)) / distance``, where sigma^2 is the mean of the
    squared differences over the picture (ours).

    Parameters
    ----------
    picture : ndarray, shape (H, W, C)
    smoothness : float
        In nats, not negative.
    neighbours : {8, 4}

    References
    ----------
    Boykov and Jolly 2001, "Interactive graph cuts", the ad-hoc boundary penalty.
    """
    picture = to_host(picture).astype(np.float64, copy=False)
    if picture.ndim != 3 or picture.size == 0 or not np.isfinite(picture).all():
        raise InputError(f"expected a finite picture (H, W, C), got shape {picture.shape}")
    if neighbours not in STEPS or not 0 <= smoothness < np.inf:
        raise InputError(f"expected 4 or 8 neighbours and a smoothness of 0 or more, got {neighbours} and {smoothness}")
    height, width = picture.shape[:2]
    index = np.arange(height * width).reshape(height, width)
    firsts, seconds, lengths = [], [], []
    for down, right in STEPS[neighbours]:
        left, end = max(0, -right), width - max(0, right)
        a = index[: height - down, left:end].ravel()
        b = index[down:, left + right : end + right].ravel()
        firsts.append(a)
        seconds.append(b)
        lengths.append(np.full(a.size, np.hypot(down, right)))
    first, second, length = np.concatenate(firsts), np.concatenate(seconds), np.concatenate(lengths)
    colours = picture.reshape(-1, picture.shape[2])
    squared = ((colours[first] - colours[second]) ** 2).sum(1)
    variance = squared.mean() if squared.any() else 1.0  # one colour everywhere, or one pixel: nothing to scale by
    return Links(first, second, smoothness * np.exp(-squared / (2 * variance)) / length)


def energy(mask: np.ndarray, unary: np.ndarray, links: Links) -> float:
    """Return the cost of a labelling in nats: what `graph_cut` minimises."""
    flat = mask.ravel()
    parted = flat[links.first] != flat[links.second]
    return float(unary.ravel()[flat].sum() + links.cost[parted].sum())


def _scale(amounts: np.ndarray, cost: np.ndarray, slack: np.ndarray) -> float:
    """Return how many units a nat has, so that no capacity and no sum of them leaves int32, rounded up or not."""
    room = float(np.iinfo(np.int32).max - slack.sum(dtype=np.int64))
    largest = max(float(amounts.sum()), 2 * float(cost.max(initial=0)))
    return min(float(FINEST), room / largest) if largest else float(FINEST)
