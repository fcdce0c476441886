"""`minivis texture`: a new picture with the texture of another."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...backend import Array, to_device
from ...nets import Net
from ...pictures import fit
from ...synthesis.recipes.texture import shares, texture
from . import runner

SIZE = 256  # ours


def add_commands(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "texture",
        parents=[shared],
        help="make a picture with the texture of another",
        description=f"Match Gram matrices, from noise. The longer side has {SIZE} pixels unless --size says otherwise.",
    )
    parser.add_argument("picture", help="whose texture it is to have")
    add_row_options(parser)
    runner.add_options(parser, out="minivis-texture.png")
    parser.set_defaults(run=run, weigh="relative", pooling="average")


def run(arguments: argparse.Namespace) -> None:
    """Read the picture and climb."""
    net = runner.open_run(arguments)
    rows = listed_rows(net, arguments.rows)
    climb = texture(
        net,
        read(net, arguments.picture, arguments.size),
        rows,
        arguments.weigh,
        pooling=arguments.pooling,
        rng=runner.rng_of(arguments),
        state=runner.saved_state(arguments),
        **({} if arguments.steps is None else {"steps": arguments.steps}),
    )
    runner.run(climb, arguments, total=climb.steps)
    if climb.terms:  # none if the run was killed at its end, and resumed
        print(told(shares(climb)))


def add_row_options(parser: argparse.ArgumentParser) -> None:
    """Add what says how textures are compared."""
    parser.add_argument(
        "--rows", help="whose Gram matrices are matched, with commas; default: the first ReLU of each size"
    )
    parser.add_argument("--weigh", choices=("relative", "equal"), help="rows by their own scale (ours), or all as 1/n")
    parser.add_argument("--pooling", choices=("max", "average"), help="average replaces the net's max-pools")


def listed_rows(net: Net, text: str | None) -> list[str] | None:
    """Return the rows that are named with commas; None for the default."""
    return None if text is None else [runner.row_of(net, name.strip()) for name in text.split(",")]


def read(net: Net, path: str, size: int | None) -> Array:
    """Return a whole picture, its longer side `size` pixels: (1, H, W, 3) on the net's device."""
    return to_device(fit(Path(path), size or SIZE).astype(net.dtype, copy=False), net.device)


def told(parts: Mapping[str, np.ndarray]) -> str:
    """Return what share of the loss each term has, as one line."""
    return "shares of the loss: " + ", ".join(f"{name} {float(share.mean()):.1%}" for name, share in parts.items())
