"""Does a method tell the truth? Explanations against known causes, and against networks that have forgotten."""

from .cascade import Cascade, Randomized, randomize, randomized
from .curves import Curve, deletion, insertion
from .likeness import spearman, ssim
from .methods import METHODS, Method, importance, methods_for
from .metrics import energy_inside, intersection_over_union, pointing_game
from .table import Truth, evaluate_on_scenes
from .telling import cascade_json, cascade_text, truth_json, truth_text

__all__ = [
    "METHODS",
    "Cascade",
    "Curve",
    "Method",
    "Randomized",
    "Truth",
    "cascade_json",
    "cascade_text",
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
    "truth_json",
    "truth_text",
]
