"""Codes: what rows of a network hold for each picture of a folder, in one HDF5 file.

While a run goes on, finished pictures lie in a folder beside the file, ``NAME.parts``, in small files of the same form,
one every few seconds; at the end they are put together. So a run that is killed at any moment loses little, spoils
nothing, and the same call goes on from there. A hundred thousand codes of fc7 are 1.6 GB: to write such a file anew
each time would take longer than to compute them.
"""

import os
import shutil
from collections.abc import Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..backend import to_host
from ..errors import ImageFileError, InputError, UnknownName
from ..locks import locked
from ..nets import Net
from ..nets.reference import NetReference, fingerprint
from .folders import Entry, Listing, Seen, list_folder, read_batch, told
from .passes import EVERY, Progress, one_pass
from .stored import About, ResultFile, opened, options_text, written

POOLS = ("none", "mean")


class Codes(NamedTuple):
    """Codes of pictures.

    Attributes
    ----------
    net, weights_sha256 : str
        Whose codes they are.
    pool : str
        "none": maps are as they are; "mean": each map is its mean.
    values : dict
        By row: (N, h, w, C) for maps, (N, C) for scores and for means.
    pictures : tuple of Entry
        The N pictures in the order of the codes; `.path` and `.label` say where each is.
    skipped : tuple of Entry
        Files that could not be read; `.problem` says why.
    """

    net: str
    weights_sha256: str
    pool: str
    values: dict[str, np.ndarray]
    pictures: tuple[Entry, ...]
    skipped: tuple[Entry, ...]

    def points(self, row: str | None = None) -> np.ndarray:
        """Return the codes of a row (default: the only or first) as rows of numbers (N, D), maps flattened."""
        row = next(iter(self.values)) if row is None else row
        if row not in self.values:
            raise UnknownName(f"there are no codes of {row!r} here; there are of {', '.join(self.values)}")
        return self.values[row].reshape(len(self.pictures), -1)

    @property
    def paths(self) -> list[Path]:
        """Where the pictures are."""
        return [entry.path for entry in self.pictures]

    @property
    def classes(self) -> list[str]:
        """The names of the subfolders directly below the folder, in alphabetical order; "" for pictures in none."""
        return sorted({entry.label for entry in self.pictures})

    @property
    def labels(self) -> np.ndarray:
        """For each picture the index of its subfolder in `classes`: (N,)."""
        number = {name: i for i, name in enumerate(self.classes)}
        return np.array([number[entry.label] for entry in self.pictures], dtype=np.intp)


def write_codes(
    net: Net,
    folder: str | os.PathLike[str] | Listing,
    rows: str | Sequence[str],
    out: str | os.PathLike[str],
    pool: str = "none",
    batch: int = 16,
    executor: Executor | None = None,
    every: float = EVERY,
    progress: Progress | None = None,
) -> list[str]:
    """Write the codes of every picture below `folder` to the HDF5 file `out`; `read_codes` reads them.

    If `out` is there, pictures that it does not have are added to it. Memory does not grow with the number of pictures,
    but for the list of their names.

    Parameters
    ----------
    net : Net
    folder : path or Listing
        A folder, or what `list_folder` found in it, for some of its pictures only.
    rows : str or list of str
        Such as "fc7" or ["pool5", "fc8"].
    out : path
        In the file, ``codes/ROW`` is (N, h, w, C) or (N, C).
    pool : {"none", "mean"}
        What becomes of maps: nothing, or the mean of each over its places, (N, C).
    batch : int
        Pictures that go through the network together. Dense layers round differently in batches of another size.
    executor : concurrent.futures.Executor, optional
        Where the batches are worked on; `minivis.shards.executor_for` opens one. The result is the same.
    every : float
        Seconds after which what is finished is written.
    progress : callable, optional
        Called with the number of pictures done and of all.

    Returns
    -------
    list of str
        A line for each file that was skipped, with the reason.

    Raises
    ------
    ImageFileError
        If there is no such folder, or no picture in it that can be read.
    InputError
        If `out` has codes of another network, other weights or other rows, or cannot be written.
    """
    names = tuple(dict.fromkeys([rows] if isinstance(rows, str) else rows))
    if not names:
        raise InputError("name a row or more, such as fc7")
    if pool not in POOLS:
        raise InputError(f"pool is one of {', '.join(POOLS)}, got {pool!r}")
    for name in names:
        net.architecture.check(name)
    path = Path(out).expanduser()
    listing = folder if isinstance(folder, Listing) else list_folder(folder)
    reference = NetReference(net)
    about = About(
        "codes", net.name, reference.sha256, names, options_text(pool=pool, size=net.size, dtype=str(net.dtype))
    )
    with locked(path):
        parts = _Parts(path, about)
        new = parts.seen.new(listing.entries, str(path))
        one_pass(_Job(reference, names, pool).work, new, parts, batch, executor, every, progress)
        parts.merge()
    return told(parts.seen, listing.others)


