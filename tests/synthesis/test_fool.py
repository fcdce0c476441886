"""Fooling: what counts as fooled, the methods against steps done by hand, and what is reported of failures."""

import math

import numpy as np
import pytest
from small import BGR, CHAIN, LABELS, pictures, small_net

import minivis as mv
from minivis.nets import Architecture, Net
from minivis.nets.layers import Input, Linear, Softmax
from minivis.synthesis.recipes.fool import fast_gradient_sign, fool, iterated_gradient_sign, near
from minivis.synthesis.recipes.fool_noise import PRESET, Posterior, fool_from_noise, noise_around_mean
from minivis.synthesis.recipes.fooled import Tagged, ten_times, verdict_on
from minivis.synthesis.recipes.least_change import distance, least_change

NET = small_net(seed=2)
X = np.rint(pictures(n=4))
SCORES = NET.capture(X, ["fc4"])["fc4"]
FIRST = SCORES.argmax(1)
SECOND = np.argsort(-SCORES, axis=1)[:, 1].tolist()
METHODS = {
    "fool": lambda x, to, **how: fool(NET, x, to, lr=20.0, **how),
    "fast sign": lambda x, to, **how: fast_gradient_sign(NET, x, to, eps=20.0, **how),
    "iterated sign": lambda x, to, **how: iterated_gradient_sign(NET, x, to, eps=30.0, alpha=2.0, steps=20, **how),
    "least change": lambda x, to, **how: least_change(NET, x, to, trials=4, steps=5, **how),
}


def linear_net(grey):
    """Return a net of one linear row, in which "left" leads before "right" by 0.12 for the picture `grey`."""
    rows = (("input", Input(4)), ("normalize", BGR), ("fc", Linear(2)), ("prob", Softmax()))
    kernel = np.zeros((48, 2))
    kernel[:, 1] = np.random.default_rng(1).standard_normal(48)
    architecture = Architecture("linear", rows, ("left", "right"), maps="normalize")
    net = Net(architecture, {"fc": {"kernel": kernel, "bias": np.zeros(2)}}, dtype="float64")
    left, right = net.capture(grey, ["fc"])["fc"][0]
    return Net(architecture, {"fc": {"kernel": kernel, "bias": np.array([right - left + 0.12, 0])}}, dtype="float64")


GREY = np.full((1, 4, 4, 3), 118.0)
LINEAR = linear_net(GREY)


def gradient_of_log_probability(x, target):
    """By the engine, for one picture; the softmax by hand."""
    recorded = mv.Tensor(x)
    scores = NET.capture(recorded, ["fc4"])["fc4"]
    p = np.exp(scores.value - scores.value.max())
    p /= p.sum()
    return mv.backward(scores, recorded, seed=np.eye(len(LABELS))[[target]] - p)


@pytest.mark.parametrize("name", METHODS)
def test_success_is_what_the_network_says_of_the_reported_picture(name):
    results = METHODS[name](X, SECOND).finish()
    assert any(result.success for result in results)
    for result, target in zip(results, SECOND, strict=True):
        scores = NET.capture(result.picture[None], ["fc4"])["fc4"][0]
        others = np.delete(scores, target)
        assert result.success == (scores[target] > others.max())
        assert result.lead == pytest.approx(scores[target] - others.max(), abs=1e-9)
        for said, picture in ((result.before, result.original), (result.after, result.picture)):
            (best,) = NET.top(picture[None], 5)
            assert [name for name, _ in said] == [name for name, _ in best]
            assert np.allclose([p for _, p in said], [p for _, p in best])


@pytest.mark.parametrize("name", METHODS)
def test_the_picture_is_one_that_a_file_can_hold(name, tmp_path):
    for result in METHODS[name](X, SECOND).finish():
        assert result.picture.min() >= 0 and result.picture.max() <= 255
        mv.save_picture(tmp_path / "x.png", result.picture)
        assert np.array_equal(mv.read_picture(tmp_path / "x.png"), result.picture)


@pytest.mark.parametrize("name", METHODS)
def test_away_from_the_class_that_is_seen(name):
    results = METHODS[name](X, None).finish()
    assert any(result.success for result in results)
    for result, first in zip(results, FIRST, strict=True):
        assert result.away and result.target == first
        assert result.success == (NET.capture(result.picture[None], ["fc4"])["fc4"][0].argmax() != first)


@pytest.mark.parametrize("name", METHODS)
def test_a_picture_that_is_of_the_class_already_stays_as_it_is(name):
    for result in METHODS[name](X, FIRST.tolist()).finish():
        assert result.success and result.steps == 0 and result.norm == 0 and result.relative_norm == 0
        assert str(result).startswith("nothing to do")


