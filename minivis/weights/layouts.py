"""The layouts that are read: one function each, which recognises its layout by names and returns its rows, or None.

To add one: write the function, put it into the table at the end, and add a synthetic file to the tests.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
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
        return all(GENERIC.fullmatch(name.rpartition("/")[2]) for name in self.rows)


def natural(name: str) -> list[str | int]:
    """Sort key that puts conv2d_2 before conv2d_10."""
    return [int(piece) if piece.isdecimal() else piece for piece in re.split(r"(\d+)", name)]


def kernel_and_bias(tensors: Iterable[tuple[str, Shape]]) -> Parts | None:
    """Tell kernel from bias by rank, whatever their order and names; None if it is no convolution or dense layer."""
    tensors = list(tensors)
    kernels = [as_is(where, shape) for where, shape in tensors if len(shape) in (2, 4)]
    biases = [as_is(where, shape) for where, shape in tensors if len(shape) == 1]
    if len(kernels) != 1 or len(biases) > 1 or len(tensors) != len(kernels) + len(biases):
        return None
    return {"kernel": kernels[0]} | ({"bias": biases[0]} if biases else {})


def _gather(layout: str, file: Hdf5File, layers: Mapping[str, list[str]]) -> Found:
    """Rows of the layers ``{name: paths of its datasets}``; normalisation and the like are set aside."""
    rows: dict[str, Parts] = {}
    unused = []
    for name in sorted(layers, key=natural):
        weights = [where for where in layers[name] if not file.is_state(where)]
        parts = kernel_and_bias((where, file.shape(where)) for where in weights)
        if parts is None:
            unused.append(name)
        else:
            rows[name] = parts
    return Found(layout, rows, tuple(unused))


# -- our own -------------------------------------------------------------------------------------------------------


def minivis_hdf5(file: Hdf5File) -> Found | None:
    """Root attributes format, version, rows and the user's; one group per row; datasets in our layout."""
    if not (file.has_attribute("", "format") and file.has_attribute("", "rows")):
        return None
    if file.attribute("", "format") != FORMAT:
        return None
    version = file.attribute("", "version")
    if version != VERSION:
        raise complaint(file.path, f"version {version!r} of the minivis layout; this minivis reads version {VERSION}")
    order = file.attribute("", "rows")
    if not isinstance(order, list) or not all(isinstance(row, str) for row in order):
        raise complaint(file.path, "the attribute rows must list the names of the rows")
    rows: dict[str, Parts] = {}
    for row in order:
        tensors = [name for name in file.names(row) if not file.is_group(f"{row}/{name}")]
        rows[row] = {name: as_is(f"{row}/{name}", file.shape(f"{row}/{name}")) for name in tensors}
    attributes = {name: value for name, value in file.attributes().items() if name not in RESERVED}
    return Found("minivis", rows, (), attributes)


# -- Keras ---------------------------------------------------------------------------------------------------------
#
# Keras lists layers and weights in attributes, layer_names and weight_names. With h5py 3 these are text of variable
# length, which is not safe to read (see Hdf5File.attribute), so the groups themselves are walked. Kernels are HWIO,
# dense kernels (in, out) with rows in height, width, channel order: ours. Without expected rows the order is the
# natural one of the names, block1_conv1 to predictions; it is never HDF5's, which has conv2d_10 before conv2d_2.


def keras_whole(file: Hdf5File) -> Found | None:
    """A whole model, `model.save("x.h5")`: the groups of `keras_groups` below /model_weights.

    The description of the model, `model_config`, may hold code. It is never looked at.
    """
    if not file.is_group("model_weights"):
        return None
    return _gather("keras-whole", file, _keras_layers(file, "model_weights"))


def keras_groups(file: Hdf5File) -> Found | None:
    """`model.save_weights("x.h5")` of Keras 1 and 2, and the files of keras.applications.

    The attributes `keras_version` and `backend` are not to be relied on; Keras 1 and 2 differ in the names of their
    datasets: /block1_conv1/block1_conv1_W_1:0 and /block1_conv1/block1_conv1/kernel:0.
    """
    if not (file.has_attribute("", "layer_names") or file.has_attribute("", "layer_names0")):
        return None
    layers = _keras_layers(file, "")
    old = any(re.search(r"_W(_\d+)?(:0)?$", where) for datasets in layers.values() for where in datasets)
    return _gather("keras-1" if old else "keras-2", file, layers)


def _keras_layers(file: Hdf5File, root: str) -> dict[str, list[str]]:
    layers: dict[str, list[str]] = {}
    for top in file.names(root):
        group = f"{root}/{top}" if root else top
        datasets = file.datasets(group)
        for where in datasets:
            inner = where.removeprefix(f"{group}/").rpartition("/")[0]
            layers.setdefault(_keras_layer(top, inner, len(datasets)), []).append(where)
    return layers


def _keras_layer(top: str, inner: str, datasets: int) -> str:
    """Name of the layer of a dataset in the group `inner` of the root's group `top`, which has so many of them."""
    whole = f"{top}/{inner}"
    half = whole[: len(whole) // 2]
    if whole == f"{half}/{half}":  # also for names with a slash: fire2/squeeze1x1/fire2/squeeze1x1
        return half
    if not inner or datasets <= 2:
        return top
    return inner.removeprefix(f"{top}/")  # a model that is one layer of another: vgg16/block1_conv1


def keras_3(file: Hdf5File) -> Found | None:
    """`model.save_weights("x.weights.h5")` of Keras 3: /layers/conv2d_1/vars/0 is a kernel, /vars/1 a bias.

    The numbers count in the order of `model.layers` (keras/src/saving/saving_lib.py, _save_container_state).
    """
    if not file.is_group("layers"):
        return None
    layers: dict[str, list[str]] = {}
    for where in file.datasets("layers"):
        layer, _, variables = where.rpartition("/")[0].rpartition("/")
        if variables == "vars" and layer.rpartition("/")[0].rpartition("/")[2] == "layers":
            layers.setdefault(layer.removeprefix("layers/").replace("/layers/", "/"), []).append(where)
    return _gather("keras-3", file, layers)


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
