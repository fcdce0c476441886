"""Isomap: classical scaling gives planes back, rolled sheets are unrolled, and scikit-learn agrees."""

import numpy as np
import pytest
from conftest import shared_path

from minivis.errors import InputError
from minivis.representation.isomap import classical_scaling, graph_distances, isomap, neighbour_graph


def apart(points):
    return np.linalg.norm(points[:, None] - points, axis=-1)


@pytest.fixture
def sheet():
    """A lattice of 50 x 6, and the same rolled up by one and a half turns without being stretched."""
    along, across = (axis.ravel() for axis in np.meshgrid(np.arange(50.0), np.arange(6.0)))
    angle = np.linspace(0, 3 * np.pi, 100_000)
    spiral = (2 + 0.8 * angle)[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
    length = np.concatenate([[0], np.linalg.norm(np.diff(spiral, axis=0), axis=1).cumsum()])
    rolled = np.stack([*(np.interp(along, length, axis) for axis in spiral.T), across], 1)
    return np.stack([along, across], 1), rolled


def test_scaling_gives_the_points_back(rng):
    points = rng.standard_normal((30, 3))
    places, values = classical_scaling(apart(points), 3)
    np.testing.assert_allclose(apart(places), apart(points), atol=1e-12)
    np.testing.assert_allclose(places.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose((places**2).sum(0), values)
    np.testing.assert_allclose(places.T @ places, np.diag(values), atol=1e-10)
    assert (places[abs(places).argmax(0), range(3)] > 0).all()
    more, values = classical_scaling(apart(points), 5)
    np.testing.assert_allclose(values[3:], 0, atol=1e-12)
    np.testing.assert_allclose(more[:, 3:], 0, atol=1e-5)


def test_scaling_leaves_out_what_is_no_distance():
    corner = np.array([[0.0, 1, 5], [1, 0, 1], [5, 1, 0]])  # breaks the triangle inequality
    places, values = classical_scaling(corner, 2)
    assert values[0] > 0 > values[1] or values[1] == pytest.approx(0)
    assert np.isfinite(places).all()


def test_paths_go_along_the_edges():
    line = np.array([[0.0], [1.0], [3.0], [6.0]])
    found = graph_distances(neighbour_graph(line, 1))  # 0-1, 1-0, 2-1, 3-2
    np.testing.assert_allclose(found, abs(line - line.T))
    square = np.array([[0.0, 0], [0, 1], [1, 1], [1, 0]])
    np.testing.assert_allclose(graph_distances(neighbour_graph(square, 2))[0], [0, 1, 2, 1])


def test_equal_points_are_joined_by_an_edge_of_no_length():
    points = np.array([[0.0, 0], [0, 0], [1, 0], [1, 0], [2, 0]])
    found = isomap(points, 2, 1)
    np.testing.assert_allclose(found.distances, apart(points), atol=1e-12)


def test_a_flat_sheet_with_all_as_neighbours_is_classical_scaling(rng):
    points = rng.standard_normal((25, 2))
    found = isomap(points, 24)
    np.testing.assert_allclose(apart(found.embedding), apart(points), atol=1e-12)


def test_a_rolled_sheet_is_unrolled(sheet):
    flat, rolled = sheet
    found = isomap(rolled, 8)
    wanted = apart(flat).ravel()
    # Paths on the lattice are up to 8 % longer than the straight line.
    assert np.corrcoef(apart(found.embedding).ravel(), wanted)[0, 1] > 0.99
    assert np.corrcoef(apart(rolled).ravel(), wanted)[0, 1] < 0.5  # which it was not before
    assert abs(np.corrcoef(found.embedding[:, 0], flat[:, 0])[0, 1]) > 0.999


def test_a_graph_in_parts_is_an_error(rng):
    points = np.concatenate([rng.standard_normal((20, 2)), 100 + rng.standard_normal((5, 2))])
    with pytest.raises(InputError, match=r"falls into 2 parts \(of 20, 5 points\).*take more neighbours"):
        isomap(points, 3)
    assert isomap(points, 6).distances.max() > 100


@pytest.mark.parametrize(
    ("points", "arguments", "told"),
    [
        (np.ones((1, 2)), {}, r"at least 2 points"),
        (np.eye(5), {"k": 5}, r"4 neighbours to choose from, asked for 5"),
        (np.eye(5), {"k": 4, "dims": 5}, r"1 to 4 dimensions, got 5"),
    ],
)
def test_what_is_wrong_is_told(points, arguments, told):
    with pytest.raises(InputError, match=told):
        isomap(points, **arguments)
    with pytest.raises(InputError, match=r"expected distances \(N, N\), got shape \(3, 2\)"):
        classical_scaling(np.ones((3, 2)))


def test_the_dtype_is_kept(sheet):
    _, rolled = sheet
    found = isomap(rolled.astype("float32"), 8)
    assert {part.dtype for part in found} == {np.dtype("float32")}
    np.testing.assert_allclose(found.distances, isomap(rolled, 8).distances, rtol=1e-5)


def test_on_a_device(device, sheet):
    found = isomap(device.asarray(sheet[1][:40]), 6)
    assert all(isinstance(part, device.ndarray) for part in found)
    expected = isomap(sheet[1][:40], 6)
    np.testing.assert_allclose(device.asnumpy(found.embedding), expected.embedding, atol=1e-9)
    places, _ = classical_scaling(device.asarray(expected.distances))
    np.testing.assert_allclose(device.asnumpy(places), expected.embedding, atol=1e-9)


@pytest.mark.verify
def test_against_scikit_learn():
    manifold = pytest.importorskip("sklearn.manifold")
    with np.load(shared_path("data/mnist.npz")) as file:
        points = file["x_train"][:600].reshape(600, -1) / 255
    theirs = manifold.Isomap(n_neighbors=10, n_components=3).fit(points)
    ours = isomap(points, 10, 3)
    np.testing.assert_allclose(ours.distances, theirs.dist_matrix_, rtol=1e-9)
    np.testing.assert_allclose(abs(ours.embedding), abs(theirs.embedding_), atol=1e-5 * abs(theirs.embedding_).max())
    np.testing.assert_allclose(apart(ours.embedding), apart(theirs.embedding_), atol=1e-5)