def test_the_lectures_step_by_hand():
    x, target = X[:1], SECOND[0]
    by_hand = x
    for _ in range(3):
        g = gradient_of_log_probability(by_hand, target)
        by_hand = (by_hand + 0.5 * g / np.sqrt((g * g).sum())).clip(0, 255)
    task = fool(NET, x, target, lr=0.5, steps=3, margin=1e9, eight_bit=False)
    assert np.allclose(task.finish()[0].picture, by_hand[0], rtol=0, atol=1e-9)


def test_the_lectures_objective_is_the_score_alone():
    x, target = X[:1], SECOND[0]
    recorded = mv.Tensor(x)
    g = mv.backward(NET.capture(recorded, ["fc4"])["fc4"], recorded, seed=np.eye(len(LABELS))[[target]])
    task = fool(NET, x, target, lr=0.5, steps=1, margin=1e9, eight_bit=False, objective="score")
    moved = (x + 0.5 * g / np.sqrt((g * g).sum())).clip(0, 255)
    assert np.allclose(task.finish()[0].picture, moved[0], rtol=0, atol=1e-9)


def test_the_fast_sign_by_hand_in_both_directions():
    x = X[:1]
    towards = fast_gradient_sign(NET, x, SECOND[0], eps=3.0).finish()[0]
    assert np.array_equal(towards.picture, (x + 3 * np.sign(gradient_of_log_probability(x, SECOND[0]))).clip(0, 255)[0])
    away = fast_gradient_sign(NET, x, eps=3.0).finish()[0]
    assert np.array_equal(away.picture, (x - 3 * np.sign(gradient_of_log_probability(x, FIRST[0]))).clip(0, 255)[0])


def test_the_iterated_sign_stays_within_eps_and_takes_the_papers_steps():
    task = iterated_gradient_sign(NET, X, SECOND, eps=3.0, margin=1e9)
    results = task.finish()
    assert task.step == math.ceil(1.25 * 3) == 4
    reached = [abs(result.difference).max() for result in results]
    assert max(reached) == 3  # four steps of 1 would be 4
    assert iterated_gradient_sign(NET, X, SECOND, eps=40.0).steps == 44


def test_many_to_one_class():
    for result in fool(NET, X, "dog", lr=20.0, steps=60).finish():
        assert result.target == 4
        assert result.success and result.after[0][0] == "dog"


def test_a_picture_in_a_batch_fares_as_if_it_were_alone():
    together = fool(NET, X, SECOND, lr=5.0, steps=40).finish()
    assert len({result.steps for result in together}) > 1  # they drop out one by one
    for n, result in enumerate(together):
        (alone,) = fool(NET, X[n : n + 1], [SECOND[n]], lr=5.0, steps=40).finish()
        assert np.allclose(alone.picture, result.picture, rtol=0, atol=1e-9)
        assert alone.steps == result.steps and alone.success == result.success


def test_a_class_that_is_not_reached_is_reported():
    (result,) = fool(NET, X[:1], SECOND[0], lr=0.01, steps=2).finish()
    assert not result.success and result.steps == 2 and result.lead < 0
    assert str(result).startswith("not fooled after 2 steps")
    least = least_change(NET, X[:1], SECOND[0], trials=1, steps=1, c=1e6).finish()[0]
    assert not least.success


def test_a_margin_is_kept():
    plain = fool(NET, X, SECOND, lr=2.0).finish()
    ahead = fool(NET, X, SECOND, lr=2.0, margin=0.2).finish()
    for a, b in zip(plain, ahead, strict=True):
        assert b.success and b.lead > 0.2 and b.norm > a.norm
    assert min(result.lead for result in plain) < 0.2


def test_rounding_can_undo_what_the_check_sees():
    """A change too small for whole numbers fools the network, but not a file; the check tells the two apart."""
    (exact,) = least_change(LINEAR, GREY, 1, trials=20, eight_bit=False).finish()
    assert exact.success and abs(exact.difference).max() < 0.5
    assert LINEAR(np.rint(exact.picture)[None])[0].argmax() == 0
    (kept,) = least_change(LINEAR, GREY, 1, trials=20).finish()
    assert kept.success and np.array_equal(kept.picture, np.rint(kept.picture))
    assert LINEAR(kept.picture[None])[0].argmax() == 1


def test_the_least_change_of_a_linear_net_is_the_way_to_its_boundary():
    """Between two classes it is the difference of their scores over that of their weights' norm, straight across."""
    slope = LINEAR.weights["fc"]["kernel"] @ [-1.0, 1.0] / np.tile(BGR.std, 16)
    least = 0.12 / np.linalg.norm(slope)
    for c in (1.0, 1e4):
        (result,) = least_change(LINEAR, GREY, 1, c=c, trials=24, eight_bit=False).finish()
        assert result.success
        assert least < result.norm < 1.02 * least
        step = result.difference[..., ::-1].ravel()  # the net reads BGR
        assert step @ slope > 0.999 * result.norm * np.linalg.norm(slope)


