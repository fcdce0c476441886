"""Recipes: `ascend`, and for each published picture the choices that made it."""

from .animation import save_animation
from .class_model import class_model
from .concentration import Concentration, concentration, entropy, gini
from .dream import deep_dream, guided, zoom_in
from .evolve import evolve
from .facets import Facets, facets, multifaceted
from .fool import fast_gradient_sign, fool, iterated_gradient_sign
from .fool_noise import fool_from_noise
from .fooled import Fooled, ten_times
from .invert import Inverted, invert, over_strengths, relative_error, what_is_lost
from .least_change import least_change
from .maximize import activation_maximization, agreement, on_the_sphere, positive, sensitivity
from .sheets import Stage, maximized_stages, stages
from .style import luminance, match_colours, recolour, stylize, with_random_weights
from .texture import pooled, reconstructions, rescaled, shares, texture

__all__ = [
    "Concentration",
    "Facets",
    "Fooled",
    "Inverted",
    "Stage",
    "activation_maximization",
    "agreement",
    "class_model",
    "concentration",
    "deep_dream",
    "entropy",
    "evolve",
    "facets",
    "fast_gradient_sign",
    "fool",
    "fool_from_noise",
    "gini",
    "guided",
    "invert",
    "iterated_gradient_sign",
    "least_change",
    "luminance",
    "match_colours",
    "maximized_stages",
    "multifaceted",
    "on_the_sphere",
    "over_strengths",
    "pooled",
    "positive",
    "recolour",
    "reconstructions",
    "relative_error",
    "rescaled",
    "save_animation",
    "sensitivity",
    "shares",
    "stages",
    "stylize",
    "ten_times",
    "texture",
    "what_is_lost",
    "with_random_weights",
    "zoom_in",
]
