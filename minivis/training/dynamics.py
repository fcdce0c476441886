"""Training dynamics: what a network is like after each epoch, kept for a fixed set of pictures.

A `Recorder` is asked between steps; it does not change the run. What it has seen is one `Record`, written anew after
each epoch, before the run's own checkpoint: so a run that is killed and goes on ends with the same record.
"""

import json
import os
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..atomic import replacing
from ..backend import Array, array_module, to_device, to_host
from ..errors import InputError, WeightFileError
from ..nets import Architecture, Net
from ..nets.layers import ReLU
from ..primitives import cross_entropy
from .data import centre_views
from .loop import PictureArray, State, Step, nested
from .optimizers import Arrays

VERSION = 1
RECORD = "dynamics.npz"
BATCH = 64  # pictures computed at a time


class Record(NamedTuple):
    """What was recorded. Epoch 0 is before the first step: there is no loss of training then (nan), nor an update."""

    epochs: np.ndarray  # (E,) int: 0, 1, 2, ...
    loss: np.ndarray  # (E,) mean over the pictures trained on, while the weights were changing in that epoch
    accuracy: np.ndarray  # (E,) the same
    held_out_loss: np.ndarray  # (E,) after the epoch, on the pictures held out; nan without any
    held_out_accuracy: np.ndarray  # (E,) the same
    weight_norm: np.ndarray  # (E, P) Euclidean length of each array of weights after the epoch
    update_norm: np.ndarray  # (E, P) of what the epoch's last step has added to it
    dead: np.ndarray  # (E, R) share of the channels of each ReLU that are 0 everywhere in all the fixed pictures
    codes: np.ndarray  # (E, N, D) float32: the row `row` for the fixed pictures, flattened
    labels: np.ndarray  # (N,) their classes
    weights: tuple[str, ...]  # the names of the P arrays, "row/kind"
    relus: tuple[str, ...]  # the names of the R rows
    row: str
    classes: tuple[str, ...]

    @property
    def update_ratio(self) -> np.ndarray:
        """Length of the last step's update over that of the weights, (E, P); nan where the weights are all 0."""
        return np.divide(
            self.update_norm, self.weight_norm, out=np.full_like(self.weight_norm, np.nan), where=self.weight_norm > 0
        )


ARRAYS = Record._fields[:10]
TEXTS = Record._fields[10:]


