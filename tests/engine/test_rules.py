"""The rule tables: what each does, against a naive replica that goes layer by layer."""

import numpy as np
import pytest
import reference

from minivis import DECONVNET, DECONVNET_ZF, GUIDED, POSITIVE_PATHS, VANILLA
from minivis.primitives import conv2d, linear, lrn, max_pool, relu
from minivis.tape import Tensor, backward
from minivis.testing import relative_error

TABLES = {
    "vanilla": VANILLA,
    "deconvnet": DECONVNET,
    "guided": GUIDED,
    "positive_paths": POSITIVE_PATHS,
    "deconvnet_zf": DECONVNET_ZF,
}


def test_the_pencil_network_tells_the_four_rules_apart():
    """x = 1; W = (2, -1, 4, 1), b = (0, 3, -5, 0); h = relu(Wx + b); v = (3, 1, 2, -3); p = v.h = 5."""
    x = Tensor(np.array([[1.0]]))
    w, b = np.array([[2.0, -1.0, 4.0, 1.0]]), np.array([0.0, 3.0, -5.0, 0.0])
    v = np.array([[3.0], [1.0], [2.0], [-3.0]])
    p = linear(relu(linear(x, w, b)), v)
    assert p.value.item() == 5
    answers = [backward(p, x, rules=rules).item() for rules in (VANILLA, DECONVNET, GUIDED, POSITIVE_PATHS)]
    assert answers == [2, 13, 5, 6]


def small_network(rng):
    return [
        reference.Conv(rng.standard_normal((3, 3, 3, 6)), rng.standard_normal(6), 1, 1),
        reference.Relu(),
        reference.Lrn(alpha=0.5),
        reference.MaxPool(3, 2, 0, True),
        reference.Conv(rng.standard_normal((3, 3, 3, 8)), rng.standard_normal(8), 2, 1, 2),
        reference.Relu(),
        reference.MaxPool(2),
        reference.Flatten(),
        reference.Linear(rng.standard_normal((8, 5)), rng.standard_normal(5)),
        reference.Relu(),
        reference.Linear(rng.standard_normal((5, 4)), rng.standard_normal(4)),
    ]


def ours(layers, x):
    for layer in layers:
        if isinstance(layer, reference.Conv):
            x = conv2d(x, layer.kernel, layer.bias, stride=layer.stride, padding=layer.padding, groups=layer.groups)
        elif isinstance(layer, reference.Relu):
            x = relu(x)
        elif isinstance(layer, reference.Lrn):
            x = lrn(x, size=layer.size, alpha=layer.alpha, beta=layer.beta, k=layer.k)
        elif isinstance(layer, reference.MaxPool):
            x = max_pool(x, **layer._asdict())
        elif isinstance(layer, reference.Linear):
            x = linear(x, layer.weights, layer.bias)
    return x


@pytest.mark.parametrize("rule", TABLES)
def test_each_table_equals_a_layer_by_layer_replica(rule, rng):
    layers, picture = small_network(rng), rng.standard_normal((3, 8, 8, 3))
    x = Tensor(picture)
    y = ours(layers, x)
    seed = rng.standard_normal(y.shape)
    found = backward(y, x, seed, TABLES[rule])
    assert relative_error(found, reference.backward_chain(layers, picture, seed, rule)) < 1e-12
    others = [reference.backward_chain(layers, picture, seed, other) for other in TABLES if other != rule]
    assert all(relative_error(found, other) > 0.01 for other in others)  # the five do differ here


def test_one_forward_pass_serves_every_table(rng):
    layers, picture = small_network(rng), rng.standard_normal((2, 8, 8, 3))
    x = Tensor(picture)
    y = ours(layers, x)
    seed = rng.standard_normal(y.shape)
    first = backward(y, x, seed)
    for rules in TABLES.values():
        backward(y, x, seed, rules)
    assert np.array_equal(backward(y, x, seed), first)


def test_a_relu_at_exactly_zero_passes_nothing():
    x = Tensor(np.zeros(3))
    g = np.array([1.0, -1.0, 0.0])
    for rules in (VANILLA, GUIDED):
        assert backward(relu(x), x, g, rules).tolist() == [0, 0, 0]
    assert backward(relu(x), x, g, DECONVNET).tolist() == [1, 0, 0]


def test_tables_cannot_be_changed_by_accident():
    with pytest.raises(TypeError):
        GUIDED[relu] = None


def test_a_table_of_ones_own_is_one_line():
    """What a reader would write after ten minutes with tape.py and rules.py."""
    mine = {relu: lambda g, y: g * (g > 0)}
    x = Tensor(np.array([-1.0, 2.0]))
    assert np.array_equal(backward(relu(x), x, np.ones(2), mine), backward(relu(x), x, np.ones(2), DECONVNET))
