"""The one door to a `.safetensors` from somebody else: eight bytes of length, a table in JSON, then the numbers.

Of the format's own rules (README of huggingface/safetensors, "Format") all are checked: the table begins with a brace,
no name comes twice, and the tensors cover what follows the table without gap or overlap.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeGuard

import numpy as np

from .container import NAMES_LIMIT, Shape, StrPath, cast_into, check_tensor, complaint, explained, listed, read_at

TABLE_LIMIT = 1 << 20  # bytes; ours: 200 for each of NAMES_LIMIT names. The format allows 100 MB
DTYPES = {"F16": "<f2", "F32": "<f4", "F64": "<f8"}
METADATA = "__metadata__"


class Entry(NamedTuple):
    """What the table says of one tensor; positions count from the end of the table."""

    dtype: str
    shape: Shape
    start: int
    end: int


class SafetensorsFile:
    """A .safetensors, open for reading."""

    def __init__(self, path: StrPath):
        self.path = Path(path)

    def __enter__(self) -> Self:
        with explained(self.path):
            size = self.path.stat().st_size
            with self.path.open("rb") as file:
                length = int.from_bytes(file.read(8), "little")
                if length > TABLE_LIMIT:
                    raise complaint(self.path, f"a table of {length} bytes; at most {TABLE_LIMIT}")
                text = file.read(length)
            self._start = 8 + length
            if len(text) < length:
                raise complaint(self.path, f"truncated: {size} of {self._start} bytes or more are there")
            self._entries = self._table(text)
            self._check_cover(size)
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._entries = {}

    def names(self) -> list[str]:
        """Names of the tensors, in the order of the table."""
        return list(self._entries)

    def shape(self, where: str) -> Shape:
        """Check all that is declared of the tensor `where`, reading none of it; return its shape."""
        with explained(self.path, where):
            self._checked(where)
            return self._entries[where].shape

    def read_into(self, where: str, out: np.ndarray) -> None:
        """Read the tensor `where` into `out`, which says shape and precision."""
        with explained(self.path, where):
            dtype, entry = self._checked(where), self._entries[where]
            if entry.shape != out.shape:
                raise complaint(self.path, f"expected shape {out.shape}, found {entry.shape}", where)
            stored = out if out.dtype == dtype else np.empty(entry.shape, dtype)
            read_at(self.path, self._start + entry.start, stored, where)
            cast_into(stored, out)

    # -- the table -------------------------------------------------------------------------------------------------

    def _table(self, text: bytes) -> dict[str, Entry]:
        table = json.loads(text.decode("utf-8"), object_pairs_hook=self._once)
        if type(table) is not dict or len(table) > NAMES_LIMIT:
            raise complaint(self.path, f"expected a table of at most {NAMES_LIMIT} tensors")
        entries = {name: self._entry(name, value) for name, value in table.items() if name != METADATA}
        if not entries:
            raise complaint(self.path, "there are no tensors in it")
        return entries

    def _once(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        table = dict(pairs)
        if len(table) < len(pairs):
            raise complaint(self.path, "its table has a name twice")
        return table

    def _entry(self, name: str, value: Any) -> Entry:
        fields: dict[str, Any] = value if type(value) is dict else {}
        dtype, shape, span = fields.get("dtype"), fields.get("shape"), fields.get("data_offsets")
        if type(dtype) is str and _whole(shape) and _whole(span) and len(span) == 2 and len(fields) == 3:
            return Entry(dtype, tuple(shape), *span)
        raise complaint(self.path, "expected dtype, shape and data_offsets of whole numbers from 0 on", name)

    def _check_cover(self, size: int) -> None:
        position = 0
        for name, entry in sorted(self._entries.items(), key=lambda item: (item[1].start, item[1].end)):
            if entry.start != position or entry.end < entry.start:
                raise complaint(self.path, f"lies at {entry.start} to {entry.end}, expected from {position} on", name)
            position = entry.end
        if self._start + position != size:
            problem = "truncated" if size < self._start + position else "goes on after its last tensor"
            raise complaint(self.path, f"{problem}: {size} bytes are there, {self._start + position} are declared")

    def _checked(self, where: str) -> np.dtype:
        """Type of the tensor `where`, all that is declared of it found harmless."""
        if where not in self._entries:
            raise complaint(self.path, f"no such tensor; there is {listed(self._entries)}", where)
        entry = self._entries[where]
        if entry.dtype not in DTYPES:
            raise complaint(self.path, f"expected {', '.join(DTYPES)}, found {entry.dtype[:20]!r}", where)
        dtype = np.dtype(DTYPES[entry.dtype])
        size = check_tensor(self.path, where, entry.shape, dtype.itemsize, dtype.kind)
        if size != entry.end - entry.start:
            problem = f"shape {entry.shape} of {entry.dtype} needs {size} bytes, {entry.end - entry.start} are there"
            raise complaint(self.path, problem, where)
        return dtype


def _whole(value: Any) -> TypeGuard[list[int]]:
    return type(value) is list and all(type(number) is int and number >= 0 for number in value)
