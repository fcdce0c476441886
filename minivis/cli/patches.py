"""`minivis patches`: the pictures that excite each unit of a row most, and Zeiler's figure of them."""

import argparse
import sys
from pathlib import Path
from typing import Any

from .. import attribution, drawing
from ..drawing.patches import patch_figure
from ..errors import InputError
from ..nets import ARCHITECTURES, Net
from ..representation.cutouts import unit_patches
from ..representation.patches import TOP, top_patches
from ..shards import executor_for
from .common import (
    add_net_options,
    add_pass_options,
    check_memory,
    listed,
    make_folder,
    one_line,
    open_net,
    pass_bar,
    tell_skipped,
)


def add_commands(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "patches",
        parents=[shared],
        help="find the pictures and places that excite units most",
        description="Given again, the command goes on where it was stopped, and adds pictures that are new.",
    )
    parser.add_argument("net", metavar="NET", help=f"{', '.join(ARCHITECTURES)}, or a weight file")
    parser.add_argument("folder", metavar="FOLDER", help="with pictures, also in folders within")
    parser.add_argument("--rows", metavar="ROWS", help="such as relu3_2,relu4_2; default: the last row of maps")
    parser.add_argument("--units", default="0-7", help="which to draw, such as 0-7, 3,5,8, or all; default 0-7")
    parser.add_argument("--top", type=int, default=TOP, help=f"pictures per unit; default {TOP}")
    parser.add_argument("--out", metavar="FOLDER", help="for the index and the figures; default: NET-patches")
    add_net_options(parser)
    add_pass_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Make the pass, or go on with it; then draw a figure for each row."""
    net = open_net(arguments.net, arguments.weights, arguments.device)
    rows = listed(arguments.rows, net.names, "row") if arguments.rows else [net.maps]
    shapes = net.shapes()
    units = {row: units_of(arguments.units, row, shapes[row][-1]) for row in rows}
    out = make_folder(Path(arguments.out or f"{net.name}-patches"))
    if arguments.batch > 0:
        check_memory(net, net.size, arguments.batch, max(rows, key=net.names.index))
    with executor_for(arguments.scheduler, arguments.workers) as executor, pass_bar() as progress:
        index = top_patches(
            net,
            arguments.folder,
            rows,
            out / "index.h5",
            top=arguments.top,
            batch=arguments.batch,
            executor=executor,
            progress=progress,
        )
    print(one_line(str(out / "index.h5")))
    notes = list(index.notes)
    for row in rows:
        found = [unit_patches(net, index, row, unit) for unit in units[row]]
        notes += [note for unit in found for note in unit.notes]
        if not any(unit.patches for unit in found):
            print(f"{row}: no picture excites any of these units; nothing is drawn", file=sys.stderr)
            continue
        readable = sum(entry.problem is None for entry in index.pictures)
        caption = f"{net.name}, {row}, over {readable} pictures."
        path = out / f"{row.replace('/', '-')}.png"
        drawing.save_figure(path, patch_figure(found, _kernels(net, row), caption))
        print(one_line(str(path)))
    tell_skipped(notes)


def units_of(text: str, row: str, count: int) -> list[int]:
    """Read ``"0-7,9"`` or ``"all"``; raise `InputError` unless all are units of a row that has `count`."""
    if text == "all":
        return list(range(count))
    units: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        last = last if dash else first
        if not (first.isdecimal() and last.isdecimal() and int(first) <= int(last)):
            raise InputError(f"--units takes numbers such as 0-7 or 3,5,8, or all; got {text!r}")
        if int(last) >= count:
            raise InputError(f"{row} has units 0 to {count - 1}, asked for {part.strip()}")
        units.extend(range(int(first), int(last) + 1))
    return list(dict.fromkeys(units))


def _kernels(net: Net, row: str) -> dict[int, Any] | None:
    """Return the kernels of the first convolution if `row` is that, or the ReLU after it."""
    first, after, *_ = list(net.names)[2:]
    if row not in (first, after) or net.architecture.rows[after].inputs != (first,):
        return None
    if first not in net.weights or net.weights[first]["kernel"].ndim != 4:
        return None
    from ..backend import to_host

    return dict(enumerate(to_host(attribution.filters(net, first))))