class Recorder:
    """Looks at a run after each epoch.

    Parameters
    ----------
    architecture : Architecture
    pictures : ndarray, shape (N, H, W, 3), or Pictures
        The fixed pictures, at least as large as the network's input, whose centre is cut out.
    labels : ndarray of int, shape (N,)
    row : str, optional
        Whose values are the codes. Default: `code_row`.
    held_out : pair of pictures and labels, optional
        To measure loss and accuracy on after each epoch.
    device : {"cpu", "gpu"}
    record : Record, optional
        Of the same run, to go on from.

    Examples
    --------
    ::

        recorder = Recorder(training.architecture, pictures, labels)
        recorder.begin(training.state)
        before = training.state
        for step in training:
            if step.ends_epoch:
                recorder.add(step, before, training.state)
            before = training.state
        recorder.record().codes  # (epochs + 1, N, D)
    """

    def __init__(
        self,
        architecture: Architecture,
        pictures: PictureArray,
        labels: np.ndarray,
        row: str | None = None,
        held_out: tuple[PictureArray, np.ndarray] | None = None,
        device: str = "cpu",
        record: Record | None = None,
    ):
        self.labels = np.asarray(labels)
        if len(pictures) != len(self.labels) or not len(pictures):
            raise InputError(f"expected a label for each picture, got {len(pictures)} and {len(self.labels)}")
        self.pictures, self.held_out = pictures, held_out
        self.row = architecture.check(row) if row else code_row(architecture)
        self.relus = tuple(name for name, found in architecture.rows.items() if isinstance(found.layer, ReLU))
        self._net = Net(architecture, {}, device)  # its weights are passed in
        self._entries: list[dict[str, Any]] = []
        self._weights: tuple[str, ...] = ()
        if record is not None:
            self._go_on(record)

    def begin(self, state: State, done: int = 0) -> None:
        """Look at the weights before the first step; or go on after `done` epochs, and forget those that came later."""
        if done >= len(self._entries) > 0 or (done and not self._entries):
            raise InputError(f"the run has done {done} epochs, its record has {max(0, len(self._entries) - 1)}")
        self._entries = self._entries[: 1 + done] if state.steps else []
        if not self._entries:
            self._look(0, np.nan, np.nan, state.weights, None)

    def add(self, step: Step, before: State, after: State) -> None:
        """Look at the weights after the last step of an epoch, and at what that step has changed."""
        if not step.ends_epoch or before.steps + 1 != after.steps:
            raise InputError(
                f"expected the states around an epoch's last step, got step {step.batch} of {step.batches}"
            )
        if len(self._entries) != step.epoch:
            raise InputError(
                f"epoch {step.epoch} follows {len(self._entries) - 1}: call begin first, then add for each"
            )
        self._look(step.epoch, step.mean_loss, step.accuracy, after.weights, before.weights)

    def record(self) -> Record:
        """Return what was recorded so far."""
        if not self._entries:
            raise InputError("nothing was recorded yet: call begin first")
        columns: dict[str, Any] = {
            name: np.array([entry[name] for entry in self._entries]) for name in ARRAYS if name != "labels"
        }
        texts: dict[str, Any] = {"weights": self._weights, "relus": self.relus, "row": self.row}
        return Record(**columns, labels=self.labels, classes=self._net.labels, **texts)

    def _go_on(self, record: Record) -> None:
        mine = (self.row, self.relus, self.labels.tolist())
        if (record.row, record.relus, record.labels.tolist()) != mine:
            raise InputError(f"the record is of other pictures, or of row {record.row}, not {self.row}: not this run's")
        self._weights = record.weights
        columns = [name for name in ARRAYS if name != "labels"]
        self._entries = [{name: getattr(record, name)[i] for name in columns} for i in range(len(record.epochs))]

    def _look(self, epoch: int, loss: float, accuracy: float, weights: Arrays, before: Arrays | None) -> None:
        self._weights = tuple(weights)
        held = measure(self._net, weights, *self.held_out) if self.held_out else (np.nan, np.nan)
        codes, dead = self._codes(weights)
        self._entries.append(
            {
                "epochs": epoch,
                "loss": loss,
                "accuracy": accuracy,
                "held_out_loss": held[0],
                "held_out_accuracy": held[1],
                "weight_norm": [_length(w) for w in weights.values()],
                "update_norm": [_length(w - before[name]) if before else np.nan for name, w in weights.items()],
                "dead": dead,
                "codes": codes,
            }
        )

    def _codes(self, weights: Arrays) -> tuple[np.ndarray, np.ndarray]:
        table, codes = nested(weights), []
        alive = {name: np.zeros(0, bool) for name in self.relus}
        for first in range(0, len(self.labels), BATCH):
            views = centre_views(self.pictures[first : first + BATCH], self._net.size)
            rows = list(dict.fromkeys([self.row, *self.relus]))
            found = self._net.capture(to_device(views, self._net.device), rows, weights=table)
            codes.append(to_host(found[self.row]).reshape(len(views), -1))
            for name in self.relus:
                fires = to_host(active_channels(found[name]))
                alive[name] = fires | alive[name] if alive[name].size else fires
        return np.concatenate(codes).astype(np.float32), np.array([1 - alive[name].mean() for name in self.relus])


def open_recorder(
    folder: Path,
    architecture: Architecture,
    held_out: tuple[PictureArray, np.ndarray],
    count: int,
    resumed: bool,
    device: str = "cpu",
) -> Recorder:
    """Return a recorder for `count` of the pictures held out; for a run that goes on, with its record in `folder`."""
    pictures, labels = held_out
    if count < 1:
        raise InputError(f"expected a number of pictures to record, 1 or more, got {count}")
    chosen = some_of_each(labels, count)
    record = None
    if resumed:
        if not (folder / RECORD).exists():
            raise InputError(f"{str(folder)!r} holds a run that was not recorded: go on without recording")
        record = load_record(folder / RECORD)
    return Recorder(architecture, pictures[chosen], labels[chosen], None, held_out, device, record)


