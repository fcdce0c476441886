"""The PyTorch replica against the naive references, finite differences and known facts about the nets."""

import numpy as np
import pytest
import reference as ref

torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra `verify`)")
import torch_replica as replica  # noqa: E402

pytestmark = pytest.mark.verify


def assert_close(got, want, tolerance=1e-10):
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape
    assert np.abs(want).max() > 0
    np.testing.assert_allclose(got, want, rtol=0, atol=tolerance * np.abs(want).max())


def photographs(shared, size, count):
    files = sorted((shared / "images" / "imagenet").glob("*.jpg"))[:count]
    return np.concatenate([replica.picture(file, size) for file in files])


# --- small nets against the naive loops --------------------------------------------------------------


def small_vgg(rng, size=16):
    arrays = replica.random_vgg16(rng, widths=(4, 5, 6), dense=(9, 8, 7), size=size)
    return arrays, replica.vgg16(arrays, torch.float64)


def chain_of(arrays):
    layers: list = []
    for block, length in enumerate([2, 2, 3, 3, 3], 1):
        if f"conv{block}_1" not in arrays:
            break
        for i in range(1, length + 1):
            kernel, bias = arrays[f"conv{block}_{i}"]
            layers += [ref.Conv(kernel, bias, 1, 1), ref.Relu()]
        layers.append(ref.MaxPool(2, 2))
    layers += [ref.Flatten(), ref.Linear(*arrays["fc6"]), ref.Relu()]
    return [*layers, ref.Linear(*arrays["fc7"]), ref.Relu(), ref.Linear(*arrays["fc8"])]


def centred(picture):
    return picture[..., ::-1] - np.array(replica.VGG_MEAN)


@pytest.mark.parametrize("rule", replica.RULES)
def test_a_small_vgg_by_every_rule(rng, rule):
    arrays, model = small_vgg(rng)
    x = rng.uniform(0, 255, size=(2, 16, 16, 3))
    layers = chain_of(arrays)
    logits = ref.forward_chain(layers, centred(x))[-1]
    assert_close(replica.run(model.graph, model.weights, x)["fc8"], logits)
    seed = np.zeros_like(logits)
    seed[0, 3] = seed[1, 0] = 1
    want = ref.backward_chain(layers, centred(x), seed, rule)[..., ::-1]
    assert_close(replica.gradient(model, x, "fc8", [3, 0], rule), want)
    if rule == "guided":
        assert_close(replica.guided_backprop(model, x, [3, 0]), want)


@pytest.mark.parametrize("rule", ["deconvnet", "deconvnet_zf"])
def test_deconvnet_of_a_small_vgg(rng, rule):
    arrays, model = small_vgg(rng)
    x = rng.uniform(0, 255, size=(2, 16, 16, 3))
    layers = chain_of(arrays)[:9]  # up to relu2_2
    maps = ref.forward_chain(layers, centred(x))[-1]
    seed = ref.strongest_unit(maps, 2)
    want = ref.backward_chain(layers, centred(x), seed, rule)[..., ::-1]
    assert_close(replica.deconvnet(model, x, "relu2_2", 2, rule), want)


TOY = [  # a Caffe graph in small: overwritten blobs, LRN, a branch, pooling that rounds up
    {"name": "data", "type": "Input", "bottom": [], "top": "data"},
    {"name": "one", "type": "Convolution", "bottom": ["data"], "top": "one", "pad": 1, "stride": 2},
    {"name": "relu_one", "type": "ReLU", "bottom": ["one"], "top": "one"},
    {
        "name": "norm",
        "type": "LRN",
        "bottom": ["one"],
        "top": "norm",
        "local_size": "5",
        "alpha": "0.01",
        "beta": "0.75",
    },
    {
        "name": "pool",
        "type": "Pooling",
        "bottom": ["norm"],
        "top": "pool",
        "pool": "MAX",
        "kernel_size": "3",
        "stride": "2",
    },
    {"name": "left", "type": "Convolution", "bottom": ["pool"], "top": "left", "pad": 0, "stride": 1},
    {"name": "relu_left", "type": "ReLU", "bottom": ["left"], "top": "left"},
    {"name": "both", "type": "Concat", "bottom": ["left", "pool"], "top": "both"},
    {"name": "drop", "type": "Dropout", "bottom": ["both"], "top": "both"},
    {
        "name": "mean",
        "type": "Pooling",
        "bottom": ["both"],
        "top": "mean",
        "pool": "AVE",
        "global_pooling": "true",
    },
    {"name": "prob", "type": "Softmax", "bottom": ["mean"], "top": "prob"},
]


