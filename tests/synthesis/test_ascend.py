"""The loop: what it yields, what it keeps, how it ends, and that nothing is ever lost."""

import itertools

import numpy as np
import pytest
from small import ALL, BRANCHES, pictures, small_net

import minivis as mv
from minivis.errors import InputError, UnknownName
from minivis.objectives import Objective, energy, l2, match, mean, total_variation, unit
from minivis.synthesis import (
    LBFGS,
    Momentum,
    ascend,
    blur,
    clip_to_range,
    decay,
    every,
    jitter,
    random_crop,
    rotation,
    scale,
)

CLASS = unit("fc4", 2)
WORDS = ["plain", "norm", "mean-abs", "momentum", "adam", "lbfgs"]
RATES = {"plain": 20.0, "norm": 20.0, "mean-abs": 1.0, "momentum": 5.0, "adam": 1.0, "lbfgs": None}


def settings(word):
    """Every part of the loop at once, random where the step rule allows it."""
    common = {"lr": RATES[word], "step": word, "after": [every(3, blur(0.6)), every(2, decay(0.01))]}
    if word == "lbfgs":
        return common
    return {**common, "views": [jitter(3), scale(0.9, 1.1)], "rng": np.random.default_rng(7)}


def run(climb, count=None):
    return list(itertools.islice(climb, count))


# --- what it yields --------------------------------------------------------------------------------------------------


def test_a_step_by_hand():
    net, x = small_net(), pictures()
    recorded = mv.Tensor(x)
    score = CLASS(net, recorded)
    g = mv.backward(score, recorded, np.ones(2))
    climb = ascend(net, CLASS, x, lr=3.0)
    picture, before = next(climb)
    assert np.array_equal(before, score.value)  # of the picture that the step began with
    assert np.array_equal(picture, x + 3.0 * g)
    second, before = next(climb)
    assert np.array_equal(before, CLASS(net, picture))
    assert climb.step == 2
    assert np.array_equal(climb.picture, second)


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_every_step_rule_climbs(word, dtype):
    net, x = small_net(dtype=dtype), pictures(dtype=dtype)
    objective = CLASS - 1e-4 * l2()
    found = run(ascend(net, objective, x, lr=RATES[word], step=word, steps=25))
    picture, last = found[-1]
    assert picture.dtype == last.dtype == dtype
    assert last.shape == (2,)
    assert (last > found[0][1] + 1).all()


@pytest.mark.parametrize("a", ALL, ids=lambda a: a.name)
def test_on_every_small_network(a):
    net, x = small_net(a), pictures(a)
    found = run(ascend(net, unit("logits", "dog"), x, lr=20.0, step="norm", steps=10))
    assert (found[-1][1] > found[0][1]).all()


def test_each_picture_climbs_as_if_alone():
    net, x = small_net(), pictures()
    for word in WORDS:
        together = run(ascend(net, CLASS - 1e-4 * l2(), x, lr=RATES[word], step=word, steps=6))[-1]
        alone = run(ascend(net, CLASS - 1e-4 * l2(), x[1:], lr=RATES[word], step=word, steps=6))[-1]
        assert np.allclose(together[0][1:], alone[0], rtol=1e-9)
        assert np.allclose(together[1][1:], alone[1], rtol=1e-9)


@pytest.mark.parametrize("word", WORDS)
def test_it_yields_copies(word):
    net, x = small_net(), pictures()
    expected = run(ascend(net, CLASS, x, **settings(word)), 5)
    climb = ascend(net, CLASS, x, **settings(word))
    for (picture, score), (picture_expected, score_expected) in zip(run_spoiling(climb, 5), expected, strict=True):
        assert np.array_equal(picture, picture_expected)
        assert np.array_equal(score, score_expected)


def run_spoiling(climb, count):
    """Overwrite all that can be got hold of, after each step."""
    found = []
    for picture, score in itertools.islice(climb, count):
        found.append((picture.copy(), score.copy()))
        terms = np.sum([value for _, value in climb.terms], axis=0)
        picture[...] = np.nan
        score[...] = np.nan
        assert np.array_equal(np.sum([value for _, value in climb.terms], axis=0), terms)
        climb.picture[...] = np.nan
        climb.state()["parameters"][...] = np.nan
        for value in climb.state()["memory"].values():
            if isinstance(value, np.ndarray):
                value[...] = 1
    return found


