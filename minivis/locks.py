"""One run at a time writes one output."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .atomic import sweep
from .errors import InputError


@contextmanager
def locked(output: str | os.PathLike[str]) -> Iterator[None]:
    """Keep other processes from running on the same `output`; remove what a killed run has left in its folder.

    The lock is one of the operating system on a hidden file beside `output`, and ends with the process, however that
    ends: there is no lock of the dead. Where a folder or a system (Windows) has no such locks, nothing is locked.

    Raises
    ------
    InputError
        If another process, or this one, runs on `output` already.
    """
    output = Path(output).expanduser()
    path = output.with_name(f".{output.name}.lock")
    handle = _acquired(path, output)
    try:
        if handle is not None:
            sweep(output.parent)
        yield
    finally:
        if handle is not None:
            path.unlink(missing_ok=True)  # while it is locked: nobody else can hold it
            os.close(handle)


def _acquired(path: Path, output: Path) -> int | None:
    """Return the handle of the locked file, or None where there are no locks."""
    try:
        import fcntl
    except ImportError:
        return None
    while True:
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
        except OSError:  # no such folder, or not ours to write: the first file that is written will tell
            return None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is(path, handle):
                os.ftruncate(handle, 0)
                with suppress(OSError):  # a full disk: the number is only to be read
                    os.write(handle, f"{os.getpid()}\n".encode())
                return handle
        except BlockingIOError:
            by = os.read(handle, 20).decode("ascii", "replace").strip()
            os.close(handle)
            raise InputError(
                f"another run{f' (process {by})' if by.isdecimal() else ''} is writing {str(output)!r}: wait for it, "
                "or choose another --out"
            ) from None
        except OSError:  # a file system without locks
            os.close(handle)
            return None
        os.close(handle)  # its owner removed it before we could lock it


def _is(path: Path, handle: int) -> bool:
    """Return whether `path` is still the file that `handle` has open."""
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False
