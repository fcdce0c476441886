"""`minivis statistics`, `compress` and `dynamics`: their files, what they print, and what they refuse."""

import numpy as np
import pytest
from command_line import caller, prepare
from PIL import Image
from small import CHAIN

from minivis.nets import ARCHITECTURES, Architecture, Net, initial_weights, load
from minivis.training import SGD, Training
from minivis.training.dynamics import Recorder, save_record
from minivis.weights import save_weights

NAMES = ("ant", "bee", "cow", "dog", "emu")
FIVE = Architecture("five", CHAIN.table, NAMES, maps="relu2_1")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    prepare(tmp_path, monkeypatch)
    monkeypatch.setitem(ARCHITECTURES, "five", FIVE)
    weights = initial_weights(FIVE, np.random.default_rng(0))
    save_weights(tmp_path / "five.h5", weights, attributes={"architecture": "five"})
    rng = np.random.default_rng(2)
    for name in NAMES:
        (tmp_path / "data" / name).mkdir(parents=True)
        for i in range(8):
            Image.fromarray(rng.integers(0, 256, (18, 18, 3), np.uint8)).save(tmp_path / "data" / name / f"{i}.png")
    (tmp_path / "data" / "ant" / "broken.jpg").write_bytes(b"no picture")
    return tmp_path


@pytest.fixture
def call(capsys):
    return caller(capsys)


def test_statistics(folder, call):
    said = call("statistics", "five.h5", "data", "--out", "s")
    assert said.code == 0, said.err
    assert {path.name for path in (folder / "s").iterdir()} == {"weights.png", "activations.png"}
    assert "no Gabor functions" in said.out and "40 pictures" in said.out and "a normal distribution" in said.out
    assert "broken.jpg" in said.err and len(said.err.splitlines()) == 1
    assert call("statistics", "five.h5", "--out", "t").code == 0
    assert [path.name for path in (folder / "t").iterdir()] == ["weights.png"]


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("statistics", "five.h5", "nowhere"), "no folder 'nowhere'"),
        (("statistics", "five.h5", "cache"), "cache"),
        (("statistics", "five.h5", "--most", "0"), "--most is 1 or more"),
        (("compress", "chain.h5", "data"), "has 5 classes"),
        (("compress", "five.h5", "data", "--share", "2"), "share 0..1"),
        (("compress", "five.h5", "data", "--retrain", "-1"), "--retrain"),
        (("dynamics", "five.h5"), "no record of a training run"),
        (("dynamics", "nowhere"), "no record of a training run"),
    ],
)
def test_one_line_for_what_cannot_be(folder, call, argv, message):
    said = call(*argv)
    assert said.code == 2 and message in said.err and len(said.err.splitlines()) == 1


@pytest.mark.parametrize("more", [(), ("--retrain", "1", "--threads", "1")])
def test_compress(folder, call, more):
    said = call("compress", "five.h5", "data", "--share", "0.5", "--out", "c", *more)
    assert said.code == 0, said.err
    lines = [line.split() for line in said.out.splitlines()]
    sizes = [int(line[-3].replace(",", "")) for line in lines if line and line[-1].endswith("%") and "x" in line[-2]]
    assert len(sizes) == (6 if more else 4) and sizes == sorted(sizes, reverse=True)
    assert (folder / "c" / "pruning.png").exists()
    net, before = load("c/compressed.h5"), Net(FIVE, load("five.h5").weights)
    for row, arrays in net.weights.items():
        kernel = arrays["kernel"]
        assert len(np.unique(kernel)) <= 2 ** (8 if kernel.ndim == 4 else 5)
        if not more:
            kept = kernel != 0
            assert np.corrcoef(kernel[kept], before.weights[row]["kernel"][kept])[0, 1] > 0.99


def test_dynamics(folder, call):
    rng = np.random.default_rng(0)
    pictures, labels = rng.integers(0, 256, (20, 16, 16, 3), np.uint8), np.arange(20) % 5
    run = Training(FIVE, pictures, labels, SGD(), 0.001, epochs=1, batch=10, rng=rng)
    recorder = Recorder(FIVE, pictures[:10], labels[:10], held_out=(pictures, labels))
    recorder.begin(run.state)
    before = run.state
    for step in run:
        if step.ends_epoch:
            recorder.add(step, before, run.state)
        before = run.state
    (folder / "work").mkdir()
    save_record(folder / "work" / "dynamics.npz", recorder.record())
    said = call("dynamics", "work", "--out", "d", "--panels", "3")
    assert said.code == 0, said.err
    assert {path.name for path in (folder / "d").iterdir()} == {"curves.png", "epochs.png", "epochs.gif"}
    with Image.open(folder / "d" / "epochs.gif") as film:
        assert film.n_frames > 3
