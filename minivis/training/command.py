"""`minivis train`: train a network on a folder of pictures."""

import argparse
import hashlib
import sys
from pathlib import Path
from typing import Any

import numpy as np

from ..backend import to_host
from ..errors import InputError
from ..nets import ARCHITECTURES, Architecture, architecture, load
from ..weights import save_weights, sha256_of
from .data import TEST_TENTH, VALIDATION_TENTH, Folder, Pictures, open_folder, random_views, stored_side, tenth
from .evaluation import Evaluation, evaluate
from .loop import Training, nested
from .optimizers import SGD, Adam, cosine
from .runs import Validation, epochs, make_folder, resume

LEARNING_RATES = {"sgd": 0.01, "adam": 0.001}
WEIGHT_DECAYS = {"sgd": 5e-4, "adam": 0.0}
CLIP = 5.0  # ours: only the gradients of the first steps are longer
WARMUP = 100  # steps; ours


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `run`."""
    parser.add_argument("net", metavar="NET", help=f"which network: {', '.join(ARCHITECTURES)}")
    parser.add_argument("--data", metavar="FOLDER", required=True, help="one subfolder of pictures per class")
    parser.add_argument("--out", metavar="FILE", required=True, help="weight file to write, .h5")
    parser.add_argument("--epochs", type=int, default=16, help="how often all pictures are seen (default: 16)")
    parser.add_argument("--batch", type=int, default=32, help="pictures per step (default: 32)")
    parser.add_argument(
        "--optimizer", choices=("sgd", "adam"), default="adam", help="default: adam; sgd has momentum 0.9"
    )
    parser.add_argument("--lr", type=float, help="peak of the learning rate (default: 0.01 for sgd, 0.001 for adam)")
    parser.add_argument("--weight-decay", type=float, help="default: 0.0005 for sgd, 0 for adam")
    parser.add_argument("--seed", type=int, default=0, help="of all that is random (default: 0)")
    parser.add_argument("--workdir", metavar="FOLDER", help="for checkpoints and the log (default: FILE.training)")
    parser.add_argument("--init", metavar="FILE", help="start from the weights of an earlier run, not from random ones")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint in the work folder")
    parser.add_argument(
        "--validate",
        action="store_true",
        help="for choosing options: leave out another tenth, and measure on it instead of the test part",
    )
    parser.add_argument("--dtype", choices=("float16", "float32"), default="float16", help="of the file written")
    parser.add_argument("--threads", type=int, default=2, help="each takes a part of every batch (default: 2)")
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu")


def run(args: argparse.Namespace) -> int:
    """Train, write the weights, and report how often they are right. Returns 0, or 130 after Ctrl-C."""
    from threadpoolctl import threadpool_limits

    out = Path(args.out)
    if not out.parent.is_dir():
        raise InputError(f"there is no folder {str(out.parent)!r} for {out.name}: create it first")
    workdir = Path(args.workdir or f"{out}.training")
    table = architecture(args.net)
    folder = open_folder(args.data)
    if folder.classes != table.labels:
        raise InputError(
            f"{table.name} has the classes {_some(table.labels)}; "
            f"the folders in {args.data!r} are {_some(folder.classes)}"
        )
    make_folder(workdir, args.resume)

    held_out = VALIDATION_TENTH if args.validate else TEST_TENTH
    side = stored_side(table.size)
    shown = Pictures([file for file in folder.training if tenth(file.sha256) != held_out], side)
    hidden = Pictures(folder.tenth(held_out), side)
    _report_data(folder, shown, hidden, args.validate)

    settings = _settings(args, shown)
    checkpoint = resume(workdir, settings) if args.resume else None
    training = _training(args, table, shown, checkpoint.state if checkpoint else None)
    validation = Validation(hidden, hidden.labels) if args.validate else None
    try:
        with threadpool_limits(1, "blas"):  # the threads are ours: see Training
            for record in epochs(training, workdir, settings, checkpoint, validation):
                print("  ".join(f"{name} {value:.4g}" for name, value in record.items()), flush=True)
    except KeyboardInterrupt:
        print(f"\nstopped after step {training.state.steps} of {training.steps}; --resume goes on", file=sys.stderr)
        return 130
    found = _write(args, training, hidden, len(shown), workdir)
    _report(out, table.labels, found, "validation" if args.validate else "test")
    return 0


def _training(args: argparse.Namespace, table: Architecture, shown: Pictures, state: Any) -> Training:
    decay = _weight_decay(args)
    optimizer = SGD(momentum=0.9, weight_decay=decay) if args.optimizer == "sgd" else Adam(weight_decay=decay)
    steps = max(1, args.epochs) * -(-len(shown) // max(1, args.batch))
    return Training(
        table,
        shown,
        shown.labels,
        optimizer,
        cosine(_lr(args), steps, warmup=min(WARMUP, steps // 10)),
        epochs=args.epochs,
        batch=args.batch,
        rng=np.random.default_rng(args.seed),
        view=random_views,
        clip=CLIP,
        threads=args.threads,
        device=args.device,
        start=load(table.name, weights=args.init).weights if args.init else None,
        state=state,
    )


def _lr(args: argparse.Namespace) -> float:
    return LEARNING_RATES[args.optimizer] if args.lr is None else args.lr


def _weight_decay(args: argparse.Namespace) -> float:
    return WEIGHT_DECAYS[args.optimizer] if args.weight_decay is None else args.weight_decay


def _settings(args: argparse.Namespace, shown: Pictures) -> dict[str, Any]:
    """What a run must have in common with its checkpoint, the pictures included."""
    names = "net", "epochs", "batch", "optimizer", "seed", "threads", "validate"
    content = "".join(f"{file.sha256} {file.label}\n" for file in shown.files)
    pictures = hashlib.sha256(content.encode()).hexdigest()[:16]
    return {name: getattr(args, name) for name in names} | {
        "init": sha256_of(args.init) if args.init else None,
        "lr": _lr(args),
        "weight_decay": _weight_decay(args),
        "pictures": pictures,
    }


def _write(args: argparse.Namespace, training: Training, hidden: Pictures, count: int, workdir: Path) -> Evaluation:
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
        "trained_on": count,
    }
    draft = save_weights(workdir / "weights.h5", rows, attributes=attributes, dtype=args.dtype)
    found = evaluate(load(str(draft), device=args.device), hidden, hidden.labels)
    part = "validation" if args.validate else "test"
    attributes |= {f"{part}_count": found.total, f"{part}_right": found.right}
    save_weights(Path(args.out), rows, attributes=attributes, dtype=args.dtype)
    return found


def _constants(args: argparse.Namespace) -> str:
    names = "epochs", "batch", "optimizer", "seed", "threads"
    given = [f"{name} {getattr(args, name)}" for name in names]
    given += [f"from weights of sha256 {sha256_of(args.init)}"] if args.init else []
    return ", ".join([*given, f"lr {_lr(args)}", f"weight decay {_weight_decay(args)}"])


def _report_data(folder: Folder, shown: Pictures, hidden: Pictures, validate: bool) -> None:
    part = "validation" if validate else "test"
    print(
        f"{len(folder.files)} files, {len(folder.classes)} classes: {len(shown)} to train on, {len(hidden)} for {part}"
    )
    unreadable = shown.unreadable + hidden.unreadable
    for path, reason in unreadable:
        print(f"skipped: {reason if str(path) in reason else f'{path}: {reason}'}", file=sys.stderr)
    if unreadable:
        print(f"{len(unreadable)} files cannot be read and are left out", file=sys.stderr)
    if not len(shown) or not len(hidden):
        raise InputError(f"there are {len(shown)} pictures to train on and {len(hidden)} for {part}: both need some")


def _report(out: Path, labels: tuple[str, ...], found: Evaluation, part: str) -> None:
    """Print the accuracy on the held-out part, by class, with what each class is taken for most often."""
    print(f"\n{out}: {out.stat().st_size:,} bytes, sha256 {hashlib.sha256(out.read_bytes()).hexdigest()}")
    print(f"{part} part, the file loaded again: {found.right} of {found.total} right, {found.accuracy:.2%}")
    for label, share, row in zip(labels, found.by_class, found.confusion, strict=True):
        wrong = [f"{labels[i]} {row[i]}" for i in np.argsort(-row, kind="stable") if row[i] and labels[i] != label]
        print(f"  {label:<12} {share:7.2%} of {row.sum():<5} taken for: {', '.join(wrong[:3]) or '-'}")


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names) if len(names) <= 12 else f"{', '.join(names[:3])}, ... ({len(names)} in all)"
