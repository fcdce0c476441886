"""`minivis summary` and `minivis filters`: a network without a photograph."""

import argparse
from pathlib import Path
from typing import Any

from ..errors import UnknownName
from ..nets import ARCHITECTURES, Architecture, Net, architecture, architecture_of
from ..nets.layers import Linear
from .common import add_net_options, did_you_mean, make_folder, open_net


def add_commands(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add both commands."""
    summary = commands.add_parser("summary", parents=[shared], help="print a network as a table")
    summary.add_argument("net", metavar="NET", help=f"{', '.join(ARCHITECTURES)}, or a weight file")
    summary.set_defaults(run=print_summary)
    filters = commands.add_parser("filters", parents=[shared], help="draw the filters or templates of the first layer")
    filters.add_argument("net", metavar="NET", help=f"{', '.join(ARCHITECTURES)}, or a weight file")
    add_net_options(filters)
    filters.add_argument("--out", metavar="FILE", help="PNG to write; default: NET-filters.png or NET-templates.png")
    filters.add_argument(
        "--signed", action="store_true", help="draw zero as middle grey, in place of each weight's own range"
    )
    filters.set_defaults(run=draw_filters)


def print_summary(arguments: argparse.Namespace) -> None:
    """Print the rows of a net: shapes, weights and receptive fields. Needs no weights."""
    print(_architecture(arguments.net).summary())


def draw_filters(arguments: argparse.Namespace) -> None:
    """Write the filters of the first convolution as one PNG, or the templates of a layer that reads whole pictures."""
    from .. import drawing

    net = open_net(arguments.net, arguments.weights)
    first = net.architecture.rows[next(iter(net.architecture.parameters))]
    has_templates = isinstance(first.layer, Linear)
    path = Path(arguments.out or f"{net.name}-{'templates' if has_templates else 'filters'}.png")
    make_folder(path.parent)
    if has_templates:
        figure = drawing.draw_templates(net, arguments.signed)
    else:
        figure = _filters(net, first.name, arguments.signed)
    drawing.save_figure(path, figure)
    print(path)


def _filters(net: Net, row: str, signed: bool) -> Any:
    from .. import attribution, drawing

    filters = attribution.filters(net)
    drawn = drawing.template_pictures(filters, signed)
    side = filters.shape[1]
    how = "stretched from its own smallest value (black) to its own largest (white), so zero has no fixed grey"
    if signed:
        how = "drawn with zero as middle grey, each colour brighter where it is positive"
    return drawing.grid(
        list(drawn),
        [str(k) for k in range(len(filters))],
        columns=16 if len(filters) > 16 else 8,
        caption=f"The {len(filters)} filters of {row} in {net.name}, {side} x {side}, in RGB; each {how}.",
        side=56,
    )


def _architecture(name: str) -> Architecture:
    from ..weights import open_weights

    if name not in ARCHITECTURES and Path(name).exists():
        return architecture_of(open_weights(name))
    try:
        return architecture(name)
    except UnknownName as error:
        raise UnknownName(f"{error}{did_you_mean(name, ARCHITECTURES)}") from None
