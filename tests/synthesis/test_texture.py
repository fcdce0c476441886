"""Textures: losses by hand, that they fall and know no places, and the nets that are changed for them."""

import numpy as np
import pytest
from small import BRANCHES, CHAIN, CLASS_MAPS, pictures, small_net

import minivis as mv
from minivis.errors import InputError, UnknownName
from minivis.nets.layers import AvgPool, MaxPool
from minivis.synthesis.recipes.texture import (
    match_histogram,
    pooled,
    reconstructions,
    rescaled,
    shares,
    style_objective,
    style_rows,
    texture,
)

ROWS = ["relu1_1", "relu2_1"]


def rng():
    return np.random.default_rng(0)


def loss_by_hand(maps, wanted):
    """E_l as the paper has it, for maps and wanted maps (N, H, W, C) of one size."""
    n, places, channels = len(maps), maps.shape[1] * maps.shape[2], maps.shape[3]
    grams = []
    for y in (maps, wanted):
        f = y.reshape(n, places, channels)
        grams.append(np.einsum("npi,npj->nij", f, f))
    return ((grams[0] - grams[1]) ** 2).sum((1, 2)) / (4 * channels**2 * places**2)


def test_losses_are_the_papers_for_pictures_of_one_size():
    net, x, style = small_net(), pictures(), pictures(seed=9)
    found = style_objective(net, style, ROWS, [2.0, 0.5]).scores(net, x)
    assert [name for name, _ in found] == ["style relu1_1", "style relu2_1"]
    for (_, score), row, weight in zip(found, ROWS, [2.0, 0.5], strict=True):
        assert np.allclose(-score, weight * loss_by_hand(net.capture(x, [row])[row], net.capture(style, [row])[row]))


def test_a_style_of_another_size_with_the_same_texture_costs_nothing():
    net, x = small_net(), pictures(n=1)
    pixels = style_objective(net, np.tile(x, (1, 2, 3, 1)), ["input"])  # more places, the same statistics
    assert np.allclose(pixels(net, x), 0, atol=1e-12)
    assert pixels(net, x + 10) < -1e-3


def test_a_texture_knows_no_places():
    net, x = small_net(), pictures(n=1)
    objective = style_objective(net, x, ["input"])
    assert np.allclose(objective(net, x[:, ::-1, ::-1]), 0, atol=1e-12)


def test_relative_weights_make_a_picture_of_nothing_cost_one():
    net, style = small_net(), pictures(n=1)
    nothing = {row: np.zeros_like(net.capture(style, [row])[row]) for row in ROWS}
    objective = style_objective(net, style, ROWS, "relative")
    scores = [float(term.score(nothing, net)[0]) * term.weight for term in objective.terms]
    assert np.allclose(scores, [-0.5, -0.5])


def test_equal_weights():
    net, x, style = small_net(), pictures(), pictures(seed=9)
    equal = style_objective(net, style, ROWS, "equal")(net, x)
    assert np.allclose(equal, style_objective(net, style, ROWS, {"relu1_1": 0.5, "relu2_1": 0.5})(net, x))


def test_the_loss_falls_within_the_range_of_the_source():
    net, style = small_net(), 60 + 0.5 * pictures(n=1)
    climb = texture(net, style, ROWS, steps=20, rng=rng())
    scores = [score for _, score in climb]
    assert scores[-1] > 0.05 * scores[0]  # they are below 0
    assert climb.picture.min() >= style.min() and climb.picture.max() <= style.max()


def test_a_texture_of_another_size_in_a_batch():
    net = small_net()
    climb = texture(net, pictures(), ["relu2_1"], size=(20, 12), steps=2, rng=rng())
    for picture, score in climb:
        assert picture.shape == (2, 20, 12, 3)
        assert score.shape == (2,)


def test_shares_are_those_of_the_loss_at_the_last_step():
    net, style, start = small_net(), pictures(n=1, seed=9), pictures(n=1)
    climb = texture(net, style, ROWS, [2.0, 0.5], start=start.clip(style.min(), style.max()), pooling="max", steps=1)
    next(climb)
    x = start.clip(style.min(), style.max())
    losses = dict(style_objective(net, style, ROWS, [2.0, 0.5]).scores(net, x))
    total = sum(losses.values())
    assert {name: float(share[0]) for name, share in shares(climb).items()} == pytest.approx(
        {name: float((loss / total)[0]) for name, loss in losses.items()}
    )


def test_reconstructions_take_one_row_more_each_time():
    net, style = small_net(), pictures(n=1)
    found = list(reconstructions(net, style, ROWS, steps=2, rng=rng()))
    assert [made.rows for made in found] == [("relu1_1",), ("relu1_1", "relu2_1")]
    assert not np.array_equal(found[0].picture, found[1].picture)


