"""Windows sliding over maps: the one piece of arithmetic that convolution and pooling share.

Maps are (N, H, W, C). A window of (kh, kw) moves by a stride over maps padded on each of their four sides. `windows`
shows each window without copying; `overlap_add` is its exact adjoint: it lays windows back where they came from, and
adds where they overlap.
"""

from typing import NamedTuple

from ..backend import Array, array_module
from ..errors import InputError

Pair = tuple[int, int]


class Sides(NamedTuple):
    """How much is added on each side of a map."""

    top: int
    bottom: int
    left: int
    right: int


class Grid(NamedTuple):
    """Where the windows lie: all that is needed to find them again on the way back."""

    kernel: Pair
    stride: Pair
    sides: Sides  # may exceed the padding asked for, where ceil mode overhangs
    rows: int
    columns: int

    def span(self, rows: slice) -> slice:
        """Return the rows of the padded maps that the windows in `rows` cover."""
        sy = self.stride[0]
        return slice(rows.start * sy, (rows.stop - 1) * sy + self.kernel[0])


def pair(value: int | Pair, name: str, least: int = 1) -> Pair:
    """Return `value` as a pair (vertical, horizontal), checked to be integers of at least `least`."""
    both = tuple(value) if isinstance(value, tuple | list) else (value, value)
    if len(both) != 2 or not all(isinstance(v, int) and v >= least for v in both):
        raise InputError(f"{name} must be an integer >= {least} or a pair of them, got {value!r}")
    return both


def four_sides(padding: int | tuple) -> Sides:
    """Return `padding` as `Sides`: from one number, (vertical, horizontal) or ((top, bottom), (left, right))."""
    if isinstance(padding, Sides):
        return padding
    if isinstance(padding, tuple | list) and len(padding) == 2 and all(isinstance(p, tuple | list) for p in padding):
        return Sides(*pair(padding[0], "padding", 0), *pair(padding[1], "padding", 0))
    vertical, horizontal = pair(padding, "padding", 0)
    return Sides(vertical, vertical, horizontal, horizontal)


def positions(size: int, kernel: int, stride: int, before: int, after: int, ceil: bool = False) -> int:
    """Return how many windows fit along one axis.

    With `ceil`, a last window may overhang the end, if it starts inside the map or its leading padding (Caffe's and
    PyTorch's rule).
    """
    room = size + before + after - kernel
    if room < 0:
        raise InputError(
            f"a window of {kernel} does not fit into {size} + {before + after} of padding: is the picture too small?"
        )
    count = room // stride + 1
    if ceil and room % stride and count * stride < size + before:
        count += 1
    return count


def grid(
    shape: tuple[int, ...], kernel: int | Pair, stride: int | Pair, padding: int | tuple, ceil: bool = False
) -> Grid:
    """Return the grid of windows over maps of `shape` (N, H, W, C)."""
    kernel, stride, sides = pair(kernel, "kernel"), pair(stride, "stride"), four_sides(padding)
    _, height, width, _ = shape
    rows = positions(height, kernel[0], stride[0], sides.top, sides.bottom, ceil)
    columns = positions(width, kernel[1], stride[1], sides.left, sides.right, ceil)
    overhang_y = max(0, (rows - 1) * stride[0] + kernel[0] - height - sides.top - sides.bottom)
    overhang_x = max(0, (columns - 1) * stride[1] + kernel[1] - width - sides.left - sides.right)
    sides = sides._replace(bottom=sides.bottom + overhang_y, right=sides.right + overhang_x)
    return Grid(kernel, stride, sides, rows, columns)


def add_sides(x: Array, sides: Sides, value: float = 0.0) -> Array:
    """Return `x` with `sides` added, filled with `value`; `x` itself where there is nothing to add."""
    if not any(sides):
        return x
    top, bottom, left, right = sides
    n, height, width, channels = x.shape
    xp = array_module(x)
    padded = xp.full((n, top + height + bottom, left + width + right, channels), value, dtype=x.dtype)
    padded[:, top : top + height, left : left + width] = x
    return padded


def remove_sides(x: Array, sides: Sides) -> Array:
    """Return the view of `x` without `sides` (the adjoint of `add_sides`)."""
    top, bottom, left, right = sides
    return x[:, top : x.shape[1] - bottom, left : x.shape[2] - right]


def windows(padded: Array, kernel: Pair, stride: Pair) -> Array:
    """Return every window of `padded` as a read-only view of shape (N, rows, columns, kh, kw, C)."""
    xp = array_module(padded)
    view = xp.lib.stride_tricks.sliding_window_view(padded, kernel, axis=(1, 2))  # (N, y, x, C, kh, kw)
    return view[:, :: stride[0], :: stride[1]].transpose(0, 1, 2, 4, 5, 3)


def overlap_add(pieces: Array, padded: Array, stride: Pair) -> None:
    """Add `pieces` (N, rows, columns, kh, kw, C) into `padded` (N, H, W, C), each where its window lies."""
    _, rows, columns, kh, kw, _ = pieces.shape
    for i in range(kh):
        for j in range(kw):
            window_slice(padded, i, j, stride, rows, columns)[...] += pieces[:, :, :, i, j]


def window_slice(padded: Array, i: int, j: int, stride: Pair, rows: int, columns: int) -> Array:
    """Return the view of `padded` that holds element (i, j) of every window: (N, rows, columns, C)."""
    sy, sx = stride
    return padded[:, i : i + (rows - 1) * sy + 1 : sy, j : j + (columns - 1) * sx + 1 : sx]
