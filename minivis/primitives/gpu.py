"""CUDA kernels for what would take several passes over memory on a GPU: the twins of `gates`, `pooling`, `winograd`.

Everything else on a GPU is the same code as on a CPU, on CuPy arrays. These few kernels are compiled when first needed,
and trusted only after each has given what the plain code gives (`why_not`); if one does not, the plain code is used.
One thread does one number of the output (a gate, a pool) or one channel of one tile (a transform); threads side by side
have channels side by side, so that they read and write side by side.
"""

import functools
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np

from ..backend import Array, array_module
from .windows import Grid

THREADS = 256  # in a block
LONG_FROM = 2**31  # numbers in an array: more than an int counts
C_TYPES = {"float32": "float", "float64": "double"}

GATES = r"""
extern "C" __global__ void gate(const T* g, const T* a, const T* b, T* out, I n) {
    I k = (I)blockIdx.x * blockDim.x + threadIdx.x;
    if (k < n) out[k] = g[k] * (T)(a[k] > 0 && b[k] > 0);
}
"""

POOLS = r"""
extern "C" __global__ void max_pool(
    const T* x, T* y, unsigned char* switches, I n, I height, I width, I channels, I rows, I columns, I kh, I kw, I sy,
    I sx, I top, I left) {
    I k = (I)blockIdx.x * blockDim.x + threadIdx.x;
    if (k >= n * rows * columns * channels) return;
    I c = k % channels, column = k / channels % columns, row = k / channels / columns % rows;
    I picture = k / channels / columns / rows;
    T best = 0;
    unsigned char found = 0;
    bool any = false;
    for (I i = 0; i < kh; i++) {
        for (I j = 0; j < kw; j++) {
            I r = row * sy + i - top, s = column * sx + j - left;
            if (r < 0 || r >= height || s < 0 || s >= width) continue;
            T value = x[((picture * height + r) * width + s) * channels + c];
            if (!any || value > best) {  // strictly: of equals, the first wins
                any = true;
                best = value;
                found = (unsigned char)(i * kw + j);
            } else if (value != value) {
                best = value;  // not a number stays one
            }
        }
    }
    y[k] = best;
    switches[k] = found;
}

extern "C" __global__ void max_pool_back(
    const T* g, const unsigned char* switches, T* gx, I n, I height, I width, I channels, I rows, I columns, I kh, I kw,
    I sy, I sx, I top, I left) {
    I k = (I)blockIdx.x * blockDim.x + threadIdx.x;
    if (k >= n * height * width * channels) return;
    I c = k % channels, s = k / channels % width + left, r = k / channels / width % height + top;
    I picture = k / channels / width / height;
    T sum = 0;  // over the windows that this place is in, each with its place (i, j) there
    for (I i = 0; i < kh; i++) {
        if (r - i < 0 || (r - i) % sy || (r - i) / sy >= rows) continue;
        for (I j = 0; j < kw; j++) {
            if (s - j < 0 || (s - j) % sx || (s - j) / sx >= columns) continue;
            I place = ((picture * rows + (r - i) / sy) * columns + (s - j) / sx) * channels + c;
            if (switches[place] == i * kw + j) sum += g[place];
        }
    }
    gx[k] = sum;
}
"""

