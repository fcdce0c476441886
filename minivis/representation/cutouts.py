"""What a unit saw in the pictures that excite it most: its receptive field cut out, and two walks back beside it."""

from typing import Any, NamedTuple

import numpy as np

from ..attribution.targets import seed_for
from ..backend import to_host
from ..errors import InputError
from ..nets import Net
from ..nets.reference import fingerprint
from ..rules import DECONVNET_ZF, GUIDED
from ..tape import Tensor, backward
from .folders import Entry, read_batch
from .patches import PatchIndex


class UnitPatches(NamedTuple):
    """The patches of one unit, the strongest first, each (s, s, 3) with s the side of its receptive field.

    Attributes
    ----------
    row : str
    unit : int
    values : ndarray, shape (k,)
    entries : list of Entry
        The pictures they are from.
    places : list of tuple
        The unit's place in its map, (i, j); () in a row of scores.
    patches : list of ndarray
        RGB, 0..255, of the picture as the network took it; beyond its edge, the network's mean colour.
    deconvnet, guided : list of ndarray
        Signed: what the two walks back from that one unit make of the picture, cut out alike; beyond the edge 0.
    notes : list of str
        A line for each picture that is no longer there.
    """

    row: str
    unit: int
    values: np.ndarray
    entries: list[Entry]
    places: list[tuple[int, ...]]
    patches: list[np.ndarray]
    deconvnet: list[np.ndarray]
    guided: list[np.ndarray]
    notes: list[str]


def unit_patches(net: Net, index: PatchIndex, row: str, unit: int) -> UnitPatches:
    """Cut out what one unit saw in its strongest pictures, and walk back from it by DeconvNet and by guided backprop.

    A picture in which the unit is 0 does not excite it and is left out. Where the receptive field is as large as the
    picture, or the row one of scores, the patch is the whole picture.
    """
    heap = index.heap(row)
    if (index.net, index.weights_sha256) != (net.name, fingerprint(net)):
        raise InputError(f"the index is of {index.net} with other weights than this {net.name}")
    if not 0 <= unit < len(heap.values):
        raise InputError(f"{row} of {net.name} has units 0 to {len(heap.values) - 1}, asked for {unit}")
    found = UnitPatches(row, unit, np.empty(0), [], [], [], [], [], [])
    is_maps = len(net.shapes(upto=row)[row]) == 3
    values = []
    for value, number, place in zip(*(array[unit] for array in heap), strict=True):
        if number < 0 or value == 0:
            continue
        entry = index.pictures[number]
        batch, (problem,) = read_batch(net, [entry.path])
        if batch is None:
            found.notes.append(f"{entry.path}: {problem}")
            continue
        where: tuple[int, ...] = (int(place[0]), int(place[1])) if is_maps else ()
        try:
            walks = _walks(net, batch, row, (*where, unit))
        except IndexError:
            raise InputError(f"the index has a place {where} that {row} of {net.name} does not have") from None
        box = _box(net, row, where)
        values.append(value)
        found.entries.append(entry)
        found.places.append(where)
        found.patches.append(crop(to_host(batch)[0], box, to_host(net.mean_colour)))
        found.deconvnet.append(crop(walks[0], box, 0))
        found.guided.append(crop(walks[1], box, 0))
    return found._replace(values=np.array(values, heap.values.dtype))


def crop(picture: np.ndarray, box: tuple[int, int, int, int], fill: Any) -> np.ndarray:
    """Return rows `top` to `bottom` and columns `left` to `right` of a picture (H, W, 3); beyond its edge is `fill`.

    Parameters
    ----------
    picture : ndarray, shape (H, W, 3)
    box : tuple
        (top, left, bottom, right), the ends not included; any of them may lie outside.
    fill : number, or array of 3
    """
    top, left, bottom, right = box
    out = np.empty((bottom - top, right - left, 3), picture.dtype)
    out[:] = fill
    inside = picture[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    first, start = max(-top, 0), max(-left, 0)
    out[first : first + inside.shape[0], start : start + inside.shape[1]] = inside
    return out


def _box(net: Net, row: str, place: tuple[int, ...]) -> tuple[int, int, int, int]:
    field = net.receptive_field(row)
    if not place or field.size >= net.size:
        return 0, 0, net.size, net.size
    (top, bottom), (left, right) = field.span(place[0]), field.span(place[1])
    return top, left, bottom, right


def _walks(net: Net, batch: Any, row: str, unit: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return DeconvNet and guided backprop from one unit: one forward pass, two tables of rules."""
    picture = Tensor(batch)
    y = net.capture(picture, [row])[row]
    deconvnet = backward(y, picture, seed_for(y, [unit], own_value=True), DECONVNET_ZF)
    guided = backward(y, picture, seed_for(y, [unit]), GUIDED)
    return to_host(deconvnet)[0], to_host(guided)[0]
