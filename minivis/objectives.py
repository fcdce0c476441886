"""Objectives, under a short name: ``from minivis.objectives import unit, l2, total_variation``.

They have a module of their own because `mean` is also a primitive.
"""

from .synthesis.algebra import Objective
from .synthesis.grams import gram_of, match_gram
from .synthesis.objectives import channel, direction, energy, log_probability, match, mean, probability, unit
from .synthesis.regularisers import alpha_norm, l2, total_variation

__all__ = [
    "Objective",
    "alpha_norm",
    "channel",
    "direction",
    "energy",
    "gram_of",
    "l2",
    "log_probability",
    "match",
    "match_gram",
    "mean",
    "probability",
    "total_variation",
    "unit",
]
