"""The course as executed notebooks, and the site: lessons, methods, gallery and reference, to be read offline.

Pages are notebooks, or Markdown with code cells (MyST). All are executed here, once, by the kernel of the Python that
runs this; Sphinx then makes HTML of what came out.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ..atomic import replacing
from ..errors import InputError
from . import reference
from .finding import PACKAGE, Lesson, lessons
from .linking import relinked
from .opening import KERNEL, as_notebook

SECONDS = 600  # for a page (ours); a lesson takes one minute at most where nothing else runs
NEEDED = ("jupytext", "nbclient", "sphinx", "myst_nb", "furo", "latex2mathml")
MARK = ".minivis-site"
COLOURS = re.compile(r"\x1b\[[\d;]*m")  # of a terminal, in error messages
STYLE = """
.content { box-sizing: border-box; padding: 0 2em; width: 64em; max-width: 100%; }
.sidebar-drawer { width: calc(50% - 32em); }
article h2 { font-size: 1.6em; }
article h3 { font-size: 1.3em; }
article p, article li, article dd { max-width: 48em; }
.highlight pre { font-size: 0.76rem; }
.formula { overflow-x: auto; overflow-y: hidden; padding: 0.3em 0; margin: 1em 0; }
.formula math { font-size: 1.1em; }
math { font-family: "STIX Two Math", "Cambria Math", "Latin Modern Math", "Noto Sans Math", "STIX", math; }
article table { display: block; font-size: 0.9em; overflow-x: auto; max-width: 100%; }
.wide { overflow-x: auto; }
div.cell_output img, article img { max-width: 100%; height: auto; }
@media (max-width: 46em) {
  .content { padding: 0 1em; }
  article h1 { font-size: 1.8em; }
  article td { min-width: 7em; }
  div.cell_output .wide img { width: 44em; max-width: none; }
}
"""


class Page(NamedTuple):
    """A page with code: what it is made from, and where it goes below the source folder, without a suffix."""

    source: Path
    name: str


def site_folder() -> Path:
    """Return the folder of the site's own pages: inside a wheel, or in the repository of an editable install."""
    for folder in (PACKAGE / "shipped" / "docs", PACKAGE.parent / "docs"):
        if (folder / "site").is_dir():
            return folder
    raise InputError("the site's pages did not come with this installation of minivis: install it from its repository")


def pages(chosen: Iterable[Lesson] | None = None) -> list[Page]:
    """Return all pages with code: the lessons and the pages of the methods; or the lessons that were chosen."""
    found = [Page(one.path, f"lessons/{one.name}") for one in (lessons() if chosen is None else chosen)]
    if chosen is not None:
        return found
    methods = sorted((site_folder() / "site" / "methods").glob("*.md"))
    return found + [Page(path, f"methods/{path.stem}") for path in methods if path.stem != "index"]


def check_installed() -> None:
    """Raise `InputError` if a library that building needs is not installed."""
    from importlib.util import find_spec

    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise InputError(f'{", ".join(missing)} not installed: pip install "minivis[site]"')


def build(out: Path, chosen: list[Lesson] | None = None) -> Iterator[str]:
    """Execute the lessons into ``out/notebooks``, and make the site in ``out/site``; yield what is being done.

    Parameters
    ----------
    out : Path
        A new or empty folder, or one that this has built before: its ``notebooks`` and ``site`` are replaced.
    chosen : list of Lesson, optional
        Execute only these, and make no site.

    Raises
    ------
    InputError
        If the folder holds something else, if a library is missing, or if a page's code fails.
    """
    check_installed()
    if out.exists() and any(out.iterdir()) and not (out / MARK).exists():
        raise InputError(f"{str(out)!r} holds other files: give a new folder")
    out.mkdir(parents=True, exist_ok=True)
    (out / MARK).write_text("made by: minivis lessons build\n", encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="minivis-site-") as name:
        source = Path(name)
        for page in pages(chosen):
            yield f"running {page.name}"
            notebook = source / f"{page.name}.ipynb"
            notebook.parent.mkdir(parents=True, exist_ok=True)
            execute(page, notebook)
            if page.name.startswith("lessons/"):
                copy = out / "notebooks" / notebook.name
                copy.parent.mkdir(exist_ok=True)
                with replacing(copy) as part:
                    shutil.copyfile(notebook, part)
        if chosen is None:
            yield "making the site"
            write_sources(source)
            make_html(source, out / "site")


