"""`minivis embed`: a folder of photographs as a map, by what a network makes of them."""

import argparse
import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ...backend import to_device, to_host
from ...drawing import save_figure
from ...drawing.maps import map_of_pictures, scatter
from ...errors import ImageFileError, InputError, MinivisError
from ...locks import locked
from ...nets import Net
from ...pictures import read_picture, save_picture
from ...representation.affinities import affinities, check_perplexity
from ...representation.codes import parts_of, read_codes, write_codes
from ...representation.grid import picture_grid
from ...representation.isomap import NEIGHBOURS, isomap
from ...representation.neighbours import nearest_neighbours
from ...representation.pca import pca, reduced
from ...representation.tsne import KEPT, kl_divergence, pca_start, tsne_steps
from ...shards import executor_for
from ..common import add_worker_options, one_line, open_net, pass_bar
from ..making.runner import positive, state_file
from ..making.states import load_state, save_state
from .album import (
    Album,
    add_options,
    album_of,
    check_memory,
    check_out,
    code_row,
    listing_of,
    stored_album,
    tell_unreadable,
)
from .coordinates import write_csv, write_hdf5

METHODS = {"tsne": "t-SNE", "pca": "PCA", "isomap": "Isomap"}
STEPS = 1000  # van der Maaten and Hinton (2008)
KEEP = 30.0  # seconds between two states (ours)
EVERY = 25  # iterations between two looks at the divergence (ours)
CELL = 48  # pixels (ours)
MATTER = ("net", "weights", "folder", "row", "codes", "limit", "method", "perplexity")  # must not change on resuming


class Task(NamedTuple):
    """What is mapped."""

    album: Album
    points: Any  # (N, D) on the device; for t-SNE, their first principal components
    source: str  # the row and the network
    by_codes: float  # how often the photograph with the nearest code has the same class, 0..1 or nan


def add_commands(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "embed",
        parents=[shared],
        help="map the photographs of a folder by their codes: t-SNE, PCA or Isomap",
        description="Writes the map as a picture, and its coordinates beside it as -coordinates.csv and .h5.",
    )
    add_options(parser, folder="?")
    add_worker_options(parser)
    parser.add_argument("--from", dest="codes", metavar="CODES", help="take the codes of this file, by `minivis codes`")
    parser.add_argument("--method", choices=tuple(METHODS), default="tsne", help="default tsne")
    parser.add_argument("--perplexity", type=float, default=30.0, help="of t-SNE: neighbours, about; default 30")
    parser.add_argument("--steps", type=positive, default=STEPS, help=f"of t-SNE; default {STEPS}")
    parser.add_argument("--neighbours", type=positive, default=NEIGHBOURS, help=f"of Isomap; default {NEIGHBOURS}")
    parser.add_argument(
        "--grid", type=positive, metavar="N", help="also draw N x N cells, each with the nearest picture"
    )
    parser.add_argument("--once", action="store_true", help="in the grid, each picture once")
    parser.add_argument("--out", default="minivis-embed.png", metavar="FILE", help="picture to write")
    parser.add_argument("--resume", action="store_true", help="go on where the run that wrote --out stopped")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, clock: Callable[[], float] = time.monotonic) -> None:
    """Compute the codes, map them, draw. What is kept of a run that is stopped goes at the very end."""
    check_out(Path(arguments.out))
    with locked(arguments.out):
        if not arguments.resume:
            forget(arguments)
        make(arguments, clock)
        forget(arguments)


def codes_file(arguments: argparse.Namespace) -> Path:
    """Return where the codes are kept until the map is there."""
    return Path(f"{arguments.out}.codes.h5")


def forget(arguments: argparse.Namespace) -> None:
    """Remove what is kept of a run."""
    state_file(arguments.out).unlink(missing_ok=True)
    codes_file(arguments).unlink(missing_ok=True)
    shutil.rmtree(parts_of(codes_file(arguments)), ignore_errors=True)


@contextmanager
def checked(arguments: argparse.Namespace) -> Iterator[None]:
    """Forget the codes if the options turn out not to fit them: nobody will go on with that."""
    try:
        yield
    except InputError:
        forget(arguments)
        raise


