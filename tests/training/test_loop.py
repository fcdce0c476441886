"""Single steps, and going on from a state."""

from itertools import chain

import numpy as np
import pytest
from tiny import TINY, make_pictures

from minivis.backend import to_host
from minivis.errors import InputError, WeightFileError
from minivis.nets import Architecture, Net, architecture, initial_weights
from minivis.nets.layers import Input, Linear, Normalize, Softmax
from minivis.nets.vgg16 import blocks, classifier
from minivis.training import (
    SGD,
    Adam,
    Checkpoint,
    Training,
    constant,
    cosine,
    evaluate,
    load_checkpoint,
    random_views,
    save_checkpoint,
)
from minivis.training.loop import flat, nested

LINEAR = Architecture(
    name="one row",
    table=(
        ("input", Input(4)),
        ("normalize", Normalize(mean=(100.0,) * 3, std=(50.0,) * 3)),
        ("fc1", Linear(3)),
        ("prob", Softmax()),
    ),
    labels=("blue", "green", "red"),
    maps="normalize",
)


def train_tiny(**changes):
    pictures, labels = make_pictures(20, size=18)
    options = {"epochs": 3, "batch": 8, "rng": np.random.default_rng(5), "view": random_views} | changes
    return Training(TINY, pictures, labels, options.pop("optimizer", Adam()), options.pop("lr", 0.01), **options)


def same_state(a, b):
    """Compare two states to the bit."""
    for x, y in [(a.weights, b.weights), *((a.memory[part], b.memory[part]) for part in a.memory)]:
        assert x.keys() == y.keys()
        for name in x:
            np.testing.assert_array_equal(x[name], y[name], strict=True)
    np.testing.assert_array_equal(a.order, b.order, strict=True)
    assert a._replace(weights=0, memory=0, order=0) == b._replace(weights=0, memory=0, order=0)


def test_one_step_of_a_linear_classifier_is_what_the_textbook_says(rng):
    pictures, labels = rng.integers(0, 256, (7, 4, 4, 3), dtype=np.uint8), rng.integers(0, 3, 7)
    training = Training(LINEAR, pictures, labels, SGD(0.0), 0.5, epochs=1, batch=7, rng=rng)
    before = nested(training.state.weights)["fc1"]
    order = training.state.order
    step = next(training)
    x = ((pictures.astype("float64") - 100) / 50).reshape(7, -1)[order]
    right = np.eye(3)[labels[order]]
    scores = np.exp(x @ before["kernel"].astype("float64"))
    p = scores / scores.sum(1, keepdims=True)
    loss = -np.log((p * right).sum(1)).mean()
    kernel, bias = x.T @ (p - right) / 7, (p - right).mean(0)
    after = nested(training.state.weights)["fc1"]
    np.testing.assert_allclose(after["kernel"], before["kernel"] - 0.5 * kernel, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(after["bias"], -0.5 * bias, rtol=1e-4, atol=1e-5)
    assert step.loss == pytest.approx(loss, rel=1e-4)
    assert step.gradient_norm == pytest.approx(np.sqrt((kernel**2).sum() + (bias**2).sum()), rel=1e-4)
    assert step.accuracy == (p.argmax(1) == labels[order]).mean()
    with pytest.raises(StopIteration):
        next(training)


def test_parts_of_a_batch_give_the_gradient_of_the_whole(rng):
    pictures, labels = rng.integers(0, 256, (7, 4, 4, 3), dtype=np.uint8), rng.integers(0, 3, 7)
    after = []
    for threads in (1, 3):
        rng = np.random.default_rng(3)
        training = Training(LINEAR, pictures, labels, SGD(), 0.1, epochs=1, batch=7, rng=rng, threads=threads)
        step = next(training)
        after.append((training.state.weights["fc1/kernel"], step.loss, step.accuracy))
    np.testing.assert_allclose(after[0][0], after[1][0], rtol=1e-5, atol=1e-6)
    assert after[0][1] == pytest.approx(after[1][1], rel=1e-5)
    assert after[0][2] == after[1][2]


SMALL_VGG = Architecture(
    name="small vgg",
    table=(
        ("input", Input(24)),
        ("normalize", Normalize(mean=(128.0,) * 3, std=(64.0,) * 3)),
        *blocks([[8] * 2, [16] * 2]),
        *classifier(hidden=64, classes=8),
    ),
    labels=tuple("abcdefgh"),
    maps="relu2_2",
)


@pytest.mark.parametrize("optimizer, lr", [(SGD(0.9), 0.02), (Adam(), 2e-3)], ids=["sgd", "adam"])
def test_a_vgg_learns_sixteen_pictures_of_noise_by_heart(optimizer, lr):
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (16, 24, 24, 3), dtype=np.uint8)
    labels = np.arange(16) % 8
    training = Training(SMALL_VGG, pictures, labels, optimizer, lr, epochs=100, batch=16, rng=rng, clip=5.0)
    assert evaluate(training.net(), pictures, labels).right < 8
    steps = list(training)
    assert evaluate(training.net(), pictures, labels).right == 16
    assert steps[-1].loss < steps[0].loss  # with dropout on, so not near 0


