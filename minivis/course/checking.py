"""Right, wrong, or not done yet: a student's answers and what the checkers say of them."""

import importlib
import linecache
import pkgutil
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from ..errors import UnknownName
from . import checkers
from .exercises import functions_in, is_unfinished
from .judging import EXERCISES, Exercise, Wrong
from .limits import TookTooLong, at_most

RIGHT, WRONG, FAILED, NOT_YET, MISSING = "right", "wrong", "error", "not done yet", "not there"
SECONDS = 20.0  # for one answer: no exercise needs one of them


class Verdict(NamedTuple):
    """What a checker says of one answer."""

    exercise: Exercise
    state: str
    message: str = ""

    def __str__(self) -> str:
        told = f": {self.message}" if self.message else ""
        return f"{self.exercise.lesson:02d} {self.exercise.name}: {self.state}{told}"


def check(answer: Callable[..., Any]) -> None:
    """Say whether your answer to an exercise is right, and if not, which identity it breaks and by how much.

    Parameters
    ----------
    answer : callable
        The function whose body you wrote. Its name says which exercise it belongs to.

    Raises
    ------
    UnknownName
        If no lesson has an exercise of that name.
    """
    print(judge(answer))


def judge(answer: Callable[..., Any], seconds: float = SECONDS) -> Verdict:
    """Return what the checker of the exercise with the name of `answer` says of it."""
    asked = find_exercise(getattr(answer, "__name__", str(answer)))
    if is_unfinished(answer):
        return Verdict(asked, NOT_YET)
    try:
        with at_most(seconds):
            asked.checker(answer)
    except Wrong as wrong:
        return Verdict(asked, WRONG, str(wrong))
    except NotImplementedError:
        return Verdict(asked, NOT_YET)
    except TookTooLong as error:
        where = _line_of(answer, error.__traceback__)
        return Verdict(asked, FAILED, f"stopped after {seconds:g} seconds{where}: does a loop never end?")
    except Exception as error:
        where = _line_of(answer, error.__traceback__)
        return Verdict(asked, FAILED, f"{type(error).__name__}{where}: {error}")
    return Verdict(asked, RIGHT)


def judge_file(number: int, path: Path) -> list[Verdict]:
    """Return what the checkers of a lesson say of the functions in a file, in the order of the exercises."""
    answers = functions_in(path)
    missing = "there is no function of that name in the file"
    return [
        judge(answers[asked.name]) if asked.name in answers else Verdict(asked, MISSING, missing)
        for asked in exercises_of(number)
    ]


def exercises_of(number: int) -> list[Exercise]:
    """Return the exercises of a lesson, in order."""
    name = f"lesson_{number:02d}"
    if name not in _checker_modules():
        return []
    importlib.import_module(f"{checkers.__name__}.{name}")
    return [asked for asked in EXERCISES.values() if asked.lesson == number]


def find_exercise(name: str) -> Exercise:
    """Return the exercise called `name`, whichever lesson it belongs to.

    Raises
    ------
    UnknownName
        If there is none; the message names the nearest.
    """
    for module in _checker_modules():
        if name in EXERCISES:
            break
        importlib.import_module(f"{checkers.__name__}.{module}")
    if name not in EXERCISES:
        near = get_close_matches(name, EXERCISES, n=3)
        hint = f" did you mean {' or '.join(near)}?" if near else ""
        raise UnknownName(f"no lesson has an exercise called {name!r}: keep the name of the function.{hint}")
    return EXERCISES[name]


def _checker_modules() -> list[str]:
    return sorted(module.name for module in pkgutil.iter_modules(checkers.__path__))


def _line_of(answer: Callable[..., Any], traceback: TracebackType | None) -> str:
    """Return the last line of the student's own file that `traceback` went through, as a message shows it."""
    file = getattr(getattr(answer, "__code__", None), "co_filename", None)
    found = ""
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == file:
            line = linecache.getline(str(file), traceback.tb_lineno).strip()
            found = f" in line {traceback.tb_lineno}" + (f", `{line}`" if line else "")
        traceback = traceback.tb_next
    return found
