"""Objectives: their algebra, their derivatives, their closed forms, and what they refuse."""

import numpy as np
import pytest
from small import ALL, BRANCHES, CLASS_MAPS, pictures, small_net

import minivis as mv
from minivis import objectives as o
from minivis.errors import InputError, UnknownName
from minivis.rules import VANILLA
from minivis.synthesis.evaluation import evaluate
from minivis.synthesis.parametrisations import Pixels


def gradient(net, objective, x):
    recorded = mv.Tensor(x)
    score = objective(net, recorded)
    return mv.backward(score, recorded, np.ones(len(x), x.dtype))


def others(row, net=None, seed=8):
    """The row's values for other pictures."""
    return (net or small_net()).capture(pictures(seed=seed), [row])[row]


CODE = others("relu2_1")
GRAMS = {
    variant: o.gram_of(others("relu1_1"), variant) for variant in ("gatys", "gatys-code", "neural-style", "cs231n")
}
VECTOR = np.random.default_rng(5).standard_normal(8)

OBJECTIVES = {
    "class": o.unit("fc4", 2),
    "class by name": o.unit("logits", "dog"),
    "one class per picture": o.unit("fc4", [1, 4]),
    "strongest": o.unit("conv2_1", 3),
    "centre": o.unit("conv2_1", 3, "centre"),
    "place": o.unit("conv1_1", 3, (2, 7)),
    "channel": o.channel("relu2_1", 5),
    "one channel per picture": o.channel("relu2_1", [5, 0]),
    "channel of scores": o.channel("fc3", 2),
    "energy": 1e-2 * o.energy("relu2_1"),
    "energy of scores": 1e-2 * o.energy("fc4"),
    "mean": o.mean("relu2_1"),
    "direction of channels": o.direction("relu2_1", VECTOR),
    "direction": o.direction("relu2_1", CODE),
    "match": 1e-3 * o.match("relu2_1", CODE),
    "match one": 1e-3 * o.match("relu2_1", CODE[0]),
    "match half": 1e-3 * o.match("relu2_1", CODE, "half"),
    "match relative": o.match("relu2_1", CODE, "relative"),
    "match mean": o.match("relu2_1", CODE, "mean"),
    **{f"gram {variant}": o.match_gram("relu1_1", gram, variant) for variant, gram in GRAMS.items()},
    "log probability": o.log_probability("bee"),
    "probability": o.probability(1),
    "l2": 1e-4 * o.l2(),
    "alpha norm": 1e-12 * o.alpha_norm(),
    "alpha norm, odd": 1e-6 * o.alpha_norm(3),
    "total variation": 1e-4 * o.total_variation(),
    "total variation, beta 1": 1e-2 * o.total_variation(1),
    "total variation, keras-vis": 1e-2 * o.total_variation(1.5, "keras-vis"),
    "total variation, l1": 1e-2 * o.total_variation(variant="l1"),
    "total variation, squared": 1e-4 * o.total_variation(variant="squared"),
    "total variation, neural-style": 1e-4 * o.total_variation(variant="neural-style"),
    "a sum": o.unit("fc4", 0) / 3 - 1e-4 * o.l2() + 0.1 * o.energy("relu3"),
}

# What is given here for each picture of the batch.
ONE_PER_PICTURE = {name for name in OBJECTIVES if name.startswith(("match", "gram", "one ", "direction"))} - {
    "match one",
    "direction of channels",
}


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_gradient_is_the_derivative(name):
    net, x = small_net(), pictures()
    # Steps of 1e-5 on pixels of up to 255: as fine as 1e-6 on numbers around 1.
    mv.check_backward(lambda x: OBJECTIVES[name](net, x), x, step=1e-5, tolerance=1e-5)


@pytest.mark.parametrize("name", [name for name in OBJECTIVES if name not in ONE_PER_PICTURE])
def test_each_picture_is_scored_alone_and_in_its_dtype(name):
    net = small_net(dtype="float32")
    x = pictures(dtype="float32")
    scores = OBJECTIVES[name](net, x)
    assert scores.shape == (2,)
    assert scores.dtype == np.float32
    assert np.allclose(scores[1:], OBJECTIVES[name](net, x[1:]), rtol=1e-4, atol=1e-5)


