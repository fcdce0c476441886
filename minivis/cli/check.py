"""`minivis check`: what is right in a student's copy of a lesson."""

import argparse
from pathlib import Path
from typing import Any

from ..course.checking import NOT_YET, RIGHT, judge_file
from ..course.finding import Lesson, lesson
from ..errors import InputError

LEFT = 1  # the exit code while something is not right yet


def add_commands(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add the command."""
    parser = commands.add_parser("check", parents=[shared], help="check your answers to the exercises of a lesson")
    parser.add_argument("lesson", metavar="LESSON", help="its number, or its name")
    parser.add_argument(
        "file",
        metavar="FILE",
        nargs="?",
        type=Path,
        help="your copy, .py or .ipynb; default: the one of the lesson's name in this folder",
    )
    parser.set_defaults(run=check_lesson)


def check_lesson(arguments: argparse.Namespace) -> int:
    """Print what the checkers say; return 0 if all is right and 1 if not."""
    chosen = lesson(arguments.lesson)
    path = arguments.file or find_copy(chosen)
    verdicts = judge_file(chosen.number, path)
    print(f"{path}")
    for verdict in verdicts:
        print(verdict)
    states = [verdict.state for verdict in verdicts]
    not_yet = f", {states.count(NOT_YET)} not done yet" if NOT_YET in states else ""
    print(f"{states.count(RIGHT)} of {len(states)} right{not_yet}")
    return 0 if all(state == RIGHT for state in states) else LEFT


def find_copy(chosen: Lesson) -> Path:
    """Return the student's copy in this folder, else the lesson itself."""
    copies = [path for path in (Path(f"{chosen.name}.ipynb"), Path(f"{chosen.name}.py")) if path.exists()]
    if len(copies) > 1:
        raise InputError(f"here are both {copies[0]} and {copies[1]}: say which, minivis check {chosen.number} FILE")
    return copies[0] if copies else chosen.path
