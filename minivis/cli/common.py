"""What several commands need: opening a net, names that are nearly right, text that is safe to print."""

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ..atomic import reason
from ..backend import DTYPE, free_memory
from ..errors import InputError, UnknownName
from ..nets import ARCHITECTURES, Net, load
from ..nets.memory import peak_memory


def add_net_options(parser: argparse.ArgumentParser) -> None:
    """Add what says which network, with which weights."""
    parser.add_argument("--weights", metavar="FILE", help="weight file; default: the first found on the search path")


def add_pass_options(parser: argparse.ArgumentParser) -> None:
    """Add what says how the pictures of a folder go through the network, and where."""
    parser.add_argument("--batch", type=int, default=16, help="pictures at a time; default 16")
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu")
    add_worker_options(parser)


def add_worker_options(parser: argparse.ArgumentParser) -> None:
    """Add what says where the work is done: see `minivis.shards.executor_for`."""
    parser.add_argument("--workers", type=int, metavar="N", help="so many processes; default: this one alone")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="a Dask cluster, such as tcp://HOST:8786")


def open_net(name: str, weights: str | None, device: str = "cpu", dtype: Any = DTYPE) -> Net:
    """Load a net by name or path, and say which names are near if there is none."""
    try:
        return load(name, weights=weights, device=device, dtype=dtype)
    except UnknownName as error:
        raise UnknownName(f"{error}{did_you_mean(name, ARCHITECTURES)}") from None


def check_memory(net: Net, size: int, batch: int = 1, row: str | None = None) -> None:
    """Raise `InputError` before a run that would not fit into memory: one that is killed tells nothing."""
    needed = peak_memory(net.architecture, size, batch, row or net.maps, itemsize=net.dtype.itemsize)
    free = free_memory(net.device)
    if free is not None and needed > free:
        pictures = f"{batch} pictures of {size} x {size} take" if batch > 1 else f"a picture of {size} x {size} takes"
        raise InputError(
            f"{pictures} about {needed / 2**30:.2f} GiB through {net.name}, "
            f"{free / 2**30:.2f} GiB are free: choose a smaller size"
        )


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Return ``"; did you mean ...?"`` with the names near `name`, or ``""``."""
    near = get_close_matches(name, list(names), n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def listed(text: str, known: Iterable[str], kind: str) -> list[str]:
    """Split ``"a,b"`` and check each name against `known`; raise `UnknownName` with the nearest."""
    known = list(known)
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known) or f"; there are {', '.join(known)}"
            raise UnknownName(f"no {kind} named {name!r}{hint}")
    if not names:
        raise InputError(f"no {kind} given; there are {', '.join(known)}")
    return list(dict.fromkeys(names))


def one_line(text: str) -> str:
    """Return `text` as one line that a terminal shows as it is: a file name may hold line breaks and control codes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in " ".join(text.split()))


def make_folder(path: Path) -> Path:
    """Make a folder, with those above it, unless it is there; raise `InputError` where that cannot be."""
    with writing(path):
        path.mkdir(parents=True, exist_ok=True)
    return path


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what goes wrong while `path` is written into an `InputError` that names it and says why, in few words.

    h5py raises OSError with a text of several lines, and RuntimeError if a full disk is found out on closing.
    """
    try:
        yield
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError(f"{str(path)!r} cannot be written: {reason(error)}") from error


@contextmanager
def pass_bar(unit: str = "picture") -> Iterator[Callable[[int, int], None]]:
    """Give a function that is told how much is done, and of how much, and shows that as a bar."""
    with progress(None, unit=unit, unit_scale=unit == "B") as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield show


def tell_skipped(lines: Iterable[str]) -> None:
    """List at the end, on stderr, the files that were left out, each with the reason."""
    lines = list(dict.fromkeys(lines))
    if lines:
        print(f"left out, {len(lines)}:", file=sys.stderr)
    for line in lines:
        print(f"  {one_line(line)}", file=sys.stderr)


def progress(items: Iterable | None, **options: Any) -> Any:
    """Wrap `items` in a bar on stderr that shows up after a second, on a terminal only."""
    from tqdm import tqdm

    return tqdm(items, delay=1, leave=False, disable=None, file=sys.stderr, dynamic_ncols=True, **options)
