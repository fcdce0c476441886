"""`minivis invert`: what a row of a network has kept of a photograph."""

import argparse
from pathlib import Path
from typing import Any

from ... import drawing
from ...backend import Array, to_host
from ...errors import InputError
from ...nets import Net
from ...pictures import sample_picture
from ...synthesis.recipes.invert import PRESETS, invert, over_strengths, readable_rows, relative_error, what_is_lost
from ..common import one_line
from . import runner
from .parts import kept_parts

STRENGTHS = (0.0, 0.1, 1.0, 10.0, 100.0)  # ours: from too little to too much


def add_commands(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "invert",
        parents=[shared],
        help="show what a row has kept of a photograph",
        description="Look for a picture with the same code as a photograph at a row, from noise.",
    )
    parser.add_argument("photo", nargs="?", help="default: a portrait that comes with Matplotlib")
    parser.add_argument(
        "--row", help="row whose code is inverted, or 'all' for a sheet of them; default: the last maps"
    )
    parser.add_argument("--strength", type=float, default=1.0, help="of the prior, times the preset's; default 1")
    parser.add_argument("--strengths", action="store_true", help="a sheet with priors of several strengths")
    runner.add_options(parser, out="minivis-invert.png", presets=PRESETS, preset="quick")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Invert one row, or draw a sheet."""
    net = runner.open_run(arguments)
    row = arguments.row or last_maps(net)
    if row != "all":
        row = runner.row_of(net, row)
    x = net.picture(Path(arguments.photo) if arguments.photo else sample_picture(), arguments.size)
    if row == "all" or arguments.strengths:
        _sheet(net, x, row, arguments)
        return
    climb = invert(
        net,
        x,
        row,
        arguments.preset,
        arguments.strength,
        steps=arguments.steps,
        rng=runner.rng_of(arguments),
        state=runner.saved_state(arguments),
    )
    runner.run(climb, arguments, total=climb.steps)
    print(f"{row}: relative error {_error(relative_error(net, climb.picture, x, row))}")


def last_maps(net: Net) -> str:
    """Return the last row of maps after its ReLU; of a weight file that ends before, the last row that it reaches."""
    rows = readable_rows(net)
    return net.maps if net.maps in rows or not rows else rows[-1]


def _sheet(net: Net, x: Array, row: str, arguments: argparse.Namespace) -> None:
    """Invert one row after the other, or one with each strength, and write the sheet after each."""
    if row == "all" and arguments.strengths:
        raise InputError("--strengths is for one row: name it with --row")
    rng = runner.rng_of(arguments)
    options: dict[str, Any] = {"preset": arguments.preset, "steps": arguments.steps, "rng": rng}
    caption = f"Inversions of {net.name}{'' if row == 'all' else f', {row}'}, with the relative errors of their codes"
    with kept_parts(arguments, rng) as parts:
        pictures = [to_host(x)[0], *(part["picture"] for part in parts.done)]
        titles = ["the photograph", *(part["title"] for part in parts.done)]
        if row == "all":
            left = readable_rows(net)[len(parts.done) :]
            run = what_is_lost(net, x, left, strength=arguments.strength, **options)
        else:
            run = over_strengths(net, x, row, STRENGTHS[len(parts.done) :], **options)
        for found in run:
            pictures.append(to_host(found.picture)[0])
            titles.append(f"{found.row if row == 'all' else f'{found.strength:g} x the prior'}: {_error(found.error)}")
            parts.add({"picture": pictures[-1], "title": titles[-1]})
            print(titles[-1])
            _draw(arguments.out, pictures, titles, caption)
            if parts.late():
                break
        else:
            _draw(arguments.out, pictures, titles, caption)
    print(one_line(arguments.out))


def _draw(out: str, pictures: list[Any], titles: list[str], caption: str) -> None:
    drawing.save_figure(out, drawing.contact_sheet(pictures, titles, caption=caption))


def _error(error: Array) -> str:
    return f"{float(to_host(error).mean()):.4f}"
