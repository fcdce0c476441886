"""The one door to an .npz file from somebody else: a zip of .npy members, read without `numpy.load`.

`numpy.load` allocates what a header declares before it looks at what is there, unpickles where it is allowed to, and
takes the last of two members of one name. Here a header is compared with the archive's own table first, and pickles
are never touched.
"""

from __future__ import annotations

import io
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import numpy as np

from .container import Shape, StrPath, cast_into, check_tensor, complaint, explained, listed
from .zips import Archive

HEADER_LIMIT = 10_000  # bytes of a .npy header, as in NumPy's max_header_size


class Header(NamedTuple):
    """What a .npy header declares, and how many bytes it takes itself."""

    shape: Shape
    fortran: bool
    dtype: np.dtype
    length: int


class NpzFile:
    """An .npz archive, open for reading."""

    check = staticmethod(check_tensor)  # of what a header declares; another for arrays that are no weights

    def __init__(self, path: StrPath):
        self.path = Path(path)

    def __enter__(self) -> Self:
        self._zip = Archive(self.path)
        try:
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
                self._zip.fill(self._members[where], header.length, out)
                return
            shape = header.shape[::-1] if header.fortran else header.shape
            stored = np.empty(shape, header.dtype)
            self._zip.fill(self._members[where], header.length, stored)
            cast_into(stored.T if header.fortran else stored, out)

    # -- the members -----------------------------------------------------------------------------------------------

    def _npy_members(self) -> dict[str, str]:
        """Arrays by name -> members; numpy.load would also give the bytes of others, for which no layout has a use."""
        names = list(self._zip.members)
        members = {name.removesuffix(".npy"): name for name in names if name.endswith(".npy")}
        if members:
            return members
        if "model.weights.h5" in names:
            raise complaint(self.path, "is a .keras archive: unzip it and pass the model.weights.h5 inside")
        raise complaint(self.path, f"is a zip without .npy members; it has {listed(names)}")

    def _header(self, where: str) -> Header:
        if where not in self._members:
            raise complaint(self.path, f"no such array; there is {listed(self._members)}", where)
        member = self._members[where]
        head = io.BytesIO(self._zip.head(member, HEADER_LIMIT))  # the bound comes first: a header may claim 4 GiB
        version = np.lib.format.read_magic(head)
        parsers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        if version not in parsers:
            raise complaint(self.path, f".npy version {version}; expected 1.0 or 2.0", where)
        shape, fortran, dtype = parsers[version](head, max_header_size=HEADER_LIMIT)
        if dtype.hasobject:
            raise complaint(self.path, "an object array, which is a pickle and can run code, is refused", where)
        size = self.check(self.path, where, shape, dtype.itemsize, dtype.kind)
        there = self._zip.members[member].file_size - head.tell()
        if there != size:
            problem = f"shape {shape} of {dtype} needs {size} bytes, the archive has {there}"
            raise complaint(self.path, problem, where)
        return Header(shape, fortran, dtype, head.tell())
