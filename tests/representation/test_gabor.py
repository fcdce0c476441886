"""Gabor functions: known ones are found again, noise is told from waves, and too small kernels are refused."""

import math

import numpy as np
import pytest
from conftest import shared_path

from minivis.errors import InputError
from minivis.representation.gabor import Gabor, fit_gabor, shuffled

COLOUR = np.array([0.6, 0.0, 0.8])


def function(u0=0.4, v0=-0.7, angle=0.9, su=1.6, sv=2.1, f=0.2, phase=0.8, amplitude=1.5, offset=0.1):
    return Gabor(amplitude, u0, v0, angle, su, sv, f, phase, offset, COLOUR, 1.0, 1.0, 1.0)


def by_the_formula(g, side):
    """The sum of the head of the module, pixel by pixel."""
    out = np.empty((side, side, 3))
    for i in range(side):
        for j in range(side):
            u, v = j - (side - 1) / 2 - g.u0, i - (side - 1) / 2 - g.v0
            along = u * math.cos(g.angle) + v * math.sin(g.angle)
            across = -u * math.sin(g.angle) + v * math.cos(g.angle)
            bell = math.exp(-(along**2 / g.sigma_u**2 + across**2 / g.sigma_v**2) / 2)
            out[i, j] = (
                g.amplitude * bell * math.cos(2 * math.pi * g.frequency * along + g.phase) + g.offset
            ) * g.colour
    return out


@pytest.mark.parametrize("side", [7, 8, 11])
def test_it_is_drawn_by_its_formula(side):
    np.testing.assert_allclose(function().drawn(side), by_the_formula(function(), side), atol=1e-12)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"angle": 0.0, "phase": -2.5},
        {"angle": 2.6, "f": 0.35, "su": 1.2},
        {"u0": 1.5, "v0": 1.0, "phase": 0.0},
        {"f": 0.12, "phase": 1.4, "offset": -0.2},
    ],
)
def test_known_functions_are_found_again(changes):
    known = function(**changes)
    found = fit_gabor(by_the_formula(known, 9).astype("float32"))
    tolerance = 1e-3
    assert found.r2 > 1 - 1e-9 and found.colour_share == pytest.approx(1)
    np.testing.assert_allclose(found.colour, COLOUR, atol=1e-6)
    turn = (found.angle - known.angle + math.pi / 2) % math.pi - math.pi / 2
    assert abs(turn) < tolerance
    for name in ("u0", "v0", "sigma_u", "sigma_v", "frequency", "amplitude", "offset"):
        assert getattr(found, name) == pytest.approx(getattr(known, name), abs=tolerance), name
    np.testing.assert_allclose(found.drawn(9), by_the_formula(known, 9), atol=1e-4)


def test_what_is_drawn_explains_what_r2_says(rng):
    kernel = by_the_formula(function(), 7) + rng.normal(0, 0.2, (7, 7, 3))
    found = fit_gabor(kernel)
    flat = kernel.reshape(-1, 3) @ found.colour
    rest = ((flat - found.drawn(7).reshape(-1, 3) @ found.colour) ** 2).sum()
    assert found.r2 == pytest.approx(1 - rest / ((flat - flat.mean()) ** 2).sum())
    assert found.adjusted_r2 == pytest.approx(1 - (1 - found.r2) * 48 / 40)
    sizes = np.linalg.svd(kernel.reshape(-1, 3), compute_uv=False)
    assert found.colour_share == pytest.approx(sizes[0] ** 2 / (sizes**2).sum())
    assert 0.5 < found.r2 < 1


def test_noise_fits_worse_than_a_wave(rng):
    kernel = by_the_formula(function(), 7)
    chance = [fit_gabor(shuffled(kernel, rng)).r2 for _ in range(2)]
    assert max(chance) < 0.75 < fit_gabor(kernel).r2
    assert sorted(shuffled(kernel, rng)[..., 0].ravel()) == sorted(kernel[..., 0].ravel())


def test_a_fit_that_would_mean_nothing_is_refused(rng):
    with pytest.raises(InputError, match="3 x 3 has 9 pixels, a Gabor function 9 numbers"):
        fit_gabor(rng.standard_normal((3, 3, 3)))
    with pytest.raises(InputError, match="square kernel"):
        fit_gabor(rng.standard_normal((7, 5, 3)))
    with pytest.raises(InputError, match="constant"):
        fit_gabor(np.full((7, 7, 3), 0.3))
    with pytest.raises(InputError, match="constant"):
        fit_gabor(np.zeros((7, 7, 3)))


def test_scale_and_sign_change_nothing_else(rng):
    kernel = by_the_formula(function(), 7) + rng.normal(0, 0.1, (7, 7, 3))
    one, other = fit_gabor(kernel), fit_gabor(-1e-3 * kernel)
    assert other.r2 == pytest.approx(one.r2, abs=1e-6)
    np.testing.assert_allclose(other.drawn(7), -1e-3 * one.drawn(7), atol=1e-7)


@pytest.mark.verify
def test_googlenets_kernels_are_gabor_functions_and_shuffled_ones_are_not(rng):
    import minivis as mv

    kernels = mv.filters(mv.load("googlenet", weights=shared_path("weights/bvlc_googlenet.npz")))[:24]
    r2 = [fit_gabor(kernel).r2 for kernel in kernels]
    chance = [fit_gabor(shuffled(kernel, rng)).r2 for kernel in kernels]
    assert np.median(r2) > 0.9 and np.median(chance) < 0.5
