"""`minivis verify`: proof, on this machine and these weights."""

import argparse
from importlib.util import find_spec
from typing import Any

from .common import add_net_options, open_net

CANNOT = "PyTorch is not installed (pip install 'minivis[verify]'): nothing to compare with"


def add_commands(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "verify",
        parents=[shared],
        help="check by finite differences, identities, and PyTorch if it is there",
    )
    parser.add_argument("photo", metavar="PHOTO", nargs="?", help="default: a portrait that comes with Matplotlib")
    parser.add_argument("--net", default="minivgg", help="network; default minivgg")
    add_net_options(parser)
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float64", help="default float64")
    parser.add_argument("--all", action="store_true", help="print what holds, too, line by line")
    parser.set_defaults(run=prove)


def prove(arguments: argparse.Namespace) -> int:
    """Print a table of checks; return 0 if all hold and 1 if not."""
    from ..pictures import sample_picture
    from ..verify import verify

    net = open_net(arguments.net, arguments.weights, dtype=arguments.dtype)
    x = net.picture(arguments.photo or sample_picture())
    groups: dict[str, list[bool]] = {}
    worst: dict[str, float] = {}
    for verdict in verify(net, x):
        groups.setdefault(verdict.group, []).append(verdict.holds)
        worst[verdict.group] = max(worst.get(verdict.group, 0.0), verdict.error)
        one_by_one = arguments.all or verdict.group in ("identity", "twin", "beside PyTorch")
        if one_by_one or not verdict.holds:
            state = "ok" if verdict.holds else "FAILS"
            print(f"{state:<5}  {verdict.group:<18}  {verdict.error:8.1e} <= {verdict.allowed:.0e}  {verdict.name}")
    for group, holds in groups.items():
        print(f"{group}: {sum(holds)} of {len(holds)} hold, the largest error is {worst[group]:.1e}")
    if not find_spec("torch"):
        print(CANNOT)
    return 0 if all(all(holds) for holds in groups.values()) else 1
