"""Every way of looking, by what must be true of it: identities, closed forms, and what it refuses."""

import numpy as np
import pytest
from small import ALL, BRANCHES, CHAIN, CLASS_MAPS, LABELS, pictures, small_net

import minivis as mv
from minivis.errors import InputError, UnknownName
from minivis.nets import Architecture, Net
from minivis.nets.layers import Conv, Input, Linear, MaxPool, Normalize, ReLU
from minivis.testing import relative_error


def difference_quotient(net, x, direction, row, unit, h=1e-5):
    def value(by):
        return net.capture(x + by * direction, [row])[row][(slice(None), *unit)]

    return (value(1) - value(-1)) / 2 if h is None else (value(h) - value(-h)) / (2 * h)


@pytest.mark.parametrize("a", ALL, ids=lambda a: a.name)
def test_gradient_is_the_derivative(a, rng):
    net, x = small_net(a), pictures(a)
    direction = rng.standard_normal(x.shape)
    slope = (mv.gradient(net, x, 2) * direction).sum((1, 2, 3))
    assert np.allclose(slope, difference_quotient(net, x, direction, net.logits, (2,)), rtol=1e-5)


def test_gradient_of_a_unit_of_any_row(rng):
    net, x = small_net(), pictures()
    direction = rng.standard_normal(x.shape)
    g = mv.gradient(net, x, (3, 4, 1), at="conv2_1")
    expected = difference_quotient(net, x, direction, "conv2_1", (3, 4, 1))
    assert np.allclose((g * direction).sum((1, 2, 3)), expected, rtol=1e-5)
    field = net.receptive_field("conv2_1")
    rows, columns = slice(*field.span(3)), slice(*field.span(4))
    assert not np.delete(g, np.arange(16)[rows], 1).any()
    assert not np.delete(g, np.arange(16)[columns], 2).any()


def test_a_batch_is_its_pictures_one_by_one():
    net, x = small_net(BRANCHES), pictures(BRANCHES, 3)
    methods = [
        lambda x, t: mv.gradient(net, x, t),
        lambda x, t: mv.saliency(net, x, t),
        lambda x, t: mv.guided_backprop(net, x, t),
        lambda x, t: mv.deconvnet(net, x, "relu1", t),
        lambda x, t: mv.grad_cam(net, x, t),
        lambda x, t: mv.guided_grad_cam(net, x, t),
        lambda x, t: mv.cam(net, x, t),
        lambda x, t: mv.occlusion(net, x, t, window=5, stride=4, memory=1),
    ]
    for method in methods:
        together = method(x, [1, 0, 4])
        alone = np.concatenate([method(x[n : n + 1], t) for n, t in enumerate([1, 0, 4])])
        assert relative_error(together, alone) < 1e-9


def test_saliency_is_the_largest_absolute_gradient_over_colours():
    net, x = small_net(), pictures()
    assert np.array_equal(mv.saliency(net, x, 1), np.abs(mv.gradient(net, x, 1)).max(-1))


def test_none_is_each_pictures_own_top_class():
    net, x = small_net(seed=8), pictures(n=6)
    tops = net(x).argmax(-1)
    assert len(set(tops)) > 1
    assert np.array_equal(mv.gradient(net, x), mv.gradient(net, x, list(tops)))
    assert np.array_equal(mv.occlusion(net, x, window=8, stride=8), mv.occlusion(net, x, list(tops), 8, 8))


def test_classes_by_name():
    net, x = small_net(), pictures()
    assert np.array_equal(mv.gradient(net, x, "bee"), mv.gradient(net, x, 1))
    with pytest.raises(InputError, match=r"crane.*2.*3"):
        mv.gradient(net, x, "crane")
    with pytest.raises(UnknownName, match="unicorn"):
        mv.gradient(net, x, "unicorn")


@pytest.mark.parametrize("target", [5, -1, True, 1.0, [0], [0, 1, 2], (1, 2, 3, 4)])
def test_targets_that_do_not_exist(target):
    with pytest.raises(InputError):
        mv.gradient(small_net(), pictures(), target)


@pytest.mark.parametrize("target", [8, (8, 0, 0), (0, 0, 8), (0, -1, 0), "bee"])
def test_units_that_do_not_exist(target):
    with pytest.raises(InputError):
        mv.gradient(small_net(), pictures(), target, at="conv2_1")