def toy(rng):
    """The model, and its kernels as the naive loops take them."""
    one, left = rng.normal(size=(3, 3, 3, 6)), rng.normal(size=(1, 1, 6, 4))
    weights = {
        "one/weight": torch.from_numpy(one.transpose(3, 2, 0, 1).copy()),
        "one/bias": torch.from_numpy(rng.normal(size=6)),
        "left/weight": torch.from_numpy(left.transpose(3, 2, 0, 1).copy()),
        "left/bias": torch.from_numpy(rng.normal(size=4)),
    }
    rows = replica.caffe_rows(TOY, replica.CAFFE_MEAN)
    model = replica.Model(rows, weights, "mean", "both", replica.CAFFE_MEAN, torch.float64)
    return model, one, left


def test_a_bottom_is_the_last_row_that_wrote_it(rng):
    inputs = {row.name: row.inputs for row in toy(rng)[0].graph}
    assert inputs["one"] == ("normalize",) and inputs["norm"] == ("relu_one",)
    assert inputs["both"] == ("relu_left", "pool") and inputs["mean"] == ("drop",)


@pytest.mark.parametrize("rule", replica.RULES)
def test_a_branching_caffe_graph_by_every_rule(rng, rule):
    model, one, left = toy(rng)
    bias_one, bias_left = (model.weights[f"{name}/bias"].numpy() for name in ("one", "left"))
    x = rng.uniform(0, 255, size=(2, 12, 13, 3))
    stem = [ref.Conv(one, bias_one, 2, 1), ref.Relu(), ref.Lrn(5, 0.01), ref.MaxPool(3, 2, 0, True)]
    branch = [ref.Conv(left, bias_left), ref.Relu()]
    y0 = x[..., ::-1] - np.array(replica.CAFFE_MEAN)
    pool = ref.forward_chain(stem, y0)[-1]
    both = ref.concat([ref.forward_chain(branch, pool)[-1], pool])

    values = replica.run(model.graph, model.weights, x)
    assert [row.name for row in model.graph] == list(values)
    assert_close(values["both"], both)
    assert_close(values["prob"], ref.softmax(ref.global_avg_pool(both)))

    seed = np.zeros((2, 10))
    seed[0, 1], seed[1, 8] = 1, 1
    g = ref.global_avg_pool_grad(seed, both.shape)
    g_pool = ref.backward_chain(branch, pool, g[..., :4], rule) + g[..., 4:]
    want = ref.backward_chain(stem, y0, g_pool, rule)[..., ::-1]
    assert_close(replica.gradient(model, x, "mean", [1, 8], rule), want)


# --- imposed masks and switches ----------------------------------------------------------------------


def test_switches_on_ties_go_to_the_first(rng):
    model, _, _ = toy(rng)
    x = rng.uniform(0, 255, size=(2, 12, 13, 3))
    model.weights["one/bias"].sub_(100)  # so that most windows of `pool` hold several zeros
    masks, switches = replica.masks_and_switches(model, x)
    values = replica.run(model.graph, model.weights, x)
    want_y, want = ref.max_pool(values["norm"].numpy(), 3, 2, 0, ceil=True)
    assert (want_y == 0).any() and (want_y > 0).any()
    np.testing.assert_array_equal(switches["pool"], want)
    assert switches["pool"].dtype == np.uint8
    np.testing.assert_array_equal(masks["relu_one"], values["one"].numpy() > 0)


@pytest.mark.parametrize("rule", replica.RULES)
def test_imposing_its_own_masks_and_switches_changes_nothing(rng, rule):
    model, _, _ = toy(rng)
    x = rng.uniform(0, 255, size=(2, 12, 13, 3))
    masks, switches = replica.masks_and_switches(model, x)
    assert set(masks) == {"relu_one", "relu_left"} and set(switches) == {"pool"}
    free = [replica.gradient(model, x, "mean", unit, rule) for unit in range(4)]
    own = [replica.gradient(model, x, "mean", unit, rule, masks, switches) for unit in range(4)]
    assert np.abs(free).max() > 0
    np.testing.assert_array_equal(own, free)


