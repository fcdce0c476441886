"""The max-pool that most networks have, 2x2 with stride 2, in one pass over memory: the fast twin in `pooling.py`.

Windows do not overlap, so the four elements of every window are four views of the maps. Two rounds of a tournament find
the largest and its switch; on the way back each element is written once, and nothing is cleared or added before. Rows
are taken in strips that stay in the cache.
"""

import numpy as np

from .. import parallel
from ..workspace import empty

STRIP_BYTES = 1 << 20  # of the input (ours: 0.5 to 2 MiB measured alike)


def forward(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the largest of each window of x (N, H, W, C), and its index: the first, row by row, among equals."""
    n, height, width, channels = x.shape
    shape = (n, height // 2, width // 2, channels)
    y, switches = empty(shape, x.dtype), empty(shape, np.uint8)

    def work(strips: list[tuple[int, slice]]) -> None:
        for picture, rows in strips:
            a, b, c, d = _elements(x[picture], rows)
            upper, lower = np.maximum(a, b), np.maximum(c, d)
            below = np.greater(lower, upper).view(np.uint8)  # strictly: of equals, the first wins
            np.maximum(upper, lower, out=y[picture, rows])
            found = np.greater(d, c).view(np.uint8)
            found += 2
            found *= (
                below  # 0 where the upper row wins, else 2 + (d > c); so the larger of this and (b > a) is the switch
            )
            np.maximum(np.greater(b, a).view(np.uint8), found, out=switches[picture, rows])

    parallel.over(_strips(x.shape, x.itemsize), work)
    return y, switches


def adjoint(g: np.ndarray, switches: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return maps of `shape` with each g, a finite number, where its switch says, and zeros elsewhere."""
    gx = empty(shape, g.dtype)
    gx[:, 2 * g.shape[1] :] = 0  # the odd row and column that no window covers
    gx[:, :, 2 * g.shape[2] :] = 0

    def work(strips: list[tuple[int, slice]]) -> None:
        for picture, rows in strips:
            for index, element in enumerate(_elements(gx[picture], rows)):
                np.multiply(g[picture, rows], switches[picture, rows] == index, out=element)

    parallel.over(_strips(shape, g.itemsize), work)
    return gx


def _elements(maps: np.ndarray, rows: slice) -> list[np.ndarray]:
    """Return the four elements of the windows in some rows of windows, as views of maps (H, W, C)."""
    width = 2 * (maps.shape[1] // 2)
    return [maps[2 * rows.start + i : 2 * rows.stop : 2, j:width:2] for i in (0, 1) for j in (0, 1)]


def _strips(shape: tuple[int, ...], itemsize: int) -> list[tuple[int, slice]]:
    """Return (picture, rows of windows) of each strip of maps of `shape`."""
    n, height, width, channels = shape
    most = max(1, STRIP_BYTES // (2 * width * channels * itemsize))
    return [(picture, rows) for picture in range(n) for rows in parallel.cut(height // 2, -(-(height // 2) // most))]