def read_codes(path: str | os.PathLike[str], net: Net | None = None, rows: str | Sequence[str] | None = None) -> Codes:
    """Read what `write_codes` wrote.

    Parameters
    ----------
    path : path
        It may be anybody's file: it is checked like a weight file.
    net : Net, optional
        The network that the codes must be of.
    rows : str or list of str, optional
        Which rows to read. Default: all.

    Raises
    ------
    InputError
        If it is no such file, is damaged, or is of another network or other weights.
    UnknownName
        If it has no such row.
    """
    path = Path(path).expanduser()
    if not path.exists() and parts_of(path).is_dir():
        raise InputError(f"{str(path)!r} is not finished: the command that writes it goes on if it is given again")
    with opened(path) as file:
        about = file.about()
        about.check(path, about._replace(kind="codes"))
        if net is not None:
            about.check(path, about._replace(net=net.name, weights_sha256=fingerprint(net)))
        wanted = about.rows if rows is None else (rows,) if isinstance(rows, str) else tuple(rows)
        for row in wanted:
            if row not in about.rows:
                raise UnknownName(f"{str(path)!r} has no codes of {row!r}; it has {', '.join(about.rows)}")
        seen = file.seen()
        pictures = tuple(entry for entry in seen.entries if entry.problem is None)
        values = {row: _values(file, row, len(pictures)) for row in wanted}
        pool = str(file.attribute("", "pool"))
    return Codes(about.net, about.weights_sha256, pool, values, pictures, tuple(seen.skipped))


class _Job(NamedTuple):
    """What is done with a shard of pictures, in whatever process: rows of numbers, and what was wrong with a file."""

    reference: NetReference
    rows: tuple[str, ...]
    pool: str

    def work(self, entries: list[Entry]) -> tuple[dict[str, np.ndarray], list[str | None]]:
        net = self.reference.net
        batch, problems = read_batch(net, [entry.path for entry in entries])
        if batch is None:
            return {}, problems
        found = net.capture(batch, self.rows)
        if self.pool == "mean":
            found = {row: values.mean((1, 2)) if values.ndim == 4 else values for row, values in found.items()}
        return {row: to_host(values) for row, values in found.items()}, problems


class _Parts:
    """What is finished of a codes file: the file itself, if it is there, and the parts beside it, in order."""

    def __init__(self, path: Path, about: About):
        self.path, self.about, self.folder = path, about, parts_of(path)
        if not path.parent.is_dir():
            raise InputError(f"there is no folder {str(path.parent)!r} to write {path.name!r} into: create it first")
        self.files: list[Path] = []
        self.seen = Seen()
        if path.exists():
            self._take(path)
        for part in sorted(self.folder.glob("[0-9]*.h5")) if self.folder.is_dir() else ():
            if int(part.stem) < len(self.seen):  # a kill came between the end and the tidying up
                part.unlink()
            else:
                self._take(part)
        self._start()

    def _take(self, path: Path) -> None:
        with opened(path) as file:
            file.about().check(path, self.about)
            for entry in file.seen().entries:
                self.seen.add(entry)
        self.files.append(path)

    def _start(self) -> None:
        self.held, self._entries = 0, Seen()
        self._values: dict[str, list[np.ndarray]] = {row: [] for row in self.about.rows}

    def add(self, entries: list[Entry], result: tuple[dict[str, np.ndarray], list[str | None]]) -> None:
        """Hold the codes of a shard."""
        values, problems = result
        for entry, problem in zip(entries, problems, strict=True):
            self._entries.add(entry._replace(problem=problem))
        for row, array in values.items():
            self._values[row].append(array)
            self.held += array.nbytes

    def write(self) -> None:
        """Write what is held as one more part."""
        if not len(self._entries):
            return
        try:
            self.folder.mkdir(exist_ok=True)
        except OSError as error:
            raise InputError(f"{str(self.folder)!r} cannot be made: {os.strerror(error.errno or 0)}") from error
        part = self.folder / f"{len(self.seen):09d}.h5"
        with written(part, self.about, self._entries, {}) as file:
            for row, arrays in self._values.items():
                if arrays:
                    file.create_dataset(f"codes/{row}", data=np.concatenate(arrays), track_times=False)
        for entry in self._entries.entries:
            self.seen.add(entry)
        self.files.append(part)
        self._start()

    def merge(self) -> None:
        """Put the parts together, one at a time."""
        count = _readable(self.seen)
        if not count:
            shutil.rmtree(self.folder, ignore_errors=True)
            problem = self.seen.entries[0]
            raise ImageFileError(
                f"none of {len(self.seen)} pictures could be read; the first is {problem.path}: {problem.problem}"
            )
        if self.files == [self.path]:
            shutil.rmtree(self.folder, ignore_errors=True)
            return
        pool = {"pool": "mean" if "pool: mean" in self.about.options else "none", "complete": count}
        whole = self.folder / "whole.h5"  # what a kill leaves of it goes with the parts
        with written(whole, self.about, self.seen, pool) as target:
            for row in self.about.rows:
                first = 0
                for name in self.files:
                    with opened(name) as source:
                        here = _readable(source.seen())
                        if not here:
                            continue
                        values = _values(source, row, here)
                    if not first:
                        shape = (count, *values.shape[1:])
                        dataset = target.create_dataset(f"codes/{row}", shape, values.dtype, track_times=False)
                    dataset[first : first + here] = values
                    first += here
        whole.replace(self.path)
        shutil.rmtree(self.folder, ignore_errors=True)


def parts_of(path: Path) -> Path:
    """Return the folder of what is finished of a file of codes."""
    return path.with_name(f"{path.name}.parts")


def _readable(seen: Seen) -> int:
    return sum(entry.problem is None for entry in seen.entries)


def _values(file: ResultFile, row: str, count: int) -> np.ndarray:
    """Return the codes of one row, in the precision they were written in."""
    dtype = np.float64 if "float64" in file.about().options else np.float32
    values = file.array(f"codes/{row}", dtype)
    if len(values) != count:
        raise InputError(f"{str(file.path)!r} is damaged: {len(values)} codes of {row} for {count} pictures")
    return values
