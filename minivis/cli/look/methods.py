"""What `minivis look` can do: one function per method, from a `Subject` to a `Result`.

Each calls the library's function of its name, keeps the arrays, and makes panels of them; `table` says it in words.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ... import attribution, drawing
from ...attribution.targets import resolve
from ...backend import Array, to_host
from ...nets.layers import AvgPool, GlobalAvgPool
from ..common import progress
from .subject import (
    Choice,
    Panel,
    Result,
    Subject,
    class_names,
    class_row,
    maps_row,
    patch,
    ranges,
    shape_of_maps,
    state,
)

CLIP = 99.5  # percentile at which signed pictures are clipped; ours
MANY = 30  # how many rows or filters are shown; 30 rows of VGG16 end with relu5_3


def saliency(subject: Subject) -> Result:
    """One walk back; the grey form is its largest absolute value over the colours, as in `minivis.saliency`."""
    slopes = [attribution.gradient(subject.net, subject.x, c) for c in subject.classes]
    colour = np.abs(np.stack([to_host(g)[0] for g in slopes]))  # (classes, H, W, 3)
    grey = colour.max(-1)
    panels, covers = [], []
    for c, map_, amounts in zip(subject.classes, grey, colour, strict=True):
        limit = drawing.limit_of(map_, CLIP)
        cover = Panel(_scaled(subject.name(c), limit, "white = "), drawing.grey(map_, limit))
        panels += [_photograph(subject), cover, Panel("each colour by itself", drawing.grey(amounts, limit))]
        covers.append(cover._replace(title=subject.name(c)))
    return Result({"map": grey, "colour": colour}, panels, covers, class_row(subject), columns=3)


def gradient(subject: Subject) -> Result:
    """The gradient in colour, and summed over the colours: what making the pixel brighter would do."""
    values = _per_class(subject, attribution.gradient)
    sums = values.sum(-1)
    panels, covers = [], []
    for c, colour, total in zip(subject.classes, values, sums, strict=True):
        cover = _signed(subject.name(c), colour)
        panels += [_photograph(subject), cover, _signed("sum over the colours", total)]
        covers.append(cover._replace(title=subject.name(c)))
    return Result({"gradient": values}, panels, covers, class_row(subject), columns=3)


def guided_backprop(subject: Subject) -> Result:
    """The walk back by the guided rule."""
    values = _per_class(subject, attribution.guided_backprop)
    return _signed_result(subject, values, "guided_backprop", class_row(subject))


def deconvnet(subject: Subject) -> Result:
    """The strongest unit of the row, or the one asked for, down to the pixels, beside the patch that it sees."""
    net, x, row = subject.net, subject.x, subject.layer
    values = net.capture(x, [row])[row]
    unit = resolve(net, values, subject.unit)[0]
    activation = float(to_host(values)[(0, *unit)])
    target: Any = unit[0] if len(unit) == 1 else unit
    walked = to_host(attribution.deconvnet(net, x, row, target))[0]
    where = ", ".join(map(str, unit))
    shown = _signed(f"unit {where} of {row}", walked)
    photograph = subject.photograph
    top, bottom, left, right = patch(net, row, unit, photograph.shape)
    panels = [
        Panel("what the unit sees", drawing.outline(photograph, top, left, bottom, right)),
        shown,
        Panel("the patch", photograph[top:bottom, left:right]),
        Panel("the patch, projected", shown.picture[top:bottom, left:right]),
    ]
    choices: dict[str, Choice] = {
        "row": f"{row}, {state(net, row)}",
        "unit": f"({where}), {_how_chosen(subject.unit)}",
        "seed": f"its own activation, {activation:.4g}",
    }
    kept = panels[:2] if (bottom - top, right - left) == photograph.shape[:2] else panels
    return Result({"deconvnet": walked}, kept, [shown], choices, columns=len(kept))


def _how_chosen(unit: int | tuple[int, int, int] | None) -> str:
    if isinstance(unit, tuple):
        return "as asked"
    return "the strongest of its row" if unit is None else f"the strongest of channel {unit}"


def grad_cam(subject: Subject) -> Result:
    """The map over the photograph, and as it is."""
    values = _per_class(subject, attribution.grad_cam, subject.layer)
    panels, covers = [], []
    for c, heat in zip(subject.classes, values, strict=True):
        limit = drawing.limit_of(heat)
        cover = Panel(_scaled(subject.name(c), limit, "up to "), drawing.heat_over(subject.photograph, heat))
        own = Panel(f"the map itself, {heat.shape[0]} x {heat.shape[1]}", _as_large(subject, drawing.grey(heat)))
        panels += [_photograph(subject), cover, own]
        covers.append(cover._replace(title=subject.name(c)))
    return Result({"map": values}, panels, covers, class_row(subject) | maps_row(subject), columns=3)


def guided_grad_cam(subject: Subject) -> Result:
    """Guided backprop times the enlarged Grad-CAM."""
    values = _per_class(subject, attribution.guided_grad_cam, subject.layer)
    return _signed_result(subject, values, "guided_grad_cam", class_row(subject) | maps_row(subject))


def cam(subject: Subject) -> Result:
    """The class activation map, signed."""
    net = subject.net
    values = _per_class(subject, attribution.cam)
    pools = [r for r in net.architecture.ancestors([net.logits]) if isinstance(r.layer, GlobalAvgPool | AvgPool)]
    row = pools[-1].inputs[0]
    panels = []
    for c, heat in zip(subject.classes, values, strict=True):
        title = _scaled(subject.name(c), drawing.limit_of(heat))
        panels += [_photograph(subject), Panel(title, drawing.heat_over(subject.photograph, heat, either_sign=True))]
    covers = [p._replace(title=subject.name(c)) for p, c in zip(panels[1::2], subject.classes, strict=True)]
    choices: dict[str, Choice] = {
        "maps": f"{row}, {state(net, row)}",
        "weights": f"the class's own, of {net.logits}, no bias",
    }
    return Result({"map": values}, panels, covers, choices | class_names(subject), columns=2)


def occlusion(subject: Subject) -> Result:
    """The probability with a window in place, and its drop, for windows centred on a grid over the whole picture."""
    net, x = subject.net, subject.x
    height, width = subject.photograph.shape[:2]
    window, stride = max(1, round(height / 7)), -(-height // 28)
    clean = to_host(net(x))[0, list(subject.classes)]  # (classes,)
    covered = np.stack([to_host(_covered(subject, c, window, stride))[0] for c in subject.classes])
    drops = clean[:, None, None] - covered
    panels, covers = [], []
    for c, before, probability, drop in zip(subject.classes, clean, covered, drops, strict=True):
        # The grid may reach beyond the picture by less than one cell: enlarge it by whole cells, and cut.
        fine = attribution.enlarge(drop[None], tuple(n * stride for n in drop.shape))[0, :height, :width]
        limit = drawing.limit_of(drop)
        over = drawing.heat_over(subject.photograph, fine, limit, either_sign=True)
        cover = Panel(_scaled(f"{subject.name(c)}, drop", limit), over)
        under = _as_large(subject, drawing.grey(probability, 1))
        shown = Panel(f"probability under the window ({before:.3f} without)", under)
        panels += [_photograph(subject), cover, shown]
        covers.append(cover._replace(title=subject.name(c)))
    choices: dict[str, Choice] = {
        "row": f"{net.names[-1]}, {state(net, net.names[-1])}",
        **class_names(subject),
        "window": f"{window} x {window} pixels",
        "stride": f"{stride} pixels, one window centred on each cell",
    }
    arrays = {"probability": covered, "drop": drops, "clean_probability": clean}
    return Result(arrays, panels, covers, choices, columns=3)


def _covered(subject: Subject, c: int, window: int, stride: int) -> Array:
    """Return the probability of class `c` under each window."""
    bar = partial(progress, desc=f"occlusion, {subject.name(c)}")
    return attribution.occlusion(subject.net, subject.x, c, window, stride, value=True, overhang=True, progress=bar)


def activations(subject: Subject) -> Result:
    """The first filters' maps of a row; a channel that was asked for comes first."""
    net, row = subject.net, subject.layer
    channels = shape_of_maps(net, row)[-1]
    asked = [] if subject.unit is None else [subject.unit if isinstance(subject.unit, int) else subject.unit[-1]]
    chosen = list(dict.fromkeys([*asked, *range(min(MANY, channels))]))[:MANY]
    maps = to_host(attribution.activations(net, subject.x, row, chosen))[0].transpose(2, 0, 1)  # (channels, h, w)
    panels = [Panel(f"filter {k}", _map(map_)) for k, map_ in zip(chosen, maps, strict=True)]
    cover = Panel(f"{row}, {len(chosen)} filters", drawing.tile([panel.picture for panel in panels]))
    choices: dict[str, Choice] = {
        "row": f"{row}, {state(net, row)}",
        "filters": f"{len(chosen)} of {channels}: {ranges(chosen)}",
    }
    return Result({"maps": maps, "channels": np.array(chosen)}, panels, [cover], choices, columns=6)


