"""Nearest neighbours against all distances, sorted; ties, blocks and classes."""

import numpy as np
import pytest

from minivis.errors import InputError
from minivis.representation import neighbours
from minivis.representation.neighbours import nearest_neighbours, votes


def brute(points, k, queries=None, cosine=False):
    """All distances in float64 by their differences, sorted stably."""
    own = queries is None
    points = points.astype("float64")
    queries = points if own else queries.astype("float64")
    if cosine:
        lengths = np.linalg.norm(queries, axis=1)[:, None] * np.linalg.norm(points, axis=1)
        distances = 1 - queries @ points.T / lengths
    else:
        distances = np.sqrt(((queries[:, None] - points) ** 2).sum(-1))
    if own:
        np.fill_diagonal(distances, np.inf)
    order = np.argsort(distances, 1, kind="stable")[:, :k]
    return order, np.take_along_axis(distances, order, 1)


@pytest.fixture(params=[None, 64], ids=["one block", "many blocks"])
def blocks(request, monkeypatch):
    if request.param:
        monkeypatch.setattr(neighbours, "PIECE", request.param)
        monkeypatch.setattr(neighbours, "QUERIES", request.param)


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
@pytest.mark.parametrize("queried", [False, True], ids=["own", "queries"])
def test_they_are_those_of_all_distances(rng, blocks, dtype, queried):
    points, queries = (rng.uniform(0, 255, (n, 9)).astype(dtype) for n in (70, 23))
    found = nearest_neighbours(points, 6, queries if queried else None)
    index, distance = brute(points, 6, queries if queried else None)
    np.testing.assert_array_equal(found.index, index)
    np.testing.assert_allclose(found.distance, distance, rtol=1e-6 if dtype != "float64" else 1e-14)
    assert found.distance.dtype == (np.float64 if dtype == "float64" else np.float32)


@pytest.mark.parametrize("queried", [False, True], ids=["own", "queries"])
def test_by_angle(rng, blocks, queried):
    points, queries = rng.standard_normal((50, 4)), rng.standard_normal((11, 4))
    found = nearest_neighbours(points, 5, queries if queried else None, metric="cosine")
    index, distance = brute(points, 5, queries if queried else None, cosine=True)
    np.testing.assert_array_equal(found.index, index)
    np.testing.assert_allclose(found.distance, distance, atol=1e-14)


def test_ties_keep_the_order_of_their_indices(rng, blocks):
    points = (rng.integers(0, 3, (200, 3)) * [83, 61, 7] + 1000).astype("float32")  # many equal points, far from 0
    found = nearest_neighbours(points, 20)
    index, distance = brute(points, 20)
    np.testing.assert_array_equal(found.index, index)
    np.testing.assert_array_equal(found.distance, distance.astype("float32"))
    lattice = np.stack(np.meshgrid(*[np.arange(6)] * 3), -1).reshape(-1, 3).astype("uint8") * 40 + rng.integers(0, 9)
    np.testing.assert_array_equal(nearest_neighbours(lattice, 6).index, brute(lattice, 6)[0])


def test_the_product_alone_would_not_find_them(rng):
    """Points so near to each other, and so far from most, that |a|² + |b|² - 2ab cannot tell them apart."""
    points = np.concatenate([1e8 + 1e-3 * rng.standard_normal((40, 2)), -1e8 * np.ones((40, 2))])
    found = nearest_neighbours(points[:40], 3)
    np.testing.assert_array_equal(found.index, brute(points[:40], 3)[0])
    np.testing.assert_array_equal(nearest_neighbours(points, 3).index[:40], brute(points, 3)[0][:40])


def test_a_query_that_is_a_point_finds_it_first(rng):
    points = rng.standard_normal((10, 3))
    found = nearest_neighbours(points, 2, points[4:6])
    np.testing.assert_array_equal(found.index[:, 0], [4, 5])
    np.testing.assert_array_equal(found.distance[:, 0], 0)


def test_all_others_may_be_asked_for(rng):
    points = rng.standard_normal((4, 2))
    assert {*nearest_neighbours(points, 3).index[1]} == {0, 2, 3}
    assert nearest_neighbours(points, 4, points[:1]).index.shape == (1, 4)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"k": 5}, r"there are 4 neighbours to choose from, asked for 5"),
        ({"k": 0}, r"asked for 0"),
        ({"metric": "manhattan"}, r"euclidean, cosine, got 'manhattan'"),
        ({"queries": np.ones((2, 3))}, r"points of 2 numbers and queries of 3"),
        ({"points": np.ones(5)}, r"points as an array of numbers"),
        ({"points": np.array([[1.0, np.inf], [0, 0], [1, 1]])}, r"not finite"),
        ({"points": np.zeros((5, 2)), "metric": "cosine"}, r"has no direction"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_is_wrong_is_told(change, told):
    with pytest.raises(InputError, match=told):
        nearest_neighbours(**{"points": np.arange(10.0).reshape(5, 2), "k": 2, **change})


def test_votes_are_counted():
    found = votes(np.array([[0, 1, 2], [3, 4, 0], [2, 3, 1]]), np.array([7, 7, 8, 9, 9]), np.array([7, 9, 9]))
    np.testing.assert_array_equal(found.agreeing, [2, 2, 1])
    np.testing.assert_array_equal(found.majority, [True, True, False])
    assert found.share == pytest.approx(2 / 3)
    half = votes(np.array([[0, 1]]), np.array([0, 1]), np.array([0]))
    assert not half.majority.any()  # half is no majority


def test_on_a_device(device, rng):
    points = rng.standard_normal((30, 4)).astype("float32")
    found = nearest_neighbours(device.asarray(points), 4)
    assert isinstance(found.index, device.ndarray)
    np.testing.assert_array_equal(device.asnumpy(found.index), brute(points, 4)[0])
    assert found.distance.dtype == "float32"


@pytest.mark.verify
def test_against_scikit_learn(rng):
    learn = pytest.importorskip("sklearn.neighbors")
    points = rng.standard_normal((800, 40))
    distance, index = learn.NearestNeighbors(n_neighbors=5, algorithm="brute").fit(points).kneighbors()
    found = nearest_neighbours(points)
    np.testing.assert_array_equal(found.index, index)
    np.testing.assert_allclose(found.distance, distance, atol=1e-9)
