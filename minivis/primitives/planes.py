"""Convolution of maps with few channels, such as a picture: the fast twin in `conv.py` for a network's first row.

It is the same product of windows and kernel. But with three channels last, what lies side by side in a window are nine
numbers, and copying or adding runs that short takes longer than the product. So strips of the maps are turned into
planes, one per channel, where a window's element (a, b, c) of all windows is a few long runs.

A picture has flat areas, and there all windows are equal. So must be what comes out, to the last bit: a max-pool
settles ties by place, and rounding must not settle them instead. `_filters_at_once` sees to that. (Where the pool comes
only after a Winograd convolution, as in VGG16, it is in vain: that rounds by the place in a tile.)
"""

import functools
import threading

import numpy as np

from .. import parallel
from ..workspace import empty, scratch
from .windows import Grid, remove_sides

MOST_CHANNELS = 4
LEAST_PLACES = 1 << 10  # of the output: below, what it saves is less than what it costs (ours)
STRIP_BYTES = 1 << 20  # of the matrix of windows (ours: 0.5 to 4 MiB measured alike)
FEW_FILTERS = 4  # are rounded alike in every place by the kernels measured, OpenBLAS's for five kinds of processors
PROBED_ROWS = (509, 511, 1021, 1024)  # some leave rows over after any number of blocks


def pays(kernel: np.ndarray, out: tuple[int, int]) -> bool:
    """Return whether this path is right here: float32, few channels, windows of several places, a map of some size."""
    few = kernel.shape[2] <= MOST_CHANNELS and kernel.shape[:2] != (1, 1)
    return few and kernel.dtype == np.float32 and out[0] * out[1] >= LEAST_PLACES


def forward(
    x: np.ndarray, kernel: np.ndarray, places: Grid, bias: np.ndarray | None = None, rectify: bool = False
) -> np.ndarray:
    """Return the convolution of x (N, H, W, C) with a kernel (kh, kw, C, K), its bias, and a ReLU if `rectify`."""
    kh, kw, channels, filters = kernel.shape
    matrix = kernel.reshape(-1, filters)
    y = empty((len(x), places.rows, places.columns, filters), np.result_type(x, kernel))
    at_once = _filters_at_once(*matrix.shape, y.dtype)

    def work(strips: list[tuple[int, slice]]) -> None:
        for picture, rows in strips:
            planes = _planes(x[picture], rows, places)
            count = rows.stop - rows.start
            cut = scratch("cut", (kh, kw, channels, count, places.columns), x.dtype)
            for i in range(kh):
                for j in range(kw):
                    cut[i, j] = _element(planes, i, j, count, places)
            strip = y[picture, rows].reshape(-1, filters)
            for k in range(0, filters, at_once):
                first = min(k, filters - at_once)  # never fewer at once: a single one would be rounded otherwise
                some = slice(first, first + at_once)
                np.matmul(cut.reshape(len(matrix), -1).T, matrix[:, some], out=strip[:, some])
            if bias is not None:
                strip += bias
            if rectify:
                np.maximum(strip, 0, out=strip)

    parallel.over(_strips(len(x), kernel, places), work)
    return y


def adjoint(g: np.ndarray, kernel: np.ndarray, places: Grid, shape: tuple[int, ...]) -> np.ndarray:
    """Return the gradient of the input, of `shape`, for g (N, rows, columns, K)."""
    kh, kw, channels, filters = kernel.shape
    n, height, width, _ = shape
    matrix = kernel.reshape(-1, filters)
    top, bottom, left, right = places.sides
    padded = np.zeros((n, channels, top + height + bottom, left + width + right), g.dtype)
    adding = threading.Lock()

    def work(strips: list[tuple[int, slice]]) -> None:
        for picture, rows in strips:
            count, span = rows.stop - rows.start, places.span(rows)
            strip = g[picture, rows].reshape(-1, filters)
            pieces = scratch("cut", (kh, kw, channels, count, places.columns), g.dtype)
            np.matmul(matrix, strip.T, out=pieces.reshape(len(matrix), -1))
            planes = np.zeros((channels, span.stop - span.start, padded.shape[3]), g.dtype)
            for i in range(kh):
                for j in range(kw):
                    _element(planes, i, j, count, places)[...] += pieces[i, j]
            with adding:  # at most two strips share a row, so that the order does not matter, not to the last bit
                padded[picture, :, span] += planes

    parallel.over(_strips(n, kernel, places), work)
    return np.ascontiguousarray(remove_sides(padded.transpose(0, 2, 3, 1), places.sides))


@functools.cache
def _filters_at_once(inner: int, filters: int, dtype: np.dtype) -> int:
    """Return how many filters, of `inner` numbers each, one product may have: all, if BLAS rounds equal rows alike.

    OpenBLAS's kernels for Haswell and Zen do not: in twelve rows, six come out otherwise than the other six.
    """
    rng = np.random.default_rng(0)
    window, matrix = (rng.standard_normal(shape).astype(dtype) for shape in ((inner, 1), (inner, filters)))
    windows = np.repeat(window, max(PROBED_ROWS), axis=1)

    def alike(count: int) -> bool:
        found = [windows[:, :rows].T @ matrix[:, :count] for rows in PROBED_ROWS]
        return all((y == y[0]).all() for y in found)

    answers: list[bool] = []
    parallel.over([0], lambda _: answers.extend((alike(filters), alike(FEW_FILTERS))))  # as in the strips: one thread
    return FEW_FILTERS if answers == [False, True] else filters


def _planes(x: np.ndarray, rows: slice, places: Grid) -> np.ndarray:
    """Return the rows of a picture (H, W, C) that the windows in `rows` see, padded, as planes (C, span, width)."""
    height, width, channels = x.shape
    span, (top, _, left, right) = places.span(rows), places.sides
    planes = scratch("planes", (channels, span.stop - span.start, left + width + right), x.dtype)
    planes.fill(0)
    start, stop = max(0, span.start - top), min(height, span.stop - top)
    if start < stop:
        first = start + top - span.start
        planes[:, first : first + stop - start, left : left + width] = x[start:stop].transpose(2, 0, 1)
    return planes


def _element(planes: np.ndarray, i: int, j: int, count: int, places: Grid) -> np.ndarray:
    """Return element (i, j) of all windows in a strip of `count` rows of windows: a view (C, count, columns)."""
    sy, sx = places.stride
    return planes[:, i : i + (count - 1) * sy + 1 : sy, j : j + (places.columns - 1) * sx + 1 : sx]


def _strips(pictures: int, kernel: np.ndarray, places: Grid) -> list[tuple[int, slice]]:
    """Return (picture, rows of windows) of each strip, none so low that three of them share a row of the maps."""
    kh, kw, channels, _ = kernel.shape
    row_bytes = kh * kw * channels * places.columns * kernel.itemsize
    count = max(places.rows * row_bytes // STRIP_BYTES, 4)  # the same strips for any number of threads
    count = min(count, places.rows // -(-kh // places.stride[0]))
    return [(n, rows) for n in range(pictures) for rows in parallel.cut(places.rows, count)]
