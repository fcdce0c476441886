"""Every primitive, through one table of cases: its gradient, its adjoint, its dtype, its manners."""

import importlib
import pkgutil

import fakecupy
import numpy as np
import pytest
import reference
from PIL import Image

import minivis
from minivis.backend import like, to_host
from minivis.errors import InputError, NothingRecorded
from minivis.nets.layers import LUMA
from minivis.primitives import (
    avg_pool,
    binary_cross_entropy,
    conv2d,
    cross_entropy,
    gpu,
    gram,
    linear,
    log_softmax,
    lrn,
    max_pool,
    normalize,
    resize,
    softmax,
)
from minivis.tape import Primitive, Tensor, backward
from minivis.testing import GradientMismatch, check_backward, relative_error
from minivis.verify.cases import CASES, positions

POSITIONS = positions()
IDS = [f"{case.name}-{i}" for case, i in POSITIONS]


def all_primitives():
    """Every primitive defined anywhere in minivis."""
    found = {}
    for module in pkgutil.walk_packages(minivis.__path__, "minivis."):
        if module.name.endswith(("__main__", "with_torch")):  # a program, and what needs the extra `verify`
            continue
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, Primitive):
                found[value.__module__, value.name] = value
    return list(found.values())


def pulled_back(case, position, arrays, g):
    x = Tensor(arrays[position])
    y = case(*arrays[:position], x, *arrays[position + 1 :])
    return y.value, backward(y, x, g)


def test_every_primitive_has_a_case():
    covered = {case.primitive for case in CASES}
    assert [primitive for primitive in all_primitives() if primitive not in covered] == []


@pytest.mark.parametrize(("case", "position"), POSITIONS, ids=IDS)
def test_the_rule_agrees_with_finite_differences(case, position):
    check_backward(case, *case.arrays, wrt=position)


@pytest.mark.parametrize(("case", "position"), POSITIONS, ids=IDS)
def test_a_broken_rule_is_found(case, position, monkeypatch):
    rules = case.primitive.rules
    key = position if position in rules else ...
    sound = rules[key]
    monkeypatch.setitem(rules, key, lambda g, *rest: 1.001 * sound(g, *rest))
    with pytest.raises(GradientMismatch, match=r"the rule gives .* finite differences"):
        check_backward(case, *case.arrays, wrt=position)


LINEAR = [(case, i) for case, i in POSITIONS if i in case.linear]


