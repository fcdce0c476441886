"""`minivis neighbours`: the photographs nearest to a photograph, by pixels and by what a network makes of them."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ...drawing import save_figure
from ...drawing.maps import Row, Shown, neighbours_sheet
from ...errors import InputError
from ...nets import Net
from ...representation.neighbours import METRICS, Neighbours, nearest_neighbours, votes
from ..common import did_you_mean, one_line, open_net
from ..making.runner import positive
from .album import Album, add_options, check_out, code_row, list_album, read_album, tell_unreadable

SHOWN = 8  # rows of a sheet (ours)


class Searched(NamedTuple):
    """What was asked, where the answers may lie, and the two kinds of neighbours."""

    queries: Album
    points: Album
    kinds: dict[str, Neighbours]  # "pixels", and the name of the row
    pixels: tuple[np.ndarray, np.ndarray]  # of the queries and of the points, (N, H, W, 3) uint8


def add_commands(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "neighbours",
        parents=[shared],
        help="find the photographs nearest to a photograph, by pixels and by codes",
        description="Each photograph of FOLDER looks for its nearest among all others, unless it is said which do.",
    )
    add_options(parser)
    asked = parser.add_mutually_exclusive_group()
    asked.add_argument("--query", nargs="+", metavar="PHOTO", help="these look for theirs in FOLDER")
    asked.add_argument(
        "--held-back",
        action="store_true",
        help="those that `minivis train` keeps for its test look for theirs among those that it trains on",
    )
    parser.add_argument("--k", type=positive, default=5, help="how many; default 5")
    parser.add_argument("--metric", choices=METRICS, default="euclidean", help="of the codes; pixels are euclidean")
    parser.add_argument("--show", type=positive, default=SHOWN, help=f"queries that are drawn; default {SHOWN}")
    parser.add_argument("--out", default="minivis-neighbours.png", metavar="FILE", help="picture to write")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Search, print the table, draw the sheet."""
    check_out(Path(arguments.out))
    net = open_net(arguments.net, arguments.weights, arguments.device)
    row = code_row(net, arguments.row)
    album = list_album(arguments.folder, arguments.limit)
    given = None if arguments.query is None else query_album(arguments.query, album)
    if given is None:
        check_classes(album)
    album, codes, pixels = read_album(net, album, row, arguments.batch, pixels=True)
    if given is None:
        check_classes(album)  # again: a photograph may have been unreadable
    if given is not None:
        given, query_codes, query_pixels = read_album(net, given, row, arguments.batch, pixels=True)
        # A query that lies in the folder is not its own neighbour.
        asked = {given.path(i).resolve() for i in range(len(given))}
        others = np.array([album.path(i).resolve() not in asked for i in range(len(album))], dtype=bool)
        found = search(row, (given, album.only(np.flatnonzero(others))), (query_codes, codes[others]),
                       (query_pixels, pixels[others]), arguments)  # fmt: skip
    elif arguments.held_back:
        back = album.held_back
        if not back.any() or back.all():
            raise InputError(
                f"of {len(album)} photographs {int(back.sum())} are held back: there is nothing to compare"
            )
        parts = (album.only(np.flatnonzero(back)), album.only(np.flatnonzero(~back)))
        found = search(row, parts, (codes[back], codes[~back]), (pixels[back], pixels[~back]), arguments)
    else:
        found = search(row, (album, album), (None, codes), (pixels, pixels), arguments)
    print(table(found, arguments.k))
    shown = evenly(len(found.queries), arguments.show)
    save_figure(arguments.out, sheet(net, found, shown, row))
    print(f"{one_line(str(arguments.out))}: {len(shown)} of {len(found.queries)} photographs")
    tell_unreadable(album)
    if given is not None:
        tell_unreadable(given)


def search(
    row: str,
    albums: tuple[Album, Album],
    codes: tuple[np.ndarray | None, np.ndarray],
    pixels: tuple[np.ndarray, np.ndarray],
    arguments: argparse.Namespace,
) -> Searched:
    """Find the neighbours of the first of each pair among the second; None: of the second among themselves."""
    queries, points = albums
    flat = [part.reshape(len(part), -1) for part in pixels]
    if len(points) - (codes[0] is None) < arguments.k:
        raise InputError(f"{len(points)} photographs are too few for {arguments.k} neighbours: a smaller --k?")
    by_pixels = nearest_neighbours(flat[1], arguments.k, None if codes[0] is None else flat[0])
    by_codes = nearest_neighbours(codes[1], arguments.k, codes[0], arguments.metric)
    return Searched(queries, points, {"pixels": by_pixels, row: by_codes}, pixels)


