"""`minivis style`: one picture, painted in the style of others."""

import argparse
from typing import Any

from ...backend import Array, to_device, to_host
from ...errors import InputError
from ...pictures import read_picture
from ...synthesis.recipes.style import PRESETS, luminance, recolour, stylize, with_random_weights
from ...synthesis.recipes.style import content_row as default_content_row
from ...synthesis.recipes.texture import shares, style_rows
from . import runner
from .texture import SIZE, add_row_options, listed_rows, read, told


def add_commands(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "style",
        parents=[shared],
        help="paint a photograph in the style of a painting",
        description=f"The longer sides have {SIZE} pixels unless --size says otherwise.",
    )
    parser.add_argument("content", help="picture of what is to be shown")
    parser.add_argument("style", nargs="+", help="picture of how it is to be painted; several are blended")
    parser.add_argument("--content-rows", help="whose codes are matched, with commas; 'input' compares pixels")
    add_row_options(parser)
    parser.add_argument("--content-weight", type=float, help="default: the preset's")
    parser.add_argument("--style-weight", type=float, help="default: the preset's")
    parser.add_argument("--blend", help="how much of each style, numbers with commas; default: equal shares")
    parser.add_argument("--mask", action="append", default=[], help="grey picture of where a style applies; one each")
    parser.add_argument(
        "--colours",
        choices=("style", "content", "luminance"),
        default="style",
        help="whose colours: 'content' gives the style those of the content first, 'luminance' paints brightness only",
    )
    parser.add_argument("--start", choices=("content", "noise"), help="default: the preset's")
    parser.add_argument("--random-weights", action="store_true", help="a control: a network that has learned nothing")
    runner.add_options(parser, out="minivis-style.png", presets=PRESETS, preset="relative")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Read the pictures and climb."""
    net = runner.open_run(arguments)
    rows, content_rows = (listed_rows(net, text) for text in (arguments.rows, arguments.content_rows))
    if arguments.random_weights:
        rows, content_rows = rows or style_rows(net), content_rows or [default_content_row(net)]
        net = with_random_weights(net, [*rows, *content_rows], runner.rng_of(arguments))
    content = read(net, arguments.content, arguments.size)
    styles = [read(net, path, arguments.size) for path in arguments.style]
    masks = [to_device(read_picture(path)[:, :, 0] / 255, net.device) for path in arguments.mask]
    grey = arguments.colours == "luminance"
    climb = stylize(
        net,
        luminance(content) if grey else content,
        [luminance(style) if grey else style for style in styles],
        arguments.preset,
        content_rows=content_rows,
        style_rows=rows,
        content_weight=arguments.content_weight,
        style_weight=arguments.style_weight,
        weights=arguments.weigh,
        blend=_numbers(arguments.blend),
        masks=masks or None,
        colours="style" if grey else arguments.colours,
        pooling=arguments.pooling,
        start=arguments.start,
        steps=arguments.steps,
        rng=runner.rng_of(arguments),
        state=runner.saved_state(arguments),
    )

    def coloured(picture: Array) -> Array:
        return recolour(picture, to_host(content))[0]

    runner.run(climb, arguments, total=climb.steps, draw=coloured if grey else None)
    if climb.terms:  # none if the run was killed at its end, and resumed
        print(told(shares(climb)))


def _numbers(text: str | None) -> list[float] | None:
    """Read ``"1,0.5"``."""
    try:
        return None if text is None else [float(part) for part in text.split(",")]
    except ValueError:
        raise InputError(f"--blend takes numbers with commas, such as 1,0.5, got {text!r}") from None
