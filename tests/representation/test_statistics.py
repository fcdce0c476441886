"""Statistics: histograms against NumPy's at once, shares against counting, dead channels against looking."""

import math

import numpy as np
import pytest
from small import CHAIN, pictures, small_net

from minivis.errors import InputError, UnknownName
from minivis.representation.statistics import Histogram, activation_statistics, normal_share, weight_statistics


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("cuts", [[], [1], [5, 6, 500], list(range(0, 1000, 7))])
def test_it_is_numpys_histogram_however_it_is_cut(rng, dtype, cuts):
    values = (rng.standard_normal(1000) * np.geomspace(1e-5, 30, 1000)).astype(dtype)
    values[::17] = 0
    histogram = Histogram(64)
    for part in np.split(values, cuts):
        histogram.add(part)
    edges = histogram.edges
    expected, _ = np.histogram(values, edges)
    np.testing.assert_array_equal(histogram.counts, expected)
    assert histogram.counts.sum() == histogram.total == 1000
    assert histogram.zeros == (values == 0).sum()
    largest = float(np.abs(values).max())
    assert largest < edges[-1] <= 2 * largest * 32 / 31 * 2  # at most twice as wide as need be
    assert math.log2(histogram.width).is_integer()
    np.testing.assert_allclose([histogram.mean, histogram.std], [values.mean(dtype="f8"), values.std(dtype="f8")])


def test_numbers_on_edges_belong_above():
    histogram = Histogram(4)
    histogram.add(np.array([-1.0, -0.5, 0.0, 0.5]))  # width: 2 * width must be above 1
    assert histogram.width == 1.0
    assert histogram.counts.tolist() == [0, 2, 2, 0]
    histogram.add(np.array([1.0, 1.99]))
    assert histogram.counts.tolist() == [0, 2, 2, 2]
    histogram.add(np.array([2.0]))  # does not fit: width 2, bins joined
    assert histogram.width == 2.0 and histogram.counts.tolist() == [0, 2, 4, 1]


def test_only_zeros_and_nothing():
    histogram = Histogram()
    assert math.isnan(histogram.mean) and math.isnan(histogram.std)
    histogram.add(np.zeros((3, 4)))
    assert histogram.total == histogram.zeros == histogram.counts.sum() == 12 and histogram.std == 0
    histogram.add(np.array([1e-30]))
    assert histogram.counts.sum() == 13 and histogram.zeros == 12
    with pytest.raises(InputError, match="not finite"):
        histogram.add(np.array([np.inf]))
    with pytest.raises(InputError, match="even number"):
        Histogram(3)


def test_weights_near_zero(rng):
    kernel = rng.standard_normal((3, 3, 40, 50)).astype("float32") * 0.02
    found = weight_statistics({"conv": {"kernel": kernel}}, near=(0.1, 1.0))["conv"]
    for t in (0.1, 1.0):
        assert found.near[t] == (np.abs(kernel) < t * kernel.std(dtype="f8")).mean()
        assert abs(found.near[t] - normal_share(t)) < 0.01
    assert found.histogram.total == kernel.size
    np.testing.assert_allclose(normal_share(1.0), 0.6826895, atol=1e-7)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_activations_over_batches(dtype):
    net = small_net(dtype=dtype)
    table = {row: {kind: array.copy() for kind, array in arrays.items()} for row, arrays in net.weights.items()}
    table["conv1_1"]["bias"][2] = -1e6  # channel 2 never fires
    net = type(net)(CHAIN, table, dtype=dtype)
    x = pictures(n=7, dtype=dtype)
    found = activation_statistics(net, (x[i : i + 3] for i in (0, 3, 6)))
    assert list(found) == ["relu1_1", "relu2_1", "relu3"]
    for row, maps in net.capture(x, list(found)).items():
        expected, _ = np.histogram(maps, found[row].histogram.edges)
        assert found[row].histogram.counts.sum() == maps.size
        # Products of matrices of other sizes round differently: a value on an edge may change its bin.
        assert np.abs(found[row].histogram.counts - expected).sum() <= 4
        dead = np.flatnonzero((maps == 0).all(tuple(range(maps.ndim - 1))))
        np.testing.assert_array_equal(found[row].dead, dead)
        assert found[row].channels == maps.shape[-1]
    assert 2 in found["relu1_1"].dead


def test_wrong_arguments():
    net = small_net()
    with pytest.raises(InputError, match="no pictures"):
        activation_statistics(net, [])
    with pytest.raises(UnknownName, match="conv9"):
        activation_statistics(net, [pictures()], ["conv9"])


def test_on_a_device(device):
    values = np.array([0.0, 0.3, -2.0, 5.0], "float32")
    one, other = Histogram(8), Histogram(8)
    one.add(values)
    other.add(device.asarray(values))
    np.testing.assert_array_equal(one.counts, other.counts)
