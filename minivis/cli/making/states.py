"""The state of a run as a file: a .npz of plain arrays, without pickle, so that reading one runs nothing.

The tree of dicts, lists and tuples is one JSON text in which ``{"array": 3}`` stands for the array called "3".
"""

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from ...atomic import replacing
from ...backend import to_device, to_host
from ...errors import InputError
from ..common import writing

TREE = "tree"


def save_state(path: Path, state: Any) -> None:
    """Write a tree of dicts, lists, tuples, numbers, texts and arrays; the file appears complete or not at all."""
    arrays: list[np.ndarray] = []
    tree = json.dumps(_packed(state, arrays))
    with writing(path), replacing(path) as part, part.open("wb") as file:
        np.savez(file, allow_pickle=False, **{TREE: np.array(tree)}, **{str(i): a for i, a in enumerate(arrays)})


def load_state(path: Path, device: str = "cpu") -> Any:
    """Return what `save_state` wrote, with its arrays on `device`; raise `InputError` if that cannot be."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        return _unpacked(json.loads(str(arrays.pop(TREE))), arrays, device)
    except FileNotFoundError:
        raise InputError(f"there is nothing to resume: no file {str(path)!r}") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{str(path)!r} is no state of a run, or damaged: {error}") from error


def _packed(value: Any, arrays: list[np.ndarray]) -> Any:
    """Return `value` as JSON can write it; its arrays are appended to `arrays`."""
    if isinstance(value, dict):
        return {"dict": {str(key): _packed(item, arrays) for key, item in value.items()}}
    if isinstance(value, list | tuple):
        return {"list" if isinstance(value, list) else "tuple": [_packed(item, arrays) for item in value]}
    if isinstance(value, np.generic):
        return value.item()
    if hasattr(value, "shape"):
        arrays.append(to_host(value))
        return {"array": str(len(arrays) - 1)}
    return value


def _unpacked(value: Any, arrays: dict[str, np.ndarray], device: str) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "array":
        return to_device(arrays[content], device)
    if kind == "dict":
        return {key: _unpacked(item, arrays, device) for key, item in content.items()}
    items = [_unpacked(item, arrays, device) for item in content]
    return items if kind == "list" else tuple(items)
