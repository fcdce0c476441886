"""`minivis train`: train a network on pictures."""

import argparse
import hashlib
import sys
from pathlib import Path
from typing import Any

import numpy as np

from ..backend import to_host
from ..errors import InputError
from ..locks import locked
from ..nets import Architecture, attributes_of, load
from ..nets.small import COLOURS, OUTPUTS
from ..weights import save_weights, sha256_of
from .choices import NETS, fixed_table, settings_of, settle, start_for, table_for
from .data import plain_views
from .dynamics import open_recorder
from .evaluation import Evaluation, evaluate, told
from .loop import Training, nested
from .optimizers import SGD, Adam, cosine
from .runs import Validation, epochs, make_folder, resume
from .sources import DRAWN, FIRST, Dataset, open_data

CLIP = 5.0  # ours: only the gradients of the first steps are longer
WARMUP = 100  # steps; ours


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `run`."""
    parser.add_argument("net", metavar="NET", help=f"which network: {', '.join(NETS)}")
    parser.add_argument(
        "--data",
        metavar="DATA",
        help=f"a folder with one subfolder of pictures per class; an .npz archive; MNIST's idx files (their folder, or "
        f"the one with the pictures to train on); or {' or '.join(DRAWN)}, which are drawn here (default for the small "
        "networks)",
    )
    parser.add_argument("--out", metavar="FILE", required=True, help="weight file to write, .h5")
    parser.add_argument("--epochs", type=int, help="how often all pictures are seen (default: 12 to 20, by network)")
    parser.add_argument("--batch", type=int, default=32, help="pictures per step (default: 32)")
    parser.add_argument(
        "--optimizer",
        choices=("sgd", "adam"),
        help="default: adam, and sgd for linear and mlp; sgd has momentum 0.9",
    )
    parser.add_argument("--lr", type=float, help="peak of the learning rate (default: 0.001 to 0.01, by network)")
    parser.add_argument("--weight-decay", type=float, help="default: 0.1 for linear and mlp, else 0; with sgd 0.0005")
    parser.add_argument("--size", type=int, help="of linear, mlp and minicam: pixels of a side (default: the data's)")
    parser.add_argument("--colour", choices=tuple(COLOURS), help="of linear and mlp: default grey")
    parser.add_argument("--output", choices=tuple(OUTPUTS), help="of linear and mlp: default softmax")
    parser.add_argument("--hidden", type=int, metavar="UNITS", help="of mlp: default 16")
    parser.add_argument(
        "--first",
        type=int,
        default=FIRST,
        metavar="N",
        help=f"of an archive with pictures by person: so many people (default: {FIRST})",
    )
    parser.add_argument("--seed", type=int, default=0, help="of all that is random (default: 0)")
    parser.add_argument("--workdir", metavar="FOLDER", help="for checkpoints and the log (default: FILE.training)")
    parser.add_argument("--init", metavar="FILE", help="start from the weights of an earlier run, not from random ones")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint in the work folder")
    parser.add_argument(
        "--validate",
        action="store_true",
        help="for choosing options: leave out another tenth, and measure on it instead of the test part",
    )
    parser.add_argument(
        "--record",
        type=int,
        metavar="N",
        help="after each epoch, record how it goes and the codes of N of the pictures held back: see minivis dynamics",
    )
    parser.add_argument("--dtype", choices=("float16", "float32"), default="float16", help="of the file written")
    parser.add_argument("--threads", type=int, default=2, help="each takes a part of every batch (default: 2)")
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu")


def run(args: argparse.Namespace) -> int:
    """Train, write the weights, and report how often they are right. Returns 0, or 130 after Ctrl-C."""
    out = Path(args.out)
    if not out.parent.is_dir():
        raise InputError(f"there is no folder {str(out.parent)!r} for {out.name}: create it first")
    workdir = Path(args.workdir or f"{out}.training")
    args = settle(args)
    fixed = fixed_table(args.net)
    data = open_data(args.data, fixed.size if fixed else args.size, args.validate, args.first, fixed)
    table = table_for(args, data)
    make_folder(workdir, args.resume)
    with locked(workdir / "run"), locked(out):
        return _run(args, out, workdir, data, table)


def _run(args: argparse.Namespace, out: Path, workdir: Path, data: Dataset, table: Architecture) -> int:
    from threadpoolctl import threadpool_limits

    _report_data(data, args.validate)

    settings = settings_of(args, table, data, sha256_of(args.init) if args.init else None)
    checkpoint = resume(workdir, settings) if args.resume else None
    training = _training(args, table, data, checkpoint.state if checkpoint else None)
    validation = Validation(data.hidden, data.hidden_labels) if args.validate else None
    held_out = (data.hidden, data.hidden_labels)
    recorder = (
        open_recorder(workdir, table, held_out, args.record, checkpoint is not None, args.device)
        if args.record is not None
        else None
    )
    try:
        with threadpool_limits(1, "blas"):  # the threads are ours: see Training
            for record in epochs(training, workdir, settings, checkpoint, validation, recorder=recorder):
                print("  ".join(f"{name} {value:.4g}" for name, value in record.items()), flush=True)
    except KeyboardInterrupt:
        print(f"\nstopped after step {training.state.steps} of {training.steps}; --resume goes on", file=sys.stderr)
        return 130
    found = _write(args, training, data, workdir)
    _report(out, table.labels, found, "validation" if args.validate else "test")
    return 0


def _training(args: argparse.Namespace, table: Architecture, data: Dataset, state: Any) -> Training:
    optimizer = SGD(0.9, args.weight_decay) if args.optimizer == "sgd" else Adam(weight_decay=args.weight_decay)
    steps = max(1, args.epochs) * -(-len(data.shown) // max(1, args.batch))
    whole = table.maps == "normalize"  # templates are of places: a random view would blur them
    return Training(
        table,
        data.shown,
        data.shown_labels,
        optimizer,
        cosine(args.lr, steps, warmup=min(WARMUP, steps // 10)),
        epochs=args.epochs,
        batch=args.batch,
        rng=np.random.default_rng(args.seed),
        view=plain_views if whole else data.view,
        clip=CLIP,
        threads=args.threads,
        device=args.device,
        start=start_for(args, table),
        state=state,
    )


def _write(args: argparse.Namespace, training: Training, data: Dataset, workdir: Path) -> Evaluation:
    """Write the weights, load them again, measure, and write them with what was measured."""
    table = training.architecture
    rows = nested({name: to_host(array) for name, array in training.state.weights.items()})
    attributes: dict[str, Any] = {
        "architecture": table.name,
        "labels": list(table.labels),
        "colour_order": table.normalize.order,
        "scale": table.normalize.scale,
        "mean": list(table.normalize.mean),
        "std": list(table.normalize.std or (1.0, 1.0, 1.0)),
        "source": f"minivis train on {Path(args.data).resolve().name}: {_constants(args)}",
        "trained_on": len(data.shown),
        **attributes_of(table),
    }
    draft = save_weights(workdir / "weights.h5", rows, attributes=attributes, dtype=args.dtype)
    found = evaluate(load(str(draft), device=args.device), data.hidden, data.hidden_labels)
    part = "validation" if args.validate else "test"
    attributes |= {f"{part}_count": found.total, f"{part}_right": found.right}
    save_weights(Path(args.out), rows, attributes=attributes, dtype=args.dtype)
    return found


def _constants(args: argparse.Namespace) -> str:
    names = "epochs", "batch", "optimizer", "seed", "threads"
    given = [f"{name} {getattr(args, name)}" for name in names]
    given += [f"from weights of sha256 {sha256_of(args.init)}"] if args.init else []
    return ", ".join([*given, f"lr {args.lr}", f"weight decay {args.weight_decay}"])


def _report_data(data: Dataset, validate: bool) -> None:
    part = "validation" if validate else "test"
    count = len(data.shown) + len(data.hidden) + len(data.unreadable)
    print(
        f"{count} pictures, {len(data.classes)} classes: {len(data.shown)} to train on, {len(data.hidden)} for {part} "
        f"({data.split})"
    )
    for path, reason in data.unreadable:
        print(f"skipped: {reason if str(path) in reason else f'{path}: {reason}'}", file=sys.stderr)
    if data.unreadable:
        print(f"{len(data.unreadable)} files cannot be read and are left out", file=sys.stderr)
    if not len(data.shown) or not len(data.hidden):
        raise InputError(
            f"there are {len(data.shown)} pictures to train on and {len(data.hidden)} for {part}: both need some"
        )


def _report(out: Path, labels: tuple[str, ...], found: Evaluation, part: str) -> None:
    """Print the accuracy on the held-out part, by class, with what each class is taken for most often."""
    print(f"\n{out}: {out.stat().st_size:,} bytes, sha256 {hashlib.sha256(out.read_bytes()).hexdigest()}")
    print(f"{part} part, the file loaded again: {found.right} of {found.total} right, {found.accuracy:.2%}")
    print("\n".join(told(labels, found)))
