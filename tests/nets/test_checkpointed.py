"""A network that records less and computes again: the same numbers, in less memory."""

import pickle
import tracemalloc

import numpy as np
import pytest
from small import ALL, BRANCHES, CHAIN, small_net

import minivis as mv
from minivis import workspace
from minivis.errors import UnknownName


def pictures(net, rng, count=2):
    return rng.uniform(0, 255, (count, net.size, net.size, 3)).astype(net.dtype)


@pytest.mark.parametrize("architecture", ALL, ids=lambda a: a.name)
@pytest.mark.parametrize("rules", [mv.VANILLA, mv.GUIDED, mv.DECONVNET], ids=["vanilla", "guided", "deconvnet"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_every_rule_gives_the_same_bits(architecture, rules, dtype, rng):
    net = small_net(architecture, dtype=dtype)
    x = pictures(net, rng)
    expected = mv.gradient(net, x, rules=rules)
    assert expected.any()
    np.testing.assert_array_equal(mv.gradient(net.checkpointed(), x, rules=rules), expected)
    everywhere = net.checkpointed(net.names)
    np.testing.assert_array_equal(mv.gradient(everywhere, x, rules=rules), expected)


@pytest.mark.parametrize("architecture", ALL, ids=lambda a: a.name)
def test_several_rows_at_once(architecture, rng):
    """A loss on all rows, those inside branches too: every path back must be walked, and none twice."""
    net = small_net(architecture)
    x = pictures(net, rng)
    names = net.names[1:-1]

    def pulled(net):
        picture = mv.Tensor(x)
        values = net.capture(picture, names)
        assert list(values) == list(names)
        loss = mv.sum(values[names[0]] ** 2) * 1e-6
        for name in names[1:]:
            loss = loss + mv.sum(values[name] ** 2)
        return float(loss.value), mv.backward(loss, picture)

    (loss, expected), (again, found) = pulled(net), pulled(net.checkpointed())
    assert again == loss
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12 * np.abs(expected).max())


def test_other_methods_and_a_start_in_the_middle(rng):
    net = small_net(CHAIN)
    x = pictures(net, rng)
    light = net.checkpointed()
    for method in (mv.saliency, mv.grad_cam, mv.guided_grad_cam):
        np.testing.assert_array_equal(method(light, x, 1), method(net, x, 1))
    np.testing.assert_array_equal(mv.deconvnet(light, x, "relu2_1", 3), mv.deconvnet(net, x, "relu2_1", 3))
    np.testing.assert_array_equal(light(x), net(x))
    assert light(mv.Tensor(x)).shape == (2, 5)


def test_the_network_itself_stays_as_it_was():
    net = small_net(CHAIN)
    light = net.checkpointed(["pool1"])
    assert (net.kept, light.kept) == ((), ("pool1",))
    assert light.weights is net.weights
    assert pickle.loads(pickle.dumps(light)).kept == ("pool1",)
    with pytest.raises(UnknownName, match="no layer named 'pol1'"):
        net.checkpointed(["pol1"])


def test_rows_that_later_rows_reach_around_are_no_bottlenecks():
    rows = BRANCHES.ancestors(["prob"])
    found = BRANCHES.bottlenecks(rows)
    assert {"left", "relu_left", "right", "relu_right", "down"}.isdisjoint(found)
    assert {"pool1", "join", "fc"} <= found
    above = BRANCHES.ancestors(["prob"], ["pool1"])  # what is given is read by three rows
    assert BRANCHES.bottlenecks(above) == {"join", "pool2", "drop2", "fc", "prob"}


def test_it_takes_less_memory():
    net = mv.load("minivgg")
    x = np.random.default_rng(0).uniform(0, 255, (24, 96, 96, 3)).astype("float32")

    def peak(net):
        mv.gradient(net, x, 0)  # once before: weights are read, buffers planned
        workspace.release()
        tracemalloc.start()
        try:
            mv.gradient(net, x, 0)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(net.checkpointed()) < 0.9 * peak(net)  # its first block alone is most of it