def execute(page: Page, path: Path) -> None:
    """Run a page's code, and write the notebook with what came out."""
    import jupytext
    import nbclient
    import nbformat

    if page.source.suffix == ".py":
        as_notebook(page.source, path)
        notebook = nbformat.read(path, as_version=4)
    else:
        notebook = jupytext.reads(relinked(page.source.read_text(encoding="utf-8")), fmt="md:myst")
        notebook.metadata["kernelspec"] = KERNEL
    runner = nbclient.NotebookClient(notebook, timeout=SECONDS, resources={"metadata": {"path": str(path.parent)}})
    manager: Any = runner.create_kernel_manager()
    manager.kernel_spec.argv[0] = sys.executable  # the kernel that is registered may be another Python's
    try:
        runner.execute(stderr=subprocess.DEVNULL)  # the kernel's own log; what cells print comes another way
    except nbclient.exceptions.CellExecutionError as error:
        last = COLOURS.sub("", str(error)).strip().splitlines()[-1]
        raise InputError(f"{page.source}: a cell failed: {last}") from error
    except nbclient.exceptions.DeadKernelError as error:
        raise InputError(f"{page.source}: the Python that ran its cells died") from error
    except nbclient.exceptions.CellTimeoutError as error:
        raise InputError(f"{page.source}: a cell ran for more than {SECONDS} seconds") from error
    with replacing(path) as part:
        nbformat.write(notebook, part)


def write_sources(source: Path) -> None:
    """Write the pages that have no code, the reference, and Sphinx's settings."""
    docs = site_folder()
    for path in (docs / "site").rglob("*"):
        target = source / path.relative_to(docs / "site")
        if path.is_file() and not target.with_suffix(".ipynb").exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(relinked(path.read_text(encoding="utf-8")), encoding="utf-8")
    gallery = source / "gallery"
    shutil.copytree(docs / "gallery", gallery, dirs_exist_ok=True)
    (gallery / "README.md").replace(gallery / "index.md")
    shutil.copytree(PACKAGE, source / "code" / "minivis", ignore=shutil.ignore_patterns("__pycache__", "shipped"))
    (source / "lessons" / "index.md").write_text(lessons_page(), encoding="utf-8")
    reference.write(source / "reference")
    (source / "static").mkdir(exist_ok=True)
    (source / "static" / "site.css").write_text(STYLE, encoding="utf-8")


def lessons_page() -> str:
    """Return the list of the lessons, with where Sphinx finds them."""
    entries = "\n".join(one.name for one in lessons())
    return f"""# The course

Each lesson asks a question, builds the answer by hand in a few lines of NumPy, looks at it, checks it against the
library, and says what it does not show. `minivis lessons open 1` copies one into your folder; `minivis check 1` tells
whether your answers to its exercises are right.

```{{toctree}}
:maxdepth: 1

{entries}
```
"""


def make_html(source: Path, out: Path) -> None:
    """Run Sphinx; a warning (a broken link, a picture that is not there) is an error."""
    from sphinx.application import Sphinx
    from sphinx.errors import SphinxError
    from sphinx.util.docutils import docutils_namespace

    from .. import __version__

    settings = {
        "project": "minivis",
        "release": __version__,
        "copyright": "the minivis authors",
        "extensions": [
            "myst_nb",
            "sphinx.ext.autodoc",
            "sphinx.ext.napoleon",
            "minivis.course.captions",
            "minivis.course.linking",
            "minivis.course.mathml",
            "minivis.course.reference",
        ],
        "html_math_renderer": "mathml",
        "html_theme": "furo",
        "html_title": "minivis",
        "html_static_path": [str(source / "static")],
        "html_css_files": ["site.css"],
        "html_show_sourcelink": False,
        "html_copy_source": False,
        "exclude_patterns": ["code"],
        "nb_execution_mode": "off",
        "myst_enable_extensions": ["dollarmath", "amsmath", "colon_fence"],
        "myst_heading_anchors": 3,
        "napoleon_numpy_docstring": True,
        "napoleon_google_docstring": False,
        "napoleon_use_ivar": True,
        "napoleon_use_rtype": False,
        "default_role": "py:obj",  # a name between backticks in a docstring: a link, if it is public
        "autodoc_typehints": "none",
        "autodoc_member_order": "bysource",
        "autodoc_preserve_defaults": True,
    }
    if out.exists():
        shutil.rmtree(out)
    try:
        with docutils_namespace():
            app = Sphinx(
                srcdir=source,
                confdir=None,
                outdir=out,
                doctreedir=source / ".doctrees",
                buildername="html",
                confoverrides=settings,
                status=None,
                exception_on_warning=True,
            )
            app.build()
    except (SphinxError, ValueError) as error:
        raise InputError(f"the site could not be made: {error}") from error
