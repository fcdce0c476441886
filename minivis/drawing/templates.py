"""Templates as pictures: what a unit would like to see, one picture each."""

from typing import TYPE_CHECKING

import numpy as np

from ..attribution import templates
from ..backend import Array, to_host
from ..errors import InputError
from ..nets import Net
from ..nets.layers import Linear
from .colours import finite, rescale_each
from .colours import signed as about_grey
from .figures import grid

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STRETCHED = (
    "each stretched from its own smallest weight (black) to its own largest (white), so zero has no fixed grey and "
    "weak ones look like strong ones"
)
SIGNED = "black is negative, middle grey zero, white positive, each on a scale up to its own largest absolute weight"


def template_pictures(weights: Array, signed: bool = False) -> np.ndarray:
    """Make pictures of templates.

    Parameters
    ----------
    weights : ndarray, shape (K, H, W, 1) or (K, H, W, 3)
        As `templates` returns them.
    signed : bool
        False: each is stretched from its own smallest weight, black, to its own largest, white, as templates are
        usually shown. True: black is negative, middle grey zero, white positive, symmetric about zero.

    Returns
    -------
    ndarray, shape (K, H, W, 3)
        RGB, 0..255.
    """
    weights = finite(weights)
    if weights.ndim != 4 or weights.shape[3] not in (1, 3):
        raise InputError(f"expected templates (K, H, W, 1) or (K, H, W, 3), got shape {weights.shape}")
    pictures = np.repeat(weights, 3 // weights.shape[3], axis=3)
    return np.stack([about_grey(picture) for picture in pictures]) if signed else rescale_each(pictures)


def draw_templates(net: Net, signed: bool = False, side: int = 128) -> "Figure":
    """Draw the templates of a network, each below its class, or the class that its hidden unit speaks for most.

    Parameters
    ----------
    net : Net
        A linear classifier, or one with a hidden layer: see `templates`.
    signed : bool
        See `template_pictures`.
    side : int
        How wide each should at least be drawn, in pixels.
    """
    weights = templates(net)
    titles, what = list(net.labels), "class"
    name = next(iter(net.architecture.parameters))
    if name != net.logits:
        titles, what = _spoken_for(net, len(weights)), "hidden unit"
    height, width = weights.shape[1:3]
    kind = "one grey weight per pixel" if weights.shape[3] == 1 else "one weight per pixel and colour"
    caption = (
        f"The weights of {name} in {net.name}, one {what} each, {height} x {width}, {kind}, without the biases; "
        f"{SIGNED if signed else STRETCHED}."
    )
    columns = len(weights) if len(weights) <= 6 else 5 if len(weights) == 10 else 8
    return grid(list(template_pictures(weights, signed)), titles, columns, caption, side)


def _spoken_for(net: Net, units: int) -> list[str]:
    """Return what to write above each hidden unit: the class it adds most to, if its layer leads to the scores."""
    row = net.architecture.rows[net.logits]
    kernel = to_host(net.weights[net.logits]["kernel"]) if isinstance(row.layer, Linear) else np.empty((0, 0))
    if kernel.shape != (units, len(net.labels)):
        return [str(k) for k in range(units)]
    return [f"{k}: for {net.labels[c]}" for k, c in enumerate(kernel.argmax(1))]