def test_dropout_is_on(monkeypatch):
    asked = []
    capture = Net.capture
    monkeypatch.setattr(
        Net, "capture", lambda net, x, names, **more: asked.append(more["rng"]) or capture(net, x, names, **more)
    )
    training = train_tiny(threads=2)
    next(training), next(training)
    masks = [rng.random(4).tolist() for rng in asked]  # each part of each batch has other random numbers
    assert len(masks) == 4 and all(a != b for i, a in enumerate(masks) for b in masks[:i])


def test_everything_stays_float32():
    for optimizer in (SGD(0.9, 1e-3, nesterov=True), Adam(weight_decay=1e-3)):
        training = train_tiny(optimizer=optimizer, lr=cosine(0.01, 9), clip=0.1, threads=2)
        next(training), next(training)
        arrays = [*training.state.weights.values(), *(a for m in training.state.memory.values() for a in m.values())]
        assert {a.dtype for a in arrays} == {np.dtype("float32")}
        assert training.net().dtype == np.float32


def test_an_epoch_shows_each_picture_once_in_a_new_order():
    seen = []

    class Watched:
        pictures, _ = make_pictures(20)

        def __len__(self):
            return 20

        def __getitem__(self, indices):
            seen.append(list(indices))
            return self.pictures[indices]

    labels = np.zeros(20, int)
    training = Training(TINY, Watched(), labels, SGD(), 0.0, epochs=2, batch=8, rng=np.random.default_rng(0))
    steps = list(training)
    assert [(s.epoch, s.batch, s.batches, s.ends_epoch) for s in steps] == [
        (1, 1, 3, False),
        (1, 2, 3, False),
        (1, 3, 3, True),
        (2, 1, 3, False),
        (2, 2, 3, False),
        (2, 3, 3, True),
    ]
    assert [len(batch) for batch in seen] == [7, 7, 6, 7, 7, 6]
    first, second = list(chain(*seen[:3])), list(chain(*seen[3:]))
    assert sorted(first) == sorted(second) == list(range(20))
    assert first != second


def test_the_mean_loss_and_accuracy_are_over_the_epoch():
    steps = list(train_tiny(epochs=2))
    for epoch in (steps[:3], steps[3:]):
        weighted = sum(s.loss * n for s, n in zip(epoch, (7, 7, 6), strict=True)) / 20
        assert epoch[-1].mean_loss == pytest.approx(weighted, rel=1e-12)
        assert epoch[0].mean_loss == epoch[0].loss
        assert round(epoch[-1].accuracy * 20, 9).is_integer()


def test_the_learning_rate_follows_its_schedule():
    assert [s.lr for s in train_tiny(lr=cosine(0.01, 9))] == [cosine(0.01, 9)(k) for k in range(9)]
    assert {s.lr for s in train_tiny(lr=0.02)} == {constant(0.02)(0)} == {0.02}


def test_clipping_shortens_the_step():
    free, cut = (train_tiny(optimizer=SGD(0.0), lr=10.0, clip=clip) for clip in (None, 1e-3))
    start = free.state.weights
    a, b = next(free), next(cut)
    assert a.gradient_norm == b.gradient_norm > 1e-3
    for name, w in start.items():
        whole, short = free.state.weights[name] - w, cut.state.weights[name] - w
        np.testing.assert_allclose(short, whole * (1e-3 / a.gradient_norm), rtol=0, atol=1e-6)
    moved = sum(((cut.state.weights[name] - w) ** 2).sum() for name, w in start.items())
    assert np.sqrt(moved) == pytest.approx(10.0 * 1e-3, rel=1e-3)


@pytest.mark.parametrize("optimizer", [SGD(0.9, 1e-3), Adam()], ids=["sgd", "adam"])
@pytest.mark.parametrize("stop", [0, 1, 3, 5])
def test_going_on_from_a_checkpoint_gives_the_same_bits(tmp_path, optimizer, stop):
    whole = train_tiny(optimizer=optimizer, threads=2)
    expected = list(whole)
    broken = train_tiny(optimizer=optimizer, threads=2)
    steps = [next(broken) for _ in range(stop)]
    path = tmp_path / "checkpoint.npz"
    save_checkpoint(path, Checkpoint(broken.state, {"seed": 5}, [{"epoch": 1}], 2.5))
    back = load_checkpoint(path, {"seed": 5})
    same_state(back.state, broken.state)
    assert (back.settings, back.history, back.seconds) == ({"seed": 5}, [{"epoch": 1}], 2.5)
    resumed = train_tiny(optimizer=optimizer, threads=2, rng=np.random.default_rng(99), state=back.state)
    assert steps + list(resumed) == expected
    same_state(resumed.state, whole.state)


def test_an_interrupted_step_leaves_the_state_before_it():
    expected = list(train_tiny())
    training = train_tiny()
    next(training)
    state, view = training.state, training.view

    def interrupted(*args):
        view(*args)
        raise KeyboardInterrupt

    training.view = interrupted
    with pytest.raises(KeyboardInterrupt):
        next(training)
    same_state(training.state, state)
    training.view = view
    assert list(training) == expected[1:]