def test_the_distance_has_a_weight_for_each_picture():
    weights = np.array([1.0, 2.0, 3.0, 4.0])
    scores = distance(X - 51.0, weights)(NET, X)
    assert np.allclose(scores, weights * 0.2**2 * X[0].size)


def test_ten_times_the_difference_is_about_grey():
    assert ten_times(np.array([0.0, 1.0, -2.0, 20.0])).tolist() == [127.5, 137.5, 107.5, 255.0]


def test_the_norms():
    result = fast_gradient_sign(NET, X[:1].clip(10, 240), eps=2.0).finish()[0]
    assert result.norm == pytest.approx(2 * math.sqrt(X[0].size))
    assert result.relative_norm == pytest.approx(result.norm / np.linalg.norm(result.original))
    assert np.array_equal(result.original + result.difference, result.picture)


def test_the_verdict_by_hand():
    scores = np.log(np.array([[1.0, 2, 7], [5, 4, 1]]))
    towards = verdict_on(scores, np.array([1, 1]), away=False)
    assert np.allclose(towards.lead, np.log([2 / 7, 4 / 5])) and np.allclose(towards.probability, [0.2, 0.4])
    away = verdict_on(scores, np.array([1, 1]), away=True)
    assert np.allclose(away.lead, -towards.lead) and np.allclose(away.probability, [0.8, 0.6])
    far = verdict_on(np.array([[0.0, 5e3]]), np.array([0]), away=False)
    assert far.probability[0] == 0


@pytest.mark.parametrize("name", METHODS)
def test_a_run_that_is_stopped_goes_on_to_the_same_result(name):
    whole = METHODS[name](X, SECOND).finish()
    begun = METHODS[name](X, SECOND)
    next(begun)
    state = begun.state()
    for _ in begun:
        pass  # must not change the state that was taken
    for a, b in zip(whole, METHODS[name](X, SECOND, state=state).finish(), strict=True):
        assert np.array_equal(a.picture, b.picture) and a.steps == b.steps and a.success == b.success


