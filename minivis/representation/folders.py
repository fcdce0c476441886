"""Folders of pictures of any size: what is in them, what was seen of them, and what was wrong with the rest.

A picture is known by the folder that was named, its path in there, and the size and time of change of its file: so a
later run tells which pictures are new without reading any of them.
"""

import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..backend import array_module
from ..errors import ImageFileError, InputError
from ..nets import Net
from ..pictures import SUFFIXES
from ..pixels import first_line, to_pixels

SMALLEST = 16
"""Pixels on the shorter side below which a picture is left out (ours): enlarged, it would be all blur."""


class Entry(NamedTuple):
    """A picture file: its folder, its path in there (with slashes), its version, and why it was skipped, if it was."""

    root: str
    name: str
    bytes: int
    changed: int  # ns since 1970
    problem: str | None = None

    @property
    def path(self) -> Path:
        """Where the file is."""
        return Path(self.root, self.name)

    @property
    def label(self) -> str:
        """The subfolder that it is in, directly below the folder; "" if in none."""
        return self.name.partition("/")[0] if "/" in self.name else ""


class Listing(NamedTuple):
    """What a folder holds: picture files by name, and one line each about what else was met."""

    entries: list[Entry]
    others: list[str]


def list_folder(folder: str | os.PathLike[str]) -> Listing:
    """List the picture files below `folder` in the order of their names; none is opened.

    Hidden files and folders are left out, and symbolic links to folders are not followed: they may lead in a circle.

    Raises
    ------
    ImageFileError
        If there is no such folder, or no picture in it.
    """
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise ImageFileError(f"there is no folder {str(folder)!r}")
    root = root.absolute()
    entries: list[Entry] = []
    others: list[str] = []
    endings: Counter[str] = Counter()
    unreadable = lambda error: others.append(f"{error.filename}: {first_line(error)}")  # noqa: E731
    for where, folders, files in os.walk(root, onerror=unreadable):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            path = Path(where, name)
            if name.startswith("."):
                continue
            if path.suffix.lower() not in SUFFIXES:
                endings[path.suffix.lower() or "no ending"] += 1
                continue
            try:
                stat = path.stat()
            except OSError as error:
                others.append(f"{path}: {first_line(error)}")
                continue
            entries.append(Entry(str(root), path.relative_to(root).as_posix(), stat.st_size, stat.st_mtime_ns))
    if endings:
        counted = ", ".join(f"{ending} {count}" for ending, count in sorted(endings.items()))
        others.append(f"{endings.total()} files whose names are not those of pictures ({counted})")
    if not entries:
        raise ImageFileError(f"there is no picture in {str(folder)!r}: expected files ending in {', '.join(SUFFIXES)}")
    return Listing(sorted(entries, key=lambda entry: entry.name), sorted(others))


class Seen:
    """The pictures that a file of results knows, in the order in which they were seen: their numbers in there.

    Parameters
    ----------
    entries : sequence of Entry
    """

    def __init__(self, entries: Iterable[Entry] = ()):
        self.entries = list(entries)
        self._latest = {(entry.root, entry.name): entry for entry in self.entries}

    def __len__(self) -> int:
        return len(self.entries)

    def add(self, entry: Entry) -> None:
        """Note a picture."""
        self.entries.append(entry)
        self._latest[entry.root, entry.name] = entry

    def new(self, entries: Iterable[Entry], results: str) -> list[Entry]:
        """Return those of `entries` that are not known yet; a skipped file that has changed since is tried again.

        Raises
        ------
        InputError
            If a picture that was used has changed: `results` is then about a picture that is no longer there.
        """
        found = []
        for entry in entries:
            known = self._latest.get((entry.root, entry.name))
            if known is None:
                found.append(entry)
            elif known[2:4] != entry[2:4]:
                if known.problem is None:
                    raise InputError(
                        f"{str(entry.path)!r} has changed since {results!r} was made: remove or rename that"
                    )
                found.append(entry)
        return found

    @property
    def skipped(self) -> list[Entry]:
        """The files that could not be used, as they are now."""
        return [entry for entry in self._latest.values() if entry.problem is not None]

    def to_json(self) -> bytes:
        """Return this as text."""
        roots = list(dict.fromkeys(entry.root for entry in self.entries))
        number = {root: i for i, root in enumerate(roots)}
        table = [[number[entry.root], *entry[1:]] for entry in self.entries]
        # ASCII: a file name need not be text, and what is not stands as an escape.
        return json.dumps({"folders": roots, "pictures": table}, separators=(",", ":")).encode("ascii")

    @classmethod
    def from_json(cls, text: bytes) -> "Seen":
        """Read what `to_json` wrote; raise `ValueError` for anything else."""
        tree = json.loads(text)
        try:
            seen = cls(Entry(tree["folders"][root], *rest) for root, *rest in tree["pictures"])
        except (TypeError, KeyError, IndexError) as error:
            raise ValueError(f"expected a table of pictures: {error}") from None
        for entry in seen.entries:
            root, name, size, changed, problem = entry
            texts = isinstance(root, str) and isinstance(name, str) and isinstance(problem, str | None)
            if not (texts and isinstance(size, int) and isinstance(changed, int)):
                raise ValueError(f"expected a picture, found {str(entry)[:200]}")
            if "\0" in root + name or name.startswith("/") or ".." in name.split("/"):
                raise ValueError(f"expected a path inside its folder, found {name[:200]!r}")
        return seen


def read_batch(net: Net, paths: Sequence[Path]) -> tuple[Any, list[str | None]]:
    """Read pictures as `net` takes them.

    Returns
    -------
    batch : ndarray, shape (n, size, size, 3), or None
        Those that could be read, in order; None if none could.
    problems : list of str or None
        For each path, what is wrong with it.
    """
    pictures: list[Any] = []
    problems: list[str | None] = []
    for path in paths:
        try:
            pixels = to_pixels(path)
            if min(pixels.shape[:2]) < min(SMALLEST, net.size):
                raise ImageFileError(f"tiny: {pixels.shape[1]} x {pixels.shape[0]} pixels")
            pictures.append(net.picture(pixels))
            problems.append(None)
        except ImageFileError as error:
            problems.append(str(error).removeprefix(f"{str(path)!r} ").removeprefix(f"{str(path)!r}: "))
    if not pictures:
        return None, problems
    return array_module(pictures[0]).concatenate(pictures), problems


def told(seen: Seen, others: Sequence[str]) -> list[str]:
    """Return a line for each file that was skipped: path and reason, and what else the folder holds."""
    return [f"{entry.path}: {entry.problem}" for entry in seen.skipped] + list(others)
