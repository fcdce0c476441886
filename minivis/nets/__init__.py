"""Networks: tables of named rows, and `load`, which finds their weights."""

import contextlib
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..backend import DTYPE
from ..errors import UnknownName, WeightFileError
from ..weights import WeightFile, find, open_weights, search_path
from .architecture import Architecture, ReceptiveField, initial_weights
from .families import FAMILIES, attributes_of, made_to_measure
from .googlenet import GOOGLENET
from .labels import DIGIT_LABELS, FACE_LABELS, ORL_LABELS, TEXTURE_LABELS, class_index
from .layers import Normalize
from .minicam import minicam
from .minivgg import MINIVGG
from .net import Net
from .small import linear_classifier, mlp
from .squeezenet import SQUEEZENET
from .vgg16 import VGG16

FACES_LINEAR = linear_classifier(FACE_LABELS, name="faces-linear", files=("faces-linear.h5",))
FACES_MLP = mlp(FACE_LABELS, name="faces-mlp", files=("faces-mlp.h5",))
ORL_LINEAR = linear_classifier(ORL_LABELS, name="orl-linear", files=("orl-linear.h5",))
MNIST_LINEAR = linear_classifier(DIGIT_LABELS, size=28, name="mnist-linear", files=("mnist-linear.h5",))
MINICAM = minicam(TEXTURE_LABELS, files=("minicam.h5",))
_SMALL = (MINICAM, FACES_LINEAR, FACES_MLP, ORL_LINEAR, MNIST_LINEAR)

ARCHITECTURES: dict[str, Architecture] = {a.name: a for a in (VGG16, SQUEEZENET, GOOGLENET, MINIVGG, *_SMALL)}
"""The networks that minivis knows, by name."""


def architecture(name: str) -> Architecture:
    """Return the table of the network called `name`."""
    if name not in ARCHITECTURES:
        raise UnknownName(f"no network named {name!r}; there are {', '.join(ARCHITECTURES)}, or give a path to an .h5")
    return ARCHITECTURES[name]


def architecture_of(file: WeightFile) -> Architecture:
    """Return the architecture that a weight file belongs to: by what it says, else by the rows it holds."""
    named = file.attributes.get("architecture")
    known = ARCHITECTURES.get(named) if isinstance(named, str) else None
    if "family" in file.attributes:
        shipped = known is not None and known.family == file.attributes["family"]
        return made_to_measure(file, known.name, known.files) if known and shipped else made_to_measure(file)
    if known is not None:
        return known
    from ..weights.layouts import ORDERS

    layout = file.layout if file.layout in ORDERS else None
    for candidate in (a for a in ARCHITECTURES.values() if not a.family):
        expected = candidate.parameters
        with contextlib.suppress(WeightFileError):
            # Opened anew: Keras 3 calls its layers conv2d, conv2d_1, ..., and only their order tells.
            rows = open_weights(file.path, expected, layout=layout)
            if not rows.ignored and all(rows.shapes[row] == expected[row] for row in rows.rows):
                return candidate
    raise WeightFileError(
        f"{file.path}: its rows ({', '.join(file.rows[:4])}, ...) are those of no network here "
        f"({', '.join(ARCHITECTURES)}): say which, with minivis.load(NAME, weights=PATH)"
    )


def _fitted(chosen: Architecture, file: WeightFile) -> Architecture:
    """Return the architecture with the preprocessing that its weights were trained with, if their file says another.

    It is never folded into the first kernels: a scale could be, but zeros are padded after the mean is taken off.
    """
    told = file.preprocessing
    if told is None:
        return chosen
    own = chosen.normalize
    if len(told.mean) != len(own.mean) or len(told.mean) != (1 if told.order == "grey" else 3):
        raise WeightFileError(
            f"{file.path}: its mean has {len(told.mean)} numbers for {told.order}; {chosen.name} takes {len(own.mean)}"
        )
    if (own.order, own.scale, own.mean, own.std or (1.0,) * len(own.mean)) == told:
        return chosen
    normalize = Normalize(mean=told.mean, std=told.std, scale=told.scale, order=told.order)
    return replace(chosen, table=(chosen.table[0], ("normalize", normalize), *chosen.table[2:]))


def _net(chosen: Architecture, file: WeightFile, device: str, dtype: Any) -> Net:
    return Net(_fitted(chosen, file), file, device, dtype)


def load(name: Any, weights: Any = None, device: str = "cpu", dtype: Any = DTYPE) -> Net:
    """Load a network with its weights.

    Parameters
    ----------
    name : str or path
        One of `ARCHITECTURES`, such as "vgg16" or "minivgg", or a path to a weight file; with `weights` also a network
        that is made to measure, "linear", "mlp" or "minicam". Where the file says another preprocessing than the
        network's own (PyTorch's, for one), its row `normalize` follows the file.
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
    if text in FAMILIES or (text in ARCHITECTURES and ARCHITECTURES[text].family):
        return _load_made_to_measure(text, weights, device, dtype)
    if text not in ARCHITECTURES:
        if weights is not None or not _looks_like_path(text):
            architecture(text)  # raises
        chosen = architecture_of(open_weights(text))
        return _net(chosen, open_weights(text, chosen.parameters), device, dtype)
    chosen = ARCHITECTURES[text]
    if isinstance(weights, Mapping):
        return Net(chosen, weights, device, dtype)
    path = _found(text, chosen.files, weights)
    return _net(chosen, open_weights(path, chosen.parameters), device, dtype)


def _load_made_to_measure(text: str, weights: Any, device: str, dtype: Any) -> Net:
    """Load a network whose table is the one that its weight file describes."""
    known = ARCHITECTURES.get(text)
    if isinstance(weights, Mapping) and known:
        return Net(known, weights, device, dtype)
    if weights is None and not known:
        some = ", ".join(a.name for a in ARCHITECTURES.values() if a.family == text)
        raise WeightFileError(f"{text} has no weights of its own: give a file, or load one that is trained: {some}")
    path = _found(text, known.files if known else (f"{text}.h5",), weights)
    file, family = open_weights(path), known.family if known else text
    if file.attributes.get("family") != family:
        raise WeightFileError(f"{path}: it does not say that it is a {family} network (an attribute family)")
    made = architecture_of(file)
    return _net(made, open_weights(path, made.parameters), device, dtype)


def _found(text: str, files: tuple[str, ...], weights: Any) -> Path:
    path = find(files, weights=weights)
    if path is None:
        from ..weights import PUBLISHED

        fetched = f"type minivis weights get {text}, or " if text in PUBLISHED else ""
        raise WeightFileError(
            f"no weights for {text}: looked for {', '.join(files)} in {', '.join(map(str, search_path()))}; "
            f"{fetched}give a file, minivis.load({text!r}, weights=PATH)"
        )
    return path


def _looks_like_path(text: str) -> bool:
    return (
        Path(text).suffix in (".h5", ".hdf5", ".npz", ".keras", ".safetensors", ".pth", ".pt")
        or os.sep in text
        or Path(text).exists()
    )


__all__ = [
    "ARCHITECTURES",
    "FAMILIES",
    "Architecture",
    "Net",
    "ReceptiveField",
    "architecture",
    "architecture_of",
    "attributes_of",
    "class_index",
    "initial_weights",
    "linear_classifier",
    "load",
    "minicam",
    "mlp",
]
