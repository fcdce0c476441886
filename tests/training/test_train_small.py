"""`minivis train linear | mlp | minicam`: what is learnt, what the file says, and going on after an interruption."""

import json
from pathlib import Path

import numpy as np
import pytest
from tiny import make_folder

import minivis as mv
from minivis.cli import main
from minivis.nets import linear_classifier, mlp
from minivis.primitives import binary_cross_entropy, cross_entropy
from minivis.scenes.faces import synthetic_faces
from minivis.training import SGD, Training, evaluate, runs, sources
from minivis.training.loop import loss_of
from minivis.weights import open_weights


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    """Work in an empty folder, with few faces."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sources, "FACES_EACH", 12)
    monkeypatch.setattr(sources, "FACES_TEST_EACH", 6)


def train(*argv):
    return main(["train", *argv, "--threads", "1"])


def write_people(path, people=7, each=10):
    """Write an archive like that of the ORL faces: each person a pattern of their own, in noise."""
    rng = np.random.default_rng(0)
    patterns = rng.uniform(40, 215, (people, 1, 14, 12)) + rng.normal(0, 12, (people, each, 14, 12))
    np.savez(path, images=np.clip(patterns, 0, 255).astype(np.uint8))


@pytest.mark.parametrize("output", ["softmax", "sigmoid"])
def test_people_are_learnt_and_the_file_says_how(output, capsys):
    write_people("people.npz")
    options = ["--size", "10", "--output", output, "--epochs", "25", "--batch", "14", "--lr", "0.01"]
    assert train("linear", "--data", "people.npz", *options, "--out", "p.h5") == 0
    printed = capsys.readouterr().out
    assert "60 pictures, 6 classes: 42 to train on, 18 for test (the last 3 pictures of each)" in printed
    assert "18 of 18 right, 100.00%" in printed
    said = open_weights("p.h5").attributes
    assert (said["family"], said["size"], said["colour"], said["output"]) == ("linear", 10, "grey", output)
    assert said["labels"] == [f"person {k}" for k in range(1, 7)]
    assert (said["test_count"], said["test_right"], said["trained_on"]) == (18, 18, 42)
    assert said["source"].startswith("minivis train on people.npz: epochs 25, batch 14, optimizer sgd")
    net = mv.load("p.h5")
    assert net.architecture == linear_classifier(tuple(said["labels"]), 10, output=output)


@pytest.mark.parametrize("net", [["linear"], ["mlp", "--hidden", "24"], ["linear", "--colour", "RGB"]])
def test_few_drawn_faces_are_enough_to_beat_chance_by_far(net, capsys):
    assert train(*net, "--size", "24", "--epochs", "30", "--lr", "0.003", "--out", "f.h5") == 0
    found = open_weights("f.h5").attributes
    assert found["test_right"] >= 0.8 * found["test_count"] == 0.8 * 36
    loaded = mv.load("f.h5")
    test = synthetic_faces(6, "test", 24)
    assert evaluate(loaded, test.pictures, test.labels).right == found["test_right"]


def test_templates_look_like_the_people():
    """The template of a person goes with the mean of their pictures more than with that of any other."""
    faces = synthetic_faces(12, size=24)
    table = linear_classifier(faces.names, 24)
    training = Training(
        table, faces.pictures, faces.labels, SGD(0.9, 0.1), 0.003, epochs=12, batch=24, rng=np.random.default_rng(0)
    )
    list(training)
    net = training.net()
    seen = net.capture(faces.pictures.astype("float32"), ["normalize"])["normalize"]
    means = np.stack([seen[faces.labels == k].mean(0) for k in range(6)]).reshape(6, -1)
    means -= means.mean(0)
    likeness = np.corrcoef(mv.templates(net).reshape(6, -1), means)[:6, 6:]
    assert (likeness.argmax(1) == np.arange(6)).all()
    assert np.diagonal(likeness).min() > 0.5


def test_a_softmax_template_is_a_sum_of_pictures():
    """From zero and without decay, each step adds pictures: the templates add up to 0 over the classes."""
    faces = synthetic_faces(2, size=16)
    table = linear_classifier(faces.names, 16)
    training = Training(
        table, faces.pictures, faces.labels, SGD(0.9), 0.001, epochs=2, batch=12, rng=np.random.default_rng(0)
    )
    list(training)
    w = mv.templates(training.net()).reshape(6, -1).astype(float)
    assert np.abs(w.sum(0)).max() < 1e-6 * np.abs(w).max() * 10
    seen = training.net().capture(faces.pictures.astype("float32"), ["normalize"])["normalize"].reshape(12, -1)
    weights = np.linalg.lstsq(seen.T.astype(float), w.T, rcond=None)[0]
    np.testing.assert_allclose(seen.T @ weights, w.T, atol=1e-5 * np.abs(w).max())


def test_the_loss_fits_the_last_row():
    assert loss_of(mlp(("a", "b"), 8)) is cross_entropy
    assert loss_of(mlp(("a", "b"), 8, output="sigmoid")) is binary_cross_entropy
    assert loss_of(mv.architecture("vgg16")) is cross_entropy


@pytest.mark.parametrize("net", [["linear"], ["mlp", "--output", "sigmoid"], ["minicam"]])
def test_a_resumed_run_gives_the_same_bits(net, monkeypatch, capsys):
    make_folder(Path("colours"), count=45, size=16)
    options = [*net, "--data", "colours", "--size", "16", "--epochs", "3", "--batch", "16"]
    assert train(*options, "--out", "whole.h5") == 0
    step, stop = Training.__next__, 4

    def interrupted(training):
        if training.state.steps == stop:
            raise KeyboardInterrupt
        return step(training)

    with monkeypatch.context() as patched:
        patched.setattr(Training, "__next__", interrupted)
        assert train(*options, "--out", "again.h5") == 130
    assert "stopped after step 4 of" in capsys.readouterr().err
    with np.load("again.h5.training/checkpoint.npz") as checkpoint:
        assert json.loads(str(checkpoint["text"]))["state"]["steps"] == stop
    assert train(*options, "--out", "again.h5", "--resume") == 0
    assert Path("whole.h5").read_bytes() == Path("again.h5").read_bytes()


def test_another_network_does_not_go_on_with_a_run(capsys):
    write_people("people.npz")
    options = ["--data", "people.npz", "--size", "10", "--epochs", "1", "--out", "p.h5"]
    assert train("mlp", *options) == 0
    for changed in (["--hidden", "5"], ["--output", "sigmoid"], ["--colour", "RGB"], ["--first", "5"]):
        assert train("mlp", *options, *changed, "--resume") == 2
        assert "is of a run with other settings" in capsys.readouterr().err


def test_a_run_may_start_from_an_earlier_one_of_the_same_table(capsys):
    write_people("people.npz")
    options = ["--data", "people.npz", "--size", "10", "--epochs", "1"]
    assert train("linear", *options, "--out", "p.h5") == 0
    assert train("linear", *options, "--lr", "1e-12", "--init", "p.h5", "--out", "q.h5") == 0
    np.testing.assert_allclose(mv.templates(mv.load("q.h5")), mv.templates(mv.load("p.h5")), atol=1e-6)
    capsys.readouterr()
    assert train("linear", *options, "--colour", "RGB", "--init", "p.h5", "--out", "r.h5") == 2
    assert "'p.h5' is of another network" in capsys.readouterr().err
    assert train("mlp", *options, "--init", "p.h5", "--out", "s.h5") == 2
    assert "does not say that it is a mlp network" in capsys.readouterr().err


BAD = [
    (["linear", "--hidden", "3"], "linear has no --hidden to choose; it has --size, --colour, --output"),
    (["minicam", "--output", "sigmoid"], "minicam has no --output to choose; it has --size"),
    (["minivgg", "--data", "d", "--size", "64"], "minivgg has no --size to choose; its table is fixed"),
    (["faces-linear", "--colour", "RGB"], "faces-linear has no --colour to choose; its table is fixed"),
    (["minivgg"], "minivgg needs pictures: give --data FOLDER"),
    (["linear", "--size", "4"], "--size is 8 to 512 pixels, got 4"),
    (["mlp", "--hidden", "0"], "--hidden is 1 to 4096 units, got 0"),
    (["lineal"], "no network named 'lineal' to train; there are linear, mlp, minicam"),
    (["linear", "--data", "nowhere"], "there is no folder or file 'nowhere'"),
    (["linear", "--data", "empty"], "must hold one folder of pictures per class"),
    (["linear", "--data", "text.npz"], "is neither an .npz archive nor an idx file"),
    (["mnist-linear", "--data", "faces"], "mnist-linear has the classes 0, 1, 2"),
    (["linear", "--epochs", "0", "--size", "16"], "expected at least one of each"),
]


@pytest.mark.parametrize(("argv", "said"), BAD, ids=[" ".join(argv) for argv, _ in BAD])
def test_what_is_wrong_is_one_line(argv, said, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.npz").write_text("no archive")
    assert train(*argv, "--out", "x.h5") == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1 and error.startswith("minivis: ")
    assert not (tmp_path / "x.h5").exists()


def test_a_log_has_one_line_per_epoch():
    write_people("people.npz")
    assert train("linear", "--data", "people.npz", "--size", "10", "--epochs", "3", "--out", "p.h5", "--validate") == 0
    lines = Path("p.h5.training", runs.LOG).read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2, 3]
    assert all(0 <= json.loads(line)["validation"] <= 1 for line in lines)
    assert "validation_right" in open_weights("p.h5").attributes