def test_at_a_row_of_maps_a_channel_is_its_strongest_place_the_first_on_ties():
    maps = np.zeros((2, 3, 3, 2))
    maps[0, 1, 2, 1] = maps[0, 2, 0, 1] = 5
    maps[1, 2, 2, 1] = 7
    seed = mv.one_hot(maps, 1)
    assert np.argwhere(seed).tolist() == [[0, 1, 2, 1], [1, 2, 2, 1]]
    assert np.argwhere(mv.one_hot(maps, [(0, 0, 0), 1])).tolist() == [[0, 0, 0, 0], [1, 2, 2, 1]]
    assert np.argwhere(mv.one_hot(maps, None)).tolist() == [[0, 1, 2, 1], [1, 2, 2, 1]]


def test_deconvnet_keeps_the_units_own_value():
    """Seeding with 1 in its place gives the same picture times a constant: the value."""
    net, x = small_net(), pictures()
    maps = net.capture(x, ["relu2_1"])["relu2_1"]
    ones = mv.gradient(net, x, 3, rules=mv.DECONVNET, at="relu2_1")
    assert (
        relative_error(mv.deconvnet(net, x, "relu2_1", 3), maps[..., 3].max((1, 2))[:, None, None, None] * ones) < 1e-12
    )


def test_deconvnet_without_normalisation_on_the_way_down():
    net, x = small_net(BRANCHES), pictures(BRANCHES)
    plain = mv.deconvnet(net, x, "pool1", 0)
    assert relative_error(mv.deconvnet(net, x, "pool1", 0, rules=mv.DECONVNET_ZF), plain) > 0.01


# ---- class activation maps ----


def test_cam_averages_to_the_score():
    """mean(M_c) + b_c = S_c."""
    net, x = small_net(BRANCHES), pictures(BRANCHES)
    score = net.capture(x, ["fc"])["fc"][:, 2]
    assert np.allclose(mv.cam(net, x, 2).mean((1, 2)) + net.weights["fc"]["bias"][2], score, rtol=1e-12)


def test_cam_of_class_maps_is_the_map_itself():
    net, x = small_net(CLASS_MAPS), pictures(CLASS_MAPS)
    assert np.array_equal(mv.cam(net, x, [4, 1])[1], net.capture(x, ["relu2"])["relu2"][1, :, :, 1])
    assert np.allclose(mv.cam(net, x, 3).mean((1, 2)), net.capture(x, [net.logits])[net.logits][:, 3])


def test_on_a_net_with_global_average_pooling_grad_cam_is_cam_up_to_a_constant():
    net, x = small_net(BRANCHES), pictures(BRANCHES)
    cam, grad = mv.cam(net, x, 2), mv.grad_cam(net, x, 2, layer="join", positive="none")
    assert relative_error(grad * 16, cam) < 1e-12  # alpha_k = w_k / (4 * 4)
    assert relative_error(mv.grad_cam(net, x, 2, layer="join"), np.maximum(grad, 0)) < 1e-12


def test_cam_refuses_other_networks():
    with pytest.raises(InputError, match="use grad_cam"):
        mv.cam(small_net(), pictures())


def test_grad_cam_by_hand(rng):
    net, x = small_net(), pictures()
    maps = net.capture(x, ["relu2_1"])["relu2_1"]
    recorded = mv.Tensor(maps)
    y = net.capture({"relu2_1": recorded}, ["fc4"])["fc4"]
    slope = mv.backward(y, recorded, mv.one_hot(y, 1))
    alpha = slope.sum((1, 2)) / 64
    signed = sum(alpha[:, None, None, k] * maps[..., k] for k in range(8))
    assert relative_error(mv.grad_cam(net, x, 1), np.maximum(signed, 0)) < 1e-12
    assert relative_error(mv.grad_cam(net, x, 1, counterfactual=True), np.maximum(-signed, 0)) < 1e-12
    influence = sum(np.maximum(alpha, 0)[:, None, None, k] * maps[..., k] for k in range(8))
    assert relative_error(mv.grad_cam(net, x, 1, positive="weights"), influence) < 1e-12
    assert signed.min() < 0 < signed.max()


