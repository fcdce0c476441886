"""`minivis scenes`: draw pictures with known answers into a folder."""

import argparse
from pathlib import Path
from typing import Any

from ..scenes import write_scenes
from .common import one_line, progress, writing
from .making.runner import positive


def add_commands(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "scenes",
        parents=[shared],
        help="draw scenes with known answers: class, mask, box, caption, questions",
        description="FOLDER/pictures is what `minivis train --data` takes.",
    )
    parser.add_argument("folder", metavar="FOLDER")
    parser.add_argument("--count", type=positive, default=600, help="default 600")
    parser.add_argument("--size", type=positive, default=64, help="height and width in pixels; default 64")
    parser.add_argument("--seed", type=int, default=0, help="default 0")
    parser.add_argument("--first", type=int, default=0, help="number of the first scene; default 0")
    parser.add_argument("--by", choices=("shape", "texture"), default="shape", help="what decides; default shape")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Write the scenes."""
    a = arguments
    with writing(Path(a.folder)):
        written = write_scenes(a.folder, a.count, a.size, a.seed, a.by, a.first)
        count = sum(1 for _ in progress(written, total=a.count))
    print(f"{one_line(a.folder)}: {count} scenes")
