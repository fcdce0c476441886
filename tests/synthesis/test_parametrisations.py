"""Parametrisations: the inverse real Fourier transform, and pictures in and out of it."""

import numpy as np
import pytest
from small import pictures, small_net

import minivis as mv
from minivis.errors import InputError, UnknownName
from minivis.objectives import unit
from minivis.synthesis import Fourier, ascend
from minivis.synthesis.parametrisations import COLOUR_ROOT, irfft2, parametrisation_for
from minivis.testing import relative_error

SIZES = [(8, 10), (7, 9), (6, 7), (5, 8), (1, 1), (2, 2)]


def coefficients(height, width, seed=0, dtype="float64"):
    return np.random.default_rng(seed).standard_normal((2, height, width // 2 + 1, 3, 2)).astype(dtype)


@pytest.mark.parametrize("size", SIZES)
def test_the_inverse_transform_by_its_sum(size):
    """The sum over all frequencies, the missing ones being the conjugates of those that are given."""
    height, width = size
    z = coefficients(*size)
    expected = np.zeros((2, height, width, 3))
    for n, i, j, c in np.ndindex(expected.shape):
        total = 0.0
        for u in range(height):
            for v in range(width // 2 + 1):
                twice = 2 if v > 0 and 2 * v != width else 1
                angle = 2 * np.pi * (u * i / height + v * j / width)
                total += twice * (z[n, u, v, c, 0] * np.cos(angle) - z[n, u, v, c, 1] * np.sin(angle))
        expected[n, i, j, c] = total / (height * width)
    assert np.allclose(irfft2(z, width=width), expected, atol=1e-13)


@pytest.mark.parametrize("size", SIZES)
def test_the_rule_of_the_inverse_transform(size, rng):
    z = coefficients(*size)
    mv.check_backward(lambda z: irfft2(z, width=size[1]), z)
    recorded = mv.Tensor(z)
    y = irfft2(recorded, width=size[1])
    g = rng.standard_normal(y.shape)
    assert (y.value * g).sum() == pytest.approx((z * mv.backward(y, recorded, g)).sum(), rel=1e-12)


def test_the_dtype_stays():
    z = mv.Tensor(coefficients(6, 8, dtype="float32"))
    y = irfft2(z, width=8)
    assert y.dtype == np.float32
    assert mv.backward(y, z, y.value).dtype == np.float32


@pytest.mark.parametrize("size", SIZES)
def test_a_picture_comes_back(size):
    x = np.random.default_rng(1).uniform(1, 254, (2, *size, 3))
    fourier = Fourier(*size)
    assert relative_error(fourier.picture(fourier.parameters(x)), x) < 1e-12
    x = x.astype("float32")
    assert fourier.picture(fourier.parameters(x)).dtype == np.float32
    assert relative_error(fourier.picture(fourier.parameters(x)), x) < 1e-5


def test_black_and_white_come_back_as_near_as_a_sigmoid_can():
    x = np.zeros((1, 4, 6, 3))
    x[:, 2:] = 255
    y = Fourier(4, 6).picture(Fourier(4, 6).parameters(x))
    assert np.allclose(y, x.clip(0.5, 254.5))


@pytest.mark.parametrize("size", [(8, 10), (7, 9)])
def test_the_gradient_of_a_picture_by_its_coefficients(size):
    fourier = Fourier(*size)
    mv.check_backward(fourier.picture, 0.1 * coefficients(*size))


def test_every_picture_is_within_the_valid_range():
    x = Fourier(16, 16).picture(1e3 * coefficients(16, 16))
    assert x.min() >= 0
    assert x.max() <= 255
    assert x.min() < 1
    assert x.max() > 254


def test_low_frequencies_weigh_more_by_one_over_f():
    fourier = Fourier(64, 64)
    scale = fourier.scale[:, :, 0, 0]
    assert scale[0, 4] / scale[0, 8] == pytest.approx(2)
    assert scale[3, 4] == pytest.approx(scale[0, 5])
    assert scale[0, 0] == scale[0, 1]  # the mean counts as the lowest frequency
    assert scale[5, 6] == scale[-5, 6]


def test_the_first_colour_direction_is_grey_and_the_others_are_not():
    z = np.zeros((1, 4, 3, 3, 2))
    pictures = []
    for direction in range(3):
        z[...] = 0
        z[0, 0, 1, direction, 0] = 0.2
        pictures.append(Fourier(4, 4).picture(z)[0] - 127.5)
    spread = [np.ptp(p, axis=-1).max() / abs(p).max() for p in pictures]
    assert spread[0] < 0.1
    assert min(spread[1:]) > 1
    assert np.linalg.norm(np.array(COLOUR_ROOT), axis=0).argmax() == 0


def test_noise_has_equal_power_in_each_octave():
    x = Fourier(64, 64).noise(8, np.random.default_rng(0), "float64")
    assert x.shape == (8, 64, 64, 3)
    assert x.mean() == pytest.approx(127.5, abs=2)
    power = (abs(np.fft.fft2(x - x.mean((1, 2), keepdims=True), axes=(1, 2))) ** 2).mean((0, 3))
    f = np.hypot(np.fft.fftfreq(64)[:, None], np.fft.fftfreq(64))
    octaves = [power[(f >= low) & (f < 2 * low)].sum() for low in (1 / 32, 1 / 16, 1 / 8)]
    assert max(octaves) < 1.3 * min(octaves)


def test_noise_is_drawn_from_the_generator():
    a, b, c = (Fourier(8, 8).noise(1, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert a.dtype == np.float32
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


def test_ascent_of_coefficients_raises_the_score_and_stays_in_range():
    net = small_net()
    start = Fourier(16, 16).noise(2, np.random.default_rng(0), "float64")
    climb = ascend(net, unit("fc4", 2), start, lr=0.05, step="adam", steps=30, parametrisation="fourier")
    scores = [score for _, score in climb]
    assert (scores[-1] > scores[0] + 1).all()
    assert climb.picture.min() > 0
    assert climb.picture.max() < 255
    assert np.allclose(scores[0], unit("fc4", 2)(net, start))


def test_the_same_step_goes_elsewhere():
    """Adam steps on coefficients change low frequencies; on pixels they are noise."""
    net, start = small_net(), pictures()

    def low_share(**choices):
        climb = ascend(net, unit("fc4", 2), start, step="adam", steps=5, **choices)
        list(climb)
        power = abs(np.fft.fft2(climb.picture - start, axes=(1, 2))) ** 2
        f = np.hypot(np.fft.fftfreq(16)[:, None], np.fft.fftfreq(16))
        return power[:, f < 0.2].sum() / power.sum()

    assert low_share(lr=0.05, parametrisation="fourier") > 1.5 * low_share(lr=1.0)


def test_on_a_device(device):
    if not hasattr(device, "fft"):
        pytest.skip("the stand-in for CuPy has no FFT")
    for size in SIZES:
        z = coefficients(*size)
        on_host, there = mv.Tensor(z), mv.Tensor(device.asarray(z))
        y, y_there = irfft2(on_host, width=size[1]), irfft2(there, width=size[1])
        assert np.allclose(device.asnumpy(y_there.value), y.value, atol=1e-12)
        g = mv.backward(y, on_host, y.value)
        assert np.allclose(device.asnumpy(mv.backward(y_there, there, y_there.value)), g, atol=1e-12)
        x = device.asarray(np.random.default_rng(1).uniform(1, 254, (2, *size, 3)))
        assert relative_error(Fourier(*size).picture(Fourier(*size).parameters(x)), x) < 1e-12


def test_refusals():
    with pytest.raises(UnknownName, match="no parametrisation is called 'cppn': there are pixels, fourier"):
        parametrisation_for("cppn", 4, 4)
    with pytest.raises(InputError, match="expected pictures of 4 x 5, got"):
        Fourier(4, 5).parameters(np.ones((1, 5, 4, 3)))
    with pytest.raises(InputError, match=r"irfft2 wants coefficients \(N, H, 4, C, 2\)"):
        irfft2(np.ones((1, 6, 3, 3, 2)), width=6)
