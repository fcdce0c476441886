"""Shapes that can be drawn without jagged edges, each of them with area 1, so that size never tells them apart."""

import functools
from collections.abc import Callable

import numpy as np

SHAPES = ("disc", "square", "triangle", "star", "ring", "cross")
"""The shapes that name a class."""

OTHERS = ("crescent", "half disc", "heart", "corner")
"""The shapes that never do: distractors."""

SUPERSAMPLING = 4  # samples per pixel and axis (ours): an edge has 16 grey levels


def coverage(name: str, size: int, centre: tuple[float, float], area: float, turn: float) -> np.ndarray:
    """Return which part of each pixel a shape covers.

    Parameters
    ----------
    name : str
        One of `SHAPES` or `OTHERS`.
    size : int
        Height and width of the picture.
    centre : (y, x)
        In pixels.
    area : float
        In pixels. Every shape of the same `area` covers as many, if all of it lies in the picture.
    turn : float
        In radians.

    Returns
    -------
    ndarray, shape (size, size)
        float32, 0..1.
    """
    radius = reach(name) * np.sqrt(area) + 1
    top, left = (max(0, int(c - radius)) for c in centre)
    bottom, right = (min(size, int(c + radius) + 2) for c in centre)
    y = (np.arange(top * SUPERSAMPLING, bottom * SUPERSAMPLING) + 0.5) / SUPERSAMPLING - centre[0]
    x = (np.arange(left * SUPERSAMPLING, right * SUPERSAMPLING) + 0.5) / SUPERSAMPLING - centre[1]
    u, v = turned(y[:, None], x[None], turn)
    scale = _scale(name) / np.sqrt(area)
    inside = _INSIDE[name](u * scale, v * scale).astype(np.float32)
    covered = np.zeros((size, size), np.float32)
    pixels = inside.reshape(bottom - top, SUPERSAMPLING, right - left, SUPERSAMPLING)
    covered[top:bottom, left:right] = pixels.mean((1, 3))
    return covered


def turned(y: np.ndarray, x: np.ndarray, turn: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the coordinates (to the right, down) in a frame that is turned by `turn`."""
    return np.cos(turn) * x + np.sin(turn) * y, np.cos(turn) * y - np.sin(turn) * x


def reach(name: str) -> float:
    """Return how far a shape of area 1 extends from its centre."""
    return _measured(name)[1]


def _scale(name: str) -> float:
    return _measured(name)[0]


@functools.cache
def _measured(name: str) -> tuple[float, float]:
    """Return the square root of the area of a shape as `_INSIDE` has it, and its reach once that area is 1."""
    step = 1 / 256
    v, u = np.meshgrid(*[np.arange(-1.5, 1.5, step) + step / 2] * 2, indexing="ij")
    inside = _INSIDE[name](u, v)
    side = float(np.sqrt(inside.sum()) * step)
    return side, float(np.sqrt((u**2 + v**2)[inside].max())) / side


def _polygon(corners: list[tuple[float, float]]) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Return the test for the inside of a polygon: a ray to the right crosses its outline an odd number of times."""

    def inside(u: np.ndarray, v: np.ndarray) -> np.ndarray:
        odd = np.zeros(np.broadcast_shapes(u.shape, v.shape), bool)
        for (u0, v0), (u1, v1) in zip(corners, corners[1:] + corners[:1], strict=True):
            if v0 != v1:
                odd ^= ((v0 > v) != (v1 > v)) & (u < u0 + (v - v0) * (u1 - u0) / (v1 - v0))
        return odd

    return inside


def _on_circle(count: int, inner: float = 1.0) -> list[tuple[float, float]]:
    """Return corners evenly around a circle, the first one on top; with `inner`, every second one nearer."""
    angles = 2 * np.pi * np.arange(count) / count
    radii = np.where(np.arange(count) % 2, inner, 1.0)
    return [(float(r * np.sin(a)), float(-r * np.cos(a))) for r, a in zip(radii, angles, strict=True)]


def _heart(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    a, b = 1.2 * u, -1.2 * v + 0.1
    return (a**2 + b**2 - 1) ** 3 < a**2 * b**3


_INSIDE: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "disc": lambda u, v: u**2 + v**2 < 1,
    "square": lambda u, v: np.maximum(abs(u), abs(v)) < 1,
    "triangle": _polygon(_on_circle(3)),
    "star": _polygon(_on_circle(10, inner=0.45)),
    "ring": lambda u, v: abs(np.sqrt(u**2 + v**2) - 0.8) < 0.2,
    "cross": lambda u, v: (np.maximum(abs(u), abs(v)) < 1) & (np.minimum(abs(u), abs(v)) < 0.32),
    "crescent": lambda u, v: (u**2 + v**2 < 1) & ((u - 0.5) ** 2 + v**2 > 0.7),
    "half disc": lambda u, v: (u**2 + (v + 0.4) ** 2 < 1) & (v > -0.4),
    "heart": _heart,
    "corner": lambda u, v: (np.maximum(abs(u), abs(v)) < 1) & ((u < -0.4) | (v > 0.4)),
}