# --- the algebra -----------------------------------------------------------------------------------------------------


def test_objectives_add_subtract_and_scale():
    net, x = small_net(), pictures()
    a, b = o.unit("fc4", 1), o.l2()
    va, vb = a(net, x), b(net, x)
    assert np.allclose((a + b)(net, x), va + vb)
    assert np.allclose((a - b)(net, x), va - vb)
    assert np.allclose((-a)(net, x), -va)
    assert np.allclose((a * 2 - 3 * b / 4)(net, x), 2 * va - 0.75 * vb)
    assert np.allclose((2 * (a - b))(net, x), 2 * (va - vb))
    assert np.allclose(sum([a, b, a])(net, x), 2 * va + vb)
    assert np.allclose((np.float64(2) * a)(net, x), 2 * va)


def test_an_objective_says_what_it_is_and_reads():
    objective = o.unit("fc8", 130) - 1e-4 * o.l2() - o.total_variation() + o.match("conv1", np.ones(3))
    assert repr(objective) == "unit(fc8, 130) - 0.0001 * l2() - total_variation(mahendran) + match(conv1)"
    assert repr(-o.l2()) == "- l2()"
    assert objective.rows == ("fc8", "input", "conv1")


def test_terms_are_reported_by_name_and_weighted():
    net, x = small_net(), pictures()
    terms = (2 * o.unit("fc4", 1) - 0.5 * o.l2()).scores(net, x)
    assert [name for name, _ in terms] == ["unit(fc4, 1)", "l2()"]
    assert np.allclose(terms[0][1], 2 * net.capture(x, ["fc4"])["fc4"][:, 1])
    assert np.allclose(terms[1][1], -0.5 * ((x - net.mean_colour) ** 2).sum((1, 2, 3)))


def test_only_the_rows_that_are_read_are_computed(monkeypatch):
    net, x = small_net(), pictures()
    asked = []
    capture = net.capture
    monkeypatch.setattr(net, "capture", lambda x, names: asked.append(names) or capture(x, names))
    (o.unit("relu1_1", 0) + o.mean("relu1_1") + o.l2())(net, x)
    assert asked == [["relu1_1"]]
    o.l2()(net, x)
    assert asked == [["relu1_1"]]  # the picture alone needs no network


@pytest.mark.parametrize("a", ALL, ids=lambda a: a.name)
def test_logits_is_the_row_before_the_softmax(a):
    net, x = small_net(a), pictures(a)
    assert np.array_equal(o.unit("logits", 1)(net, x), net.capture(x, [net.logits])[net.logits][:, 1])


def test_an_objective_of_ones_own():
    net, x = small_net(), pictures()
    spread = o.Objective.of("spread(fc4)", ["fc4"], lambda rows, net: rows["fc4"][:, 0] - rows["fc4"][:, 1])
    scores = net.capture(x, ["fc4"])["fc4"]
    assert np.allclose((2 * spread)(net, x), 2 * (scores[:, 0] - scores[:, 1]))
    with pytest.raises(InputError, match=r"total\(fc4\) must give one score per picture, shape \(2,\), it gave \(\)"):
        o.Objective.of("total(fc4)", ["fc4"], lambda rows, net: rows["fc4"].sum())(net, x)


@pytest.mark.parametrize("factor", [o.l2(), "2", None, True, float("nan"), float("inf")])
def test_only_finite_numbers_multiply(factor):
    with pytest.raises(InputError, match="finite numbers only"):
        o.l2() * factor
    with pytest.raises(InputError, match="finite numbers only"):
        o.l2() / factor


def test_division_by_zero_and_sums_with_numbers():
    with pytest.raises(InputError, match="divided by 0"):
        o.l2() / 0
    for wrong in (lambda: o.l2() + 1, lambda: o.l2() - 1, lambda: 1 - o.l2()):
        with pytest.raises(TypeError):
            wrong()


# --- values ----------------------------------------------------------------------------------------------------------


