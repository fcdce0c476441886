"""`minivis segment`: from a photograph's saliency to the object that it points at, and a box around it."""

import argparse
import math
from pathlib import Path
from typing import Any

import numpy as np

from ...attribution import saliency
from ...attribution.targets import class_of
from ...backend import to_host
from ...drawing import save_figure
from ...drawing.segmentation import segmentation_figure
from ...errors import InputError
from ...nets import ARCHITECTURES
from ...pixels import to_pixels
from ...segmentation.colour_models import COMPONENTS
from ...segmentation.graphcut import SMOOTHNESS
from ...segmentation.segment import segment
from ...segmentation.trimap import BACKGROUND_QUANTILE, FOREGROUND_QUANTILE
from ...segmentation.views import view_of
from ..common import add_net_options, one_line, open_net
from ..making.runner import positive


def add_commands(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "segment",
        parents=[shared],
        help="cut the object out that the saliency points at, and put a box around it",
        description="Saliency, trimap, two colour models, one graph cut, its largest component, the box around that.",
    )
    parser.add_argument("photo", metavar="PHOTO")
    parser.add_argument(
        "--net", default="minivgg", help=f"{', '.join(ARCHITECTURES)}, or a weight file; default minivgg"
    )
    add_net_options(parser)
    parser.add_argument("--target", metavar="CLASS", help="class, by name or index; default: the top class")
    for name, value in (("foreground", FOREGROUND_QUANTILE), ("background", BACKGROUND_QUANTILE)):
        parser.add_argument(f"--{name}", type=float, default=value, metavar="Q", help=f"quantile; default {value}")
    parser.add_argument(
        "--components", type=positive, default=COMPONENTS, help=f"Gaussians per colour model; default {COMPONENTS}"
    )
    parser.add_argument(
        "--smoothness", type=float, default=SMOOTHNESS, help=f"cost of parting two neighbours; default {SMOOTHNESS:g}"
    )
    parser.add_argument("--neighbours", type=int, choices=(4, 8), default=8, help="of a pixel; default 8")
    parser.add_argument("--hard", action="store_true", help="keep the trimap's pixels as they are")
    parser.add_argument("--seed", type=int, default=0, help="of the colour models' start; default 0")
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu", help="of the saliency; the cut is SciPy's")
    parser.add_argument("--out", default="minivis-segment.png", metavar="FILE", help="picture to write")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Segment, draw, and say where the box is in the photograph."""
    if arguments.seed < 0 or not math.isfinite(arguments.smoothness):
        raise InputError(f"--seed is 0 or more and --smoothness finite, got {arguments.seed}, {arguments.smoothness}")
    pixels = to_pixels(arguments.photo)
    net = open_net(arguments.net, arguments.weights, arguments.device)
    x = net.picture(pixels)
    wanted = arguments.target
    target = int(wanted) if wanted is not None and wanted.isdecimal() else wanted
    (label,) = class_of(net, x, target)
    heat = saliency(net, x, label)
    found = segment(
        x,
        heat,
        arguments.foreground,
        arguments.background,
        arguments.components,
        arguments.smoothness,
        arguments.neighbours,
        arguments.hard,
        np.random.default_rng(arguments.seed),
    )
    (box,) = found.boxes
    chance = float(to_host(net(x))[0, label])
    name = f"{net.labels[label]} ({chance:.1%})"
    caption = f"{one_line(Path(arguments.photo).name)}: what {net.name} takes for {name}."
    quantiles = (arguments.foreground, arguments.background)
    save_figure(arguments.out, segmentation_figure(to_host(x)[0], to_host(heat)[0], found, caption, quantiles))
    if box is None:
        print(f"{name}: the cut finds no foreground; a smaller --smoothness may")
    else:
        height, width = pixels.shape[:2]
        placed = view_of(height, width, net.size).to_picture(box)
        told = " ".join(f"{edge}={value:.0f}" for edge, value in zip(("x0", "y0", "x1", "y1"), placed, strict=True))
        print(f"{name}: box {told} in the photograph of {width} x {height}, {found.mask[0].mean():.1%} of the view")
    print(one_line(str(arguments.out)))
