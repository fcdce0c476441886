"""The layouts of Keras's HDF5 files.

Keras lists layers and weights in attributes, layer_names and weight_names. With h5py 3 these are text of variable
length, which is not safe to read (see Hdf5File.attribute), so the groups themselves are walked. Kernels are HWIO,
dense kernels (in, out) with rows in height, width, channel order: ours. Without expected rows the order is the
natural one of the names, block1_conv1 to predictions; it is never HDF5's, which has conv2d_10 before conv2d_2.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from .container import Part, Parts, Shape, complaint, from_chw, from_oihw, from_theano, side_of_map
from .found import Found, kernel_and_bias, natural
from .hdf5 import Hdf5File

ORDERS = ("keras-th", "keras-oihw")
"""What a file with channels first may hold: kernels of true convolutions, as Theano computes them, or not."""

VGG16_CORNER = np.float32(0.42947057)  # block1_conv1 of the published VGG16, HWIO [0, 0, 0, 0]


def _gather(layout: str, file: Hdf5File, layers: Mapping[str, list[str]]) -> Found:
    """Rows of the layers ``{name: paths of its datasets}``; normalisation and the like are set aside."""
    rows: dict[str, Parts] = {}
    unused, odd = [], []
    for name in sorted(layers, key=natural):
        shapes = {where: file.shape(where) for where in layers[name] if not file.is_state(where)}
        parts = kernel_and_bias(shapes.items())
        if parts is not None:
            rows[name] = parts
            continue
        unused.append(name)
        if any(len(shape) > 1 for shape in shapes.values()):
            odd.append(name)
    return Found(layout, rows, tuple(unused), odd=tuple(odd))


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


def keras_0(file: Hdf5File) -> Found | None:
    """`model.save_weights` of Keras 0.x: /layer_1/param_0 is a kernel, /layer_1/param_1 a bias.

    Every layer counts, padding and dropout too, so most groups are empty. Keras 0.x ran on Theano, so the kernels are
    taken as "keras-th" unless the caller says otherwise.
    """
    if not file.has_attribute("", "nb_layers"):
        return None
    layers = {name: file.datasets(name) for name in file.names() if re.fullmatch(r"layer_\d+", name)}
    return _gather("keras-0", file, {name: datasets for name, datasets in layers.items() if datasets})


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


# -- channels first ------------------------------------------------------------------------------------------------
#
# The `th` files of Keras 1 hold OIHW kernels, flipped, since Theano computes true convolutions. OIHW can be seen from
# the shapes, but nothing in an array tells flipped from unflipped. So it is either said by the caller or known from
# what the file is: in the published VGG16 a certain number stands in a certain corner.


def channels_last(found: Found, file: Hdf5File, order: str) -> Found:
    """Rows of a file whose kernels are OIHW and whose first dense layer reads a map in channel, height, width order."""
    kernel_of: Callable[[str, Shape], Part] = from_theano if order == "keras-th" else from_oihw
    rows: dict[str, Parts] = {}
    channels = 0  # of the map that the first dense layer reads
    for row, parts in found.rows.items():
        where, stored = parts["kernel"].where, parts["kernel"].stored
        rows[row] = dict(parts)
        if len(stored) == 4:
            rows[row]["kernel"] = kernel_of(where, stored)
            channels = stored[0]
        elif channels:
            side = side_of_map(file.path, where, stored[0], channels)
            rows[row]["kernel"] = from_chw(where, stored, channels, side)
            channels = 0
    return replace(found, rows=rows)


def ordered(found: Found, file: Hdf5File, order: str | None) -> Found:
    """Apply what the caller says of the order of the axes, or what the file is known to be."""
    if order is not None and not found.layout.startswith("keras"):
        raise complaint(file.path, f"layout {order!r} was asked for; this is {found.layout}")
    if order is None and found.layout == "keras-0":
        return channels_last(found, file, "keras-th")
    order = order or _order_of_vgg16(found, file)
    return found if order is None else replace(channels_last(found, file, order), layout=order)


def _order_of_vgg16(found: Found, file: Hdf5File) -> str | None:
    kernel = found.rows.get("block1_conv1", {}).get("kernel")
    if kernel is None or kernel.stored != (64, 3, 3, 3):
        return None
    array = np.empty(kernel.stored, np.float32)
    file.read_into(kernel.where, array)
    corners = {"keras-th": array[0, 0, 2, 2], "keras-oihw": array[0, 0, 0, 0]}
    return next((order for order, corner in corners.items() if corner == VGG16_CORNER), None)
