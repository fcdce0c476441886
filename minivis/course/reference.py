"""The pages of the reference: the public names by subject, each with its docstring."""

import inspect
import re
from pathlib import Path
from typing import Any

SUBJECTS = {
    "The engine": ("tape", "testing", "backend", "rules"),
    "Primitives": ("primitives",),
    "Networks and weights": ("nets", "weights"),
    "Pictures": ("pictures", "pixels", "scenes"),
    "Looking": ("attribution", "segmentation", "faithfulness"),
    "Making": ("synthesis",),
    "Mapping": ("representation", "compression", "training"),
    "Drawing and the course": ("drawing", "course"),
    "Errors": ("errors",),
}
"""Each heading, and the packages below minivis whose public names stand under it."""


def subject_of(name: str, value: Any) -> str:
    """Return the heading under which a public name stands."""
    home = value.__name__ if inspect.ismodule(value) else getattr(value, "__module__", "") or ""
    unit = home.removeprefix("minivis.").split(".")[0]
    for subject, units in SUBJECTS.items():
        if unit in units:
            return subject
    return "The engine"  # the tables of rules are dictionaries, which know no module


def write(folder: Path) -> None:
    """Write one page for each subject, and one for the objectives, into `folder`."""
    import minivis

    names: dict[str, list[str]] = {subject: [] for subject in SUBJECTS}
    for name in minivis.__all__:
        if not inspect.ismodule(getattr(minivis, name)):
            names[subject_of(name, getattr(minivis, name))].append(name)
    folder.mkdir(parents=True, exist_ok=True)
    entries = []
    for subject, found in names.items():
        if found:
            page = subject.lower().replace(" ", "-")
            text = "\n\n".join(
                entry(f"minivis.{name}", getattr(minivis, name)) for name in sorted(found, key=str.lower)
            )
            (folder / f"{page}.md").write_text(f"# {subject}\n\n{text}\n", encoding="utf-8")
            entries.append(page)
    from minivis import objectives

    listed = "\n\n".join(entry(f"minivis.objectives.{name}", getattr(objectives, name)) for name in objectives.__all__)
    (folder / "objectives.md").write_text(f"# Objectives\n\n{listed}\n", encoding="utf-8")
    listing = "\n".join([*entries, "objectives"])
    index = f"# Reference\n\nEvery public name, from its docstring.\n\n```{{toctree}}\n:maxdepth: 1\n\n{listing}\n```\n"
    (folder / "index.md").write_text(index, encoding="utf-8")


def entry(path: str, value: Any) -> str:
    """Return the directive that documents one name."""
    if inspect.isclass(value):
        directive = f".. autoclass:: {path}\n   :members:"
    elif inspect.ismodule(value):
        directive = f".. automodule:: {path}"
    elif callable(value):
        directive = f".. autofunction:: {path}"
    else:
        directive = f".. autodata:: {path}\n   :no-value:"
    return f"```{{eval-rst}}\n{directive}\n```"


def plain(line: str) -> str:
    """Return a line of a docstring with what is a formula to us, and markup to Sphinx, made harmless.

    ``|x|`` would be a substitution, ``i*s`` the begin of an emphasis, ``name_`` a link. Literals stay as they are.
    """
    pieces = re.split(r"(``.*?``|`[^`]+`)", line)
    return "".join(
        piece if i % 2 else re.sub(r"[|*]|(?<=\w)_(?!\w)", r"\\\g<0>", piece) for i, piece in enumerate(pieces)
    )


def process_docstring(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Make the lines of a docstring harmless, in place, as Sphinx wants it."""
    lines[:] = [plain(line) for line in lines]


def setup(app: Any) -> dict[str, bool]:
    """Tell Sphinx to pass docstrings through `plain`, before numpydoc's sections are read."""
    app.connect("autodoc-process-docstring", process_docstring, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
