"""A map as a grid of pictures: nearest to each cell, or each once."""

import itertools

import numpy as np
import pytest

from minivis.errors import InputError
from minivis.representation.grid import EMPTY, picture_grid


def centres(side):
    """Of the cells of the unit square, (side, side, 2), the top row first."""
    middle = (np.arange(side) + 0.5) / side
    return np.stack(np.meshgrid(middle, middle[::-1]), -1)


def unit(points):
    return (points - points.min(0)) / (points.max(0) - points.min(0))


def test_corners_stand_in_the_corners():
    corners = np.array([[0.0, 0.0], [4, 0], [0, 2], [4, 2]])
    np.testing.assert_array_equal(picture_grid(corners, 2), [[2, 3], [0, 1]])
    np.testing.assert_array_equal(picture_grid(corners, 2, once=True), [[2, 3], [0, 1]])


def test_each_cell_has_the_nearest_point(rng):
    points = rng.standard_normal((40, 2)) * [3, 0.5] + 7
    found = picture_grid(points, 5)
    apart = ((centres(5)[:, :, None] - unit(points)) ** 2).sum(-1)
    np.testing.assert_array_equal(found, apart.argmin(-1))


def test_once_each_point_has_a_cell(rng):
    points = rng.standard_normal((20, 2))
    found = picture_grid(points, 5, once=True)
    assert sorted(found[found != EMPTY]) == list(range(20))
    assert (found == EMPTY).sum() == 5


def test_once_is_the_best_of_all_arrangements(rng):
    points = rng.standard_normal((4, 2))
    found = picture_grid(points, 2, once=True).ravel()
    cells = centres(2).reshape(4, 2)
    cost = {order: ((unit(points)[list(order)] - cells) ** 2).sum() for order in itertools.permutations(range(4))}
    assert tuple(found) == min(cost, key=cost.get)


def test_points_without_extent_are_in_the_middle():
    line = np.stack([np.arange(9.0), np.zeros(9)], 1)
    found = picture_grid(line, 3)
    np.testing.assert_array_equal(found, [[1, 4, 7]] * 3)
    assert picture_grid(np.ones((1, 2)), 2).tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize(
    ("points", "side", "told"),
    [
        (np.zeros((10, 2)), 3, r"10 pictures do not fit into 3 x 3 cells: 4 x 4 would do"),
        (np.zeros((3, 3)), 2, r"2 dimensions, got 3"),
        (np.zeros((3, 2)), 0, r"1 cell in a row or more, got 0"),
        (np.full((3, 2), np.inf), 2, r"not finite"),
    ],
)
def test_what_is_wrong_is_told(points, side, told):
    with pytest.raises(InputError, match=told):
        picture_grid(points, side, once=True)


def test_on_a_device(device, rng):
    points = rng.standard_normal((9, 2))
    found = picture_grid(device.asarray(points), 3)
    np.testing.assert_array_equal(found, picture_grid(points, 3))
