"""`minivis lessons`: list the lessons, and take one home to work on."""

import argparse
from pathlib import Path
from typing import Any

from ..course.finding import lesson, lessons
from ..course.opening import as_notebook, as_script, has_jupytext
from ..errors import InputError
from .common import make_folder, writing


def add_commands(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add the command and its actions."""
    parser = commands.add_parser("lessons", parents=[shared], help="the course: list its lessons, open one")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    action = actions.add_parser("list", parents=[shared], help="list the lessons")
    action.set_defaults(run=list_lessons)
    action = actions.add_parser("open", parents=[shared], help="copy a lesson into a folder of yours, to work on")
    action.add_argument("lesson", metavar="LESSON", help="its number, or its name")
    action.add_argument("--out", metavar="FOLDER", type=Path, default=Path(), help="default: this folder")
    action.add_argument("--script", action="store_true", help="as a script (.py) rather than a notebook (.ipynb)")
    action.add_argument("--force", action="store_true", help="replace a copy that is there already")
    action.set_defaults(run=open_lesson)
    action = actions.add_parser("build", parents=[shared], help="run the lessons, and make notebooks and the site")
    action.add_argument(
        "lessons", metavar="LESSON", nargs="*", help="only these, as notebooks; default: all, and the site"
    )
    action.add_argument(
        "--out", metavar="FOLDER", type=Path, default=Path("minivis-course"), help="default: minivis-course"
    )
    action.set_defaults(run=build_course)


def list_lessons(arguments: argparse.Namespace) -> None:
    """Print the lessons with their titles."""
    for one in lessons():
        print(f"{one.number:>2}  {one.title}")


def open_lesson(arguments: argparse.Namespace) -> None:
    """Copy a lesson to where it can be worked on; never over work that is there."""
    chosen = lesson(arguments.lesson)
    notebook = not arguments.script and has_jupytext()
    path = make_folder(arguments.out) / f"{chosen.name}{'.ipynb' if notebook else '.py'}"
    if path.exists() and not arguments.force:
        raise InputError(f"{path} is there already, perhaps with your answers in it: --force replaces it")
    with writing(path):
        (as_notebook if notebook else as_script)(chosen.path, path)
    print(f"{path}: lesson {chosen.number}, {chosen.title}")
    if notebook:
        print(f"open it with: jupyter lab {path}")
    elif not arguments.script:
        print('a script, as jupytext is not installed: pip install "minivis[lessons]" gives notebooks')


def build_course(arguments: argparse.Namespace) -> None:
    """Execute lessons into notebooks; with all of them, make the site as well."""
    from ..course.building import build

    chosen = [lesson(which) for which in arguments.lessons] or None
    for done in build(arguments.out, chosen):
        print(done, flush=True)
    print(f"notebooks: {arguments.out / 'notebooks'}")
    if chosen is None:
        print(f"site: {arguments.out / 'site' / 'index.html'}")
