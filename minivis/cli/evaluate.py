"""`minivis evaluate`: how often a network is right over a folder, and what it takes for what."""

import argparse
from typing import Any

import numpy as np

from ..nets import ARCHITECTURES
from ..shards import executor_for
from ..training.evaluation import BATCH, Evaluation, evaluate_folder, told
from .common import add_net_options, add_worker_options, check_memory, one_line, open_net, pass_bar, tell_skipped
from .making.runner import positive

SMALL = 20  # classes of which the whole table is printed (ours)


def add_commands(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "evaluate", parents=[shared], help="how often a network is right over a folder, and what it takes for what"
    )
    parser.add_argument("net", metavar="NET", help=f"{', '.join(ARCHITECTURES)}, or a weight file")
    parser.add_argument("folder", metavar="FOLDER", help="with one subfolder of pictures per class, named by it")
    parser.add_argument(
        "--held-back", action="store_true", help="only the tenth of them that `minivis train` never trains on"
    )
    parser.add_argument("--batch", type=positive, default=BATCH, help=f"pictures at a time; default {BATCH}")
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu")
    add_net_options(parser)
    add_worker_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Evaluate, and print the accuracy and the confusion."""
    net = open_net(arguments.net, arguments.weights, arguments.device)
    check_memory(net, net.size, arguments.batch, net.logits)
    with executor_for(arguments.scheduler, arguments.workers) as executor, pass_bar() as progress:
        found, unreadable = evaluate_folder(
            net, arguments.folder, arguments.batch, executor, arguments.held_back, progress
        )
    print(one_line(f"{net.name}: {found.right} of {found.total} right, {found.accuracy:.2%}"))
    labels = [one_line(label) for label in net.labels]
    print("\n".join(told(labels, found)))
    seen = np.flatnonzero(found.confusion.sum(0) + found.confusion.sum(1))
    if len(seen) <= SMALL:
        print("\n".join(table([labels[i] for i in seen], Evaluation(found.confusion[np.ix_(seen, seen)]))))
    tell_skipped(f"{path}: {why}" for path, why in unreadable)


def table(labels: list[str], found: Evaluation) -> list[str]:
    """Return the confusion matrix as lines: rows are the classes of the pictures, columns the answers."""
    wide = max(len("class"), *map(len, labels))
    columns = [max(5, len(label)) for label in labels]
    head = f"{'class':<{wide}}  " + "  ".join(f"{label:>{w}}" for label, w in zip(labels, columns, strict=True))
    return [head.rstrip()] + [
        f"{label:<{wide}}  " + "  ".join(f"{count:>{w}}" for count, w in zip(row, columns, strict=True))
        for label, row in zip(labels, found.confusion, strict=True)
    ]
