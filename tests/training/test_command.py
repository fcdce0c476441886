"""`minivis train` as a process that is killed, interrupted, resumed and misused."""

import argparse
import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny import TINY, make_folder
from tiny_train import main

from minivis.errors import InputError, UnknownName, WeightFileError
from minivis.nets import ARCHITECTURES, load
from minivis.training import Pictures, evaluate, open_folder, stored_side
from minivis.training.choices import settle
from minivis.training.command import add_arguments
from minivis.weights import open_weights

OPTIONS = ["tiny", "--epochs", "3", "--batch", "16", "--lr", "0.01", "--seed", "4"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = make_folder(tmp_path_factory.mktemp("data"), count=66)
    (root / "green" / "broken.jpg").write_bytes(b"no picture")
    return root


@pytest.fixture(autouse=True)
def known_tiny():
    ARCHITECTURES[TINY.name] = TINY
    yield
    del ARCHITECTURES[TINY.name]


def arguments(data, out, *more):
    return [*OPTIONS, "--data", str(data), "--out", str(out), *more]


def start(stop, sent, data, out, *more):
    """Run the command in a process of its own that sends itself a signal before step `stop`."""
    script = Path(__file__).with_name("tiny_train.py")
    command = [sys.executable, str(script), str(stop), str(int(sent)), *arguments(data, out, *more)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(script.parents[2]), str(script.parent)])}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)


def train(data, out, *more):
    return main(0, 0, arguments(data, out, *more))


