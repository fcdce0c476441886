"""A folder of photographs as `minivis neighbours` and `minivis embed` take it: files, classes, codes."""

import argparse
import hashlib
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ...backend import to_host
from ...errors import InputError
from ...nets import ARCHITECTURES, Net
from ...nets.layers import Dropout
from ...pictures import SUFFIXES
from ...representation.codes import read_codes
from ...representation.folders import Listing, list_folder, read_batch
from ...training.data import TEST_TENTH, tenth
from ..common import add_net_options, one_line, progress
from ..making.runner import positive

MEMORY = 4 << 30  # bytes of pixels and codes that are held at most (ours)
TOLD = 5  # files that cannot be read, named one by one


@dataclass(frozen=True)
class Album:
    """The photographs of a folder that could be read."""

    folder: Path
    files: list[str]  # below the folder
    classes: tuple[str, ...]  # the names of its subfolders; () if it has none
    labels: np.ndarray  # (N,) int: the class of each file; all 0 if there are none
    unreadable: list[tuple[str, str]]  # files, and what is wrong with them

    def __len__(self) -> int:
        return len(self.files)

    def path(self, index: int) -> Path:
        """Return where a photograph is."""
        return self.folder / self.files[index]

    def class_of(self, index: int) -> str:
        """Return the name of its class, or ``""``."""
        return self.classes[self.labels[index]] if self.classes else ""

    def only(self, chosen: Sequence[int] | np.ndarray) -> "Album":
        """Return the album of these photographs."""
        return replace(self, files=[self.files[i] for i in chosen], labels=self.labels[chosen])

    @property
    def held_back(self) -> np.ndarray:
        """Which photographs `minivis train` never sees: (N,) bool; see `minivis.training.data`."""
        hashes = (hashlib.sha256(self.path(i).read_bytes()).hexdigest() for i in range(len(self)))
        return np.array([tenth(found) == TEST_TENTH for found in hashes], dtype=bool)


def add_options(parser: argparse.ArgumentParser, folder: str | None = None) -> None:
    """Add what both commands take; `folder` is ``"?"`` where it may be left out."""
    parser.add_argument("net", metavar="NET", help=f"{', '.join(ARCHITECTURES)}, or a weight file")
    parser.add_argument(
        "folder", metavar="FOLDER", nargs=folder, help="of photographs; its subfolders, if any, are the classes"
    )
    add_net_options(parser)
    parser.add_argument("--row", help="whose values are the codes; default: the row that the classifier reads")
    parser.add_argument("--limit", type=positive, metavar="N", help="take only so many photographs, evenly chosen")
    parser.add_argument(
        "--batch", type=positive, default=32, help="photographs that are computed at a time; default 32"
    )
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu")


def check_out(path: Path) -> None:
    """Raise `InputError` if a picture cannot be written there: after the work would be late."""
    if path.suffix.lower() not in SUFFIXES or not path.parent.is_dir():
        raise InputError(f"--out is a picture in a folder that is there, such as map.png, got {str(path)!r}")


def code_row(net: Net, name: str | None = None) -> str:
    """Return the row of the codes: `name`, or the one that the classifier reads, before its dropout."""
    if name is not None:
        return net.architecture.check(name)
    rows = net.architecture.rows
    (row,) = rows[net.logits].inputs
    while isinstance(rows[row].layer, Dropout):
        (row,) = rows[row].inputs
    return row