def test_the_start_is_neither_written_into_nor_needed_later():
    net, x = small_net(), pictures()
    start = x.copy()
    climb = ascend(net, CLASS, start, lr=3.0)
    start[...] = 0
    assert np.array_equal(climb.picture, x)
    assert np.array_equal(next(climb)[0], next(ascend(net, CLASS, x, lr=3.0))[0])


def test_steps_end_it_and_none_does_not():
    net, x = small_net(), pictures()
    assert len(run(ascend(net, CLASS, x, lr=1.0, steps=3))) == 3
    assert run(ascend(net, CLASS, x, lr=1.0, steps=0)) == []
    climb = ascend(net, CLASS, x, lr=1.0)
    assert len(run(climb, 7)) == 7
    assert climb.step == 7


def test_terms_are_reported_step_by_step():
    net, x = small_net(), pictures()
    climb = ascend(net, 2 * CLASS - 1e-3 * l2(), x, lr=1.0)
    _, score = next(climb)
    (first, a), (second, b) = climb.terms
    assert (first, second) == ("unit(fc4, 2)", "l2()")
    assert np.allclose(a + b, score)
    assert np.allclose(a, 2 * CLASS(net, x))
    assert repr(climb) == "<Ascent of 2 * unit(fc4, 2) - 0.001 * l2() in chain, after 1 steps>"


def test_integer_pictures_are_taken_to_the_networks_dtype():
    net, x = small_net(dtype="float32"), pictures().astype("uint8")
    picture, _ = next(ascend(net, CLASS, x, lr=1.0))
    assert picture.dtype == np.float32
    assert np.array_equal(picture, next(ascend(net, CLASS, x.astype("float32"), lr=1.0))[0])


def test_a_rate_may_depend_on_step_and_gradient():
    net, x = small_net(), pictures()
    seen = []

    def lr(step, gradient):
        seen.append(step)
        return 1.0 / (1 + abs(gradient).max((1, 2, 3)))

    climb = ascend(net, CLASS, x, lr=lr)
    picture, _ = next(climb)
    recorded = mv.Tensor(x)
    g = mv.backward(CLASS(net, recorded), recorded, np.ones(2))
    assert np.allclose(picture - x, g / (1 + abs(g).max((1, 2, 3), keepdims=True)))
    next(climb)
    assert seen == [0, 1]


def test_rules_replace_the_gradient():
    net, x = small_net(), pictures()
    recorded = mv.Tensor(x)
    expected = x + mv.backward(CLASS(net, recorded), recorded, np.ones(2), mv.GUIDED)
    assert np.array_equal(next(ascend(net, CLASS, x, lr=1.0, rules=mv.GUIDED))[0], expected)
    assert not np.allclose(next(ascend(net, CLASS, x, lr=1.0))[0], expected)


# --- views and touches -----------------------------------------------------------------------------------------------


def test_jitter_leaves_no_drift():
    """A mark far from anything else stays where it is, however long the network is shown rolled pictures."""
    net = small_net()
    start = np.full((1, 16, 16, 3), 100.0)
    start[0, 5, 9] = 250
    nothing = 0 * CLASS  # a gradient of zero
    climb = ascend(net, nothing, start, lr=1.0, views=[jitter(7)], rng=np.random.default_rng(0), steps=200)
    assert np.array_equal(run(climb)[-1][0], start)
    drawn = {float(score[0]) for _, score in run(ascend_jittered(net, CLASS, start), 20)}
    assert len(drawn) > 15  # and yet each look was another


def ascend_jittered(net, objective, start):
    return ascend(net, objective, start, lr=1e-12, views=[jitter(7)], rng=np.random.default_rng(0))


def test_a_jittered_objective_is_climbed_in_place():
    """Each row's mean is the same however it is rolled: so must the path be."""
    net, x = small_net(), pictures()
    plain = run(ascend(net, mean("normalize"), x, lr=10.0, steps=5))[-1][0]
    rolled = run(ascend(net, mean("normalize"), x, lr=10.0, views=[jitter(5)], rng=np.random.default_rng(0), steps=5))[
        -1
    ][0]
    assert np.allclose(plain, rolled)


