"""A lesson as a copy of one's own: the script, or a notebook made of it."""

from importlib.util import find_spec
from pathlib import Path

from ..atomic import replacing

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def has_jupytext() -> bool:
    """Return whether notebooks can be made here: jupytext comes with the extra `lessons`."""
    return find_spec("jupytext") is not None


def as_script(lesson: Path, path: Path) -> None:
    """Write the lesson as it is to `path`."""
    with replacing(path) as part:
        part.write_bytes(lesson.read_bytes())


def as_notebook(lesson: Path, path: Path) -> None:
    """Write the lesson as a notebook, not run yet, to `path`."""
    import jupytext
    import nbformat

    notebook = jupytext.read(lesson, fmt="py:percent")
    notebook.metadata["kernelspec"] = KERNEL
    with replacing(path) as part:
        part.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
