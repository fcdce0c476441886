"""What does a convolutional network see, and how do you know?

>>> import minivis as mv
>>> net = mv.load("minivgg")
>>> net.logits
'fc8'
"""

import importlib
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from .compression import *
    from .course import *
    from .drawing import grey, heat_over, outline, plot, rescale_each, show, signed, tile
    from .faithfulness import (
        deletion,
        energy_inside,
        evaluate_on_scenes,
        importance,
        insertion,
        intersection_over_union,
        methods_for,
        pointing_game,
        randomize,
        randomized,
        spearman,
        ssim,
    )
    from .nets.small import linear_classifier, mlp
    from .representation.affinities import affinities
    from .representation.codes import Codes, read_codes, write_codes
    from .representation.cutouts import unit_patches
    from .representation.grid import picture_grid
    from .representation.isomap import isomap
    from .representation.neighbours import nearest_neighbours
    from .representation.patches import PatchIndex, read_patches, top_patches
    from .representation.pca import pca
    from .representation.trajectories import trajectories
    from .representation.tsne import tsne, tsne_steps
    from .scenes import make_scenes, write_scenes
    from .scenes.faces import synthetic_faces
    from .segmentation import *
    from .synthesis import *
    from .synthesis.recipes import *
    from .training import SGD, Training
    from .training.dynamics import Recorder

__version__ = "0.1.0"

_LATER: dict[str, tuple[str, ...]] = {
    ".compression": ("decompress", "deep_compress", "huffman", "pruned", "pruning_curve", "shared_values"),
    ".course": ("check", "lesson_net"),
    ".drawing": ("grey", "heat_over", "outline", "plot", "rescale_each", "show", "signed", "tile"),
    ".faithfulness": (
        "deletion",
        "energy_inside",
        "evaluate_on_scenes",
        "importance",
        "insertion",
        "intersection_over_union",
        "methods_for",
        "pointing_game",
        "randomize",
        "randomized",
        "spearman",
        "ssim",
    ),
    ".scenes": ("make_scenes", "write_scenes"),
    ".scenes.faces": ("synthetic_faces",),
    ".nets.small": ("linear_classifier", "mlp"),
    ".representation.affinities": ("affinities",),
    ".representation.grid": ("picture_grid",),
    ".representation.isomap": ("isomap",),
    ".representation.neighbours": ("nearest_neighbours",),
    ".representation.pca": ("pca",),
    ".representation.trajectories": ("trajectories",),
    ".representation.tsne": ("tsne", "tsne_steps"),
    ".representation.codes": ("Codes", "read_codes", "write_codes"),
    ".representation.patches": ("PatchIndex", "read_patches", "top_patches"),
    ".representation.cutouts": ("unit_patches",),
    ".segmentation": (
        "Segmentation",
        "bounding_box",
        "box_of_map",
        "graph_cut",
        "iou",
        "largest_component",
        "localise",
        "segment",
        "trimap",
    ),
    ".synthesis": (
        "LBFGS",
        "Adam",
        "Ascent",
        "Fourier",
        "Momentum",
        "ascend",
        "blur",
        "clip_small_contributions",
        "clip_small_gradients",
        "clip_small_pixels",
        "clip_to_range",
        "decay",
        "every",
        "jitter",
        "progress",
        "random_crop",
        "renormalise",
        "rotation",
        "scale",
    ),
    ".synthesis.recipes": (
        "activation_maximization",
        "class_model",
        "deep_dream",
        "evolve",
        "facets",
        "fast_gradient_sign",
        "fool",
        "fool_from_noise",
        "invert",
        "iterated_gradient_sign",
        "least_change",
        "multifaceted",
        "stylize",
        "texture",
        "what_is_lost",
    ),
    ".training": ("SGD", "Training"),
    ".training.dynamics": ("Recorder",),
}
"""Names by the module that has them, imported when first asked for: who only looks need not wait for the making."""
_MODULE_OF = {name: module for module, names in _LATER.items() for name in names}

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
    *_MODULE_OF,
]


def __getattr__(name: str) -> Any:
    if name in _MODULE_OF:
        return getattr(importlib.import_module(_MODULE_OF[name], __name__), name)
    raise AttributeError(f"module 'minivis' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