def test_a_unit_of_maps_is_one_place():
    net, x = small_net(), pictures()
    maps = net.capture(x, ["conv2_1"])["conv2_1"]
    assert np.allclose(o.unit("conv2_1", 3)(net, x), maps[..., 3].max((1, 2)))
    assert np.allclose(o.unit("conv2_1", 3, "centre")(net, x), maps[:, 4, 4, 3])
    assert np.allclose(o.unit("conv2_1", 3, (0, 7))(net, x), maps[:, 0, 7, 3])
    assert np.allclose(o.channel("conv2_1", 3)(net, x), maps[..., 3].mean((1, 2)))
    assert np.allclose(o.unit("conv2_1", [3, 1])(net, x), [maps[0, ..., 3].max(), maps[1, ..., 1].max()])


def test_names_of_classes_apply_to_class_maps_too():
    net, x = small_net(CLASS_MAPS), pictures(CLASS_MAPS)
    maps = net.capture(x, ["relu2"])["relu2"]
    assert np.allclose(o.channel("relu2", "dog")(net, x), maps[..., 4].mean((1, 2)))


def test_a_direction_that_is_a_channel():
    net, x = small_net(), pictures()
    assert np.allclose(o.direction("relu2_1", np.eye(8)[5])(net, x), o.channel("relu2_1", 5)(net, x))
    one = np.zeros((8, 8, 8))
    one[2, 3, 5] = 1
    assert np.allclose(o.direction("relu2_1", one)(net, x), o.unit("relu2_1", 5, (2, 3))(net, x))


def test_the_gradient_of_the_energy_is_the_activation():
    net, x = small_net(), pictures()
    recorded = mv.Tensor(x)
    y = net.capture(recorded, ["relu2_1"])["relu2_1"]
    expected = mv.backward(y, recorded, y.value)
    assert np.allclose(gradient(net, o.energy("relu2_1"), x), expected, rtol=1e-12, atol=1e-12)


def test_probabilities():
    net, x = small_net(), pictures()
    expected = net(x)[:, 1]
    assert np.allclose(o.probability("bee")(net, x), expected)
    assert np.allclose(o.log_probability("bee")(net, x), np.log(expected))


def test_a_log_probability_has_a_gradient_where_the_probability_has_none():
    net = small_net(dtype="float32")
    x = pictures(dtype="float32")
    far = x + 1e6 * gradient(net, o.unit("fc4", 0), x)  # class 0 is certain, the others are impossible
    assert not gradient(net, o.probability(1), far).any()
    assert abs(gradient(net, o.log_probability(1), far)).max() > 1e-3


def test_variants_of_match():
    net, x = small_net(), pictures()
    square = ((net.capture(x, ["relu2_1"])["relu2_1"] - CODE) ** 2).sum((1, 2, 3))
    assert np.allclose(o.match("relu2_1", CODE)(net, x), -square)
    assert np.allclose(o.match("relu2_1", CODE, "half")(net, x), -square / 2)
    assert np.allclose(o.match("relu2_1", CODE, "mean")(net, x), -square / CODE[0].size)
    assert np.allclose(o.match("relu2_1", CODE, "relative")(net, x), -square / (CODE**2).sum((1, 2, 3)))
    assert np.allclose(o.match("relu2_1", CODE[1:])(net, x), o.match("relu2_1", CODE[1])(net, x))


# --- closed forms ----------------------------------------------------------------------------------------------------


def test_gatys_style_loss_and_its_gradient():
    """dE/dF = F (G - G0) / (N² M²), as the paper writes it, for a row without a ReLU."""
    net, x = small_net(), pictures()
    recorded = mv.Tensor(x)
    maps = net.capture(recorded, ["conv1_1"])["conv1_1"]
    features = maps.value.reshape(2, 256, 6)  # M = 256 places, N = 6 channels
    wanted = np.random.default_rng(1).standard_normal((2, 6, 6))
    wanted = wanted + wanted.swapaxes(1, 2)
    apart = np.einsum("npi,npj->nij", features, features) - wanted
    loss = o.match_gram("conv1_1", wanted)
    assert np.allclose(loss(net, x), -(apart**2).sum((1, 2)) / (4 * 6**2 * 256**2))
    to_maps = -(features @ apart) / (6**2 * 256**2)
    expected = mv.backward(maps, recorded, to_maps.reshape(maps.shape))
    assert np.allclose(gradient(net, loss, x), expected, rtol=1e-9, atol=1e-12)


