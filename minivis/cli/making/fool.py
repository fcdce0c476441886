"""`minivis fool`: a photograph, or a picture of nothing, that the network takes for something else."""

import argparse
import json
import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ... import drawing
from ...atomic import replacing, sweep
from ...backend import to_device, to_host
from ...errors import InputError
from ...nets import Net, class_index
from ...pictures import read_picture, save_picture
from ...synthesis.recipes.evolve import PRESET, Evolution, evolve
from ...synthesis.recipes.fool import fast_gradient_sign, fool, iterated_gradient_sign, ten_times
from ...synthesis.recipes.fool_noise import fool_from_noise
from ...synthesis.recipes.fooled import Fooled, Fooling
from ...synthesis.recipes.least_change import LeastChange, least_change
from ..common import make_folder, one_line, writing
from . import runner

DEFAULT_OUT = "minivis-fool"
PICTURE = "fooled.png"
OPTIONS = ("lr", "objective", "margin", "eps", "steps")  # that only some methods have

Start = Callable[..., Any]  # a Fooling or an Evolution


class Method(NamedTuple):
    """A way to fool."""

    start: Start
    options: tuple[str, ...]  # of OPTIONS
    what: str
    from_photo: bool = True


def _noise(net: Net, x: Any, to: int, arguments: argparse.Namespace, **how: Any) -> Fooling:
    return fool_from_noise(net, to, runner.rng_of(arguments), arguments.size, **how)


def _evolve(encoding: str) -> Start:
    def start(net: Net, x: Any, to: int, arguments: argparse.Namespace, steps: int | None = None, **how: Any) -> Any:
        generations = PRESET["generations"].value if steps is None else steps
        return evolve(net, to, runner.rng_of(arguments), encoding, arguments.size, generations=generations, **how)

    return start


def _on_photos(function: Callable[..., Fooling]) -> Start:
    return lambda net, x, to, arguments, **how: function(net, x, to, **how)


METHODS = {
    "step": Method(
        _on_photos(fool), ("lr", "objective", "margin", "steps"), "steps along the gradient until the class flips"
    ),
    "fgsm": Method(_on_photos(fast_gradient_sign), ("eps",), "one step along the gradient's sign"),
    "ifgsm": Method(
        _on_photos(iterated_gradient_sign), ("eps", "margin", "steps"), "small steps along the gradient's sign"
    ),
    "lbfgs": Method(_on_photos(least_change), ("margin", "steps"), "the smallest change, by L-BFGS"),
    "noise": Method(_noise, ("steps",), "gradient ascent on the probability, from noise", False),
    "evolve": Method(_evolve("direct"), ("steps",), "evolution of pixels, for all classes at once", False),
    "cppn": Method(_evolve("cppn"), ("steps",), "evolution of patterns, for all classes at once", False),
}


