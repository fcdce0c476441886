"""What does a convolutional network see, and how do you know?

>>> import minivis as mv
>>> net = mv.load("minivgg")
>>> net.logits
'fc8'
"""

from .attribution import *
from .attribution import __all__ as _attribution
from .backend import array_module, to_device, to_host
from .errors import (
    DeviceError,
    DownloadError,
    ImageFileError,
    InputError,
    MinivisError,
    NothingRecorded,
    UnknownName,
    WeightFileError,
)
from .nets import Net, architecture, initial_weights, load
from .pictures import read_picture, sample_picture, save_picture
from .primitives import *
from .primitives import __all__ as _primitives
from .rules import DECONVNET, DECONVNET_ZF, GUIDED, POSITIVE_PATHS, VANILLA
from .tape import Primitive, Tensor, backward
from .testing import check_backward

__version__ = "0.1.0"

__all__ = [
    "DECONVNET",
    "DECONVNET_ZF",
    "GUIDED",
    "POSITIVE_PATHS",
    "VANILLA",
    "DeviceError",
    "DownloadError",
    "ImageFileError",
    "InputError",
    "MinivisError",
    "Net",
    "NothingRecorded",
    "Primitive",
    "Tensor",
    "UnknownName",
    "WeightFileError",
    "architecture",
    "array_module",
    "backward",
    "check_backward",
    "initial_weights",
    "load",
    "read_picture",
    "sample_picture",
    "save_picture",
    "to_device",
    "to_host",
    *_attribution,
    *_primitives,
]