def activations_through(subject: Subject) -> Result:
    """Filter 0 through the rows."""
    found = attribution.activations_through(subject.net, subject.x, channel=0, rows=MANY)
    arrays = {row: to_host(maps)[0] for row, maps in found.items()}
    panels = [Panel(row, _map(map_)) for row, map_ in arrays.items()]
    rows = list(arrays)
    side = max(map_.shape[0] for map_ in arrays.values())
    few = [panels[i].picture for i in np.linspace(0, len(panels) - 1, 9).astype(int)]
    cover = Panel(f"{rows[0]} to {rows[-1]}", drawing.tile([_to_side(picture, side) for picture in few]))
    choices: dict[str, Choice] = {
        "rows": f"{rows[0]} to {rows[-1]}, {len(rows)} in all, before and after each ReLU",
        "filter": "0 of each row",
    }
    return Result(arrays, panels, [cover], choices, columns=6)


def filters(subject: Subject) -> Result:
    """The first convolution's kernels."""
    net = subject.net
    kernels = to_host(attribution.filters(net))
    row = next(iter(net.architecture.parameters))
    panels = [Panel(str(k), picture) for k, picture in enumerate(drawing.rescale_each(kernels))]
    cover = Panel(f"{row}, {len(kernels)} filters", drawing.tile([_to_side(p.picture, 24) for p in panels], gap=2))
    choices: dict[str, Choice] = {
        "row": row,
        "size": f"{len(kernels)} filters of {kernels.shape[1]} x {kernels.shape[2]}",
    }
    return Result({"filters": kernels}, panels, [cover], choices, columns=8 if len(kernels) <= 16 else 16)


