"""Style transfer: its terms, its colours, masks, blends and controls."""

import numpy as np
import pytest
from small import BRANCHES, pictures, small_net

import minivis as mv
from minivis.errors import InputError, UnknownName
from minivis.nets.vgg16 import VGG16
from minivis.synthesis.recipes.style import (
    PRESETS,
    content_row,
    luminance,
    match_colours,
    recolour,
    stylize,
    transfer_objective,
    with_random_weights,
)
from minivis.synthesis.recipes.texture import shares, style_objective

CONTENT = pictures()
STYLE = pictures(n=1, seed=9)
ROWS = {"content_rows": ["relu2_1"], "style_rows": ["relu1_1", "relu2_1"]}


def rng():
    return np.random.default_rng(0)


def terms(net, x, *args, **options):
    return dict(transfer_objective(net, *args, **options).scores(net, x))


def test_the_terms_of_the_paper():
    net, x = small_net(), pictures(seed=4)
    found = terms(net, x, CONTENT, STYLE, "gatys", content_weight=3.0, style_weight=5.0, **ROWS)
    assert list(found) == ["content relu2_1", "style relu1_1", "style relu2_1"]
    codes = [net.capture(a, ["relu2_1"])["relu2_1"] for a in (x, CONTENT)]
    assert np.allclose(-found["content relu2_1"], 3 * 0.5 * ((codes[0] - codes[1]) ** 2).sum((1, 2, 3)))
    style = style_objective(net, STYLE, ROWS["style_rows"], "equal").scores(net, x)
    for name, score in style:
        assert np.allclose(found[name], 5 * score)


def test_relative_terms_do_not_depend_on_the_scale_of_a_row():
    net, x = small_net(), pictures(seed=4)
    weights = {row: {k: np.array(a) for k, a in net.weights[row].items()} for row in net.architecture.parameters}
    weights["conv2_1"] = {name: 7 * array for name, array in weights["conv2_1"].items()}
    louder = mv.Net(net.architecture, weights, dtype="float64")
    one, other = (terms(n, x, CONTENT, STYLE, "relative", **ROWS) for n in (net, louder))
    for name, score in one.items():
        assert np.allclose(score, other[name]), name
    plain = [terms(n, x, CONTENT, STYLE, "gatys", **ROWS)["style relu2_1"] for n in (net, louder)]
    assert np.allclose(plain[1], 7**4 * plain[0])


def test_shares_cover_content_and_every_row_of_the_style():
    net = small_net()
    climb = stylize(net, CONTENT, STYLE, start="noise", steps=2, rng=rng(), **ROWS)
    for _ in climb:
        pass
    found = shares(climb)
    assert list(found) == ["content relu2_1", "style relu1_1", "style relu2_1"]
    assert np.allclose(sum(found.values()), 1)


@pytest.mark.parametrize("preset", PRESETS)
def test_the_loss_falls_within_the_valid_range(preset):
    net = small_net()
    climb = stylize(net, CONTENT, STYLE, preset, steps=12, rng=rng(), **ROWS)
    scores = [score for _, score in climb]
    assert (scores[-1] > 0.5 * scores[0]).all()  # they are below 0
    assert climb.picture.min() >= 0 and climb.picture.max() <= 255


def test_where_it_starts():
    net = small_net()
    first = {
        start: stylize(net, CONTENT, STYLE, start=start, steps=0, rng=rng(), **ROWS).picture
        for start in ("content", "noise")
    }
    assert np.array_equal(first["content"], CONTENT)
    assert np.allclose((((first["noise"] - net.mean_colour) ** 2).mean((1, 2, 3))) ** 0.5, 10)
    assert np.array_equal(stylize(net, CONTENT, STYLE, start=0 * CONTENT, steps=0, **ROWS).picture, 0 * CONTENT)


def test_several_styles_are_blended():
    net, x, second = small_net(), pictures(seed=4), pictures(n=1, seed=11)
    found = terms(net, x, CONTENT, [STYLE, second], blend=[0.25, 2.0], **ROWS)
    assert list(found)[1:] == ["style 1 relu1_1", "style 1 relu2_1", "style 2 relu1_1", "style 2 relu2_1"]
    for label, picture, part in (("style 1", STYLE, 0.25), ("style 2", second, 2.0)):
        alone = terms(net, x, CONTENT, picture, **ROWS)
        for row in ROWS["style_rows"]:
            assert np.allclose(found[f"{label} {row}"], part * alone[f"style {row}"])
    equal = terms(net, x, CONTENT, [STYLE, second], **ROWS)
    assert np.allclose(equal["style 1 relu1_1"], 0.5 * terms(net, x, CONTENT, STYLE, **ROWS)["style relu1_1"])


