"""Convolution with 3x3 kernels in a quarter of the multiplications: Winograd's F(4x4, 3x3).

Sixteen neighbouring outputs of a 3x3 convolution come from one tile of 6x6 inputs, by 144 multiplications. Lavin and
Gray (2016, "Fast algorithms for convolutional neural networks", section 4.3) need 36: transform the tile (``B' d B``)
and the kernel (``G g G'``), multiply them element by element, and transform back (``A' m A``). Summed over channels,
that multiplication is 36 matrix products.

This is the fast twin of `conv.py`; it computes the same function, and the same tests call both. What makes it fast:

- Nothing is cut out. With channels last, six rows of a map are a matrix of six rows, so one small product does the
  vertical half of ``B' d B`` for a whole row of tiles; the horizontal half reads overlapping tiles where they lie; and
  the vertical half of ``A' m A`` leaves four finished rows of the output in their place.
- Tiles are taken in strips that stay in a core's cache, bias and ReLU included.
- The way back is the same routine: the gradient of the input is a convolution with the kernel turned by 180 degrees,
  and the points below are chosen so that it needs no other transform of the kernel.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .. import parallel
from ..backend import Array, array_module
from ..workspace import empty, scratch
from . import gpu
from .windows import Sides

# F(4, 3) by interpolation (Toom and Cook's way) at 0, 1, -1, 1/2, -2 and infinity: G and A evaluate polynomials there,
# B interpolates. Lavin and Gray take 2 in place of 1/2; these points err less (RMS, by a quarter to a third; Barabasz
# et al. 2018, "Error analysis and improving the accuracy of Winograd convolution", look for such points), and -1/p of
# each is one of them again, which `TURNED` needs.
A_T = np.array(
    [
        [1, 1, 1, 1, 1, 0],
        [0, 1, -1, 1 / 2, -2, 0],
        [0, 1, 1, 1 / 4, 4, 0],
        [0, 1, -1, 1 / 8, -8, 1],
    ]
)
B_T = np.array(
    [
        [1, -3 / 2, -2, 3 / 2, 1, 0],
        [0, -1, 1 / 2, 5 / 2, 1, 0],
        [0, 1, -5 / 2, 1 / 2, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 1 / 2, -1, -1 / 2, 1, 0],
        [0, 1, -3 / 2, -2, 3 / 2, 1],
    ]
)
G = np.array(
    [
        [1, 0, 0],
        [1 / 3, 1 / 3, 1 / 3],
        [-1 / 3, 1 / 3, -1 / 3],
        [-16 / 15, -8 / 15, -4 / 15],
        [1 / 15, -2 / 15, 4 / 15],
        [0, 0, 1],
    ]
)
ONES = 1  # the column of A' that is all ones: what is added there is added to every output


Share = Callable[[list, Callable[[list], Any]], Any]  # `parallel.over`, or `_alone`


class Transforms(NamedTuple):
    """The two matrices around the product: how tiles become V, and how M becomes outputs."""

    b_t: np.ndarray  # (6, 6)
    a_t: np.ndarray  # (4, 6)


def _turned() -> Transforms:
    """Return the transforms that convolve with the turned kernel, given the G g G' of the kernel as it is.

    Row p of G evaluates the kernel as a polynomial, g(p) = g0 + g1 p + g2 p². The turned kernel is g2 + g1 p + g0 p²,
    that is p² g(1/p), and changing the sign of every other tap puts -p in the place of p. So the turned kernel needs g
    at -1/p, which is again one of the points: the same rows of U in another order (0 and infinity change places, 1 and
    -1, 1/2 and -2), each times a number.
    """
    places, signs = [5, 2, 1, 4, 3, 0], np.array([1, -1, 1, -1, 1, -1])
    turned = G[:, ::-1] * signs[:3]  # each row is a multiple of the row of G at the point it goes to
    scale = (turned * G[places]).sum(1) / (G[places] ** 2).sum(1)
    return Transforms((B_T * signs)[places], (signs[:4, None] * A_T * scale)[:, places])


AS_IT_IS, TURNED = Transforms(B_T, A_T), _turned()

LEAST_TILES = 36  # below, it gains nothing (measured at 14 x 14), and U takes four times the kernel's memory
LEAST_CHANNELS = 32  # below, the transforms are most of the work (16 channels gain a little on the way back only)
STRIP_BYTES = 3 << 20  # of V or M, one thread's strip: some caches of a core (measured: 2 to 4 MiB are alike)
SMALL_U_BYTES = 3 << 20  # up to here each thread takes strips of its own; a larger U is read by one thread at a time
WHOLE_STRIP_BYTES = 32 << 20  # of V or M, where all threads work on one strip (measured: better than 8 and 16)
DEVICE_STRIP_BYTES = 1 << 30  # of V and M on a GPU, which wants few, large products (ours, not measured)
THREADS_FROM = 1 << 22  # multiplications: below, threads cost more than they bring


class WinogradPlan:
    """A kernel, and its transform once it has been needed: made for one array, and never used for another."""

    def __init__(self, kernel: Array):
        self.kernel = kernel
        self._transformed: Array = None

    @property
    def transformed(self) -> Array:
        """The kernel (3, 3, C, K) as U = G g G', shape (36, C, K); computed in float64."""
        if self._transformed is None:
            kh, kw, channels, filters = self.kernel.shape
            flat = self.kernel.reshape(kh * kw, channels * filters)
            xp = array_module(flat)
            gg = xp.asarray(np.kron(G, G))
            u = xp.empty((36, channels * filters), dtype=self.kernel.dtype)
            for first in range(0, flat.shape[1], 1 << 14):  # in parts: no float64 copy of the whole
                part = slice(first, first + (1 << 14))
                u[:, part] = parallel.product(gg, flat[:, part].astype(np.float64))
            self._transformed = u.reshape(36, channels, filters)
        return self._transformed

    def pays(self, kernel: Array, x: Array, shape: tuple[int, ...], out: tuple[int, int]) -> bool:
        """Return whether the fast path is right here: all in float32, for this very kernel, large enough to win."""
        if self.kernel is not kernel or not (kernel.dtype == x.dtype == np.float32):
            return False
        tiles = shape[0] * -(-out[0] // 4) * -(-out[1] // 4)
        return min(kernel.shape[2:]) >= LEAST_CHANNELS and tiles >= LEAST_TILES

    def __reduce__(self) -> tuple:
        return WinogradPlan, (self.kernel,)


def forward(
    x: Array,
    plan: WinogradPlan,
    sides: Sides,
    out: tuple[int, int],
    bias: Array | None = None,
    rectify: bool = False,
) -> Array:
    """Return the convolution of `x` (N, H, W, C), stride 1, with `out` rows and columns: (N, *out, K).

    With `rectify`, what is negative in the result is 0: a ReLU while the strip is in the cache.
    """
    y = _room((len(x), *out, plan.transformed.shape[2]), x)
    _run(_Convolution(x, plan.transformed, AS_IT_IS, y, sides.top, sides.left, bias, rectify))
    return y


def adjoint(g: Array, plan: WinogradPlan, sides: Sides, shape: tuple[int, ...]) -> Array:
    """Return the gradient of the input, of `shape`, for g (N, rows, columns, K): by the turned kernel, with its U."""
    gx = _room(shape, g)
    _run(_Convolution(g, plan.transformed.swapaxes(1, 2), TURNED, gx, 2 - sides.top, 2 - sides.left))
    return gx


def _room(shape: tuple[int, ...], like: Array) -> Array:
    """Return an array for a result, in the library and dtype of `like`."""
    return (
        empty(shape, like.dtype) if isinstance(like, np.ndarray) else array_module(like).empty(shape, dtype=like.dtype)
    )


class _Convolution(NamedTuple):
    """What is convolved with what, and where the result goes; the first tile starts `top`, `left` outside of `x`."""

    x: Array  # (N, H, W, C)
    u: Array  # (36, C, K)
    transforms: Transforms
    y: Array  # (N, rows, columns, K)
    top: int
    left: int
    bias: Array | None = None
    rectify: bool = False

    @property
    def down(self) -> int:
        """How many rows of tiles a picture has."""
        return -(-self.y.shape[1] // 4)

    @property
    def across(self) -> int:
        """How many tiles a row has."""
        return -(-self.y.shape[2] // 4)


def _run(job: _Convolution) -> None:
    """Share the rows of tiles out among threads.

    Where U is small, each thread takes strips of its own. Where it is large, reading it is what takes time, so all
    threads work on one large strip, and each reads the part of U that belongs to its share of the 36 products.
    """
    if not isinstance(job.x, np.ndarray):
        _on_device(job)
        return
    rows = len(job.x) * job.down
    _, channels, filters = job.u.shape
    strips = _strips(rows, job.across, channels, filters, job.u.itemsize)
    multiplications = rows * job.across * job.u.size
    share = parallel.over if multiplications >= THREADS_FROM else _alone
    if _is_small(channels, filters, job.u.itemsize):
        share(strips, lambda some: _strip_by_strip(job, some, _alone))
    else:
        _strip_by_strip(job, strips, share)


def _is_small(channels: int, filters: int, itemsize: int) -> bool:
    """Return whether each thread may read all of U."""
    return 36 * channels * filters * itemsize <= SMALL_U_BYTES


def _strips(rows: int, across: int, channels: int, filters: int, itemsize: int) -> list[range]:
    """Cut so many rows of tiles into strips of at least one."""
    row_bytes = 36 * across * max(channels, filters) * itemsize
    if _is_small(channels, filters, itemsize):
        count = -(-rows * row_bytes // STRIP_BYTES)
        count += -count % 4  # so that two or four threads get equally many; the strips must not depend on the threads
    else:
        count = -(-rows * row_bytes // WHOLE_STRIP_BYTES)
    return [range(rows)[part] for part in parallel.cut(rows, count)]


def working_bytes(pictures: int, out: tuple[int, int], channels: int, filters: int, itemsize: int) -> int:
    """Return how many bytes V and M take together, over all threads."""
    down, across = (-(-size // 4) for size in out)
    longest = max(map(len, _strips(pictures * down, across, channels, filters, itemsize)))
    threads = parallel.thread_count() if _is_small(channels, filters, itemsize) else 1
    return threads * longest * 36 * across * (channels + filters) * itemsize


def _strip_by_strip(job: _Convolution, strips: list[range], share: Share) -> None:
    """Do some strips one after the other; `share` says who does the parts of each of the three steps."""
    room = max(map(len, strips))
    channels, filters = job.u.shape[1:]
    v = scratch("v", (6, 6, room, job.across, channels), job.x.dtype)
    m = scratch("m", (6, 6, room, job.across, filters), job.x.dtype)
    for strip in strips:
        rows = list(enumerate(strip))
        v_here, m_here = v[:, :, : len(strip)], m[:, :, : len(strip)]  # strips differ by a row
        share(rows, functools.partial(_to_tiles, job, v_here))
        share(list(range(36)), functools.partial(_multiply, job.u, v_here, m_here))
        share(rows, functools.partial(_to_maps, job, m_here))


def _to_tiles(job: _Convolution, v: np.ndarray, rows: list[tuple[int, int]]) -> None:
    """Fill v (6, 6, rows, across, C) with ``B' d B``: for each row (its place in v, its number) of tiles."""
    _, height, width, channels = job.x.shape
    b_t = job.transforms.b_t.astype(v.dtype)
    # Six rows of the input, transformed vertically, with zeros left and right; and its overlapping tiles.
    band = scratch("band", (6, 4 * job.across + 2, channels), v.dtype)
    band.fill(0)
    down, right, deep = band.strides
    tiles = as_strided(band, (6, job.across, 6, channels), (down, 4 * right, right, deep))
    first, last = max(0, job.left), max(job.left, min(band.shape[1], job.left + width))
    inside = band[:, first:last].reshape(6, -1)  # a view
    columns = slice(first - job.left, last - job.left)
    for place, row in rows:
        picture, tile = divmod(row, job.down)
        first = 4 * tile - job.top
        start, stop = min(max(0, first), height), max(0, min(first + 6, height))
        taken = job.x[picture, start:stop, columns]
        # What lies above or below the map is zero: the columns of B' that would meet it are left out.
        np.matmul(b_t[:, start - first : stop - first], taken.reshape(len(taken), inside.shape[1]), out=inside)
        np.matmul(b_t, tiles, out=v[:, :, place].swapaxes(1, 2))


def _multiply(u: np.ndarray, v: np.ndarray, m: np.ndarray, numbers: list[int]) -> None:
    """Do some of the 36 products: tiles (rows * across, C) by kernels (C, K)."""
    for number in numbers:
        i, j = divmod(number, 6)
        np.matmul(v[i, j].reshape(-1, v.shape[-1]), u[number], out=m[i, j].reshape(-1, m.shape[-1]))


def _to_maps(job: _Convolution, m: np.ndarray, rows: list[tuple[int, int]]) -> None:
    """Write ``A' m A`` of m (6, 6, rows, across, K) where it belongs, with bias and ReLU."""
    width, filters = job.y.shape[2:]
    a_t = job.transforms.a_t.astype(m.dtype)
    half = scratch("half", (6, job.across, 4, filters), m.dtype)  # six rows, transformed horizontally
    fits = width == 4 * job.across
    rest = None if fits else scratch("rest", (4, 4 * job.across, filters), m.dtype)
    for place, row in rows:
        picture, tile = divmod(row, job.down)
        if job.bias is not None:
            m[ONES, ONES, place] += job.bias
        np.matmul(a_t, m[:, :, place].swapaxes(1, 2), out=half)
        whole = job.y[picture, 4 * tile : 4 * tile + 4]
        finished = whole if rest is None else rest[: len(whole)]
        np.matmul(a_t[: len(whole)], half.reshape(6, -1), out=finished.reshape(len(whole), -1))
        if job.rectify:
            np.maximum(finished, 0, out=finished)
        if rest is not None:
            whole[...] = finished[:, :width]


def _on_device(job: _Convolution) -> None:
    """Do the same on a GPU: one kernel for each transform, and the 36 products between them."""
    xp = array_module(job.x)
    job = job._replace(x=xp.ascontiguousarray(job.x))
    count = len(job.x) * job.down * job.across
    at_once = max(1, DEVICE_STRIP_BYTES // (36 * sum(job.u.shape[1:]) * job.u.itemsize))
    for first in range(0, count, at_once):
        tiles = range(first, min(first + at_once, count))
        v = gpu.to_tiles(job.x, job.transforms.b_t, job.down, job.across, (job.top, job.left), tiles)
        m = xp.empty((36, len(tiles), job.u.shape[2]), dtype=v.dtype)
        for number in range(36):  # one by one: CuPy knows TF32 in products of two matrices only
            xp.matmul(v[number], job.u[number], out=m[number])
        gpu.to_maps(m, job.transforms.a_t, job.bias, job.rectify, job.y, job.down, job.across, tiles)


def _alone(pieces: list, work: Callable[[list], None]) -> None:
    """Do all pieces here: what `parallel.over` does in threads."""
    work(pieces)
