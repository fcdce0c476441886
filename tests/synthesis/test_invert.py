"""Inversion: its objective against the paper's formula, the authors' descent against a replica, and what it refuses."""

import numpy as np
import pytest
from small import BRANCHES, CHAIN, pictures, small_net

import minivis as mv
from minivis.errors import InputError, UnknownName
from minivis.nets import initial_weights
from minivis.nets.minivgg import MINIVGG
from minivis.synthesis.recipes.invert import (
    CONTRAST,
    PRESETS,
    SIGMA,
    finished,
    inversion_objective,
    invert,
    over_strengths,
    readable_rows,
    relative_error,
    what_is_lost,
)

ROW = "relu2_1"


def rng():
    return np.random.default_rng(0)


def terms_by_hand(net, x, x0, row, lambda_alpha, lambda_tv):
    """The paper's terms, in z = (x - mean) / sigma."""
    found, wanted = (net.capture(a, [row])[row] for a in (x, x0))
    axes = tuple(range(1, found.ndim))
    distance = ((found - wanted) ** 2).sum(axes) / (wanted**2).sum(axes)
    z = (x - net.mean_colour) / SIGMA
    down, across = np.zeros_like(z), np.zeros_like(z)
    down[:, :-1], across[:, :, :-1] = z[:, 1:] - z[:, :-1], z[:, :, 1:] - z[:, :, :-1]
    variation = (down**2 + across**2).sum((1, 2, 3))
    return distance, lambda_alpha * (np.abs(z) ** 6).sum((1, 2, 3)), lambda_tv * variation


def test_the_objective_is_the_papers_in_its_normalised_form():
    net, x, x0 = small_net(), pictures(), pictures(seed=9)
    names = [f"match({ROW})", "alpha_norm(6)", "total_variation(mahendran, 2)"]
    found = inversion_objective(net, x0, ROW, "mahendran", strength=3).scores(net, x)
    expected = terms_by_hand(net, x, x0, ROW, 3 * 2.157e8, 3 * 0.5)
    assert [name for name, _ in found] == names
    for (name, score), value in zip(found, expected, strict=True):
        assert np.allclose(-score, value, rtol=1e-3), name  # 2.157e8 has four digits


def test_the_authors_constants():
    assert pytest.approx(2.16e8, rel=2e-3) == PRESETS["mahendran"].lambda_alpha  # as the paper rounds it
    assert pytest.approx(68.9, abs=0.05) == CONTRAST


def test_the_prior_grows_with_what_a_row_sees():
    net = mv.Net(MINIVGG, initial_weights(MINIVGG, rng()))
    x = pictures(MINIVGG, n=1, dtype="float32")
    weights = {}
    for row in ("relu1_2", "relu3_2", "relu4_2", "fc8"):
        variation = inversion_objective(net, x, row, "mahendran").terms[-1]
        weights[net.receptive_field(row).size] = round(-variation.weight * SIGMA**2, 6)
    assert weights == {5: 0.5, 32: 0.5, 68: 5.0, 156: 50.0}


def test_the_authors_descent_against_a_replica(monkeypatch):
    """Momentum in z, dropped where the rate changes."""
    net, x0 = small_net(), pictures(seed=9)
    rates = ((2, 0.004), (4, 0.0004))
    monkeypatch.setitem(
        PRESETS, "short", PRESETS["mahendran"].__class__(**{**vars(PRESETS["mahendran"]), "rates": rates})
    )
    start = pictures()
    climb = invert(net, x0, ROW, "short", start=start, steps=4)
    objective = inversion_objective(net, x0, ROW, "short")
    x, change = start, 0
    for step, (picture, score) in enumerate(climb):
        recorded = mv.Tensor(x)
        y = objective(net, recorded)
        assert np.allclose(score, y.value)
        rate = 0.004 if step < 2 else 0.0004
        change = (0 if step == 2 else 0.9 * change) + rate * SIGMA**2 * mv.backward(y, recorded, np.ones(2))
        x = x + change
        assert np.allclose(picture, x, rtol=1e-9)


@pytest.mark.parametrize("row", ["conv1_1", "pool2", "relu3", "fc4", "logits", "input"])
def test_any_row_comes_nearer(row):
    net, x = small_net(), pictures()
    climb = invert(net, x, row, steps=12, rng=rng())
    errors = [relative_error(net, picture, x, row) for picture, _ in climb]
    assert climb.picture.min() >= 0 and climb.picture.max() <= 255
    assert (errors[-1] < 0.5 * errors[0]).all()