def test_a_mask_of_ones_is_no_mask():
    net, x = small_net(), pictures(seed=4)
    masked = terms(net, x, CONTENT, STYLE, masks=[np.ones((16, 16))], **ROWS)
    for name, score in terms(net, x, CONTENT, STYLE, **ROWS).items():
        assert np.allclose(masked[name], score), name


def test_a_style_changes_only_what_its_mask_covers():
    net = small_net()
    mask = np.zeros((16, 16))
    mask[:, :8] = 1
    options = {"content_weight": 0.0, "style_rows": ["relu1_1"], "masks": [mask], "steps": 3}
    climb = stylize(net, CONTENT, STYLE, **options)
    for _ in climb:
        pass
    changed = abs(climb.picture - CONTENT).max((0, 1, 3))  # by column; relu1_1 sees one pixel beyond the mask
    assert changed[:9].max() > 1
    assert changed[9:].max() == 0


def test_a_masked_part_is_compared_by_its_own_statistics():
    net = small_net()
    mask = np.zeros((16, 16))
    mask[:, 4:12] = 1
    x = CONTENT.copy()
    x[:, :, 4:12] = STYLE[:, :, 4:12]
    found = terms(net, x, CONTENT, STYLE[:, :, 4:12], style_rows=["input"], content_weight=0.0, masks=[mask])
    assert np.allclose(found["style input"], 0, atol=1e-12)


def test_each_place_counts_as_much_as_the_mask_says():
    net, x, mask = small_net(), pictures(seed=4), rng().uniform(0, 1, (16, 16))
    score = terms(net, x, CONTENT, STYLE, weights=[1.0], style_rows=["relu1_1"], content_weight=0.0, masks=[mask])
    maps, wanted = (net.capture(a, ["relu1_1"])["relu1_1"] for a in (x, STYLE))
    found = np.einsum("nhwi,nhwj,hw->nij", maps, maps, mask) / mask.sum()
    apart = found - np.einsum("nhwi,nhwj->nij", wanted, wanted) / 256
    weight = PRESETS["relative"].style_weight / (4 * 6**2)
    assert np.allclose(-score["style relu1_1"], weight * (apart**2).sum((1, 2)))


def test_a_masked_objective_has_its_derivative():
    net, x = small_net(), pictures(seed=4)
    objective = transfer_objective(net, CONTENT, STYLE, masks=[rng().uniform(0, 1, (16, 16))], **ROWS)
    mv.check_backward(lambda x: objective(net, x), x, step=1e-5, tolerance=1e-5)


def test_colours_are_matched_in_mean_and_covariance():
    picture, wanted = (
        128 + 0.3 * (pictures(n=1) - 128),
        100 + 0.2 * (pictures(n=2, seed=5) - 128) @ np.triu(np.ones((3, 3))),
    )
    matched = match_colours(picture, wanted)
    assert matched.shape == (2, 16, 16, 3)
    assert matched.min() > 0 and matched.max() < 255  # nothing was clipped
    for found, target in zip(matched, wanted, strict=True):
        assert np.allclose(found.mean((0, 1)), target.mean((0, 1)))
        assert np.allclose(np.cov(found.reshape(-1, 3).T), np.cov(target.reshape(-1, 3).T))
    assert np.allclose(match_colours(wanted[:1], wanted[:1]), wanted[:1])
    assert np.isfinite(match_colours(luminance(picture), wanted)).all()  # a grey picture has no colours to stretch


def test_keeping_the_colours_of_the_content():
    net, x = small_net(), pictures(seed=4)
    kept = terms(net, x, CONTENT, STYLE, colours="content", **ROWS)
    by_hand = terms(net, x, CONTENT, match_colours(STYLE, CONTENT), **ROWS)
    for name, score in by_hand.items():
        assert np.allclose(kept[name], score)
    assert not np.allclose(kept["style relu1_1"], terms(net, x, CONTENT, STYLE, **ROWS)["style relu1_1"])


def test_luminance_and_recolouring():
    grey = luminance(CONTENT)
    assert np.allclose(grey[..., 0], CONTENT @ np.array([0.299, 0.587, 0.114]))
    assert np.array_equal(grey[..., 0], grey[..., 2])
    assert np.allclose(recolour(grey, CONTENT), CONTENT)
    pale = 100 + 0.2 * (CONTENT - 128)
    painted = recolour(luminance(pale) + 20, pale)
    assert np.allclose(painted, pale + 20)