def make(arguments: argparse.Namespace, clock: Callable[[], float]) -> None:
    """Make the map, or go on with it."""
    saved = saved_run(arguments)
    if saved is None:
        net = open_net(arguments.net, arguments.weights, arguments.device)
        album, codes, row = codes_of(net, arguments)
        with checked(arguments):
            check_enough(len(album), arguments)
        points = to_device(codes, arguments.device)
        seen = reduced(points, KEPT) if arguments.method == "tsne" else points
        task = Task(album, seen, f"{row} of {net.name}", nearest_share(points, album))
    else:
        task = saved["task"]
    told = ""
    if arguments.method == "tsne":
        embedding, told = descend(task, arguments, saved, clock)
    elif arguments.method == "pca":
        found = pca(task.points, 2)
        embedding = to_host(found.transform(task.points))
        told = f", {float(found.share.sum()):.1%} of the variance"
    else:
        with checked(arguments):
            embedding = to_host(isomap(task.points, arguments.neighbours).embedding)
    finish(embedding, task, told, arguments)


def check_enough(count: int, arguments: argparse.Namespace) -> None:
    """Raise `InputError` where there are too few photographs, or too many for the grid."""
    if count < 3:
        raise InputError(f"a map needs 3 photographs or more, there are {count}")
    if arguments.method == "tsne":
        check_perplexity(count, arguments.perplexity)
    if arguments.grid and arguments.once:
        picture_grid(np.zeros((count, 2)), arguments.grid, once=arguments.grid**2 < count)  # raises if they do not fit


def codes_of(net: Net, arguments: argparse.Namespace) -> tuple[Album, np.ndarray, str]:
    """Return the photographs, their codes (N, D), and the row that these are of."""
    if arguments.codes is not None:
        return stored_album(net, arguments.codes, arguments.row, arguments.folder, arguments.limit)
    if arguments.folder is None:
        raise InputError("say which photographs: a FOLDER, or --from a file of codes")
    row = code_row(net, arguments.row)
    listing = listing_of(arguments.folder, arguments.limit)
    album = album_of(listing)
    check_enough(len(album), arguments)  # before the codes are computed
    check_memory(net, album, row)
    path, batch = codes_file(arguments), arguments.batch
    with executor_for(arguments.scheduler, arguments.workers) as executor, pass_bar() as progress:
        write_codes(net, listing, row, path, batch=batch, executor=executor, progress=progress)
    found = read_codes(path, net, row)
    place = {(entry.root, entry.name): i for i, entry in enumerate(found.pictures)}
    good = [i for i, entry in enumerate(listing.entries) if (entry.root, entry.name) in place]
    chosen = [place[listing.entries[i].root, listing.entries[i].name] for i in good]
    unreadable = {entry.name: entry.problem or "" for entry in found.skipped}
    album.unreadable.extend((file, unreadable[file]) for file in album.files if file in unreadable)
    return album.only(good), found.points(row)[chosen], row


def descend(
    task: Task, arguments: argparse.Namespace, saved: dict[str, Any] | None, clock: Callable[[], float]
) -> tuple[np.ndarray, str]:
    """Make the t-SNE map; keep its state every half minute, and when it is stopped."""
    from tqdm import tqdm

    p = affinities(task.points, arguments.perplexity)
    start, state = (pca_start(task.points), None) if saved is None else (None, saved["state"])
    descent = tsne_steps(p, start, arguments.steps, EVERY, state=state)

    def keep() -> None:
        album = task.album
        kept: dict[str, Any] = {"folder": str(album.folder), "files": album.files, "classes": list(album.classes)}
        kept |= {"labels": album.labels, "points": task.points, "source": task.source, "by_codes": task.by_codes}
        kept |= {"unreadable": album.unreadable}
        save_state(state_file(arguments.out), {"settings": settings(arguments), "state": descent.state(), **kept})
        draw(to_host(descent.embedding), album, f"t-SNE of {task.source}, {descent.step} iterations", arguments.out)

    shown = clock()
    with tqdm(total=arguments.steps, initial=descent.step, unit="step", file=sys.stderr, disable=None) as bar:
        try:
            for step, _, divergence in descent:
                bar.set_postfix_str(f"divergence {divergence:.4f}", refresh=False)
                bar.update(step - bar.n)
                if clock() - shown >= KEEP:
                    keep()
                    shown = clock()
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt | MinivisError):
                keep()
            raise
    divergence = kl_divergence(p, descent.embedding)
    return to_host(descent.embedding), f", {descent.step} iterations, divergence {divergence:.4f}"


