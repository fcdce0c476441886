"""Drawing: arrays become pictures, and pictures become figures with titles. Matplotlib is imported inside functions."""

from .colours import grey, heat_over, limit_of, outline, rescale_each, signed, tile
from .figures import contact_sheet, grid, save_figure

__all__ = [
    "contact_sheet",
    "grey",
    "grid",
    "heat_over",
    "limit_of",
    "outline",
    "rescale_each",
    "save_figure",
    "signed",
    "tile",
]
