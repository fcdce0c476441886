"""Maximised units: the closed form of a linear unit on a sphere, and that pictures are of the right units."""

import numpy as np
import pytest
from small import BRANCHES, CHAIN, CLASS_MAPS, small_net

import minivis as mv
from minivis.errors import InputError, UnknownName
from minivis.objectives import channel
from minivis.synthesis.recipes.maximize import (
    PRESETS,
    activation_maximization,
    agreement,
    on_the_sphere,
    positive,
    sensitivity,
    size_for,
)
from minivis.synthesis.recipes.sheets import maximized_stages, stages


@pytest.fixture
def net():
    return small_net(CHAIN)


def last(climb):
    for _ in climb:
        pass
    return climb.picture


@pytest.mark.parametrize("place", ["positive", "mean", "centre"])
@pytest.mark.parametrize("preset", [None, *PRESETS])
def test_the_channel_rises(net, place, preset, rng):
    climb = activation_maximization(net, "conv2_1", [0, 1], place, preset, steps=12, rng=rng)
    before = climb.objective(net, climb.picture)
    picture = last(climb)
    assert picture.shape == (2, 16, 16, 3)
    assert (climb.objective(net, picture) > before).all()


def test_a_linear_unit_on_a_sphere_has_its_weights_as_optimum(net):
    """For ||x|| = rho the optimum of w.x is rho w / ||w||, from any start."""
    rho = 500.0
    pictures = last(on_the_sphere(net, "conv1_1", 2, rho, starts=4, size=16, steps=60, lr=100.0))
    kernel = net.weights["conv1_1"]["kernel"][..., 2] / np.array(net.architecture.normalize.std)[::-1]
    wanted = np.zeros((16, 16, 3))
    wanted[7:10, 7:10] = kernel[..., ::-1]  # the centre is (8, 8); the network takes its colours as BGR
    wanted *= rho / np.linalg.norm(wanted)
    for picture in pictures:
        apart = picture - net.mean_colour
        assert np.linalg.norm(apart) == pytest.approx(rho)
        assert np.linalg.norm(apart - wanted) < 0.02 * rho
    assert agreement(pictures).min() > 0.999


def test_every_step_ends_on_the_sphere(net):
    for picture, _ in on_the_sphere(net, "fc4", 1, 300.0, starts=2, steps=3):
        norms = np.sqrt(((picture - net.mean_colour) ** 2).sum((1, 2, 3)))
        np.testing.assert_allclose(norms, 300.0)


def test_the_starts_differ_and_agreement_tells(net, rng):
    start = on_the_sphere(net, "fc4", 1, starts=3, rng=rng).picture
    found = agreement(start)
    np.testing.assert_allclose(np.diag(found), 1)
    assert abs(found - np.eye(3)).max() < 0.3
    assert agreement(np.concatenate([start[:1], 2 * start[:1] + 5]))[0, 1] == pytest.approx(1)


def test_the_sensitivity_matrix_has_rows_of_optima_and_columns_of_units(net, rng):
    pictures = rng.uniform(0, 255, (3, 16, 16, 3))
    values = net.capture(pictures, ["conv2_1", "fc3"])
    found = sensitivity(net, "conv2_1", [5, 0, 2], pictures)
    for i in range(3):
        for j, unit in enumerate((5, 0, 2)):
            assert found[i, j] == values["conv2_1"][i, 4, 4, unit]
    np.testing.assert_array_equal(sensitivity(net, "fc3", [1, 2, 3], pictures), values["fc3"][:, 1:4])
    means = sensitivity(net, "conv2_1", [1, 2, 3], pictures, "mean")
    np.testing.assert_allclose(means, values["conv2_1"].mean((1, 2))[:, 1:4])


def test_each_unit_is_strongest_at_its_own_optimum(net):
    channels = [1, 4, 6]
    pictures = np.concatenate([last(on_the_sphere(net, "conv2_1", c, 800.0, starts=1, steps=40)) for c in channels])
    found = sensitivity(net, "conv2_1", channels, pictures)
    np.testing.assert_array_equal(found.argmax(0), [0, 1, 2])


