"""Step rules: closed forms, one picture at a time."""

import numpy as np
import pytest

from minivis.errors import InputError, UnknownName
from minivis.synthesis import LBFGS, Adam, Momentum, progress
from minivis.synthesis.steps import STEPS, mean_abs, norm, plain, rate_at, step_rule

G = np.random.default_rng(0).standard_normal((2, 4, 5, 3)) * np.array([1.0, 100.0]).reshape(2, 1, 1, 1)
RATE = np.asarray(0.5)
RULES = {name: rule for name, rule in STEPS.items() if name != "lbfgs"}


def run(rule, gradients, rate=RATE):
    memory, changes = {}, []
    for g in gradients:
        change, memory = rule(g, rate, memory)
        changes.append(change)
    return changes


@pytest.mark.parametrize("name", RULES)
def test_each_picture_is_stepped_as_if_alone(name):
    gradients = [G, 2 * G[::-1], -G]
    together, alone = run(RULES[name], gradients), run(RULES[name], [g[1:] for g in gradients])
    for a, b in zip(together, alone, strict=True):
        assert np.array_equal(a[1:], b)


@pytest.mark.parametrize("name", RULES)
def test_no_gradient_no_step_and_the_dtype_stays(name):
    changes = run(RULES[name], [np.zeros((1, 2, 2, 3), "float32")] * 3, np.float32(0.5))
    for change in changes:
        assert change.dtype == np.float32
        assert not change.any()


@pytest.mark.parametrize("name", RULES)
def test_a_rule_writes_into_nothing(name):
    g = G.copy()
    g.flags.writeable = False
    memory = {}
    for _ in range(3):
        before = {key: np.copy(value) for key, value in memory.items()}
        _, after = RULES[name](g, RATE, memory)
        assert all(np.array_equal(memory[key], before[key]) for key in before)
        memory = after


def test_plain_norm_and_mean_abs():
    assert np.array_equal(plain(G, RATE, {})[0], 0.5 * G)
    assert np.allclose(np.linalg.norm(norm(G, RATE, {})[0].reshape(2, -1), axis=1), 0.5)
    assert np.allclose(abs(mean_abs(G, RATE, {})[0]).mean((1, 2, 3)), 0.5)
    for rule in (norm, mean_abs):
        ratio = rule(G, RATE, {})[0] / G
        assert np.allclose(ratio, ratio[:, :1, :1, :1])
        assert (ratio > 0).all()


def test_momentum_is_a_geometric_sum():
    changes = run(Momentum(0.9), [G] * 4)
    for k, change in enumerate(changes):
        assert np.allclose(change, 0.5 * G * sum(0.9**i for i in range(k + 1)))


def test_momentum_restarts_when_the_rate_changes():
    rule = Momentum(0.9, restart=True)
    _, memory = rule(G, np.asarray(0.5), {})
    same, memory = rule(G, np.asarray(0.5), memory)
    other, _ = rule(G, np.asarray(0.05), memory)
    assert np.allclose(same, 0.5 * 1.9 * G)
    assert np.allclose(other, 0.05 * G)
    kept, _ = Momentum(0.9)(G, np.asarray(0.05), memory)
    assert np.allclose(kept, 0.05 * G + 0.9 * same)


def test_adam_by_hand():
    gradients = [G, -0.3 * G, 2 * G]
    m = v = 0.0
    for t, (g, change) in enumerate(zip(gradients, run(Adam(0.8, 0.95, 1e-6), gradients), strict=True), start=1):
        m, v = 0.8 * m + 0.2 * g, 0.95 * v + 0.05 * g**2
        assert np.allclose(change, 0.5 * (m / (1 - 0.8**t)) / (np.sqrt(v / (1 - 0.95**t)) + 1e-6))


def test_adam_first_step_is_the_sign():
    assert np.allclose(run(Adam(), [G])[0], 0.5 * np.sign(G), atol=1e-6)


def test_progress_is_what_a_linear_score_would_gain():
    rate = progress(desired=2.0, most=1e-3)(0, G)
    square = (G**2).sum((1, 2, 3))
    assert rate.shape == (2,)
    assert rate == pytest.approx(np.minimum(2.0 / square, 1e-3))
    assert rate[0] == 1e-3  # the first picture's gradient is small
    assert rate[1] < 1e-3
    assert progress(2.0, 1e8)(0, np.zeros((1, 2, 2, 3))) == 1e8


def test_rates():
    assert rate_at(0.5, 0, G).shape == ()
    assert rate_at(lambda step, g: 0.1 * step, 3, G) == pytest.approx(0.3)
    per_picture = rate_at(lambda step, g: np.array([1.0, 2.0]), 0, G)
    assert per_picture.shape == (2, 1, 1, 1)
    assert rate_at(np.float64(0.5), 0, G.astype("float32")).dtype == np.float32
    with pytest.raises(InputError, match=r"a number, or one for each of the 2 pictures, got \(3,\)"):
        rate_at(lambda step, g: np.ones(3), 0, G)


def test_rules_by_word():
    assert step_rule("norm") is norm
    assert step_rule("lbfgs") == LBFGS()
    own = Momentum(0.5)
    assert step_rule(own) is own
    with pytest.raises(UnknownName, match="no step rule is called 'sgd': there are plain, norm"):
        step_rule("sgd")
    with pytest.raises(InputError, match="step must be 'plain'"):
        step_rule(3)
    with pytest.raises(InputError, match="above 0"):
        progress(0, 1)
