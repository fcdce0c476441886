"""`minivis train`: train a network on a folder of pictures."""

import argparse
import hashlib
import shlex
import sys
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..nets import ARCHITECTURES, Architecture, architecture, load
from ..weights import save_weights, sha256_of
from .data import TEST_TENTH, VALIDATION_TENTH, Folder, Pictures, open_folder, random_views, stored_side, tenth
from .evaluation import Evaluation, evaluate
from .loop import Training, nested
from .optimizers import SGD, Adam, cosine
from .runs import Validation, epochs, make_folder, resume

LEARNING_RATES = {"sgd": 0.01, "adam": 0.001}
CLIP = 5.0  # ours: about the length of the gradient at the start, so that only rare, longer ones are cut
WARMUP = 100  # steps; ours


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `run`."""
    parser.add_argument("net", metavar="NET", help=f"which network: {', '.join(ARCHITECTURES)}")
    parser.add_argument("--data", metavar="FOLDER", required=True, help="one subfolder of pictures per class")
    parser.add_argument("--out", metavar="FILE", required=True, help="weight file to write, .h5")
    parser.add_argument("--epochs", type=int, default=20, help="how often all pictures are seen (default: 20)")
    parser.add_argument("--batch", type=int, default=32, help="pictures per step (default: 32)")
    parser.add_argument("--optimizer", choices=("sgd", "adam"), default="sgd", help="default: sgd, with momentum 0.9")
    parser.add_argument("--lr", type=float, help="peak of the learning rate (default: 0.01 for sgd, 0.001 for adam)")
    parser.add_argument("--weight-decay", type=float, default=5e-4, help="default: 0.0005")
    parser.add_argument("--seed", type=int, default=0, help="of all that is random (default: 0)")
    parser.add_argument("--workdir", metavar="FOLDER", help="for checkpoints and the log (default: FILE.training)")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint in the work folder")
    parser.add_argument(
        "--validate",
        action="store_true",
        help="for choosing options: leave out another tenth, and measure on it instead of the test part",
    )
    parser.add_argument("--dtype", choices=("float16", "float32"), default="float16", help="of the file written")
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu")


def run(args: argparse.Namespace) -> int:
    """Train, write the weights, and report how often they are right. Returns 0, or 130 after Ctrl-C."""
    out = Path(args.out)
    if not out.parent.is_dir():
        raise InputError(f"there is no folder {str(out.parent)!r} for {out.name}: create it first")
    workdir = Path(args.workdir or f"{out}.training")
    table = architecture(args.net)
    folder = open_folder(args.data)
    if folder.classes != table.labels:
        raise InputError(
            f"{table.name} has the classes {_some(table.labels)}; the folders in {args.data!r} are {_some(folder.classes)}"
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
        for record in epochs(training, workdir, settings, checkpoint, validation):
            print("  ".join(f"{name} {value:.4g}" for name, value in record.items()), flush=True)
    except KeyboardInterrupt:
        print(f"\nstopped after step {training.state.steps} of {training.steps}; --resume goes on", file=sys.stderr)
        return 130
    found = _write(args, training, hidden, len(shown), workdir)
    _report(out, table, found, "validation" if args.validate else "test")
    return 0


def _training(args: argparse.Namespace, table: Architecture, shown: Pictures, state: Any) -> Training:
    optimizer = SGD(0.9, args.weight_decay) if args.optimizer == "sgd" else Adam(weight_decay=args.weight_decay)
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
        device=args.device,
        state=state,
    )


def _lr(args: argparse.Namespace) -> float:
    return LEARNING_RATES[args.optimizer] if args.lr is None else args.lr


def _settings(args: argparse.Namespace, shown: Pictures) -> dict[str, Any]:
    """What a run must have in common with its checkpoint, the pictures included."""
    names = "net", "epochs", "batch", "optimizer", "weight_decay", "seed", "validate"
    content = "".join(f"{file.sha256} {file.label}\n" for file in shown.files)
    pictures = hashlib.sha256(content.encode()).hexdigest()[:16]
    return {name: getattr(args, name) for name in names} | {"lr": _lr(args), "pictures": pictures}


def _write(args: argparse.Namespace, training: Training, hidden: Pictures, count: int, workdir: Path) -> Evaluation:
    """Write the weights, load them again, measure, and write them with what was measured."""
    table, rows = training.architecture, nested(training.net().weights)
    raise NotImplementedError
