"""A training run with a folder: its checkpoints, its log, and going on after an interruption."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..atomic import replacing
from ..errors import InputError
from .checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from .dynamics import RECORD, Recorder, save_record
from .evaluation import evaluate
from .loop import PictureArray, State, Step, Training

CHECKPOINT = "checkpoint.npz"
LOG = "log.jsonl"
SECONDS_BETWEEN = 30.0
"""How much work is lost at most when a run is killed, in seconds and one step (ours)."""


class Validation(NamedTuple):
    """Pictures that are not trained on, to look at after each epoch."""

    pictures: PictureArray
    labels: np.ndarray


def resume(folder: Path, settings: dict[str, Any]) -> Checkpoint | None:
    """Return the checkpoint in `folder`, or None if there is none; see `load_checkpoint`."""
    path = folder / CHECKPOINT
    return load_checkpoint(path, settings) if path.exists() else None


def epochs(
    training: Training,
    folder: Path,
    settings: dict[str, Any],
    checkpoint: Checkpoint | None = None,
    validation: Validation | None = None,
    bar: bool = True,
    recorder: Recorder | None = None,
) -> Iterator[dict[str, Any]]:
    """Train, and yield what is logged after each epoch: epoch, loss, accuracy, validation, lr, seconds.

    A checkpoint is written after each epoch, each half minute, and on Ctrl-C (which is then raised again). The log is
    written anew from the checkpoint's history, so it never holds an epoch that the checkpoint does not.

    Parameters
    ----------
    training : Training
        At the state of `checkpoint`, if that is given.
    folder : Path
        An existing folder for ``checkpoint.npz`` and ``log.jsonl``.
    settings : dict
        Kept in the checkpoint: see `load_checkpoint`.
    checkpoint : Checkpoint, optional
        Where the run goes on.
    validation : Validation, optional
        Evaluated after each epoch.
    bar : bool
        Whether to show progress on stderr, where that is a terminal.
    recorder : Recorder, optional
        Looks at the weights after each epoch; its record is ``dynamics.npz``, written before the checkpoint.
    """
    from tqdm import tqdm

    history = list(checkpoint.history) if checkpoint else []
    before = checkpoint.seconds if checkpoint else 0.0
    started = saved = time.monotonic()

    def save() -> None:
        seconds = before + time.monotonic() - started
        save_checkpoint(folder / CHECKPOINT, Checkpoint(training.state, settings, history, seconds))

    def look(step: Step | None, before: State) -> None:
        if recorder is not None:
            recorder.begin(before, len(history)) if step is None else recorder.add(step, before, training.state)
            save_record(folder / RECORD, recorder.record())

    options = {"disable": None if bar else True, "leave": False, "dynamic_ncols": True, "unit": "step"}
    shown = tqdm(total=training.steps, initial=training.state.steps, **options)
    try:
        state = training.state
        look(None, state)
        if history:  # a kill may have come between the checkpoint and the log
            write_log(folder / LOG, history)
        for step in training:
            shown.update()
            shown.set_postfix(epoch=step.epoch, loss=f"{step.mean_loss:.3f}", accuracy=f"{step.accuracy:.3f}")
            if step.ends_epoch:
                look(step, state)
                record = {"epoch": step.epoch, "loss": step.mean_loss, "accuracy": step.accuracy, "lr": step.lr}
                if validation is not None:
                    record["validation"] = evaluate(training.net(), *validation).accuracy
                record["seconds"] = round(before + time.monotonic() - started, 1)
                history.append(record)
                before, started = 0.0, time.monotonic()
            if step.ends_epoch or time.monotonic() - saved >= SECONDS_BETWEEN:
                save()
                saved = time.monotonic()
            if step.ends_epoch:
                write_log(folder / LOG, history)
                yield record
            state = training.state
    except KeyboardInterrupt:
        # The state is that before or after a step, never within. An epoch whose record is not in the history yet
        # must not be saved as done.
        if training.state.steps // training.batches == len(history):
            save()
        raise
    finally:
        shown.close()


def write_log(path: Path, history: list[dict[str, Any]]) -> None:
    """Write one line of JSON per epoch."""
    with replacing(path) as part:
        part.write_text("".join(json.dumps(record) + "\n" for record in history), encoding="utf-8")


def make_folder(folder: Path, resumed: bool) -> None:
    """Make the run's folder, and refuse one that holds another run, unless that is to go on."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {str(folder)!r}: {error.strerror or error}") from error
    if (folder / CHECKPOINT).exists() and not resumed:
        raise InputError(f"{str(folder)!r} holds a run already: pass --resume to go on with it, or another --workdir")
