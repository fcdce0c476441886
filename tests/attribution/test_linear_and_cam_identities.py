"""What is exact: on a linear model saliency and occlusion, on a network with a global average pool CAM."""

import numpy as np
import pytest

import minivis as mv
from minivis.errors import InputError
from minivis.nets import Net, linear_classifier, minicam, mlp
from minivis.nets.layers import LUMA

LABELS = ("ant", "bee", "cow", "dog")
SIZE = 12
MEAN, STD = 128, 64


def net_of(table, dtype="float64", seed=0):
    rng = np.random.default_rng(seed)
    weights = mv.initial_weights(table, rng, "float64")
    for row in weights.values():
        row["bias"] = rng.standard_normal(row["bias"].shape)
    return Net(table, weights, dtype=dtype)


def pictures(n=2, size=SIZE, dtype="float64"):
    x = np.random.default_rng(3).uniform(0, 255, (n, size, size, 3)).astype(dtype)
    x.flags.writeable = False
    return x


def error(ours, theirs):
    return np.abs(ours - theirs).max() / np.abs(theirs).max()


@pytest.fixture(params=[("float64", 1e-12), ("float32", 1e-5)], ids=["float64", "float32"])
def precision(request):
    return request.param


# -- CAM ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def gap(precision):
    return net_of(minicam(LABELS, 16), precision[0]), pictures(3, 16, precision[0]), precision[1]


@pytest.mark.parametrize("target", [None, 2, "bee", [0, 3, 1]])
def test_the_mean_of_cam_and_the_bias_is_the_logit(gap, target):
    net, x, tolerance = gap
    logits = net.capture(x, [net.logits])[net.logits]
    chosen = {None: logits.argmax(1), 2: [2, 2, 2], "bee": [1, 1, 1]}.get(target if not isinstance(target, list) else 0)
    chosen = target if isinstance(target, list) else chosen
    bias = net.weights["fc"]["bias"]
    means = mv.cam(net, x, target).mean((1, 2))
    assert error(means + bias[chosen], logits[[0, 1, 2], chosen]) < tolerance


def test_grad_cam_is_cam_divided_by_the_number_of_places(gap):
    net, x, tolerance = gap
    height, width, _ = net.shapes()[net.maps]
    cam = mv.cam(net, x, 1)
    assert error(mv.grad_cam(net, x, 1, positive="none") * (height * width), cam) < tolerance
    assert error(mv.grad_cam(net, x, 1) * (height * width), cam.clip(0, None)) < tolerance
    counter = mv.grad_cam(net, x, 1, positive="none", counterfactual=True)
    assert error(counter * (height * width), -cam) < tolerance


