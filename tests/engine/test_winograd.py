"""The fast twin of the convolution, called directly, against the readable one."""

import pickle

import numpy as np
import pytest
from small import pictures, small_net

import minivis as mv
from minivis.nets import Architecture
from minivis.nets.layers import Conv, Input, ReLU
from minivis.primitives import conv2d, winograd
from minivis.primitives.conv import conv2d_x
from minivis.primitives.winograd import A_T, B_T, G, WinogradPlan
from minivis.rules import _positive_conv2d
from minivis.tape import Tensor, backward
from minivis.testing import relative_error

TOLERANCE = {"float64": 1e-12, "float32": 1e-5}
SIZES = [(8, 8), (13, 10), (4, 21), (3, 3), (17, 5)]
PADDINGS = [0, 1, 2, 3, 7, ((0, 3), (0, 0)), ((6, 0), (0, 9)), ((0, 2), (1, 0)), ((3, 0), (0, 4))]


def both(rng, size, padding, dtype, n=2, c=5, k=7):
    x = rng.standard_normal((n, *size, c)).astype(dtype)
    kernel = rng.standard_normal((3, 3, c, k)).astype(dtype)
    y, residual = conv2d.forward(x, kernel, None, padding=padding)
    return x, kernel, y, residual


def test_the_matrices_compute_a_convolution_of_a_row():
    """F(4, 3) in one dimension, exactly: A' [(G g) * (B' d)]."""
    d, g = np.arange(6.0) ** 2, np.array([2.0, -1.0, 3.0])
    assert np.allclose(A_T @ ((G @ g) * (B_T @ d)), [d[i : i + 3] @ g for i in range(4)])


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("size", SIZES)
def test_forward_and_adjoint_equal_the_readable_ones(size, padding, dtype, rng):
    x, kernel, y, r = both(rng, size, padding, dtype)
    plan = WinogradPlan(kernel)
    fast = winograd.forward(x, plan, r.grid.sides, y.shape[1:3])
    assert fast.dtype == dtype
    assert relative_error(fast, y) < TOLERANCE[dtype]
    g = rng.standard_normal(y.shape).astype(dtype)
    assert relative_error(winograd.adjoint(g, plan, r.grid.sides, x.shape), conv2d_x(g, r)) < TOLERANCE[dtype]


@pytest.mark.parametrize("small_u", [0, 1 << 30], ids=["one strip for all", "strips of their own"])
@pytest.mark.parametrize("strip_bytes", [1, 20_000, 1 << 30])
@pytest.mark.parametrize("threads_from", [0, 10**9])
def test_the_same_in_any_strips_and_threads(strip_bytes, threads_from, small_u, rng, monkeypatch):
    monkeypatch.setattr(winograd, "STRIP_BYTES", strip_bytes)
    monkeypatch.setattr(winograd, "WHOLE_STRIP_BYTES", strip_bytes)
    monkeypatch.setattr(winograd, "SMALL_U_BYTES", small_u)
    monkeypatch.setattr(winograd, "THREADS_FROM", threads_from)
    x, kernel, y, r = both(rng, (27, 22), 1, "float64", n=3)
    plan = WinogradPlan(kernel)
    assert relative_error(winograd.forward(x, plan, r.grid.sides, y.shape[1:3]), y) < 1e-12
    g = rng.standard_normal(y.shape)
    assert relative_error(winograd.adjoint(g, plan, r.grid.sides, x.shape), conv2d_x(g, r)) < 1e-12


WIDE = Architecture(
    "wide",
    (
        ("input", Input(40)),
        ("normalize", small_net().architecture.normalize),
        ("conv1", Conv(36, padding=1)),
        ("relu1", ReLU()),
        ("conv2", Conv(33, padding=1)),
        ("relu2", ReLU()),
    ),
    (),
    maps="relu2",
)


def used(monkeypatch):
    """Return a list that fills with what the fast path was called for."""
    calls = []
    for name in ("forward", "adjoint"):
        original = getattr(winograd, name)
        monkeypatch.setattr(
            winograd, name, lambda *args, name=name, original=original: calls.append(name) or original(*args)
        )
    return calls


def test_networks_use_it_in_float32_and_never_in_float64(monkeypatch):
    calls = used(monkeypatch)
    exact = mv.gradient(small_net(WIDE), pictures(WIDE), (20, 20, 3), at="conv2")
    assert calls == []
    fast = mv.gradient(small_net(WIDE, dtype="float32"), pictures(WIDE, dtype="float32"), (20, 20, 3), at="conv2")
    assert calls == ["forward", "adjoint"]  # conv1 has too few channels
    assert relative_error(fast, exact) < 1e-4


def test_a_recorded_kernel_is_never_replaced_by_its_plan(monkeypatch, rng):
    calls = used(monkeypatch)
    x, kernel, _, _ = both(rng, (32, 32), 1, "float32", c=32, k=32)
    recorded = Tensor(kernel)
    y = conv2d(x, recorded, padding=1, plan=WinogradPlan(kernel))
    backward(y, recorded, y.value)
    assert calls == []
    conv2d(x, kernel, padding=1, plan=WinogradPlan(kernel))
    assert calls == ["forward"]


def test_a_rule_that_changes_the_kernel_does_not_meet_the_old_plan(rng):
    x, kernel, y, _ = both(rng, (32, 32), 1, "float32", c=32, k=32)
    _, r = conv2d.forward(x, kernel, None, padding=1, plan=WinogradPlan(kernel))
    _, plain = conv2d.forward(x, kernel, None, padding=1)
    assert r.plan is not None
    assert relative_error(_positive_conv2d(y, r), _positive_conv2d(y, plain)) == 0


def test_a_plan_pickles_without_its_transform(rng):
    plan = WinogradPlan(rng.standard_normal((3, 3, 4, 5)).astype("float32"))
    size = len(pickle.dumps(plan))
    assert plan.transformed.shape == (36, 4, 5)
    assert len(pickle.dumps(plan)) == size
    assert np.array_equal(pickle.loads(pickle.dumps(plan)).transformed, plan.transformed)


@pytest.mark.parametrize("dtype", ["float64", "float16"])
def test_other_numbers_than_float32_take_the_readable_path(dtype, monkeypatch, rng):
    calls = used(monkeypatch)
    x, kernel, _, _ = both(rng, (32, 32), 1, "float32", c=32, k=32)
    y = conv2d(x.astype(dtype), kernel, padding=1, plan=WinogradPlan(kernel))
    assert calls == []
    assert y.dtype == np.result_type(dtype, "float32")
