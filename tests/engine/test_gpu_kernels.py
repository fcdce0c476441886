"""The CUDA kernels, against the plain code: compiled for the host by the stand-in, and on a GPU where there is one."""

import fakecupy
import fakekernel
import numpy as np
import pytest
from small import pictures, small_net
from test_winograd import WIDE

import minivis as mv
from minivis.backend import to_host
from minivis.primitives import conv2d, conv2d_relu, gpu, max_pool, winograd
from minivis.primitives.conv import conv2d_x
from minivis.primitives.gates import passed
from minivis.primitives.pooling import max_pool_x
from minivis.testing import relative_error

TOLERANCE = {"float64": 1e-12, "float32": 1e-5}
pytestmark = pytest.mark.skipif(not fakekernel.compiler(), reason="no C++ compiler for the stand-in")


@pytest.fixture(autouse=True)
def fresh():
    gpu.why_not.cache_clear()
    gpu._kernel.cache_clear()
    yield
    gpu.why_not.cache_clear()
    gpu._kernel.cache_clear()


@pytest.fixture
def launched(monkeypatch):
    """Return a list that fills with the names of the kernels that run."""
    names, original = [], gpu._launch
    monkeypatch.setattr(
        gpu, "_launch", lambda xp, source, name, *rest: names.append(name) or original(xp, source, name, *rest)
    )
    return names


def test_the_kernels_pass_their_own_check(device):
    assert gpu.why_not(device) == ""


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (("a[k] > 0", "a[k] >= 0"), "gate differs"),
        (("value > best", "value < best"), "max_pool differs"),
        (("switches[place] == i * kw + j", "switches[place] == j * kh + i"), "max_pool_back differs"),
        (("half[i][j] += B[i][a] * d", "half[i][j] += B[a][i] * d"), "Winograd's transforms differ"),
        (("if (rectify", "if (!rectify"), "Winograd's transforms differ"),
        (("extern", "extern nonsense"), "does not run"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_a_broken_kernel_is_found_and_the_plain_code_goes_on(broken, said, monkeypatch, rng):
    for name in ("GATES", "POOLS", "TRANSFORMS"):
        monkeypatch.setattr(gpu, name, getattr(gpu, name).replace(*broken))
    g, y = (rng.integers(-1, 2, (2, 4, 4, 3)).astype("float32") for _ in range(2))
    with fakecupy.install() as device:
        assert said in gpu.why_not(device)
        assert not gpu.usable(device.asarray(g))
        np.testing.assert_array_equal(to_host(passed(device.asarray(g), device.asarray(y))), g * (y > 0))


@pytest.fixture(params=["int", "long long"])
def whole_numbers(request, monkeypatch):
    """Let small arrays be counted as large ones are, too."""
    if request.param == "long long":
        monkeypatch.setattr(gpu, "LONG_FROM", 0)


@pytest.mark.parametrize("dtype", sorted(TOLERANCE))
def test_gates(device, dtype, rng, launched, whole_numbers):
    g, y = (rng.standard_normal((3, 5, 7, 11)).astype(dtype) for _ in range(2))
    y[rng.random(y.shape) < 0.3] = 0
    gpu.why_not(device)
    launched.clear()
    g_there, y_there = device.asarray(g), device.asarray(y)
    np.testing.assert_array_equal(to_host(passed(g_there, y_there)), g * (y > 0))
    np.testing.assert_array_equal(to_host(passed(g_there, g_there, y_there)), g * (g > 0) * (y > 0))
    turned = to_host(passed(g_there.transpose(0, 2, 1, 3), y_there.transpose(0, 2, 1, 3)))
    np.testing.assert_array_equal(turned, (g * (y > 0)).transpose(0, 2, 1, 3))
    assert launched == ["gate"] * 3


@pytest.mark.parametrize("dtype", sorted(TOLERANCE))
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"kernel": 3, "stride": 2, "ceil": True},
        {"kernel": (3, 2), "stride": (1, 2), "padding": (1, 0)},
        {"kernel": 3, "stride": 1, "padding": 1},
        {"kernel": 2, "stride": 3},
        {"kernel": 16, "stride": 1, "padding": 15},
    ],
    ids=str,
)
def test_pools(device, dtype, options, rng, launched, whole_numbers):
    x = rng.integers(-3, 4, (2, 13, 10, 5)).astype(dtype)  # many ties
    y, r = max_pool.forward(x, **options)
    g = rng.standard_normal(y.shape).astype(dtype)
    back = max_pool_x(g, r)
    gpu.why_not(device)
    launched.clear()
    y_there, r_there = max_pool.forward(device.asarray(x), **options)
    np.testing.assert_array_equal(to_host(y_there), y)
    np.testing.assert_array_equal(to_host(r_there.switches), r.switches)
    assert relative_error(to_host(max_pool_x(device.asarray(g), r_there)), back) < TOLERANCE[dtype]
    assert launched == ["max_pool", "max_pool_back"]