def test_the_gradient_of_the_logit_at_the_maps_is_the_same_at_every_place(gap):
    net, x, tolerance = gap
    maps = mv.Tensor(net.capture(x, [net.maps])[net.maps])
    logits = net.capture({net.maps: maps}, [net.logits])[net.logits]
    slope = mv.backward(logits, maps, mv.one_hot(logits, 3))
    kernel = net.weights["fc"]["kernel"][:, 3]
    assert error(slope, np.broadcast_to(kernel / (16 // 4) ** 2, slope.shape)) < tolerance


def test_cams_add_up_as_logits_do(gap):
    """A difference of classes has the difference of their maps: what speaks for one and against the other."""
    net, x, tolerance = gap
    logits = net.capture(x, [net.logits])[net.logits]
    bias = net.weights["fc"]["bias"]
    between = (mv.cam(net, x, 0) - mv.cam(net, x, 1)).mean((1, 2)) + bias[0] - bias[1]
    assert error(between, logits[:, 0] - logits[:, 1]) < tolerance


# -- the linear model --------------------------------------------------------------------------------------------------


def linear(dtype, colour="grey", output="softmax"):
    return net_of(linear_classifier(LABELS, SIZE, colour, output), dtype)


@pytest.mark.parametrize("output", ["softmax", "sigmoid"])
def test_the_gradient_is_the_template_times_what_normalize_does_to_a_colour(precision, output):
    dtype, tolerance = precision
    net, x = linear(dtype, output=output), pictures(dtype=dtype)
    w = mv.templates(net)  # (K, H, W, 1)
    assert w.shape == (4, SIZE, SIZE, 1)
    for c in range(4):
        gradient = mv.gradient(net, x, c)
        expected = w[c] * np.array(LUMA) / STD  # grey = 0.299 r + 0.587 g + 0.114 b, then (grey - 128) / 64
        for one in gradient:
            assert error(one, expected) < tolerance


def test_the_saliency_of_grey_is_the_absolute_template_times_the_share_of_green(precision):
    dtype, tolerance = precision
    net, x = linear(dtype), pictures(dtype=dtype)
    for c in range(4):
        expected = np.abs(mv.templates(net)[c, :, :, 0]) * max(LUMA) / STD
        for one in mv.saliency(net, x, c):
            assert error(one, expected) < tolerance


def test_the_saliency_of_colour_is_the_largest_absolute_weight(precision):
    dtype, tolerance = precision
    net, x = linear(dtype, "RGB"), pictures(dtype=dtype)
    for c in range(4):
        for one in mv.saliency(net, x, c):
            assert error(one, np.abs(mv.templates(net)[c]).max(-1) / STD) < tolerance


def partial_sums(net, x, c, window, stride, fill):
    """The sum of weight times change over each window, by loops."""
    w = mv.templates(net)[c].astype(float)
    seen = (x.astype(float) - fill) / STD
    if w.shape[-1] == 1:
        seen = seen @ np.array(LUMA)[:, None]
    places = range(0, SIZE - window + 1, stride)
    return np.array([[[(w * p)[i : i + window, j : j + window].sum() for j in places] for i in places] for p in seen])


@pytest.mark.parametrize("colour", ["grey", "RGB"])
@pytest.mark.parametrize("incremental", [True, False])
@pytest.mark.parametrize(("fill", "number"), [(None, MEAN), (0, 0), ("grey", 127.5)])
def test_occlusion_is_the_exact_partial_sum(precision, colour, incremental, fill, number):
    dtype, tolerance = precision
    net, x = linear(dtype, colour), pictures(dtype=dtype)
    drop = mv.occlusion(net, x, 2, window=4, stride=2, fill=fill, output=net.logits, incremental=incremental)
    assert drop.dtype == np.dtype(dtype)
    assert error(drop, partial_sums(net, x, 2, 4, 2, number)) < 30 * tolerance  # a difference of two scores


def test_windows_that_tile_the_picture_add_up_to_the_logit_without_its_bias(precision):
    dtype, tolerance = precision
    net, x = linear(dtype), pictures(dtype=dtype)
    drop = mv.occlusion(net, x, 1, window=3, stride=3, output=net.logits)
    logit = net.capture(x, [net.logits])[net.logits][:, 1] - net.weights["fc1"]["bias"][1]
    assert error(drop.sum((1, 2)), logit) < 30 * tolerance


def test_the_logit_is_the_template_times_the_picture_and_the_bias(precision):
    dtype, tolerance = precision
    for colour in ("grey", "RGB"):
        net, x = linear(dtype, colour), pictures(dtype=dtype)
        captured = net.capture(x, ["normalize", net.logits])
        scores = np.einsum("khwc,nhwc->nk", mv.templates(net), captured["normalize"]) + net.weights["fc1"]["bias"]
        assert error(scores, captured[net.logits]) < tolerance


# -- templates ---------------------------------------------------------------------------------------------------------


def test_templates_of_a_hidden_layer_are_one_per_unit():
    net = net_of(mlp(LABELS, SIZE, "RGB", hidden=7))
    w = mv.templates(net)
    assert w.shape == (7, SIZE, SIZE, 3)
    assert w[3, 2, 5, 1] == net.weights["fc1"]["kernel"][(2 * SIZE + 5) * 3 + 1, 3]


def test_a_convolution_has_no_templates():
    with pytest.raises(InputError, match="conv1, the first layer of minicam, has no templates"):
        mv.templates(net_of(minicam(LABELS, 16)))
