"""`minivis truth`: do the looking methods point at the cause, and do they depend on what the network has learnt?"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from .. import drawing
from ..atomic import replacing
from ..errors import ImageFileError, InputError
from ..faithfulness import (
    Cascade,
    cascade_json,
    cascade_text,
    evaluate_on_scenes,
    methods_for,
    randomize,
    truth_json,
    truth_text,
)
from ..faithfulness.curves import STEPS
from ..faithfulness.methods import METHODS
from ..faithfulness.table import FIRST
from ..nets import Net
from ..shards import executor_for
from .common import add_net_options, listed, make_folder, one_line, open_net, progress, writing
from .making.runner import positive

EDGES = "edges (control)"  # the only one drawn: what an explanation that looks sharp but knows nothing is like
CLIP = 99.5  # percentile at which maps are clipped when drawn; ours


def add_commands(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add the command and its two parts."""
    parser = commands.add_parser(
        "truth", parents=[shared], help="test whether the looking methods point at the cause, and depend on the weights"
    )
    parts = parser.add_subparsers(dest="part", metavar="PART", required=True)
    on_scenes = parts.add_parser(
        "scenes",
        parents=[shared],
        help="every method against the true causes of synthetic scenes",
        description="Only scenes that the network classifies right are measured.",
    )
    on_scenes.add_argument("--net", default="minicam", help="a network of the scenes' classes; default minicam")
    on_scenes.add_argument("--count", type=positive, default=120, help="how many scenes; default 120")
    on_scenes.add_argument("--first", type=int, default=FIRST, help=f"number of the first scene; default {FIRST}")
    on_scenes.add_argument("--steps", type=positive, default=STEPS, help=f"of the curves; default {STEPS}")
    on_scenes.add_argument("--tolerance", type=float, default=0, help="of the pointing game, in pixels; default 0")
    on_scenes.add_argument("--workers", type=positive, help="so many processes; default: this one")
    on_scenes.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask cluster")
    on_scenes.set_defaults(run=run_scenes)
    on_random = parts.add_parser(
        "randomize",
        parents=[shared],
        help="every method on a network whose weights are randomised row by row, from the top down",
    )
    on_random.add_argument("photos", nargs="+", metavar="PHOTO")
    on_random.add_argument("--net", default="minivgg", help="default minivgg")
    on_random.add_argument("--independent", action="store_true", help="randomise one row at a time")
    on_random.set_defaults(run=run_randomize)
    for part in (on_scenes, on_random):
        add_net_options(part)
        part.add_argument("--methods", metavar="A,B", help=f"of {', '.join(m.name for m in METHODS)}; default: all")
        part.add_argument("--seed", type=int, default=0, help="default 0")
        part.add_argument("--out", default="minivis-truth", metavar="FOLDER", help="default minivis-truth")


def run_scenes(arguments: argparse.Namespace) -> None:
    """Measure on scenes; print and write the table."""
    net = open_net(arguments.net, arguments.weights)
    names = _names(net, arguments)
    shards = -(-arguments.count // 8)
    with executor_for(arguments.scheduler, arguments.workers) as executor:
        truth = evaluate_on_scenes(
            net,
            arguments.count,
            arguments.seed,
            arguments.first,
            names,
            arguments.steps,
            arguments.tolerance,
            executor=executor,
            progress=lambda found: progress(found, total=shards),
        )
    made = {"seed": arguments.seed, "first": arguments.first, "steps": arguments.steps}
    _write(arguments.out, "scenes", truth_text(truth), {**made, **truth_json(truth)})


def run_randomize(arguments: argparse.Namespace) -> None:
    """Randomise row by row; print and write the table, and draw the explanations of the first photograph."""
    net = open_net(arguments.net, arguments.weights)
    methods = methods_for(net, _names(net, arguments), controls=[EDGES])
    pictures, bad = [], []
    for photo in arguments.photos:
        try:
            pictures.append(net.picture(photo))
        except ImageFileError as error:
            bad.append(str(error))
    if not pictures:
        raise InputError("; ".join(bad))
    x = np.concatenate(pictures)
    total = len(net.architecture.parameters)
    cascade = randomize(
        net,
        x,
        methods,
        seed=arguments.seed,
        independent=arguments.independent,
        progress=lambda networks: progress(networks, total=total),
    )
    how = "independent" if arguments.independent else "cascading"
    head = f"{net.name}, {len(x)} photographs, {how} randomisation, seed {arguments.seed}\n\n"
    name = f"randomize-{how}"
    written = {"net": net.name, "how": how, "seed": arguments.seed, "photographs": len(x), **cascade_json(cascade)}
    _write(arguments.out, name, head + cascade_text(cascade), written)
    path = Path(arguments.out) / f"{name}.png"
    drawing.save_figure(path, _sheet(cascade, net, how))
    print(one_line(str(path)))
    for line in bad:
        print(one_line(f"left out: {line}"))


def _names(net: Net, arguments: argparse.Namespace) -> list[str] | None:
    if arguments.methods is None:
        return None
    return listed(arguments.methods, [method.name for method in methods_for(net, controls=[EDGES])], "method")


def _sheet(cascade: Cascade, net: Net, how: str) -> Any:
    pictures, titles = [], []
    above = "" if how == "independent" else "down to "
    for method, maps in cascade.maps.items():
        scores = [record.spearman_abs for record in cascade.of(method)]
        said = ["as learnt", *(f"{above}{row}\n{s:.2f}" for row, s in zip(cascade.rows, scores, strict=True))]
        for title, values in zip(said, maps, strict=True):
            shown = np.abs(values)
            pictures.append(drawing.grey(shown, drawing.limit_of(shown, CLIP)))
            titles.append(f"{method}\n{title}" if title == "as learnt" else title)
    return drawing.grid(
        pictures,
        titles,
        columns=1 + len(cascade.rows),
        caption=f"{net.name}, {how} randomisation. Each map has its own scale: white is its {CLIP} percentile. Below "
        "each row's name: Spearman's rank correlation of absolute values with the leftmost, mean over the photographs.",
        side=96,
    )


def _write(folder: str, name: str, text: str, content: dict[str, Any]) -> None:
    print(text)
    root = make_folder(Path(folder))
    for suffix, written in (("txt", text + "\n"), ("json", json.dumps(content, indent=1) + "\n")):
        path = root / f"{name}.{suffix}"
        with writing(path), replacing(path) as part:
            part.write_text(written, encoding="utf-8")
        print(one_line(str(path)))
