"""Checkpoints: a training run in a file that is complete or not there.

An .npz file of plain arrays, without pickled objects; the rest is one text of JSON, which keeps every bit of a float.
"""

import json
import os
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..atomic import replacing
from ..backend import to_host
from ..errors import InputError, WeightFileError
from .loop import State

VERSION = 1


class Checkpoint(NamedTuple):
    """What is needed to go on with a run, and to know which it is. All but `state` are of JSON's types."""

    state: State
    settings: dict[str, Any]  # what the run was started with
    history: list[dict[str, Any]]  # one entry per epoch done
    seconds: float = 0.0  # spent in the present epoch


def save_checkpoint(path: str | os.PathLike[str], checkpoint: Checkpoint) -> None:
    """Write a checkpoint; one that is there is replaced at once and whole."""
    state = checkpoint.state
    arrays = {f"weights/{name}": to_host(array) for name, array in state.weights.items()}
    for part, memory in state.memory.items():
        arrays |= {f"memory/{part}/{name}": to_host(array) for name, array in memory.items()}
    rest = {name: getattr(state, name) for name in ("steps", "rng", "loss", "right", "seen")}
    text = checkpoint._asdict() | {"state": rest, "version": VERSION}
    arrays |= {"order": state.order, "text": np.array(json.dumps(text))}
    with replacing(Path(path)) as new, new.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]  # NumPy types allow_pickle=, not **arrays


def load_checkpoint(path: str | os.PathLike[str], settings: dict[str, Any]) -> Checkpoint:
    """Return what `save_checkpoint` has written.

    Raises
    ------
    WeightFileError
        If the file is no checkpoint, or damaged.
    InputError
        If the run was started with other settings than these.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        text = json.loads(str(arrays.pop("text")))
        if text["version"] != VERSION:
            raise ValueError(f"it is of version {text['version']}, expected {VERSION}")
        order = arrays.pop("order")
        weights = {n.removeprefix("weights/"): a for n, a in arrays.items() if n.startswith("weights/")}
        memory: dict[str, dict[str, np.ndarray]] = {}
        for name in arrays.keys() - {f"weights/{n}" for n in weights}:
            _, part, rest = name.split("/", 2)
            memory.setdefault(part, {})[rest] = arrays[name]
        state = State(weights, memory, order=order, **text["state"])
        checkpoint = Checkpoint(state, text["settings"], text["history"], text["seconds"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise WeightFileError(f"{str(path)!r} is no checkpoint of minivis, or damaged: {error}") from error
    then = checkpoint.settings
    changed = [f"{k} {then.get(k)}, now {settings.get(k)}" for k in then | settings if then.get(k) != settings.get(k)]
    if changed:
        raise InputError(f"{str(path)!r} is of a run with other settings ({'; '.join(changed)}): use another folder")
    return checkpoint