def test_style_losses_weigh_rows_differently():
    net, x = small_net(), pictures()
    values = {variant: o.match_gram("relu1_1", GRAMS[variant], variant)(net, x) for variant in GRAMS}
    assert np.allclose(values["gatys-code"], values["gatys"])  # the pictures are of one size
    assert np.allclose(values["neural-style"], 4 / 6**2 * values["gatys"])
    assert np.allclose(values["cs231n"], 4 * values["gatys"])


def test_only_the_averaged_gram_matrix_allows_another_size():
    net = small_net()
    tile = pictures(n=1)[:, :8, :8]
    tiled = np.tile(tile, (1, 2, 2, 1))  # the same texture, four times the places
    inner = net.capture(tiled, ["normalize"])["normalize"]
    gram = {v: o.gram_of(inner, v) for v in ("gatys", "gatys-code")}
    assert o.match_gram("normalize", gram["gatys-code"], "gatys-code")(net, tile) == pytest.approx(0, abs=1e-12)
    assert o.match_gram("normalize", gram["gatys"], "gatys")(net, tile) < -0.1


def test_alpha_norm_closed_form():
    net, x = small_net(), pictures()
    apart = x - net.mean_colour
    assert np.allclose(o.alpha_norm()(net, x), (apart**6).sum((1, 2, 3)))
    assert np.allclose(gradient(net, o.alpha_norm(), x), 6 * apart**5)
    assert np.allclose(o.alpha_norm(3)(net, x), (abs(apart) ** 3).sum((1, 2, 3)))
    assert np.allclose(gradient(net, o.alpha_norm(3), x), 3 * apart * abs(apart))
    assert np.allclose(o.alpha_norm(2)(net, x), o.l2()(net, x))


def test_penalties_are_about_the_mean_colour():
    net = small_net()
    mean = np.broadcast_to(net.mean_colour, (1, 16, 16, 3)).copy()
    assert np.allclose(net.mean_colour, (123, 117, 104))  # the network is told B, G, R
    for penalty in (o.l2(), o.alpha_norm(), o.total_variation(), o.total_variation(1)):
        assert penalty(net, mean) == 0
        assert not gradient(net, penalty, mean).any()


def naive_variation(x, beta, replicate):
    height, width, colours = x.shape
    total = 0.0
    for i in range(height if replicate else height - 1):
        for j in range(width if replicate else width - 1):
            for c in range(colours):
                down = x[min(i + 1, height - 1), j, c] - x[i, j, c]
                across = x[i, min(j + 1, width - 1), c] - x[i, j, c]
                total += (down**2 + across**2) ** (beta / 2)
    return total


@pytest.mark.parametrize("beta", [1, 1.5, 2, 3])
def test_isotropic_total_variations(beta):
    net, x = small_net(), pictures()
    expected = [naive_variation(picture, beta, replicate=True) for picture in x]
    assert np.allclose(o.total_variation(beta)(net, x), expected, rtol=1e-6)  # less 1e-5 per place, if beta < 2
    expected = [naive_variation(picture, beta, replicate=False) / (16 * 16 * 3) for picture in x]
    assert np.allclose(o.total_variation(beta, "keras-vis")(net, x), expected, rtol=1e-6)


def test_anisotropic_total_variations():
    net, x = small_net(), pictures()
    down, across = np.diff(x, axis=1), np.diff(x, axis=2)

    def value(variant):
        return o.total_variation(variant=variant)(net, x)

    def sums(a):
        return a.sum((1, 2, 3))

    assert np.allclose(value("l1"), sums(abs(down)) + sums(abs(across)))
    assert np.allclose(value("squared"), sums(down**2) + sums(across**2))
    assert np.allclose(value("neural-style"), 0.5 * sums(down[:, :, :-1] ** 2 + across[:, :-1] ** 2))
    assert np.allclose(value("squared"), value("mahendran"))  # at beta 2


