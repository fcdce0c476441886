"""Texture: a picture whose channels fire together as in another one, wherever that is (Gatys, Ecker and Bethge 2015,
"Texture Synthesis Using Convolutional Neural Networks").

The Gram matrix of a row says which channels fire together and not where. From noise, look for a picture with the same
Gram matrices at some rows: the least ``sum of w_l E_l``, with ``E_l = sum (G - G0)² / (4 N²)`` and G = FF' / M. This is
the paper's equation 4 where both pictures have the same size (G = FF', divided by 4 N² M²), and it lets them differ.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ... import primitives as p
from ...backend import Array, array_module, to_host
from ...errors import InputError
from ...nets import Net
from ...nets.layers import AvgPool, Conv, MaxPool, ReLU
from ..algebra import Objective, fitted, total_of
from ..ascend import Ascent, ascend
from ..grams import gram_of, match_gram
from ..lbfgs import LBFGS
from .invert import code_of, noise_like, readable_rows

VARIANT = "gatys-code"  # Grams divided by their own number of places
PAIRS = 20  # of L-BFGS (authors' code)
NOISE = 10.0  # standard deviation of a start (ours): what the rows do not see of it stays in the picture as grain
STEPS = 200  # ours; the authors' code takes 2000

Weights = Mapping[str, float] | Sequence[float] | str


class Reconstruction(NamedTuple):
    """A texture of some rows."""

    rows: tuple[str, ...]
    picture: Array  # (N, H, W, 3)


def texture(
    net: Net,
    style: Any,
    rows: Sequence[str] | None = None,
    weights: Weights = "relative",
    size: int | tuple[int, int] | None = None,
    pooling: str = "average",
    start: Any = None,
    steps: int | None = STEPS,
    rng: np.random.Generator | None = None,
    state: dict[str, Any] | None = None,
) -> Ascent:
    """Make a picture with the texture of another, from noise, by L-BFGS within that one's range of values.

    Parameters
    ----------
    net : Net
    style : ndarray, shape (N, H, W, 3)
        RGB, 0..255.
    rows : sequence of str, optional
        Rows of maps. Default: `style_rows`.
    weights : "relative", "equal", or one per row
        "equal": 1 / (number of rows) times E_l, as in the paper on style. "relative" (ours) divides each E_l by what it
        is for a picture of nothing, so that rows of any scale count alike: the authors rescale the network instead.
    size : int or (height, width), optional
        Of the new picture. Default: that of `style`.
    pooling : {"average", "max"}
        "average" runs the net with its max-pools replaced, as the authors do.
    start : ndarray, optional
        Default: noise.
    steps, rng, state
        As for `ascend`; `rng` is for the noise.

    Returns
    -------
    Ascent
        An iterator of (picture, score). `shares` tells what each row contributes.
    """
    net = pooled(net, pooling)
    style = net.check_picture(style)
    objective = style_objective(net, style, rows, weights)
    if start is None and state is None:
        height, width = style.shape[1:3] if size is None else (size, size) if isinstance(size, int) else size
        blank = array_module(style).zeros((len(style), height, width, 3), dtype=style.dtype)
        start = noise_like(net, blank, NOISE, rng)
    rule = LBFGS(PAIRS, (style.min(), style.max()))  # bounds of the source, as in the authors' code
    return ascend(net, objective, start, step=rule, steps=steps, state=state)


def style_objective(
    net: Net, style: Any, rows: Sequence[str] | None = None, weights: Weights = "relative", mask: Array | None = None
) -> Objective:
    """Return minus the sum of w_l E_l: one term per row, called "style ROW".

    With a mask (H, W), 0..1, only that part of the picture is compared to the whole of the style.
    """
    chosen = style_rows(net) if rows is None else list(rows)
    maps = {row: _maps(net, style, row) for row in chosen}
    grams = {row: gram_of(maps[row], VARIANT) for row in chosen}
    scale = row_weights(weights, {row: _worst(gram) for row, gram in grams.items()})
    one = match_gram if mask is None else partial(match_masked_gram, mask=mask)
    return joined([named(f"style {row}", scale[row] * one(row, grams[row], VARIANT)) for row in chosen])


def match_masked_gram(row: str, gram: Array, variant: str, mask: Array) -> Objective:
    """As `match_gram`, where each place counts as much as the mask says (Gatys et al. 2017, guided Gram matrices).

    The mask is brought to the size of the row by `resize`. The maps are multiplied by its root, so that it enters the
    Gram matrix once, which is divided by its sum.
    """
    if mask.ndim != 2 or not float(mask.min()) >= 0:
        raise InputError(f"a mask is (H, W) of numbers from 0 on, got shape {mask.shape}, least value {mask.min()}")

    def score(rows: Mapping[str, Any], net: Net) -> Any:
        y = rows[row]
        share = p.resize(mask[None, :, :, None].astype(y.dtype), size=y.shape[1:3])
        places = float(share.sum())
        if not places:
            raise InputError(f"a mask leaves nothing of {row}")
        apart = p.gram(y * share**0.5) / places - fitted(f"match_gram({row})", gram, (y.shape[3],) * 2, y)
        return total_of(apart * apart) / (-4 * y.shape[3] ** 2)

    return Objective.of(f"match_masked_gram({row}, {variant})", [row], score)


def reconstructions(
    net: Net, style: Any, rows: Sequence[str] | None = None, **options: Any
) -> Iterator[Reconstruction]:
    """Make the texture of the first row, of the first two, and so on, and yield each when it is finished.

    This is the style reconstruction of Gatys et al. (2016, figure 1): the further up, the larger the patterns.
    """
    chosen = style_rows(net) if rows is None else list(rows)
    for n in range(1, len(chosen) + 1):
        climb = texture(net, style, chosen[:n], **options)
        for _ in climb:
            pass
        yield Reconstruction(tuple(chosen[:n]), climb.picture)


def shares(climb: Ascent) -> dict[str, np.ndarray]:
    """Return what share of the loss each term had at the last step, by name: (N,) each, together 1.

    For a row l of the style it is w_l E_l over the whole loss.
    """
    losses = {name: -to_host(score) for name, score in climb.terms}
    total = sum(losses.values())
    return {name: loss / np.where(total == 0, 1, total) for name, loss in losses.items()}


def style_rows(net: Net) -> list[str]:
    """Return the first ReLU of each size of maps whose weights are there.

    In VGG16 these are relu1_1, relu2_1, ... relu5_1: the rows of Gatys et al. (2016), after their ReLU.
    """
    shapes, rows = net.shapes(), net.architecture.rows
    first: dict[int, str] = {}
    for row in readable_rows(net):
        if isinstance(rows[row].layer, ReLU) and len(shapes[row]) == 3:
            first.setdefault(shapes[row][0], row)
    return list(first.values())


def row_weights(weights: Weights, worst: Mapping[str, Array]) -> dict[str, float]:
    """Return one weight per row; `worst` is the loss of each row for a picture of nothing."""
    if isinstance(weights, str):
        if weights == "equal":
            return dict.fromkeys(worst, 1 / len(worst))
        if weights == "relative":
            return {row: 1 / (len(worst) * _above_zero(row, loss)) for row, loss in worst.items()}
        raise InputError(f"weights must be 'relative', 'equal', or one number per row, got {weights!r}")
    if not isinstance(weights, Mapping):
        if len(weights) != len(worst):
            raise InputError(f"{len(weights)} weights for {len(worst)} rows: give one each")
        weights = dict(zip(worst, weights, strict=True))
    if set(weights) != set(worst):
        raise InputError(f"weights for {', '.join(weights)}, but the rows are {', '.join(worst)}")
    return {row: float(weights[row]) for row in worst}


def joined(objectives: Sequence[Objective]) -> Objective:
    """Return the sum of objectives; raise if there are none."""
    if not objectives:
        raise InputError("there is no row to match: name at least one")
    return Objective(tuple(term for objective in objectives for term in objective.terms))


def named(name: str, objective: Objective) -> Objective:
    """Return `objective` with its terms called `name`."""
    return Objective(tuple(term._replace(name=name) for term in objective.terms))


def pooled(net: Net, pooling: str) -> Net:
    """Return `net`, or with "average" the same weights with each max-pool replaced by an average pool.

    Gatys et al. (2015, section 2) find that this gives cleaner textures.
    """
    if pooling not in ("max", "average"):
        raise InputError(f"pooling must be 'max' or 'average', got {pooling!r}")
    if pooling == "max":
        return net

    def averaged(layer: Any) -> Any:
        if type(layer) is not MaxPool:
            return layer
        return AvgPool(layer.kernel, layer.stride, layer.padding, layer.ceil)

    table = tuple((name, averaged(layer), *inputs) for name, layer, *inputs in net.architecture.table)
    return Net(replace(net.architecture, table=table), net.weights.source, net.device, net.dtype)


def rescaled(net: Net, pictures: Any, upto: str) -> Net:
    """Return a net whose filters have a mean activation of 1 over `pictures` and places, each row up to `upto`.

    Gatys et al. (2015, section 2) rescale VGG-19 so. It changes no rectified map but by a factor per channel. For
    chains of convolutions, ReLUs and pools only; a filter that never fires stays as it is.
    """
    rows = net.architecture.ancestors([upto])
    relus = [row.name for row in rows if isinstance(row.layer, ReLU)]
    maps = net.capture(pictures, relus)
    weights: dict[str, dict[str, Array]] = {}
    below: Any = 1.0  # by what the maps below have been divided, per channel
    for above, row in zip([*rows[1:], None], rows, strict=True):
        if len(row.inputs) > 1 or (above is not None and above.inputs != (row.name,)):
            raise InputError(f"only a chain of rows can be rescaled, and {net.name} branches at {row.name}")
        if not isinstance(row.layer, Conv):
            continue
        kernel, bias = net.weights[row.name]["kernel"], net.weights[row.name]["bias"]
        if above is None or not isinstance(above.layer, ReLU):
            raise InputError(
                f"only convolutions with a ReLU above them can be rescaled, {row.name} has none: go further"
            )
        mean = maps[above.name].mean((0, 1, 2))
        mean = mean + (mean == 0)
        weights[row.name] = {
            "kernel": kernel * (below / mean if np.isscalar(below) else below[:, None] / mean),
            "bias": bias / mean,
        }
        below = mean
    return Net(net.architecture, weights, net.device, net.dtype)


def match_histogram(picture: Any, source: Any) -> Array:
    """Return `picture` with the values of `source` in each colour: its darkest red gets the darkest red, and so on.

    The authors end with this step. Theirs has 100 bins, here each value has its rank.

    Parameters
    ----------
    picture, source : ndarray, shape (N, H, W, 3) and (N or 1, h, w, 3)
    """
    xp = array_module(picture, source)
    matched = xp.empty_like(picture)
    places = np.linspace(0, 1, math.prod(picture.shape[1:3]))
    for n in range(len(picture)):
        for c in range(3):
            values = np.sort(to_host(source[n if len(source) > 1 else 0, :, :, c]).ravel())
            order = np.argsort(to_host(picture[n, :, :, c]).ravel(), kind="stable")
            ranked = np.empty(order.size, picture.dtype)
            ranked[order] = np.interp(places, np.linspace(0, 1, values.size), values)
            matched[n, :, :, c] = xp.asarray(ranked.reshape(picture.shape[1:3]))
    return matched


def _maps(net: Net, style: Any, row: str) -> Array:
    maps = code_of(net, style, row)
    if maps.ndim != 4:
        raise InputError(f"{row} is no row of maps, it has no texture: {net.maps} is one")
    return maps


def _worst(gram: Array) -> Array:
    """Return E_l of a picture whose row is zero: (N,)."""
    return (gram * gram).sum((1, 2)) / (4 * gram.shape[1] ** 2)


def _above_zero(row: str, loss: Array) -> float:
    mean = float(to_host(loss).mean())
    if mean == 0:
        raise InputError(f"{row} is zero for this style: there is no texture to match")
    return mean
