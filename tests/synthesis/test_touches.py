"""Touches: each changes the picture in the direction it says, and nothing else."""

import numpy as np
import pytest
from small import pictures, small_net

from minivis.errors import InputError
from minivis.synthesis import (
    blur,
    clip_small_contributions,
    clip_small_gradients,
    clip_small_pixels,
    clip_to_range,
    decay,
    every,
    renormalise,
)
from minivis.synthesis.touches import bound

NET = small_net()
ZERO = NET.mean_colour
X = pictures()
G = np.random.default_rng(1).standard_normal(X.shape)

TOUCHES = {
    "blur": blur(1.0),
    "decay": decay(0.1),
    "clip_small_pixels": clip_small_pixels(30),
    "clip_small_contributions": clip_small_contributions(30),
    "clip_small_gradients": clip_small_gradients(30),
    "clip_to_range": clip_to_range(50, 200),
    "renormalise": renormalise(1000.0),
    "renormalise, centred": renormalise(1000.0, centred=True),
    "every": every(2, decay(0.1)),
}


def touched(touch, x=X, gradient=G, step=0):
    return bound(touch, NET)(x, gradient, step, None)


@pytest.mark.parametrize("name", TOUCHES)
def test_a_touch_keeps_shape_and_dtype_and_treats_each_picture_alone(name):
    x, g = X.astype("float32"), G.astype("float32")
    net = small_net(dtype="float32")
    touch = bound(TOUCHES[name], net)
    y = touch(x, g, 0, None)
    assert y.shape == x.shape
    assert y.dtype == np.float32
    assert not np.array_equal(y, x)
    assert np.array_equal(y[1:], touch(x[1:], g[1:], 0, None))


def test_blur_smooths_and_keeps_the_mean_of_each_colour():
    y = touched(blur(1.0))
    assert (y.std((1, 2)) < 0.6 * X.std((1, 2))).all()
    assert np.allclose(y.mean((1, 2)), X.mean((1, 2)))  # it is mirrored at the edge: nothing leaks out
    assert (touched(blur(2.0)).std((1, 2)) < y.std((1, 2))).all()
    assert np.array_equal(touched(blur(0)), X)


def test_blur_mixes_neither_colours_nor_pictures():
    x = np.zeros_like(X)
    x[0, 8, 8, 1] = 100
    y = touched(blur(1.0), x)
    assert not y[1].any()
    assert not y[0, ..., [0, 2]].any()
    assert y[0, 7, 8, 1] == pytest.approx(100 * np.exp(-0.5) / np.exp(-0.5 * np.arange(-4, 5) ** 2).sum() ** 2)


def test_decay_pulls_towards_the_mean_colour():
    assert np.allclose(touched(decay(0.1)) - ZERO, 0.9 * (X - ZERO))
    assert np.array_equal(touched(decay(0)), X)
    assert np.allclose(touched(decay(1)), np.broadcast_to(ZERO, X.shape))


@pytest.mark.parametrize(
    ("touch", "size"),
    [
        (clip_small_pixels, np.linalg.norm(X - ZERO, axis=-1)),
        (clip_small_contributions, abs(((X - ZERO) * G).sum(-1))),
        (clip_small_gradients, np.linalg.norm(G, axis=-1)),
    ],
)
def test_clips_set_the_smallest_pixels_to_the_mean_colour(touch, size):
    y = touched(touch(25))
    cleared = (y == ZERO).all(-1)
    assert np.array_equal(y[~cleared], X[~cleared])
    assert cleared.sum((1, 2)).tolist() == [64, 64]  # a quarter of 16 x 16, in each picture
    for n in range(2):
        assert size[n][cleared[n]].max() < size[n][~cleared[n]].min()
    assert np.array_equal(touched(touch(0)), X)


def test_the_three_clips_are_three_touches():
    results = [touched(t(50)) for t in (clip_small_pixels, clip_small_contributions, clip_small_gradients)]
    assert not np.array_equal(results[0], results[1])
    assert not np.array_equal(results[1], results[2])
    assert not np.array_equal(results[0], results[2])


def test_clip_to_range():
    x = 3 * X - 200
    y = touched(clip_to_range(), x)
    assert (y.min(), y.max()) == (0, 255)
    inside = (x > 0) & (x < 255)
    assert np.array_equal(y[inside], x[inside])


def test_renormalise_sets_the_norm_and_keeps_the_direction():
    y = touched(renormalise(500.0))
    assert np.allclose(np.linalg.norm(y.reshape(2, -1), axis=1), 500)
    assert np.allclose(y / X, (y / X)[:, :1, :1, :1])
    y = touched(renormalise(500.0, centred=True))
    assert np.allclose(np.linalg.norm((y - ZERO).reshape(2, -1), axis=1), 500)
    assert np.allclose((y - ZERO) / (X - ZERO), ((y - ZERO) / (X - ZERO))[:, :1, :1, :1])


def test_a_picture_without_direction_is_left_alone():
    assert not touched(renormalise(500.0), np.zeros_like(X)).any()
    mean = np.broadcast_to(ZERO, X.shape)
    assert np.array_equal(touched(renormalise(500.0, centred=True), mean), mean)


def test_every_counts_step_0_and_leaves_the_others_alone():
    touch = bound(every(4, decay(0.5)), NET)
    fired = [step for step in range(10) if touch(X, G, step, None) is not X]
    assert fired == [0, 4, 8]
    assert np.array_equal(touch(X, G, 4, None), touched(decay(0.5)))


def test_a_touch_that_needs_a_zero_says_so():
    with pytest.raises(InputError, match=r"decay does not know which colour is zero: call decay\(...\).bind\(net\)"):
        every(1, decay(0.1))(X, G, 0, None)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: blur(-1), "sigma"),
        (lambda: decay(1.5), "decay takes a number from 0 to 1, got 1.5"),
        (lambda: clip_small_pixels(101), "clip_small_pixels takes a number from 0 to 100"),
        (lambda: clip_small_contributions(-1), "from 0 to 100"),
        (lambda: clip_small_gradients(float("nan")), "from 0 to 100"),
        (lambda: clip_to_range(5, 5), "low < high"),
        (lambda: renormalise(0), "above 0"),
        (lambda: every(0, decay(0.1)), "from 1 on"),
        (lambda: every(2.5, decay(0.1)), "from 1 on"),
    ],
)
def test_refusals(make, message):
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.parametrize("name", TOUCHES)
def test_on_a_device(name, device):
    net = small_net(device="gpu")
    y = bound(TOUCHES[name], net)(device.asarray(X), device.asarray(G), 0, None)
    assert np.allclose(device.asnumpy(y), touched(TOUCHES[name]))