@pytest.mark.parametrize(("case", "position"), LINEAR, ids=[f"{c.name}-{i}" for c, i in LINEAR])
def test_a_linear_rule_is_the_exact_adjoint(case, position, rng):
    """<A x, g> = <x, A' g>."""
    g = rng.standard_normal(case(*case.arrays).shape)
    y, gx = pulled_back(case, position, case.arrays, g)
    left, right = float((y * g).sum()), float((case.arrays[position] * gx).sum())
    assert left == pytest.approx(right, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(("case", "position"), POSITIONS, ids=IDS)
def test_float32_stays_float32(case, position, rng):
    arrays = [a.astype("float32") for a in case.arrays]
    y64 = case(*case.arrays)
    g = rng.standard_normal(y64.shape)
    y, gx = pulled_back(case, position, arrays, g.astype("float32"))
    assert y.dtype == gx.dtype == np.float32
    assert relative_error(y, y64) < 1e-5
    assert relative_error(gx, pulled_back(case, position, case.arrays, g)[1]) < 1e-4


@pytest.mark.parametrize(("case", "position"), POSITIONS, ids=IDS)
def test_inputs_are_only_read(case, position, rng):
    arrays = [a.copy() for a in case.arrays]
    g = rng.standard_normal(case(*case.arrays).shape)
    for a in (*arrays, g):
        a.flags.writeable = False  # writing raises
    before = g.copy()
    _, gx = pulled_back(case, position, arrays, g)
    assert gx.shape == case.arrays[position].shape
    assert all(np.array_equal(a, b) for a, b in zip(arrays, case.arrays, strict=True))
    assert np.array_equal(g, before)


@pytest.mark.parametrize(("case", "position"), POSITIONS, ids=IDS)
def test_on_a_device_that_refuses_the_host(case, position, rng, device):
    """Nothing falls back to NumPy, and the numbers are the same."""
    g = rng.standard_normal(case(*case.arrays).shape)
    y, gx = pulled_back(case, position, case.arrays, g)
    on_device = [device.asarray(a) for a in case.arrays]
    y_device, gx_device = pulled_back(case, position, on_device, device.asarray(g))
    assert isinstance(y_device, device.ndarray)
    assert isinstance(gx_device, device.ndarray)
    assert relative_error(to_host(y_device), y) < 1e-12
    assert relative_error(to_host(gx_device), gx) < 1e-12


def test_primitives_do_not_synchronise_with_the_device():
    with fakecupy.install() as device:
        gpu.why_not(device)  # the kernels' own check compares on the host, once, when a network is loaded
        x, kernel = device.asarray(np.ones((1, 8, 8, 3), "float32")), device.asarray(np.ones((3, 3, 3, 4), "float32"))
        before = fakecupy.synchronisations.count
        recorded = Tensor(x)
        y = softmax(max_pool(conv2d(recorded, kernel, padding=1)))
        backward(y, recorded, device.ones_like(y.value))
        assert fakecupy.synchronisations.count == before
        float(y.value.sum())
        assert fakecupy.synchronisations.count == before + 1  # it does count


# ---- against the slow, obvious twins ----

CONVOLUTIONS = [
    {"stride": 1, "padding": 0, "groups": 1},
    {"stride": 2, "padding": 1, "groups": 1},
    {"stride": (1, 2), "padding": (0, 2), "groups": 2},
    {"stride": 1, "padding": ((2, 0), (1, 3)), "groups": 1},
]


@pytest.mark.parametrize("options", CONVOLUTIONS)
@pytest.mark.parametrize("size", [(1, 1), (3, 3), (2, 4), (5, 5)])
def test_conv2d_equals_loops(options, size, rng):
    x, bias = rng.standard_normal((2, 7, 6, 4)), rng.standard_normal(6)
    kernel = rng.standard_normal((*size, 4 // options["groups"], 6))
    recorded = [Tensor(a) for a in (x, kernel, bias)]
    y = conv2d(*recorded, **options)
    g = rng.standard_normal(y.shape)
    gradients = backward(y, recorded, g)
    assert relative_error(y.value, reference.conv2d(x, kernel, bias, **options)) < 1e-12
    expected = reference.conv2d_gradients(g, x, kernel, **options)
    for found, wanted in zip(gradients, expected, strict=True):
        assert relative_error(found, wanted) < 1e-12


@pytest.mark.parametrize("strip_bytes", [1, 4000, 1 << 30])
def test_conv2d_is_the_same_in_any_strips(strip_bytes, rng, monkeypatch):
    monkeypatch.setattr("minivis.primitives.conv.STRIP_BYTES", strip_bytes)
    x, kernel = rng.standard_normal((3, 9, 7, 4)), rng.standard_normal((3, 3, 4, 5))
    recorded = [Tensor(x), Tensor(kernel)]
    y = conv2d(*recorded, padding=1, stride=2)
    g = rng.standard_normal(y.shape)
    expected = reference.conv2d_gradients(g, x, kernel, stride=2, padding=1)
    assert relative_error(y.value, reference.conv2d(x, kernel, None, 2, 1, 1)) < 1e-12
    for found, wanted in zip(backward(y, recorded, g), expected[:2], strict=True):
        assert relative_error(found, wanted) < 1e-12


POOLS = [
    {"kernel": 2, "stride": None, "padding": 0, "ceil": False},
    {"kernel": 3, "stride": 2, "padding": 0, "ceil": True},
    {"kernel": 3, "stride": 2, "padding": 1, "ceil": True},
    {"kernel": 3, "stride": 1, "padding": 1, "ceil": True},
    {"kernel": (2, 3), "stride": (3, 2), "padding": (1, 0), "ceil": True},
]


@pytest.mark.parametrize("options", POOLS)
@pytest.mark.parametrize("size", [(7, 8), (6, 6), (5, 9)])
def test_max_pool_equals_loops(options, size, rng):
    x = rng.integers(-3, 3, (2, *size, 3)).astype(float)  # full of ties
    recorded = Tensor(x)
    y = max_pool(recorded, **options)
    expected, switches = reference.max_pool(x, **options)
    assert np.array_equal(y.value, expected)
    assert y.node.residual.switches.dtype == np.uint8
    assert np.array_equal(y.node.residual.switches, switches)
    g = rng.standard_normal(y.shape)
    wanted = reference.max_pool_grad(g, switches, x.shape, **options)
    assert relative_error(backward(y, recorded, g), wanted) < 1e-12


@pytest.mark.parametrize("count_padding", [True, False])
@pytest.mark.parametrize("options", POOLS)
def test_avg_pool_equals_loops(options, count_padding, rng):
    x = rng.standard_normal((2, 7, 8, 3))
    options = {**options, "count_padding": count_padding}
    recorded = Tensor(x)
    y = avg_pool(recorded, **options)
    assert relative_error(y.value, reference.avg_pool(x, **options)) < 1e-12
    g = rng.standard_normal(y.shape)
    assert relative_error(backward(y, recorded, g), reference.avg_pool_grad(g, x.shape, **options)) < 1e-12


@pytest.mark.parametrize(
    ("ours", "theirs", "arrays"),
    [
        (softmax, reference.softmax, [(3, 5)]),
        (log_softmax, reference.log_softmax, [(3, 5)]),
        (lrn, reference.lrn, [(2, 3, 3, 9)]),
        (gram, reference.gram, [(2, 3, 4, 5)]),
        (linear, reference.linear, [(3, 4), (4, 5), (5,)]),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_the_rest_equals_loops(ours, theirs, arrays, rng):
    values = [10 * rng.standard_normal(shape) for shape in arrays]
    assert relative_error(ours(*values), theirs(*values)) < 1e-12


@pytest.mark.parametrize("size", [(3, 9), (1, 1), (12, 10), (6, 5)])
def test_resize_equals_loops(size, rng):
    x = rng.standard_normal((2, 6, 5, 3))
    assert relative_error(resize(x, size=size), reference.resize(x, size)) < 1e-12


def test_cross_entropy_equals_loops_and_survives_large_scores(rng):
    logits, labels = rng.standard_normal((4, 6)), np.array([0, 5, 2, 2])
    assert relative_error(cross_entropy(logits, labels=labels), reference.cross_entropy(logits, labels)) < 1e-12
    huge = np.array([[1e4, -1e4]])
    assert cross_entropy(huge, labels=np.array([1]))[0] == 2e4


def test_binary_cross_entropy_equals_loops_and_survives_large_scores(rng):
    logits, labels = 3 * rng.standard_normal((4, 6)), np.array([0, 5, 2, 2])
    want = reference.binary_cross_entropy(logits, labels)
    assert relative_error(binary_cross_entropy(logits, labels=labels), want) < 1e-12
    huge = np.array([[1e4, -1e4]])
    assert binary_cross_entropy(huge, labels=np.array([1]))[0] == 2e4
    assert binary_cross_entropy(huge, labels=np.array([0]))[0] == 0


def test_grey_is_the_picture_made_grey_by_pillow(rng):
    picture = rng.integers(0, 256, (1, 9, 7, 3), dtype=np.uint8)
    grey = normalize(picture.astype(float), mean=(0.0,), luma=LUMA)
    assert grey.shape == (1, 9, 7, 1)
    assert np.abs(grey[0, :, :, 0] - np.asarray(Image.fromarray(picture[0]).convert("L"))).max() <= 0.5 + 1e-3


# ---- what is refused ----


def test_channels_first_is_named():
    with pytest.raises(InputError, match=r"expects 3 channels last.*channels-first"):
        conv2d(np.zeros((1, 3, 8, 8)), np.zeros((3, 3, 3, 4)))


@pytest.mark.parametrize("stride", [0, -1, 1.5, (1, 2, 3)])
def test_bad_strides_are_refused(stride):
    with pytest.raises(InputError, match="stride must be an integer >= 1"):
        conv2d(np.zeros((1, 8, 8, 3)), np.zeros((3, 3, 3, 4)), stride=stride)


def test_a_window_larger_than_the_picture_is_refused():
    with pytest.raises(InputError, match="too small"):
        max_pool(np.zeros((1, 2, 2, 1)), kernel=3)


def test_a_tensor_as_an_option_is_refused():
    with pytest.raises(TypeError, match="dropout takes rate as an option"):
        case = next(c for c in CASES if c.primitive.name == "dropout")
        case.primitive(np.zeros(3), rate=Tensor(np.array(0.5)))


def test_wrong_labels_are_refused():
    with pytest.raises(InputError, match="3 integer labels"):
        cross_entropy(np.zeros((3, 2)), labels=np.array([0, 1]))


def test_host_and_device_arrays_do_not_mix(device):
    with pytest.raises(TypeError):
        conv2d(device.asarray(np.zeros((1, 4, 4, 1))), np.zeros((3, 3, 1, 1)))


def test_like_brings_the_host_to_the_reference(device):
    assert isinstance(like(np.ones(3), device.asarray(np.ones(2))), device.ndarray)


def test_the_stand_in_refuses_what_a_gpu_refuses():
    """The tests above mean something only if the stand-in is strict."""
    with fakecupy.install() as cupy, pytest.raises(TypeError):
        np.asarray(cupy.asarray(np.ones(2)))


def test_nothing_recorded_is_a_type_error():
    assert issubclass(NothingRecorded, TypeError)