def test_inside_the_picture_the_plain_mean_of_a_linear_map_sees_the_filters_sum_only(net, rng):
    from minivis import Tensor, backward

    x = Tensor(rng.uniform(0, 255, (1, 16, 16, 3)))
    for objective, flat in ((channel("conv1_1", 0), True), (positive("conv1_1", 0), False)):
        y = objective(net, x)
        gradient = backward(y, x, np.ones(1))[0, 2:-2, 2:-2]
        assert bool(np.ptp(gradient, (0, 1)).max() < 1e-12) is flat
    after = positive("relu1_1", 0)(net, x.value), channel("relu1_1", 0)(net, x.value)
    np.testing.assert_array_equal(*after)


def test_positive_is_a_derivative(net, rng):
    from minivis import check_backward

    x = rng.uniform(0, 255, (2, 16, 16, 3))
    check_backward(lambda picture: positive("conv2_1", [1, 2])(net, picture), x)


def test_the_fine_preset_keeps_the_contrast(net, rng):
    picture = last(activation_maximization(net, "conv1_1", 0, preset="fine", size=16, steps=3, rng=rng))
    assert np.sqrt(((picture - net.mean_colour) ** 2).mean()) == pytest.approx(40)


def test_sizes_follow_the_receptive_field():
    net = small_net(CLASS_MAPS)
    assert size_for(net, "conv1") == 12  # no more than it was trained for
    assert size_for(net, "prob") == 12
    assert size_for(small_net(BRANCHES), "conv1", least=8) == 16


def test_what_is_wrong_is_told_in_one_line(net, rng):
    with pytest.raises(UnknownName, match="no place is called 'middle'"):
        activation_maximization(net, "conv1_1", 0, "middle", rng=rng)
    with pytest.raises(UnknownName, match="conv9"):
        activation_maximization(net, "conv9", 0, rng=rng)
    with pytest.raises(InputError, match="0 to 5"):
        next(activation_maximization(net, "conv1_1", 6, rng=rng))
    with pytest.raises(InputError, match="starts"):
        on_the_sphere(net, "conv1_1", 0, starts=0)
    with pytest.raises(InputError, match="2 pictures for 1 channels"):
        sensitivity(net, "conv1_1", [0], np.zeros((2, 16, 16, 3)))
    with pytest.raises(InputError, match="channels 0 to 5"):
        sensitivity(net, "conv1_1", [6], np.zeros((1, 16, 16, 3)))


def test_stages_end_before_a_pooling_or_where_branches_join():
    assert stages(small_net(CHAIN)) == ["relu1_1", "relu2_1"]
    assert stages(small_net(BRANCHES)) == ["relu1", "join"]


def test_a_page_holds_the_first_channels_of_each_stage(net):
    found = list(maximized_stages(net, count=2, steps=2))
    assert [(stage.row, stage.channels) for stage in found] == [("relu1_1", [0, 1]), ("relu2_1", [0, 1])]
    assert all(stage.pictures.shape == (2, 16, 16, 3) and stage.scores.shape == (2,) for stage in found)


def test_on_a_device(device):
    gpu, cpu = (small_net(CHAIN, dtype="float32", device=where) for where in ("gpu", "cpu"))
    for preset in (None, "clear"):
        found, expected = (
            last(activation_maximization(net, "conv2_1", [0, 1], preset=preset, steps=2, rng=np.random.default_rng(0)))
            for net in (gpu, cpu)
        )
        assert isinstance(found, device.ndarray)
        np.testing.assert_allclose(device.asnumpy(found), expected, rtol=2e-3, atol=0.5)
    sphere = last(on_the_sphere(gpu, "conv2_1", 0, starts=2, steps=2))
    assert isinstance(sensitivity(gpu, "conv2_1", [0, 1], sphere), device.ndarray)
    assert isinstance(agreement(sphere), device.ndarray)


def test_a_silent_unit_is_climbed_from_before_its_relu():
    """relu3_2 of the shipped network is 0 all over its first channels at the start, and so is the slope."""
    net = mv.load("minivgg")
    (stage,) = maximized_stages(net, rows=["relu3_2"], count=2, steps=20, place="positive")
    assert (stage.scores > 0).all()
    assert (stage.pictures.std((1, 2, 3)) > 5).all()
