"""Whether the kernels of `gpu.py` give what the plain code gives, on the device at hand: a few small cases of each."""

import os
from types import ModuleType

import numpy as np

from . import gpu, winograd
from .windows import Grid, Sides, grid

MAPS = (2, 9, 11, 3)


def first_difference(xp: ModuleType) -> str:
    """Return the first kernel that differs from NumPy's result on the host, or ``""``."""
    rng = np.random.default_rng(0)
    for dtype in gpu.C_TYPES:
        allowed = 1e-5 if dtype == "float32" else 1e-12
        product = 1e-2 if dtype == "float32" and in_tf32() else allowed
        x = rng.standard_normal(MAPS).astype(dtype)
        a, b = (rng.integers(-1, 2, MAPS).astype(dtype) for _ in range(2))  # many zeros and ties
        device = xp.asarray(x)
        if not _equal(gpu.gate(device, xp.asarray(a), xp.asarray(b)), x * (a > 0) * (b > 0), 0):
            return f"gate differs in {dtype}"
        for places in (grid(MAPS, 2, 2, 0), grid(MAPS, 3, 2, 1, ceil=True), grid(MAPS, (2, 3), (1, 2), 0)):
            y, switches, back = pooled(a, places)
            found, found_switches = gpu.max_pool(xp.asarray(a), places)
            if not (_equal(found, y, 0) and _equal(found_switches, switches, 0)):
                return f"max_pool differs in {dtype}"
            if not _equal(gpu.max_pool_back(found, found_switches, MAPS, places), back, allowed):
                return f"max_pool_back differs in {dtype}"
        kernel, bias = (rng.standard_normal(shape).astype(dtype) for shape in ((3, 3, 3, 5), (5,)))
        plan, host = winograd.WinogradPlan(xp.asarray(kernel)), winograd.WinogradPlan(kernel)
        sides, out = Sides(1, 1, 1, 1), MAPS[1:3]
        there = winograd.forward(device, plan, sides, out, xp.asarray(bias), True)
        y = winograd.forward(x, host, sides, out, bias, True)
        if not _equal(there, y, product):
            return f"Winograd's transforms differ in {dtype}"
        if not _equal(winograd.adjoint(there, plan, sides, MAPS), winograd.adjoint(y, host, sides, MAPS), product):
            return f"Winograd's transforms differ in {dtype} on the way back"
    return ""


def in_tf32() -> bool:
    """Return whether CuPy computes float32 products in TF32: by its variable CUPY_TF32, read once per process."""
    return os.environ.get("CUPY_TF32", "0") not in ("", "0")


def pooled(x: np.ndarray, places: Grid) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what a max-pool gives, its switches, and what pulling its output back gives, window by window."""
    (kh, kw), (sy, sx), (top, _, left, _) = places.kernel, places.stride, places.sides
    n, height, width, channels = x.shape
    y = np.empty((n, places.rows, places.columns, channels), x.dtype)
    switches, back = np.empty(y.shape, np.uint8), np.zeros_like(x)
    for picture, row, column, c in np.ndindex(*y.shape):
        cells = [(row * sy + i - top, column * sx + j - left) for i in range(kh) for j in range(kw)]
        inside = [k for k, (r, s) in enumerate(cells) if 0 <= r < height and 0 <= s < width]
        best = max(inside, key=lambda k: x[(picture, *cells[k], c)])  # the first of equals
        y[picture, row, column, c] = x[(picture, *cells[best], c)]
        switches[picture, row, column, c] = best
        back[(picture, *cells[best], c)] += y[picture, row, column, c]
    return y, switches, back


def _equal(found: object, expected: np.ndarray, allowed: float) -> bool:
    from ..backend import to_host

    host = to_host(found)
    scale = float(np.abs(expected).max())
    return host.shape == expected.shape and bool((np.abs(host - expected.astype(host.dtype)) <= allowed * scale).all())
