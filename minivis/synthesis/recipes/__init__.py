"""Recipes: `ascend`, and for each published picture the choices that made it."""

from .animation import save_animation
from .class_model import class_model
from .concentration import Concentration, concentration, entropy, gini
from .dream import deep_dream, guided, zoom_in
from .facets import Facets, facets, multifaceted
from .maximize import activation_maximization, agreement, on_the_sphere, positive, sensitivity
from .sheets import Stage, maximized_stages, stages

__all__ = [
    "Concentration",
    "Facets",
    "Stage",
    "activation_maximization",
    "agreement",
    "class_model",
    "concentration",
    "deep_dream",
    "entropy",
    "facets",
    "gini",
    "guided",
    "maximized_stages",
    "multifaceted",
    "on_the_sphere",
    "positive",
    "save_animation",
    "sensitivity",
    "stages",
    "zoom_in",
]