def listing_of(folder: str, limit: int | None = None) -> Listing:
    """List the photographs of a folder, or so many of them, evenly chosen."""
    entries = list_folder(folder).entries
    if limit is not None and limit < len(entries):
        entries = [entries[i * len(entries) // limit] for i in range(limit)]
    return Listing(entries, [])


def list_album(folder: str, limit: int | None = None) -> Album:
    """List the photographs of a folder, without opening them."""
    return album_of(listing_of(folder, limit))


def album_of(listing: Listing) -> Album:
    """Return the album of photographs that are listed."""
    entries = listing.entries
    classes = tuple(sorted({entry.label for entry in entries}))
    if classes == ("",):
        classes = ()
    labels = np.array([classes.index(entry.label) if classes else 0 for entry in entries], dtype=np.intp)
    return Album(Path(entries[0].root), [entry.name for entry in entries], classes, labels, [])


def stored_album(
    net: Net, path: str, row: str | None, folder: str | None, limit: int | None
) -> tuple[Album, np.ndarray, str]:
    """Return the photographs of a file of codes, their codes (N, D), and the row: `code_row`, or what there is.

    With a `folder`, only those that lie in it.
    """
    found = read_codes(path, net, row)
    wanted = code_row(net, row)
    wanted = wanted if wanted in found.values else next(iter(found.values))
    chosen = np.arange(len(found.pictures))
    if folder is not None:
        root = Path(folder).expanduser().absolute()
        chosen = np.flatnonzero([entry.path.is_relative_to(root) for entry in found.pictures])
        if not len(chosen):
            raise InputError(f"{str(path)!r} has no codes of pictures in {folder!r}")
    if limit is not None and limit < len(chosen):
        chosen = chosen[np.arange(limit) * len(chosen) // limit]
    classes = () if found.classes == [""] else tuple(found.classes)
    roots = {entry.root for entry in found.pictures}
    one = Path(roots.pop()) if len(roots) == 1 else None
    files = [entry.name if one else str(entry.path) for entry in found.pictures]
    album = Album(one or Path(), files, classes, found.labels, []).only(chosen)
    return album, found.points(wanted)[chosen], wanted


def read_album(net: Net, album: Album, row: str, batch: int, pixels: bool) -> tuple[Album, np.ndarray, np.ndarray]:
    """Read the photographs and compute their codes.

    Returns
    -------
    album : Album
        Those that could be read.
    codes : ndarray, shape (N, D)
    pixels : ndarray, shape (N, H, W, 3), uint8
        As the network sees them, if asked for; else without any.
    """
    width = check_memory(net, album, row, pixels)
    codes = np.empty((len(album), width), net.dtype)
    held = np.empty((len(album) if pixels else 0, net.size, net.size, 3), np.uint8)
    good: list[int] = []
    with progress(range(len(album)), desc="photographs", unit="file") as bar:
        for first in range(0, len(album), batch):
            some = range(first, min(first + batch, len(album)))
            x, problems = read_batch(net, [album.path(i) for i in some])
            album.unreadable.extend((album.files[i], why) for i, why in zip(some, problems, strict=True) if why)
            bar.update(len(some))
            if x is None:
                continue
            own = slice(len(good), len(good) + len(x))
            codes[own] = to_host(net.capture(x, [row])[row]).reshape(len(x), -1)
            if pixels:
                held[own] = np.rint(to_host(x))
            good += [i for i, why in zip(some, problems, strict=True) if not why]
    if not good:
        file, why = album.unreadable[0]
        raise InputError(f"none of the {len(album)} pictures can be read; {str(album.folder / file)!r}: {why}")
    return album.only(good), codes[: len(good)], held[: len(good)]


def check_memory(net: Net, album: Album, row: str, pixels: bool = False) -> int:
    """Return how many numbers a code has; raise `InputError` if all of them will not fit."""
    width = math.prod(net.shapes(upto=row)[row])
    size = 4 * width + (net.size**2 * 3 if pixels else 0)
    if len(album) * size > MEMORY:
        raise InputError(
            f"{len(album)} photographs, {width} numbers each of {row}, need {len(album) * size / 2**30:.1f} GB: take "
            f"a smaller row, or --limit {MEMORY // size}"
        )
    return width


def tell_unreadable(album: Album) -> None:
    """List on stderr what was left out."""
    if not album.unreadable:
        return
    print(f"left out, since they cannot be used: {len(album.unreadable)} files", file=sys.stderr)
    for file, why in album.unreadable[:TOLD]:
        print(f"  {one_line(str(album.folder / file))}: {one_line(why)}", file=sys.stderr)
    if len(album.unreadable) > TOLD:
        print(f"  and {len(album.unreadable) - TOLD} more", file=sys.stderr)
