"""Patches: the pictures, and the places in them, that excite each unit of a row most.

One pass over the pictures; of each unit only its strongest few are kept. The index is an HDF5 file: a later run adds
pictures to it, and a run that was killed goes on.
"""

import os
from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import ImageFileError, InputError, UnknownName
from ..locks import locked
from ..nets import Net
from ..nets.reference import NetReference, fingerprint
from .folders import Entry, Seen, list_folder, read_batch, told
from .heaps import Heap, empty_heap, heap_of, merged
from .passes import EVERY, Progress, one_pass
from .stored import About, opened, options_text, written

TOP = 9
"""As many as in the figures of Zeiler and Fergus 2014."""

Numbered = tuple[int, Entry]
"""A picture and its number in the index."""


class PatchIndex(NamedTuple):
    """Which pictures excite the units of a network most.

    Attributes
    ----------
    net, weights_sha256 : str
        Whose units they are.
    heaps : dict
        By row, a `Heap`: for each unit the values, pictures and places.
    pictures : tuple of Entry
        The pictures by number, those that were skipped among them.
    notes : tuple of str
        A line for each file that was skipped.
    """

    net: str
    weights_sha256: str
    heaps: dict[str, Heap]
    pictures: tuple[Entry, ...]
    notes: tuple[str, ...] = ()

    def heap(self, row: str) -> Heap:
        """Return the heap of a row."""
        if row not in self.heaps:
            raise UnknownName(f"the index has no row {row!r}; it has {', '.join(self.heaps)}")
        return self.heaps[row]


def top_patches(
    net: Net,
    folder: str | os.PathLike[str],
    rows: str | Sequence[str],
    index: str | os.PathLike[str] | None = None,
    top: int = TOP,
    batch: int = 16,
    executor: Executor | None = None,
    every: float = EVERY,
    progress: Progress | None = None,
) -> PatchIndex:
    """Find the pictures below `folder`, and the one place in each, that excite every unit of `rows` most.

    Parameters
    ----------
    net : Net
    folder : path
        Of any size: memory does not grow with the number of pictures, but for the list of their names.
    rows : str or list of str
        Rows of maps or of scores. Among equal values the earlier picture counts, and in it the first place.
    index : path, optional
        An HDF5 file that keeps the result. If it is there, pictures that it does not know are added.
    top : int
        Pictures per unit.
    batch : int
        Pictures that go through the network together.
    executor : concurrent.futures.Executor, optional
        Where the batches are worked on; `minivis.shards.executor_for` opens one. The result is the same.
    every : float
        Seconds after which the index is written.
    progress : callable, optional
        Called with the number of pictures done and of all.

    Returns
    -------
    PatchIndex

    Raises
    ------
    ImageFileError
        If there is no such folder, or no picture in it that can be read.
    InputError
        If `index` is of another network, other weights or other rows, or cannot be written.

    References
    ----------
    Zeiler and Fergus 2014, "Visualizing and understanding convolutional networks", figure 2.
    """
    names = tuple(dict.fromkeys([rows] if isinstance(rows, str) else rows))
    if not names or top < 1:
        raise InputError(f"name a row or more, and 1 picture per unit or more; got {names} and {top}")
    for name in names:
        net.architecture.check(name)
    listing = list_folder(folder)
    reference = NetReference(net)
    options = options_text(top=top, size=net.size, dtype=str(net.dtype))
    about = About("patches", net.name, reference.sha256, names, options)
    path = None if index is None else Path(index).expanduser()
    with nullcontext() if path is None else locked(path):
        growing = _Growing(path, about, net, top)
        new = growing.seen.new(listing.entries, str(index))
        numbered = list(enumerate(new, len(growing.seen)))
        one_pass(_Job(reference, names, top).work, numbered, growing, batch, executor, every, progress)
    return growing.result(tuple(told(growing.seen, listing.others)))