def test_a_gpu_trains_the_same_way(device):
    on_cpu, on_gpu = train_tiny(epochs=1), train_tiny(epochs=1, device="gpu")
    for ours, theirs in zip(list(on_cpu), list(on_gpu), strict=True):
        assert ours == pytest.approx(theirs, rel=1e-3)
    for name, w in on_gpu.state.weights.items():
        assert isinstance(w, device.ndarray)
        np.testing.assert_allclose(to_host(w), on_cpu.state.weights[name], rtol=1e-3, atol=1e-4)
    pictures, labels = make_pictures(20)
    assert evaluate(on_gpu.net(), pictures, labels).total == 20


def test_a_run_may_move_to_a_gpu(device, tmp_path):
    training = train_tiny(epochs=1, device="gpu")
    next(training)
    save_checkpoint(tmp_path / "c.npz", Checkpoint(training.state, {}, []))
    state = load_checkpoint(tmp_path / "c.npz", {}).state
    assert {type(array) for array in state.weights.values()} == {np.ndarray}
    for where in ("cpu", "gpu"):
        assert next(train_tiny(epochs=1, device=where, state=state)).batch == 2


def test_seeds_decide():
    a, b, c = (list(train_tiny(rng=np.random.default_rng(seed))) for seed in (1, 1, 2))
    assert a == b != c


def test_a_loss_that_is_not_finite_stops_the_run():
    training = train_tiny(optimizer=SGD(0.0), lr=1e30)
    with pytest.raises(InputError, match="smaller learning rate"):
        list(training)


@pytest.mark.parametrize(
    "labels, changes",
    [
        (np.zeros(19, int), {}),
        (np.zeros(20), {}),
        (np.full(20, 3), {}),
        (np.full(20, -1), {}),
        (np.zeros(20, int), {"epochs": 0}),
        (np.zeros(20, int), {"batch": 0}),
        (np.zeros(20, int), {"threads": 0}),
    ],
)
def test_what_does_not_fit_is_refused(labels, changes):
    pictures, _ = make_pictures(20)
    options = {"epochs": 1, "batch": 4, "rng": np.random.default_rng(0)} | changes
    with pytest.raises(InputError):
        Training(TINY, pictures, labels, SGD(), 0.1, **options)


def test_other_settings_and_damaged_checkpoints_are_refused(tmp_path):
    path = tmp_path / "checkpoint.npz"
    save_checkpoint(path, Checkpoint(train_tiny().state, {"lr": 0.1, "seed": 5}, []))
    with pytest.raises(InputError, match=r"lr 0\.1, now 0\.2"):
        load_checkpoint(path, {"lr": 0.2, "seed": 5})
    data = path.read_bytes()
    for damaged in (b"", b"PK", data[: len(data) // 2], data[:100] + b"\0" * 200 + data[300:]):
        path.write_bytes(damaged)
        with pytest.raises(WeightFileError, match="no checkpoint"):
            load_checkpoint(path, {"lr": 0.1, "seed": 5})
    np.savez(path, other=np.zeros(3))
    with pytest.raises(WeightFileError, match="no checkpoint"):
        load_checkpoint(path, {})
    with pytest.raises(WeightFileError, match="no checkpoint"):
        load_checkpoint(tmp_path / "missing.npz", {})


def test_a_checkpoint_holds_no_pickle(tmp_path):
    path = tmp_path / "checkpoint.npz"
    np.savez(path, text=np.array({"version": 1}, dtype=object))
    with pytest.raises(WeightFileError, match="no checkpoint"):
        load_checkpoint(path, {})


def test_a_checkpoint_replaces_the_old_one_whole(tmp_path, monkeypatch):
    path = tmp_path / "checkpoint.npz"
    training = train_tiny()
    save_checkpoint(path, Checkpoint(training.state, {}, []))
    kept = path.read_bytes()
    next(training)

    def fail(file, **arrays):
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez", fail)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(path, Checkpoint(training.state, {}, []))
    assert path.read_bytes() == kept
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint.npz"]


def test_names_with_slashes_survive_flattening(rng):
    weights = initial_weights(architecture("squeezenet"), rng)
    assert nested(flat(weights)).keys() == weights.keys()
    assert "fire2/squeeze1x1/kernel" in flat(weights)


def test_evaluation_counts_what_is_taken_for_what(rng):
    pictures, labels = make_pictures(10, size=18)
    training = train_tiny()
    net = training.net()
    answers = net(pictures[:, 1:17, 1:17].astype("float32")).argmax(-1)
    found = evaluate(net, pictures, labels, batch=4)
    expected = np.zeros((3, 3), int)
    for label, answer in zip(labels, answers, strict=True):
        expected[label, answer] += 1
    assert (found.confusion == expected).all()
    assert (found.right, found.total) == ((labels == answers).sum(), 10)
    assert found.accuracy == (labels == answers).mean()
    of_each = [(answers[labels == k] == k).mean() for k in range(3)]
    np.testing.assert_allclose(found.by_class, of_each)
    with pytest.raises(InputError):
        evaluate(net, pictures, labels[:3])