TRANSFORMS = r"""
extern "C" __global__ void to_tiles(
    const T* x, T* v, I height, I width, I channels, I down, I across, I top, I left, I first, I tiles) {
    const T B[6][6] = B_T;
    I k = (I)blockIdx.x * blockDim.x + threadIdx.x;
    if (k >= tiles * channels) return;
    I c = k % channels, tile = first + k / channels;
    I y0 = tile / across % down * 4 - top, x0 = tile % across * 4 - left, picture = tile / across / down;
    T half[6][6];  // B' d
    for (int i = 0; i < 6; i++) for (int j = 0; j < 6; j++) half[i][j] = 0;
    #pragma unroll
    for (int a = 0; a < 6; a++) {
        #pragma unroll
        for (int j = 0; j < 6; j++) {
            bool inside = y0 + a >= 0 && y0 + a < height && x0 + j >= 0 && x0 + j < width;
            T d = inside ? x[((picture * height + y0 + a) * width + x0 + j) * channels + c] : (T)0;
            #pragma unroll
            for (int i = 0; i < 6; i++) half[i][j] += B[i][a] * d;
        }
    }
    #pragma unroll
    for (int i = 0; i < 6; i++) {
        #pragma unroll
        for (int j = 0; j < 6; j++) {
            T sum = 0;
            #pragma unroll
            for (int b = 0; b < 6; b++) sum += half[i][b] * B[j][b];
            v[(i * 6 + j) * tiles * channels + k] = sum;
        }
    }
}

extern "C" __global__ void to_maps(
    const T* m, const T* bias, T* y, I height, I width, I filters, I down, I across, I first, I tiles, I has_bias,
    I rectify) {
    const T A[4][6] = A_T;
    I k = (I)blockIdx.x * blockDim.x + threadIdx.x;
    if (k >= tiles * filters) return;
    I c = k % filters, tile = first + k / filters;
    I y0 = tile / across % down * 4, x0 = tile % across * 4, picture = tile / across / down;
    T half[4][6];  // A' m
    for (int i = 0; i < 4; i++) for (int j = 0; j < 6; j++) half[i][j] = 0;
    #pragma unroll
    for (int a = 0; a < 6; a++) {
        #pragma unroll
        for (int j = 0; j < 6; j++) {
            T value = m[(a * 6 + j) * tiles * filters + k];
            #pragma unroll
            for (int i = 0; i < 4; i++) half[i][j] += A[i][a] * value;
        }
    }
    T start = has_bias ? bias[c] : (T)0;
    #pragma unroll
    for (int i = 0; i < 4; i++) {
        #pragma unroll
        for (int j = 0; j < 4; j++) {
            T sum = start;
            #pragma unroll
            for (int b = 0; b < 6; b++) sum += half[i][b] * A[j][b];
            if (rectify && !(sum > 0)) sum = sum != sum ? sum : (T)0;
            if (y0 + i < height && x0 + j < width)
                y[((picture * height + y0 + i) * width + x0 + j) * filters + c] = sum;
        }
    }
}
"""


def usable(x: Array) -> bool:
    """Return whether the kernels may be used for `x`: a device array of their types, and they have been checked."""
    return not isinstance(x, np.ndarray) and x.dtype.name in C_TYPES and not why_not(array_module(x))


def gate(g: Array, a: Array, b: Array) -> Array:
    """Return ``g * (a > 0) * (b > 0)`` of arrays of one shape."""
    xp, shape = array_module(g), g.shape
    g, a, b = (xp.ascontiguousarray(array, dtype=g.dtype) for array in (g, a, b))  # a kernel has one type of number
    out = xp.empty_like(g)
    _launch(xp, GATES, "gate", g.dtype, g.size, (g, a, b, out, g.size))
    return out.reshape(shape)  # `ascontiguousarray` has made one axis of none


def max_pool(x: Array, places: Grid) -> tuple[Array, Array]:
    """Return the largest of each window of x (N, H, W, C), and its index: the first, row by row, among equals."""
    xp = array_module(x)
    x = xp.ascontiguousarray(x)
    shape = (x.shape[0], places.rows, places.columns, x.shape[3])
    y, switches = xp.empty(shape, dtype=x.dtype), xp.empty(shape, dtype="uint8")
    _launch(xp, POOLS, "max_pool", x.dtype, y.size, (x, y, switches, *_sizes(x.shape, places)))
    return y, switches