def test_other_masks_and_switches_change_the_way_back_only(rng):
    model, _, _ = toy(rng)
    x = rng.uniform(0, 255, size=(1, 12, 13, 3))
    masks, switches = replica.masks_and_switches(model, x)
    closed = {name: np.zeros_like(mask) for name, mask in masks.items()}
    assert not replica.gradient(model, x, "mean", 2, "vanilla", closed, switches).any()
    assert not replica.guided_backprop(model, x, 2, masks=closed, switches=switches).any()
    centre = {"pool": np.full_like(switches["pool"], 0)}
    open_ = {name: np.ones_like(mask) for name, mask in masks.items()}
    free = replica.gradient(model, x, "mean", 7)
    assert np.abs(replica.gradient(model, x, "mean", 7, "vanilla", open_, centre) - free).max() > 0
    imposed = replica.run(model.graph, model.weights, x, masks=closed, switches=centre)
    for name, value in replica.run(model.graph, model.weights, x).items():
        assert torch.equal(imposed[name], value)


# --- methods -----------------------------------------------------------------------------------------


def test_a_unit_is_an_index_a_position_or_a_channels_strongest(rng):
    maps = torch.zeros(2, 2, 3, 2)
    maps[0, 0, 2, 1] = maps[0, 1, 0, 1] = 4
    maps[1, 1, 1, 1] = 3
    assert replica.units(maps, 1) == [(0, 0, 2, 1), (1, 1, 1, 1)]
    assert replica.units(maps, (1, 2, 0)) == [(0, 1, 2, 0), (1, 1, 2, 0)]
    assert replica.units(torch.zeros(2, 9), 4) == [(0, 4), (1, 4)]
    assert replica.units(torch.zeros(2, 9), [4, 8]) == [(0, 4), (1, 8)]


def test_grad_cam_by_its_formula(rng):
    arrays, model = small_vgg(rng)
    x = rng.uniform(0, 255, size=(2, 16, 16, 3))
    layers = chain_of(arrays)
    values = ref.forward_chain(layers, centred(x))
    maps = values[16]  # relu3_3: 2 + 2 + 3 convolutions with their ReLUs and two pools
    assert model.maps == "relu3_3"
    wanted = []
    for target in range(7):
        seed = np.zeros_like(values[-1])
        seed[:, target] = 1
        g = ref.backward_chain(layers[16:], maps, seed, "vanilla")
        wanted.append(np.maximum((ref.global_avg_pool(g)[:, None, None] * maps).sum(-1), 0))
    assert_close([replica.grad_cam(model, x, target) for target in range(7)], wanted)


def test_occlusion_of_a_small_net(rng):
    _, model = small_vgg(rng)
    x = rng.uniform(0, 255, size=(2, 16, 16, 3))
    drops = replica.occlusion(model, x, [1, 4], window=6, stride=5, fill=(9.0, 8.0, 7.0))
    assert drops.shape == (2, 3, 3)
    covered = x.copy()
    covered[:, 5:11, 10:16] = (9.0, 8.0, 7.0)
    p, q = (replica.run(model.graph, model.weights, v)["prob"].numpy() for v in (x, covered))
    np.testing.assert_allclose(drops[:, 1, 2], p[[0, 1], [1, 4]] - q[[0, 1], [1, 4]], rtol=1e-12)
    scores = replica.occlusion(model, x, 1, window=16, value=True)
    mean = np.broadcast_to(np.array(replica.VGG_MEAN[::-1]), x.shape)
    np.testing.assert_allclose(scores[:, 0, 0], replica.probability(model, mean, 1), rtol=1e-12)


def test_saliency_is_the_largest_magnitude(rng):
    _, model = small_vgg(rng)
    x = rng.uniform(0, 255, size=(1, 16, 16, 3))
    g = replica.gradient(model, x, "fc8", 2)
    assert_close(replica.saliency(model, x, 2), np.maximum(g.max(-1), -g.min(-1)))


# --- the real nets -----------------------------------------------------------------------------------

