"""`minivis maximize`: the pictures that channels of a row answer to most, or a page of them for all stages."""

import argparse
from typing import Any

import numpy as np

from ... import drawing
from ...backend import to_host
from ...errors import InputError, WeightFileError
from ...nets import Net
from ...synthesis.recipes.maximize import PLACES, PRESETS, activation_maximization
from ...synthesis.recipes.sheets import maximized_stages, stages
from ..common import one_line, progress
from . import runner
from .parts import kept_parts

DEFAULT = "by row"  # the recipe chooses: see its `preset`


def add_commands(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "maximize",
        parents=[shared],
        help="make the pictures that channels of a row answer to most",
        description="Without ROW: one page for the network, some channels of each stage, from simple to complex.",
    )
    parser.add_argument("row", metavar="ROW", nargs="?", help="such as conv3_1")
    parser.add_argument("--channels", default="0-7", help="such as 0-7 or 3,5,8; default 0-7")
    parser.add_argument("--place", choices=tuple(PLACES), default="positive", help="what of a map; default positive")
    runner.add_options(parser, out="maximize.png", presets=(DEFAULT, *PRESETS))
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Check what was asked for, and make it."""
    net = runner.open_run(arguments)
    preset = None if arguments.preset == DEFAULT else arguments.preset
    if arguments.row is None:
        _page(net, arguments, preset)
        return
    row = runner.row_of(net, arguments.row)
    channels = channels_of(arguments.channels, net.shapes(upto=row)[row][-1])
    climb = activation_maximization(
        net,
        row,
        channels,
        place=arguments.place,
        preset=preset,
        size=arguments.size,
        steps=arguments.steps,
        rng=runner.rng_of(arguments),
        state=runner.saved_state(arguments),
    )
    runner.run(climb, arguments, total=climb.steps)


def channels_of(text: str, count: int) -> list[int]:
    """Read ``"0-7,9"``; raise `InputError` unless all are channels of a row that has `count`."""
    channels: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        last = last if dash else first
        if not (first.isdecimal() and last.isdecimal() and int(first) <= int(last)):
            raise InputError(f"--channels takes numbers such as 0-7 or 3,5,8, got {text!r}")
        if int(last) >= count:
            raise InputError(f"this row has channels 0 to {count - 1}, asked for {part.strip()}")
        channels.extend(range(int(first), int(last) + 1))
    return list(dict.fromkeys(channels))


def _page(net: Net, arguments: argparse.Namespace, preset: str | None) -> None:
    """Draw the page, anew after each stage: what is finished when the run is stopped stays."""
    rows, rng = stages(net), runner.rng_of(arguments)
    count = len(channels_of(arguments.channels, 10**6))
    done: list[tuple[str, np.ndarray]] = []
    note = ""
    with kept_parts(arguments, rng) as parts:
        for part in parts.done:
            done += zip(part["titles"], part["pictures"], strict=True)
        begun = len(parts.done)
        how: dict[str, Any] = {"place": arguments.place, "preset": preset, "size": arguments.size}
        found = maximized_stages(net, rows[begun:], count, rng, steps=arguments.steps, **how)
        try:
            for stage in progress(found, initial=begun, total=len(rows), unit="stage"):
                titles, pictures = [f"{stage.row} {channel}" for channel in stage.channels], to_host(stage.pictures)
                parts.add({"titles": titles, "pictures": pictures})
                done += zip(titles, pictures, strict=True)
                _draw(arguments.out, net, done, count, note)
                if parts.late():
                    break
        except WeightFileError as error:  # a file may end before the last rows
            if not done:
                raise
            note = f" The page ends here: {error}"
        _draw(arguments.out, net, done, count, note)
    print(f"{one_line(arguments.out)}: {len(done)} pictures{one_line(note)}")


def _draw(out: str, net: Net, done: list[tuple[str, np.ndarray]], columns: int, note: str) -> None:
    caption = f"What channels of {net.name} answer to most, from simple to complex.{note}"
    titles, pictures = [title for title, _ in done], [picture for _, picture in done]
    drawing.save_figure(out, drawing.contact_sheet(pictures, titles, columns, caption, side=112))