def active_channels(maps: Array) -> Array:
    """Return which channels of a row, (N, h, w, C) or (N, C), are above 0 somewhere: (C,) bool. The others are dead."""
    return (maps > 0).any(tuple(range(maps.ndim - 1)))


def code_row(architecture: Architecture) -> str:
    """Return the row that the scores are computed from; the scores themselves, if that is the picture."""
    scores = architecture.rows[architecture.logits]
    return scores.name if scores.inputs[0] == "normalize" else scores.inputs[0]


def measure(net: Net, weights: Arrays, pictures: PictureArray, labels: np.ndarray) -> tuple[float, float]:
    """Return the mean cross-entropy and the accuracy of a network with these weights."""
    table, labels, loss, right = nested(weights), np.asarray(labels), 0.0, 0
    for first in range(0, len(labels), BATCH):
        views = to_device(centre_views(pictures[first : first + BATCH], net.size), net.device)
        scores = net.capture(views, [net.logits], weights=table)[net.logits]
        here = labels[first : first + BATCH]
        loss += float(cross_entropy(scores, labels=here).sum())
        right += int((to_host(scores).argmax(-1) == here).sum())
    return loss / len(labels), right / len(labels)


def some_of_each(labels: np.ndarray, count: int) -> np.ndarray:
    """Choose `count` pictures in turn from each class, in their order: indices, rising. Fewer if there are not so many.

    The first of each class, then the second of each, ...: so classes are as even as can be, and nothing is random.
    """
    labels = np.asarray(labels)
    turn = np.empty(len(labels), int)
    for label in np.unique(labels):
        turn[labels == label] = np.arange((labels == label).sum())
    return np.sort(np.lexsort((labels, turn))[:count])


def save_record(path: str | os.PathLike[str], record: Record) -> None:
    """Write a record as .npz; one that is there is replaced at once and whole."""
    text = {name: getattr(record, name) for name in TEXTS} | {"version": VERSION}
    arrays = {name: getattr(record, name) for name in ARRAYS} | {"text": np.array(json.dumps(text))}
    with replacing(Path(path)) as new, new.open("wb") as file:
        np.savez(file, **arrays)


def load_record(path: str | os.PathLike[str]) -> Record:
    """Return what `save_record` has written; raise `WeightFileError` if the file is something else, or damaged."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in (*ARRAYS, "text")}
        text = json.loads(str(arrays.pop("text")))
        if text.pop("version") != VERSION:
            raise ValueError(f"it is not of version {VERSION}")
        texts: dict[str, Any] = {
            name: value if isinstance(value, str) else tuple(value) for name, value in text.items()
        }
        record = Record(**arrays, **texts)
        e, p, r, n = len(record.epochs), len(record.weights), len(record.relus), len(record.labels)
        shapes: dict[str, tuple[int, ...]] = dict.fromkeys(ARRAYS[:5], (e,))
        shapes |= {"weight_norm": (e, p), "update_norm": (e, p), "dead": (e, r)}
        shapes |= {"codes": (e, n, record.codes.shape[-1]), "labels": (n,)}
        wrong = [name for name, shape in shapes.items() if getattr(record, name).shape != shape]
        if wrong:
            raise ValueError(f"{wrong[0]} has shape {getattr(record, wrong[0]).shape}, expected {shapes[wrong[0]]}")
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        IndexError,
        AttributeError,
        EOFError,
        zipfile.BadZipFile,
    ) as error:
        raise WeightFileError(f"{str(path)!r} is no record of a training run, or damaged: {error}") from error
    return record


def _length(array: Array) -> float:
    xp = array_module(array)
    return float(xp.sqrt((array.astype("float64") ** 2).sum()))