def test_gradients_of_total_variations():
    """Of (d² + a²): twice the differences to all four neighbours; of |d| + |a|: the signs of them."""
    net, x = small_net(), pictures()
    inner = x[:, 1:-1, 1:-1]
    neighbours = [x[:, :-2, 1:-1], x[:, 2:, 1:-1], x[:, 1:-1, :-2], x[:, 1:-1, 2:]]
    squared = gradient(net, o.total_variation(), x)[:, 1:-1, 1:-1]
    assert np.allclose(squared, 2 * sum(inner - n for n in neighbours))
    absolute = gradient(net, o.total_variation(variant="l1"), x)[:, 1:-1, 1:-1]
    assert np.allclose(absolute, sum(np.sign(inner - n) for n in neighbours))


def test_flat_places_have_no_infinite_slope():
    net = small_net()
    x = pictures().copy()
    x[:, :8] = 100.0
    g = gradient(net, o.total_variation(1), x)
    assert np.isfinite(g).all()
    assert not g[:, :7].any()
    assert g[:, 8:-1].all()


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("objective", "error", "message"),
    [
        (o.unit("conv9", 0), UnknownName, "no layer named 'conv9' in chain; did you mean"),
        (o.unit("fc4", 5), InputError, "5"),
        (o.unit("fc4", "ox"), UnknownName, "ox"),
        (o.unit("fc4", "crane"), InputError, "2 .*3"),
        (o.unit("fc4", [1, 2, 3]), InputError, "3 targets for 2 pictures"),
        (o.unit("conv1_1", 6), InputError, "from 0 to 5"),
        (o.unit("conv1_1", "ant"), InputError, "without names"),
        (o.unit("conv1_1", 0, (16, 0)), InputError, r"places \(0, 0\) to \(15, 15\), asked for \(16, 0\)"),
        (o.unit("conv1_1", 0, "middle"), InputError, "None, 'centre' or"),
        (o.unit("fc4", 0, "centre"), InputError, "fc4 is no row of maps"),
        (o.match("relu2_1", CODE[:, 1:]), InputError, r"match\(relu2_1\) was given shape \(2, 7, 8, 8\).*another size"),
        (o.match("relu2_1", 0 * CODE, "relative"), InputError, "the code is zero"),
        (o.match_gram("fc3", np.ones((10, 10))), InputError, "needs maps"),
        (o.match_gram("relu1_1", np.ones((5, 5))), InputError, "given shape"),
        (o.direction("relu2_1", np.ones(5)), InputError, "given shape"),
    ],
)
def test_what_does_not_fit_is_refused(objective, error, message):
    with pytest.raises(error, match=message):
        objective(small_net(), pictures())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: o.match("a", CODE, "l2"), "variant must be"),
        (lambda: o.match_gram("a", CODE, "ulyanov"), "no style loss is called 'ulyanov': there are gatys"),
        (lambda: o.total_variation(2, "bregman"), "no total variation is called 'bregman': there are mahendran"),
        (lambda: o.total_variation(2, "l1"), "'l1' has no beta"),
        (lambda: o.total_variation(0), "above 0"),
        (lambda: o.alpha_norm(1), "above 1"),
    ],
)
def test_unknown_variants_are_refused_at_once(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_the_row_input_is_the_picture_before_any_view():
    net, x = small_net(), pictures()
    views = [lambda picture, rng: picture * 0.5]
    found = evaluate(net, o.l2() + o.mean("normalize"), x, Pixels(), views, None, VANILLA)
    values = dict(found.terms)
    assert np.allclose(values["l2()"], o.l2()(net, x))
    assert np.allclose(values["mean(normalize)"], o.mean("normalize")(net, 0.5 * x))


def test_branches_are_objectives_like_any_other():
    net, x = small_net(BRANCHES), pictures(BRANCHES)
    mv.check_backward(lambda x: (o.energy("join") + o.unit("logits", "dog"))(net, x), x, step=1e-5, tolerance=1e-5)