def test_a_control_that_compares_pixels():
    net, x = small_net(), pictures(seed=4)
    found = terms(net, x, CONTENT, STYLE, "gatys", content_rows=["input"], content_weight=1.0, style_weight=0.0)
    assert np.allclose(-found["content input"], 0.5 * ((x - CONTENT) ** 2).sum((1, 2, 3)))


def test_a_control_with_random_weights():
    net, x = small_net(), pictures()
    control = with_random_weights(net, ["relu2_1"], rng())
    row = {"relu2_1": control.capture(x, ["relu2_1"])["relu2_1"]}
    assert row["relu2_1"].shape == (2, 8, 8, 8)
    assert not np.allclose(row["relu2_1"], net.capture(x, ["relu2_1"])["relu2_1"])
    again = with_random_weights(net, ["relu2_1"], rng())
    assert np.array_equal(row["relu2_1"], again.capture(x, ["relu2_1"])["relu2_1"])
    with pytest.raises(mv.WeightFileError, match="no weights for row fc3"):  # not made, as nobody asked for it
        control.capture(x, ["fc3"])
    branched = with_random_weights(small_net(BRANCHES), ["join"], rng())
    assert branched.capture(pictures(BRANCHES), ["join"])["join"].shape[-1] == 14


def test_the_usual_row_of_content():
    assert content_row(small_net()) == "relu2_1"
    names = [row for row in VGG16.parameters if row.startswith("conv")]
    zeros = {row: {name: np.zeros((1,)) for name in VGG16.parameters[row]} for row in names}
    assert content_row(mv.Net(VGG16, zeros)) == "relu4_2"
    assert content_row(mv.Net(VGG16, {row: zeros[row] for row in names[:7]})) == "relu3_2"


def test_going_on_from_a_state():
    net = small_net()
    whole, half = (stylize(net, CONTENT, STYLE, steps=steps, **ROWS) for steps in (6, 3))
    for climb in (whole, half):
        for _ in climb:
            pass
    rest = stylize(net, CONTENT, STYLE, steps=6, state=half.state(), **ROWS)
    for _ in rest:
        pass
    assert np.array_equal(rest.picture, whole.picture)


def test_on_another_device(device):
    net = small_net(device="gpu", dtype="float32")
    content, style = (mv.to_device(a.astype("float32"), "gpu") for a in (CONTENT, STYLE))
    mask = mv.to_device(np.ones((16, 16), "float32"), "gpu")
    climb = stylize(net, content, [style], masks=[mask], colours="content", steps=2, **ROWS)
    for picture, _ in climb:
        assert isinstance(picture, device.ndarray)
        assert picture.dtype == np.float32
    assert isinstance(recolour(luminance(picture), content), device.ndarray)


def test_what_is_refused():
    net = small_net()
    with pytest.raises(UnknownName, match="no preset is called 'best'"):
        stylize(net, CONTENT, STYLE, "best")
    with pytest.raises(UnknownName, match="no layer named 'conv9'"):
        stylize(net, CONTENT, STYLE, content_rows=["conv9"])
    with pytest.raises(InputError, match="weights for conv1_1, but the rows are relu1_1"):
        stylize(net, CONTENT, STYLE, weights={"conv1_1": 1.0}, style_rows=["relu1_1"])
    with pytest.raises(InputError, match="blend has 1 entries for 2 styles"):
        stylize(net, CONTENT, [STYLE, STYLE], blend=[1.0])
    with pytest.raises(InputError, match="masks has 1 entries for 2 styles"):
        stylize(net, CONTENT, [STYLE, STYLE], masks=[np.ones((16, 16))])
    with pytest.raises(InputError, match="a mask leaves nothing of relu1_1"):
        next(stylize(net, CONTENT, STYLE, masks=[np.zeros((16, 16))], **ROWS))
    with pytest.raises(InputError, match=r"a mask is \(H, W\)"):
        stylize(net, CONTENT, STYLE, masks=[np.ones((16, 16, 1))], **ROWS)
    with pytest.raises(InputError, match="colours must be"):
        stylize(net, CONTENT, STYLE, colours="grey")
    with pytest.raises(InputError, match="start must be"):
        stylize(net, CONTENT, STYLE, start="zero")
    with pytest.raises(InputError, match="there is no row to match"):
        stylize(net, CONTENT, STYLE, content_weight=0.0, style_weight=0.0)
