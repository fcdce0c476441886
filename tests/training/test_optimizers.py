"""SGD, Adam and the schedules: against closed forms, and against PyTorch."""

import math

import numpy as np
import pytest

from minivis.errors import InputError
from minivis.training.optimizers import SGD, Adam, clip_norm, cosine, staircase

OPTIMIZERS = [
    SGD(0.0),
    SGD(0.9),
    SGD(0.9, weight_decay=0.1),
    SGD(0.8, weight_decay=0.1, nesterov=True),
    Adam(),
    Adam(beta1=0.8, beta2=0.95, epsilon=1e-3, weight_decay=0.1),
]
NAMES = [str(optimizer) for optimizer in OPTIMIZERS]


def walk(optimizer, weights, gradients, lr=0.05):
    """Take one step per table of gradients."""
    memory = optimizer.start(weights)
    for number, g in enumerate(gradients, start=1):
        weights, memory = optimizer.step(weights, g, memory, lr, number)
    return weights, memory


def random_tables(count, dtype="float64", seed=0):
    rng = np.random.default_rng(seed)
    return [
        {"a/kernel": rng.normal(size=(3, 4)).astype(dtype), "a/bias": rng.normal(size=4).astype(dtype)}
        for _ in range(count)
    ]


@pytest.mark.verify
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=NAMES)
def test_steps_are_those_of_pytorch(optimizer):
    torch = pytest.importorskip("torch")
    start, *gradients = random_tables(8)
    theirs = {name: torch.nn.Parameter(torch.tensor(w)) for name, w in start.items()}
    if isinstance(optimizer, SGD):
        constants = {"momentum": optimizer.momentum, "nesterov": optimizer.nesterov}
        reference = torch.optim.SGD(theirs.values(), 0.05, weight_decay=optimizer.weight_decay, **constants)
    else:
        constants = {"betas": (optimizer.beta1, optimizer.beta2), "eps": optimizer.epsilon}
        reference = torch.optim.Adam(theirs.values(), 0.05, weight_decay=optimizer.weight_decay, **constants)
    for g in gradients:
        for name, parameter in theirs.items():
            parameter.grad = torch.tensor(g[name])
        reference.step()
    ours, _ = walk(optimizer, start, gradients)
    for name, w in ours.items():
        np.testing.assert_allclose(w, theirs[name].detach().numpy(), rtol=1e-12, atol=1e-14)


def test_momentum_adds_up_a_constant_gradient_as_a_geometric_series():
    lr, momentum, steps = 0.1, 0.7, 5
    weights, _ = walk(SGD(momentum), {"w": np.array([2.0])}, [{"w": np.array([3.0])}] * steps, lr)
    travelled = sum((1 - momentum**k) / (1 - momentum) for k in range(1, steps + 1))
    assert weights["w"] == pytest.approx(2.0 - lr * 3.0 * travelled, rel=1e-14)


def test_weight_decay_alone_shrinks_by_a_power():
    weights, _ = walk(SGD(0.0, weight_decay=0.5), {"w": np.array([2.0])}, [{"w": np.array([0.0])}] * 4, lr=0.1)
    assert weights["w"] == pytest.approx(2.0 * (1 - 0.1 * 0.5) ** 4, rel=1e-14)


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3])
def test_adam_steps_by_lr_whatever_the_size_of_a_constant_gradient(size):
    # With a constant gradient both corrected means are exact, so each step is lr * g / (|g| + epsilon).
    weights, _ = walk(Adam(epsilon=1e-12), {"w": np.array([1.0, 1.0])}, [{"w": np.array([size, -size])}] * 3, lr=0.01)
    np.testing.assert_allclose(weights["w"], [1 - 0.03, 1 + 0.03], rtol=1e-8)


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=NAMES)
def test_float32_stays_and_nothing_is_changed_in_place(optimizer):
    start, *gradients = random_tables(3, "float32")
    for table in (start, *gradients):
        for array in table.values():
            array.flags.writeable = False
    weights, memory = walk(optimizer, start, gradients, lr=0.05)
    arrays = [*weights.values(), *(a for part in memory.values() for a in part.values())]
    assert {a.dtype for a in arrays} == {np.dtype("float32")}
    before, after = random_tables(1, "float32")[0], weights
    assert all((start[name] == before[name]).all() and (after[name] != before[name]).any() for name in before)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: SGD(1.0),
        lambda: SGD(0.9, weight_decay=-1.0),
        lambda: SGD(0.0, nesterov=True),
        lambda: Adam(beta1=1.0),
        lambda: Adam(epsilon=0.0),
        lambda: cosine(0.1, 0),
        lambda: cosine(0.1, 10, warmup=10),
        lambda: staircase(0.1, 0),
        lambda: clip_norm({}, 0.0),
    ],
)
def test_constants_out_of_range_are_refused(wrong):
    with pytest.raises(InputError):
        wrong()


def test_cosine_falls_from_lr_to_zero():
    rate = cosine(0.4, 100)
    assert rate(0) == 0.4
    assert rate(50) == pytest.approx(0.2)
    assert rate(25) == pytest.approx(0.2 * (1 + math.sqrt(0.5)))
    assert rate(100) == pytest.approx(0.0, abs=1e-15)
    assert rate(1000) == rate(100)


def test_warmup_is_a_line_that_meets_the_cosine():
    rate = cosine(0.4, 104, warmup=4)
    assert [rate(step) for step in range(5)] == pytest.approx([0.08, 0.16, 0.24, 0.32, 0.4])
    assert rate(54) == pytest.approx(0.2)


def test_staircase():
    rate = staircase(0.4, every=10, factor=0.5)
    assert [rate(0), rate(9), rate(10), rate(35)] == [0.4, 0.4, 0.2, 0.05]


def test_clipping_keeps_the_direction_and_cuts_the_length():
    gradients = {"a": np.array([3.0, 0.0], "float32"), "b": np.array([[4.0]], "float32")}
    clipped, length = clip_norm(gradients, 2.5)
    assert length == 5.0
    assert clipped["a"].tolist() == [1.5, 0.0] and clipped["b"].tolist() == [[2.0]]
    assert clipped["a"].dtype == np.float32
    untouched, _ = clip_norm(gradients, 5.0)
    assert all((untouched[name] == gradients[name]).all() for name in gradients)
