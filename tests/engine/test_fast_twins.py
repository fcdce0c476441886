"""The fast twins of convolution with few channels and of the 2x2 pool, called directly, against the readable ones."""

from fractions import Fraction

import numpy as np
import pytest
from small import pictures, small_net

import minivis as mv
from minivis import parallel
from minivis.primitives import conv as conv_module
from minivis.primitives import conv2d, conv2d_relu, linear, max_pool, planes, pool2x2, relu, winograd
from minivis.primitives import pooling as pooling_module
from minivis.primitives.conv import conv2d_x
from minivis.primitives.gates import passed, rectify
from minivis.primitives.pooling import max_pool_x
from minivis.primitives.windows import grid
from minivis.primitives.winograd import AS_IT_IS, TURNED, G
from minivis.tape import Tensor, backward
from minivis.testing import relative_error

TOLERANCE = {"float64": 1e-12, "float32": 1e-5}
DTYPES = sorted(TOLERANCE)


@pytest.fixture
def readable(monkeypatch):
    """Switch the twins off, so that primitives take the readable path in float32, too."""
    monkeypatch.setattr(conv_module, "_has_planes", lambda *args: False)
    monkeypatch.setattr(conv_module, "_has_winograd", lambda *args: False)
    monkeypatch.setattr(pooling_module, "_has_fast_twin", lambda *args: False)


# --- few channels


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("size", "kernel", "options"),
    [
        ((37, 30), (3, 3, 3, 8), {"padding": 1}),
        ((41, 50), (7, 7, 3, 5), {"stride": 2, "padding": 3}),
        ((35, 40), (3, 2, 1, 4), {"stride": (3, 1), "padding": ((0, 2), (1, 0))}),
        ((20, 33), (5, 1, 4, 6), {}),
        ((64, 9), (2, 2, 2, 3), {"stride": 5}),
    ],
    ids=str,
)
def test_planes_are_the_readable_convolution(readable, size, kernel, options, dtype, rng, monkeypatch):
    monkeypatch.setattr(planes, "STRIP_BYTES", 1)  # as many strips as there can be
    x = rng.standard_normal((2, *size, kernel[2])).astype(dtype)
    k, bias = (rng.standard_normal(shape).astype(dtype) for shape in (kernel, kernel[3:]))
    y, r = conv2d.forward(x, k, bias, **options)
    fast = planes.forward(x, k, r.grid, bias)
    assert fast.dtype == dtype
    assert relative_error(fast, y) < TOLERANCE[dtype]
    assert relative_error(planes.forward(x, k, r.grid, bias, rectify=True), np.maximum(y, 0)) < TOLERANCE[dtype]
    g = rng.standard_normal(y.shape).astype(dtype)
    back = planes.adjoint(g, k, r.grid, x.shape)
    assert back.dtype == dtype
    assert relative_error(back, conv2d_x(g, r)) < TOLERANCE[dtype]


def test_planes_give_the_same_bits_each_time(rng, monkeypatch):
    """Strips in two threads add to rows that they share, in any order."""
    monkeypatch.setattr(planes, "STRIP_BYTES", 1)
    k, g = rng.standard_normal((7, 7, 3, 16)).astype("float32"), rng.standard_normal((1, 90, 90, 16)).astype("float32")
    _, r = conv2d.forward(np.zeros((1, 90, 90, 3), "float32"), k, padding=3)
    first = planes.adjoint(g, k, r.grid, r.shape)
    for _ in range(10):
        np.testing.assert_array_equal(planes.adjoint(g, k, r.grid, r.shape), first)


# --- the 2x2 pool


@pytest.mark.parametrize(
    ("size", "stride", "filters"), [(3, 2, 64), (7, 2, 64), (7, 1, 61), (11, 4, 96), (5, 1, 8), (7, 1, 12)], ids=str
)
def test_equal_windows_give_equal_numbers(size, stride, filters, rng):
    """A flat area has to give ties, to the last bit: a max-pool behind it settles them by place, not by rounding."""
    x = np.broadcast_to(rng.standard_normal(3).astype("float32"), (2, 227, 227, 3))
    kernel, bias = (rng.standard_normal(shape).astype("float32") for shape in ((size, size, 3, filters), (filters,)))
    y = planes.forward(x, kernel, grid(x.shape, (size, size), stride, 0), bias)
    np.testing.assert_array_equal(y, np.broadcast_to(y[0, 0, 0], y.shape))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [(8, 8), (7, 5), (2, 3), (31, 20)])