def _per_class(subject: Subject, method: Callable[..., Array], *further: Any) -> np.ndarray:
    """Return the method's result for each class, (classes, ...)."""
    return np.stack([to_host(method(subject.net, subject.x, c, *further))[0] for c in subject.classes])


def _signed_result(subject: Subject, values: np.ndarray, name: str, choices: dict[str, Choice]) -> Result:
    covers = [_signed(subject.name(c), value) for c, value in zip(subject.classes, values, strict=True)]
    panels = [panel for cover in covers for panel in (_photograph(subject), cover)]
    covers = [cover._replace(title=subject.name(c)) for c, cover in zip(subject.classes, covers, strict=True)]
    return Result({name: values}, panels, covers, choices, columns=2)


def _photograph(subject: Subject) -> Panel:
    return Panel("photograph", subject.photograph)


def _signed(title: str, values: np.ndarray) -> Panel:
    limit = drawing.limit_of(values, CLIP)
    return Panel(_scaled(title, limit), drawing.signed(values, limit))


def _scaled(title: str, limit: float, end: str = "±") -> str:
    """Add to a title where its colour scale ends."""
    return f"{title}: {end}{limit:.3g}" if limit else f"{title}: 0 everywhere"


def _map(values: np.ndarray) -> np.ndarray:
    return drawing.signed(values) if values.min() < 0 else drawing.grey(values)


def _as_large(subject: Subject, picture: np.ndarray) -> np.ndarray:
    """Bring a map's picture to the photograph's size, so that they can be compared."""
    return _to_side(picture, subject.photograph.shape[0])


def _to_side(picture: np.ndarray, side: int) -> np.ndarray:
    """Bring a square picture to `side` pixels, each the nearest one: its own pixels stay visible."""
    nearest = np.arange(side) * picture.shape[0] // side
    return picture[nearest][:, nearest]
