"""The layouts that are read: one function each, which recognises its layout by names and returns its rows, or None.

To add one: write the function, put it into the table at the end, and add a synthetic file to the tests.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from math import isqrt
from typing import Any, NamedTuple

from .container import (
    Part,
    Parts,
    Shape,
    as_is,
    complaint,
    from_oihw,
    from_out_chw,
    from_out_in,
    listed,
)
from .hdf5 import Hdf5File
from .npz import NpzFile

FORMAT, VERSION = "minivis", 1  # of our own layout
RESERVED = ("format", "version", "rows")  # its own root attributes; the others are the user's
GENERIC = re.compile(r"(conv2d|convolution2d|dense)(_\d+)?")


class Preprocessing(NamedTuple):
    """What the net of the weights does to an RGB picture in 0..255 first: ``(picture[order] * scale - mean) / std``.

    `order` is "RGB" or "BGR"; `mean` and `std` have one number per channel, in that order, for the scaled picture.
    """

    order: str
    scale: float
    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class Found:
    """What a layout found in a file: rows under the file's own names, in the file's order."""

    layout: str
    rows: dict[str, Parts]
    unused: tuple[str, ...] = ()
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def unnamed(self) -> bool:
        """Whether the names are the ones that Keras makes up: conv2d, conv2d_1, ..., dense."""
        return bool(self.rows) and all(GENERIC.fullmatch(name) for name in self.rows)


def natural(name: str) -> list[str | int]:
    """Sort key that puts conv2d_2 before conv2d_10."""
    return [int(piece) if piece.isdigit() else piece for piece in re.split(r"(\d+)", name)]


def kernel_and_bias(tensors: Iterable[tuple[str, Shape]]) -> Parts | None:
    """Tell kernel from bias by rank, whatever their order and names; None if this is no convolution or dense layer."""
    tensors = list(tensors)
    kernels = [as_is(where, shape) for where, shape in tensors if len(shape) in (2, 4)]
    biases = [as_is(where, shape) for where, shape in tensors if len(shape) == 1]
    if len(kernels) != 1 or len(biases) > 1 or len(tensors) != len(kernels) + len(biases):
        return None
    return {"kernel": kernels[0]} | ({"bias": biases[0]} if biases else {})


def _gather(layout: str, layers: Iterable[tuple[str, list[tuple[str, Shape]]]], file: Hdf5File) -> Found:
    rows: dict[str, Parts] = {}
    unused = []
    for name, tensors in layers:
        parts = kernel_and_bias(tensors)
        if parts is None:
            unused.append(name)
        elif name in rows:
            raise complaint(file.path, "two layers have this name", name)
        else:
            rows[name] = parts
    return Found(layout, rows, tuple(unused))


# -- our own -------------------------------------------------------------------------------------------------------


def minivis_hdf5(file: Hdf5File) -> Found | None:
    """Root attributes format, version, rows and the user's; one group per row; datasets in our layout."""
    if file.attribute("", "format") != FORMAT:
        return None
    version = file.attribute("", "version")
    if version != VERSION:
        raise complaint(file.path, f"version {version!r} of the minivis layout; this minivis reads version {VERSION}")
    rows: dict[str, Parts] = {}
    for row in file.texts("", "rows") or []:
        tensors = [name for name in file.names(row) if not file.is_group(f"{row}/{name}")]
        rows[row] = {name: as_is(f"{row}/{name}", file.shape(f"{row}/{name}")) for name in tensors}
    attributes = {name: value for name, value in file.attributes().items() if name not in RESERVED}
    return Found("minivis", rows, (), attributes)


# -- Keras ---------------------------------------------------------------------------------------------------------


def keras_whole(file: Hdf5File) -> Found | None:
    """A whole model, `model.save("x.h5")`: the groups of `keras_groups` below /model_weights.

    The description of the model, `model_config`, may hold code. It is never looked at.
    """
    if not file.is_group("model_weights"):
        return None
    found = _keras_groups(file, "model_weights")
    return Found("keras-whole", found.rows, found.unused) if found else None


def keras_groups(file: Hdf5File) -> Found | None:
    """`model.save_weights("x.h5")` of Keras 1 and 2, and the files of keras.applications.

    The root names its groups in `layer_names`, each group its datasets in `weight_names`. Kernels are HWIO, dense
    kernels (in, out) with rows in HWC order: ours. The attributes `keras_version` and `backend` are not to be relied
    on; Keras 1 and 2 differ in the names of their datasets.
    """
    return _keras_groups(file, "")


def _keras_groups(file: Hdf5File, root: str) -> Found | None:
    layers = file.texts(root, "layer_names")
    if layers is None:
        return None
    tensors: dict[str, list[tuple[str, Shape]]] = {}
    first = ""
    for layer in layers:
        group = f"{root}/{layer}" if root else layer
        weights = file.texts(group, "weight_names")
        if weights is None:
            raise complaint(file.path, "the attribute weight_names is missing", group)
        first = first or "".join(weights[:1])
        for weight in weights:
            where = f"{group}/{weight}"
            tensors.setdefault(_keras_row(layer, weight, len(weights)), []).append((where, file.shape(where)))
    version = "keras-1" if re.search(r"_W(_\d+)?(:0)?$", first) else "keras-2"
    return _gather(version, tensors.items(), file)


