"""Results over a folder in HDF5: what they are of, written so that a kill never spoils them, read as a stranger's file.

A file is written beside its place and moved there, whole. HDF5 that is changed in place can be left unreadable by a
kill in mid-write, so nothing here ever changes a file.
"""

import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..atomic import reason
from ..errors import InputError, WeightFileError
from ..weights.container import Shape, complaint
from ..weights.creating import created
from ..weights.hdf5 import Hdf5File
from .folders import Seen

VERSION = 1
TABLE_LIMIT = 1 << 28  # bytes of the table of pictures; ours: two million pictures
ARRAY_LIMIT = 1 << 36  # bytes of one array; ours
KINDS = {"f": (2, 4, 8), "i": (4, 8), "u": (1,)}

Value = str | int | list[str]


class About(NamedTuple):
    """What results are of: two files with equal ones may be put together."""

    kind: str  # "codes" or "patches"
    net: str
    weights_sha256: str
    rows: tuple[str, ...]
    options: str  # whatever else changes the numbers, as text

    def check(self, path: Path, wanted: "About") -> None:
        """Raise `InputError` unless the file `path`, which is about this, is about what is `wanted`."""
        if self.kind != wanted.kind:
            raise InputError(f"{str(path)!r} holds {self.kind}, expected {wanted.kind}: choose another file")
        if (self.net, self.weights_sha256) != (wanted.net, wanted.weights_sha256):
            raise InputError(
                f"{str(path)!r} is of {self.net} with the weights {self.weights_sha256[:12]}, not of {wanted.net} "
                f"with {wanted.weights_sha256[:12]}: choose another file, or the network it was made with"
            )
        if (self.rows, self.options) != (wanted.rows, wanted.options):
            raise InputError(
                f"{str(path)!r} has {', '.join(self.rows)} with {self.options}, asked for {', '.join(wanted.rows)} "
                f"with {wanted.options}: choose another file"
            )


class ResultFile(Hdf5File):
    """A file of results, opened as `Hdf5File` opens a stranger's: also whole numbers, also large arrays."""

    def check_declared(self, where: str, shape: Shape, itemsize: int, kind: str) -> int:
        if itemsize not in KINDS.get(kind, ()):
            raise complaint(self.path, f"expected numbers, found kind {kind!r} of {itemsize} bytes", where)
        size = itemsize * prod(shape)
        if not shape or min(shape) < 1 or size > min(ARRAY_LIMIT, self.path.stat().st_size):
            raise complaint(self.path, f"expected an array that the file can hold, found shape {shape}", where)
        return size

    def about(self) -> About:
        """Return what the results are of."""
        attributes = self.attributes()
        kind = str(attributes.get("format", "")).removeprefix("minivis ")
        if attributes.get("version") != VERSION or kind not in ("codes", "patches"):
            raise complaint(self.path, f"expected codes or patches of minivis, version {VERSION}")
        rows = attributes.get("rows")
        if not isinstance(rows, list):
            raise complaint(self.path, "the attribute rows is missing")
        texts = [str(attributes.get(name, "")) for name in ("net", "weights_sha256", "options")]
        return About(kind, texts[0], texts[1], tuple(map(str, rows)), texts[2])

    def seen(self) -> Seen:
        """Return the table of pictures."""
        (length,) = self.shape("pictures")
        if length > TABLE_LIMIT:
            raise complaint(self.path, f"a table of {length} bytes; at most {TABLE_LIMIT}", "pictures")
        text = np.empty(length, np.uint8)
        self.read_into("pictures", text)
        try:
            return Seen.from_json(text.tobytes())
        except (ValueError, RecursionError) as error:
            raise complaint(self.path, f"is damaged: {error}", "pictures") from None

    def array(self, where: str, dtype: Any) -> np.ndarray:
        """Return an array."""
        out = np.empty(self.shape(where), dtype)
        self.read_into(where, out)
        return out


@contextmanager
def opened(path: Path) -> Iterator[ResultFile]:
    """Open a file of results; whatever is wrong with it is an `InputError` of one line."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be opened: {os.strerror(error.errno or 0)}") from None
    if not stat.S_ISREG(mode):  # opening a pipe would wait for ever
        raise InputError(f"{str(path)!r} is no regular file")
    try:
        with ResultFile(path) as file:
            yield file
    except WeightFileError as error:
        raise InputError(str(error)) from error


@contextmanager
def written(path: Path, about: About, seen: Seen, attributes: Mapping[str, Value]) -> Iterator[Any]:
    """Write a file of results: its head; the caller adds the arrays to the `h5py.File` that this gives."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        ours = version("minivis")
    except PackageNotFoundError:  # a checkout that was never installed
        ours = "unknown"
    head: dict[str, Value] = {
        "format": f"minivis {about.kind}",
        "version": VERSION,
        "minivis": ours,
        "net": about.net,
        "weights_sha256": about.weights_sha256,
        "rows": list(about.rows),
        "options": about.options,
        **attributes,
    }
    try:
        with created(path) as file:
            for name, value in head.items():
                file.attrs[name] = _fixed(value)
            table = np.frombuffer(seen.to_json(), np.uint8)
            file.create_dataset("pictures", data=table, track_times=False)
            yield file
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be written: {reason(error)}") from error


def _fixed(value: Value) -> Any:
    """Return text as bytes of fixed length: for damaged text of variable length HDF5 asks for any memory."""
    if isinstance(value, str):
        return np.bytes_(value.encode())
    if isinstance(value, list):
        return np.array([text.encode() for text in value])
    return value


def options_text(**options: Any) -> str:
    """Return options as text that can be compared."""
    return json.dumps(options, sort_keys=True).strip("{}").replace('"', "")
