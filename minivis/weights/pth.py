"""The one door to a PyTorch `.pth` from somebody else: its table of tensors, and nothing that could run.

Two formats are read. Since PyTorch 1.6 a .pth is a zip: `<name>/data.pkl` describes the tensors, `<name>/data/<key>`
are their numbers. Before, and in torchvision's vgg16-397923af.pth still, five pickles come one after the other, then
the numbers. `unpickle` reads the pickles without executing them.
"""

from __future__ import annotations

import io
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import numpy as np

from .container import NAMES_LIMIT, Shape, StrPath, cast_into, check_tensor, complaint, explained, listed, read_at
from .unpickle import Reader, StoredTensor
from .zips import Archive

MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # a pickle of the number 0x1950a86a20f9469cfc6c
PROTOCOL = 1001
PICKLE_LIMIT = 512 << 10  # bytes; ours. That of VGG16 has 3 kB, of a net of a thousand tensors about 100 kB


class Place(NamedTuple):
    """Where the numbers of a storage are: a member of the zip, or a position in the file."""

    member: str
    position: int


class PthFile:
    """A .pth, open for reading."""

    def __init__(self, path: StrPath):
        self.path = Path(path)

    def __enter__(self) -> Self:
        self._zip: Archive | None = None
        self._places: dict[str, Place] = {}
        reader = Reader(self.path)
        with explained(self.path):
            with self.path.open("rb") as file:
                old = file.read(len(MAGIC)) == MAGIC
            try:
                table = self._open_old(reader) if old else self._open_zip(reader)
                self._tensors = self._named_tensors(table)
            except BaseException:
                self._close()
                raise
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._close()

    def names(self) -> list[str]:
        """Names of the tensors, in the order in which they were written."""
        return list(self._tensors)

    def shape(self, where: str) -> Shape:
        """Check all that is declared of the tensor `where`, reading none of it; return its shape."""
        with explained(self.path, where):
            self._checked(where)
            return self._tensors[where].shape

    def read_into(self, where: str, out: np.ndarray) -> None:
        """Read the tensor `where` into `out`, which says shape and precision."""
        with explained(self.path, where):
            dtype, place = self._checked(where)
            tensor = self._tensors[where]
            if tensor.shape != out.shape:
                raise complaint(self.path, f"expected shape {out.shape}, found {tensor.shape}", where)
            stored = out if out.dtype == dtype else np.empty(tensor.shape, dtype)
            if self._zip is not None:
                self._zip.fill(place.member, 0, stored)
            else:
                read_at(self.path, place.position, stored, where)
            cast_into(stored, out)

    # -- the two formats -------------------------------------------------------------------------------------------

    def _open_zip(self, reader: Reader) -> Any:
        self._zip = Archive(self.path)
        found = [name for name in self._zip.members if name.endswith("/data.pkl") and name.count("/") == 1]
        if len(found) != 1:
            raise complaint(self.path, f"expected one <name>/data.pkl in this .pth; it has {listed(self._zip.members)}")
        folder = found[0].removesuffix("data.pkl")
        order = f"{folder}byteorder"
        if order in self._zip.members and self._zip.head(order, 16) != b"little":
            raise complaint(self.path, "was written on a big-endian machine: save it again on another", order)
        table = reader.read(io.BytesIO(self._zip.head(found[0], PICKLE_LIMIT)))
        self._places = {key: Place(f"{folder}data/{key}", 0) for key in reader.storages}
        return table

    def _open_old(self, reader: Reader) -> Any:
        with self.path.open("rb") as file:
            head = io.BytesIO(file.read(PICKLE_LIMIT))
            reader.read(head)  # the magic number
            if (protocol := reader.read(head)) != PROTOCOL:
                raise complaint(self.path, f"protocol {protocol!r:.20} of PyTorch's old format; expected {PROTOCOL}")
            machine = reader.read(head)
            if not isinstance(machine, dict) or machine.get("little_endian") is not True:
                raise complaint(self.path, "was written on a big-endian machine: save it again on another")
            table = reader.read(head)
            keys, position = reader.read(head), head.tell()
            if type(keys) is not list or set(map(type, keys)) - {str} or sorted(keys) != sorted(reader.storages):
                raise complaint(self.path, "its list of storages does not fit its tensors")
            size = self.path.stat().st_size
            for key in keys:  # each storage is its length, in eight bytes, and its numbers
                storage = reader.storages[key]
                file.seek(position)
                numbers = int.from_bytes(file.read(8), "little")
                if numbers != storage.numbers:
                    problem = f"truncated or damaged: storage {key[:40]!r} has {numbers}, not {storage.numbers} numbers"
                    raise complaint(self.path, problem)
                self._places[key] = Place("", position + 8)
                position += 8 + numbers * self._itemsize(storage.dtype)
                if position > size:
                    raise complaint(self.path, f"truncated: {size} of {position} bytes or more are there")
        return table

    def _close(self) -> None:
        if self._zip is not None:
            self._zip.close()

    # -- tensors ---------------------------------------------------------------------------------------------------

    def _named_tensors(self, table: Any) -> dict[str, StoredTensor]:
        if isinstance(table, dict):
            tensors = {n: t for n, t in table.items() if isinstance(n, str) and isinstance(t, StoredTensor)}
            if tensors and len(table) <= NAMES_LIMIT:
                return tensors
        found = f"a dict with {listed(table)}" if isinstance(table, dict) else f"a {type(table).__name__}"
        raise complaint(
            self.path, f"expected tensors by name, as torch.save(model.state_dict(), path) writes, found {found}"
        )

    @staticmethod
    def _itemsize(dtype: str) -> int:
        if dtype.startswith("<"):
            return np.dtype(dtype).itemsize
        return {"Long": 8, "Int": 4, "Short": 2, "BFloat16": 2}.get(dtype, 1)

    def _checked(self, where: str) -> tuple[np.dtype, Place]:
        """Type and place of the tensor `where`, all that is declared of it found harmless."""
        if where not in self._tensors:
            raise complaint(self.path, f"no such tensor; there is {listed(self._tensors)}", where)
        storage, offset, shape, strides = self._tensors[where]
        if not storage.dtype.startswith("<"):
            raise complaint(self.path, f"expected floats of 2, 4 or 8 bytes, found {storage.dtype}", where)
        dtype = np.dtype(storage.dtype)
        size = check_tensor(self.path, where, shape, dtype.itemsize, dtype.kind)
        if offset != 0 or not in_order(shape, strides) or size != storage.numbers * dtype.itemsize:
            raise complaint(
                self.path,
                f"shape {shape}, strides {strides[:8]} at {offset} is not all of its storage of {storage.numbers} "
                "numbers, in order: save tensor.clone(memory_format=torch.contiguous_format)",
                where,
            )
        place = self._places[storage.key]
        if self._zip is not None:
            members = self._zip.members
            there = members[place.member].file_size if place.member in members else 0
            if there != size:
                raise complaint(self.path, f"shape {shape} needs {size} bytes, {place.member!r} has {there}", where)
        return dtype, place


def in_order(shape: Shape, strides: Shape) -> bool:
    """Whether a tensor of this shape lies in memory row by row; strides of axes of length 1 say nothing."""
    step = 1
    for length, stride in zip(reversed(shape), reversed(strides), strict=False):
        if length != 1 and stride != step:
            return False
        step *= length
    return len(shape) == len(strides)
