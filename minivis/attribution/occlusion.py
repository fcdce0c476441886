"""Occlusion: cover a part of the picture, and see what the network thinks of the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from ..backend import Array, array_module, like, ndimage_of
from ..errors import InputError
from ..nets import Net
from ..primitives.windows import pair
from .propagation import Change, full_passes, passes
from .targets import Target, resolve, values_at

Fill = None | str | float | tuple[float, float, float]
Progress = Callable[[Iterable], Iterable] | None


class RandomOcclusion(NamedTuple):
    """What `random_occlusion` found."""

    corners: np.ndarray  # (count, 2): top and left of each window
    scores: np.ndarray  # (N, count)
    kept: np.ndarray  # (N, count) bool: whether the class was still the top class


def occlusion(
    net: Net,
    x: Any,
    target: Target = None,
    window: int | tuple[int, int] = 32,
    stride: int | tuple[int, int] = 8,
    fill: Fill = None,
    output: str | None = None,
    value: bool = False,
    overhang: bool = False,
    incremental: bool = True,
    memory: int = 256 << 20,
    progress: Progress = None,
) -> Array:
    """Slide a window over the picture and return how much the score drops where it lies.

    Parameters
    ----------
    net : Net
    x : ndarray, shape (N, H, W, 3)
        RGB pictures, 0..255.
    target : int, str, tuple, list or None
        A class, or a unit of the row `output`; None for each picture's top class (there: its strongest unit).
    window, stride : int or pair
        In pixels.
    fill : None, "mean", "grey", "blur", number or (r, g, b)
        What covers: the network's mean colour (None, "mean"), 127.5, the picture itself blurred with a sigma of a
        quarter of the window, a grey level, or a colour.
    output : str, optional
        The row of the score. Default: the probability of the class, as in the paper.
    value : bool
        Return the score with the window in place, not the drop from the clean score.
    overhang : bool
        False: windows lie inside the picture. True: one window is centred on each cell of stride x stride pixels, and
        may overhang the edge, so that the map covers the picture evenly.
    incremental : bool
        Compute anew only what a window changes (see `propagation.py`): the same numbers, sooner. False: whole passes.
    memory : int
        About how many bytes of maps to hold at once.
    progress : callable, optional
        Wraps the iterable of passes, for example ``tqdm``.

    Returns
    -------
    ndarray, shape (N, rows, columns)
        ``rows = (H - window) // stride + 1``, or ``ceil(H / stride)`` with `overhang`.

    References
    ----------
    Zeiler and Fergus 2014, section 4.2: a grey square, the probability of the correct class. They fix neither size nor
    stride; 32 and 8 are ours.
    """
    x = net.check_picture(x)
    row = output or net.names[-1]
    window, stride = pair(window, "window"), pair(stride, "stride")
    tops, lefts = (_starts(n, w, s, overhang) for n, w, s in zip(x.shape[1:3], window, stride, strict=True))
    corners = np.array([(top, left) for top in tops for left in lefts])
    clean = net.capture(x, [row])[row]
    chosen = resolve(net, clean, target)
    scores = np.empty((len(x), len(corners)))
    for n, some, captured in _covered(net, x, corners, window, fill, [row], memory, incremental, progress):
        scores[n, some] = values_at(captured[row], [chosen[n]] * len(captured[row]))
    if not value:
        scores = values_at(clean, chosen)[:, None] - scores
    return like(scores.reshape(len(x), len(tops), len(lefts)).astype(net.dtype), x)


def random_occlusion(
    net: Net,
    x: Any,
    target: Target = None,
    count: int = 100,
    window: int | tuple[int, int] = 32,
    fill: Fill = "grey",
    output: str | None = None,
    rng: np.random.Generator | None = None,
    incremental: bool = True,
    memory: int = 256 << 20,
    progress: Progress = None,
) -> RandomOcclusion:
    """Cover `count` random places, and tell for which of them the class is still the network's first choice.

    Parameters
    ----------
    net, x, target, window, fill, output, incremental, memory, progress
        As in `occlusion`.
    count : int
        How many places; the same ones for every picture.
    rng : numpy.random.Generator, optional
        Default: seeded with 0.

    Returns
    -------
    RandomOcclusion
        The windows' corners, the scores, and whether each picture's top class stayed what it was.
    """
    x = net.check_picture(x)
    row = output or net.names[-1]
    window = pair(window, "window")
    rng = rng or np.random.default_rng(0)
    rooms = [len(_starts(size, w, 1, False)) for size, w in zip(x.shape[1:3], window, strict=True)]
    corners = np.stack([rng.integers(0, room, count) for room in rooms], -1)
    clean = net.capture(x, [row, net.logits])
    chosen, first_choice = resolve(net, clean[row], target), resolve(net, clean[net.logits], None)
    scores, kept = np.empty((len(x), count)), np.empty((len(x), count), bool)
    for n, some, captured in _covered(net, x, corners, window, fill, [row, net.logits], memory, incremental, progress):
        scores[n, some] = values_at(captured[row], [chosen[n]] * len(captured[row]))
        kept[n, some] = [choice == first_choice[n] for choice in resolve(net, captured[net.logits], None)]
    return RandomOcclusion(corners, scores, kept)


def _starts(size: int, window: int, stride: int, overhang: bool) -> list[int]:
    """Return where windows start along one axis."""
    if window > size:
        raise InputError(f"a window of {window} does not fit into {size} pixels: choose a smaller window")
    if overhang:
        return [i * stride + stride // 2 - window // 2 for i in range(-(-size // stride))]
    return list(range(0, size - window + 1, stride))


def _covered(
    net: Net,
    x: Array,
    corners: np.ndarray,
    window: tuple[int, int],
    fill: Fill,
    rows: list[str],
    memory: int,
    incremental: bool,
    progress: Progress,
) -> Iterator[tuple[int, list[int], dict[str, Array]]]:
    """Run the network on each picture under each window; yield picture, windows and the rows wanted."""
    cover = _cover(net, x, window, fill)
    height, width = x.shape[1:3]
    changes = [
        Change(max(top, 0), min(top + window[0], height), max(left, 0), min(left + window[1], width))
        for top, left in corners.tolist()
    ]
    run = passes if incremental else full_passes
    found = ((n, *part) for n in range(len(x)) for part in run(net, x[n : n + 1], changes, cover[n], rows, memory))
    yield from progress(found) if progress else found


def _cover(net: Net, x: Array, window: tuple[int, int], fill: Fill) -> Array:
    """Return pictures (N, H, W, 3) from which covered places are taken."""
    xp = array_module(x)
    if isinstance(fill, str) and fill == "blur":
        sigma = max(window) / 4
        return ndimage_of(xp).gaussian_filter(x, (0, sigma, sigma, 0), mode="nearest")
    if fill is None or (isinstance(fill, str) and fill == "mean"):
        colour = net.mean_colour
    elif isinstance(fill, str) and fill == "grey":
        colour = xp.full(3, 127.5, dtype=x.dtype)
    elif isinstance(fill, int | float) and not isinstance(fill, bool):
        colour = xp.full(3, float(fill), dtype=x.dtype)
    elif isinstance(fill, tuple | list) and len(fill) == 3:
        colour = xp.asarray([float(v) for v in fill], dtype=x.dtype)
    else:
        raise InputError(f"fill must be None, 'mean', 'grey', 'blur', a grey level or (r, g, b), got {fill!r}")
    return xp.broadcast_to(colour, x.shape)
