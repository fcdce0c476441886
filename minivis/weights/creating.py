"""An HDF5 file that appears whole or not at all, on a disk that may fill up."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..atomic import replacing


@contextmanager
def created(path: Path) -> Iterator[Any]:
    """Give an empty `h5py.File` to fill; on success it takes the place of `path`.

    Raises
    ------
    OSError
        What went wrong with the disk.
    """
    import h5py

    with replacing(path) as part, part.open("r+b", buffering=0) as raw:
        disk = _Disk(raw)
        try:
            with h5py.File(disk, "w") as file:
                yield file
        except Exception:
            disk.complain()
            raise
        disk.complain()


class _Disk(io.RawIOBase):
    """A file whose writing never fails as far as HDF5 is told: the first error is kept, and nothing written after it.

    HDF5 2.0 that cannot write what it holds cannot close the file either: it says so wherever it next gets the chance,
    and in the end the process dies of it (a segmentation fault on exit).
    """

    def __init__(self, raw: io.FileIO):
        self._raw = raw
        self._error: OSError | None = None

    def complain(self) -> None:
        """Raise the error, if there was one."""
        if self._error is not None:
            raise self._error from None

    def write(self, data: Any) -> int:
        left = memoryview(data).cast("B")
        size = len(left)
        try:
            while left and self._error is None:
                left = left[self._raw.write(left) or 0 :]
        except OSError as error:
            self._error = error
        return size

    def truncate(self, size: int | None = None) -> int:
        try:
            if self._error is None:
                return self._raw.truncate(size)
        except OSError as error:
            self._error = error
        return self.tell() if size is None else size

    def readinto(self, buffer: Any) -> int:
        return self._raw.readinto(buffer) or 0

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._raw.seek(offset, whence)

    def tell(self) -> int:
        return self._raw.tell()

    def flush(self) -> None:
        """Nothing is held back here."""
