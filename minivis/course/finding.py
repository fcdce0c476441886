"""Where the lessons are, and what they are called."""

import re
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError, UnknownName

PACKAGE = Path(__file__).resolve().parents[1]
FILE_NAME = re.compile(r"(\d\d)_\w+\.py")
TITLE = re.compile(r"^# # (?:\d+ · )?(.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Lesson:
    """A lesson: its number, and its file."""

    number: int
    path: Path

    @property
    def name(self) -> str:
        """The name of its file without the suffix, such as ``"01_a_tape"``."""
        return self.path.stem

    @property
    def title(self) -> str:
        """Its first heading."""
        found = TITLE.search(self.path.read_text(encoding="utf-8"))
        return found[1] if found else self.name

    @property
    def solution(self) -> Path:
        """The file with the solutions of its exercises."""
        return self.path.parent / "solutions" / self.path.name


def lessons_folder() -> Path:
    """Return the folder of the lessons: inside a wheel, or in the repository of an editable install."""
    inside, repository = PACKAGE / "shipped" / "lessons", PACKAGE.parent
    if inside.is_dir():
        return inside
    if (repository / "pyproject.toml").is_file() and (repository / "lessons").is_dir():
        return repository / "lessons"
    raise InputError("the lessons did not come with this installation of minivis: install it from its repository")


def lessons() -> list[Lesson]:
    """Return the lessons in order."""
    found = sorted(path for path in lessons_folder().iterdir() if FILE_NAME.fullmatch(path.name))
    return [Lesson(int(path.name[:2]), path) for path in found]


def lesson(which: int | str) -> Lesson:
    """Return a lesson by its number, its name or part of its name.

    Raises
    ------
    UnknownName
        If there is none, or more than one; the message lists what there is.
    """
    known, text = lessons(), str(which)
    if text.isdigit():
        found = [one for one in known if one.number == int(text)]
    else:
        found = [one for one in known if one.name == text] or [one for one in known if text and text in one.name]
    if len(found) != 1:
        several = "several lessons" if found else "no lesson"
        raise UnknownName(
            f"{several} called {text!r}: give a number or a name; there are "
            f"{', '.join(one.name for one in found or known)}"
        )
    return found[0]
