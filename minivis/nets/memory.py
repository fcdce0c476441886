"""How much memory a pass will take, by arithmetic: told before a long run starts, not by a process that is killed.

Forward, a row's value lives until its last reader is done, and a recorded row leaves its residual: a ReLU's is its own
output, a max-pool's one byte for each of its outputs, a convolution's nothing. (A convolution is one row with the ReLU
that is its only reader.) On the way back all residuals are still held, and on top of them two gradients at a time: that
of a row's output, and the one being computed for its input.
"""

import math
from collections import Counter

from ..primitives import planes
from ..primitives.conv import STRIP_BYTES
from ..primitives.winograd import LEAST_CHANNELS, LEAST_TILES, working_bytes
from .architecture import Architecture, Row, relus_at_once
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
    relus = relus_at_once(rows, readers + Counter([rows[-1].name]))
    live: dict[str, int] = {}
    held = peak = weights = 0
    working: list[int] = []
    for this in rows:
        if this.name in relus.values():
            working.append(bytes_of[this.name])
            continue
        out, below = bytes_of[this.name], sum(bytes_of[name] for name in this.inputs)
        parameters = architecture.parameters.get(this.name, {})
        extra = _extra(this, out, below, batch, shapes[this.name], parameters.get("kernel"), itemsize)
        working.append(out + extra)
        weights += _weights(this, parameters, shapes[this.name], batch, itemsize)
        peak = max(peak, held + sum(live.values()) + working[-1])
        is_relu = isinstance(this.layer, ReLU | Softmax) or this.name in relus
        if recorded:
            held += out if is_relu else _residual(this, out, itemsize)
        live[relus.get(this.name, this.name)] = 0 if recorded and is_relu else out  # a ReLU's residual is its value
        for name in this.inputs:
            readers[name] -= 1
            if not readers[name]:
                del live[name]
    if recorded:
        peak = max(
            peak,
            *(held + work + sum(bytes_of[i] for i in r.inputs) for r, work in zip(rows, working, strict=True)),
        )
    return weights + peak  # all of them: what the largest maps took is kept (workspace.py) when the last row is read


def _residual(row: Row, out: int, itemsize: int) -> int:
    if type(row.layer) is MaxPool:
        return out // itemsize
    if isinstance(row.layer, LRN):
        return 2 * out
    return 0


def _extra(row: Row, out: int, below: int, batch: int, shape: Shape, kernel: Shape | None, itemsize: int) -> int:
    """Return what a row needs while it is computed, or walked back through."""
    if isinstance(row.layer, LRN):
        return LRN_TEMPORARIES * out
    if kernel is None or not isinstance(row.layer, Conv):
        return 0
    if _is_fast(row, kernel, itemsize, batch, shape):
        return working_bytes(batch, (shape[0], shape[1]), kernel[2], kernel[3], itemsize)
    if kernel[2] <= planes.MOST_CHANNELS and itemsize == 4:
        return 2 * planes.STRIP_BYTES
    windows = batch * math.prod(shape[:2]) * math.prod(kernel[:3]) * itemsize
    return min(STRIP_BYTES, windows) + (below if row.layer.padding else 0)  # and the padded maps


def _weights(row: Row, parameters: dict[str, Shape], out: Shape, batch: int, itemsize: int) -> int:
    """Return the bytes of a row's weights, with Winograd's transform of its kernel where that is used."""
    if not parameters:
        return 0
    total = sum(math.prod(shape) for shape in parameters.values()) * itemsize
    if _is_fast(row, parameters["kernel"], itemsize, batch, out):
        total += 36 * math.prod(parameters["kernel"][2:]) * itemsize
    return total


def _is_fast(row: Row, kernel: Shape, itemsize: int, batch: int, out: Shape) -> bool:
    """Return whether `winograd.py` takes this row: see `WinogradPlan.pays`."""
    layer = row.layer
    if not isinstance(layer, Conv) or (layer.kernel, layer.stride, layer.groups, itemsize) != (3, 1, 1, 4):
        return False
    tiles = batch * -(-out[0] // 4) * -(-out[1] // 4)
    return min(kernel[2:]) >= LEAST_CHANNELS and tiles >= LEAST_TILES
