"""Convolution with 3x3 kernels in a quarter of the multiplications: Winograd's F(4x4, 3x3).

Sixteen neighbouring outputs of a 3x3 convolution come from one tile of 6x6 inputs, by 144 multiplications. Lavin and
Gray (2016, "Fast algorithms for convolutional neural networks", section 4.3) need 36: transform the tile (``B' d B``)
and the kernel (``G g G'``), multiply them element by element, and transform back (``A' m A``). Summed over channels,
that multiplication is 36 matrix products, and with Kronecker products each transform is one more.

This is the fast twin of `conv.py`; it computes the same function, and the same tests call both. Tiles are taken in
strips of a few rows, so that their 36-fold copy stays in the cache.
"""

import functools
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from ..parallel import over
from .windows import Sides

# Lavin and Gray 2016, their F(4x4, 3x3): interpolation at 0, 1, -1, 2, -2 and infinity.
B_T = np.array(
    [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ]
)
G = np.array(
    [
        [1 / 4, 0, 0],
        [-1 / 6, -1 / 6, -1 / 6],
        [-1 / 6, 1 / 6, -1 / 6],
        [1 / 24, 1 / 12, 1 / 6],
        [1 / 24, -1 / 12, 1 / 6],
        [0, 0, 1],
    ]
)
A_T = np.array(
    [
        [1, 1, 1, 1, 1, 0],
        [0, 1, -1, 2, -2, 0],
        [0, 1, 1, 4, 4, 0],
        [0, 1, -1, 8, -8, 1],
    ]
)
BB, AA = np.kron(B_T, B_T), np.kron(A_T, A_T)  # (36, 36) and (16, 36): both directions of a tile at once

LEAST_STRIP_BYTES, MOST_STRIP_BYTES = 1 << 20, 8 << 20  # of the gathered tiles; ours: 0.5 to 16 MiB measured alike
LEAST_TILES = 36  # below, it gains nothing (measured at 14 x 14), and U takes four times the kernel's memory
LEAST_CHANNELS = 32  # below, the transforms are most of the work (measured: 16 channels lose, 32 are even)
THREADS_FROM_TILES = 400  # below, each thread's reading of all of U outweighs (ours: 190 to 400 measured alike)


