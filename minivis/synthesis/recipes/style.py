"""Style transfer: what is where as in one picture, which channels fire together as in another (Gatys, Ecker and Bethge
2016, "Image Style Transfer Using Convolutional Neural Networks").

The least ``content_weight * sum of content losses + style_weight * sum of w_l E_l``. A content loss compares the codes
of a row, place by place; E_l compares Gram matrices, see `texture`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...backend import Array, array_module, like, to_host
from ...errors import InputError
from ...nets import Net, initial_weights
from ...nets.layers import ReLU
from ..algebra import Objective, row_in
from ..ascend import Ascent, ascend
from ..lbfgs import LBFGS
from ..objectives import match
from .climbing import chosen
from .invert import code_of, noise_like, readable_rows
from .texture import NOISE, PAIRS, Weights, joined, named, pooled, style_objective

LUMINANCE = (0.299, 0.587, 0.114)
"""How bright red, green and blue are: Y of YIQ (the colour space of Gatys et al. 2016, "Preserving Color")."""


@dataclass(frozen=True)
class Preset:
    """How much of what, and how to look for it."""

    content_weight: float
    style_weight: float
    content: str  # variant of `match`
    weights: str  # of the rows of the style, as in `texture`
    pooling: str
    start: str
    steps: int


PRESETS: dict[str, Preset] = {
    "relative": Preset(
        content_weight=1.0,  # ours
        style_weight=100.0,  # ours
        content="relative",  # ours: with "relative" weights, one choice fits nets and rows of any scale
        weights="relative",  # ours
        pooling="max",  # ours: as the net was trained
        start="content",  # ours: needs fewer steps
        steps=150,  # ours
    ),
    "gatys": Preset(
        content_weight=1e-3,  # paper: one of its alpha / beta, for a net rescaled to a mean activation of 1
        style_weight=1.0,  # as above
        content="half",  # paper, equation 1
        weights="equal",  # paper: w_l = 1 / (number of rows)
        pooling="average",  # paper, section 2
        start="noise",  # paper, section 2.3
        steps=500,  # ours
    ),
}
"""The choices by name, each value with its source."""


def stylize(
    net: Net,
    content: Any,
    style: Any,
    preset: str = "relative",
    content_rows: Sequence[str] | None = None,
    style_rows: Sequence[str] | None = None,
    content_weight: float | None = None,
    style_weight: float | None = None,
    weights: Weights | None = None,
    blend: Sequence[float] | None = None,
    masks: Sequence[Array] | None = None,
    colours: str = "style",
    pooling: str | None = None,
    start: Any = None,
    steps: int | None = None,
    rng: np.random.Generator | None = None,
    state: dict[str, Any] | None = None,
) -> Ascent:
    """Paint one picture in the style of others, by L-BFGS within 0..255.

    Parameters
    ----------
    net : Net
    content : ndarray, shape (N, H, W, 3)
        RGB, 0..255: what is shown.
    style : ndarray, shape (1 or N, h, w, 3), or a sequence of them
        How it is painted. The sizes may differ.
    preset : {"relative", "gatys"}
        See `PRESETS`. What is given below replaces its choice.
    content_rows, style_rows : sequence of str, optional
        Default: `content_row` and `texture.style_rows`. ``content_rows=["input"]`` compares pixels in place of codes: a
        control that shows what the codes are good for. Another control is `with_random_weights`.
    content_weight, style_weight : float, optional
        0 leaves it out.
    weights : "relative", "equal", or one per row of the style, optional
        As for `texture`.
    blend : sequence of float, optional
        How much of each style. Default: equal shares.
    masks : sequence of ndarray, shape (H, W), optional
        Where each style applies, 0..1 (Gatys et al. 2017, "Controlling Perceptual Factors").
    colours : {"style", "content"}
        "content": each style is first given the colours of the content, by `match_colours`. The other way to keep them
        is to paint `luminance` in that of the style, and to `recolour` the result.
    pooling : {"max", "average"}, optional
    start : "content", "noise" or ndarray, optional
    steps, rng, state
        As for `ascend`; `rng` is for the noise.

    Returns
    -------
    Ascent
        An iterator of (picture, score). `texture.shares` tells what each row contributes.
    """
    choices = chosen(PRESETS, preset)
    net = pooled(net, choices.pooling if pooling is None else pooling)
    content = net.check_picture(content)
    objective = transfer_objective(
        net,
        content,
        style,
        preset,
        content_rows,
        style_rows,
        content_weight,
        style_weight,
        weights,
        blend,
        masks,
        colours,
    )
    start = choices.start if start is None else start
    if state is None and isinstance(start, str):
        if start not in ("content", "noise"):
            raise InputError(f"start must be 'content', 'noise' or a picture, got {start!r}")
        start = content if start == "content" else noise_like(net, content, NOISE, rng)
    steps = choices.steps if steps is None else steps
    return ascend(net, objective, start, step=LBFGS(PAIRS, (0.0, 255.0)), steps=steps, state=state)


def transfer_objective(
    net: Net,
    content: Any,
    style: Any,
    preset: str = "relative",
    content_rows: Sequence[str] | None = None,
    style_rows: Sequence[str] | None = None,
    content_weight: float | None = None,
    style_weight: float | None = None,
    weights: Weights | None = None,
    blend: Sequence[float] | None = None,
    masks: Sequence[Array] | None = None,
    colours: str = "style",
) -> Objective:
    """Return what `stylize` raises: the terms "content ROW" and "style ROW", of several styles "style 1 ROW"."""
    choices = chosen(PRESETS, preset)
    if colours not in ("style", "content"):
        raise InputError(f"colours must be 'style' or 'content', got {colours!r}")
    alpha = choices.content_weight if content_weight is None else content_weight
    beta = choices.style_weight if style_weight is None else style_weight
    content = net.check_picture(content)
    styles = [style] if hasattr(style, "shape") else list(style)
    parts = _one_per_style("blend", blend, styles) or [1 / max(1, len(styles))] * len(styles)
    where = _one_per_style("masks", masks, styles) or [None] * len(styles)
    terms = []
    if alpha:
        rows = [content_row(net)] if content_rows is None else list(content_rows)
        share = alpha / len(rows) if choices.content == "relative" else alpha
        codes = {row: code_of(net, content, row) for row in rows}
        terms += [named(f"content {row}", share * match(row, codes[row], choices.content)) for row in rows]
    weights = choices.weights if weights is None else weights
    for i, (picture, part, mask) in enumerate(zip(styles, parts, where, strict=True), start=1):
        if not beta * part:
            continue
        picture = match_colours(picture, content) if colours == "content" else picture
        objective = style_objective(net, picture, style_rows, weights, mask)
        label = f"style {i}" if len(styles) > 1 else "style"
        terms += [named(t.name.replace("style", label, 1), Objective((t,)) * (beta * part)) for t in objective.terms]
    return joined(terms)


def content_row(net: Net) -> str:
    """Return the second ReLU of the fourth size of maps, or of the last size there is, if its weights are there.

    In VGG16 this is relu4_2: the row of Gatys et al. (2016), after its ReLU.
    """
    shapes, rows = net.shapes(), net.architecture.rows
    sizes: dict[int, list[str]] = {}
    for row in readable_rows(net):
        if isinstance(rows[row].layer, ReLU) and len(shapes[row]) == 3:
            sizes.setdefault(shapes[row][0], []).append(row)
    if not sizes:
        raise InputError(f"{net.name} has no rectified maps: name content_rows")
    return list(sizes.values())[:4][-1][:2][-1]


def with_random_weights(net: Net, rows: Sequence[str], rng: np.random.Generator) -> Net:
    """Return `net` with random weights in place of its own, as far up as `rows`: a control.

    What still works has not been learned.
    """
    needed = net.architecture.ancestors([row_in(net, row) for row in rows])
    below = replace(net.architecture, table=tuple((row.name, row.layer, *row.inputs) for row in needed))
    weights = initial_weights(below, rng, net.dtype)
    return Net(net.architecture, weights, net.device, net.dtype)


def match_colours(picture: Any, wanted: Any) -> Array:
    """Return `picture` with the mean and the covariance of the colours of `wanted` (Gatys et al. 2016, "Preserving
    Color in Neural Artistic Style Transfer", with symmetric roots), clipped to 0..255.

    Parameters
    ----------
    picture, wanted : ndarray, shape (1 or N, h, w, 3) and (N, H, W, 3)

    Returns
    -------
    ndarray, shape (N, h, w, 3)
    """
    xp = array_module(picture, wanted)
    matched = []
    for n in range(len(wanted)):
        source = to_host(picture[n if len(picture) > 1 else 0]).astype("float64").reshape(-1, 3)
        target = to_host(wanted[n]).astype("float64").reshape(-1, 3)
        mix = _root(np.cov(target.T), 0.5) @ _root(np.cov(source.T), -0.5)
        colours = target.mean(0) + (source - source.mean(0)) @ mix.T
        matched.append(xp.asarray(colours.clip(0, 255).astype(wanted.dtype).reshape(picture.shape[1:])))
    return xp.stack(matched)


def luminance(picture: Any) -> Array:
    """Return grey pictures, as bright as `picture`: (N, H, W, 3)."""
    weights = like(np.asarray(LUMINANCE, picture.dtype), picture)
    grey = (picture * weights).sum(-1, keepdims=True)
    return array_module(picture).repeat(grey, 3, axis=-1)


def recolour(picture: Any, content: Any) -> Array:
    """Return pictures as bright as `picture`, with the colours (I and Q of YIQ) of `content`, clipped to 0..255."""
    return (content + luminance(picture) - luminance(content)).clip(0, 255)


def _one_per_style(name: str, given: Any, styles: list) -> list | None:
    if given is None:
        return None
    given = [given] if hasattr(given, "ndim") and given.ndim == 2 else list(given)
    if len(given) != len(styles):
        raise InputError(f"{name} has {len(given)} entries for {len(styles)} styles: give one each")
    return given


def _root(covariance: np.ndarray, power: float) -> np.ndarray:
    """Return a power of a symmetric matrix."""
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * values.clip(1e-3) ** power) @ vectors.T  # 1e-3: a grey picture has no spread in two directions