def _keras_row(layer: str, weight: str, weights: int) -> str:
    """Name of the layer a weight belongs to: its group, unless the group is a whole model inside another."""
    if weights <= 2 or "/" not in weight:
        return layer
    return weight.rpartition("/")[0].removeprefix(f"{layer}/")


def keras_3(file: Hdf5File) -> Found | None:
    """`model.save_weights("x.weights.h5")` of Keras 3: /layers/conv2d_1/vars/0 is a kernel, /vars/1 a bias.

    HDF5 lists conv2d_10 before conv2d_2, and those layers may have the same shape: the order is never HDF5's. Since
    Keras 3.6 `vars` has the attribute `name`, the layer's own name; without it the numbers count in network order.
    """
    if not file.is_group("layers"):
        return None
    return _gather("keras-3", _keras_3_layers(file), file)


def _keras_3_layers(file: Hdf5File) -> Iterator[tuple[str, list[tuple[str, Shape]]]]:
    waiting = ["layers"]  # groups of layers, the next one last
    while waiting:
        group = waiting.pop()
        for layer in sorted(file.names(group), key=natural):
            where = f"{group}/{layer}"
            if file.is_group(f"{where}/layers"):  # a model inside the model
                waiting.append(f"{where}/layers")
            if not file.is_group(f"{where}/vars"):
                continue
            variables = [f"{where}/vars/{name}" for name in sorted(file.names(f"{where}/vars"), key=natural)]
            if variables:
                name = file.attribute(f"{where}/vars", "name")
                yield name if isinstance(name, str) else layer, [(v, file.shape(v)) for v in variables]


# -- Caffe ---------------------------------------------------------------------------------------------------------


def caffe_npz(file: NpzFile) -> Found | None:
    """`<layer>/weight` and `<layer>/bias`: kernels OIHW, dense kernels (out, in).

    A dense layer that follows a map reads it in channel, height, width order, and the file does not say where that
    is. In Caffe's own nets (AlexNet, CaffeNet, VGG) it is the layer `fc6`: its columns are reordered, with as many
    channels as the convolution before it has outputs, over a square. GoogLeNet's classifier follows a 1 x 1 map.
    """
    names = file.names()
    if not any(name.endswith("/weight") for name in names):
        return None
    rows: dict[str, Parts] = {}
    channels = 0
    for name in names:
        layer, _, kind = name.rpartition("/")
        if kind not in ("weight", "bias") or not layer:
            continue
        shape = file.shape(name)
        if kind == "bias" and len(shape) == 1:
            rows.setdefault(layer, {})["bias"] = as_is(name, shape)
        elif kind == "weight" and len(shape) == 4:
            channels = shape[0]
            rows.setdefault(layer, {})["kernel"] = from_oihw(name, shape)
        elif kind == "weight" and len(shape) == 2:
            reads_map = layer.rpartition("/")[2] == "fc6"
            rows.setdefault(layer, {})["kernel"] = (
                _after_map(file, name, shape, channels) if reads_map else from_out_in(name, shape)
            )
        else:
            raise complaint(file.path, f"shape {shape} is neither a convolution's nor a dense layer's", name)
    whole = {layer: parts for layer, parts in rows.items() if "kernel" in parts}
    unused = [layer for layer in rows if layer not in whole]
    return Found("caffe-npz", whole, tuple(unused))


def _after_map(file: NpzFile, name: str, shape: Shape, channels: int) -> Part:
    side = isqrt(shape[1] // channels) if channels else 0
    if channels * side * side != shape[1]:
        problem = f"reads {shape[1]} numbers, which is no square map of the {channels} channels before it"
        raise complaint(file.path, problem, name)
    return from_out_chw(name, shape, channels, side)


# -- the table -----------------------------------------------------------------------------------------------------

HDF5_LAYOUTS: tuple[Callable[[Hdf5File], Found | None], ...] = (minivis_hdf5, keras_whole, keras_groups, keras_3)
NPZ_LAYOUTS: tuple[Callable[[NpzFile], Found | None], ...] = (caffe_npz,)


def recognise(file: Hdf5File | NpzFile) -> Found:
    """Try the layouts of the file's container in turn."""
    layouts: Any = HDF5_LAYOUTS if isinstance(file, Hdf5File) else NPZ_LAYOUTS
    for layout in layouts:
        found = layout(file)
        if found is not None:
            if not found.rows:
                raise complaint(file.path, f"no convolution or dense layer in it (layout {found.layout})")
            return found
    known = ", ".join(layout.__name__ for layout in layouts)
    raise complaint(file.path, f"a layout that minivis does not read: it has {listed(file.names())}. It reads {known}")