def test_views_follow_one_another():
    net, x = small_net(), pictures()
    views = [lambda picture, rng: picture * 0.5, lambda picture, rng: picture + 10.0]
    _, score = next(ascend(net, CLASS, x, lr=1.0, views=views))
    assert np.allclose(score, CLASS(net, 0.5 * x + 10))


def test_all_views_together():
    net, x = small_net(), np.random.default_rng(0).uniform(0, 255, (1, 20, 22, 3))
    views = [rotation(10), scale(0.9, 1.1), jitter(2), random_crop(16)]
    found = run(ascend(net, CLASS, x, lr=1000.0, step="norm", views=views, rng=np.random.default_rng(0), steps=60))
    assert found[-1][0].shape == x.shape
    scores = np.array([score[0] for _, score in found])
    assert scores[-20:].mean() > scores[:20].mean() + 2


def test_touches_follow_one_another_and_are_told_of_gradient_step_and_network():
    net, x = small_net(), pictures()
    seen = []

    def note(picture, gradient, step, rng):
        seen.append((picture, gradient, step, rng))
        return picture

    generator = np.random.default_rng(0)
    climb = ascend(net, CLASS, x, lr=100.0, after=[note, decay(0.5), note, clip_to_range()], rng=generator)
    picture, _ = next(climb)
    recorded = mv.Tensor(x)
    g = mv.backward(CLASS(net, recorded), recorded, np.ones(2))
    assert np.array_equal(seen[0][0], x + 100.0 * g)
    assert np.array_equal(seen[0][1], g)
    assert np.allclose(seen[1][0] - net.mean_colour, 0.5 * (seen[0][0] - net.mean_colour))
    assert np.array_equal(picture, seen[1][0].clip(0, 255))
    next(climb)
    assert [step for _, _, step, _ in seen] == [0, 0, 1, 1]
    assert seen[0][3] is generator


def test_one_view_or_touch_needs_no_list():
    net, x = small_net(), pictures()
    picture, _ = next(ascend(net, CLASS, x, lr=1.0, views=jitter(0), after=decay(1), rng=np.random.default_rng(0)))
    assert np.allclose(picture, np.broadcast_to(net.mean_colour, x.shape))


def test_whoever_draws_needs_a_generator():
    net, x = small_net(), pictures()
    with pytest.raises(InputError, match="draws random numbers: pass rng="):
        next(ascend(net, CLASS, x, lr=1.0, views=[jitter(2)]))


# --- going on --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parametrisation", ["pixels", "fourier"])
@pytest.mark.parametrize("word", WORDS)
def test_a_resumed_ascent_has_the_same_bits(word, parametrisation):
    net, x = small_net(dtype="float32"), pictures(dtype="float32")
    choices = settings(word)
    if parametrisation == "fourier":
        choices |= {"after": [], "parametrisation": "fourier", "lr": 0.05}
    whole = run(ascend(net, CLASS - 1e-4 * l2(), x, steps=9, **choices))
    first = ascend(net, CLASS - 1e-4 * l2(), x, steps=9, **settings(word) | choices | fresh(choices))
    run(first, 4)
    state = first.state()
    run(first)  # going on with the old one must not change its state
    second = ascend(net, CLASS - 1e-4 * l2(), None, steps=9, state=state, **choices)
    assert second.step == 4
    rest = run(second)
    assert len(rest) == 5
    for (picture, score), (picture_expected, score_expected) in zip(rest, whole[4:], strict=True):
        assert np.array_equal(picture, picture_expected)
        assert np.array_equal(score, score_expected)


def fresh(choices):
    return {"rng": np.random.default_rng(7)} if "rng" in choices else {}


def test_a_state_survives_pickling():
    import pickle

    net, x = small_net(), pictures()
    climb = ascend(net, CLASS, x, **settings("adam"))
    run(climb, 3)
    state = pickle.loads(pickle.dumps(climb.state()))
    expected = next(climb)[0]
    assert np.array_equal(next(ascend(net, CLASS, None, state=state, **settings("adam")))[0], expected)


