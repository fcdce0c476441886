"""`minivis look`: what a network sees in a photograph, by every method, in one folder."""

import argparse
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ... import drawing
from ...backend import to_host
from ...errors import ImageFileError, InputError, WeightFileError
from ...nets import ARCHITECTURES, Net, class_index
from ..common import add_net_options, did_you_mean, listed, make_folder, one_line, open_net, progress
from . import arrays, report
from .subject import Choice, Panel, Subject
from .table import MANY_COLUMNS, METHODS, Finished, Method, finish

DEFAULT_OUT = "minivis-look"
NAMES = tuple(method.name for method in METHODS)


def add_commands(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add the command."""
    look = commands.add_parser(
        "look",
        parents=[shared],
        help="show what a network sees in a photograph",
        description="Write a folder with one PNG per method, a contact sheet, the raw arrays and a report.",
        epilog=f"methods: {', '.join(NAMES)}",
    )
    look.add_argument("photos", metavar="PHOTO", nargs="*", help="default: a portrait that comes with Matplotlib")
    look.add_argument("--net", default="minivgg", help=f"{', '.join(ARCHITECTURES)}, or a weight file; default minivgg")
    add_net_options(look)
    look.add_argument(
        "--target",
        action="append",
        default=[],
        help="class to explain, index or name; repeatable; default: the top one",
    )
    look.add_argument("--methods", default=",".join(NAMES), help="some of those below, with commas; default: all")
    look.add_argument("--layer", help="row for Grad-CAM, DeconvNet and activations; default: the last maps")
    look.add_argument("--unit", help="channel, or i,j,channel, of that row; default: its strongest unit")
    look.add_argument("--device", choices=("cpu", "gpu"), default="cpu")
    look.add_argument("--out", default=DEFAULT_OUT, help=f"folder to write; default {DEFAULT_OUT}")
    look.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Check everything that was asked for, then look at each photograph."""
    chosen = listed(arguments.methods, NAMES, "method")
    methods = [method for method in METHODS if method.name in chosen]
    net = open_net(arguments.net, arguments.weights, arguments.device)
    layer = net.architecture.check(arguments.layer) if arguments.layer else net.maps
    unit = _unit(net, layer, arguments.unit)
    targets = [_class(net, target) for target in arguments.target]
    photos = [Path(photo) for photo in arguments.photos] or [sample_photograph()]
    # All of them are read first, so that a wrong name is told before any work.
    pictures = [_read(net, photo) for photo in progress(photos, desc="reading")]
    out = make_folder(Path(arguments.out))
    for photo, picture, folder in zip(photos, pictures, _folders(out, photos), strict=True):
        subject = Subject(net, picture, tuple(dict.fromkeys(targets)), layer, unit)
        look_at(subject, photo.name, methods, make_folder(folder))


def look_at(subject: Subject, name: str, methods: Sequence[Method], folder: Path) -> None:
    """Run the methods on one photograph, write what each finds as soon as it is found, then sheet and report.

    After Ctrl-C the sheet and the report are written of what is finished, and the interruption goes on.
    """
    net = subject.net
    probabilities, missing = _probabilities(subject)
    order = np.argsort(-probabilities, kind="stable")[:5]
    top = [(net.labels[i], float(probabilities[i])) for i in order]
    subject = replace(subject, classes=subject.classes or tuple(int(i) for i in order[:1]))
    title = f"{name} through {net.name}"
    print(one_line(title))
    print("\n".join(f"  {p:.4f}  {label}" for label, p in top) or f"  no classes: {one_line(missing)}")
    about = _about(net, name)
    arrays.start(folder / "arrays.h5", about, {"photograph": subject.photograph, "probabilities": probabilities})
    page = report.Page(title, about, subject.photograph, top, [], {})
    try:
        _run_all(subject, methods, missing, folder, page)
    except KeyboardInterrupt:
        _conclude(folder, page._replace(note="Interrupted: what follows was finished before."))
        raise
    if not page.finished:
        raise InputError(f"no method could be applied: {next(iter(page.skipped.values()))}")
    _conclude(folder, page)
    print(f"report: {one_line(str(folder / 'report.html'))}")


def _run_all(subject: Subject, methods: Sequence[Method], missing: str, folder: Path, page: report.Page) -> None:
    """Run each method and write its PNG and arrays; note it in `page`, among the finished or the skipped."""
    with progress(methods, unit="method") as bar:
        for method in bar:
            bar.set_description(method.name)
            try:
                if method.of_class and missing:
                    raise WeightFileError(missing)
                finished = finish(method, subject)
            except (InputError, WeightFileError) as error:  # everything asked for was checked: it does not apply here
                page.skipped[method.name] = one_line(str(error))
                bar.write(f"{method.name:<20} skipped: {one_line(str(error))}")
                continue
            path = folder / f"{method.name}.png"
            drawing.save_figure(path, _figure(finished))
            arrays.add(folder / "arrays.h5", finished)
            page.finished.append(finished)
            bar.write(f"{method.name:<20} {finished.seconds:6.2f} s  {one_line(str(path))}")


def _figure(finished: Finished) -> Any:
    panels, columns = finished.result.panels, finished.result.columns
    pictures, titles = [panel.picture for panel in panels], [panel.title for panel in panels]
    caption = f"{finished.method.name}. {finished.line}"
    if columns < MANY_COLUMNS:
        return drawing.grid(pictures, titles, columns, caption)
    return drawing.contact_sheet(pictures, titles, columns, caption, side=120 if columns == MANY_COLUMNS else 60)


def _conclude(folder: Path, page: report.Page) -> None:
    """Write the contact sheet and the report."""
    covers = [
        Panel(f"{finished.method.name}\n{cover.title}", cover.picture)
        for finished in page.finished
        for cover in finished.result.covers
    ]
    sheet = [Panel("photograph", page.photograph), *covers]
    figure = drawing.contact_sheet(
        [panel.picture for panel in sheet],
        [panel.title for panel in sheet],
        caption="What the colours mean stands in each method's own picture and in report.html.",
    )
    drawing.save_figure(folder / "contact-sheet.png", figure)
    report.write(folder / "report.html", page)


def _probabilities(subject: Subject) -> tuple[np.ndarray, str]:
    """Return the probabilities of the classes, or none and why, where the weight file ends before them."""
    try:
        return to_host(subject.net(subject.x))[0], ""
    except WeightFileError as error:
        return np.empty(0, subject.net.dtype), str(error)


def _about(net: Net, name: str) -> dict[str, Choice]:
    from ... import __version__

    return {
        "photograph": name,
        "net": net.name,
        "weights": Path(net.path).name if net.path else "given",
        "input": f"{net.size} x {net.size}, short side resized to {round(net.size * 256 / 224)}, centre cut out",
        "computed": f"in {net.dtype} on the {net.device}",
        "minivis": __version__,
        "numpy": np.__version__,
    }


def sample_photograph() -> Path:
    """Return the photograph that comes with Matplotlib: Grace Hopper, by the United States Navy, public domain."""
    from matplotlib.cbook import get_sample_data

    return Path(get_sample_data("grace_hopper.jpg", asfileobj=False))


def _read(net: Net, photo: Path) -> Any:
    try:
        return net.picture(photo)
    except ImageFileError as error:
        hint = ""
        if not photo.exists() and photo.parent.is_dir():
            hint = did_you_mean(photo.name, (entry.name for entry in photo.parent.iterdir()))
        raise ImageFileError(f"{error}{hint}") from None


def _class(net: Net, text: str) -> int:
    return class_index(net.labels, int(text) if re.fullmatch(r"-?\d+", text) else text)


def _unit(net: Net, layer: str, text: str | None) -> Any:
    """Return ``"7"`` as 7 and ``"3,4,7"`` as (3, 4, 7), checked against the row's shape; None stays None."""
    if text is None:
        return None
    shape = net.shapes(upto=layer)[layer]
    if not re.fullmatch(r"\d+(,\d+,\d+)?", text):
        raise InputError(f"--unit must be a channel, or i,j,channel, got {text!r}")
    numbers = tuple(map(int, text.split(",")))
    if len(numbers) > len(shape) or any(n >= size for n, size in zip(numbers, shape[-len(numbers) :], strict=True)):
        raise InputError(f"{layer} of {net.name} has shape {shape}: it has no unit {text}")
    return numbers[0] if len(numbers) == 1 else numbers


def _folders(out: Path, photos: Sequence[Path]) -> list[Path]:
    """Return where each photograph's files go: a folder of its own, named after it, if there are several."""
    if len(photos) == 1:
        return [out]
    names: list[str] = []
    for photo in photos:
        name, count = photo.stem, 1
        while name.casefold() in (taken.casefold() for taken in names):
            count += 1
            name = f"{photo.stem}-{count}"
        names.append(name)
    return [out / name for name in names]
