"""Networks: tables of named rows, and `load`, which finds their weights."""

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..backend import DTYPE
from ..errors import UnknownName, WeightFileError
from ..weights import PUBLISHED, WeightFile, find, open_weights, search_path
from .architecture import Architecture, ReceptiveField, initial_weights
from .googlenet import GOOGLENET
from .labels import class_index
from .minivgg import MINIVGG
from .net import Net
from .squeezenet import SQUEEZENET
from .vgg16 import VGG16

ARCHITECTURES: dict[str, Architecture] = {a.name: a for a in (VGG16, SQUEEZENET, GOOGLENET, MINIVGG)}
"""The networks that minivis knows, by name."""


def architecture(name: str) -> Architecture:
    """Return the table of the network called `name`."""
    if name not in ARCHITECTURES:
        raise UnknownName(f"no network named {name!r}; there are {', '.join(ARCHITECTURES)}, or give a path to an .h5")
    return ARCHITECTURES[name]


def architecture_of(file: WeightFile) -> Architecture:
    """Return the architecture that a weight file belongs to: by what it says, else by the rows it holds."""
    named = file.attributes.get("architecture")
    if named in ARCHITECTURES:
        return ARCHITECTURES[named]
    for candidate in ARCHITECTURES.values():
        expected = candidate.parameters
        with contextlib.suppress(WeightFileError):
            rows = open_weights(file.path, expected)  # Keras 3 calls its layers conv2d, conv2d_1, ...: order tells
            if not rows.ignored and all(rows.shapes[row] == expected[row] for row in rows.rows):
                return candidate
    raise WeightFileError(
        f"{file.path}: its rows ({', '.join(file.rows[:4])}, ...) are those of no network here "
        f"({', '.join(ARCHITECTURES)}): say which, with minivis.load(NAME, weights=PATH)"
    )


def load(name: Any, weights: Any = None, device: str = "cpu", dtype: Any = DTYPE) -> Net:
    """Load a network with its weights.

    Parameters
    ----------
    name : str or path
        "vgg16", "squeezenet", "googlenet", "minivgg", or a path to a weight file.
    weights : path or mapping, optional
        A weight file, or arrays by row and then "kernel" and "bias". Default: the first that is found in the folders
        of MINIVIS_WEIGHTS, the cache, and what ships with minivis. Nothing is downloaded.
    device : {"cpu", "gpu"}
    dtype : dtype
        float32, or float64 for proofs.

    Returns
    -------
    Net
        Its weights are read from the file row by row, when they are first needed.

    Raises
    ------
    UnknownName
        If there is no such network (a KeyError).
    WeightFileError
        If no weight file is found, or the one found cannot be used (a ValueError).
    DeviceError
        If there is no usable GPU.
    """
    text = os.fspath(name)
    if text not in ARCHITECTURES:
        if weights is not None or not _looks_like_path(text):
            architecture(text)  # raises
        chosen = architecture_of(open_weights(text))
        return Net(chosen, open_weights(text, chosen.parameters), device, dtype)
    chosen = ARCHITECTURES[text]
    if isinstance(weights, Mapping):
        return Net(chosen, weights, device, dtype)
    path = find(chosen.files, weights=weights)
    if path is None:
        fetched = f"type minivis weights get {text}, or " if text in PUBLISHED else ""
        raise WeightFileError(
            f"no weights for {text}: looked for {', '.join(chosen.files)} in {', '.join(map(str, search_path()))}; "
            f"{fetched}give a file, minivis.load({text!r}, weights=PATH)"
        )
    return Net(chosen, open_weights(path, chosen.parameters), device, dtype)


def _looks_like_path(text: str) -> bool:
    return Path(text).suffix in (".h5", ".hdf5", ".npz", ".keras") or os.sep in text or Path(text).exists()


__all__ = [
    "ARCHITECTURES",
    "Architecture",
    "Net",
    "ReceptiveField",
    "architecture",
    "architecture_of",
    "class_index",
    "initial_weights",
    "load",
]
