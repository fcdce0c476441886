"""How much memory a pass will take, by arithmetic: told before a long run starts, not by a process that is killed.

Forward, a row's value lives until its last reader is done, and a recorded row leaves its residual: a ReLU's is its own
output, a max-pool's one byte for each of its outputs, a convolution's nothing. On the way back all residuals are there,
and the g of a row together with that of the row below.
"""

import math
from collections import Counter

from ..parallel import thread_count
from ..primitives.conv import STRIP_BYTES
from ..primitives.winograd import LEAST_CHANNELS, LEAST_STRIP_BYTES, LEAST_TILES, MOST_STRIP_BYTES
from .architecture import Architecture, Row
from .layers import LRN, Conv, MaxPool, ReLU, Shape, Softmax

LRN_TEMPORARIES = 3  # arrays of the row's size that its formula holds at a time (ours, measured)


def peak_memory(
    architecture: Architecture,
    size: int | tuple[int, int] | None = None,
    batch: int = 1,
    row: str | None = None,
    recorded: bool = True,
    itemsize: int = 4,
) -> int:
    """Return about how many bytes one pass takes at its peak, weights included.

    Parameters
    ----------
    architecture : Architecture
    size : int or (height, width), optional
        Of the pictures. Default: the size trained for.
    batch : int
        How many pictures at once.
    row : str, optional
        The row asked for. Default: the scores before the softmax.
    recorded : bool
        Whether there is a walk back to the picture.
    itemsize : int
        4 for float32, 8 for float64.

    Returns
    -------
    int
        What arrays take; the interpreter and its libraries come on top. Within a quarter of what is measured on the
        networks here (tests/nets/test_memory.py).
    """
    rows = architecture.ancestors([architecture.check(row or architecture.logits)])
    shapes = architecture.shapes(size, upto=rows[-1].name)
    bytes_of = {name: batch * itemsize * math.prod(shape) for name, shape in shapes.items()}
    readers = Counter(name for row in rows for name in row.inputs)
    live: dict[str, int] = {}
    held = peak = weights = 0
    working: list[int] = []
    for this in rows:
        out, below = bytes_of[this.name], sum(bytes_of[name] for name in this.inputs)
        parameters = architecture.parameters.get(this.name, {})
        working.append(out + _extra(this, out, below, parameters.get("kernel"), itemsize))
        weights += _weights(this, parameters, shapes[this.name], batch, itemsize)
        peak = max(peak, weights + held + sum(live.values()) + working[-1])
        own_output = recorded and isinstance(this.layer, ReLU | Softmax)  # residual and value are one array
        held += _residual(this, out, itemsize) if recorded else 0
        live[this.name] = 0 if own_output else out
        for name in this.inputs:
            readers[name] -= 1
            if not readers[name]:
                del live[name]
    if recorded:
        peak = max(
            peak,
            *(
                weights + held + work + sum(bytes_of[i] for i in r.inputs)
                for r, work in zip(rows, working, strict=True)
            ),
        )
    return peak


def _residual(row: Row, out: int, itemsize: int) -> int:
    if type(row.layer) is MaxPool:
        return out // itemsize
    if isinstance(row.layer, LRN):
        return 2 * out
    return out if isinstance(row.layer, ReLU | Softmax) else 0


def _extra(row: Row, out: int, below: int, kernel: Shape | None, itemsize: int) -> int:
    """Return what a row needs while it is computed, or walked back through."""
    if isinstance(row.layer, LRN):
        return LRN_TEMPORARIES * out
    if kernel is None or not isinstance(row.layer, Conv):
        return 0
    if not _is_fast(row, kernel, itemsize, 1 << 20):
        return 2 * STRIP_BYTES + (below if row.layer.padding else 0)  # windows, their product, the padded maps
    channels, filters = kernel[2:]
    transformed = 36 * channels * filters * itemsize
    strip = min(max(LEAST_STRIP_BYTES, transformed), MOST_STRIP_BYTES, 36 * below // 16)
    return int(thread_count() * strip * (2 + (36 + 16) / 36 * filters / channels))  # its four buffers


def _weights(row: Row, parameters: dict[str, Shape], out: Shape, batch: int, itemsize: int) -> int:
    """Return the bytes of a row's weights, with Winograd's transform of its kernel where that is used."""
    if not parameters:
        return 0
    total = sum(math.prod(shape) for shape in parameters.values()) * itemsize
    tiles = batch * -(-out[0] // 4) * -(-out[1] // 4) if len(out) == 3 else 0
    if _is_fast(row, parameters["kernel"], itemsize, tiles):
        total += 36 * math.prod(parameters["kernel"][2:]) * itemsize
    return total


def _is_fast(row: Row, kernel: Shape, itemsize: int, tiles: int) -> bool:
    """Return whether `winograd.py` takes this row: see `WinogradPlan.pays`."""
    layer = row.layer
    fits = isinstance(layer, Conv) and (layer.kernel, layer.stride, layer.groups) == (3, 1, 1) and itemsize == 4
    return fits and min(kernel[2:]) >= LEAST_CHANNELS and tiles >= LEAST_TILES