def max_pool_back(g: Array, switches: Array, shape: tuple[int, ...], places: Grid) -> Array:
    """Return maps of `shape` with each g where its switch says, added up where windows overlap."""
    xp = array_module(g)
    gx = xp.empty(shape, dtype=g.dtype)
    arrays = (xp.ascontiguousarray(g), xp.ascontiguousarray(switches), gx)
    _launch(xp, POOLS, "max_pool_back", g.dtype, gx.size, (*arrays, *_sizes(shape, places)))
    return gx


def to_tiles(x: Array, matrix: np.ndarray, down: int, across: int, corner: tuple[int, int], tiles: range) -> Array:
    """Return ``B' d B`` of some tiles of x (N, H, W, C): (36, tiles, C). Tile 0 starts `corner` outside of the map."""
    xp = array_module(x)
    _, height, width, channels = x.shape
    v = xp.empty((36, len(tiles), channels), dtype=x.dtype)
    source = TRANSFORMS.replace("B_T", _literal(matrix)).replace("A_T", "{{0}}")
    sizes = (height, width, channels, down, across, *corner, tiles.start, len(tiles))
    _launch(xp, source, "to_tiles", x.dtype, len(tiles) * channels, (x, v, *sizes))
    return v


def to_maps(
    m: Array, matrix: np.ndarray, bias: Array | None, rectify: bool, y: Array, down: int, across: int, tiles: range
) -> None:
    """Write ``A' m A`` of some tiles, m (36, tiles, K), where they belong in y (N, H, W, K), with bias and ReLU."""
    xp = array_module(m)
    _, height, width, filters = y.shape
    source = TRANSFORMS.replace("A_T", _literal(matrix)).replace("B_T", "{{0}}")
    sizes = (height, width, filters, down, across, tiles.start, len(tiles), bias is not None, rectify)
    arrays = (m, m if bias is None else xp.ascontiguousarray(bias, dtype=m.dtype), y)
    _launch(xp, source, "to_maps", m.dtype, len(tiles) * filters, (*arrays, *sizes))


@functools.cache
def why_not(xp: ModuleType) -> str:
    """Return why the kernels are not used with the library `xp`, or ``""`` if each gives what the plain code gives."""
    if not hasattr(xp, "RawKernel"):
        return f"{xp.__name__} has no RawKernel"
    from . import gpu_check

    try:
        return gpu_check.first_difference(xp)
    except Exception as error:  # whatever the compiler, the driver or a broken kernel says: the plain code goes on
        said = (str(error) or type(error).__name__).strip().splitlines()[0]
        return f"a kernel does not run ({said})"


@functools.cache
def _kernel(xp: ModuleType, source: str, name: str, types: tuple[str, str]) -> Any:
    return xp.RawKernel(f"typedef {types[0]} T;\ntypedef {types[1]} I;\n{source}", name)


def _launch(xp: ModuleType, source: str, name: str, dtype: np.dtype, count: int, args: Sequence[Any]) -> None:
    """Start `count` threads, one for each number to write. T is the type of the maps, I that of whole numbers."""
    if not count:
        return
    largest = max(count, *(arg.size for arg in args if hasattr(arg, "size"))) + THREADS
    whole = np.int32 if largest < LONG_FROM else np.int64  # divisions by the longer take several times as long
    kernel = _kernel(xp, source, name, (C_TYPES[np.dtype(dtype).name], "int" if whole is np.int32 else "long long"))
    given = tuple(whole(arg) if isinstance(arg, int | np.integer) else arg for arg in args)
    kernel((-(-count // THREADS),), (THREADS,), given)


def _sizes(shape: tuple[int, ...], places: Grid) -> tuple[int, ...]:
    return (*shape, places.rows, places.columns, *places.kernel, *places.stride, places.sides.top, places.sides.left)


def _literal(matrix: np.ndarray) -> str:
    """Return a matrix as C has it; known when compiled, its zeros cost nothing."""
    return "{" + ", ".join("{" + ", ".join(f"(T){number!r}" for number in row) + "}" for row in matrix.tolist()) + "}"
