"""The one door to an .npz file from somebody else: a zip of .npy members, read without `numpy.load`.

`numpy.load` allocates what a header declares before it looks at what is there, unpickles where it is allowed to, and
takes the last of two members of one name. Here a header is compared with the archive's own table first, and pickles
are never touched.
"""

from __future__ import annotations

import io
import struct
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from .container import (
    NAMES_LIMIT,
    Shape,
    StrPath,
    check_tensor,
    complaint,
    explained,
    listed,
)

if TYPE_CHECKING:
    import zipfile

HEADER_LIMIT = 10_000  # bytes of a .npy header, as in NumPy's max_header_size
DIRECTORY_LIMIT = 4 << 20  # bytes of the archive's table; ours
BLOCK = 1 << 20
STORED, DEFLATED = 0, 8  # zip's compression methods, as in zipfile, which is imported only where an archive is opened
END_RECORD = struct.Struct("<4s4H2LH")  # APPNOTE.TXT of the zip format, section 4.3.16


class Header(NamedTuple):
    """What a .npy header declares, and how many bytes it takes itself."""

    shape: Shape
    fortran: bool
    dtype: np.dtype
    length: int


class NpzFile:
    """An .npz archive, open for reading."""

    def __init__(self, path: StrPath):
        self.path = Path(path)

    def __enter__(self) -> Self:
        with explained(self.path):
            self._check_directory_size()
            import zipfile

            self._zip = zipfile.ZipFile(self.path)
        try:
            with explained(self.path):
                self._members = self._npy_members()
        except BaseException:
            self._zip.close()
            raise
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._zip.close()

    def names(self) -> list[str]:
        """Names of the arrays, in the order in which they were written."""
        return list(self._members)

    def shape(self, where: str) -> Shape:
        """Check all that is declared of the array `where`, reading its header only; return its shape."""
        with explained(self.path, where):
            return self._header(where).shape

    def read_into(self, where: str, out: np.ndarray) -> None:
        """Read the array `where` into `out`, which says shape and precision."""
        with explained(self.path, where):
            header = self._header(where)
            if header.shape != out.shape:
                raise complaint(self.path, f"expected shape {out.shape}, found {header.shape}", where)
            if header.dtype == out.dtype and not header.fortran:
                self._read_bytes(where, header, out)
                return
            shape = header.shape[::-1] if header.fortran else header.shape
            stored = np.empty(shape, header.dtype)
            self._read_bytes(where, header, stored)
            out[...] = stored.T if header.fortran else stored

    # -- the archive -----------------------------------------------------------------------------------------------

    def _check_directory_size(self) -> None:
        """Bound the archive's table before zipfile reads all of it into objects.

        NumPy writes no comment and, below 2 GiB, no zip64 record; so the end record is the last 22 bytes.
        """
        size = self.path.stat().st_size
        with self.path.open("rb") as file:
            file.seek(max(0, size - END_RECORD.size - 20))
            locator, tail = file.read(20), file.read(END_RECORD.size)
        if len(tail) < END_RECORD.size or not tail.startswith(b"PK\x05\x06"):
            raise complaint(self.path, "truncated, or not an .npz: the archive's table is not at its end")
        *_, entries, table, _, comment = END_RECORD.unpack(tail)
        if comment or locator.startswith(b"PK\x06\x07") or entries > NAMES_LIMIT or table > DIRECTORY_LIMIT:
            raise complaint(self.path, f"not an .npz as NumPy writes it: {entries} members, table of {table} bytes")

    def _npy_members(self) -> dict[str, zipfile.ZipInfo]:
        members: dict[str, zipfile.ZipInfo] = {}
        names = self._zip.namelist()
        for info in self._zip.infolist():
            if not info.filename.endswith(".npy"):
                continue  # numpy.load would give its bytes; no layout has a use for them
            name = info.filename.removesuffix(".npy")
            if name in members:
                raise complaint(self.path, "two members have this name", name)
            members[name] = info
        if members:
            return members
        if "model.weights.h5" in names:
            problem = "is a .keras archive: unzip it and pass the model.weights.h5 inside"
        elif any(name.endswith("/data.pkl") for name in names):
            problem = (
                "is a PyTorch .pth: a pickle, which can run code when it is opened. Export its arrays with PyTorch"
            )
        else:
            problem = f"is a zip without .npy members; it has {listed(names)}"
        raise complaint(self.path, problem)

    # -- the members -----------------------------------------------------------------------------------------------

    def _member(self, where: str) -> zipfile.ZipInfo:
        if where not in self._members:
            raise complaint(self.path, f"no such array; there is {listed(self._members)}", where)
        info = self._members[where]
        if info.compress_type not in (STORED, DEFLATED):
            raise complaint(self.path, f"zip compression {info.compress_type}; expected none or deflate", where)
        return info

    def _header(self, where: str) -> Header:
        info = self._member(where)
        with self._zip.open(info) as stream:
            head = io.BytesIO(stream.read(HEADER_LIMIT))  # the bound comes first: a header may claim 4 GiB
        version = np.lib.format.read_magic(head)
        parsers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        if version not in parsers:
            raise complaint(self.path, f".npy version {version}; expected 1.0 or 2.0", where)
        shape, fortran, dtype = parsers[version](head, max_header_size=HEADER_LIMIT)
        if dtype.hasobject:
            raise complaint(self.path, "an object array, which is a pickle and can run code, is refused", where)
        size = check_tensor(self.path, where, shape, dtype.itemsize, dtype.kind)
        there = info.file_size - head.tell()
        if there != size:
            problem = f"shape {shape} of {dtype} needs {size} bytes, the archive has {there}"
            raise complaint(self.path, problem, where)
        return Header(shape, fortran, dtype, head.tell())

    def _read_bytes(self, where: str, header: Header, out: np.ndarray) -> None:
        """Fill the C-contiguous `out` in blocks; zipfile checks the member's CRC at its end."""
        room = out.reshape(-1).view(np.uint8)
        with self._zip.open(self._member(where)) as stream:
            stream.read(header.length)
            done = 0
            while done < room.size:
                block = stream.read(min(BLOCK, room.size - done))
                if not block:
                    raise complaint(self.path, f"ends after {done} of {room.size} bytes", where)
                room[done : done + len(block)] = np.frombuffer(block, np.uint8)
                done += len(block)
            if stream.read(1):
                raise complaint(self.path, f"goes on after {room.size} bytes", where)
