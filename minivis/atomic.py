"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path in the folder of `path`; on success it takes the place of `path`, on failure it goes.

    The data is on the disk before the name is, so that a power cut leaves the old file or the new one.
    """
    import tempfile  # here, since it takes long

    handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
    os.close(handle)
    part = Path(name)
    try:
        yield part
        settle(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def settle(path: Path) -> None:
    """Write `path` through to the disk, and let others read it."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
    path.chmod(0o644)  # temporary files are made for their owner alone
