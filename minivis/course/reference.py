"""The pages of the reference: the public names by subject, each with its docstring."""

import importlib
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
    "Mapping and compression": ("representation", "compression"),
    "Training": ("training",),
    "Drawing and the course": ("drawing", "course"),
    "Errors": ("errors",),
}
"""Each heading, and the packages below minivis whose public names stand under it."""

WITHOUT_SECTIONS = ("attribute", "data", "property")  # what has no parameters and returns nothing


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
    contents = []
    for subject, found in names.items():
        if found:
            contents.append(write_page(folder, subject, "minivis", sorted(found, key=str.lower)))
    from minivis import objectives

    contents.append(write_page(folder, "Objectives", "minivis.objectives", list(objectives.__all__)))
    listed = "\n".join(f"| [{subject}]({page}.md) | {names} |" for subject, page, names in contents)
    tree = "\n".join(page for _, page, _ in contents)
    index = f"# Reference\n\nEvery public name, from its docstring.\n\n| | |\n|---|---|\n{listed}\n"
    (folder / "index.md").write_text(f"{index}\n```{{toctree}}\n:hidden:\n\n{tree}\n```\n", encoding="utf-8")


def write_page(folder: Path, subject: str, module: str, names: list[str]) -> tuple[str, str, str]:
    """Write the page of a subject; return its heading, the name of its file, and links to what is on it."""
    page = subject.lower().replace(" ", "-")
    home = importlib.import_module(module)
    text = "\n\n".join(entry(f"{module}.{name}", getattr(home, name)) for name in names)
    (folder / f"{page}.md").write_text(f"# {subject}\n\n{text}\n", encoding="utf-8")
    return subject, page, ", ".join(f"{{py:obj}}`{name} <{module}.{name}>`" for name in names)


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
    """Make the lines of a docstring harmless, in place, as Sphinx wants it; attributes named together stand apart."""
    lines[:] = [plain(line) for line in lines]
    if "Attributes" in lines:
        first = lines.index("Attributes")
        together = re.compile(r"(\w+), (\w+) : (.+)")
        apart = [together.sub(r"\1 : \3\n\n\2 : \3", line).split("\n") for line in lines[first:]]
        lines[first:] = [line for group in apart for line in group]
    if what in WITHOUT_SECTIONS:
        app.env.temp_data[name] = list(lines)


def restore_docstring(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Undo what napoleon makes of "The derivative: a ReLU passes ...": a type, with an explanation."""
    if what in WITHOUT_SECTIONS:
        lines[:] = app.env.temp_data.pop(name)


def skip_member(app: Any, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    """Leave out a named tuple's fields, which only say "Alias for field number 0": its signature lists them."""
    return True if type(obj).__name__ == "_tuplegetter" else None


def mend_links(app: Any, doctree: Any) -> None:
    """Link a name between backticks if it is public, and no type: it is said in words, of which each would be a name.

    Sphinx itself would link `path` to the first class that has a ``path``.
    """
    from sphinx.addnodes import literal_emphasis, pending_xref

    import minivis

    for link in list(doctree.findall(pending_xref)):
        by_name = link["reftype"] == "obj" and not link["reftarget"].startswith("minivis.")
        if by_name and link["reftarget"] in minivis.__all__:
            link["reftarget"] = f"minivis.{link['reftarget']}"
        elif by_name or isinstance(link[0], literal_emphasis):
            link.replace_self(link.children)


def setup(app: Any) -> dict[str, bool]:
    """Tell Sphinx to pass docstrings through these functions, before and after napoleon reads numpydoc's sections."""
    app.connect("autodoc-process-docstring", process_docstring, priority=100)
    app.connect("autodoc-process-docstring", restore_docstring, priority=900)
    app.connect("autodoc-skip-member", skip_member)
    app.connect("doctree-read", mend_links)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
