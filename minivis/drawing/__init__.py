"""Drawing: arrays become pictures, and pictures become figures with titles. Matplotlib is imported inside functions."""

from .colours import grey, heat_over, limit_of, outline, rescale_each, signed, tile
from .figures import contact_sheet, grid, save_figure
from .showing import plot, show
from .templates import draw_templates, template_pictures

__all__ = [
    "contact_sheet",
    "draw_templates",
    "grey",
    "grid",
    "heat_over",
    "limit_of",
    "outline",
    "plot",
    "rescale_each",
    "save_figure",
    "show",
    "signed",
    "template_pictures",
    "tile",
]