def test_a_state_that_does_not_fit_is_refused():
    net, x = small_net(), pictures()
    state = ascend(net, CLASS, x, lr=1.0, step="adam").state()
    with pytest.raises(InputError, match=r"the state is that of step=Adam\(.*this ascent has step=plain"):
        ascend(net, CLASS, None, lr=1.0, state=state)
    with pytest.raises(InputError, match="another parametrisation"):
        ascend(net, CLASS, None, lr=1.0, step="adam", parametrisation="fourier", state=state)
    with pytest.raises(InputError, match="state must be what"):
        ascend(net, CLASS, None, lr=1.0, state={"step": 3})


# --- nothing is lost -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["view", "touch", "rate"])
def test_an_interrupt_leaves_the_last_picture_and_can_be_resumed(where):
    net, x = small_net(), pictures()
    pressed = []

    def press(step):
        if step == 3 and not pressed:
            pressed.append(step)
            raise KeyboardInterrupt

    calls = itertools.count()

    def view(picture, rng):
        rng.random()
        if where == "view":
            press(next(calls))
        return picture

    def touch(picture, gradient, step, rng):
        rng.random()
        if where == "touch":
            press(step)
        return picture

    def lr(step, gradient):
        if where == "rate":
            press(step)
        return 2.0

    def climb(views=(), **more):
        return ascend(net, CLASS, x, lr=lr, step="adam", views=[jitter(3), *views], after=[touch], steps=6, **more)

    interrupted = climb([view], rng=np.random.default_rng(3))
    found = []
    with pytest.raises(KeyboardInterrupt):
        for pair in interrupted:
            found.append(pair)
    assert pressed
    assert len(found) == interrupted.step == 3
    assert np.array_equal(interrupted.picture, found[-1][0])
    resumed = run(climb([view], state=interrupted.state()))
    found += run(interrupted)  # or simply go on
    expected = run(climb([view], rng=np.random.default_rng(3)))
    for a, b, c in zip(found[3:], resumed, expected[3:], strict=True):
        assert np.array_equal(a[0], c[0])
        assert np.array_equal(b[0], c[0])


def exploding(limit):
    """An objective that is not a number where the picture is bright; with a gradient that is, and one that is not."""

    def score(rows, net):
        brightness = mv.primitives.mean(rows["input"], axis=(1, 2, 3))
        return mv.primitives.log(limit - brightness) * -1.0

    return Objective.of("barrier(150)", ["input"], score)


def test_a_score_that_is_not_finite_stops_it_with_step_and_term():
    net = small_net()
    x = np.full((2, 16, 16, 3), 100.0)
    x[1] += 20
    climb = ascend(net, CLASS + exploding(150.0), x, lr=9.0 * 768, steps=100)
    found = []
    with pytest.raises(InputError, match=r"step \d+: barrier\(150\) is nan for picture 1; the last good picture") as e:
        for pair in climb:
            found.append(pair)
    assert f"step {len(found)}:" in str(e.value)
    assert np.array_equal(climb.picture, found[-2][0])  # the one after it can no longer be scored
    assert np.isfinite((CLASS + exploding(150.0))(net, climb.picture)).all()
    assert climb.step == len(found) - 1
    # A smaller step goes on from there.
    resumed = ascend(net, CLASS + exploding(150.0), None, lr=1e-3, steps=climb.step + 3, state=climb.state())
    assert len(run(resumed)) == 3


def test_a_first_score_that_is_not_finite():
    net, x = small_net(), np.full((1, 16, 16, 3), 200.0)
    climb = ascend(net, exploding(150.0), x, lr=1.0)
    with pytest.raises(InputError, match=r"step 0: barrier\(150\) is nan for picture 0"):
        next(climb)
    assert np.array_equal(climb.picture, x)


def test_a_gradient_that_is_not_finite_names_its_term():
    net, x = small_net(), pictures()
    root = Objective.of(
        "root(input)", ["input"], lambda rows, net: mv.primitives.sum(mv.primitives.sqrt(rows["input"]), axis=(1, 2, 3))
    )
    start = x.copy()
    start[0, 0, 0, 0] = 0  # where a root is infinitely steep
    with pytest.raises(InputError, match=r"step 0: the gradient of root\(input\) is not finite"):
        next(ascend(net, CLASS + root, start, lr=1.0))


