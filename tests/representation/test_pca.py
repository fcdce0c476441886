"""Principal components: against the covariance matrix, closed forms, and scikit-learn."""

import numpy as np
import pytest
from conftest import shared_path

from minivis.errors import InputError
from minivis.representation.pca import pca, reduced
from minivis.representation.points import as_points, row_blocks, signs_fixed, squared_distances


@pytest.fixture(params=[(40, 6), (6, 40), (7, 7)], ids=["tall", "wide", "square"])
def points(request, rng):
    n, d = request.param
    return rng.standard_normal((n, d)) @ np.diag(np.linspace(3, 0.5, d)) + rng.standard_normal(d)


def test_components_are_the_eigenvectors_of_the_covariance(points):
    found = pca(points)
    most = min(len(points) - 1, points.shape[1])
    assert found.components.shape == (most, points.shape[1])
    covariance = np.cov(points.T)
    np.testing.assert_allclose(covariance @ found.components.T, found.components.T * found.variance, atol=1e-12)
    np.testing.assert_allclose(found.components @ found.components.T, np.eye(most), atol=1e-12)
    assert (np.diff(found.variance) <= 0).all()
    np.testing.assert_allclose(found.share, found.variance / np.trace(covariance))
    np.testing.assert_allclose(found.share.sum(), 1)


def test_coordinates_have_those_variances_and_lead_back(points):
    found = pca(points)
    coordinates = found.transform(points)
    np.testing.assert_allclose(coordinates.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(np.cov(coordinates.T), np.diag(found.variance), atol=1e-12)
    np.testing.assert_allclose(found.inverse(coordinates), points, atol=1e-12)
    few = pca(points, 2)
    left = points - few.inverse(few.transform(points))
    np.testing.assert_allclose((left**2).sum() / (len(points) - 1), found.variance[2:].sum())


def test_points_on_a_line_have_one_component():
    steps = np.array([-2.0, -1, 0, 1, 2])
    found = pca(np.array([5.0, 7.0]) + steps[:, None] * np.array([-3.0, -4.0]))
    np.testing.assert_allclose(found.components[0], [0.6, 0.8], atol=1e-15)  # the largest entry is positive
    np.testing.assert_allclose(found.variance, [25 * 10 / 4, 0], atol=1e-14)
    np.testing.assert_allclose(found.mean, [5, 7])


def test_signs_are_fixed_and_do_not_depend_on_the_points_sign(points):
    components = pca(points).components
    strongest = components[range(len(components)), abs(components).argmax(1)]
    assert (strongest > 0).all()
    np.testing.assert_allclose(pca(-points).components, components, atol=1e-9)
    np.testing.assert_array_equal(signs_fixed(np.array([[1.0, -2.0, 2.0], [0, 0, 0]])), [[-1, 2, -2], [0, 0, 0]])


def test_the_dtype_is_kept_and_nothing_is_written_into(points):
    for dtype in ("float32", "float64"):
        given = points.astype(dtype)
        given.flags.writeable = False
        found = pca(given, 3)
        assert {part.dtype for part in found} == {np.dtype(dtype)}
        assert found.transform(given).dtype == found.inverse(found.transform(given)).dtype == dtype
    assert pca(np.arange(12, dtype="uint8").reshape(4, 3)).mean.dtype == "float32"


def test_equal_points_have_no_variance_to_share():
    found = pca(np.ones((4, 3)))
    np.testing.assert_array_equal(found.variance, 0)
    np.testing.assert_array_equal(found.share, 0)


def test_reduced_takes_what_there_is(rng):
    points = rng.standard_normal((5, 9))
    assert reduced(points, 50).shape == (5, 4)
    np.testing.assert_array_equal(reduced(points, 2), pca(points, 2).transform(points))
    np.testing.assert_array_equal(reduced(points[:1], 3), [[0]])


@pytest.mark.parametrize(
    ("points", "count", "told"),
    [
        (np.ones((4, 3)), 4, r"4 points of 3 numbers have 1 to 3 principal components, got 4"),
        (np.ones((4, 3)), 0, r"got 0"),
        (np.ones((1, 3)), 1, r"at least 2 points, got 1"),
        (np.ones(3), 1, r"\(N, D\), got shape \(3,\)"),
        ([[1, 2]], 1, r"got list"),
        (np.array([[1, np.nan], [0, 1]]), 1, r"not finite"),
    ],
)
def test_what_is_wrong_is_told(points, count, told):
    with pytest.raises(InputError, match=told):
        pca(points, count)


def test_coordinates_of_other_points_are_refused(points):
    found = pca(points, 2)
    with pytest.raises(InputError, match=rf"points of {points.shape[1]} numbers, got 3"):
        found.transform(np.ones((2, 3)))
    with pytest.raises(InputError, match=r"points of 2 coordinates, got 3"):
        found.inverse(np.ones((2, 3)))


def test_on_a_device(device, points):
    found = pca(device.asarray(points), 3)
    coordinates = found.transform(device.asarray(points))
    assert isinstance(coordinates, device.ndarray)
    np.testing.assert_allclose(device.asnumpy(coordinates), pca(points, 3).transform(points), atol=1e-9)


def test_blocks_cover_all_rows():
    for rows, width, size in [(10, 3, 7), (1, 100, 5), (6, 2, 6), (5, 0, 3)]:
        covered = [i for part in row_blocks(rows, width, size=size) for i in range(part.start, part.stop)]
        assert covered == list(range(rows))


def test_squared_distances_are_those_of_the_differences(rng):
    a, b = rng.standard_normal((4, 3)).astype("float32"), rng.standard_normal((5, 3))
    expected = ((a[:, None].astype("float64") - b) ** 2).sum(-1)
    np.testing.assert_allclose(squared_distances(a, b), expected, atol=1e-14)
    assert squared_distances(a, a).min() >= 0
    assert as_points(a) is a


@pytest.mark.verify
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(1000, 784), (300, 784)])
def test_against_scikit_learn(shape, dtype):
    decomposition = pytest.importorskip("sklearn.decomposition")
    points = digits(shape[0]).astype(dtype)
    theirs = decomposition.PCA(50, svd_solver="full").fit(points.astype("float64"))
    ours = pca(points, 50)
    turned = np.sign((ours.components * theirs.components_).sum(1))[:, None]
    np.testing.assert_allclose(ours.components, turned * theirs.components_, atol=1e-5)
    np.testing.assert_allclose(ours.variance, theirs.explained_variance_, rtol=1e-5)
    np.testing.assert_allclose(ours.share, theirs.explained_variance_ratio_, rtol=1e-5)
    mine, expected = ours.transform(points), theirs.transform(points) * turned.T
    np.testing.assert_allclose(mine, expected, atol=1e-5 * abs(expected).max())


def digits(n):
    with np.load(shared_path("data/mnist.npz")) as file:
        return file["x_train"][:n].reshape(n, -1) / 255
