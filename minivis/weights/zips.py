"""Zip archives from somebody else: `.npz` and PyTorch's `.pth` are zips. All that is read of one is bounded first."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np

from .container import NAMES_LIMIT, StrPath, complaint, explained

if TYPE_CHECKING:
    import zipfile

TABLE_LIMIT = 4 << 20  # bytes of the archive's table; ours
BLOCK = 1 << 20
STORED, DEFLATED = 0, 8  # zip's compression methods, as in zipfile, which is imported only where an archive is opened
# APPNOTE.TXT of the zip format, sections 4.3.14 to 4.3.16. PyTorch writes the first two always, NumPy never.
END_64 = struct.Struct("<4sQ2H2L4Q")
LOCATOR_64 = struct.Struct("<4sLQL")
END = struct.Struct("<4s4H2LH")


class Archive:
    """A zip whose table was checked; its members by name."""

    def __init__(self, path: StrPath):
        self.path = Path(path)
        with explained(self.path):
            self._check_table()
            import zipfile

            self._zip = zipfile.ZipFile(self.path)
            self.members: dict[str, zipfile.ZipInfo] = {}
            try:
                for info in self._zip.infolist():
                    if info.filename in self.members:
                        raise complaint(self.path, "two members have this name", info.filename)
                    self.members[info.filename] = info
            except BaseException:
                self._zip.close()
                raise

    def close(self) -> None:
        """Close the file."""
        self._zip.close()

    def stream(self, name: str) -> IO[bytes]:
        """Open a member, which is there, for reading; its CRC is checked at its end."""
        info = self.members[name]
        if info.compress_type not in (STORED, DEFLATED):
            raise complaint(self.path, f"zip compression {info.compress_type}; expected none or deflate", name)
        return self._zip.open(info)

    def head(self, name: str, most: int) -> bytes:
        """Return the first bytes of a member, `most` at most: its table may claim any size."""
        with self.stream(name) as stream:
            return stream.read(most)

    def fill(self, name: str, skip: int, out: np.ndarray) -> None:
        """Fill the C-contiguous `out` with all that follows the first `skip` bytes of a member, in blocks."""
        room = out.reshape(-1).view(np.uint8)
        with self.stream(name) as stream:
            stream.read(skip)
            done = 0
            while done < room.size:
                block = stream.read(min(BLOCK, room.size - done))
                if not block:
                    raise complaint(self.path, f"ends after {done} of {room.size} bytes", name)
                room[done : done + len(block)] = np.frombuffer(block, np.uint8)
                done += len(block)
            if stream.read(1):
                raise complaint(self.path, f"goes on after {room.size} bytes", name)

    def _check_table(self) -> None:
        """Bound the archive's table before zipfile reads all of it into objects.

        Neither NumPy nor PyTorch writes a comment, so the end record is the last 22 bytes.
        """
        before = END_64.size + LOCATOR_64.size
        start = max(0, self.path.stat().st_size - END.size - before)
        with self.path.open("rb") as file:
            file.seek(start)
            tail = file.read(before + END.size)
        if not tail[-END.size :].startswith(b"PK\x05\x06") or len(tail) < END.size:
            problem = "truncated, or not an .npz or .pth: the archive's table is not at its end"
            raise complaint(self.path, problem)
        *_, entries, table, _, comment = END.unpack(tail[-END.size :])
        if tail[-END.size - LOCATOR_64.size :].startswith(b"PK\x06\x07"):
            end, locator = tail[: END_64.size], tail[END_64.size : before]
            if len(tail) < before + END.size or not end.startswith(b"PK\x06\x06"):
                raise complaint(self.path, "the archive's table has no end record where there should be one")
            if LOCATOR_64.unpack(locator)[2] != start:
                raise complaint(self.path, "the archive has two end records that disagree")
            *_, entries, table, _ = END_64.unpack(end)
        if comment or entries > NAMES_LIMIT or table > TABLE_LIMIT:
            problem = f"not an .npz as NumPy writes it, nor a .pth: {entries} members, table of {table} bytes"
            raise complaint(self.path, problem)


def kind_of(path: StrPath) -> str:
    """Return "pth" for an archive of PyTorch, "npz" for any other."""
    archive = Archive(path)
    archive.close()
    return "pth" if any(name.endswith("/data.pkl") for name in archive.members) else "npz"