def query_album(photos: Sequence[str], album: Album) -> Album:
    """Return photographs from anywhere as an album; the class of one that lies in the folder is known."""
    known = {album.path(i).resolve(): album.labels[i] for i in range(len(album))}
    paths = [Path(photo) for photo in photos]
    for path in paths:
        if not path.is_file():
            hint = did_you_mean(path.as_posix(), (album.path(i).as_posix() for i in range(len(album))))
            raise InputError(f"there is no photograph {str(path)!r}{hint}")
    labels = np.array([known.get(path.resolve(), -1) for path in paths], dtype=np.intp)
    return Album(Path(), [str(path) for path in paths], album.classes, labels, [])


def check_classes(album: Album) -> None:
    """Raise `InputError` if a photograph cannot have a neighbour of its class."""
    if not album.classes:
        return
    alone = [name for name, count in zip(album.classes, np.bincount(album.labels), strict=True) if count < 2]
    if alone:
        listed = ", ".join(repr(name or ".") for name in alone[:5])
        raise InputError(
            f"only one photograph in {listed} of {str(album.folder)!r}: it can have no neighbour of its class; "
            "add another, or move it out"
        )


def table(found: Searched, k: int) -> str:
    """Return how often the neighbours have the class of their query, for each kind; without classes, only how many."""
    queries, points = found.queries, found.points
    among = f"{len(points) - 1:,} others" if queries is points else f"{len(points):,}"
    lines = [f"{len(queries):,} photographs, each with its {k} nearest among {among}"]
    known = queries.labels >= 0
    if not queries.classes or not known.any():
        return lines[0]
    counted = {
        name: votes(kind.index[known], points.labels, queries.labels[known]) for name, kind in found.kinds.items()
    }
    width = max(12, *(len(name) for name in queries.classes), *(len(name) for name in counted)) + 2
    lines.append(f"{'':{width}}{'more than half have its class':>32}{'share of neighbours that have it':>36}")
    for name, vote in counted.items():
        lines.append(f"{name:{width}}{vote.share:>32.1%}{vote.agreeing.mean() / k:>36.1%}")
    lines += ["", "more than half have its class, by class", f"{'':{width}}{'photographs':>12}"]
    lines[-1] += "".join(f"{name:>{width}}" for name in counted)
    for label, name in enumerate(queries.classes):
        own = queries.labels[known] == label
        if own.any():
            shares = "".join(f"{vote.majority[own].mean():>{width}.1%}" for vote in counted.values())
            lines.append(f"{one_line(name):{width}}{int(own.sum()):>12}{shares}")
    return "\n".join(lines)


def evenly(count: int, shown: int) -> list[int]:
    """Return `shown` of the numbers below `count`, evenly chosen."""
    shown = min(count, shown)
    return [(2 * i + 1) * count // (2 * shown) for i in range(shown)]


def sheet(net: Net, found: Searched, shown: Sequence[int], row: str) -> Any:
    """Draw some queries with their neighbours."""
    queries, points = found.queries, found.points

    def neighbour(query: int, index: int, distance: float) -> Shown:
        known = bool(queries.classes) and queries.labels[query] >= 0
        written = f"{distance:,.0f}" if distance >= 1000 else f"{distance:.4g}"
        right = bool(points.labels[index] == queries.labels[query]) if known else None
        return Shown(found.pixels[1][index], f"{points.class_of(index)}\n{written}".strip(), right)

    rows = []
    for i in shown:
        name = queries.class_of(i) if queries.labels[i] >= 0 else Path(queries.files[i]).name
        kinds = [
            [neighbour(i, int(j), float(d)) for j, d in zip(kind.index[i], kind.distance[i], strict=True)]
            for kind in found.kinds.values()
        ]
        rows.append(Row(Shown(found.pixels[0][i], name), kinds))
    heads = ["nearest by pixels", f"nearest by codes: {row} of {net.name}"]
    return neighbours_sheet(
        rows,
        heads,
        caption="Below each: its class and its distance. Blue and ✓: the query's class; orange and ✗: another.",
    )
