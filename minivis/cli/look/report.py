"""report.html: one page with everything in it, the pictures too, so that it can be sent as one file."""

import base64
import io
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...atomic import replacing
from ..common import writing
from .subject import Choice, Panel
from .table import MANY_COLUMNS, Finished

STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #222; background: #fff; margin: 0 auto; padding: 1rem;
  max-width: 64rem; overflow-wrap: break-word; }
h1 { font-size: 1.5rem; line-height: 1.2; margin: .5rem 0; }
h2 { font-size: 1.15rem; margin: 2rem 0 .25rem; padding-top: .75rem; border-top: 1px solid #ddd; }
p { margin: .25rem 0 .75rem; }
.line { color: #444; font-size: .9rem; max-width: 60rem; }
.top { display: flex; flex-wrap: wrap; gap: 1.5rem; align-items: flex-start; }
.panels { display: grid; gap: .75rem; margin-bottom: .75rem;
  grid-template-columns: repeat(auto-fill, minmax(var(--cell), 1fr)); }
figure { margin: 0; max-width: 20rem; }
figure img { display: block; width: 100%; image-rendering: pixelated; background: #eee; }
figcaption { font-size: .8rem; line-height: 1.3; color: #444; margin-top: .2rem; }
.top figure { flex: 0 1 14rem; }
table { border-collapse: collapse; flex: 1 1 16rem; max-width: 32rem; }
td { padding: .15rem .5rem .15rem 0; vertical-align: middle; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
td.bar { width: 45%; }
td.bar span { display: block; height: .8rem; background: #2166ac; min-width: 1px; }
caption { text-align: left; font-weight: 600; padding-bottom: .25rem; }
footer { margin-top: 2rem; border-top: 1px solid #ddd; padding-top: .5rem; color: #666; font-size: .8rem; }
@media (max-width: 30rem) { body { padding: .75rem; } .panels { gap: .5rem; } }
"""
WIDE, NARROW = "min(14rem, 45%)", "5.5rem"  # how wide a panel is at least: beside few others, and among many


class Page(NamedTuple):
    """What stands in a report."""

    title: str
    about: Mapping[str, Choice]
    photograph: np.ndarray
    top: Sequence[tuple[str, float]]  # class and probability; empty where the net has none to give
    finished: list[Finished]
    skipped: dict[str, str]  # method and why
    note: str = ""


def write(path: Path, page: Page) -> None:
    """Write the page; it appears complete or not at all."""
    with writing(path), replacing(path) as part:
        part.write_text(html(page), encoding="utf-8", errors="backslashreplace")


def html(page: Page) -> str:
    """Return the page as HTML."""
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(page.title)}</title><style>{STYLE}</style></head><body>",
        f"<h1>{escape(page.title)}</h1>",
        f"<p><strong>{escape(page.note)}</strong></p>" if page.note else "",
        '<div class="top">',
        _figure(Panel("the photograph as the net sees it", page.photograph)),
        _top(page.top),
        "</div>",
        *(_section(finished) for finished in page.finished),
        _skipped(page.skipped),
        f"<footer>{'; '.join(f'{escape(name)}: {escape(str(value))}' for name, value in page.about.items())}</footer>",
        "</body></html>\n",
    ]
    return "\n".join(part for part in parts if part)


def _section(finished: Finished) -> str:
    panels, columns = finished.result.panels, finished.result.columns
    few = columns < MANY_COLUMNS
    rows = [panels[i : i + columns] for i in range(0, len(panels), columns)] if few else [panels]
    parts = [
        f"<section><h2>{escape(finished.method.name)}</h2>",
        f'<p class="line">{escape(finished.line)}</p>',
        *(_panels(row, WIDE if few else NARROW) for row in rows),
        "</section>",
    ]
    return "\n".join(parts)


def _panels(panels: Sequence[Panel], cell: str) -> str:
    return f'<div class="panels" style="--cell: {cell}">\n' + "\n".join(map(_figure, panels)) + "\n</div>"


def _figure(panel: Panel) -> str:
    title = escape(panel.title)
    return f'<figure><img alt="{title}" src="{data_uri(panel.picture)}"><figcaption>{title}</figcaption></figure>'


def _top(top: Sequence[tuple[str, float]]) -> str:
    if not top:
        return "<p>The weight file ends before the classes.</p>"
    rows = "\n".join(
        f'<tr><td>{escape(name)}</td><td class="number">{p:.4f}</td>'
        f'<td class="bar"><span style="width: {100 * p:.1f}%"></span></td></tr>'
        for name, p in top
    )
    return f"<table><caption>Top classes, with their probabilities</caption>\n{rows}\n</table>"


def _skipped(skipped: Mapping[str, str]) -> str:
    if not skipped:
        return ""
    items = "\n".join(f"<li>{escape(name)}: {escape(why)}</li>" for name, why in skipped.items())
    return f"<section><h2>Skipped</h2>\n<ul>\n{items}\n</ul></section>"


def data_uri(picture: np.ndarray) -> str:
    """Return a picture (h, w, 3), 0..255, as a PNG within a data URI."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(np.clip(np.rint(picture), 0, 255).astype(np.uint8)).save(file, format="PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
