"""Zeiler and Fergus's figure: the patches that excite a unit most, and what the walks back make of them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..backend import Array
from ..errors import InputError
from ..representation.cutouts import UnitPatches
from .colours import rescale_each, signed, tile
from .figures import grid

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SMALLEST = 24
"""Pixels that a patch is wide at least before it is put beside others (ours)."""

CAPTION = (
    "Of each unit the pictures that excite it most, the strongest first, cut to its receptive field; beyond a "
    "picture's edge is the network's mean colour. Beside them what DeconvNet and guided backprop make of that one "
    "unit, in the same places: middle grey is 0, each patch is stretched to its own largest absolute value."
)


def patch_figure(
    units: Sequence[UnitPatches],
    kernels: Mapping[int, Array] | None = None,
    caption: str = "",
    columns: int = 2,
    side: int = 240,
) -> "Figure":
    """Draw units, each as its patches, DeconvNet and guided backprop beside each other.

    Parameters
    ----------
    units : sequence of UnitPatches
        What `unit_patches` returns. Those without a patch are left out, and the caption says so.
    kernels : mapping, optional
        By unit, its kernel (h, w, 3), drawn before its patches: of a row that reads the picture.
    caption : str
        Stands first.
    columns : int
        Units beside each other.
    side : int
        How wide the patches of one unit should at least be drawn together, in pixels.

    Returns
    -------
    matplotlib.figure.Figure
    """
    pictures: list[Array] = []
    titles: list[str] = []
    drawn = [unit for unit in units if unit.patches]
    if not drawn:
        raise InputError("no unit has a patch to draw: none of the pictures excites them")
    for unit in drawn:
        if kernels is not None:
            pictures.append(rescale_each(kernels[unit.unit][None])[0])
            titles.append(f"{unit.row} {unit.unit}, its kernel")
        walks = ([signed(values) for values in walk] for walk in (unit.deconvnet, unit.guided))
        pictures += [_tiled(patches) for patches in (unit.patches, *walks)]
        titles += [
            f"{unit.row} {unit.unit}: {unit.values[0]:.4g} to {unit.values[-1]:.4g}",
            "DeconvNet",
            "guided backprop",
        ]
    silent = [str(unit.unit) for unit in units if not unit.patches]
    parts = [caption, CAPTION]
    if kernels is not None:
        parts.append("A kernel is stretched from its own smallest value to its own largest.")
    if silent:
        parts.append(f"Excited by no picture: {', '.join(silent)}.")
    per_unit = 3 if kernels is None else 4
    return grid(pictures, titles, per_unit * min(columns, len(drawn)), " ".join(filter(None, parts)), side)


def _tiled(patches: Sequence[Array]) -> Array:
    """Put patches side by side, those of a few pixels enlarged first, so that the gaps stay narrow."""
    factor = max(1, SMALLEST // patches[0].shape[0])
    return tile([patch.repeat(factor, 0).repeat(factor, 1) for patch in patches])
