"""Maps: points in the plane coloured by class, a map as a grid of pictures, and sheets of nearest neighbours."""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..backend import DTYPE, Array, to_host
from ..errors import InputError
from .figures import CAPTION, GAP, MARGIN, TITLE, _height, _Page, _thumbnail, _wrapped

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# The palette of Okabe and Ito (2008): told apart with any of the common kinds of colour vision.
PALETTE = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#000000")
SHAPES = "os^DvPX"  # seven: with eight colours, 56 classes differ
RIGHT, WRONG = (0, 114, 178), (213, 94, 0)  # blue and vermilion of the same palette
MOST_NAMED = len(PALETTE) * len(SHAPES)
MAP = 760  # pixels of the map's square


def scatter(
    embedding: Array,
    classes: Sequence[int] | np.ndarray | None = None,
    names: Sequence[str] = (),
    title: str = "",
    caption: str = "",
) -> "Figure":
    """Draw points of the plane, each class with its colour and shape, and a legend.

    Parameters
    ----------
    embedding : ndarray, shape (N, 2)
        Both axes have the same scale.
    classes : ndarray of int, shape (N,), optional
    names : sequence of str
        Of the classes; those without a point are left out of the legend.
    title, caption : str
        Above and below.

    Returns
    -------
    matplotlib.figure.Figure
    """
    points = to_host(embedding)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points) or not np.isfinite(points).all():
        raise InputError(f"expected finite points of the plane (N, 2), got shape {points.shape}")
    labels = np.zeros(len(points), int) if classes is None else np.asarray(classes)
    if len(labels) != len(points):
        raise InputError(f"{len(points)} points and {len(labels)} classes: give one each")
    used = [int(label) for label in np.unique(labels)] if classes is not None and len(names) else []
    named = used if len(used) <= MOST_NAMED else []
    if used and not named:
        caption = f"{caption}\n{len(used)} classes are too many for a legend; colours repeat.".strip()
    legend = 190 * math.ceil(len(named) / 28)
    width = 2 * MARGIN + MAP + legend
    below = _wrapped(caption, width - 2 * MARGIN, CAPTION)
    head, foot = _height(title, TITLE + 2), _height(below, CAPTION)
    page = _Page(width, 2 * MARGIN + head + MAP + GAP + foot)
    axes = page.figure.add_axes(
        (MARGIN / page.width, 1 - (MARGIN + head + MAP) / page.height, MAP / page.width, MAP / page.height),
        aspect="equal",
        adjustable="datalim",
        xticks=[],
        yticks=[],
    )
    size = float(np.clip(20_000 / len(points), 6, 50))  # points², so that dense maps stay legible
    for label in np.unique(labels):
        x, y = points[labels == label].T
        axes.scatter(x, y, s=size, c=PALETTE[label % 8], marker=_shape(label), linewidths=0.3, edgecolors="#666666")
    if named:
        _add_legend(axes, named, names)
    page.write(title, MARGIN, MARGIN + head - 6, TITLE + 2)
    page.write(below, MARGIN, page.height - MARGIN + 4, CAPTION)
    return page.figure


def map_of_pictures(picture_of: Callable[[int], Array], cells: np.ndarray, side: int = 48) -> np.ndarray:
    """Draw a grid of pictures: ``cells`` (g, h) of indices by `minivis.picture_grid`, -1 for a white cell.

    Parameters
    ----------
    picture_of : callable
        Gives the picture (h, w, 3), 0..255, of an index. Its middle square is shown.
    cells : ndarray of int, shape (g, h)
    side : int
        Pixels of a cell.

    Returns
    -------
    ndarray, shape (g * side, h * side, 3)
    """
    rows, columns = cells.shape
    canvas = np.full((rows, side, columns, side, 3), 255, DTYPE)
    drawn: dict[int, np.ndarray] = {}
    for (row, column), index in np.ndenumerate(cells):
        if index >= 0:
            if index not in drawn:
                drawn[index] = _thumbnail(_middle(picture_of(int(index))), side)
            canvas[row, :, column] = drawn[index]
    return canvas.reshape(rows * side, columns * side, 3)


class Shown(NamedTuple):
    """A picture of a neighbours' sheet, with its text, and whether it has the class of its query, if that is known."""

    picture: Array  # (h, w, 3)
    text: str
    right: bool | None = None


