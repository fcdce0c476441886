"""Maps against masks, deletion and insertion, likeness: closed forms, brute force, SciPy and scikit-image."""

import itertools

import numpy as np
import pytest

from minivis import faithfulness as f
from minivis.backend import array_module, to_host
from minivis.errors import InputError
from minivis.nets import Architecture, Net
from minivis.nets.layers import Input, Linear, Normalize

SIDE = 6


@pytest.fixture
def masks(rng):
    found = rng.random((5, SIDE, SIDE)) < 0.3
    found[:, 2, 3] = True
    return found


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_true_map_scores_1_and_its_negative_0(masks, dtype):
    perfect = masks.astype(dtype)
    for metric in (f.pointing_game, f.intersection_over_union, f.energy_inside):
        assert metric(perfect, masks).tolist() == [1.0] * 5
    assert f.pointing_game(-perfect, masks).tolist() == [0.0] * 5
    assert f.energy_inside(1 - perfect, masks).tolist() == [0.0] * 5
    small = masks & (np.cumsum(masks.reshape(5, -1), 1).reshape(masks.shape) <= 5)
    assert f.intersection_over_union(-small.astype(dtype), small).tolist() == [0.0] * 5


def test_metrics_against_brute_force(rng, masks):
    maps = rng.normal(size=masks.shape)
    for i, (values, mask) in enumerate(zip(maps, masks, strict=True)):
        places = sorted(np.ndindex(SIDE, SIDE), key=lambda p: -values[p])
        top = set(places[: mask.sum()])
        cause = {tuple(p) for p in np.argwhere(mask)}
        assert f.pointing_game(maps, masks)[i] == (places[0] in cause)
        assert f.intersection_over_union(maps, masks)[i] == pytest.approx(
            len(top & cause) / len(top | cause), abs=1e-12
        )
        positive = {p: max(0.0, values[p]) for p in places}
        share = sum(positive[p] for p in cause) / sum(positive.values())
        assert f.energy_inside(maps, masks)[i] == pytest.approx(share, abs=1e-12)
        for tolerance in (1, 1.5, 3):
            near = min(np.hypot(places[0][0] - a, places[0][1] - b) for a, b in cause) <= tolerance
            assert f.pointing_game(maps, masks, tolerance)[i] == near


def test_where_values_are_equal_the_expectation_is_given(masks):
    area = masks.mean((1, 2))
    constant = np.zeros(masks.shape)
    assert np.allclose(f.pointing_game(constant, masks), area)
    assert np.allclose(f.energy_inside(constant, masks), area)
    mask = np.zeros((1, 2, 3), bool)
    mask[0, 0] = True
    values = np.array([[[5.0, 1, 0], [1, 1, 0]]])  # two of the three equal ones come in, one of the three lies inside
    overlaps = [1 + sum(p in {(0, 1)} for p in pair) for pair in itertools.combinations([(0, 1), (1, 0), (1, 1)], 2)]
    inside = np.mean(overlaps)
    assert f.intersection_over_union(values, mask)[0] == pytest.approx(inside / (6 - inside))


def test_wrong_maps_are_told(masks):
    with pytest.raises(InputError, match=r"\(5, 6, 5\)"):
        f.pointing_game(np.zeros((5, 6, 5)), masks)
    with pytest.raises(InputError, match="bool"):
        f.energy_inside(np.zeros(masks.shape), masks.astype(float))
    with pytest.raises(InputError, match="finite"):
        f.energy_inside(np.full(masks.shape, np.nan), masks)
    masks[3] = False
    with pytest.raises(InputError, match="mask 3 is empty"):
        f.intersection_over_union(np.zeros(masks.shape), masks)


LINEAR = Architecture(
    "lin",
    (
        ("input", Input(4)),
        ("normalize", Normalize(mean=(100.0, 50.0, 25.0), std=(10.0, 10.0, 10.0))),
        ("fc", Linear(2)),
    ),
    ("a", "b"),
    maps="normalize",
)


def linear_net(rng, device="cpu", dtype="float64"):
    weights = {"fc": {"kernel": rng.normal(size=(48, 2)), "bias": np.array([0.25, -1.0])}}
    return Net(LINEAR, weights, device, dtype), weights["fc"]


def test_deletion_of_a_linear_model_is_its_partial_sums(rng):
    net, fc = linear_net(rng)
    x = rng.uniform(0, 255, (3, 4, 4, 3))
    classes = [1, 0, 1]
    maps = rng.normal(size=(3, 4, 4))
    curve = f.deletion(net, x, maps, classes, steps=16, batch=5)
    part = ((x - net.mean_colour) / 10).reshape(3, 16, 3)
    for n, c in enumerate(classes):
        each = (part[n] * fc["kernel"][:, c].reshape(16, 3)).sum(1)[np.argsort(-maps[n].ravel())]
        sums = fc["bias"][c] + np.array([each[k:].sum() for k in range(17)])
        assert np.allclose(curve.scores[n], sums, rtol=1e-10, atol=1e-10)
        assert curve.area[n] == pytest.approx((sums[:-1] + sums[1:]).mean() / 2)
    assert curve.shares.tolist() == [k / 16 for k in range(17)]
    coarse = f.deletion(net, x, maps, classes, steps=4)
    assert np.allclose(coarse.scores, curve.scores[:, ::4])
    assert np.allclose(f.deletion(net, x, maps, classes, steps=16).scores, curve.scores)


