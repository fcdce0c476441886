"""Views: each shows what it says, and the gradient finds its way back."""

import numpy as np
import pytest

import minivis as mv
from minivis.errors import InputError
from minivis.primitives.warp import warp
from minivis.synthesis import jitter, random_crop, rotation, scale
from minivis.testing import relative_error

X = np.random.default_rng(0).uniform(0, 255, (2, 9, 12, 3))
QUARTER = ((0.0, 1.0), (-1.0, 0.0))


class Drawing:
    """A generator that draws what it is told to."""

    def __init__(self, value):
        self.value = value

    def uniform(self, low, high):
        assert low <= self.value <= high
        return self.value


VIEWS = {
    "jitter": jitter(4),
    "scale": scale(0.7, 1.4),
    "rotation": rotation(30),
    "random_crop": random_crop((5, 8)),
}


@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize("seed", [0, 1])
def test_the_gradient_flows_back(name, seed):
    mv.check_backward(lambda x: VIEWS[name](x, np.random.default_rng(seed)), X)


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_is_the_adjoint_of_its_way_back(name, rng):
    """<Vx, g> = <x, V'g>: views are linear in the picture."""
    recorded = mv.Tensor(X)
    y = VIEWS[name](recorded, np.random.default_rng(3))
    g = rng.standard_normal(y.shape)
    assert (y.value * g).sum() == pytest.approx((X * mv.backward(y, recorded, g)).sum(), rel=1e-12)


@pytest.mark.parametrize("name", VIEWS)
def test_a_seed_gives_the_same_look_and_the_next_draw_another(name):
    view = VIEWS[name]
    assert np.array_equal(view(X, np.random.default_rng(1)), view(X, np.random.default_rng(1)))
    generator = np.random.default_rng(1)
    assert not np.array_equal(view(X, generator), view(X, generator))
    assert view(X.astype("float32"), np.random.default_rng(1)).dtype == np.float32


def test_jitter_rolls_both_ways_up_to_and_including_its_ends():
    x = np.zeros((1, 20, 20, 3))
    x[0, 10, 10] = 1
    generator = np.random.default_rng(0)
    seen = {tuple(np.argwhere(jitter(2)(x, generator)[0, ..., 0])[0] - 10) for _ in range(400)}
    assert seen == {(i, j) for i in range(-2, 3) for j in range(-2, 3)}


def test_jitter_is_undone_on_the_way_back():
    recorded = mv.Tensor(X)
    y = jitter(4)(recorded, np.random.default_rng(0))
    assert not np.array_equal(y.value, X)
    assert np.array_equal(mv.backward(y, recorded, y.value), X)


def test_jitter_of_nothing():
    assert np.array_equal(jitter(0)(X, np.random.default_rng(0)), X)


def test_scale_enlarges_the_middle():
    x = np.zeros((1, 21, 21, 3))
    x[0, 8:13, 8:13] = 1  # a square of 5 x 5 in the middle
    doubled, halved = scale(2, 2)(x, Drawing(2)), scale(0.5, 0.5)(x, Drawing(0.5))
    assert doubled.shape == halved.shape == x.shape
    assert doubled[0, :, :, 0].sum() == pytest.approx(10 * 10)
    assert halved[0, ::, ::, 0].sum() == pytest.approx(3 * 3, abs=1)
    assert relative_error(scale(1, 1)(x, Drawing(1)), x) < 1e-12


def test_a_shrunken_picture_draws_its_edge_out():
    x = np.zeros((1, 9, 9, 3))
    x[:, 0], x[:, -1], x[:, :, 0], x[:, :, -1] = (200,) * 4
    small = scale(0.25, 0.25)(x, Drawing(0.25))
    assert (small[:, :2] == 200).all()
    assert (small[:, :, -2:] == 200).all()
    assert small[0, 4, 4, 0] == 0


def test_rotation_turns_about_the_centre():
    x = X[:, :, :9]
    assert relative_error(rotation(90)(x, Drawing(90)), np.rot90(x, 1, axes=(1, 2))) < 1e-12
    assert relative_error(rotation(90)(x, Drawing(-90)), np.rot90(x, -1, axes=(1, 2))) < 1e-12
    assert relative_error(rotation(90)(x, Drawing(0)), x) < 1e-12


def test_warp_interpolates_between_neighbours():
    ramp = np.arange(7.0)[None, :, None, None] * np.ones((1, 1, 5, 1))
    half = warp(ramp, matrix=((0.5, 0.0), (0.0, 1.0)))
    assert np.allclose(half[0, :, 2, 0], 3 + 0.5 * np.arange(-3, 4))


@pytest.mark.parametrize("matrix", [QUARTER, ((0.8, 0.3), (-0.2, 1.1)), ((2.0, 0.0), (0.0, 2.0))])
def test_warp_against_scipy(matrix):
    from scipy.ndimage import affine_transform

    centre = (np.array([9, 12]) - 1) / 2
    offset = centre - np.array(matrix) @ centre
    for channel in range(3):
        expected = affine_transform(X[0, ..., channel], np.array(matrix), offset, order=1, mode="nearest")
        assert np.allclose(warp(X, matrix=matrix)[0, ..., channel], expected)
    mv.check_backward(lambda x: warp(x, matrix=matrix), X)


def test_a_crop_is_a_window_of_the_picture_anywhere():
    generator = np.random.default_rng(0)
    found = set()
    for _ in range(200):
        crop = random_crop((8, 10))(X, generator)
        assert crop.shape == (2, 8, 10, 3)
        places = [(i, j) for i in range(2) for j in range(3) if np.array_equal(X[:, i : i + 8, j : j + 10], crop)]
        found.update(places)
        assert len(places) == 1
    assert found == {(i, j) for i in range(2) for j in range(3)}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: jitter(-1), "whole number of pixels"),
        (lambda: jitter(1.5), "whole number of pixels"),
        (lambda: scale(0, 1), "0 < low <= high"),
        (lambda: scale(2, 1), "0 < low <= high"),
        (lambda: rotation(-3), "angle in degrees"),
        (lambda: random_crop(0), "size"),
        (lambda: random_crop(10)(X, np.random.default_rng(0)), "10 x 10 does not fit into 9 x 12"),
        (lambda: warp(X[0], matrix=QUARTER), "warp wants maps"),
    ],
)
def test_refusals(make, message):
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.parametrize("name", VIEWS)
def test_on_a_device(name, device):
    x = mv.Tensor(device.asarray(X))
    y = VIEWS[name](x, np.random.default_rng(1))
    assert np.allclose(device.asnumpy(y.value), VIEWS[name](X, np.random.default_rng(1)))
    g = mv.backward(y, x, y.value)
    on_host = mv.Tensor(X)
    y = VIEWS[name](on_host, np.random.default_rng(1))
    assert np.allclose(device.asnumpy(g), mv.backward(y, on_host, y.value))
