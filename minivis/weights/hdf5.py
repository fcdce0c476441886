"""The one door to an HDF5 file from somebody else.

An HDF5 file can point at other files (external and soft links, external storage, virtual datasets), can declare more
than it holds, and can hold far more than it declares. So every access walks the path component by component over hard
links only, and every dataset is checked before a byte of it is read.
"""

from __future__ import annotations

import re
import zlib
from itertools import islice
from math import ceil, prod
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from .container import (
    NAMES_LIMIT,
    TEXT_LIMIT,
    Shape,
    StrPath,
    check_tensor,
    complaint,
    explained,
    listed,
)

DEFLATE, SHUFFLE, FLETCHER32 = 1, 2, 3  # filter numbers of the HDF5 library
CHECKSUM = 4  # bytes that FLETCHER32 adds
CHUNK_LIMIT = 16 << 20  # bytes; ours. A tensor larger than that may be one chunk
CHUNKS_LIMIT = 100_000  # ours: h5py's own choice for fc6 of VGG16 is about ten thousand
DEPTH_LIMIT = 32  # components of a path; ours
STEPS_LIMIT = 20_000  # members looked at, per opening; ours. One group under very many names ends here


class Hdf5File:
    """An HDF5 file, open for reading. Paths have no leading slash; "" is the root."""

    def __init__(self, path: StrPath):
        self.path = Path(path)

    def __enter__(self) -> Self:
        import h5py

        self._h5py = h5py
        with explained(self.path):
            try:
                self._file = h5py.File(self.path, "r")
            except OSError as error:
                sizes = re.search(r"eof = (\d+).*stored_eof = (\d+)", str(error))
                if sizes is None:
                    raise
                problem = f"truncated: {sizes[1]} of {sizes[2]} bytes are there. Copy or download it again"
                raise complaint(self.path, problem) from error
        self._steps = 0
        self._nodes: dict[str, Any] = {"": self._file}  # what was found at each path that was asked for
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._nodes.clear()
        self._file.close()

    # -- looking ---------------------------------------------------------------------------------------------------

    def names(self, where: str = "") -> list[str]:
        """Members of a group, in HDF5's order, which is that of the alphabet: conv2d, conv2d_1, conv2d_10, ..."""
        with explained(self.path, where):
            group = self._group(where)
            if len(group) > NAMES_LIMIT:
                raise complaint(self.path, f"too many members: {len(group)}; at most {NAMES_LIMIT}", where)
            self._step(len(group), where)
            return list(group)

    def is_group(self, where: str) -> bool:
        """Whether a group can be reached at `where` over hard links; a link that leads elsewhere is an error."""
        with explained(self.path, where):
            return isinstance(self._find(where), self._h5py.Group)

    def datasets(self, where: str) -> list[str]:
        """Paths of all datasets at and below a group."""
        found: list[str] = []
        waiting = [where]
        while waiting:
            group = waiting.pop()
            for name in self.names(group):
                path = f"{group}/{name}" if group else name
                (waiting if self.is_group(path) else found).append(path)
        return found

    def is_state(self, where: str) -> bool:
        """Whether this is a counter or the state of a random generator, which some layers keep, and no weight."""
        with explained(self.path, where):
            node = self._object(where)
            return isinstance(node, self._h5py.Dataset) and node.dtype.kind in "iu" and len(node.shape or ()) < 2

    def has_attribute(self, where: str, name: str) -> bool:
        """Whether there is such an attribute, of whatever type."""
        with explained(self.path, where):
            return bool(self._h5py.h5a.exists(self._object(where).id, name.encode()))

    def attribute(self, where: str, name: str) -> Any:
        """One attribute as text, number, or list of either; None if it is not there.

        Text of variable length is refused. For a damaged one the library asks for the memory that it declares, up to
        4 GiB, or never comes back: seen with HDF5 2.0 and one changed byte. What minivis writes is of fixed length.
        """
        with explained(self.path, f"{where}@{name}"):
            if not self.has_attribute(where, name):
                return None
            node = self._object(where)
            declared = self._h5py.h5a.open(node.id, name.encode())
            dtype, entries = declared.dtype, prod(declared.shape or ())
            if dtype.kind not in "Siuf":
                kind = "variable length or another type" if dtype.kind == "O" else str(dtype)
                raise complaint(self.path, f"expected numbers or text of fixed length, found {kind}", f"{where}@{name}")
            if entries > NAMES_LIMIT or entries * dtype.itemsize > TEXT_LIMIT:
                raise complaint(self.path, f"{entries} entries of {dtype}: too many", f"{where}@{name}")
            value = node.attrs[name]
            return [] if isinstance(value, self._h5py.Empty) else _plain(value)

    def attributes(self) -> dict[str, Any]:
        """All attributes of the root."""
        with explained(self.path):
            if self._h5py.h5a.get_num_attrs(self._file.id) > NAMES_LIMIT:
                raise complaint(self.path, f"more than {NAMES_LIMIT} attributes")
            return {name: self.attribute("", name) for name in self._file.attrs}

    # -- tensors ---------------------------------------------------------------------------------------------------

    def shape(self, where: str) -> Shape:
        """Check all that is declared of the dataset at `where`, reading none of it; return its shape."""
        with explained(self.path, where):
            return self._checked(where).shape

    def read_into(self, where: str, out: np.ndarray) -> None:
        """Read the dataset at `where` straight into `out`, which says shape and precision."""
        with explained(self.path, where):
            dataset = self._checked(where)
            if dataset.shape != out.shape:
                raise complaint(self.path, f"expected shape {out.shape}, found {dataset.shape}", where)
            self._check_chunk_contents(dataset, where)
            dataset.read_direct(out)

    def check_declared(self, where: str, shape: Shape, itemsize: int, kind: str) -> int:
        """Refuse a type or a size that does not belong here, else return the bytes; files of other things differ."""
        return check_tensor(self.path, where, shape, itemsize, kind)

    def _checked(self, where: str) -> Any:
        """The dataset at `where`, its declared shape, type, storage, chunks and filters found harmless."""
        dataset = self._object(where)
        if not isinstance(dataset, self._h5py.Dataset):
            raise complaint(self.path, f"expected a dataset, found a {type(dataset).__name__.lower()}", where)
        if dataset.shape is None:
            raise complaint(self.path, "no data stored: the dataset is empty", where)
        itemsize = dataset.dtype.itemsize
        size = self.check_declared(where, dataset.shape, itemsize, dataset.dtype.kind)
        if not dataset.id.get_type().equal(self._h5py.h5t.py_create(dataset.dtype)):
            raise complaint(self.path, "expected IEEE floats, found floats of another make", where)
        plan = dataset.id.get_create_plist()
        if plan.get_layout() == self._h5py.h5d.VIRTUAL:
            raise complaint(self.path, "a virtual dataset, which reads other files, is refused", where)
        if plan.get_external_count():
            raise complaint(self.path, "external storage, which reads other files, is refused", where)
        if dataset.chunks is not None:
            self._check_chunks(dataset, itemsize, size, where)
        elif dataset.id.get_storage_size() < size:
            problem = f"no data stored: {dataset.id.get_storage_size()} of {size} bytes were ever written"
            raise complaint(self.path, problem, where)
        return dataset

    def _check_chunks(self, dataset: Any, itemsize: int, size: int, where: str) -> None:
        chunk = prod(dataset.chunks) * itemsize
        if chunk > max(CHUNK_LIMIT, size):
            raise complaint(self.path, f"a chunk of {chunk} bytes for a tensor of {size} is refused", where)
        chunks = prod(ceil(n / c) for n, c in zip(dataset.shape, dataset.chunks, strict=True))
        if chunks > CHUNKS_LIMIT:
            raise complaint(self.path, f"cut into {chunks} chunks; at most {CHUNKS_LIMIT}", where)
        filters = self._filters(dataset)
        if not set(filters) <= {DEFLATE, SHUFFLE, FLETCHER32} or len(set(filters)) < len(filters):
            problem = f"HDF5 filters {filters} found; gzip (1), shuffle (2) and fletcher32 (3), once each, are read"
            raise complaint(self.path, problem, where)
        written = dataset.id.get_num_chunks()
        if written < chunks:  # the library would fill the gaps with zeros
            raise complaint(self.path, f"no data stored: {written} of {chunks} chunks were ever written", where)

    def _check_chunk_contents(self, dataset: Any, where: str) -> None:
        """Undo the filters of each chunk with a bound, before the library does it without one.

        HDF5's gzip filter lets its output grow until the stream ends: a chunk that declared 64 numbers took 512 MiB.
        Its checksum filter crashes on a chunk shorter than a checksum, and of a chunk that is stored too short it hands
        out what lies behind it in memory (CVE-2025-44904). (All seen with HDF5 2.0.) So what is chunked is read twice;
        our own files and Keras's are not.
        """
        if dataset.chunks is None:
            return
        filters = self._filters(dataset)
        declared = prod(dataset.chunks) * dataset.dtype.itemsize
        chunks: list[Any] = []
        dataset.id.chunk_iter(chunks.append)
        for chunk in chunks:
            if chunk.size > declared + declared // 1000 + 1024:  # gzip adds 5 bytes per 16 kB to what it cannot shrink
                raise complaint(self.path, f"a chunk of {chunk.size} bytes is stored, {declared} are declared", where)
            active = [f for k, f in enumerate(filters) if not chunk.filter_mask & (1 << k)]
            plain = declared + CHECKSUM * active.count(FLETCHER32)
            if DEFLATE not in active and chunk.size != plain:  # the library would read beyond the end of a shorter one
                raise complaint(self.path, f"a chunk of {chunk.size} bytes is stored, {plain} are declared", where)
            skipped, data = dataset.id.read_direct_chunk(chunk.chunk_offset)
            for position in reversed(range(len(filters))):
                if skipped & (1 << position):
                    continue
                if filters[position] == FLETCHER32:
                    data = data[:-CHECKSUM]
                elif filters[position] == DEFLATE:
                    data = zlib.decompressobj().decompress(data, declared + CHECKSUM + 1)
            if len(data) != declared:
                problem = f"a chunk holds {len(data)} bytes or more, {declared} are declared"
                raise complaint(self.path, problem, where)

    @staticmethod
    def _filters(dataset: Any) -> list[int]:
        plan = dataset.id.get_create_plist()
        return [plan.get_filter(i)[0] for i in range(plan.get_nfilters())]

    # -- walking ---------------------------------------------------------------------------------------------------

    def _object(self, where: str) -> Any:
        node = self._find(where)
        if node is None:
            above = self._find(where.rpartition("/")[0])
            members = listed(islice(above, NAMES_LIMIT)) if isinstance(above, self._h5py.Group) else "no group above it"
            raise complaint(self.path, f"is not there; there is {members}", where)
        return node

    def _group(self, where: str) -> Any:
        node = self._object(where)
        if not isinstance(node, self._h5py.Group):
            raise complaint(self.path, f"expected a group, found a {type(node).__name__.lower()}", where)
        return node

    def _find(self, where: str) -> Any:
        """The object at `where`, reached over hard links only, or None: the one way to anything in the file."""
        if where not in self._nodes:
            if where.count("/") >= DEPTH_LIMIT:
                raise complaint(self.path, f"more than {DEPTH_LIMIT} groups deep: a cycle?", where)
            parent, _, name = where.rpartition("/")
            self._nodes[where] = self._member(self._find(parent), name, where)
        return self._nodes[where]

    def _member(self, group: Any, name: str, where: str) -> Any:
        self._step(1, where)
        if name in ("", ".", "..") or "\0" in name or where.startswith("/"):
            raise complaint(self.path, "expected a plain path like block1_conv1/kernel", where)
        if not isinstance(group, self._h5py.Group) or not group.id.links.exists(name.encode()):
            return None
        if group.id.links.get_info(name.encode()).type != self._h5py.h5l.TYPE_HARD:
            raise complaint(self.path, f"{name!r} is a link that leads elsewhere, which is refused", where)
        return group[name]

    def _step(self, steps: int, where: str) -> None:
        self._steps += steps
        if self._steps > STEPS_LIMIT:
            raise complaint(self.path, f"more than {STEPS_LIMIT} members were looked at", where)


def _plain(value: Any) -> Any:
    """Attribute value as h5py gives it -> text, int, float, or a list of them."""
    if isinstance(value, np.ndarray):
        return [_plain(entry) for entry in value.ravel().tolist()]
    if isinstance(value, bytes):
        return value.decode("utf-8")
    return value.item() if isinstance(value, np.generic) else value