def test_grad_cam_of_a_branch_uses_the_other_branches():
    net, x = small_net(BRANCHES), pictures(BRANCHES)
    maps = net.capture(x, ["relu_left"])["relu_left"]
    alpha = net.weights["fc"]["kernel"][:4, 2] / 16
    assert relative_error(mv.grad_cam(net, x, 2, layer="relu_left", positive="none"), (maps * alpha).sum(-1)) < 1e-12


def test_grad_cam_of_a_unit_inside(rng):
    net, x = small_net(), pictures()
    assert mv.grad_cam(net, x, (1, 1, 2), layer="relu1_1", at="relu2_1").shape == (2, 16, 16)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layer": "fc3"}, "needs a row of maps"),
        ({"layer": "fc4"}, "not computed from"),
        ({"layer": "relu2_1", "at": "conv1_1"}, "not computed from"),
        ({"positive": "maybe"}, "'sum', 'weights' or 'none'"),
    ],
)
def test_grad_cam_refuses(options, message):
    with pytest.raises(InputError, match=message):
        mv.grad_cam(small_net(), pictures(), 0, **options)


def test_guided_grad_cam_is_the_product():
    net, x = small_net(), pictures()
    heat = mv.enlarge(mv.grad_cam(net, x, 1), (16, 16))
    assert np.array_equal(mv.guided_grad_cam(net, x, 1), mv.guided_backprop(net, x, 1) * heat[..., None])


def test_enlarge_keeps_constants_and_clamps_edges():
    assert np.allclose(mv.enlarge(np.full((1, 3, 2), 7.0), (10, 9)), 7.0)
    ramp = mv.enlarge(np.array([[[0.0, 1.0]]]), (1, 4))[0, 0]
    assert ramp.tolist() == [0.0, 0.25, 0.75, 1.0]


# ---- occlusion ----

LINEAR = Architecture(
    "linear",
    (("input", Input(8)), ("normalize", Normalize((10.0, 20.0, 30.0), order="BGR")), ("fc", Linear(3))),
    ("a", "b", "c"),
    maps="normalize",
)


def linear_net():
    kernel = np.random.default_rng(0).standard_normal((192, 3))
    return Net(LINEAR, {"fc": {"kernel": kernel, "bias": np.array([1.0, 2.0, 3.0])}}, dtype="float64")


def test_a_linear_models_saliency_is_its_weights_and_its_occlusion_exact_partial_sums():
    net, x = linear_net(), pictures(LINEAR)
    w = net.weights["fc"]["kernel"][:, 1].reshape(8, 8, 3)[..., ::-1]  # BGR to RGB
    assert np.allclose(mv.saliency(net, x, 1), np.abs(w).max(-1))
    colour = np.array([30.0, 20.0, 10.0])
    partial = ((x - colour) * w).sum(-1)
    drop = mv.occlusion(net, x, 1, window=3, stride=2, output="fc")
    assert drop.shape == (2, 3, 3)
    for i in range(3):
        for j in range(3):
            assert np.allclose(drop[:, i, j], partial[:, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3].sum((1, 2)))


@pytest.mark.parametrize(("fill", "colour"), [("grey", 127.5), (40, 40.0), ((1, 2, 3), (1.0, 2.0, 3.0))])
def test_what_covers(fill, colour):
    net, x = linear_net(), pictures(LINEAR)
    covered = x.copy()
    covered[:, 2:4, 4:6] = colour
    drop = mv.occlusion(net, x, 1, window=2, stride=2, output="fc", fill=fill)
    assert np.allclose(drop[:, 1, 2], net(x)[:, 1] - net(covered)[:, 1])
    value = mv.occlusion(net, x, 1, window=2, stride=2, output="fc", fill=fill, value=True)
    assert np.allclose(value, net(x)[:, 1][:, None, None] - drop)


def test_blur_covers_with_the_blurred_picture():
    net = linear_net()
    flat = np.full((1, 8, 8, 3), 77.0)
    assert np.allclose(mv.occlusion(net, flat, 0, 4, 2, fill="blur"), 0)
    assert not np.allclose(mv.occlusion(net, pictures(LINEAR), 0, 4, 2, fill="blur"), 0)