def saved_run(arguments: argparse.Namespace) -> dict[str, Any] | None:
    """Return what a stopped run has left, or None without ``--resume``; raise `InputError` if it is another's."""
    if not arguments.resume:
        return None
    path, codes = state_file(arguments.out), codes_file(arguments)
    if not path.exists() and (codes.exists() or parts_of(codes).is_dir()):
        return None  # it was stopped before the map was begun
    saved = load_state(path, arguments.device)
    expected = {"settings", "folder", "files", "classes", "labels", "points", "source", "by_codes", "state"}
    expected |= {"unreadable"}
    if not isinstance(saved, dict) or not expected <= set(saved) or not isinstance(saved["settings"], str):
        raise InputError(f"{str(path)!r} is no state of a map")
    before, now = json.loads(saved["settings"]), json.loads(settings(arguments))
    for name in MATTER:
        if before.get(name) != now[name]:
            raise InputError(
                f"the run in {arguments.out!r} had {name} = {before.get(name)!r}, not {now[name]!r}: give the same "
                "options, or leave --resume out"
            )
    labels = to_host(saved["labels"])
    unreadable = [(str(file), str(why)) for file, why in saved["unreadable"]]
    album = Album(Path(saved["folder"]), list(saved["files"]), tuple(saved["classes"]), labels, unreadable)
    return {"task": Task(album, saved["points"], saved["source"], saved["by_codes"]), "state": saved["state"]}


def settings(arguments: argparse.Namespace) -> str:
    """Return what a resumed run must have in common with the one before, as JSON."""
    return json.dumps({name: getattr(arguments, name, None) for name in MATTER}, default=str)


def draw(embedding: np.ndarray, album: Album, head: str, out: str) -> None:
    """Write the map."""
    labels = album.labels if album.classes else None
    names = [one_line(name) or "." for name in album.classes]
    save_figure(out, scatter(embedding, labels, names, head, f"{len(album)} photographs."))


def finish(embedding: np.ndarray, task: Task, told: str, arguments: argparse.Namespace) -> None:
    """Write the map, its coordinates and its grid, and say how well it keeps the classes."""
    out, method, album = Path(arguments.out), METHODS[arguments.method], task.album
    draw(embedding, album, f"{method} of {task.source}", str(out))
    table, arrays = (out.with_name(f"{out.stem}-coordinates.{end}") for end in ("csv", "h5"))
    write_csv(table, album, embedding)
    write_hdf5(arrays, album, embedding, {"method": arguments.method, "codes": task.source})
    print(f"{one_line(str(out))}: {method} of {len(album):,} photographs by {task.source}{told}")
    print(f"{one_line(str(table))}, {one_line(arrays.name)}: the coordinates")
    on_map = nearest_share(embedding, album)
    if np.isfinite(on_map):
        print(
            f"the nearest photograph has the same class for {on_map:.1%} on the map, {task.by_codes:.1%} by the codes"
        )
    if arguments.grid:
        path = out.with_name(f"{out.stem}-grid{out.suffix}")
        cells = picture_grid(embedding, arguments.grid, arguments.once)
        save_picture(path, map_of_pictures(lambda index: picture_or_white(album, index), cells, CELL))
        pictures = len(np.unique(cells[cells >= 0]))
        print(f"{one_line(str(path))}: {arguments.grid} x {arguments.grid} cells, {pictures} pictures")
    tell_unreadable(album)


def nearest_share(points: Any, album: Album) -> float:
    """Return how often the nearest point has the same class, 0..1; nan if no class has two."""
    judged = np.bincount(album.labels)[album.labels] > 1  # who is alone in a class cannot have a neighbour of it
    if len(album.classes) < 2 or not judged.any():
        return float("nan")
    nearest = to_host(nearest_neighbours(points, 1).index)[:, 0]
    return float((album.labels[nearest] == album.labels)[judged].mean())


def picture_or_white(album: Album, index: int) -> np.ndarray:
    """Read a photograph again; white, and listed, if it has gone meanwhile."""
    try:
        return read_picture(album.path(index))
    except (ImageFileError, OSError) as error:
        album.unreadable.append((album.files[index], str(error)))
        return np.full((CELL, CELL, 3), 255.0)
