"""`minivis dream`: a network adds to a photograph more of what it sees there."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ... import drawing
from ...backend import Array, to_device, to_host
from ...errors import InputError
from ...nets import Net
from ...pictures import fit, sample_picture
from ...synthesis.recipes.animation import FORMATS, save_animation
from ...synthesis.recipes.concentration import concentration
from ...synthesis.recipes.dream import BY, PRESETS, ROW, closer, deep_dream, zoom_in
from ..common import one_line, progress
from . import runner
from .parts import kept_parts

Curve = list[dict[str, float]]
"""For each step, the Gini coefficient of the row's energy among units, places and channels."""

SIZE = 512  # pixels, of the longer side (ours)
ABOUT = "Here --size is the longer side of the picture (default 512), and --steps counts those of each octave."


def add_commands(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "dream", parents=[shared], help="let a network dream of a photograph", description=ABOUT
    )
    parser.add_argument("photo", metavar="PHOTO", nargs="?", help="default: a portrait that comes with Matplotlib")
    parser.add_argument("--row", help=f"what to make more of; default {ROW}, or the network's last maps")
    parser.add_argument("--aim", default="energy", help="energy, mean, or a channel's number; default energy")
    parser.add_argument("--guide", metavar="PHOTO", help="a photograph of what to dream of")
    parser.add_argument("--octaves", type=runner.positive, help="how many sizes; default: the preset's")
    parser.add_argument("--tile", type=runner.positive, metavar="PIXELS", help="work in tiles, for very large pictures")
    parser.add_argument("--zoom", type=runner.positive, metavar="FRAMES", help="go in; write a .gif or .webp to --out")
    parser.add_argument("--concentration", metavar="FILE", help="draw how few units hold the energy, step by step")
    runner.add_options(parser, out="dream.png", presets=PRESETS)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Check what was asked for, and dream."""
    net = runner.open_run(arguments)
    row = runner.row_of(net, arguments.row) if arguments.row else (ROW if ROW in net.names else net.maps)
    choices: dict[str, Any] = {
        "row": row,
        "aim": int(arguments.aim) if arguments.aim.isdecimal() else arguments.aim,
        "guide": _read(net, arguments.guide, net.size) if arguments.guide else None,
        "preset": arguments.preset,
        "octaves": arguments.octaves,
        "steps": arguments.steps,
        "tile": arguments.tile,
        "rng": runner.rng_of(arguments),
    }
    picture = _read(net, arguments.photo or sample_picture(), arguments.size or SIZE)
    if arguments.zoom:
        _zoom(net, picture, arguments, choices)
        return
    state = runner.saved_state(arguments)
    if not arguments.concentration:
        dream = deep_dream(net, picture, **choices, state=state)
        runner.run(dream, arguments, total=dream.steps)
        return
    curve: Curve = [] if state is None else state["curve"]
    dream = deep_dream(net, picture, **choices, state=state and state["dream"])

    def conclude() -> None:
        draw_concentration(arguments.concentration, row, curve)

    runner.run(Watched(dream, net, row, curve), arguments, total=dream.steps, conclude=conclude)


class Watched(Iterator):
    """A dream, whose pictures' `concentration` is noted in a list."""

    def __init__(self, dream: Any, net: Net, row: str, curve: Curve):
        self._dream, self._net, self._row, self._curve = dream, net, row, curve

    def __getattr__(self, name: str) -> Any:  # picture, step
        return getattr(self._dream, name)

    def state(self) -> dict[str, Any]:
        """Return all that is needed to go on from here."""
        return {"dream": self._dream.state(), "curve": self._curve[: self._dream.step]}

    def __next__(self) -> tuple[Array, Any]:
        picture, score = next(self._dream)
        found = concentration(self._net, self._row, picture)
        self._curve.append({among: float(shared.gini.mean()) for among, shared in found.items()})
        return picture, score


def draw_concentration(path: str, row: str, curve: Curve) -> None:
    """Draw how unequally the energy is shared out among units, places and channels, over the steps."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.6), dpi=100, layout="constrained")
    axes = figure.subplots()
    for among in curve[0] if curve else ():
        axes.plot(range(1, len(curve) + 1), [shared[among] for shared in curve], label=f"among {among}")
    axes.set(xlabel="step", ylabel="Gini: 0 all alike, 1 one has all", ylim=(0, 1), title=f"energy of {row}")
    axes.legend(fontsize=8)
    drawing.save_figure(path, figure)


def _zoom(net: Net, picture: Array, arguments: argparse.Namespace, choices: dict[str, Any]) -> None:
    out = Path(arguments.out)
    if out.suffix.lower() not in FORMATS:
        raise InputError(f"--zoom writes {' or '.join(FORMATS)}: say --out NAME with one of them, got {str(out)!r}")
    if arguments.concentration:
        raise InputError("--zoom takes no --concentration")
    with kept_parts(arguments, choices["rng"]) as parts:
        frames: list[np.ndarray] = [part["frame"] for part in parts.done]
        if frames:
            picture = closer(to_device(frames[-1], net.device), BY)
        found = zoom_in(net, picture, arguments.zoom - len(frames), **choices)
        try:
            for frame in progress(found, initial=len(frames), total=arguments.zoom, unit="frame"):
                frames.append(to_host(frame))
                parts.add({"frame": frames[-1]})
                if parts.late():
                    break
        finally:  # after Ctrl-C too
            if frames:
                save_animation(out, frames)
    print(f"{one_line(str(out))}: {len(frames)} frames")


def _read(net: Net, source: Any, size: int) -> Array:
    return to_device(fit(source, size).astype(net.dtype, copy=False), net.device)