def test_the_true_order_of_a_linear_model_is_the_best(rng):
    net, fc = linear_net(rng)
    x = rng.uniform(0, 255, (1, 4, 4, 3))
    true = ((x - net.mean_colour) / 10 * fc["kernel"][:, 0].reshape(1, 4, 4, 3)).sum(-1)
    best = f.deletion(net, x, true, [0], steps=16).area[0]
    for _ in range(20):
        assert f.deletion(net, x, rng.normal(size=(1, 4, 4)), [0], steps=16).area[0] >= best - 1e-9


def test_insertion_goes_from_the_blurred_picture_to_the_picture(rng):
    from scipy.ndimage import gaussian_filter

    net, _ = linear_net(rng)
    x = rng.uniform(0, 255, (2, 4, 4, 3))
    maps = rng.normal(size=(2, 4, 4))
    curve = f.insertion(net, x, maps, [0, 1], steps=16)
    blurred = gaussian_filter(x, (0, 0.5, 0.5, 0), mode="nearest")
    for n in range(2):
        now = blurred[n].copy().reshape(16, 3)
        for k, place in enumerate([None, *np.argsort(-maps[n].ravel())]):
            if place is not None:
                now[place] = x[n].reshape(16, 3)[place]
            expected = net.capture(now.reshape(1, 4, 4, 3), ["fc"])["fc"][0, n]
            assert curve.scores[n, k] == pytest.approx(expected)


def test_equal_pixels_go_in_no_order_of_place(rng):
    net, _ = linear_net(rng)
    x = rng.uniform(0, 255, (1, 4, 4, 3))
    flat = f.deletion(net, x, np.zeros((1, 4, 4)), [0], steps=16).scores
    stored = f.deletion(net, x, -np.arange(16.0).reshape(1, 4, 4), [0], steps=16).scores
    assert not np.allclose(flat, stored)
    assert np.array_equal(flat, f.deletion(net, x, np.ones((1, 4, 4)), [0], steps=16).scores)


def test_wrong_curves_are_told(rng):
    net, _ = linear_net(rng)
    x = np.zeros((1, 4, 4, 3))
    with pytest.raises(InputError, match="steps must be 1 to 16"):
        f.deletion(net, x, np.zeros((1, 4, 4)), [0], steps=17)
    with pytest.raises(InputError, match="expected maps"):
        f.insertion(net, x, np.zeros((1, 4, 3)), [0])


def test_on_the_device(rng, device):
    net, fc = linear_net(rng, "gpu", "float32")
    here = Net(LINEAR, {"fc": fc}, dtype="float32")
    x, maps = rng.uniform(0, 255, (2, 4, 4, 3)).astype("float32"), rng.normal(size=(2, 4, 4)).astype("float32")
    there = device.asarray(x), device.asarray(maps)
    for walk in (f.deletion, f.insertion):
        assert np.allclose(walk(net, *there, [0, 1], 8).scores, walk(here, x, maps, [0, 1], 8).scores, rtol=1e-4)
    for method in f.methods_for(net, ["saliency", "gradient x input", "guided backprop", "edges (control)"]):
        explained = f.importance(method, method.explain(net, there[0], [0, 1]))
        assert array_module(explained) is device
        assert np.allclose(
            to_host(explained), f.importance(method, method.explain(here, x, [0, 1])), rtol=1e-4, atol=1e-4
        )


def test_spearman_against_scipy(rng):
    from scipy.stats import spearmanr

    for shape in ((50,), (4, 5, 3)):
        a, b = rng.normal(size=(2, *shape))
        assert f.spearman(a, b) == pytest.approx(spearmanr(a.ravel(), b.ravel()).statistic, abs=1e-12)
        tied = np.round(a), np.round(b + a)  # many equal values
        assert f.spearman(*tied) == pytest.approx(spearmanr(*(t.ravel() for t in tied)).statistic, abs=1e-12)
        assert f.spearman(a, np.exp(a)) == pytest.approx(1)
        assert f.spearman(a, -a) == pytest.approx(-1)
    assert np.isnan(f.spearman(np.zeros(5), np.arange(5)))
    with pytest.raises(InputError, match="one shape"):
        f.spearman(np.zeros(5), np.zeros(4))


def test_ssim_of_a_map_with_itself_is_1(rng):
    a = rng.random((20, 15))
    assert f.ssim(a, a) == pytest.approx(1)
    assert f.ssim(a, 5 * a - 3) == pytest.approx(1)  # each is brought to 0..1
    assert f.ssim(a, 1 - a) < 0
    with pytest.raises(InputError, match="7 pixels"):
        f.ssim(a[:6], a[:6])


@pytest.mark.verify
def test_ssim_against_scikit_image(rng):
    from skimage.metrics import structural_similarity

    for shape in ((7, 7), (20, 31), (64, 64)):
        a, b = rng.random((2, *shape))
        b = 0.5 * a + 0.5 * b
        ours = f.ssim(a, b)
        scaled = [(v - v.min()) / (v.max() - v.min()) for v in (a, b)]
        assert ours == pytest.approx(structural_similarity(*scaled, data_range=1.0), abs=1e-10)
