"""`minivis compress`: pruning, shared weights and Huffman coding, with bytes and accuracy after each."""

import argparse
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from ..common import add_net_options, make_folder, one_line, open_net

SHARE = 0.75  # of weights set to zero, unless said otherwise; ours


def add_commands(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "compress",
        parents=[shared],
        help="deep compression: prune, share and code the weights; bytes and accuracy after each",
        description="Measured on the test part of FOLDER, split as minivis train does. Writes pruning.png, and the "
        "weights as they come out, compressed.h5, which load like any others.",
    )
    parser.add_argument("net", metavar="NET", help="a network, or a weight file")
    parser.add_argument("folder", metavar="FOLDER", help="one subfolder of pictures per class of the network")
    add_net_options(parser)
    parser.add_argument("--share", type=float, default=SHARE, help=f"of weights set to zero (default: {SHARE})")
    parser.add_argument("--scope", choices=("global", "std", "row"), default="global", help="who is compared with whom")
    parser.add_argument("--conv-bits", type=int, default=8, help="per index and distance, convolutions (default: 8)")
    parser.add_argument("--dense-bits", type=int, default=5, help="the same, dense rows (default: 5)")
    parser.add_argument("--retrain", type=int, default=0, metavar="EPOCHS", help="after pruning, and after sharing")
    parser.add_argument("--seed", type=int, default=0, help="of retraining (default: 0)")
    parser.add_argument("--threads", type=int, default=2, help="for retraining (default: 2)")
    parser.add_argument("--out", metavar="OUT", help="folder to write to; default: NET-compressed")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Compress step by step, measure, and write."""
    from threadpoolctl import threadpool_limits

    from ...compression.deep import decompress, deep_compress
    from ...compression.pruning import SCOPES, accuracy_with, pruned, pruning_curve, share_of_zeros
    from ...compression.retraining import retrain_pruned, retrain_shared
    from ...drawing import save_figure
    from ...drawing.statistics import pruning_curves
    from ...training import Pictures, open_folder, stored_side
    from ...weights import save_weights

    if arguments.retrain < 0:
        raise InputError(f"--retrain is a number of epochs, got {arguments.retrain}")
    net = open_net(arguments.net, arguments.weights)
    data = open_folder(arguments.folder)
    if data.classes != net.labels:
        raise InputError(
            f"{net.name} has {len(net.labels)} classes, {', '.join(net.labels[:4])}, ...; the subfolders of "
            f"{arguments.folder!r} are {', '.join(data.classes[:8])}"
        )
    table = pruned(net.weights, arguments.share, arguments.scope)  # refuses a share that is none
    folder = make_folder(Path(arguments.out or f"{net.name}-compressed"))
    hidden = Pictures(data.test, stored_side(net.size))
    shown = Pictures(data.training if arguments.retrain else [], stored_side(net.size))
    if not len(hidden):
        raise InputError(f"{arguments.folder!r} has no pictures in its test part")

    def right(weights: Any) -> float:
        return accuracy_with(net, weights, hidden, hidden.labels)

    def report(step: str, size: int, weights: Any) -> None:
        print(f"{step:<28} {size:>12,}  {whole / size:>6.1f}x  {right(weights):>8.2%}", flush=True)

    options: dict[str, Any] = {"threads": arguments.threads}
    curves = {scope: pruning_curve(net, hidden, hidden.labels, scope=scope) for scope in SCOPES}
    print("accuracy by share of zeros:   " + "  ".join(f"{share:.0%}" for share in curves["global"].shares), flush=True)
    for scope, curve in curves.items():
        print(f"  {scope:<26}  " + "  ".join(f"{accuracy:.1%}" for accuracy in curve.accuracy))
    chance = float(np.bincount(hidden.labels).max() / len(hidden))
    caption = (
        f"{net.name} on {len(hidden)} pictures of the test part, kernel weights of least magnitude set to zero, "
        "nothing trained in between. global: magnitudes as they are; std: in standard deviations of their row; "
        "row: the same share in each row."
    )
    save_figure(folder / "pruning.png", pruning_curves(curves, chance, caption))

    print(f"\n{'step':<28} {'bytes':>12}  {'ratio':>7}  {'accuracy':>8}")
    sizes = _total(deep_compress(table, arguments.conv_bits, arguments.dense_bits)[1])
    whole = sizes[0]
    report("float32", sizes[0], net.weights)
    report(f"pruned, {share_of_zeros(table):.1%} zeros", sizes[1], table)
    with threadpool_limits(1, "blas") if arguments.retrain else nullcontext():
        if arguments.retrain:
            rng = np.random.default_rng(arguments.seed)
            table = retrain_pruned(net, table, shown, arguments.retrain, rng, **options)
            report("  trained on", sizes[1], table)
        packed, taken = deep_compress(table, arguments.conv_bits, arguments.dense_bits)
        result = decompress(packed)
        if arguments.retrain:
            report("shared", _total(taken)[2], result)
            result = retrain_shared(net, result, shown, arguments.retrain, rng, **options)
            packed, taken = deep_compress(result, arguments.conv_bits, arguments.dense_bits)
            result = decompress(packed)
    sizes = _total(taken)
    report("  trained on" if arguments.retrain else "shared", sizes[2], result)
    report("Huffman", sizes[3], decompress(packed))
    attributes = {
        "architecture": net.name,
        "labels": list(net.labels),
        "source": f"minivis compress {_options(arguments)}",
    }
    save_weights(folder / "compressed.h5", result, attributes=attributes)
    print(f"\n{folder / 'pruning.png'}\n{folder / 'compressed.h5'}")
    for path, reason in hidden.unreadable + shown.unreadable:
        print(f"skipped: {one_line(reason if str(path) in reason else f'{path}: {reason}')}", file=sys.stderr)


def _total(taken: Any) -> list[int]:
    return [sum(sizes) for sizes in zip(*taken.values(), strict=True)]


def _options(arguments: argparse.Namespace) -> str:
    names = "share", "scope", "conv_bits", "dense_bits", "retrain", "seed"
    return ", ".join(f"{name} {getattr(arguments, name)}" for name in names)
