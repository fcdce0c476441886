"""Training dynamics: each number worked out by hand, and the same record after a kill."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny import TINY, make_folder, make_pictures

from minivis.errors import InputError, WeightFileError
from minivis.nets import Net
from minivis.training import SGD, Training
from minivis.training.dynamics import (
    Recorder,
    active_channels,
    code_row,
    load_record,
    open_recorder,
    save_record,
    some_of_each,
)
from minivis.training.loop import nested

PICTURES, LABELS = make_pictures(24)
FIXED, FIXED_LABELS = make_pictures(7, seed=5)


def training(epochs=2):
    rng = np.random.default_rng(1)
    return Training(TINY, PICTURES, LABELS, SGD(), 0.02, epochs=epochs, batch=8, rng=rng)


def recorded(run, recorder):
    recorder.begin(run.state)
    before, states = run.state, [run.state]
    for step in run:
        if step.ends_epoch:
            recorder.add(step, before, run.state)
            states += [before, run.state]
        before = run.state
    return states


def test_each_number_is_what_it_says():
    run = training()
    recorder = Recorder(TINY, FIXED, FIXED_LABELS, held_out=(FIXED, FIXED_LABELS))
    first, before, after, *_ = recorded(run, recorder)
    record = recorder.record()
    assert record.epochs.tolist() == [0, 1, 2] and record.row == "drop1" and record.relus == ("relu1",)
    assert record.weights == tuple(after.weights) and record.classes == TINY.labels
    assert np.isnan([record.loss[0], record.accuracy[0]]).all() and np.isnan(record.update_norm[0]).all()
    for p, name in enumerate(record.weights):
        np.testing.assert_allclose(record.weight_norm[0, p], np.linalg.norm(first.weights[name]), rtol=1e-6)
        np.testing.assert_allclose(record.weight_norm[1, p], np.linalg.norm(after.weights[name]), rtol=1e-6)
        change = np.linalg.norm(after.weights[name] - before.weights[name])
        np.testing.assert_allclose(record.update_norm[1, p], change, rtol=1e-6)
        assert change > 0
    net = Net(TINY, nested(after.weights))
    found = net.capture(FIXED, ["drop1", "relu1", "fc2", "prob"])
    np.testing.assert_allclose(record.codes[1], found["drop1"].reshape(7, -1), rtol=1e-6)
    np.testing.assert_allclose(record.dead[1], [(found["relu1"] <= 0).all((0, 1, 2)).mean()])
    right = found["prob"][np.arange(7), FIXED_LABELS]
    np.testing.assert_allclose(record.held_out_loss[1], -np.log(right).mean(), rtol=1e-5)
    assert record.held_out_accuracy[1] == (found["fc2"].argmax(1) == FIXED_LABELS).mean()
    np.testing.assert_allclose(record.update_ratio[1], record.update_norm[1] / record.weight_norm[1])
    assert np.isnan(record.update_ratio[0]).all()


def test_recording_does_not_change_the_run():
    watched, alone = training(), training()
    recorded(watched, Recorder(TINY, FIXED, FIXED_LABELS))
    for step in alone:  # noqa: B007  (the last one is looked at)
        pass
    assert step.ends_epoch
    for name, array in alone.state.weights.items():
        np.testing.assert_array_equal(watched.state.weights[name], array)


def test_pictures_come_in_batches(monkeypatch):
    records = []
    for batch in (64, 3):
        monkeypatch.setattr("minivis.training.dynamics.BATCH", batch)
        recorder = Recorder(TINY, FIXED, FIXED_LABELS, held_out=(FIXED, FIXED_LABELS))
        recorded(training(1), recorder)
        records.append(recorder.record())
    for name in ("codes", "dead", "held_out_loss", "held_out_accuracy"):
        np.testing.assert_allclose(*(getattr(record, name) for record in records), rtol=1e-5, err_msg=name)


@pytest.mark.parametrize("bright", [0, 3, 6])
def test_a_channel_that_fires_for_one_picture_in_one_batch_is_not_dead(monkeypatch, bright):
    monkeypatch.setattr("minivis.training.dynamics.BATCH", 3)
    pictures = np.zeros_like(FIXED)
    pictures[bright] = 255
    state = training().state
    kernel = np.abs(state.weights["conv1/kernel"])  # fires where it is bright; the fourth channel where it is dark
    kernel[..., 3] *= -1
    weights = {**state.weights, "conv1/kernel": kernel, "conv1/bias": np.array([0, 0, -1e6, 0], "float32")}
    recorder = Recorder(TINY, pictures, FIXED_LABELS)
    recorder.begin(state._replace(weights=weights))
    assert recorder.record().dead.tolist() == [[0.25]]


@pytest.mark.parametrize("shape", [(2, 3, 3, 4), (5, 4)])
def test_a_channel_is_active_if_it_fires_anywhere(shape):
    maps = np.zeros(shape, "float32")
    maps[-1, ..., 1].flat[-1] = 0.1
    maps[..., 2] = -1
    assert active_channels(maps).tolist() == [False, True, False, False]


def test_some_of_each_class_in_turn():
    labels = np.array([0, 0, 0, 0, 1, 1, 2, 0])
    assert some_of_each(labels, 3).tolist() == [0, 4, 6]
    assert some_of_each(labels, 6).tolist() == [0, 1, 2, 4, 5, 6]
    assert some_of_each(labels, 99).tolist() == list(range(8))


def test_a_record_comes_back_from_its_file(tmp_path):
    recorder = Recorder(TINY, FIXED, FIXED_LABELS)
    recorded(training(1), recorder)
    record = recorder.record()
    save_record(tmp_path / "r.npz", record)
    again = load_record(tmp_path / "r.npz")
    for name, one, other in zip(record._fields, record, again, strict=True):
        np.testing.assert_array_equal(one, other, err_msg=name)
    assert [path.name for path in tmp_path.iterdir()] == ["r.npz"]


def test_damaged_records_are_refused(tmp_path):
    recorder = Recorder(TINY, FIXED, FIXED_LABELS)
    recorder.begin(training().state)
    record = recorder.record()
    save_record(tmp_path / "r.npz", record._replace(dead=record.dead[:, :0]))
    with pytest.raises(WeightFileError, match="dead has shape"):
        load_record(tmp_path / "r.npz")
    save_record(tmp_path / "whole.npz", record)
    (tmp_path / "cut.npz").write_bytes((tmp_path / "whole.npz").read_bytes()[:400])
    np.savez(tmp_path / "other.npz", a=np.ones(3))
    for name in ("cut.npz", "other.npz", "missing.npz"):
        with pytest.raises(WeightFileError, match="no record of a training run"):
            load_record(tmp_path / name)


def test_what_does_not_follow_is_refused(tmp_path):
    run, recorder = training(), Recorder(TINY, FIXED, FIXED_LABELS)
    with pytest.raises(InputError, match="call begin"):
        recorder.record()
    before = run.state
    step = next(run)
    with pytest.raises(InputError, match="last step"):
        recorder.add(step, before, run.state)
    with pytest.raises(InputError, match="has done 1 epochs, its record has 0"):
        recorder.begin(run.state, 1)
    recorder.begin(before)
    with pytest.raises(InputError, match="other pictures"):
        Recorder(TINY, FIXED, (FIXED_LABELS + 1) % 3, record=recorder.record())
    with pytest.raises(InputError, match="a label for each"):
        Recorder(TINY, FIXED, FIXED_LABELS[:2])
    with pytest.raises(InputError, match="not recorded"):
        open_recorder(tmp_path, TINY, (FIXED, FIXED_LABELS), 3, True)
    assert code_row(TINY) == "drop1"


def command(stop, sent, data, out, *more):
    script = Path(__file__).with_name("tiny_train.py")
    options = ["tiny", "--epochs", "3", "--batch", "16", "--lr", "0.01", "--seed", "4", "--record", "5"]
    argv = [sys.executable, str(script), str(stop), str(int(sent)), *options, "--data", str(data), "--out", str(out)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(script.parents[2]), str(script.parent)])}
    return subprocess.run([*argv, *more], capture_output=True, text=True, env=environment, timeout=300)


@pytest.mark.verify
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_killed_run_ends_with_the_same_record(tmp_path):
    data = make_folder(tmp_path / "data", count=66)
    whole = command(0, 0, data, tmp_path / "whole.h5")
    assert whole.returncode == 0, whole.stderr
    assert command(6, signal.SIGKILL, data, tmp_path / "cut.h5").returncode == -signal.SIGKILL
    partial = load_record(tmp_path / "cut.h5.training" / "dynamics.npz")
    assert partial.epochs.tolist() == [0, 1]
    resumed = command(0, 0, data, tmp_path / "cut.h5", "--resume")
    assert resumed.returncode == 0, resumed.stderr
    one, other = (load_record(tmp_path / f"{name}.h5.training" / "dynamics.npz") for name in ("whole", "cut"))
    assert one.epochs.tolist() == [0, 1, 2, 3] and one.codes.shape[1] == 5
    for name, a, b in zip(one._fields, one, other, strict=True):
        np.testing.assert_array_equal(a, b, err_msg=name)


def test_a_record_that_is_ahead_of_its_checkpoint_is_cut():
    """A run killed after the record was written, before the checkpoint was."""
    run, recorder = training(), Recorder(TINY, FIXED, FIXED_LABELS)
    recorded(run, recorder)
    whole = recorder.record()
    again = training()
    before, ends = again.state, []
    going_on = Recorder(TINY, FIXED, FIXED_LABELS, record=whole)
    for step in again:
        if step.ends_epoch:
            ends.append(step.epoch)
            if step.epoch == 2:
                going_on.add(step, before, again.state)
        before = again.state
        if step.epoch == 1 and step.ends_epoch:
            going_on.begin(again.state, done=1)
            assert going_on.record().epochs.tolist() == [0, 1]
    for name, a, b in zip(whole._fields, whole, going_on.record(), strict=True):
        np.testing.assert_array_equal(a, b, err_msg=name)


def test_a_run_that_goes_on_within_its_first_epoch_keeps_the_look_at_its_start():
    run = training()
    recorder = Recorder(TINY, FIXED, FIXED_LABELS)
    recorder.begin(run.state)
    start = recorder.record()
    next(run)
    again = Recorder(TINY, FIXED, FIXED_LABELS, record=start)
    again.begin(run.state)
    np.testing.assert_array_equal(again.record().codes, start.codes)
    np.testing.assert_array_equal(again.record().weight_norm, start.weight_norm)