@pytest.mark.parametrize("strip_bytes", [1, 1 << 20])
def test_the_2x2_pool_is_the_readable_one(readable, size, dtype, strip_bytes, rng, monkeypatch):
    monkeypatch.setattr(pool2x2, "STRIP_BYTES", strip_bytes)
    x = rng.integers(-2, 3, (3, *size, 5)).astype(dtype)  # many ties
    y, r = max_pool.forward(x)
    fast, switches = pool2x2.forward(x)
    np.testing.assert_array_equal(fast, y)
    np.testing.assert_array_equal(switches, r.switches)
    assert (fast.dtype, switches.dtype) == (dtype, np.uint8)
    g = rng.standard_normal(y.shape).astype(dtype)
    np.testing.assert_array_equal(pool2x2.adjoint(g, switches, x.shape), max_pool_x(g, r))


def test_every_order_of_four_numbers_has_its_switch():
    """All 256 windows of four values out of four: each tie is decided as the readable pool decides it."""
    values = np.stack(np.meshgrid(*[np.arange(4.0)] * 4, indexing="ij"), -1).reshape(-1, 4)
    maps = values.reshape(-1, 2, 2, 1)
    y, switches = pool2x2.forward(maps)
    np.testing.assert_array_equal(switches.ravel(), values.argmax(1))  # NumPy's takes the first, too
    np.testing.assert_array_equal(y.ravel(), values.max(1))


# --- convolution and ReLU at once


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("kernel", "planned"),
    [((3, 3, 3, 8), False), ((3, 3, 34, 33), True), ((3, 3, 6, 8), False), ((1, 1, 6, 8), False)],
    ids=["planes", "winograd", "readable", "1x1"],
)
def test_both_at_once_are_recorded_as_two(kernel, planned, dtype, rng):
    """The same value and the same walks, by any rule of the ReLU, as from the two primitives one after the other."""
    x = rng.standard_normal((2, 40, 36, kernel[2])).astype(dtype)
    k, bias = (rng.standard_normal(shape).astype(dtype) for shape in (kernel, kernel[3:]))
    plan = winograd.WinogradPlan(k) if planned else None
    x, bias = Tensor(x), Tensor(bias)
    apart, together = relu(conv2d(x, k, bias, padding=1, plan=plan)), conv2d_relu(x, k, bias, padding=1, plan=plan)
    assert relative_error(together.value, apart.value) < TOLERANCE[dtype]
    assert (together.value >= 0).all()
    g = rng.standard_normal(apart.shape).astype(dtype)
    for rules in (mv.VANILLA, mv.DECONVNET, mv.GUIDED, mv.POSITIVE_PATHS, {mv.relu: lambda g, y: -g}):
        found, expected = (backward(y, [x, bias], g, rules) for y in (together, apart))
        for ours, theirs in zip(found, expected, strict=True):
            assert relative_error(ours, theirs) < TOLERANCE[dtype]
    plain = conv2d_relu(x.value, k, bias.value, padding=1, plan=plan)
    assert isinstance(plain, np.ndarray)


def test_a_network_gives_what_lies_between_only_if_asked():
    net = small_net()
    x = pictures()
    both = net.capture(x, ["conv1_1", "relu1_1"])
    assert both["conv1_1"].min() < 0
    np.testing.assert_array_equal(both["relu1_1"], np.maximum(both["conv1_1"], 0))
    alone = net.capture(x, ["relu1_1"])["relu1_1"]
    np.testing.assert_array_equal(alone, both["relu1_1"])


# --- the ReLU and its rules


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (5,), (3, 300, 400), (700, 1200)], ids=str)
def test_gates_in_pieces(shape, dtype, rng):
    g, y, z = (rng.standard_normal(shape).astype(dtype) for _ in range(3))
    y = np.asarray(y * (rng.random(shape) > 0.3)).astype(dtype)  # some exactly 0
    g, z = np.asarray(g), np.asarray(z)
    np.testing.assert_array_equal(rectify(g), np.maximum(g, 0))
    np.testing.assert_array_equal(passed(g, y), g * (y > 0))
    np.testing.assert_array_equal(passed(g, g, y, z), g * (g > 0) * (y > 0) * (z > 0))
    assert passed(g, y).dtype == rectify(g).dtype == dtype


def test_gates_of_maps_that_are_not_in_one_piece(rng):
    g, y = (rng.standard_normal((800, 1, 900)).astype("float32") for _ in range(2))
    np.testing.assert_array_equal(passed(g[:, :, ::2], y[:, :, 1::2]), g[:, :, ::2] * (y[:, :, 1::2] > 0))
    np.testing.assert_array_equal(passed(g, y[:1]), g * (y[:1] > 0))


# --- Winograd's matrices


def test_the_turned_transforms_convolve_with_the_turned_kernel():
    """The exact identity on a row: what is done to the input and the output turns the kernel, whose G g stays."""
    d, g = np.arange(6.0) ** 2 + 1, np.array([2.0, -1.0, 3.0])
    for transforms, kernel in ((AS_IT_IS, g), (TURNED, g[::-1])):
        y = transforms.a_t @ ((G @ g) * (transforms.b_t @ d))
        np.testing.assert_allclose(y, [d[i : i + 3] @ kernel for i in range(4)], rtol=1e-13)