def test_infinities_that_cancel_are_found_too():
    net, x = small_net(dtype="float32"), pictures(dtype="float32")
    big = 1e38 * Objective.of("big", ["fc4"], lambda rows, net: rows["fc4"][:, 0] * 0 + 3.0)
    with pytest.raises(InputError, match="step 0: the sum of the terms is not finite"):
        next(ascend(net, big + big, x, lr=1.0))


def test_a_step_out_of_range_is_not_taken():
    net, x = small_net(dtype="float32"), pictures(dtype="float32")
    climb = ascend(net, 1e3 * CLASS, x, lr=lambda step, gradient: 1.0 if step < 2 else 3e38)
    found = []
    with pytest.raises(InputError, match="step 2: the step or a touch made the picture non-finite"):
        for pair in climb:
            found.append(pair)
    assert np.array_equal(climb.picture, found[-1][0])
    assert climb.step == 2


# --- L-BFGS in the loop ----------------------------------------------------------------------------------------------


def test_lbfgs_never_falls_and_beats_plain_steps():
    net, x = small_net(), pictures()
    code = net.capture(pictures(seed=9), ["relu1_1"])["relu1_1"]
    objective = match("relu1_1", code, "relative") - 1e-7 * total_variation()
    scores = np.array([score for _, score in ascend(net, objective, x, step="lbfgs", steps=20)])
    assert (np.diff(scores, axis=0) >= 0).all()
    plain = np.array([score for _, score in ascend(net, objective, x, lr=3e4, steps=120)])
    assert (plain[-1] > plain[0]).all()
    assert (scores[-1] > plain[-1]).all()


def test_lbfgs_looks_once_per_step_where_all_goes_well(monkeypatch):
    net, x = small_net(), pictures()
    looks = []
    capture = net.capture
    monkeypatch.setattr(net, "capture", lambda *a: looks.append(1) or capture(*a))
    climb = ascend(net, energy("relu1_1") * -1.0, x, step="lbfgs")
    per_step = []
    for _ in range(10):
        before = len(looks)
        next(climb)
        per_step.append(len(looks) - before)
    # The first step has to find its length; after that a step knows its length, and the look that it ends with is the
    # one that the next begins with.
    assert per_step[0] > 1
    assert sorted(per_step[1:])[:7] == [1] * 7


def test_lbfgs_keeps_to_its_bounds():
    net, x = small_net(), pictures()
    climb = ascend(net, CLASS, x, step=LBFGS(bounds=(40.0, 200.0)), steps=5)
    for picture, _ in climb:
        assert picture.min() >= 40
        assert picture.max() <= 200
    assert (picture == 40).any()
    assert (picture == 200).any()


def test_bounds_may_be_arrays_of_another_dtype():
    net, x = small_net(dtype="float32"), pictures(dtype="float32")
    low, high = x[:1].min((1, 2)).astype("float64"), x[:1].max((1, 2)).astype("float64")  # per colour
    picture, _ = run(ascend(net, CLASS, x, step=LBFGS(bounds=(low, high)), steps=3))[-1]
    assert picture.dtype == np.float32
    assert (picture >= low.astype("float32")).all()
    assert (picture <= high.astype("float32")).all()


def test_lbfgs_starts_within_its_bounds():
    net = small_net()
    start = np.empty((1, 16, 16, 3))
    start[...] = net.mean_colour  # the best place of all, but out of bounds
    start[:, :2] = 250
    climb = ascend(net, -1.0 * l2(), start, step=LBFGS(bounds=(180.0, 255.0)), steps=5)
    assert (run(climb)[-1][0] == 180).all()


def test_lbfgs_ends_at_a_maximum():
    net, x = small_net(), pictures()
    found = run(ascend(net, -1.0 * l2(), x, step="lbfgs", steps=1000))
    assert len(found) < 10
    assert np.allclose(found[-1][0], net.mean_colour)