class Row(NamedTuple):
    """A row of a neighbours' sheet: a query, and its neighbours of each kind."""

    query: Shown
    kinds: Sequence[Sequence[Shown]]


def neighbours_sheet(rows: Sequence[Row], heads: Sequence[str], caption: str = "", side: int = 96) -> "Figure":
    """Draw queries on the left, and beside each its neighbours, kind by kind.

    A frame and a sign before the text say whether a neighbour has the class of its query: blue and a tick for yes,
    orange and a cross for no.

    Parameters
    ----------
    rows : sequence of Row
    heads : sequence of str
        Above the kinds, such as "by pixels".
    caption : str
    side : int
        Pixels of a picture.

    Returns
    -------
    matplotlib.figure.Figure
    """
    if not rows or any(len(row.kinds) != len(heads) for row in rows):
        raise InputError(f"expected rows with {len(heads)} kinds of neighbours each, and at least one row")
    cell, aisle = side + 8, 3 * GAP
    most = [max(len(row.kinds[i]) for row in rows) for i in range(len(heads))]
    lefts, left = [], MARGIN + cell + aisle
    for count in most:
        lefts.append(left)
        left += count * cell + aisle
    texts = [
        [_wrapped(_signed(shown), side, CAPTION) for shown in (row.query, *(s for k in row.kinds for s in k))]
        for row in rows
    ]
    heights = [max(_height(text, CAPTION) for text in some) for some in texts]
    width, head = left - aisle + MARGIN, _height("x", TITLE + 1)
    below = _wrapped(caption, width - 2 * MARGIN, CAPTION)
    page = _Page(width, 2 * MARGIN + head + sum(heights) + len(rows) * (side + GAP) + _height(below, CAPTION))
    for title, place in zip(("query", *heads), (MARGIN, *lefts), strict=True):
        page.write(title, place, MARGIN + head - 6, TITLE + 1)
    top = MARGIN + head
    for row, written, height in zip(rows, texts, heights, strict=True):
        places = [MARGIN, *(lefts[i] + j * cell for i, kind in enumerate(row.kinds) for j in range(len(kind)))]
        shown = [row.query, *(one for kind in row.kinds for one in kind)]
        for one, place, text in zip(shown, places, written, strict=True):
            page.place(_framed(one, side), place, top)
            page.write(text, place, top + side + _height(text, CAPTION) - 2, CAPTION)
        top += side + height + GAP
    page.write(below, MARGIN, page.height - MARGIN + 4, CAPTION)
    return page.figure


def _shape(label: int) -> str:
    """Return the shape of a class: neighbours in the list differ in it as well, for those who see no colours."""
    return SHAPES[label % len(SHAPES)]


def _add_legend(axes: "object", used: Sequence[int], names: Sequence[str]) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], ls="", marker=_shape(i), color=PALETTE[i % 8], mec="#666666", mew=0.3, ms=7) for i in used
    ]
    legend = axes.legend(  # type: ignore[attr-defined]
        handles,
        [str(i) for i in used],
        loc="upper left",
        bbox_to_anchor=(1.01, 1.0),
        borderaxespad=0,
        frameon=False,
        fontsize=TITLE,
        ncols=math.ceil(len(used) / 28),
    )
    for text, i in zip(legend.get_texts(), used, strict=True):
        text.set_parse_math(False)  # a $ is a $
        text.set_text(names[i] if len(names[i]) <= 24 else names[i][:23] + "…")  # here, since "_x" would be left out


def _signed(shown: Shown) -> str:
    return shown.text if shown.right is None else f"{'✓' if shown.right else '✗'} {shown.text}"


def _framed(shown: Shown, side: int) -> np.ndarray:
    """Return the thumbnail, in a frame of four pixels if it is right or wrong."""
    pixels = _thumbnail(_middle(shown.picture), side).copy()
    if shown.right is not None:
        inside = pixels[4:-4, 4:-4].copy()
        pixels[:] = RIGHT if shown.right else WRONG
        pixels[4:-4, 4:-4] = inside
    return pixels


def _middle(picture: Array) -> np.ndarray:
    """Return the middle square of a picture."""
    picture = to_host(picture)
    side = min(picture.shape[:2])
    top, left = (picture.shape[0] - side) // 2, (picture.shape[1] - side) // 2
    return picture[top : top + side, left : left + side]
