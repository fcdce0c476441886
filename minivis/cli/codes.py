"""`minivis codes`: what rows of a network hold for each picture of a folder, as HDF5."""

import argparse
from pathlib import Path
from typing import Any

from ..nets import ARCHITECTURES
from ..representation.codes import POOLS, write_codes
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
        "codes",
        parents=[shared],
        help="write what rows hold for each picture of a folder",
        description="Given again, the command goes on where it was stopped, and adds pictures that are new.",
    )
    parser.add_argument("net", metavar="NET", help=f"{', '.join(ARCHITECTURES)}, or a weight file")
    parser.add_argument("folder", metavar="FOLDER", help="with pictures; subfolders are their classes")
    parser.add_argument("--rows", metavar="ROWS", required=True, help="such as fc7, or pool4,fc8")
    parser.add_argument("--pool", choices=POOLS, default="none", help="maps as they are, or the mean of each")
    parser.add_argument("--out", metavar="FILE", help="HDF5 to write; default: NET-codes.h5")
    add_net_options(parser)
    add_pass_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Make the pass, or go on with it."""
    net = open_net(arguments.net, arguments.weights, arguments.device)
    rows = listed(arguments.rows, net.names, "row")
    out = Path(arguments.out or f"{net.name}-codes.h5")
    make_folder(out.parent)
    if arguments.batch > 0:
        check_memory(net, net.size, arguments.batch, max(rows, key=net.names.index))
    with executor_for(arguments.scheduler, arguments.workers) as executor, pass_bar() as progress:
        skipped = write_codes(
            net,
            arguments.folder,
            rows,
            out,
            pool=arguments.pool,
            batch=arguments.batch,
            executor=executor,
            progress=progress,
        )
    print(one_line(str(out)))
    tell_skipped(skipped)
