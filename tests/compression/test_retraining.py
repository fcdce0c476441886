"""Retraining: zeros stay zeros, shared weights stay equal, and both still learn."""

import numpy as np
import pytest
from tiny_pictures import TINY, Folder

from minivis.compression import decompress, deep_compress, pruned
from minivis.compression.retraining import Masked, Tied, clusters_of, masks_of, retrain_pruned, retrain_shared
from minivis.nets import Net, initial_weights
from minivis.training import SGD, Adam


@pytest.fixture
def net():
    return Net(TINY, initial_weights(TINY, np.random.default_rng(0)))


@pytest.mark.parametrize("optimizer", [SGD(weight_decay=0.01), Adam(), Adam(weight_decay=0.01)])
def test_optimisers_keep_what_they_promise(rng, optimizer):
    kernel = rng.choice([-1.0, 0.0, 0.5, 2.0], (6, 5)).astype("float32")
    weights = {"a/kernel": kernel, "a/bias": np.ones(5, "float32")}
    table = {"a": {"kernel": kernel}}
    for wrapped in (Masked(optimizer, masks_of(table)), Tied(optimizer, clusters_of(table))):
        now, memory = weights, wrapped.start(weights)
        for number in (1, 2, 3):
            gradients = {name: rng.standard_normal(w.shape).astype("float32") for name, w in weights.items()}
            now, memory = wrapped.step(now, gradients, memory, 0.1, number)
        np.testing.assert_array_equal(now["a/kernel"] == 0, kernel == 0)
        assert (now["a/kernel"][kernel != 0] != kernel[kernel != 0]).all() and (now["a/bias"] != 1).all()
        assert now["a/kernel"].dtype == np.float32
    for value in (-1.0, 0.5, 2.0):  # the last wrapped was Tied
        assert len(np.unique(now["a/kernel"][kernel == value])) == 1


def test_a_shared_value_moves_by_the_sum_of_its_gradients():
    kernel = np.array([[1.0, 2.0], [1.0, 0.0]])
    tied = Tied(SGD(momentum=0), clusters_of({"a": {"kernel": kernel}}))
    weights, gradients = {"a/kernel": kernel}, {"a/kernel": np.array([[0.1, 0.2], [0.3, 9.0]])}
    moved, _ = tied.step(weights, gradients, tied.start(weights), 1.0, 1)
    np.testing.assert_allclose(moved["a/kernel"], [[0.6, 1.8], [0.6, 0.0]])


def test_a_net_is_trained_on(net):
    pictures = Folder(30)
    table = pruned(net.weights, 0.5)
    trained = retrain_pruned(net, table, pictures, 1, np.random.default_rng(1), lr=0.01)
    for row, arrays in trained.items():
        np.testing.assert_array_equal(arrays["kernel"] == 0, table[row]["kernel"] == 0)
        assert (arrays["kernel"] != table[row]["kernel"]).any()
    shared = decompress(deep_compress(table, 3, 3)[0])
    trained = retrain_shared(net, shared, pictures, 1, np.random.default_rng(1), lr=0.01)
    for row, arrays in trained.items():
        was, now = shared[row]["kernel"], arrays["kernel"]
        np.testing.assert_array_equal(now == 0, was == 0)
        for value in np.unique(was):
            assert len(np.unique(now[was == value])) == 1
        assert (now != was).any()