def test_the_usual_rows():
    assert style_rows(small_net()) == ["relu1_1", "relu2_1"]
    assert style_rows(small_net(BRANCHES)) == ["relu1", "relu_left"]
    assert style_rows(small_net(CLASS_MAPS)) == ["relu1", "relu2"]


@pytest.mark.parametrize("architecture", [CHAIN, BRANCHES], ids=lambda a: a.name)
def test_average_pooling_changes_the_max_pools_and_nothing_else(architecture):
    net = small_net(architecture)
    averaged = pooled(net, "average")
    assert pooled(net, "max") is net
    for name, row in averaged.architecture.rows.items():
        before = net.architecture.rows[name]
        assert row.inputs == before.inputs
        if type(before.layer) is MaxPool:
            assert type(row.layer) is AvgPool and vars(row.layer) == vars(before.layer)
        else:
            assert row.layer == before.layer
    x = pictures(architecture, n=1)
    first = {"chain": "relu1_1", "branches": "norm1"}[architecture.name]
    maps = net.capture(x, [first])[first]
    assert np.array_equal(averaged.capture(x, [first])[first], maps)
    assert (averaged.capture(x, ["pool1"])["pool1"] <= net.capture(x, ["pool1"])["pool1"]).all()
    assert averaged(x).shape == net(x).shape


def test_the_max_pools_of_the_mean():
    net, x = small_net(), pictures(n=1)
    maps = net.capture(x, ["relu1_1"])["relu1_1"]
    mean = (maps[:, ::2, ::2] + maps[:, 1::2, ::2] + maps[:, ::2, 1::2] + maps[:, 1::2, 1::2]) / 4
    assert np.allclose(pooled(net, "average").capture(x, ["pool1"])["pool1"], mean)


def test_rescaling_makes_every_mean_activation_one():
    net, x = small_net(), pictures(n=2)
    before = net.capture(x, ROWS)
    after = rescaled(net, x, "relu2_1").capture(x, ROWS)
    for row in ROWS:
        means = before[row].mean((0, 1, 2))
        assert np.allclose(after[row], before[row] / np.where(means == 0, 1, means))
        assert np.allclose(after[row].mean((0, 1, 2))[means > 0], 1)


def test_rescaling_needs_a_chain():
    with pytest.raises(InputError, match="only a chain of rows can be rescaled"):
        rescaled(small_net(BRANCHES), pictures(BRANCHES), "join")
    with pytest.raises(InputError, match="conv2_1 has none"):
        rescaled(small_net(), pictures(), "conv2_1")


def test_matching_a_histogram():
    x, source = pictures(n=1), pictures(n=1, seed=7) ** 2 / 255
    matched = match_histogram(x, source)
    for c in range(3):
        assert np.allclose(np.sort(matched[..., c].ravel()), np.sort(source[..., c].ravel()))
        assert np.array_equal(np.argsort(matched[..., c].ravel()), np.argsort(x[..., c].ravel()))


def test_on_another_device(device):
    net = small_net(device="gpu", dtype="float32")
    style = mv.to_device(pictures(dtype="float32"), "gpu")
    climb = texture(net, style, size=20, steps=2, rng=rng())
    for picture, _ in climb:
        assert isinstance(picture, device.ndarray)
        assert picture.dtype == np.float32
    assert isinstance(match_histogram(picture, style), device.ndarray)
    assert set(shares(climb)) == {"style relu1_1", "style relu2_1"}
    rescaled(net, style, "relu2_1").capture(style, ["relu2_1"])


def test_what_is_refused():
    net, style = small_net(), pictures()
    with pytest.raises(UnknownName, match="no layer named 'relu9'"):
        texture(net, style, ["relu9"], rng=rng())
    with pytest.raises(InputError, match="fc3 is no row of maps, it has no texture"):
        texture(net, style, ["fc3"], rng=rng())
    with pytest.raises(InputError, match="name at least one"):
        texture(net, style, [], rng=rng())
    with pytest.raises(InputError, match="1 weights for 2 rows"):
        texture(net, style, ROWS, [1.0], rng=rng())
    with pytest.raises(InputError, match="weights for relu1_1, but the rows are"):
        texture(net, style, ROWS, {"relu1_1": 1.0}, rng=rng())
    with pytest.raises(InputError, match="weights must be 'relative', 'equal'"):
        texture(net, style, ROWS, "same", rng=rng())
    with pytest.raises(InputError, match="pooling must be 'max' or 'average'"):
        texture(net, style, ROWS, pooling="mean", rng=rng())
    with pytest.raises(InputError, match="pass rng="):
        texture(net, style, ROWS)
