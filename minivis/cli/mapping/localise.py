"""`minivis localise`: the localisation error of a network over a folder with box files."""

import argparse
import csv
import sys
from pathlib import Path
from typing import Any

import numpy as np

from ...atomic import replacing
from ...drawing import contact_sheet, outline, save_figure
from ...errors import InputError
from ...nets import ARCHITECTURES, Net
from ...pictures import read_picture
from ...segmentation.boxes import Box
from ...segmentation.localisation import METHODS, OVERLAP, SHARD, Localisation, Located, localise
from ...shards import executor_for
from ..common import add_net_options, one_line, open_net, progress, writing
from ..making.runner import positive

SHOWN = 12  # pictures on the sheet (ours)
SIDE = 224  # of each, in pixels (ours)
TOLD = 5  # files that cannot be used, named one by one


def add_commands(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "localise",
        parents=[shared],
        help="measure how well a network places boxes: ILSVRC's localisation error over a folder with box files",
        description="FOLDER has pictures and .xml files of PASCAL VOC, side by side or in JPEGImages and Annotations.",
    )
    parser.add_argument("net", metavar="NET", help=f"{', '.join(ARCHITECTURES)}, or a weight file")
    parser.add_argument("folder", metavar="FOLDER")
    add_net_options(parser)
    parser.add_argument("--k", type=positive, default=5, help="tries per picture; default 5")
    parser.add_argument("--method", choices=METHODS, default="graphcut", help="how a box is made; default graphcut")
    parser.add_argument(
        "--names", metavar="FILE", help="a table of lines NAME,CLASS: what the names in the box files stand for"
    )
    parser.add_argument("--workers", type=positive, metavar="N", help="processes; default: this one")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask cluster, such as tcp://10.0.0.5:8786")
    parser.add_argument("--show", type=positive, default=SHOWN, help=f"pictures that are drawn; default {SHOWN}")
    parser.add_argument("--out", default="minivis-localise.png", metavar="FILE", help="sheet; a .csv lies beside it")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Measure, write the table and the sheet, print the errors."""
    out = Path(arguments.out)
    if out.suffix.lower() == ".csv":
        raise InputError(f"--out names the sheet, a picture; the table lies beside it as .csv: got {arguments.out!r}")
    names = read_names(arguments.names) if arguments.names else None
    net = open_net(arguments.net, arguments.weights)
    if arguments.k > len(net.labels):
        raise InputError(f"--k lies in 1..{len(net.labels)} for {net.name}, got {arguments.k}")
    with executor_for(arguments.scheduler, arguments.workers) as executor:
        bar = lambda shards: progress(shards, desc=f"{SHARD} pictures each", unit="shard")  # noqa: E731
        found = localise(net, arguments.folder, arguments.k, arguments.method, names, executor, bar)
    write_table(out.with_suffix(".csv"), net, found)
    save_figure(out, sheet(net, found, arguments))
    print(f"{len(found.pictures)} pictures, {arguments.method}: error of the box and class, and of the class alone")
    for k in sorted({1, arguments.k}):
        print(f"  top {k}: {found.error(k):6.1%}  {found.class_error(k):6.1%}")
    print(f"{one_line(str(out))}, {one_line(str(out.with_suffix('.csv')))}")
    if found.skipped:
        print(f"left out, since they cannot be used: {len(found.skipped)} files", file=sys.stderr)
        for file, why in found.skipped[:TOLD]:
            print(f"  {one_line(file)}: {one_line(why)}", file=sys.stderr)
        if len(found.skipped) > TOLD:
            print(f"  and {len(found.skipped) - TOLD} more", file=sys.stderr)


def read_names(path: str) -> dict[str, list[int | str]]:
    """Read a table NAME,CLASS; a name may have several lines, and a class is a name or an index."""
    names: dict[str, list[int | str]] = {}
    try:
        with Path(path).open(newline="", encoding="utf-8") as file:
            for number, line in enumerate(csv.reader(file), 1):
                if not line:
                    continue
                if len(line) != 2 or not all(part.strip() for part in line):
                    raise InputError(f"{path!r}, line {number}: expected NAME,CLASS")
                name, label = (part.strip() for part in line)
                names.setdefault(name, []).append(int(label) if label.isdecimal() else label)
    except OSError as error:
        raise InputError(f"{path!r} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path!r} is no table of text: {error}") from error
    return names


def write_table(path: Path, net: Net, found: Localisation) -> None:
    """Write a line for each try: picture, rank, class, probability, box in the picture, overlap, right or not."""
    with (
        writing(path),
        replacing(path) as part,
        part.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file,
    ):
        table = csv.writer(file)
        table.writerow(["file", "rank", "class", "probability", "x0", "y0", "x1", "y1", "overlap", "right"])
        for picture in found.pictures:
            for rank, guess in enumerate(picture.guesses, 1):
                box = [f"{edge:.1f}" for edge in guess.box] if guess.box else [""] * 4
                right = int(guess.overlap >= OVERLAP)
                words = [picture.picture, rank, net.labels[guess.label], f"{guess.probability:.6f}"]
                table.writerow([*words, *box, f"{guess.overlap:.4f}", right])


def sheet(net: Net, found: Localisation, arguments: argparse.Namespace) -> Any:
    """Draw some of the pictures, evenly chosen, each with the boxes that are there and the best of the tries."""
    count = min(arguments.show, len(found.pictures))
    chosen = [found.pictures[i * len(found.pictures) // count] for i in range(count)]
    drawn, titles = zip(*(one(net, picture) for picture in chosen), strict=True)
    caption = (
        f"{net.name}, {arguments.method}. White: the boxes of the box file. Yellow: of {arguments.k} tries the one "
        f"that fits best; right from an intersection over union of {OVERLAP:g} on."
    )
    return contact_sheet(drawn, titles, caption=caption, side=SIDE)


def one(net: Net, picture: Located) -> tuple[np.ndarray, str]:
    """Return a picture with its boxes, brought to size before lines are drawn, and its title."""
    from PIL import Image

    pixels = read_picture(picture.picture)
    height, width = pixels.shape[:2]
    share = SIDE / max(height, width)
    size = max(1, round(width * share)), max(1, round(height * share))
    small = Image.fromarray(pixels.astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)
    drawn = np.asarray(small, dtype=np.float32)
    for truth in picture.truths:
        drawn = outline(drawn, *edges(truth.box, share))
    best = max(picture.guesses, key=lambda guess: guess.overlap)  # of equals the most probable
    if best.box is not None:
        top, left, bottom, right = edges(best.box, share)
        marked = outline(drawn, top, left, bottom, right)
        changed = (outline(np.full_like(drawn, 7), top, left, bottom, right) == 255).all(2)
        marked[changed] = (255, 220, 0)
        drawn = marked
    return drawn, f"{net.labels[best.label]}: {'right' if best.overlap >= OVERLAP else 'wrong'}, {best.overlap:.2f}"


def edges(box: Box, share: float) -> tuple[int, int, int, int]:
    """Return top, left, bottom and right of a box, scaled, in whole pixels."""
    left, top, right, bottom = (round(edge * share) for edge in box)
    return top, left, bottom, right
