"""The walk back: late-bound rules, several targets, and only where it has to go."""

import gc
import weakref

import numpy as np
import pytest

from minivis.errors import InputError, NothingRecorded
from minivis.primitives import add, concat, exp, multiply, relu
from minivis.primitives import sum as total
from minivis.tape import Primitive, Tensor, backward
from minivis.testing import check_backward


@Primitive
def double(x):
    return 2 * x, None


@double.backward_to(0)
def double_x(g, _):
    return 2 * g


def test_a_value_used_twice_gets_both_gradients():
    x = Tensor(np.array([3.0, -2.0]))
    assert backward(x * x, x, np.ones(2)).tolist() == [6.0, -4.0]
    check_backward(lambda t: t * t + exp(t) * t, np.array([0.3, -0.7]))


def test_where_paths_meet_nothing_is_added_in_place():
    """add's rules return the very same g for both arguments: adding into it would count it again."""
    x = Tensor(np.array([1.0]))
    y = x + x
    z = y + y
    assert backward(z, x, np.ones(1)).tolist() == [4.0]
    seed = np.ones(1)
    backward(z, x, seed)
    assert seed.tolist() == [1.0]


def test_several_targets_in_one_walk():
    calls = []
    a, b = Tensor(np.array([2.0])), Tensor(np.array([5.0]))
    rules = {
        multiply: lambda g, r: calls.append("a") or g * r.b,
        (multiply, 1): lambda g, r: calls.append("b") or g * r.a,
    }
    ga, gb = backward(a * b, [a, b], np.ones(1), rules)
    assert (ga.tolist(), gb.tolist(), calls) == ([5.0], [2.0], ["a", "b"])


def test_a_target_in_the_middle_and_its_ancestor():
    x = Tensor(np.array([0.5]))
    middle = exp(x)
    gx, gm, gy = backward(y := middle * middle, [x, middle, y], np.ones(1))
    assert gm == pytest.approx(2 * np.exp(0.5))
    assert gx == pytest.approx(2 * np.exp(1.0))
    assert gy.tolist() == [1.0]


def test_rules_are_looked_up_when_walking_back():
    x = Tensor(np.array([-1.0, 2.0]))
    y = relu(x)
    assert backward(y, x, np.array([5.0, -5.0])).tolist() == [0.0, -5.0]
    assert backward(y, x, np.array([5.0, -5.0]), {relu: lambda g, _: g * (g > 0)}).tolist() == [5.0, 0.0]
    assert backward(y, x, np.array([5.0, -5.0])).tolist() == [0.0, -5.0]  # nothing stays behind


def test_a_rule_of_a_primitive_of_many_arguments():
    a, b = Tensor(np.array([1.0])), Tensor(np.array([2.0, 3.0]))
    ga, gb = backward(concat(a, b), [a, b], np.array([1.0, 2.0, 3.0]), {(concat, 1): lambda g, r: 0 * g[1:]})
    assert (ga.tolist(), gb.tolist()) == ([1.0], [0.0, 0.0])


def test_only_what_leads_there_is_walked():
    def fail(g, residual):
        raise AssertionError("walked where nothing was asked for")

    x, other = Tensor(np.array([1.0])), Tensor(np.array([2.0]))
    beside = double(double(other))
    assert backward(exp(x) + beside, x, np.ones(1), {double: fail}).tolist() == [np.e]
    below = double(x)
    assert backward(exp(below), below, np.ones(1), {double: fail}) == pytest.approx(np.exp(2.0))


def test_a_deep_graph_does_not_hit_the_recursion_limit():
    x = y = Tensor(np.array([1.0]))
    for _ in range(10_000):
        y = y + 1e-4
    assert backward(y, x, np.ones(1)).tolist() == [1.0]
    del y  # freeing the chain must not recurse too deep either


def test_dropping_the_tensor_frees_everything_at_once():
    class Residual:
        pass

    @Primitive
    def keep(x):
        return x, Residual()

    gc.disable()  # reference counts alone must do
    try:
        y = keep(Tensor(np.ones(1)))
        residual = weakref.ref(y.node.residual)
        y = relu(y)
        assert residual() is not None
        del y
        assert residual() is None
    finally:
        gc.enable()


def test_plain_arrays_record_nothing():
    assert isinstance(relu(np.ones(2)), np.ndarray)
    assert isinstance(add(np.ones(2), 1.0), np.ndarray)


def test_operators_reach_the_tensor_from_either_side():
    x = Tensor(np.array([2.0], "float32"))
    for y in (np.array([3.0], "float32") * x, 3.0 * x, np.float64(3) * x, x * np.float64(3)):
        assert isinstance(y, Tensor)
        assert y.value.tolist() == [6.0]
        assert y.dtype == np.float32
    assert (1 - x).value.tolist() == [-1.0]
    assert (1 / x).value.tolist() == [0.5]
    assert (-(x**2)).value.tolist() == [-4.0]
    assert abs(-x).value.tolist() == [2.0]
    assert x[0].shape == ()
    assert (np.eye(1, dtype="float32") @ x[None]).value.tolist() == [[2.0]]


def test_a_single_number_needs_no_seed():
    x = Tensor(np.arange(3.0))
    assert backward(total(x * x), x).tolist() == [0.0, 2.0, 4.0]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: backward(x * x, x), InputError, r"y has shape \(1, 10\): pass seed= to say which part"),
        (lambda x: backward(x.value, x), NothingRecorded, "y is a plain array: nothing was recorded. Wrap the input"),
        (lambda x: backward(x * x, x.value, 1), NothingRecorded, "x is a plain array"),
        (lambda x: backward(x * x, x, np.ones(10)), InputError, r"y has shape \(1, 10\), its seed \(10,\)"),
        (lambda x: backward(x * x, x, x), NothingRecorded, "the seed is a Tensor"),
        (lambda x: backward(x * x, Tensor(x.value), x.value), NothingRecorded, "y was not computed from x"),
        (lambda x: Tensor(x), NothingRecorded, "is a Tensor already"),
        (lambda x: Tensor(np.arange(3)), NothingRecorded, "array of floats, got int64"),
        (lambda x: Tensor([1.0]), NothingRecorded, "array of floats, got list"),
        (lambda x: np.asarray(x), NothingRecorded, "take its .value"),
    ],
)
def test_errors_say_what_to_type(call, error, message):
    with pytest.raises(error, match=message):
        call(Tensor(np.ones((1, 10))))


def test_a_primitive_without_a_rule_says_so():
    @Primitive
    def opaque(x):
        return x, None

    x = Tensor(np.ones(1))
    with pytest.raises(NothingRecorded, match="opaque has no backward rule for its argument 0"):
        backward(opaque(x), x)


def test_a_primitive_learns_which_arguments_are_recorded():
    seen = []

    @Primitive
    def look(a, b, *, wanted=frozenset()):
        seen.append(wanted)
        return a + b, None

    look(np.ones(1), Tensor(np.ones(1)))
    look(np.ones(1), np.ones(1))
    assert seen == [{1}, frozenset()]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_single_numbers_stay_arrays_of_their_dtype(dtype):
    """NumPy turns arithmetic on 0-d arrays into scalars: a loss of several terms must not lose its dtype by that."""
    x = Tensor(np.arange(3, dtype=dtype))
    loss = 0.5 * total(x * x)
    loss = loss + total(x) / 4.0 - total(x) * total(x)
    assert isinstance(loss.value, np.ndarray)
    assert loss.dtype == dtype
    g = backward(loss, x)
    assert g.dtype == dtype
    assert np.allclose(g, [0.25 - 6, 1.25 - 6, 2.25 - 6])