NETS = [(replica.squeezenet, 227, 39, 55), (replica.googlenet, 224, 44, 58)]


@pytest.mark.parametrize("make, size, top1, top5", NETS)
def test_accuracy_on_sixty_photographs(shared, make, size, top1, top5):
    model = make(shared / "weights")
    files = sorted((shared / "images" / "imagenet").glob("*.jpg"))
    assert len(files) == 60
    first = fifth = 0
    for file in files:
        with torch.no_grad():
            scores = replica.run(model.graph, model.weights, replica.picture(file, size))[model.logits]
        best = scores[0].argsort(descending=True)[:5].tolist()
        first += best[0] == int(file.name[:3])
        fifth += int(file.name[:3]) in best
    assert (first, fifth) == (top1, top5)


@pytest.mark.parametrize("make, size", [net[:2] for net in NETS])
def test_gradient_against_finite_differences(shared, rng, make, size):
    model = make(shared / "weights", torch.float64)
    x = photographs(shared, size, 1) + rng.uniform(0, 1, (1, size, size, 3))  # flat areas would tie in a pool
    direction = rng.normal(size=x.shape)
    step = 1e-6

    def score(picture):
        with torch.no_grad():
            return float(replica.run(model.graph, model.weights, picture)[model.logits][0, 1])

    slope = (score(x + step * direction) - score(x - step * direction)) / (2 * step)
    predicted = float((replica.gradient(model, x, model.logits, 1) * direction).sum())
    assert slope == pytest.approx(predicted, rel=1e-5)


def test_grad_cam_of_googlenet_is_its_cam(shared):
    """It ends in average pooling and one linear layer, so alpha is the classifier's row / 49."""
    model = replica.googlenet(shared / "weights", torch.float64)
    x = photographs(shared, 224, 2)
    maps = replica.run(model.graph, model.weights, x, last=model.maps)[model.maps].numpy()
    row = model.weights["loss3/classifier/weight"][9].numpy()
    assert_close(replica.grad_cam(model, x, 9), np.maximum(maps @ row / 49, 0))


@pytest.mark.parametrize("make, size", [net[:2] for net in NETS])
def test_float32_with_the_masks_of_float64(shared, make, size):
    exact, single = make(shared / "weights", torch.float64), make(shared / "weights")
    x = photographs(shared, size, 1)
    masks, switches = replica.masks_and_switches(exact, x)
    want = replica.gradient(exact, x, exact.logits, 1)
    got = replica.gradient(single, x, single.logits, 1, masks=masks, switches=switches)
    assert got.dtype == np.float32
    assert np.linalg.norm(got - want) < 1e-4 * np.linalg.norm(want)


def test_the_first_three_blocks_of_vgg16(shared):
    file = "vgg16_blocks1-3_tf_dim_ordering_tf_kernels_notop.h5"
    arrays = replica.read_vgg16(shared / "weights" / file)
    assert arrays["conv1_1"][0].shape == (3, 3, 3, 64) and arrays["conv3_3"][1].shape == (256,)
    assert arrays["conv1_1"][0][0, 0, 0, 0] == np.float32(0.42947057)
    model = replica.vgg16(arrays)
    assert model.maps == "relu3_3" and [row.name for row in model.graph][-1] == "pool3"
    values = replica.run(model.graph, model.weights, photographs(shared, 64, 1))
    assert values["pool3"].shape == (1, 8, 8, 256)
    g = replica.deconvnet(model, photographs(shared, 64, 1), "relu3_3", 7)
    assert g.shape == (1, 64, 64, 3) and np.abs(g).max() > 0


def test_picture_keeps_the_aspect(tmp_path):
    from PIL import Image

    wide = np.zeros((40, 120, 3), np.uint8)
    wide[:, 60:] = (250, 120, 30)
    Image.fromarray(wide).save(tmp_path / "wide.png")
    x = replica.picture(tmp_path / "wide.png", 28)  # short side 32, long side 96
    assert x.shape == (1, 28, 28, 3) and x.dtype == np.float32
    np.testing.assert_array_equal(x[0, :, 0], 0)
    np.testing.assert_array_equal(x[0, 5, -1], (250, 120, 30))
    assert 0 < x[0, 14, 13, 0] < x[0, 14, 14, 0]  # the edge is in the middle
