"""k-means on a line: against the plain algorithm, scikit-learn, and the best of all clusterings."""

import itertools

import numpy as np
import pytest

from minivis.compression import shared_values
from minivis.errors import InputError


def lloyd(values, centroids):
    """The textbook algorithm: all distances, means of clusters, until nothing changes."""
    before = None
    while True:
        # The last of equally near ones: a value midway goes up.
        nearest = len(centroids) - 1 - np.abs(values[:, None] - centroids[None, ::-1]).argmin(1)
        if before is not None and (nearest == before).all():
            return centroids, nearest
        before = nearest
        centroids = np.array(
            [values[nearest == k].mean() if (nearest == k).any() else c for k, c in enumerate(centroids)]
        )


def error_of(values, shared):
    return ((values - shared.values) ** 2).sum()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("count", [1, 2, 7, 31])
def test_it_is_lloyds_algorithm(rng, dtype, count):
    values = rng.standard_normal(500).astype(dtype)
    values[:3] += 40  # far from the others: clusters between are empty, and keep their places
    shared = shared_values(values, count)
    wide = values.astype("float64")
    centroids, nearest = lloyd(wide, np.linspace(wide.min(), wide.max(), count))
    used = np.unique(nearest)
    np.testing.assert_allclose(shared.centroids, centroids[used], rtol=1e-6 if dtype == "float32" else 1e-12)
    np.testing.assert_array_equal(used[shared.cluster], nearest)
    assert shared.centroids.dtype == dtype and shared.values.dtype == dtype


def test_an_end_is_a_fixed_point(rng):
    values = rng.standard_normal((20, 30))
    shared = shared_values(values, 9)
    assert shared.values.shape == values.shape
    for k, centroid in enumerate(shared.centroids):
        np.testing.assert_allclose(values[shared.cluster == k].mean(), centroid)
    distances = np.abs(values[..., None] - shared.centroids)
    np.testing.assert_array_equal(shared.cluster, distances.argmin(-1))


def test_clusters_that_are_plain_to_see():
    values = np.array([5.0, 0.0, 1.0, 4.9, 0.1, 9.0])
    shared = shared_values(values, 3)
    np.testing.assert_allclose(shared.centroids, [1.1 / 3, 4.95, 9.0])
    assert shared.cluster.tolist() == [1, 0, 0, 1, 0, 2]
    best = min(  # over all ways to cut the sorted values in three
        sum(part.var() * part.size for part in np.split(np.sort(values), cut))
        for cut in itertools.combinations(range(1, 6), 2)
    )
    np.testing.assert_allclose(error_of(values, shared), best)


def test_more_clusters_than_values_give_each_its_own():
    values = np.array([3.0, -1.0, 3.0, 0.5])
    shared = shared_values(values, 100)
    assert shared.centroids.tolist() == [-1.0, 0.5, 3.0]
    np.testing.assert_array_equal(shared.values, values)
    assert shared_values(np.full(4, 2.0), 5).centroids.tolist() == [2.0]


def test_starts_differ_and_are_the_ones_named(rng):
    values = np.concatenate([rng.normal(0, 0.01, 990), [3.0, -3.0, 2.0, -2.0, 4.0, 2.5, 2.2, -2.5, -1.0, 1.0]])
    linear, density = (shared_values(values, 8, start, steps=0) for start in ("linear", "density"))
    np.testing.assert_allclose(linear.centroids[[0, -1]], [-3, 4])
    assert np.abs(density.centroids).max() < 0.1  # large weights have no centroid: what the paper holds against it
    a, b = (shared_values(values, 8, "random", np.random.default_rng(s)) for s in (1, 1))
    np.testing.assert_array_equal(a.centroids, b.centroids)


def test_wrong_arguments():
    for values, count in (([1, 2], 1), ([1.0, np.nan], 1), ([], 1), ([1.0], 0)):
        with pytest.raises(InputError, match="finite floats"):
            shared_values(np.array(values), count)
    with pytest.raises(InputError, match="linear, density or random"):
        shared_values(np.ones(2), 1, "forgy")
    with pytest.raises(InputError, match="rng="):
        shared_values(np.ones(2), 1, "random")


@pytest.mark.verify
@pytest.mark.parametrize("count", [4, 31])
def test_like_scikit_learn(rng, count):
    cluster = pytest.importorskip("sklearn.cluster")
    values = rng.standard_normal(3000)
    start = np.linspace(values.min(), values.max(), count)[:, None]
    other = cluster.KMeans(count, init=start, n_init=1, max_iter=1000, tol=0, algorithm="lloyd").fit(values[:, None])
    shared = shared_values(values, count)
    np.testing.assert_allclose(shared.centroids, np.sort(other.cluster_centers_[:, 0]), rtol=1e-9)
    np.testing.assert_allclose(error_of(values, shared), other.inertia_, rtol=1e-9)
