"""The order of the house: which module may import which, how large things may be, and whether the README is true."""

import ast
import dataclasses
import functools
import importlib
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT

PACKAGE = ROOT / "minivis"
MODULES = sorted(PACKAGE.rglob("*.py"))

# A module may import only from the lines above its own; "minivis" is the public surface, minivis/__init__.py.
ORDER = (
    {"atomic", "errors", "workspace"},
    {"parallel"},
    {"backend", "locks"},
    {"tape"},
    {"primitives"},
    {"rules", "testing"},
    {"pixels"},
    {"pictures", "shards", "weights"},
    {"nets", "scenes"},
    {"attribution", "training"},
    {"representation", "segmentation"},
    {"compression", "faithfulness", "synthesis"},
    {"objectives"},
    {"drawing"},
    {"minivis"},
    {"verify"},
    {"course"},
    {"cli"},
)
RANK = {unit: rank for rank, units in enumerate(ORDER) for unit in units}
FREE = {"__init__", "__main__"}

SLOW_TO_IMPORT = {"matplotlib", "h5py", "cupy", "torch", "PIL", "scipy", "tqdm", "pooch"}
MOST_LINES = 320
MOST_BYTES = 4_200_000

# Places on one machine, and hosts that an installation has of its own. [x] keeps a pattern from finding itself.
PRIVATE = re.compile(
    r"/[w]ork/|/[f]arm/|/[r]oot/|/[h]ome/\w|/[U]sers/\w|[A-Z]:\\[U]sers|/[t]mp/\w"
    r"|[p]ypi\.org|[p]ythonhosted\.org|registry\.[n]pmjs|[d]eb\.debian|[c]onda\.anaconda"
)


def unit_of(path: Path) -> str:
    """Return the name directly under minivis/ that `path` belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(source: str, package: list[str]) -> Iterator[tuple[int, str]]:
    """Yield (line, unit) for every import from minivis in `source`, inside functions too, but not for type checkers.

    `package` is the package that a leading dot stands for, such as ``["minivis", "nets"]``.
    """
    stack: list[ast.AST] = [ast.parse(source)]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            stack.extend(node.orelse)
            continue
        stack.extend(ast.iter_child_nodes(node))
        if isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base = base + (node.module.split(".") if node.module else [])
            names = [[*base, alias.name] for alias in node.names]
        else:
            continue
        for name in names:
            if name[0] == "minivis":
                is_module = len(name) > 1 and any((PACKAGE / f"{name[1]}{end}").exists() for end in ("", ".py"))
                yield node.lineno, name[1] if is_module else "minivis"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_point_one_way(path):
    unit = unit_of(path)
    if unit in FREE:
        return
    assert unit in RANK, f"{unit} is not in the table ORDER: say there what it may import"
    for line, imported in imports(path.read_text(encoding="utf-8"), ["minivis", *path.relative_to(PACKAGE).parts[:-1]]):
        assert imported == unit or RANK.get(imported, 99) < RANK[unit], (
            f"{path.relative_to(ROOT)}:{line} imports {imported}, which is not below {unit}"
        )


def test_the_search_for_imports_finds_every_kind():
    source = """
from __future__ import annotations
import os, minivis.tape as tape, numpy
import minivis
from minivis import errors
from minivis.backend import like
from ..rules import GUIDED
from .. import pictures, load
from .layers import Layer
if TYPE_CHECKING:
    from ..cli import main
else:
    from ..pixels import to_pixels
def f():
    from ..weights.hdf5 import read
"""
    found = sorted(imports(source, ["minivis", "nets"]))
    expected = ["tape", "minivis", "errors", "backend", "rules", "minivis", "pictures", "nets", "pixels", "weights"]
    assert [unit for _, unit in found] == expected


def test_importing_minivis_is_cheap():
    code = "import sys, minivis; print(*{name.partition('.')[0] for name in sys.modules})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert "minivis" in run.stdout.split()
    assert not SLOW_TO_IMPORT & set(run.stdout.split())


def test_every_public_name_exists_and_is_explained():
    minivis = importlib.import_module("minivis")
    assert len(minivis.__all__) == len(set(minivis.__all__))
    for name in minivis.__all__:
        value = getattr(minivis, name)
        if callable(value) or inspect.ismodule(value):  # a table of rules is explained where it stands
            assert is_explained(value), f"minivis.{name} has no docstring"


def is_explained(value: object) -> bool:
    """Return whether someone wrote a docstring for `value`: not its type's, nor the one that dataclass makes up."""
    text = value.__doc__
    return bool(text) and text != type(value).__doc__ and not text.startswith(f"{getattr(value, '__name__', '')}(")


def test_what_counts_as_explained():
    @dataclasses.dataclass
    class Row:
        name: str

    assert is_explained(is_explained)
    assert is_explained(ast.NodeVisitor)
    assert not is_explained(Row)
    assert not is_explained(lambda: 0)
    assert not is_explained(functools.partial(is_explained))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_module_is_one_idea(path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MOST_LINES, f"{path.relative_to(ROOT)} has {lines} lines: one idea, or two?"


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    """The files that git tracks."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode:
        pytest.skip("this is no git checkout: nothing says which files belong to the project")
    files = [ROOT / name for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()]
    assert ROOT / "README.md" in files, "git does not track the project's files"
    return files


def test_no_tracked_file_is_large(tracked):
    sizes = {path.relative_to(ROOT).as_posix(): path.stat().st_size for path in tracked}
    assert not {name: size for name, size in sizes.items() if size > MOST_BYTES}


def test_no_tracked_text_names_a_private_place(tracked):
    for path in tracked:
        content = path.read_bytes()
        if b"\0" in content[:8192]:
            continue  # not text
        for number, line in enumerate(content.decode("utf-8").splitlines(), 1):
            found = PRIVATE.search(line)
            assert not found, f"{path.relative_to(ROOT)}:{number} names {found.group()!r}"


def test_the_search_for_private_places_finds_them():
    named = ["/" + "work/main", "/" + "home/ann/x.png", "C:\\" + "Users\\ann", "https://py" + "pi.org/simple"]
    assert all(PRIVATE.search(line) for line in named)
    assert not PRIVATE.search("~/.cache/minivis and framework/homework/users of ../shared")


PAGES = sorted(page for pattern in ("*.md", "docs/**/*.md") for page in ROOT.glob(pattern))
SNIPPET = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES_WITH_PYTHON = [page for page in PAGES if SNIPPET.search(page.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("page", PAGES_WITH_PYTHON, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_snippets_of_a_page_run(page, tmp_path, monkeypatch):
    """One after the other, in one namespace, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    text = page.read_text(encoding="utf-8")
    namespace = {"__name__": "__main__"}
    for snippet in SNIPPET.finditer(text):
        lines_before = "\n" * (text.count("\n", 0, snippet.start()) + 1)  # so that a traceback names the page's line
        exec(compile(lines_before + snippet[1], str(page), "exec"), namespace)


@pytest.mark.parametrize("name", ["LOOK", "TEST"])
def test_the_readme_has_the_commands_that_ci_runs(name):
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    (command,) = re.findall(rf"^{name}='(.*)'$", script, re.MULTILINE)
    assert command in (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
