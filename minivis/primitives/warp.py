"""Turning and stretching maps about their centre, by bilinear sampling."""

from typing import NamedTuple

import numpy as np

from ..backend import Array, array_module, like
from ..errors import InputError
from ..tape import Primitive

Matrix = tuple[tuple[float, float], tuple[float, float]]


class WarpResidual(NamedTuple):
    """Where each output place was read: four places and their shares."""

    places: Array  # (4, H*W) int, into the flattened rows and columns
    shares: Array  # (4, H*W)
    shape: tuple[int, ...]


@Primitive
def warp(x: Array, *, matrix: Matrix) -> tuple[Array, WarpResidual]:
    """Read maps at places moved by a matrix: ``y[p] = x[c + matrix (p - c)]``, with c the centre of the map.

    Parameters
    ----------
    x : ndarray, shape (N, H, W, C)
    matrix : 2 x 2 numbers
        Acts on (row, column). ``((s, 0), (0, s))`` with s < 1 enlarges what is in the middle.

    Returns
    -------
    ndarray, shape (N, H, W, C)
        Interpolated bilinearly between four neighbours; places outside the map are read at its nearest edge.
    """
    if x.ndim != 4:
        raise InputError(f"warp wants maps (N, H, W, C), got {x.shape}")
    n, height, width, channels = x.shape
    places, shares = _neighbours(height, width, np.asarray(matrix, "float64"))
    places, shares = like(places, x), like(shares.astype(x.dtype), x)
    flat = x.reshape(n, height * width, channels)
    y = flat[:, places[0]] * shares[0][:, None]
    for k in range(1, 4):
        y += flat[:, places[k]] * shares[k][:, None]
    return y.reshape(x.shape), WarpResidual(places, shares, x.shape)


@warp.backward_to(0)
def warp_x(g: Array, r: WarpResidual) -> Array:
    """Give each of the four neighbours its share of g, adding where one was read several times."""
    xp = array_module(g)
    n, height, width, channels = r.shape
    gx = xp.zeros((n, height * width * channels), dtype=g.dtype)
    # One flat index per value: by far the fastest form of add.at.
    values = (r.places[:, :, None] * channels + xp.arange(channels)).reshape(4, -1)
    parts = r.shares[:, None, :, None] * g.reshape(n, height * width, channels)  # (4, N, H*W, C)
    for picture in range(n):
        for k in range(4):
            xp.add.at(gx[picture], values[k], parts[k, picture].reshape(-1))
    return gx.reshape(r.shape)


def _neighbours(height: int, width: int, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return, for each place of the output, the four places to read (4, H*W) and their shares (4, H*W)."""
    sizes = np.array([height, width])
    centre = (sizes[:, None] - 1) / 2
    grid = np.indices((height, width)).reshape(2, -1) - centre
    source = np.clip(centre + matrix @ grid, 0, sizes[:, None] - 1)
    first = np.floor(source).astype(int)
    second = np.minimum(first + 1, sizes[:, None] - 1)
    rest = source - first
    corners = [(a, b) for a in (0, 1) for b in (0, 1)]
    rows, columns = (first[0], second[0]), (first[1], second[1])
    down, across = (1 - rest[0], rest[0]), (1 - rest[1], rest[1])
    places = np.stack([rows[a] * width + columns[b] for a, b in corners])
    return places, np.stack([down[a] * across[b] for a, b in corners])
