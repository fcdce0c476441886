"""What a weight file is: its hash, its origin, and whether all of it can be read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..errors import WeightFileError
from .container import Expected, StrPath
from .hashing import digests_of
from .published import PUBLISHED, origin_of
from .reading import open_weights
from .sniff import identity_of


@dataclass(frozen=True)
class FileReport:
    """What `identify` found.

    `layout` is empty and `rows` has nothing if the file cannot be opened; `why` is empty if `loads`.
    """

    path: Path
    bytes: int
    sha256: str
    layout: str
    rows: tuple[str, ...]
    origin: str
    loads: bool
    why: str


def identify(
    path: StrPath,
    expected: Expected | None = None,
    *,
    layout: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> FileReport:
    """Read a weight file completely: hash it, compare it with the published ones, and read every row.

    A file that has the name and size of a published one but not its hash is damaged and is reported not to load.
    `progress` is told how many bytes are done, and of how many: each is read twice.

    Raises
    ------
    WeightFileError
        There is no file to look at; whatever else is wrong with it stands in the report.
    """
    path = Path(path).expanduser()
    size = identity_of(path).bytes
    tell = progress or (lambda done, total: None)
    digests = digests_of(path, fresh=True, progress=lambda done: tell(done, 2 * size))
    found, why = "", ""
    rows: tuple[str, ...] = ()
    for published in PUBLISHED.values():
        if (path.name, size) == (published.file, published.bytes) and not published.equals(digests, size):
            why = f"its md5 is {digests.md5}, the published one is {published.md5}: the file is damaged or changed"
    try:
        file = open_weights(path, expected, layout=layout)
        found, rows = file.layout, file.rows
        for number, row in enumerate(rows, 1):
            file.read(row)
            tell(size + size * number // len(rows), 2 * size)
    except WeightFileError as error:
        why = why or str(error)
    return FileReport(path, size, digests.sha256, found, rows, origin_of(digests, size), not why, why)