def log_of(out):
    """Return the log without the times."""
    lines = Path(f"{out}.training", "log.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in lines]


def steps_in_checkpoint(out):
    with np.load(f"{out}.training/checkpoint.npz") as checkpoint:
        return json.loads(str(checkpoint["text"]))["state"]["steps"]


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory):
    """The file of a run that was never interrupted."""
    ARCHITECTURES[TINY.name] = TINY
    out = tmp_path_factory.mktemp("whole") / "tiny.h5"
    assert train(data, out) == 0
    return out


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("stop", [2, 6])  # within the first epoch, and within the second
def test_a_killed_run_resumes_to_the_same_bits(data, whole, tmp_path, stop):
    out = tmp_path / "tiny.h5"
    killed = start(stop, signal.SIGKILL, data, out)
    assert killed.returncode == -signal.SIGKILL
    assert not out.exists()
    assert steps_in_checkpoint(out) == stop
    resumed = start(0, 0, data, out, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert resumed.stdout.count("epoch ") == (3 if stop == 2 else 2)
    assert out.read_bytes() == whole.read_bytes()
    assert log_of(out) == log_of(whole)
    assert [entry["epoch"] for entry in log_of(out)] == [1, 2, 3]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to itself")
def test_ctrl_c_leaves_a_checkpoint_and_says_how_to_go_on(data, whole, tmp_path):
    out = tmp_path / "tiny.h5"
    stopped = start(5, signal.SIGINT, data, out)
    assert stopped.returncode == 130
    assert "stopped after step 5 of 12" in stopped.stderr and "--resume" in stopped.stderr
    assert "Traceback" not in stopped.stderr
    assert steps_in_checkpoint(out) == 5
    assert train(data, out, "--resume") == 0
    assert out.read_bytes() == whole.read_bytes()


def test_the_file_says_what_made_it_and_how_good_it_is(data, whole, capsys):
    file = open_weights(whole)
    said = file.attributes
    assert said["architecture"] == "tiny"
    assert tuple(said["labels"]) == TINY.labels
    assert "epochs 3" in said["source"] and "seed 4" in said["source"] and "lr 0.01" in said["source"]
    assert str(data) not in said["source"]
    test = Pictures(open_folder(data).test, stored_side(16))
    found = evaluate(load(str(whole)), test, test.labels)
    assert (said["test_count"], said["test_right"]) == (found.total, found.right)
    assert said["trained_on"] == len(open_folder(data).training) - 1  # without the broken file


def test_the_file_is_float16(data, whole, tmp_path):
    kernel = load(str(whole)).weights["fc2"]["kernel"]
    assert kernel.dtype == np.float32
    assert (kernel == kernel.astype("float16")).all()
    train(data, tmp_path / "tiny.h5", "--dtype", "float32")
    exact = load(str(tmp_path / "tiny.h5")).weights["fc2"]["kernel"]
    assert (exact != kernel).any() and (exact.astype("float16") == kernel).all()


def test_it_reports_accuracy_hash_and_what_it_skipped(data, tmp_path, capsys):
    out = tmp_path / "tiny.h5"
    assert train(data, out) == 0
    printed = capsys.readouterr()
    said = open_weights(out).attributes
    assert f"{said['test_right']} of {said['test_count']} right" in printed.out
    assert hashlib.sha256(out.read_bytes()).hexdigest() in printed.out
    assert "broken.jpg" in printed.err and "1 files cannot be read" in printed.err


def test_validation_never_looks_at_the_test_part(data, tmp_path, monkeypatch):
    folder, read = open_folder(data), []
    opened = Pictures.__init__

    def watched(self, files, *more):
        files = list(files)
        read.extend(files)
        opened(self, files, *more)

    monkeypatch.setattr(Pictures, "__init__", watched)
    out = tmp_path / "tiny.h5"
    assert train(data, out, "--validate") == 0
    assert set(read) == set(folder.training)
    assert len(read) == len(set(read))
    assert "validation_right" in open_weights(out).attributes
    assert all(0 <= entry["validation"] <= 1 for entry in log_of(out))


def test_the_test_part_is_not_trained_on(data, tmp_path, monkeypatch):
    folder, lists = open_folder(data), []
    opened = Pictures.__init__
    monkeypatch.setattr(
        Pictures, "__init__", lambda self, files, *more: (lists.append(list(files)), opened(self, lists[-1], *more))[1]
    )
    train(data, tmp_path / "tiny.h5")
    assert [set(files) for files in lists] == [set(folder.training), set(folder.test)]


def test_a_run_is_not_overwritten_nor_mixed_with_another(data, tmp_path):
    out = tmp_path / "tiny.h5"
    assert train(data, out) == 0
    kept = out.read_bytes()
    with pytest.raises(InputError, match="--resume"):
        train(data, out)
    with pytest.raises(InputError, match="batch 16, now 8"):
        train(data, out, "--resume", "--batch", "8")
    other = make_folder(tmp_path / "other", count=45, size=20)
    with pytest.raises(InputError, match="pictures"):
        train(other, out, "--resume")
    assert out.read_bytes() == kept
    assert train(data, out, "--resume") == 0  # a run that is done only writes its file again
    assert out.read_bytes() == kept


def test_wrong_arguments_are_explained(data, tmp_path):
    with pytest.raises(InputError, match="create it first"):
        train(data, tmp_path / "missing" / "tiny.h5")
    with pytest.raises(InputError, match="has the classes airplane, car"):
        main(0, 0, ["minivgg", "--data", str(data), "--out", str(tmp_path / "x.h5")])
    with pytest.raises(UnknownName):
        main(0, 0, ["minivggg", "--data", str(data), "--out", str(tmp_path / "x.h5")])
    with pytest.raises(InputError, match="at least one of each"):
        train(data, tmp_path / "x.h5", "--epochs", "0")


def test_defaults_depend_on_the_optimizer():
    parser = argparse.ArgumentParser()
    add_arguments(parser)

    def settled(*given):
        args = settle(parser.parse_args([*given, "--out", "o.h5"]))
        return args.data, args.epochs, args.optimizer, args.lr, args.weight_decay

    assert settled("minivgg", "--data", "d") == ("d", 16, "adam", 0.001, 0.0)
    assert settled("minivgg", "--data", "d", "--optimizer", "sgd") == ("d", 16, "sgd", 0.01, 5e-4)
    assert settled("linear") == settled("faces-linear") == ("faces", 15, "sgd", 0.001, 0.1)
    assert settled("mlp", "--optimizer", "adam") == ("faces", 20, "adam", 0.001, 0.0)
    assert settled("linear", "--lr", "0.5", "--weight-decay", "0", "--epochs", "2") == ("faces", 2, "sgd", 0.5, 0.0)
    assert settled("minicam") == ("textures", 14, "adam", 0.001, 0.0)
    args = parser.parse_args(["minivgg", "--out", "o.h5"])
    assert (args.seed, args.dtype, args.batch, args.threads, args.device) == (0, "float16", 32, 2, "cpu")
    with pytest.raises(InputError, match="minivgg needs pictures: give --data FOLDER"):
        settle(args)


def test_init_starts_from_the_weights_of_an_earlier_run(data, whole, tmp_path):
    out = tmp_path / "more.h5"
    assert train(data, out, "--init", str(whole), "--lr", "1e-9", "--epochs", "1") == 0
    before, after = load("tiny", weights=whole), load("tiny", weights=out)
    for row in before.weights:
        np.testing.assert_allclose(after.weights[row]["kernel"], before.weights[row]["kernel"], atol=1e-6)
    assert hashlib.sha256(whole.read_bytes()).hexdigest() in open_weights(out).attributes["source"]
    with pytest.raises(WeightFileError, match="no such file"):
        train(data, tmp_path / "other.h5", "--init", str(tmp_path / "missing.h5"))