def test_overhanging_windows_cover_evenly():
    """Each pixel lies under as many windows, so the drops of a linear model add up to the whole."""
    net, x = linear_net(), pictures(LINEAR)
    drop = mv.occlusion(net, x, 1, window=2, stride=2, output="fc", overhang=True)
    assert drop.shape == (2, 4, 4)
    zero = np.broadcast_to(np.array([30.0, 20.0, 10.0]), x.shape)
    assert np.allclose(drop.sum((1, 2)), net(x)[:, 1] - net(zero)[:, 1])
    assert mv.occlusion(net, x, 1, window=5, stride=3, overhang=True).shape == (2, 3, 3)


def test_occlusion_explains_the_probability_unless_told_otherwise():
    net, x = small_net(), pictures()
    value = mv.occlusion(net, x, 2, window=16, stride=1, value=True)
    covered = np.broadcast_to(net.mean_colour, x.shape)
    assert np.allclose(value[:, 0, 0], net(covered)[:, 2])


def test_occlusion_of_a_non_square_picture_reaches_both_ends():
    net, x = small_net(CLASS_MAPS), np.random.default_rng(0).uniform(0, 255, (1, 12, 20, 3))
    assert mv.occlusion(net, x, 0, window=(4, 6), stride=(4, 7)).shape == (1, 3, 3)


def test_random_occlusion_tells_when_the_class_survives(rng):
    net, x = small_net(), pictures(n=3)
    found = mv.random_occlusion(net, x, count=20, window=9, rng=rng)
    assert found.corners.shape == (20, 2)
    assert found.corners.min() >= 0
    assert found.corners.max() <= 7
    top = net(x).argmax(-1)
    for n in range(3):
        for k, (i, j) in enumerate(found.corners):
            covered = x[n : n + 1].copy()
            covered[:, i : i + 9, j : j + 9] = 127.5
            p = net(covered)[0]
            assert found.scores[n, k] == pytest.approx(p[top[n]])
            assert found.kept[n, k] == (p.argmax() == top[n])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": 17}, "does not fit"),
        ({"stride": 0}, "stride must be"),
        ({"window": 0}, "window must be"),
        ({"fill": "red"}, "fill must be"),
    ],
)
def test_occlusion_refuses(options, message):
    with pytest.raises(InputError, match=message):
        mv.occlusion(small_net(), pictures(), 0, **{"window": 4, "stride": 4, **options})


@pytest.mark.parametrize("incremental", [True, False])
def test_progress_wraps_the_passes(incremental):
    seen = []

    def watch(parts):
        return (seen.append(part) or part for part in parts)

    mv.occlusion(linear_net(), pictures(LINEAR), 0, 4, 4, memory=1, incremental=incremental, progress=watch)
    assert len(seen) == 2 * 4  # two pictures, four windows, one at a time


GAPS = Architecture(
    "gaps",
    (
        ("input", Input(19)),
        ("normalize", Normalize((100.0,) * 3)),
        ("conv1", Conv(4, kernel=2, stride=3)),  # skips every third pixel, and the last
        ("relu1", ReLU()),
        ("pool1", MaxPool(2, 2)),  # floor: one more row and column are never read
        ("fc", Linear(3)),
    ),
    ("a", "b", "c"),
    maps="pool1",
)


@pytest.mark.parametrize("memory", [1, 40_000, 1 << 30])
@pytest.mark.parametrize("overhang", [True, False])
@pytest.mark.parametrize("a", [*ALL, LINEAR, GAPS], ids=lambda a: a.name)
def test_incremental_occlusion_is_exact(a, overhang, memory):
    net, x = small_net(a), pictures(a, 2)
    for window, stride in [((4, 3), (2, 5)), (1, 4), (7, 4)]:
        for output in (net.logits, net.maps):
            options = {"window": window, "stride": stride, "output": output, "overhang": overhang, "value": True}
            fast = mv.occlusion(net, x, 1, **options, memory=memory)
            full = mv.occlusion(net, x, 1, **options, incremental=False)
            assert np.abs(fast - full).max() <= 1e-12 * np.abs(full).max()


