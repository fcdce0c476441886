"""Two classifiers whose weights are pictures: a linear one, and one with a hidden layer.

Each unit of the first layer has a weight for every pixel, so that a row of its matrix has the shape of the picture: it
is the unit's template (see `templates`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..backend import DTYPE
from .architecture import Architecture, initial_weights
from .layers import Input, Layer, Linear, Normalize, ReLU, Sigmoid, Softmax

GREY = Normalize(mean=(128.0,), std=(64.0,), order="grey")  # ours: about -2 to 2, as minivgg has it
RGB = Normalize(mean=(128.0,) * 3, std=(64.0,) * 3)
COLOURS = {"grey": GREY, "RGB": RGB}
OUTPUTS: dict[str, Layer] = {"softmax": Softmax(), "sigmoid": Sigmoid()}
START = {"linear": 0.0, "mlp": 0.02}  # ours: how large the first templates are, as a share of the usual start


def linear_classifier(
    labels: Sequence[str],
    size: int = 64,
    colour: str = "grey",
    output: str = "softmax",
    name: str = "linear",
    files: tuple[str, ...] = (),
) -> Architecture:
    """Return a linear classifier: one weight for each pixel and class, and a bias for each class.

    Parameters
    ----------
    labels : sequence of str
        The classes.
    size : int
        Height and width of its pictures.
    colour : {"grey", "RGB"}
        Whether its first row makes the picture grey.
    output : {"softmax", "sigmoid"}
        A choice among the classes, or one yes or no for each.
    name : str
    files : tuple of str
        Where `load` looks for its weights.
    """
    table = _pictures(size, colour)
    table += (("fc1", Linear(len(labels))), ("prob", OUTPUTS[output]))
    return Architecture(name, table, tuple(labels), "normalize", files, "linear")


def mlp(
    labels: Sequence[str],
    size: int = 64,
    colour: str = "grey",
    output: str = "softmax",
    hidden: int = 16,
    name: str = "mlp",
    files: tuple[str, ...] = (),
) -> Architecture:
    """Return a network with one hidden layer of `hidden` units; the rest as in `linear_classifier`."""
    table = _pictures(size, colour)
    table += (("fc1", Linear(hidden)), ("relu1", ReLU()), ("fc2", Linear(len(labels))), ("prob", OUTPUTS[output]))
    return Architecture(name, table, tuple(labels), "normalize", files, "mlp")


def first_weights(
    architecture: Architecture, rng: np.random.Generator, dtype: Any = DTYPE
) -> dict[str, dict[str, np.ndarray]]:
    """Return the weights to start training with: `initial_weights`, but templates start from zero, or nearly so.

    A template then shows what was learnt and not the noise of its start. A linear classifier loses nothing by it: its
    loss is convex. Hidden units that all started from zero would stay alike, so theirs are small, but random.
    """
    weights = initial_weights(architecture, rng, dtype)
    if architecture.family in START:
        weights["fc1"]["kernel"] *= START[architecture.family]
    return weights


def _pictures(size: int, colour: str) -> tuple[tuple, ...]:
    return ("input", Input(size)), ("normalize", COLOURS[colour])
