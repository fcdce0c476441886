"""Pictures and curves in front of the reader: inside a notebook, or as PNG files beside a script.

A script writes into the folder that the environment variable MINIVIS_FIGURES names, else into ``figures`` beside the
script, as NAME_1.png, NAME_2.png, and prints the path. Nothing opens a window.
"""

import io
import itertools
import os
import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..backend import Array, to_host
from ..errors import InputError
from .figures import DPI, grid, save_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's colours, which colour-blind readers tell apart, without the yellow that is too pale on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
LINES, DOTS = ("-", "--", ":"), ("o", "^", "s")  # the next one of these each time the colours are used up

_numbers = itertools.count(1)


def show(
    pictures: Any,
    titles: Sequence[str] | str | None = None,
    columns: int | None = None,
    caption: str = "",
    side: int = 200,
) -> None:
    """Show pictures beside each other, each below its title, or a figure as it is.

    Parameters
    ----------
    pictures : ndarray, shape (H, W, 3) or (N, H, W, 3), or a sequence of pictures, or a Figure
        RGB, 0..255, clipped to that. Maps and gradients are no pictures: `signed`, `grey` and `heat_over` make one.
        What other drawing functions return as a Matplotlib figure has its own titles and caption.
    titles : str or sequence of str, optional
    columns : int, optional
        Default: up to six.
    caption : str
        Stands below: what is seen, and what the colours mean.
    side : int
        How wide a picture should at least be drawn, in pixels; small ones are enlarged by whole factors.
    """
    if hasattr(pictures, "savefig"):
        present(pictures, caption)
        return
    titles = [titles] if isinstance(titles, str) else titles
    present(grid(_each(pictures), titles, columns, caption, side), caption)


def plot(
    curves: Mapping[str, Any],
    xlabel: str = "",
    ylabel: str = "",
    caption: str = "",
    dots: bool = False,
    log: str = "",
) -> None:
    """Plot curves, or clouds of dots, each with its name.

    Parameters
    ----------
    curves : mapping of str to array or pair of arrays
        By name: the values y (over 0, 1, 2, ...), or (x, y).
    xlabel, ylabel : str
        What the axes are, with the unit.
    caption : str
        Stands below.
    dots : bool
        Draw dots that no line connects.
    log : {"", "x", "y", "xy"}
        Which axes are logarithmic.
    """
    if log not in ("", "x", "y", "xy"):
        raise InputError(f"log is '', 'x', 'y' or 'xy', got {log!r}")
    if not curves:
        raise InputError("there are no curves to plot")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.0), dpi=DPI, facecolor="white", layout="constrained")
    axes = figure.subplots()
    for i, (name, curve) in enumerate(curves.items()):
        x, y = _points(name, curve)
        colour, again = COLOURS[i % len(COLOURS)], i // len(COLOURS)
        if dots:
            axes.plot(x, y, DOTS[again % len(DOTS)], color=colour, label=name, markersize=4, alpha=0.8, mew=0)
        else:
            axes.plot(x, y, LINES[again % len(LINES)], color=colour, label=name, linewidth=1.6)
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.set_xscale("log" if "x" in log else "linear")
    axes.set_yscale("log" if "y" in log else "linear")
    axes.grid(alpha=0.3, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    if len(curves) > 1:
        axes.legend(fontsize=8, frameon=False)
    if caption:
        figure.supxlabel(textwrap.fill(caption, 105), x=0.02, ha="left", fontsize=8)
    present(figure, caption)


def present(figure: "Figure", alt: str = "") -> None:
    """Display a figure in the notebook that runs this, or write it as a PNG and print where."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is not None and hasattr(shell, "kernel"):
        from IPython.display import Image, display

        png = io.BytesIO()
        figure.savefig(png, format="png", dpi=DPI)
        display(Image(data=png.getvalue(), alt=alt))
        return
    path = _next_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    save_figure(path, figure)
    print(f"[picture: {path}]")


def _next_path() -> Path:
    """Return where a script's next figure goes."""
    script = Path(getattr(sys.modules["__main__"], "__file__", None) or "figure")
    chosen = os.environ.get("MINIVIS_FIGURES")
    folder = Path(chosen).expanduser() if chosen else script.parent / "figures"
    return folder / f"{script.stem}_{next(_numbers)}.png"


def _each(pictures: Any) -> list[Array]:
    """Return one picture, a batch, or a sequence of either as a list of pictures (H, W, 3)."""
    if hasattr(pictures, "ndim"):
        return list(pictures) if pictures.ndim == 4 else [pictures]
    return [picture for some in pictures for picture in _each(some)]


def _points(name: str, curve: Any) -> tuple[np.ndarray, np.ndarray]:
    pair = curve if isinstance(curve, tuple) else (None, curve)
    if len(pair) != 2:
        raise InputError(f"{name!r}: a curve is the values y or a pair (x, y)")
    y = to_host(pair[1])
    x = np.arange(len(y)) if pair[0] is None else to_host(pair[0])
    if x.shape != y.shape or y.ndim != 1:
        raise InputError(f"{name!r}: x and y are rows of equally many numbers, got shapes {x.shape} and {y.shape}")
    return x, y
