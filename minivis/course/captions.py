"""The captions of pictures as their alternative text, for who hears a page; and wide pictures made legible on a phone.

A Sphinx extension. MyST takes one alternative text per cell, and a cell may show several pictures.
"""

import base64
import json
from pathlib import Path
from typing import Any

WIDE = 800  # pixels (ours): wider pictures are not shrunk to the width of a phone, but can be scrolled


def pictures_of(notebook: Path) -> list[tuple[str, int]]:
    """Return the alternative text and the width of each picture that the cells of a notebook show, in order."""
    found = []
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", ()):
            if png := output.get("data", {}).get("image/png"):
                said = output.get("metadata", {})
                alt = said.get("image/png", {}).get("alt") or said.get("alt") or ""
                found.append((alt, int.from_bytes(base64.b64decode("".join(png)[:32])[16:20], "big")))
    return found


def describe(app: Any, doctree: Any) -> None:
    """Give each picture that a cell shows its caption as alternative text."""
    from docutils.nodes import container, image

    notebook = Path(app.env.doc2path(app.env.docname))
    if notebook.suffix != ".ipynb":
        return
    outputs = [node for node in doctree.findall(container) if node.get("nb_element") == "cell_code_output"]
    shown = [picture for output in outputs for picture in output.findall(image)]
    for picture, (alt, width) in zip(shown, pictures_of(notebook), strict=True):
        picture["alt"] = alt
        if width > WIDE:
            box = container(classes=["wide"])
            picture.replace_self(box)
            box += picture


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("doctree-read", describe)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