def test_incremental_occlusion_runs_no_row_on_whole_maps_twice(monkeypatch):
    """Local rows run on whole maps for the clean picture alone."""
    net, x, whole = small_net(BRANCHES), pictures(BRANCHES, 1), []
    original = Net._run
    monkeypatch.setattr(Net, "_run", lambda self, row, *rest: whole.append(row.name) or original(self, row, *rest))
    mv.occlusion(net, x, 1, window=3, stride=3)
    assert whole.count("conv1") == 2  # the clean score, and the clean maps
    assert whole.count("fc") == 2


# ---- rows and kernels ----


def test_activations_and_the_first_rows():
    net, x = small_net(), pictures()
    assert np.array_equal(mv.activations(net, x, "relu1_1", 2), net.capture(x, ["relu1_1"])["relu1_1"][..., :2])
    assert np.array_equal(mv.activations(net, x, "conv1_1", [5])[..., 0], mv.activations(net, x, "conv1_1")[..., 5])
    assert list(mv.activations_through(net, x)) == ["conv1_1", "relu1_1", "pool1", "conv2_1", "relu2_1", "pool2"]
    assert list(mv.activations_through(net, x, 5, rows=2)) == ["conv1_1", "relu1_1"]
    with pytest.raises(InputError, match="conv1_1 of chain has channels 0 to 5"):
        mv.activations_through(net, x, 6)
    with pytest.raises(InputError, match="channels 0 to 5"):
        mv.activations(net, x, "conv1_1", 7)


def test_thirty_rows_of_vgg16_end_with_relu5_3():
    a = mv.architecture("vgg16")
    rows = [name for name in a.names[2:] if len(a.shapes()[name]) == 3][:30]
    assert rows[-1] == "relu5_3"


def test_first_layer_filters_come_as_rgb():
    net = small_net()
    kernel = net.weights["conv1_1"]["kernel"]
    found = mv.filters(net)
    assert found.shape == (6, 3, 3, 3)
    assert np.array_equal(found[4, 1, 2], kernel[1, 2, ::-1, 4])
    assert np.array_equal(mv.filters(net, "conv2_1")[7, 0, 1], net.weights["conv2_1"]["kernel"][0, 1, :, 7])
    with pytest.raises(InputError, match="no convolution"):
        mv.filters(net, "fc3")


# ---- everywhere ----


def every_method(net, x):
    yield "gradient", lambda: mv.gradient(net, x, 1)
    yield "saliency", lambda: mv.saliency(net, x, LABELS[1])
    yield "guided_backprop", lambda: mv.guided_backprop(net, x)
    yield "deconvnet", lambda: mv.deconvnet(net, x, net.maps, 1)
    yield "grad_cam", lambda: mv.grad_cam(net, x)
    yield "guided_grad_cam", lambda: mv.guided_grad_cam(net, x)
    if net.name != "chain":
        yield "cam", lambda: mv.cam(net, x, 2)
    yield "occlusion", lambda: mv.occlusion(net, x, window=5, stride=5)
    yield "occlusion-blur", lambda: mv.occlusion(net, x, window=5, stride=5, fill="blur", overhang=True)
    yield "activations", lambda: mv.activations(net, x, net.maps, 2)
    yield "filters", lambda: mv.filters(net)


@pytest.mark.parametrize("a", ALL, ids=lambda a: a.name)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_method_on_a_device_that_refuses_the_host(a, dtype, device):
    x = pictures(a, dtype=dtype)
    on_host = dict(every_method(small_net(a, dtype=dtype), x))
    for name, method in every_method(small_net(a, dtype=dtype, device="gpu"), device.asarray(x)):
        found, expected = method(), on_host[name]()
        assert isinstance(found, device.ndarray), name
        assert found.dtype == expected.dtype == dtype, name
        assert relative_error(found, expected) < (1e-9 if dtype == "float64" else 2e-3), name


def test_a_network_is_the_same_after_it_was_looked_at():
    net, x = small_net(BRANCHES), pictures(BRANCHES)
    before = net(x)
    arrays = {row: {k: v.copy() for k, v in net.weights[row].items()} for row in net.weights}
    for _, method in every_method(net, x):
        method()
    assert np.array_equal(net(x), before)
    for row, weights in arrays.items():
        assert all(np.array_equal(net.weights[row][k], v) for k, v in weights.items())


def test_the_chain_is_a_chain():
    assert CHAIN.ancestors(["prob"])[0].name == "input"
