"""``minivis train``: the small networks, trained here."""

import argparse

from ..training import command


def add_commands(commands: argparse._SubParsersAction, shared: argparse.ArgumentParser) -> None:
    """Add the command."""
    parser = commands.add_parser("train", parents=[shared], help="train a small network")
    command.add_arguments(parser)
    parser.set_defaults(run=command.run)
