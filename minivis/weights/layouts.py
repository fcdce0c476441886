"""The layouts that are read: one function each, which recognises its layout by names and returns its rows, or None.

To add one: write the function, put it into the table at the end, and add a synthetic file to the tests.
"""

from __future__ import annotations

from typing import Any

from .caffe import caffe_npz, flaxmodels_hdf5, frossard_npz
from .container import Parts, as_is, complaint, listed
from .found import Found, Preprocessing
from .hdf5 import Hdf5File
from .keras import ORDERS, keras_0, keras_3, keras_groups, keras_whole, ordered
from .npz import NpzFile
from .pth import PthFile
from .pytorch import torch_vgg
from .safetensors import SafetensorsFile

__all__ = ["CONTAINERS", "FORMAT", "ORDERS", "RESERVED", "VERSION", "Container", "Found", "Preprocessing", "recognise"]

FORMAT, VERSION = "minivis", 1  # of our own layout
RESERVED = ("format", "version", "rows")  # its own root attributes; the others are the user's


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


# -- the table -----------------------------------------------------------------------------------------------------

Container = Hdf5File | NpzFile | PthFile | SafetensorsFile
CONTAINERS: dict[str, type[Container]] = {
    "hdf5": Hdf5File,
    "npz": NpzFile,
    "pth": PthFile,
    "safetensors": SafetensorsFile,
}
LAYOUTS: dict[type[Container], tuple[Any, ...]] = {
    Hdf5File: (minivis_hdf5, keras_whole, keras_groups, keras_3, keras_0, flaxmodels_hdf5),
    NpzFile: (caffe_npz, frossard_npz),
    PthFile: (torch_vgg,),
    SafetensorsFile: (torch_vgg,),
}


def recognise(file: Container, order: str | None = None) -> Found:
    """Try the layouts of the file's container in turn; `order`, one of ORDERS, is what the caller says of the axes."""
    for layout in LAYOUTS[type(file)]:
        found = layout(file)
        if found is None:
            continue
        if not found.rows:
            raise complaint(file.path, f"no convolution or dense layer in it (layout {found.layout})")
        if isinstance(file, Hdf5File):
            return ordered(found, file, order)
        if order is not None:
            raise complaint(file.path, f"layout {order!r} was asked for; this is {found.layout}")
        return found
    known = ", ".join(layout.__name__ for layout in LAYOUTS[type(file)])
    raise complaint(file.path, f"a layout that minivis does not read: it has {listed(file.names())}. It reads {known}")
