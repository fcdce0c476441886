"""The layouts with Caffe's names: `.npz` of converted models, and an HDF5 of PyTorch's numbers."""

from __future__ import annotations

import re

from .container import Part, Parts, Shape, as_is, complaint, from_chw, from_oihw, from_out_chw, from_out_in, side_of_map
from .found import Found, Preprocessing, kernel_and_bias
from .hdf5 import Hdf5File
from .npz import NpzFile
from .pytorch import TORCHVISION

# The published mean of VGG16's pictures, in R, G, B: the first kernels of this file were put in that order.
FROSSARD = Preprocessing("RGB", 1.0, (123.68, 116.779, 103.939), (1.0, 1.0, 1.0))


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
    return from_out_chw(name, shape, channels, side_of_map(file.path, name, shape[1], channels))


def frossard_npz(file: NpzFile) -> Found | None:
    """`conv1_1_W`, `conv1_1_b`, ..., `fc8_b` of D. Frossard's vgg16_weights.npz: our layout, but for RGB pictures."""
    names = {match[0]: match for match in map(re.compile(r"(.+)_([Wb])").fullmatch, file.names()) if match}
    layers = dict.fromkeys(match[1] for match in names.values() if match[2] == "W")
    rows: dict[str, Parts] = {}
    for layer in layers:
        tensors = [f"{layer}_{end}" for end in "Wb" if f"{layer}_{end}" in names]
        parts = kernel_and_bias((name, file.shape(name)) for name in tensors)
        if parts is not None:
            rows[layer] = parts
    if not rows:
        return None
    used = {part.where for parts in rows.values() for part in parts.values()}
    unused = tuple(name for name in file.names() if name not in used)
    order = {row: rows[row] for row in sorted(rows)}  # conv1_1 to fc8 is the alphabet's order too
    return Found("frossard-npz", order, unused, preprocessing=FROSSARD)


def flaxmodels_hdf5(file: Hdf5File) -> Found | None:
    """`/conv1_1/weight` HWIO, `/fc6/weight` (in, out) in channel, height, width order: PyTorch's VGG for Flax."""
    layers = [name for name in file.names() if re.fullmatch(r"conv\d+_\d+|fc\d+", name)]
    if not layers or any(set(file.names(layer)) - {"weight", "bias"} for layer in layers):
        return None
    rows: dict[str, Parts] = {}
    channels = 0
    for layer in sorted(layers):
        parts = kernel_and_bias((where, file.shape(where)) for where in file.datasets(layer))
        if parts is None:
            raise complaint(file.path, "expected a kernel and a bias", layer)
        where, stored = parts["kernel"].where, parts["kernel"].stored
        if len(stored) == 4:
            channels = stored[3]
        elif layer == "fc6":
            side = side_of_map(file.path, where, stored[0], channels)
            parts["kernel"] = from_chw(where, stored, channels, side)
        rows[layer] = parts
    unused = tuple(name for name in file.names() if name not in rows)
    return Found("flaxmodels", rows, unused, preprocessing=TORCHVISION)