def read_patches(path: str | os.PathLike[str], net: Net | None = None) -> PatchIndex:
    """Read an index that `top_patches` wrote; `net`, if given, must be the network it is of.

    Raises
    ------
    InputError
        If it is no such file, is damaged, or is of another network or other weights.
    """
    path = Path(path).expanduser()
    with opened(path) as file:
        about = file.about()
        about.check(path, about._replace(kind="patches"))
        if net is not None:
            about.check(path, about._replace(net=net.name, weights_sha256=fingerprint(net)))
        seen = file.seen()
        dtype = np.float64 if "float64" in about.options else np.float32
        heaps = {}
        for row in about.rows:
            kinds = {"values": dtype, "pictures": np.int64, "places": np.int32}
            heap = Heap(**{name: file.array(f"heaps/{row}/{name}", kind) for name, kind in kinds.items()})
            shape = heap.values.shape
            fits = len(shape) == 2 and heap.pictures.shape == shape and heap.places.shape == (*shape, 2)
            if not fits or heap.pictures.min() < -1 or heap.pictures.max() >= len(seen) or heap.places.min() < 0:
                raise InputError(f"{str(path)!r} is damaged: the heap of {row} does not fit its pictures")
            heaps[row] = heap
    return PatchIndex(about.net, about.weights_sha256, heaps, tuple(seen.entries), tuple(told(seen, ())))


class _Job(NamedTuple):
    """What is done with a shard of pictures, in whatever process: its heaps, and what was wrong with a file."""

    reference: NetReference
    rows: tuple[str, ...]
    top: int

    def work(self, numbered: list[Numbered]) -> tuple[dict[str, Heap], list[str | None]]:
        net = self.reference.net
        batch, problems = read_batch(net, [entry.path for _, entry in numbered])
        if batch is None:
            return {}, problems
        numbers = [number for (number, _), problem in zip(numbered, problems, strict=True) if problem is None]
        found = net.capture(batch, self.rows)
        return {row: heap_of(maps, numbers, self.top) for row, maps in found.items()}, problems


class _Growing:
    """An index that grows, and its file. The file is small, so it is written anew each time, and replaced whole."""

    def __init__(self, path: Path | None, about: About, net: Net, top: int):
        self.path, self.about, self.seen, self.held, self._changed = path, about, Seen(), 0, False
        shapes = net.shapes()
        self.heaps = {row: empty_heap(shapes[row][-1], top, net.dtype) for row in about.rows}
        if path is None:
            return
        if not path.parent.is_dir():
            raise InputError(f"there is no folder {str(path.parent)!r} to write {path.name!r} into: create it first")
        if path.exists():
            with opened(path) as file:
                file.about().check(path, about)
            known = read_patches(path)
            if any(known.heaps[row].values.shape != heap.values.shape for row, heap in self.heaps.items()):
                raise InputError(f"{str(path)!r} is damaged: its heaps are not of the units of {net.name}")
            self.seen, self.heaps = Seen(known.pictures), known.heaps

    def add(self, numbered: list[Numbered], result: tuple[dict[str, Heap], list[str | None]]) -> None:
        """Merge the heaps of a shard."""
        heaps, problems = result
        for (_, entry), problem in zip(numbered, problems, strict=True):
            self.seen.add(entry._replace(problem=problem))
        self.heaps |= {row: merged(self.heaps[row], heap) for row, heap in heaps.items()}
        self._changed = True

    def write(self) -> None:
        """Write the index anew."""
        if self.path is None or not self._changed:
            return
        with written(self.path, self.about, self.seen, {"complete": len(self.seen)}) as file:
            for row, heap in self.heaps.items():
                for name, array in heap._asdict().items():
                    file.create_dataset(f"heaps/{row}/{name}", data=array, track_times=False)
        self._changed = False

    def result(self, notes: tuple[str, ...]) -> PatchIndex:
        """Return what was found; raise `ImageFileError` if no picture could be read."""
        if all(entry.problem is not None for entry in self.seen.entries):
            first = self.seen.entries[0]
            raise ImageFileError(
                f"none of {len(self.seen)} pictures could be read; the first is {first.path}: {first.problem}"
            )
        return PatchIndex(self.about.net, self.about.weights_sha256, self.heaps, tuple(self.seen.entries), notes)
