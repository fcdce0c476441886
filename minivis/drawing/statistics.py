"""Statistics of a network, drawn: histograms, the pruning curve, and kernels beside the functions fitted to them."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..backend import Array
from ..compression.pruning import PruningCurve
from ..errors import InputError
from ..representation.gabor import Gabor
from ..representation.statistics import Histogram
from .colours import tile
from .figures import DPI, grid
from .showing import COLOURS

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def histograms(
    found: Mapping[str, Histogram], notes: Mapping[str, str], caption: str = "", normal: bool = False
) -> Any:
    """Draw a histogram per row, as densities.

    Parameters
    ----------
    found : mapping
        By row.
    notes : mapping
        By row: what stands beside its name.
    caption : str
    normal : bool
        Draw the normal distribution of the same mean and spread too.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    if not found:
        raise InputError("there are no histograms to draw")
    columns = min(4, len(found))
    rows = -(-len(found) // columns)
    figure = Figure(figsize=(3.0 * columns, 2.1 * rows + 0.7), dpi=DPI, facecolor="white", layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel in panels[len(found) :]:
        panel.axis("off")
    for panel, (row, histogram) in zip(panels, found.items(), strict=False):
        edges, half = histogram.edges, len(histogram.counts) // 2
        counts = histogram.counts.copy()
        counts[half] -= histogram.zeros  # their density has no height; the note says how many they are
        height = counts / (max(histogram.total, 1) * np.diff(edges))
        there = np.flatnonzero(counts)
        panel.stairs(height, edges, fill=True, color=COLOURS[0])
        if len(there):
            panel.set_xlim(edges[there[0]], edges[there[-1] + 1])
        if normal and histogram.std > 0:
            x = np.linspace(edges[there[0]], edges[there[-1] + 1], 200)
            bell = np.exp(-(((x - histogram.mean) / histogram.std) ** 2) / 2) / (histogram.std * np.sqrt(2 * np.pi))
            panel.plot(x, bell, color=COLOURS[1], linewidth=1)
        panel.set_title(f"{row}\n{notes.get(row, '')}", fontsize=7)
        panel.set_yticks([])
        panel.tick_params(labelsize=6)
        panel.spines[["top", "right", "left"]].set_visible(False)
    if caption:
        figure.supxlabel(textwrap.fill(caption, 42 * columns), fontsize=8)
    return figure


def pruning_curves(curves: Mapping[str, PruningCurve], chance: float | None = None, caption: str = "") -> "Figure":
    """Draw accuracy against the share of zero weights; and, for the first curve, the zeros of each row."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.2), dpi=DPI, facecolor="white", layout="constrained")
    left, right = figure.subplots(1, 2)
    for i, (name, curve) in enumerate(curves.items()):
        left.plot(curve.zeros, curve.accuracy, ".-", color=COLOURS[i % len(COLOURS)], label=name)
    if chance is not None:
        left.axhline(chance, color="grey", linewidth=0.8, linestyle=":", label="the same answer to all, at best")
    left.set(xlabel="share of kernel weights set to zero", ylabel="accuracy", ylim=(0, 1))
    name, curve = next(iter(curves.items()))
    for i, (row, zeros) in enumerate(curve.by_row.items()):
        style = ("-", "--", ":", "-.")[i // len(COLOURS) % 4]
        right.plot(curve.zeros, zeros, style, color=COLOURS[i % len(COLOURS)], label=row)
    right.set(xlabel="share of kernel weights set to zero", ylabel=f"the same within a row ({name})", ylim=(0, 1.02))
    for panel in (left, right):
        panel.grid(alpha=0.3, linewidth=0.6)
        panel.spines[["top", "right"]].set_visible(False)
        panel.legend(fontsize=7, frameon=False)
    if caption:
        figure.supxlabel(textwrap.fill(caption, 150), fontsize=8)
    return figure


def gabor_pairs(kernels: Array, fits: Sequence[Gabor], caption: str = "") -> "Figure":
    """Draw each kernel (K, k, k, 3) with the Gabor function fitted to it on its right, and R² above."""
    pairs = []
    for kernel, fit in zip(kernels, fits, strict=True):
        drawn = fit.drawn(kernel.shape[0])
        limit = float(max(np.abs(kernel).max(), np.abs(drawn).max()))
        both = [127.5 + 127.5 * np.asarray(part) / limit for part in (kernel, drawn)]
        pairs.append(tile(both, columns=2, gap=1))
    titles = [f"{i}: {fit.r2:.2f}" for i, fit in enumerate(fits)]
    return grid(pairs, titles, columns=8, caption=caption, side=105)
