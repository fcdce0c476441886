"""Looking: what in this picture made the network say what it says?"""

from .activations import activations, activations_through, filters
from .cams import cam, enlarge, grad_cam, guided_grad_cam
from .gradients import deconvnet, gradient, guided_backprop, saliency
from .occlusion import RandomOcclusion, occlusion, random_occlusion
from .targets import one_hot
from .templates import templates

__all__ = [
    "RandomOcclusion",
    "activations",
    "activations_through",
    "cam",
    "deconvnet",
    "enlarge",
    "filters",
    "grad_cam",
    "gradient",
    "guided_backprop",
    "guided_grad_cam",
    "occlusion",
    "one_hot",
    "random_occlusion",
    "saliency",
    "templates",
]