@pytest.mark.parametrize("dtype", sorted(TOLERANCE))
@pytest.mark.parametrize("strip_bytes", [1, 1 << 30])
@pytest.mark.parametrize("padding", [0, 1, ((0, 2), (1, 0)), ((3, 0), (0, 4))], ids=str)
@pytest.mark.parametrize("size", [(8, 8), (13, 10), (4, 21), (3, 3)])
def test_winograd(device, size, padding, strip_bytes, dtype, rng, monkeypatch, whole_numbers):
    monkeypatch.setattr(winograd, "DEVICE_STRIP_BYTES", strip_bytes)
    x, kernel = rng.standard_normal((2, *size, 5)).astype(dtype), rng.standard_normal((3, 3, 5, 7)).astype(dtype)
    bias = rng.standard_normal(7).astype(dtype)
    y, r = conv2d.forward(x, kernel, bias, padding=padding)
    plan = winograd.WinogradPlan(device.asarray(kernel))
    out, x_there, bias_there = y.shape[1:3], device.asarray(x), device.asarray(bias)
    there = winograd.forward(x_there, plan, r.grid.sides, out, bias_there)
    assert relative_error(to_host(there), y) < TOLERANCE[dtype]
    there = winograd.forward(x_there, plan, r.grid.sides, out, bias_there, rectify=True)
    assert relative_error(to_host(there), np.maximum(y, 0)) < TOLERANCE[dtype]
    g = rng.standard_normal(y.shape).astype(dtype)
    back = winograd.adjoint(device.asarray(g), plan, r.grid.sides, x.shape)
    assert relative_error(to_host(back), conv2d_x(g, r)) < TOLERANCE[dtype]


def test_a_network_on_a_device_uses_them_in_float32(device, launched):
    expected = mv.gradient(small_net(WIDE), pictures(WIDE), (20, 20, 3), at="conv2")
    net = small_net(WIDE, dtype="float32", device="gpu")
    launched.clear()  # of the check when it was loaded
    found = mv.gradient(net, device.asarray(pictures(WIDE, dtype="float32")), (20, 20, 3), at="conv2")
    assert isinstance(found, device.ndarray)
    assert relative_error(to_host(found), expected) < 1e-4
    assert launched == ["to_tiles", "to_maps", "to_tiles", "to_maps", "gate"]


def test_both_at_once_on_a_device(device, rng):
    x, k = rng.standard_normal((1, 40, 36, 34)).astype("float32"), rng.standard_normal((3, 3, 34, 33)).astype("float32")
    bias = rng.standard_normal(33).astype("float32")
    plan = winograd.WinogradPlan(device.asarray(k))
    for plan_there in (plan, None):
        kernel = plan.kernel
        y = conv2d_relu(device.asarray(x), kernel, device.asarray(bias), padding=1, plan=plan_there)
        assert relative_error(to_host(y), conv2d_relu(x, k, bias, padding=1)) < 1e-5


def test_no_kernel_where_there_is_no_compiler(monkeypatch):
    with fakecupy.install() as device:
        monkeypatch.delattr(device, "RawKernel")
        assert "no RawKernel" in gpu.why_not(device)


def test_arrays_of_two_types_meet_no_kernel_that_would_misread_them(device, rng):
    g, y = rng.standard_normal((2, 5, 5, 3)), rng.standard_normal((2, 5, 5, 3)).astype("float32")
    np.testing.assert_array_equal(to_host(passed(device.asarray(g), device.asarray(y))), g * (y > 0))
    x, kernel = rng.standard_normal((1, 40, 36, 34)), rng.standard_normal((3, 3, 34, 33)).astype("float32")
    bias = rng.standard_normal(33).astype("float32")
    plan = winograd.WinogradPlan(device.asarray(kernel))
    y = conv2d(device.asarray(x), plan.kernel, device.asarray(bias), padding=1, plan=plan)
    assert relative_error(to_host(y), conv2d(x, kernel, bias, padding=1)) < 1e-6
