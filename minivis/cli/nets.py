"""`minivis summary` and `minivis filters`: a network without a photograph."""

import argparse
from pathlib import Path
from typing import Any

from ..errors import UnknownName
from ..nets import ARCHITECTURES, Architecture, architecture, architecture_of
from .common import add_net_options, did_you_mean, make_folder, open_net


def add_commands(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add both commands."""
    summary = commands.add_parser("summary", parents=[shared], help="print a network as a table")
    summary.add_argument("net", metavar="NET", help=f"{', '.join(ARCHITECTURES)}, or a weight file")
    summary.set_defaults(run=print_summary)
    filters = commands.add_parser("filters", parents=[shared], help="draw the filters of the first convolution")
    filters.add_argument("net", metavar="NET", help=f"{', '.join(ARCHITECTURES)}, or a weight file")
    add_net_options(filters)
    filters.add_argument("--out", metavar="FILE", help="PNG to write; default: NET-filters.png")
    filters.set_defaults(run=draw_filters)


def print_summary(arguments: argparse.Namespace) -> None:
    """Print the rows of a net: shapes, weights and receptive fields. Needs no weights."""
    print(_architecture(arguments.net).summary())


def draw_filters(arguments: argparse.Namespace) -> None:
    """Write the first convolution's filters as one PNG."""
    from .. import attribution, drawing

    net = open_net(arguments.net, arguments.weights)
    path = Path(arguments.out or f"{net.name}-filters.png")
    make_folder(path.parent)
    row = next(iter(net.architecture.parameters))
    filters = attribution.filters(net)
    side = filters.shape[1]
    figure = drawing.grid(
        list(drawing.rescale_each(filters)),
        [str(k) for k in range(len(filters))],
        columns=16 if len(filters) > 16 else 8,
        caption=f"The {len(filters)} filters of {row} in {net.name}, {side} x {side}, in RGB; each stretched from its "
        "own smallest value (black) to its own largest (white), so zero has no fixed grey.",
        side=56,
    )
    drawing.save_figure(path, figure)
    print(path)


def _architecture(name: str) -> Architecture:
    from ..weights import open_weights

    if name not in ARCHITECTURES and Path(name).exists():
        return architecture_of(open_weights(name))
    try:
        return architecture(name)
    except UnknownName as error:
        raise UnknownName(f"{error}{did_you_mean(name, ARCHITECTURES)}") from None
