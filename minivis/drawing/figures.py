"""Figures: pictures with titles and a caption, by Matplotlib, without pyplot and its global state.

Places are worked out in pixels. So pictures are enlarged by whole factors, each of their pixels an even square, and no
title is cut off or laid over a picture.
"""

import functools
import math
import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..backend import Array
from ..errors import InputError
from ..pictures import save_picture
from .colours import finite

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 100
MARGIN, GAP = 14, 10  # pixels
TITLE, CAPTION = 9, 8  # points


def grid(
    pictures: Sequence[Array],
    titles: Sequence[str] | None = None,
    columns: int | None = None,
    caption: str = "",
    side: int = 200,
) -> "Figure":
    """Draw pictures in a grid, each below its title.

    Parameters
    ----------
    pictures : sequence of ndarray, shape (h, w, 3)
        RGB, 0..255, clipped to that. Small ones are enlarged by whole factors without smoothing, large ones keep
        their size; pictures of different sizes each stand at the top left of their cell.
    titles : sequence of str, optional
    columns : int, optional
        Default: up to six.
    caption : str
        Stands below, wrapped to the width: what the colours mean belongs here.
    side : int
        How wide a picture should at least be drawn, in pixels.

    Returns
    -------
    matplotlib.figure.Figure
        `save_figure` writes it.
    """
    drawn = [_enlarged(picture, side) for picture in pictures]
    if not drawn:
        raise InputError("there are no pictures to draw")
    if titles is not None and len(titles) != len(drawn):
        raise InputError(f"{len(titles)} titles for {len(drawn)} pictures: give one each")
    columns = min(columns or 6, len(drawn))
    width = max(picture.shape[1] for picture in drawn)
    texts = [_wrapped(title, width, TITLE) for title in titles] if titles is not None else [""] * len(drawn)
    rows = [range(i, min(i + columns, len(drawn))) for i in range(0, len(drawn), columns)]
    heads = [max(_height(texts[i], TITLE) for i in row) for row in rows]
    bodies = [max(drawn[i].shape[0] for i in row) for row in rows]
    total_width = max(2 * MARGIN + columns * (width + GAP) - GAP, 320)  # a caption needs room, even below one picture
    below = _wrapped(caption, total_width - 2 * MARGIN, CAPTION)
    total_height = 2 * MARGIN + sum(heads) + sum(bodies) + GAP * (len(rows) - 1) + _height(below, CAPTION)
    page = _Page(total_width, total_height)
    top = MARGIN
    for row, head, body in zip(rows, heads, bodies, strict=True):
        for column, i in enumerate(row):
            left = MARGIN + column * (width + GAP)
            page.write(texts[i], left, top + head - 4, TITLE)
            page.place(drawn[i], left, top + head)
        top += head + body + GAP
    page.write(below, MARGIN, total_height - MARGIN + 4, CAPTION)
    return page.figure


def contact_sheet(
    pictures: Sequence[Array], titles: Sequence[str], columns: int | None = None, caption: str = "", side: int = 192
) -> "Figure":
    """Draw pictures of any size on one sheet, each brought to `side` pixels on its longer side.

    Parameters
    ----------
    pictures, titles, caption
        As in `grid`. Here a picture's own pixels need not stay even squares.
    columns : int, optional
        Default: as square as possible, and four at least.
    side : int

    Returns
    -------
    matplotlib.figure.Figure
    """
    columns = columns or max(4, math.ceil(math.sqrt(len(pictures))))
    return grid([_thumbnail(picture, side) for picture in pictures], titles, columns, caption, side=1)


def save_figure(path: str | os.PathLike[str], figure: "Figure") -> None:
    """Write a figure as PNG; the file appears complete or not at all.

    Raises
    ------
    ImageFileError
        If it cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    save_picture(path, np.asarray(canvas.buffer_rgba())[:, :, :3])


class _Page:
    """A figure whose places are counted in pixels from the top left."""

    def __init__(self, width: int, height: int):
        from matplotlib.figure import Figure

        self.width, self.height = width, height
        self.figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor="white")

    def place(self, picture: np.ndarray, left: int, top: int) -> None:
        self.figure.figimage(picture, left, self.height - top - picture.shape[0])

    def write(self, text: str, left: int, bottom: int, points: int) -> None:
        if text:
            self.figure.text(
                left / self.width,
                1 - bottom / self.height,
                text,
                fontsize=points,
                va="bottom",
                linespacing=1.2,
                parse_math=False,  # a $ is a $
            )


def _wrapped(text: str, width: int, points: int) -> str:
    """Break `text` into lines that fit into `width` pixels: between words, and in row names after a slash."""
    lines: list[str] = []
    for line in text.split("\n"):
        lines.append("")
        for piece in re.findall(r"\s+|[^\s/]*/|[^\s/]+", line):
            # A piece that is too long for a whole line is broken anywhere.
            for part in piece if _width(piece, points) > width else [piece]:
                if lines[-1] and _width(lines[-1] + part, points) > width:
                    lines.append("")
                lines[-1] += part
    return "\n".join(line.strip() for line in lines)


def _width(text: str, points: int) -> float:
    """Return how many pixels wide `text` is drawn at most: hinting to whole pixels widens small letters by some 4 %."""
    return 1.04 * sum(_advance(letter, points) for letter in text.rstrip())


@functools.cache
def _advance(letter: str, points: int) -> float:
    from matplotlib.font_manager import FontProperties, findfont, get_font

    font = get_font(findfont(FontProperties()))  # one object for all sizes
    font.set_size(points, DPI)
    return font.load_char(ord(letter)).linearHoriAdvance / 2**16  # FreeType gives it in 65536ths of a pixel


def _height(text: str, points: int) -> int:
    """Return how many pixels `text` takes, with some air."""
    return round((text.count("\n") + 1) * points * DPI / 72 * 1.4 + 6) if text else 0


def _enlarged(picture: Array, side: int) -> np.ndarray:
    """Return a picture as bytes, at least about `side` pixels wide."""
    pixels = _bytes(picture)
    factor = max(1, round(side / pixels.shape[1]))
    return pixels.repeat(factor, 0).repeat(factor, 1)


def _thumbnail(picture: Array, side: int) -> np.ndarray:
    from PIL import Image

    pixels = _bytes(picture)
    height, width = pixels.shape[:2]
    size = max(1, round(width * side / max(height, width))), max(1, round(height * side / max(height, width)))
    filtered = Image.Resampling.NEAREST if max(height, width) < side else Image.Resampling.LANCZOS
    return np.asarray(Image.fromarray(pixels).resize(size, filtered))


def _bytes(picture: Array) -> np.ndarray:
    array = finite(picture)
    if array.ndim != 3 or array.shape[2] != 3:
        raise InputError(f"expected a picture (h, w, 3), got shape {array.shape}: signed and grey make one of a map")
    return np.clip(np.rint(array), 0, 255).astype(np.uint8)