def add_commands(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "fool",
        parents=[shared],
        help="change a photograph so that the network takes it for something else",
        description="Write a folder with the picture, the difference, once and ten times, a figure and a summary.",
        epilog="methods: " + "; ".join(f"{name}: {method.what}" for name, method in METHODS.items()),
        conflict_handler="resolve",  # --out is a folder here
    )
    parser.add_argument("photos", metavar="PHOTO", nargs="*", help="several are all sent to the one class")
    parser.add_argument("--to", metavar="CLASS", help="index or name; default: away from what the network sees")
    parser.add_argument("--method", choices=METHODS, default="step", help="default step")
    parser.add_argument("--lr", type=float, help="length of a step, in units of 0..255 (step)")
    parser.add_argument("--objective", choices=("score", "log-probability"), help="what rises (step)")
    parser.add_argument("--margin", type=float, help="by how much the class's score must lead (step, ifgsm, lbfgs)")
    parser.add_argument("--eps", type=float, help="how far a value may go, in units of 0..255 (fgsm, ifgsm)")
    runner.add_options(parser, out=DEFAULT_OUT)
    parser.add_argument("--out", default=DEFAULT_OUT, metavar="FOLDER", help=f"folder to write; default {DEFAULT_OUT}")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Check what was asked for, fool, and write the folder; after Ctrl-C too, with what was reached."""
    method = METHODS[arguments.method]
    how = {name: getattr(arguments, name) for name in OPTIONS if getattr(arguments, name) is not None}
    for name in how.keys() - set(method.options):
        raise InputError(f"--{name} has no meaning with --method {arguments.method}")
    if method.from_photo != bool(arguments.photos):
        wanted = "needs a PHOTO" if method.from_photo else "starts from nothing: leave the PHOTO out"
        raise InputError(f"--method {arguments.method} {wanted}")
    if not method.from_photo and arguments.to is None:
        raise InputError(f"--method {arguments.method} needs --to CLASS")
    net = runner.open_run(arguments)
    to = None if arguments.to is None else _class(net, arguments.to)
    photos = [Path(photo) for photo in arguments.photos]
    pictures = [net.picture(photo, arguments.size) for photo in photos]
    x = to_device(np.concatenate([to_host(p) for p in pictures]), net.device) if pictures else None
    out = make_folder(Path(arguments.out))
    arguments.out = str(out / PICTURE)
    climb = method.start(net, x, to, arguments, state=runner.saved_state(arguments), **how)
    names = [photo.name for photo in photos] or ["nothing"]
    conclude = partial(_conclude, net, climb, names, out, arguments)
    runner.run(climb, arguments, total=_length(climb), conclude=conclude)


def _length(climb: Any) -> int | None:
    if isinstance(climb, LeastChange):
        return climb.trials
    return climb.generations if isinstance(climb, Evolution) else climb.steps


def _conclude(net: Net, climb: Any, names: Sequence[str], out: Path, arguments: argparse.Namespace) -> None:
    """Write what belongs to each picture; of several, each has a folder of its own."""
    results: list[Fooled] = climb.results()
    for n, (name, result) in enumerate(zip(names, results, strict=True)):
        folder = out if len(names) == 1 else make_folder(out / f"{n + 1:02d}-{Path(name).stem}")
        sweep(folder)
        _write(net, result, name, folder, arguments)
    if len(results) > 1:
        print(f"{sum(result.success for result in results)} of {len(results)} pictures have fooled {net.name}")


def _write(net: Net, result: Fooled, name: str, folder: Path, arguments: argparse.Namespace) -> None:
    path = folder / PICTURE
    save_picture(path, result.picture)
    save_picture(folder / "difference.png", ten_times(result.difference, 1))
    save_picture(folder / "difference-x10.png", ten_times(result.difference))
    again = to_device(read_picture(path)[None].astype(net.dtype), net.device)  # as it will be found by others
    (top,) = net.top(again, min(5, len(net.labels)))
    first = int(to_host(net(again))[0].argmax())
    kept = (first != result.target) if result.away else (first == result.target)
    drawing.save_figure(folder / "figure.png", _figure(net, result, name))
    summary = {
        "picture": name,
        "net": net.name,
        "method": arguments.method,
        "class": {"index": result.target, "name": net.labels[result.target], "away": result.away},
        "fooled": result.success,
        "fooled, read again from the file": kept,
        "steps": result.steps,
        "lead of the score": result.lead,
        "norm of the difference": result.norm,
        "as a share of the picture's norm": result.relative_norm,
        "largest change of a value": float(abs(result.difference).max()),
        "before": result.before,
        "after": top,
    }
    with writing(folder / "summary.json"), replacing(folder / "summary.json") as part:
        part.write_text(json.dumps(summary, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(one_line(f"{name}: {result}"))
    if kept != result.success:
        print(one_line(f"{name}: read again from {path}, the picture is {net.labels[first]}"))


def _figure(net: Net, result: Fooled, name: str) -> Any:
    goal = f"{'away from' if result.away else 'to'} {net.labels[result.target]}"
    panels = [
        (f"{name}\n{_listed(result.before)}", result.original),
        ("difference", ten_times(result.difference, 1)),
        ("ten times the difference", ten_times(result.difference)),
        (f"{goal}: {'fooled' if result.success else 'not fooled'}\n{_listed(result.after)}", result.picture),
    ]
    caption = (
        f"{result}. Differences are drawn about middle grey, which is none; ten times the difference is clipped to "
        "0..255."
    )
    return drawing.grid([picture for _, picture in panels], [title for title, _ in panels], 4, caption, side=220)


def _listed(top: Sequence[tuple[str, float]]) -> str:
    return "\n".join(f"{probability:.3f}  {label}" for label, probability in top)


def _class(net: Net, text: str) -> int:
    return class_index(net.labels, int(text) if re.fullmatch(r"-?\d+", text) else text)
