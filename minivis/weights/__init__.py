"""Weight files: reading them safely, writing our own, finding, fetching and verifying them.

The package knows nothing of nets. A net says which rows it expects, as ``{row: {"kernel": shape, "bias": shape}}``,
and asks for one row at a time::

    file = open_weights("vgg16_weights_tf_dim_ordering_tf_kernels.h5")
    kernel = file.read("conv1_1")["kernel"]  # (3, 3, 3, 64), float32, read-only

`sniff` decides what a file is; `hdf5`, `npz`, `pth` and `safetensors` are the only doors to its content; `layouts` has
the table of the layouts, one function each; `matching` names the rows, `reading` reads them.
"""

import importlib
from typing import TYPE_CHECKING, Any

from .container import Expected
from .finding import cache_folder, find, search_path, shipped_folder
from .reading import WeightFile, open_weights

if TYPE_CHECKING:
    from .download import fetch
    from .found import Preprocessing
    from .hashing import sha256_of
    from .layouts import ORDERS
    from .published import PUBLISHED, Published
    from .saving import convert, preprocessing_attributes, save_weights
    from .verifying import FileReport, identify

# Imported when first asked for: who only looks at a network neither fetches nor writes one, and may not open a file.
_LATER = {
    "ORDERS": ".layouts",
    "PUBLISHED": ".published",
    "Preprocessing": ".found",
    "Published": ".published",
    "fetch": ".download",
    "sha256_of": ".hashing",
    "convert": ".saving",
    "preprocessing_attributes": ".saving",
    "save_weights": ".saving",
    "FileReport": ".verifying",
    "identify": ".verifying",
}

__all__ = [
    "ORDERS",
    "PUBLISHED",
    "Expected",
    "FileReport",
    "Preprocessing",
    "Published",
    "WeightFile",
    "cache_folder",
    "convert",
    "fetch",
    "find",
    "identify",
    "open_weights",
    "preprocessing_attributes",
    "save_weights",
    "search_path",
    "sha256_of",
    "shipped_folder",
]


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(importlib.import_module(_LATER[name], __name__), name)
    raise AttributeError(f"module 'minivis.weights' has no attribute {name!r}")
