"""Class models: what each preset says, where it starts, and that the class is found again in the picture."""

import dataclasses

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from small import BRANCHES, CHAIN, LABELS, small_net

from minivis import Tensor, backward, one_hot
from minivis.errors import InputError, UnknownName
from minivis.objectives import l2, unit
from minivis.synthesis import ascend
from minivis.synthesis.recipes.class_model import PRESETS, SCORES, class_model
from minivis.synthesis.recipes.climbing import Climb, grey


@pytest.fixture
def net():
    return small_net(CHAIN)


def last(climb):
    for _ in climb:
        pass
    return climb.picture


def gradient(net, x, target):
    x = Tensor(x)
    y = net.capture(x, [net.logits])[net.logits]
    return backward(y, x, one_hot(y, target))


@pytest.mark.parametrize("preset", [name for name in PRESETS if name != "cs231n"])  # its step is too long for this net
def test_every_preset_raises_the_score(net, preset, rng):
    score = unit("logits", 1)
    climb = class_model(net, "bee", preset, steps=12, rng=rng)
    before = score(net, climb.picture)
    picture = last(climb)
    assert picture.shape == (1, 16, 16, 3)
    assert np.isfinite(picture).all()
    assert score(net, picture)[0] > before[0]


def test_the_published_score_is_the_one_of_the_paper(net):
    climb = class_model(net, 2, "simonyan", steps=1)
    np.testing.assert_array_equal(climb.picture, grey(net, 1, 16))  # the zero picture of a centred network
    by_hand = ascend(net, unit("logits", 2) - 1e-5 * l2(), grey(net, 1, 16), lr=2.0, step="mean-abs", steps=1)
    np.testing.assert_array_equal(last(climb), last(by_hand))


def test_the_mean_colour_is_what_the_network_takes_to_zero(net):
    assert abs(net.capture(grey(net, 1, 16), ["normalize"])["normalize"]).max() < 1e-12


def test_the_probability_can_rise_without_the_score(net):
    """The gradient of log p is that of the score less a mean of all scores' gradients: it is another climb."""
    pictures = {of: last(class_model(net, 1, "simonyan", of=of, steps=5)) for of in SCORES}
    assert abs(pictures["score"] - pictures["log-probability"]).max() > 1
    assert net(pictures["log-probability"])[0, 1] > net(grey(net, 1, 16))[0, 1]


def test_a_list_makes_a_batch_of_classes_each_as_if_alone(net):
    both = last(class_model(net, [0, 4], "simonyan", steps=4))
    for i, target in enumerate((0, 4)):
        np.testing.assert_allclose(both[i : i + 1], last(class_model(net, target, "simonyan", steps=4)), atol=1e-9)


def test_yosinskis_rows_are_in_the_order_of_their_code(net):
    """By hand: gradient, decay, blur, small pixels, small contributions, and the range before the next look."""
    zero, seed = net.mean_colour, 5
    for name, decay, sigma, small, contribution in (
        ("yosinski-1", 0, 0.5, 50, 0),
        ("yosinski-2", 0.3, 0, 20, 0),
        ("yosinski-3", 0.0001, 1.0, 0, 0),
        ("yosinski-4", 0, 0.5, 0, 90),
    ):
        start = PRESETS[name].start(net, 1, 16, np.random.default_rng(seed))
        g = gradient(net, start, 3)
        lr = 100.0
        if name in ("yosinski-1", "yosinski-4"):
            lr = min({"yosinski-1": 100.0, "yosinski-4": 1e8}[name], 2.0 / (g**2).sum())
        z = (start + lr * g - zero) * (1 - decay)
        if sigma:
            z = np.stack([gaussian_filter(z[0, :, :, c], sigma) for c in range(3)], -1)[None]
        if small:
            size = np.sqrt((z**2).sum(-1))
            z = z * (size >= np.percentile(size, small))[..., None]
        if contribution:
            share = abs((g * -z).sum(-1))
            z = z * (share >= np.percentile(share, contribution))[..., None]
        expected = np.clip(z + zero, 0, 255)
        found = last(class_model(net, 3, name, steps=1, rng=np.random.default_rng(seed)))
        np.testing.assert_allclose(found, expected, atol=1e-6, err_msg=name)


def test_the_step_of_cs231n_is_taken_in_its_own_units(net):
    """Pictures z = (x - mean) / unit: z += 25 (dS/dz - 2 * 1e-3 z), into the range, and a blur at the first step."""
    unit_, zero = 255 * 0.226, net.mean_colour
    start = PRESETS["cs231n"].start(net, 1, 16, np.random.default_rng(4))
    quiet = dataclasses.replace(PRESETS["cs231n"], views=())
    z = (start - zero) / unit_
    z = z + 25 * (unit_ * gradient(net, start, 3) - 2e-3 * z)
    inside = np.clip(z * unit_ + zero, 0, 255)
    expected = np.stack([gaussian_filter(inside[0, :, :, c], 0.5) for c in range(3)], -1)[None]
    climb = quiet.climb(net, unit("logits", 3), start, 1, np.random.default_rng(4), None)
    np.testing.assert_allclose(last(climb), expected, atol=1e-6)


def test_a_run_that_is_stopped_goes_on_to_the_same_bits(net):
    whole = last(class_model(net, 1, "clear", steps=6, rng=np.random.default_rng(2)))
    first = class_model(net, 1, "clear", steps=6, rng=np.random.default_rng(2))
    for _ in range(3):
        next(first)
    second = class_model(net, 1, "clear", steps=6, rng=np.random.default_rng(9), state=first.state())
    np.testing.assert_array_equal(last(second), whole)


def test_what_is_wrong_is_told_in_one_line(net, rng):
    with pytest.raises(UnknownName, match=r"no preset is called 'clean'.*clear"):
        class_model(net, 1, "clean")
    with pytest.raises(UnknownName, match=r"no 'posterior'.*probability"):
        class_model(net, 1, of="posterior")
    with pytest.raises(InputError, match="rng="):
        class_model(net, 1)
    with pytest.raises(InputError, match="which class"):
        class_model(net, None, rng=rng)
    with pytest.raises(InputError, match="crane"):
        next(class_model(net, LABELS[2], rng=rng))  # two classes share the name


def test_noise_starts_are_drawn_by_the_rng_and_stay_in_range(net):
    noisy = Climb(steps=1, lr=1.0, noise=200.0)
    one, same = (noisy.start(net, 2, 16, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(one, same)
    assert one.min() == 0
    assert one.max() == 255
    assert (one[0] != one[1]).any()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_pictures_keep_the_networks_dtype(dtype, rng):
    net = small_net(BRANCHES, dtype=dtype)
    for preset in PRESETS:
        assert last(class_model(net, 1, preset, steps=2, rng=rng)).dtype == dtype, preset


def test_on_a_device(device):
    net = small_net(CHAIN, dtype="float32", device="gpu")
    host = small_net(CHAIN, dtype="float32")
    for preset in ("clear", "cs231n", "yosinski-1"):
        found = last(class_model(net, 1, preset, steps=2, rng=np.random.default_rng(0)))
        assert isinstance(found, device.ndarray), preset
        expected = last(class_model(host, 1, preset, steps=2, rng=np.random.default_rng(0)))
        np.testing.assert_allclose(device.asnumpy(found), expected, rtol=2e-3, atol=0.5, err_msg=preset)