def test_lbfgs_forgets_its_pairs_after_a_touch():
    net, x = small_net(), pictures()
    climb = ascend(net, CLASS - 1e-3 * l2(), x, step="lbfgs", after=[every(3, blur(0.5)), lambda p, g, s, r: p.copy()])
    kept = []
    for _ in range(6):
        next(climb)
        kept.append(len(climb.state()["memory"].get("pairs", [])))
    assert kept == [0, 1, 2, 0, 1, 2]  # a touch that changes nothing is none


def test_lbfgs_refuses_what_would_change_under_it():
    net, x = small_net(), pictures()
    with pytest.raises(InputError, match="cannot be used with random views"):
        next(ascend(net, CLASS, x, step="lbfgs", views=[jitter(2)], rng=np.random.default_rng(0)))
    with pytest.raises(InputError, match="leave rules out"):
        ascend(net, CLASS, x, step="lbfgs", rules=mv.GUIDED)
    with pytest.raises(InputError, match="finds its step lengths itself"):
        ascend(net, CLASS, x, step="lbfgs", lr=lambda step, g: 1.0)
    still = [lambda picture, rng: picture * 0.9]
    assert len(run(ascend(net, CLASS - 1e-3 * l2(), x, step="lbfgs", views=still, steps=2))) == 2


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("choices", "error", "message"),
    [
        ({"objective": "fc4"}, InputError, "expected an objective, such as unit"),
        ({"objective": unit("fc9", 1)}, UnknownName, "no layer named 'fc9' in chain"),
        ({"start": np.zeros((16, 16, 3))}, InputError, r"add an axis for the batch"),
        ({"start": np.zeros((1, 3, 16, 16))}, InputError, "channels-first"),
        ({"lr": None}, InputError, "say how far to step: lr="),
        ({"lr": 0}, InputError, "lr must be a finite number above 0, got 0"),
        ({"lr": float("inf")}, InputError, "finite number above 0"),
        ({"lr": float("nan")}, InputError, "finite number above 0"),
        ({"step": "rmsprop"}, UnknownName, "no step rule is called 'rmsprop'"),
        ({"steps": -1}, InputError, "steps must be a number from 0 on"),
        ({"steps": 2.5}, InputError, "steps must be a number from 0 on"),
        ({"parametrisation": "wavelets"}, UnknownName, "no parametrisation is called 'wavelets'"),
        ({"parametrisation": "fourier", "after": [blur(1)]}, InputError, "touches and bounds act on pixels"),
        (
            {"parametrisation": "fourier", "lr": None, "step": LBFGS(bounds=(0, 1))},
            InputError,
            "touches and bounds act on pixels",
        ),
    ],
)
def test_what_does_not_go_together_is_refused_before_the_first_step(choices, error, message):
    given = {"objective": CLASS, "start": pictures(), "lr": 1.0, **choices}
    with pytest.raises(error, match=message):
        ascend(small_net(), **given)


def test_a_unit_that_does_not_exist_loses_nothing():
    net, x = small_net(), pictures()
    climb = ascend(net, unit("fc4", 7), x, lr=1.0)
    with pytest.raises(InputError, match="7"):
        next(climb)
    assert np.array_equal(climb.picture, x)


def test_a_picture_smaller_than_the_windows():
    with pytest.raises(InputError, match="too small"):
        next(ascend(small_net(BRANCHES), unit("join", 0), np.zeros((1, 3, 3, 3)), lr=1.0))


@pytest.mark.parametrize("word", WORDS)
def test_on_a_device(word, device):
    expected = run(ascend(small_net(), CLASS - 1e-4 * l2(), pictures(), steps=4, **settings(word)))[-1]
    net = small_net(device="gpu")
    start = device.asarray(pictures())
    found = run(ascend(net, CLASS - 1e-4 * l2(), start, steps=4, **settings(word)))[-1]
    for a, b in zip(found, expected, strict=True):
        assert np.allclose(device.asnumpy(a), b)


def test_momentum_as_an_object():
    net, x = small_net(), pictures()
    slow = run(ascend(net, CLASS, x, lr=1.0, step=Momentum(0.0), steps=3))[-1][0]
    assert np.allclose(slow, run(ascend(net, CLASS, x, lr=1.0, steps=3))[-1][0])