def test_an_interrupt_leaves_what_was_reached(monkeypatch):
    task = fool(NET, X, SECOND, lr=0.5, margin=1e9)
    next(task)
    before = task.picture
    monkeypatch.setattr(task, "_verdict", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        next(task)
    assert np.array_equal(task.picture, before) and task.step == 1
    assert len(task.results()) == len(X)
    monkeypatch.undo()
    next(task)
    whole = fool(NET, X, SECOND, lr=0.5, margin=1e9)
    for _ in range(2):
        next(whole)
    assert np.array_equal(task.picture, whole.picture) and np.array_equal(task.lead, whole.lead)


def test_the_input_is_not_written_into():
    x = X.copy()
    x.flags.writeable = False
    (result, *_) = fool(NET, x, SECOND, lr=5.0).finish()
    assert np.array_equal(result.original, X[0])


# From noise


@pytest.mark.parametrize("longest", [math.inf, 0.1])
def test_a_step_from_noise_by_hand(longest):
    rng = np.random.default_rng(7)
    task = fool_from_noise(NET, 3, rng, steps=1, confidence=1.0, longest=longest, eight_bit=False)
    x = noise_around_mean(NET, 1, np.random.default_rng(7))
    p = NET(x)[0, 3]
    g = p * gradient_of_log_probability(x, 3)
    step = min(0.03, 0.1 * (1 - p)) / (g * g).sum() * g
    if longest == 0.1:
        assert np.sqrt((step**2).mean()) > 0.1
        step *= 0.1 / np.sqrt((step**2).mean())
    moved = NET.mean_colour + (x + step - NET.mean_colour) * 0.99
    assert np.allclose(task.finish()[0].picture, moved.clip(0, 255)[0], rtol=0, atol=1e-9)


@pytest.mark.parametrize(("p", "desired"), [(0.0, 0.03), (0.5, 0.03), (0.9, 0.01), (1.0, 0.0)])
def test_the_rate_falls_as_the_probability_rises(p, desired):
    towards = Posterior([3], math.inf)
    towards._now = np.array([p])
    g = np.full((1, 2, 2, 3), 0.5)
    assert towards.rate(0, g) * (g * g).sum() == pytest.approx(desired)
    assert towards.rate(0, 1e-20 * g) == pytest.approx(1e12 if p < 1 else 0)  # never faster than that
    assert np.isfinite(towards.rate(0, 0 * g)).all()


def test_the_best_picture_on_the_way_from_noise_is_reported():
    task = fool_from_noise(NET, [0, 3], np.random.default_rng(0), steps=120, confidence=1.0)
    pictures, leads = zip(*task, strict=True)
    seen = []
    for n, target in enumerate(task.targets):
        scores = NET.capture(np.stack([picture[n] for picture in pictures]), ["fc4"])["fc4"]
        assert np.allclose(verdict_on(scores, np.full(120, target), False).lead, [lead[n] for lead in leads])
        seen.append(len({lead[n] for lead in leads}))
        assert all(a <= b for a, b in zip([lead[n] for lead in leads], [lead[n] for lead in leads[1:]], strict=False))
    assert 1 < max(seen) < 120  # it rose, and not at every step


def test_each_picture_of_noise_has_its_own_class():
    results = fool_from_noise(NET, ["ant", "dog"], np.random.default_rng(0), steps=300, confidence=0.6).finish()
    assert [result.after[0][0] for result in results] == ["ant", "dog"]
    assert all(result.success and result.after[0][1] >= 0.6 for result in results)


def test_noise_of_another_size_and_its_spread():
    noise = noise_around_mean(NET, 3, np.random.default_rng(0), size=32)
    assert noise.shape == (3, 32, 32, 3) and noise.dtype == NET.dtype
    assert abs((noise - NET.mean_colour).std() - 1) < 0.02


def test_every_value_of_a_preset_has_a_source():
    for value in PRESET.values():
        assert isinstance(value, Tagged) and value.source


# What is wrong is told


@pytest.mark.parametrize(
    ("error", "words", "call"),
    [
        (mv.UnknownName, "no class", lambda: fool(NET, X, "ostrich")),
        (mv.InputError, "2 classes are called 'crane'", lambda: fool(NET, X, "crane")),
        (mv.InputError, "2 targets for 4", lambda: fool(NET, X, [0, 1])),
        (mv.InputError, "0 to 255", lambda: fool(NET, X - 300, 0)),
        (mv.InputError, "0 to 255", lambda: fool(NET, X * np.nan, 0)),
        (mv.InputError, "steps", lambda: fool(NET, X, 0, steps=0)),
        (mv.InputError, "lr", lambda: fool(NET, X, SECOND, lr=-1.0).finish()),
        (mv.InputError, "margin", lambda: fool(NET, X, 0, margin=-1.0)),
        (mv.UnknownName, "objective", lambda: fool(NET, X, 0, objective="loss")),
        (mv.InputError, "eps", lambda: fast_gradient_sign(NET, X, eps=0.0)),
        (mv.InputError, "alpha", lambda: iterated_gradient_sign(NET, X, alpha=0.0)),
        (mv.InputError, "weight of the distance", lambda: least_change(NET, X, c=0.0)),
        (mv.InputError, "trials", lambda: least_change(NET, X, trials=0)),
        (mv.InputError, "which class", lambda: fool_from_noise(NET, None, np.random.default_rng(0))),
        (mv.InputError, "confidence", lambda: fool_from_noise(NET, 0, np.random.default_rng(0), confidence=2.0)),
        (mv.InputError, "state", lambda: fool(NET, X, 0, state={"step": 1})),
        (mv.InputError, "no picture", lambda: fool(NET, X[:0], None)),
        (mv.InputError, "another method", lambda: least_change(NET, X, 0, state=fool(NET, X, 0).state())),
        (mv.InputError, r"the state is of pictures", lambda: fool(NET, X, 0, state=fool(NET, X[:1], 0).state())),
    ],
)
def test_bad_input(error, words, call):
    with pytest.raises(error, match=words):
        call()


def test_float32():
    net = small_net(CHAIN, seed=2, dtype="float32")
    (result, *_) = fool(net, X.astype("float32"), SECOND, lr=20.0).finish()
    assert result.picture.dtype == np.float32 and result.success


def test_near_brings_back():
    x = near(np.zeros(3), 2.0)(np.array([-5.0, 1.0, 9.0]), np.zeros(3), 0)
    assert x.tolist() == [-2.0, 1.0, 2.0]


@pytest.mark.parametrize("name", METHODS)
def test_on_a_device(name, device, monkeypatch):
    on_host = METHODS[name](X, SECOND).finish()
    monkeypatch.setitem(globals(), "NET", small_net(seed=2, device="gpu"))
    for a, b in zip(on_host, METHODS[name](device.asarray(X), SECOND).finish(), strict=True):
        assert isinstance(b.picture, np.ndarray)
        assert np.allclose(a.picture, b.picture) and a.success == b.success


def test_from_noise_on_a_device(device):
    on_host = fool_from_noise(NET, [0, 4], np.random.default_rng(0), steps=5).finish()
    there = fool_from_noise(small_net(seed=2, device="gpu"), [0, 4], np.random.default_rng(0), steps=5).finish()
    for a, b in zip(on_host, there, strict=True):
        assert np.allclose(a.picture, b.picture)
