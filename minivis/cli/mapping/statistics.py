"""`minivis statistics`: histograms, weights near zero, units that never fire, and Gabor functions."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ...backend import to_host
from ...errors import ImageFileError, InputError
from ...nets import Net
from ..common import add_net_options, make_folder, one_line, open_net, progress

BATCH = 32


def add_commands(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "statistics",
        parents=[shared],
        help="histograms of weights and activations, dead units, Gabor functions",
        description="Write weights.png and, if the first kernels are large enough, gabor.png; with a folder of "
        "pictures activations.png too.",
    )
    parser.add_argument("net", metavar="NET", help="a network, or a weight file")
    parser.add_argument("folder", metavar="FOLDER", nargs="?", help="pictures for the activations")
    add_net_options(parser)
    parser.add_argument("--most", type=int, default=512, help="pictures at most (default: 512)")
    parser.add_argument("--out", metavar="OUT", help="folder to write to; default: NET-statistics")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Count, draw and print."""
    from ...drawing.statistics import histograms
    from ...representation.statistics import NEAR, activation_statistics, normal_share, weight_statistics

    if arguments.most < 1:
        raise InputError(f"--most is 1 or more, got {arguments.most}")
    net = open_net(arguments.net, arguments.weights)
    folder = make_folder(Path(arguments.out or f"{net.name}-statistics"))
    weights = weight_statistics(net.weights)
    width = max(map(len, [*net.names, "row"]))
    print(f"{'row':<{width}}  {'weights':>10}  {'std':>8}  " + "  ".join(f"< {t:g} std" for t in NEAR))
    for row, found in weights.items():
        shares = "  ".join(f"{found.near[t]:>{len(f'< {t:g} std')}.1%}" for t in NEAR)
        print(f"{row:<{width}}  {found.histogram.total:>10,}  {found.histogram.std:>8.4f}  {shares}")
    normal = "  ".join(f"{normal_share(t):>{len(f'< {t:g} std')}.1%}" for t in NEAR)
    print(f"{'(a normal distribution)':<{width + 22}}  {normal}")
    notes = {row: f"{found.near[0.1]:.0%} within 0.1 std" for row, found in weights.items()}
    caption = f"Weights of {net.name}, per kernel; orange: the normal distribution of the same mean and spread."
    _save(folder / "weights.png", histograms({r: f.histogram for r, f in weights.items()}, notes, caption, True))
    _gabors(net, folder / "gabor.png")
    if arguments.folder is None:
        return
    skipped: list[str] = []
    seen: list[int] = []
    values = activation_statistics(net, _batches(net, arguments.folder, arguments.most, skipped, seen))
    print()
    print(f"{'row':<{width}}  {'zeros':>7}  dead channels, over {sum(seen)} pictures")
    for row, value in values.items():
        zeros = value.histogram.zeros / value.histogram.total
        print(f"{row:<{width}}  {zeros:>7.1%}  {len(value.dead)} of {value.channels}")
    notes = {r: f"{f.histogram.zeros / f.histogram.total:.0%} zeros, {len(f.dead)} dead" for r, f in values.items()}
    caption = f"Values above 0 of {net.name} over {sum(seen)} pictures; zeros are not drawn."
    _save(folder / "activations.png", histograms({r: f.histogram for r, f in values.items()}, notes, caption))
    for line in skipped:
        print(f"skipped: {one_line(line)}", file=sys.stderr)


def _save(path: Path, figure: Any) -> None:
    from ...drawing import save_figure

    save_figure(path, figure)
    print(path)


def _gabors(net: Net, path: Path) -> None:
    from ...attribution import filters
    from ...drawing.statistics import gabor_pairs
    from ...representation.gabor import NUMBERS, fit_gabor, shuffled

    if len(next(iter(net.architecture.parameters.values()))["kernel"]) != 4:
        return  # a dense row
    kernels = to_host(filters(net))
    side = kernels.shape[1]
    if side**2 <= NUMBERS:
        print(
            f"no Gabor functions: {NUMBERS} numbers fitted to the {side**2} pixels of a {side} x {side} kernel would "
            "always fit well and mean nothing"
        )
        return
    rng = np.random.default_rng(0)
    fits = [fit_gabor(kernel) for kernel in progress(kernels, desc="Gabor functions")]
    chance = [fit_gabor(shuffled(kernel, rng)).r2 for kernel in progress(kernels, desc="shuffled")]
    r2 = [fit.r2 for fit in fits]
    line = (
        f"Gabor functions fitted to {len(fits)} kernels of {side} x {side}: median R² {np.median(r2):.2f}, "
        f"{sum(r > 0.8 for r in r2)} above 0.8; with the pixels of each kernel shuffled: median "
        f"{np.median(chance):.2f}, {sum(r > 0.8 for r in chance)} above 0.8"
    )
    print(line)
    caption = f"Each kernel, and the function fitted to it along its principal colour; R² above. {line}."
    _save(path, gabor_pairs(kernels, fits, caption))


def _batches(net: Net, folder: str, most: int, skipped: list[str], seen: list[int]) -> Iterator[Any]:
    """Yield the pictures below a folder in batches; note those that cannot be read, and how many were."""
    from ...pictures import picture_files

    root = Path(folder)
    if not root.is_dir():
        raise ImageFileError(f"there is no folder {folder!r}")
    groups: dict[Path, list[Path]] = {}
    for path in picture_files(root):
        groups.setdefault(path.parent, []).append(path)
    # The first of each subfolder, then the second of each, ...: so that a limit takes from all classes.
    turns = [(turn, place, path) for place, files in enumerate(groups.values()) for turn, path in enumerate(files)]
    batch: list[Any] = []
    for _, _, path in progress(sorted(turns)[:most], desc="pictures"):
        try:
            batch.append(net.picture(path))
        except ImageFileError as error:
            skipped.append(f"{path}: {error}" if str(path) not in str(error) else str(error))
            continue
        if len(batch) == BATCH:
            yield _joined(batch, seen)
            batch = []
    if batch:
        yield _joined(batch, seen)
    if not seen:
        raise InputError(f"{folder!r} holds no picture that can be read, nor do its subfolders")


def _joined(batch: list[Any], seen: list[int]) -> Any:
    from ...backend import array_module

    seen.append(len(batch))
    return array_module(batch[0]).concatenate(batch)