class WinogradPlan:
    """A kernel, and its transform once it has been needed: made for one array, and never used for another."""

    def __init__(self, kernel: np.ndarray):
        self.kernel = kernel
        self._transformed: np.ndarray | None = None

    @property
    def transformed(self) -> np.ndarray:
        """The kernel (3, 3, C, K) as U = G g G', shape (36, C, K); computed in float64."""
        if self._transformed is None:
            kh, kw, channels, filters = self.kernel.shape
            flat = self.kernel.reshape(kh * kw, channels * filters)
            gg = np.kron(G, G)
            u = np.empty((36, channels * filters), self.kernel.dtype)
            for first in range(0, flat.shape[1], 1 << 16):  # in parts: no float64 copy of the whole
                part = slice(first, first + (1 << 16))
                u[:, part] = gg @ flat[:, part].astype(np.float64)
            self._transformed = u.reshape(36, channels, filters)
        return self._transformed

    def pays(self, kernel: np.ndarray, shape: tuple[int, ...], out: tuple[int, int]) -> bool:
        """Return whether the fast path is right here: float32, for this very kernel, and large enough to win."""
        if self.kernel is not kernel or kernel.dtype != np.float32:
            return False
        tiles = shape[0] * -(-out[0] // 4) * -(-out[1] // 4)
        return min(kernel.shape[2:]) >= LEAST_CHANNELS and tiles >= LEAST_TILES

    def __reduce__(self) -> tuple:
        return WinogradPlan, (self.kernel,)


class _Strip(NamedTuple):
    """Rows of tiles of some pictures."""

    pictures: slice
    top: int  # in tiles
    rows: int

    def count(self, columns: int) -> int:
        """Return how many tiles it has."""
        return (self.pictures.stop - self.pictures.start) * self.rows * columns


def forward(x: np.ndarray, plan: WinogradPlan, sides: Sides, out: tuple[int, int]) -> np.ndarray:
    """Return the convolution of `x` (N, H, W, C), stride 1, with `out` rows and columns: (N, *out, K)."""
    u = plan.transformed
    channels, filters = u.shape[1:]
    bb, aa = BB.astype(x.dtype), AA.astype(x.dtype)
    y = np.empty((len(x), *out, filters), x.dtype)
    columns = -(-out[1] // 4)

    def work(strips: list[_Strip]) -> None:
        most = max(strip.count(columns) for strip in strips)
        sizes = (36 * channels, 36 * channels, 36 * filters, 16 * filters)
        d_buffer, v_buffer, m_buffer, y_buffer = (np.empty(most * size, x.dtype) for size in sizes)
        for strip in strips:
            tiles = strip.count(columns)
            some = strip.pictures
            d = d_buffer[: 36 * tiles * channels].reshape(6, 6, -1, strip.rows, columns, channels)
            v = v_buffer[: 36 * tiles * channels].reshape(36, tiles, channels)
            m = m_buffer[: 36 * tiles * filters].reshape(36, tiles, filters)
            _gather(d, x[some], 4 * strip.top - sides.top, -sides.left)
            np.matmul(bb, d.reshape(36, -1), out=v.reshape(36, -1))  # B' d B
            np.matmul(v, u, out=m)
            back = y_buffer[: 16 * tiles * filters].reshape(16, -1)
            np.matmul(aa, m.reshape(36, -1), out=back)  # A' m A
            _scatter(y[some], back.reshape(4, 4, -1, strip.rows, columns, filters), 4 * strip.top)

    _run(list(_strips(len(x), out, u, channels)), work, len(x) * columns * -(-out[0] // 4))
    return y


def adjoint(g: np.ndarray, plan: WinogradPlan, sides: Sides, shape: tuple[int, ...]) -> np.ndarray:
    """Return the gradient of the input, of `shape`, for g (N, rows, columns, K): each step transposed, the same U."""
    u = plan.transformed
    channels, filters = u.shape[1:]
    bb_t, aa_t = BB.T.astype(g.dtype), AA.T.astype(g.dtype)
    gx = np.zeros(shape, g.dtype)
    columns = -(-g.shape[2] // 4)

    def work(strips: list[_Strip]) -> None:
        most = max(strip.count(columns) for strip in strips)
        sizes = (16 * filters, 36 * filters, 36 * channels, 36 * channels)
        p_buffer, m_buffer, v_buffer, d_buffer = (np.empty(most * size, g.dtype) for size in sizes)
        for strip in strips:
            tiles = strip.count(columns)
            some = strip.pictures
            piece = p_buffer[: 16 * tiles * filters].reshape(4, 4, -1, strip.rows, columns, filters)
            m = m_buffer[: 36 * tiles * filters].reshape(36, tiles, filters)
            v = v_buffer[: 36 * tiles * channels].reshape(36, tiles, channels)
            _gather(piece, g[some], 4 * strip.top, 0)
            np.matmul(aa_t, piece.reshape(16, -1), out=m.reshape(36, -1))
            np.matmul(m, u.swapaxes(1, 2), out=v)
            d = d_buffer[: 36 * tiles * channels].reshape(36, -1)
            np.matmul(bb_t, v.reshape(36, -1), out=d)
            back = d.reshape(6, 6, -1, strip.rows, columns, channels)
            _scatter(gx[some], back, 4 * strip.top - sides.top, -sides.left, add=True)

    strips = list(_strips(len(g), g.shape[1:3], u, filters))
    # Neighbouring strips of a picture add into the same two rows: first every other one, then the rest.
    for phase in (0, 1):
        some = [strip for i, strip in enumerate(strips) if i % 2 == phase]
        _run(some, work, len(g) * columns * -(-g.shape[1] // 4))
    return gx


def _strips(pictures: int, out: tuple[int, ...], u: np.ndarray, channels: int) -> Iterator[_Strip]:
    """Cut the output into strips whose gathered tiles are about as large as U: both are read once per strip."""
    rows, columns = -(-out[0] // 4), -(-out[1] // 4)
    budget = min(max(LEAST_STRIP_BYTES, u.nbytes), MOST_STRIP_BYTES)
    row_bytes = columns * 36 * channels * u.itemsize
    together = max(1, budget // (rows * row_bytes))
    height = rows if together > 1 else min(rows, max(1, budget // row_bytes))
    for first in range(0, pictures, together):
        for top in range(0, rows, height):
            yield _Strip(slice(first, min(first + together, pictures)), top, min(height, rows - top))


def _run(strips: list[_Strip], work: Callable[[list[_Strip]], None], tiles: int) -> None:
    if not strips:
        return
    if tiles >= THREADS_FROM_TILES:
        over(strips, work)
    else:
        work(strips)


def _gather(tiles: np.ndarray, maps: np.ndarray, top: int, left: int) -> None:
    """Fill `tiles` (s, s, N, rows, columns, C) with ``maps[:, top + 4 t + i, left + 4 u + j]``, zeros outside."""
    for i in range(tiles.shape[0]):
        there_y, inside_y = _overlap(top + i, tiles.shape[3], maps.shape[1])
        for j in range(tiles.shape[1]):
            there_x, inside_x = _overlap(left + j, tiles.shape[4], maps.shape[2])
            tile = tiles[i, j]
            tile[:, there_y, there_x] = maps[:, inside_y, inside_x]
            tile[:, : there_y.start] = tile[:, there_y.stop :] = 0
            tile[:, :, : there_x.start] = tile[:, :, there_x.stop :] = 0


def _scatter(maps: np.ndarray, tiles: np.ndarray, top: int, left: int = 0, add: bool = False) -> None:
    """Lay `tiles` back where `_gather` takes them from, or add them there; what lies outside is dropped."""
    for i in range(tiles.shape[0]):
        there_y, inside_y = _overlap(top + i, tiles.shape[3], maps.shape[1])
        for j in range(tiles.shape[1]):
            there_x, inside_x = _overlap(left + j, tiles.shape[4], maps.shape[2])
            if add:
                maps[:, inside_y, inside_x] += tiles[i, j, :, there_y, there_x]
            else:
                maps[:, inside_y, inside_x] = tiles[i, j, :, there_y, there_x]


@functools.lru_cache(4096)
def _overlap(first: int, count: int, size: int) -> tuple[slice, slice]:
    """Return which of the places first, first + 4, ... (`count` of them) lie in 0..size-1, and those places."""
    start = max(0, -(first // 4))  # the first t with first + 4 t >= 0
    stop = max(start, min(count, -(-(size - first) // 4)))
    return slice(start, stop), slice(first + 4 * start, first + 4 * stop, 4) if stop > start else slice(0, 0)
