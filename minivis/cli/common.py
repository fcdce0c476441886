"""What several commands need: opening a net, names that are nearly right, text that is safe to print."""

import argparse
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ..backend import DTYPE
from ..errors import InputError, UnknownName
from ..nets import ARCHITECTURES, Net, load


def add_net_options(parser: argparse.ArgumentParser) -> None:
    """Add what says which network, with which weights."""
    parser.add_argument("--weights", metavar="FILE", help="weight file; default: the first found on the search path")


def open_net(name: str, weights: str | None, device: str = "cpu", dtype: Any = DTYPE) -> Net:
    """Load a net by name or path, and say which names are near if there is none."""
    try:
        return load(name, weights=weights, device=device, dtype=dtype)
    except UnknownName as error:
        raise UnknownName(f"{error}{did_you_mean(name, ARCHITECTURES)}") from None


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
        number = getattr(error, "errno", None)
        why = os.strerror(number) if number else str(error).split("\n", maxsplit=1)[0]
        raise InputError(f"{str(path)!r} cannot be written: {why}") from error


def progress(items: Iterable, **options: Any) -> Any:
    """Wrap `items` in a bar on stderr that shows up after a second, on a terminal only."""
    from tqdm import tqdm

    return tqdm(items, delay=1, leave=False, disable=None, file=sys.stderr, dynamic_ncols=True, **options)
