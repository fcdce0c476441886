"""`minivis class`: the picture that a network would most readily give a name."""

import argparse
from typing import Any

from ...errors import InputError
from ...nets import class_index
from ...synthesis.recipes.class_model import PRESETS, SCORES, class_model
from ..common import did_you_mean
from . import runner


def add_commands(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add the command."""
    parser = commands.add_parser("class", parents=[shared], help="make the picture that a class scores highest")
    parser.add_argument("names", metavar="CLASS", nargs="+", help="index or name; several are made side by side")
    parser.add_argument("--of", choices=tuple(SCORES), default="score", help="what to raise; default score")
    runner.add_options(parser, out="class.png", presets=PRESETS)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Check what was asked for, and make it."""
    net = runner.open_run(arguments)
    if arguments.size not in (None, net.size):
        fixed = f"{net.name} gives scores for pictures of {net.size} pixels"
        raise InputError(f"{fixed}: leave --size {arguments.size} out")
    climb = class_model(
        net,
        [_class(net, name) for name in arguments.names],
        preset=arguments.preset,
        of=arguments.of,
        steps=arguments.steps,
        rng=runner.rng_of(arguments),
        state=runner.saved_state(arguments),
    )
    runner.run(climb, arguments, total=climb.steps)


def _class(net: Any, name: str) -> int:
    """Return the index of a class; where there is none, say which names are near."""
    try:
        return class_index(net.labels, int(name) if name.isdecimal() else name)
    except KeyError as error:
        raise type(error)(f"{error}{did_you_mean(name, net.labels)}") from None
