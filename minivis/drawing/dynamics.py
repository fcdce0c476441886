"""Training dynamics, drawn: curves over the epochs, and the map of the codes through time."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from ..training.dynamics import Record
from .figures import DPI
from .showing import COLOURS, DOTS

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def dynamics_curves(record: Record) -> "Figure":
    """Draw a record as curves: loss, accuracy, lengths of kernels, update over weight, and dead channels."""
    from matplotlib.figure import Figure
    from matplotlib.legend import Legend

    figure = Figure(figsize=(11, 7), dpi=DPI, facecolor="white", layout="constrained")
    axes = figure.subplots(2, 3).ravel()
    x = record.epochs
    _lines(axes[0], x, {"trained on": record.loss, "held out": record.held_out_loss}, "loss: cross-entropy")
    _lines(axes[1], x, {"trained on": record.accuracy, "held out": record.held_out_accuracy}, "accuracy")
    kernels = [i for i, name in enumerate(record.weights) if name.endswith("/kernel")]
    names = [record.weights[i].removesuffix("/kernel") for i in kernels]
    _lines(axes[2], x, dict(zip(names, record.weight_norm.T[kernels], strict=True)), "length of the kernel")
    ratio = dict(zip(names, record.update_ratio.T[kernels], strict=True))
    _lines(axes[3], x, ratio, "last step's update / kernel, lengths")
    if np.nanmax(record.update_ratio[:, kernels], initial=0.0) > 0:
        axes[3].set_yscale("log")
    _lines(axes[4], x, dict(zip(record.relus, record.dead.T, strict=True)), "share of dead channels")
    axes[4].set_ylim(bottom=-0.02)
    axes[5].axis("off")
    for panel, place in ((axes[2], (0.0, 1.0)), (axes[4], (0.5, 1.0))):
        handles, labels = panel.get_legend_handles_labels()
        if panel.get_legend():
            panel.get_legend().remove()
        legend: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": place, "fontsize": 7, "frameon": False}
        axes[5].add_artist(Legend(axes[5], handles, labels, **legend))
    caption = (
        "Loss and accuracy 'trained on' are means over an epoch, while the weights change; all else is measured at its "
        f"end. Dead: 0 everywhere in all {len(record.labels)} fixed pictures."
    )
    figure.supxlabel(f"epoch (0: before the first step)\n{caption}", fontsize=8)
    return figure


def epoch_maps(places: np.ndarray, record: Record, chosen: Sequence[int], columns: int = 4, note: str = "") -> "Figure":
    """Draw the map of codes at some epochs beside each other, on the same axes.

    Parameters
    ----------
    places : ndarray, shape (E, N, 2)
        By `trajectories`.
    record : Record
    chosen : sequence of int
        Which of its E epochs.
    columns : int
    note : str
        Stands above: how the map was made.
    """
    from matplotlib.figure import Figure

    chosen = list(chosen)
    if places.shape != (len(record.epochs), len(record.labels), 2) or not chosen:
        raise InputError(f"expected a place for each code and some epochs, got {places.shape} and {chosen}")
    columns = min(columns, len(chosen))
    rows = -(-len(chosen) // columns)
    size = (2.6 * columns + 0.2, 2.75 * rows + 0.9)
    figure = Figure(figsize=size, dpi=DPI, facecolor="white", layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel in panels[len(chosen) :]:
        panel.axis("off")
    for panel, epoch in zip(panels, chosen, strict=False):
        _cloud(panel, places[epoch], record, _limits(places), size=9)
        panel.set_title(_title(record, epoch), fontsize=9)
    _legend(figure, panels[0])
    if note:
        figure.suptitle(note, fontsize=8)
    return figure


def map_frames(places: np.ndarray, record: Record, between: int = 4, hold: int = 8) -> Iterator[np.ndarray]:
    """Yield the pictures of an animation, (H, W, 3) in 0..255: the codes move from epoch to epoch.

    Parameters
    ----------
    places : ndarray, shape (E, N, 2)
    record : Record
    between : int
        Frames from one epoch to the next; places between are on a straight line (nothing was measured there).
    hold : int
        How often the first and the last epoch are shown.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    limits = _limits(places)
    last = len(places) - 1
    for epoch, share in [(e, i / between) for e in range(last) for i in range(between)] + [(last, 0.0)]:
        figure = Figure(figsize=(5.0, 5.2), dpi=DPI, facecolor="white", layout="constrained")
        panel = figure.subplots()
        after = places[min(epoch + 1, last)]
        _cloud(panel, (1 - share) * places[epoch] + share * after, record, limits, size=22)
        panel.set_title(_title(record, epoch), fontsize=10)
        _legend(figure, panel)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        still = (epoch in (0, last)) and not share
        for _ in range(hold if still else 1):
            yield np.asarray(canvas.buffer_rgba())[:, :, :3]


def _lines(panel: Any, x: np.ndarray, curves: dict[str, np.ndarray], what: str) -> None:
    for i, (name, y) in enumerate(curves.items()):
        if np.isfinite(y).any():
            style = ("-", "--", ":", "-.")[i // len(COLOURS) % 4]
            panel.plot(x, y, style, color=COLOURS[i % len(COLOURS)], label=name, linewidth=1.4, marker=".", ms=4)
    panel.set_title(what, fontsize=9)
    panel.grid(alpha=0.3, linewidth=0.6)
    panel.spines[["top", "right"]].set_visible(False)
    if 1 < len(panel.lines) <= 3:
        panel.legend(fontsize=8, frameon=False)


def _cloud(panel: Any, places: np.ndarray, record: Record, limits: Any, size: float) -> None:
    for k, name in enumerate(record.classes):
        mine = places[record.labels == k]
        if len(mine):
            colour, dot = COLOURS[k % len(COLOURS)], DOTS[k // len(COLOURS) % len(DOTS)]
            panel.scatter(*mine.T, s=size, c=colour, marker=dot, label=name, linewidths=0, alpha=0.8)
    panel.set(xlim=limits[0], ylim=limits[1], xticks=[], yticks=[])


def _limits(places: np.ndarray) -> list[tuple[float, float]]:
    """Return the same span for both axes, so that distances look as they are."""
    flat = places.reshape(-1, 2)
    centre, reach = (flat.max(0) + flat.min(0)) / 2, float((flat.max(0) - flat.min(0)).max()) * 0.53 or 1.0
    return [(c - reach, c + reach) for c in centre.tolist()]


def _title(record: Record, epoch: int) -> str:
    right = record.held_out_accuracy[epoch]
    text = f"epoch {record.epochs[epoch]}"
    return f"{text}: {right:.1%} right" if np.isfinite(right) else text


def _legend(figure: Any, panel: Any) -> None:
    handles, labels = panel.get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="outside lower center",
        ncols=min(4, len(labels)),
        fontsize=8,
        frameon=False,
        markerscale=1.5,
    )
