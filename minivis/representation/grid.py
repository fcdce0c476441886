"""A map as a grid of pictures: which picture stands in which cell.

Drawn at their places, pictures of a dense map cover each other. On a grid none does; the price is either that some are
left out, or that places are only about right.
"""

import math

import numpy as np

from ..backend import Array, to_host
from ..errors import InputError
from .neighbours import nearest_neighbours
from .points import as_points

EMPTY = -1


def picture_grid(embedding: Array, side: int, once: bool = False) -> np.ndarray:
    """Say which point of a map stands in each cell of a grid laid over it.

    Parameters
    ----------
    embedding : ndarray, shape (N, 2)
        The grid spans its bounding box.
    side : int
        Cells in a row and in a column.
    once : bool
        False: each cell has the point nearest to its centre; some points stand in several cells, others in none. True:
        each point stands in one cell, so that the sum of squared distances is least (an assignment problem); the
        remaining cells are empty.

    Returns
    -------
    ndarray of int, shape (side, side)
        Indices of points, on the host; -1 for an empty cell. The first row is at the top, where the second coordinate
        is largest, and the first column on the left.

    Raises
    ------
    InputError
        If `once` is asked for and there are more points than cells.
    """
    points = as_points(to_host(embedding)).astype("float64")
    if points.shape[1] != 2:
        raise InputError(f"a grid of pictures needs a map of 2 dimensions, got {points.shape[1]}")
    if side < 1:
        raise InputError(f"a grid has 1 cell in a row or more, got {side}")
    if once and len(points) > side * side:
        fits = math.ceil(math.sqrt(len(points)))
        raise InputError(f"{len(points)} pictures do not fit into {side} x {side} cells: {fits} x {fits} would do")
    low, high = points.min(0), points.max(0)
    unit = (points - low) / np.where(high > low, high - low, 1)  # the map as a square: cells need not be square in it
    unit[:, high == low] = 0.5
    centres = (np.arange(side) + 0.5) / side
    cells = np.stack([np.tile(centres, side), np.repeat(centres[::-1], side)], 1)  # row by row from the top
    if not once:
        return nearest_neighbours(unit, 1, cells).index.reshape(side, side)
    return _assigned(unit, cells).reshape(side, side)


def _assigned(points: np.ndarray, cells: np.ndarray) -> np.ndarray:
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    chosen, cell = linear_sum_assignment(cdist(points, cells, "sqeuclidean"))
    found = np.full(len(cells), EMPTY)
    found[cell] = chosen
    return found