def rows(text):
    return np.array([[float(Fraction(number)) for number in row.split()] for row in text.split(";")])


def test_the_points_err_less_than_lavins(rng):
    """What winograd.py says of its points: over many kernels, a smaller error than with 2 in place of 1/2."""
    theirs = (
        rows("4 0 -5 0 1 0; 0 -4 -4 1 1 0; 0 4 -4 -1 1 0; 0 -2 -1 2 1 0; 0 2 -1 -2 1 0; 0 4 0 -5 0 1"),
        rows("1/4 0 0; -1/6 -1/6 -1/6; -1/6 1/6 -1/6; 1/24 1/12 1/6; 1/24 -1/12 1/6; 0 0 1"),
        rows("1 1 1 1 1 0; 0 1 -1 2 -2 0; 0 1 1 4 4 0; 0 1 -1 8 -8 1"),
    )
    ours = (winograd.B_T, G, winograd.A_T)
    d, g = rng.standard_normal((64, 500, 6, 6)), rng.standard_normal((64, 3, 3))
    exact = sum(d[:, :, a : a + 4, b : b + 4] * g[:, None, a : a + 1, b : b + 1] for a in range(3) for b in range(3))
    errors = []
    for b_t, kernel_t, a_t in (ours, theirs):
        b_t, a_t = b_t.astype("float32"), a_t.astype("float32")
        u = (kernel_t @ g @ kernel_t.T).astype("float32")
        m = (b_t @ d.astype("float32") @ b_t.T) * u[:, None]
        errors.append(np.sqrt((((a_t @ m @ a_t.T).sum(0) - exact.sum(0)) ** 2).mean()))
    assert errors[0] < 0.75 * errors[1]


@pytest.mark.parametrize("g", ["float32", "float64"])
def test_a_gate_of_another_type_does_not_change_the_type_of_what_passes(g):
    """As in the plain formula, ``g * (gate > 0)``."""
    for shape in ((), (5,), (700, 500)):
        signal, gate = np.ones(shape, g), np.ones(shape, "float64" if g == "float32" else "float32")
        assert passed(signal, gate).dtype == g
        assert passed(signal, gate).shape == shape


# --- products


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "shape", [(1, 3000, 900), (3, 900, 1100), (2100, 1100, 2), (40, 60, 3000), (3, 4, 5), (0, 7, 3)], ids=str
)
def test_linear_in_parts(shape, dtype, rng):
    """Cut along the rows, the columns or the sum: the product is the same."""
    n, size, units = shape
    x, k = Tensor(rng.standard_normal((n, size)).astype(dtype)), rng.standard_normal((size, units)).astype(dtype)
    y = linear(x, k)
    g = rng.standard_normal(y.shape).astype(dtype)
    back = backward(y, x, g)
    assert y.dtype == back.dtype == dtype
    if n:
        assert relative_error(y.value, x.value.astype("float64") @ k) < TOLERANCE[dtype]
        assert relative_error(back, g.astype("float64") @ k.T) < TOLERANCE[dtype]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "shape",
    [(196, 1500, 130), (2305, 147, 64), (100, 300, 390), (100, 300, 1700), (27, 9001, 32), (3, 900, 1100)],
    ids=str,
)
def test_a_product_has_the_same_bits_for_any_number_of_threads(shape, dtype, rng, monkeypatch):
    """Between blocks of BLAS's kernels, not within: those round what is left over otherwise."""
    rows, inner, columns = shape
    a, b = rng.standard_normal((rows, inner)).astype(dtype), rng.standard_normal((inner, columns)).astype(dtype)
    found = []
    for threads in (1, 2, 3, 7):
        monkeypatch.setattr(parallel, "thread_count", lambda threads=threads: threads)
        found.append(parallel.product(a, b))
    for y in found:
        np.testing.assert_array_equal(y, found[0])
    assert relative_error(found[0], a.astype("float64") @ b) < TOLERANCE[dtype]


@pytest.mark.parametrize(("size", "channels"), [(24, 96), (12, 128), (48, 64)])
def test_a_picture_has_the_same_bits_alone_and_in_a_batch(size, channels, rng):
    """In float64, at sizes where lessons rely on it: what a nudged pixel does not reach must stay, to the last bit.

    (It does not hold at any size: BLAS may round the rows that are left over after its blocks in another way.)
    """
    x, kernel = rng.standard_normal((1, size, size, channels)), rng.standard_normal((3, 3, channels, channels))
    alone, _ = conv2d.forward(x, kernel, padding=1)
    for n in (2, 5):
        together, _ = conv2d.forward(x.repeat(n, 0), kernel, padding=1)
        np.testing.assert_array_equal(together, alone.repeat(n, 0))
