"""Files that appear whole or not at all."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LEFT = re.compile(r"\.minivis-(?P<place>[0-9a-f]{8})-(?P<pid>\d+)-\w*\.part")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path in the folder of `path`; on success it takes the place of `path`, on failure it goes.

    The data is on the disk before the name is, so that a power cut leaves the old file or the new one. An error of the
    disk, such as that it is full, names `path`.
    """
    import tempfile  # here, since it takes long

    handle, name = tempfile.mkstemp(prefix=f".minivis-{_place()}-{os.getpid()}-", suffix=".part", dir=path.parent)
    os.close(handle)
    part = Path(name)
    try:
        yield part
        settle(part)
        part.replace(path)
    except OSError as error:
        if error.errno and error.filename in (None, name):
            error.filename = str(path)
        raise
    finally:
        part.unlink(missing_ok=True)


def settle(path: Path) -> None:
    """Write `path` through to the disk, and let others read it."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
    path.chmod(0o644)  # temporary files are made for their owner alone


def reason(error: Exception) -> str:
    """Return in few words why something could not be read or written: h5py's own text is long, of several lines."""
    if number := getattr(error, "errno", None):
        return os.strerror(number)
    text = str(error).strip() or type(error).__name__
    inner = re.search(r"error message = '([^']+)'", text)
    return inner[1] if inner else text.split("\n", maxsplit=1)[0]


def sweep(folder: Path) -> None:
    """Remove the temporary files that killed processes of this machine have left in `folder`."""
    with suppress(OSError):
        for entry in os.scandir(folder):
            found = LEFT.fullmatch(entry.name)
            if found and found["place"] == _place() and not _runs(int(found["pid"])):
                Path(entry.path).unlink(missing_ok=True)


@functools.cache
def _place() -> str:
    """Return where process numbers are ours: this machine, and in it this container."""
    import platform
    import zlib

    numbers: str | Path = ""
    with suppress(OSError):
        numbers = Path("/proc/self/ns/pid").readlink()
    return f"{zlib.crc32(f'{platform.node()} {numbers}'.encode()):08x}"


def _runs(pid: int) -> bool:
    """Return whether there is a process of this number, or may be one."""
    if os.name != "posix":
        return True  # elsewhere, asking may end it
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