def test_each_picture_of_a_batch_is_inverted_alone():
    net, x = small_net(), pictures()
    start = pictures(seed=4)
    both = invert(net, x, ROW, start=start, steps=5)
    second = invert(net, x[1:], ROW, start=start[1:], steps=5)
    for (together, _), (alone, _) in zip(both, second, strict=True):
        assert np.allclose(together[1:], alone, rtol=1e-6)


def test_a_weaker_prior_comes_nearer_and_is_rougher():
    net, x = small_net(), pictures(n=1)
    start = np.full_like(x, 100) + rng().normal(size=x.shape)
    weak, strong = over_strengths(net, x, ROW, [0.0, 1e4], start=start, steps=25)
    assert weak.error < strong.error
    rough = [np.abs(np.diff(found.picture, axis=1)).mean() for found in (weak, strong)]
    assert rough[0] > rough[1]
    assert (weak.strength, strong.strength) == (0.0, 1e4)


def test_what_is_lost_at_each_row():
    net, x = small_net(), pictures(n=1)
    found = list(what_is_lost(net, x, ["relu1_1", "fc4"], steps=3, rng=rng()))
    assert [inverted.row for inverted in found] == ["relu1_1", "fc4"]
    again = finished(net, x, "relu1_1", steps=3, rng=rng())
    assert np.array_equal(found[0].picture, again.picture)
    assert np.allclose(found[0].error, relative_error(net, again.picture, x, "relu1_1"))
    assert next(what_is_lost(net, x, steps=1, rng=rng())).row == "conv1_1"


def test_rows_whose_weights_are_missing_are_left_out():
    weights = initial_weights(CHAIN, rng(), "float64")
    del weights["fc3"]
    rows = readable_rows(mv.Net(CHAIN, weights, dtype="float64"))
    assert rows == ["conv1_1", "relu1_1", "pool1", "conv2_1", "relu2_1", "pool2"]
    assert readable_rows(small_net(BRANCHES))[-1] == "fc"


def test_the_start_is_noise_as_strong_as_a_photograph():
    net, x = small_net(dtype="float32"), pictures(dtype="float32")
    start = invert(net, x, ROW, "mahendran", steps=0, rng=rng()).picture
    assert start.dtype == np.float32
    assert np.allclose((((start - net.mean_colour) ** 2).mean((1, 2, 3))) ** 0.5, CONTRAST, rtol=1e-4)
    assert not np.allclose(start[0], start[1])


def test_going_on_from_a_state():
    net, x = small_net(), pictures()
    whole = invert(net, x, ROW, steps=6, rng=rng())
    half = invert(net, x, ROW, steps=3, rng=rng())
    for climb in (whole, half):
        for _ in climb:
            pass
    rest = invert(net, x, ROW, steps=6, state=half.state())
    for _ in rest:
        pass
    assert np.array_equal(rest.picture, whole.picture)


@pytest.mark.parametrize("preset", PRESETS)
def test_on_another_device(device, preset):
    net = small_net(device="gpu", dtype="float32")
    x = mv.to_device(pictures(dtype="float32"), "gpu")
    found = finished(net, x, ROW, preset=preset, steps=2, rng=rng())
    assert isinstance(found.picture, device.ndarray) and isinstance(found.error, device.ndarray)


def test_what_is_refused():
    net, x = small_net(), pictures()
    with pytest.raises(UnknownName, match="no layer named 'relu9'"):
        invert(net, x, "relu9", rng=rng())
    with pytest.raises(UnknownName, match="no preset is called 'slow': there are mahendran, quick"):
        invert(net, x, ROW, "slow", rng=rng())
    with pytest.raises(InputError, match="pass rng="):
        invert(net, x, ROW)
    with pytest.raises(InputError, match="strength is a number from 0 on"):
        invert(net, x, ROW, strength=-1, rng=rng())
    with pytest.raises(InputError, match="add an axis for the batch"):
        invert(net, x[0], ROW, rng=rng())
    with pytest.raises(InputError, match="was it taken from a picture of another size"):
        relative_error(net, x[:, :8, :8], x, "relu1_1")
