"""Making: what picture would the network like to see?"""

from .ascend import Ascent, ascend
from .lbfgs import LBFGS
from .parametrisations import Fourier
from .steps import Adam, Momentum, progress
from .touches import (
    blur,
    clip_small_contributions,
    clip_small_gradients,
    clip_small_pixels,
    clip_to_range,
    decay,
    every,
    renormalise,
)
from .views import jitter, random_crop, rotation, scale

__all__ = [
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
]
