"""The other commands, and `main` itself: exit codes, one line per error, Ctrl-C, closed pipes."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from command_line import caller, prepare
from PIL import Image

import minivis as mv
from minivis import weights
from minivis.cli import common, doctor, nets
from minivis.nets import ARCHITECTURES
from minivis.weights import open_weights

COMMANDS = ("look", "summary", "filters", "doctor", "weights", "train")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    return prepare(tmp_path, monkeypatch)


@pytest.fixture
def call(capsys):
    return caller(capsys)


def fails(said, told):
    assert said.code == 2
    assert told in said.err
    assert said.err.startswith("minivis")
    assert said.err.count("\n") == 1


def test_version_and_help(call):
    assert call("--version") == (0, f"minivis {mv.__version__}\n", "")
    said = call("--help")
    assert (said.code, said.err) == (0, "")
    assert all(re.search(rf"^ +{name} ", said.out, re.MULTILINE) for name in COMMANDS)


@pytest.mark.parametrize("command", [*([name] for name in COMMANDS), ["weights", "verify"]])
def test_every_command_explains_itself(call, command):
    said = call(*command, "--help")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"usage: minivis {' '.join(command)}")


@pytest.mark.parametrize(
    "argv", [[], ["lok"], ["summary"], ["weights"], ["weights", "gett"], ["train"], ["doctor", "x"]]
)
def test_a_wrong_command_line_is_one_line(call, argv):
    fails(call(*argv), "--help)")


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_summary_of_each_net_needs_no_weights(call, name):
    said = call("summary", name)
    assert (said.code, said.err) == (0, "")
    assert said.out == f"{ARCHITECTURES[name].summary()}\n"


def test_summary_of_a_file_is_that_of_its_net(folder, call):
    assert call("summary", "chain.h5").out == call("summary", "chain").out


def test_summary_of_nothing(call):
    fails(call("summary", "vgg61"), "did you mean vgg16?")


def test_filters_are_drawn(folder, call):
    said = call("filters", "chain.h5")
    assert (said.code, said.out) == (0, "chain-filters.png\n")
    assert Image.open("chain-filters.png").size[0] > 300
    assert call("filters", "chain.h5", "--out", "new/f.png").out.strip() == str(Path("new/f.png"))
    fails(call("filters", "chain.h5", "--out", "chain.h5/f.png"), "cannot be written: File exists")
    fails(call("filters", "chain.h5", "--out", "f.xyz"), "must end in one of")


def test_doctor_tells_versions_speed_gpu_and_weights(folder, call, monkeypatch):
    monkeypatch.setenv("MINIVIS_WEIGHTS", str(folder))
    monkeypatch.setattr(doctor, "SIDE", 64)
    said = call("doctor")
    assert (said.code, said.err) == (0, "")
    assert f"numpy {np.__version__}" in said.out
    assert re.search(r"^speed +\d+ GFLOP/s in a float32 product of 64 x 64", said.out, re.MULTILINE)
    assert re.search("^BLAS ", said.out, re.MULTILINE)
    assert re.search("^GPU ", said.out, re.MULTILINE)
    assert len(re.findall("^weights ", said.out, re.MULTILINE)) == len(ARCHITECTURES)


HASWELL = {"internal_api": "openblas", "architecture": "Haswell"}


@pytest.mark.parametrize(
    ("libraries", "simd", "hinted"),
    [
        ([HASWELL], ["X86_V3", "X86_V4"], True),
        ([HASWELL], ["AVX2", "AVX512_SKX"], True),
        ([HASWELL], ["X86_V3"], False),
        ([HASWELL | {"architecture": "SkylakeX"}], ["X86_V4"], False),
        ([HASWELL | {"architecture": "Zen"}], ["X86_V4"], True),
        ([{"internal_api": "mkl"}], ["X86_V4"], False),
        ([], ["X86_V4"], False),
    ],
)
def test_doctor_names_the_variable_only_where_it_may_help(libraries, simd, hinted):
    hint = doctor.coretype_hint(libraries, simd)
    assert ("OPENBLAS_CORETYPE=SkylakeX" in hint) == hinted
    assert bool(hint) == hinted


def test_the_speed_is_measured():
    assert 1e6 < doctor.gemm_speed(repeats=1) < 1e15


def test_weights_list_and_where(folder, call, monkeypatch):
    monkeypatch.setenv("MINIVIS_WEIGHTS", str(folder / "none"))
    said = call("weights", "list")
    assert said.code == 0
    assert re.search("^vgg16 +not found$", said.out, re.MULTILINE)
    assert "vgg16-notop (59 MB)" in said.out
    lines = call("weights", "where").out.splitlines()
    assert lines[0] == f"{folder / 'none'} (no such folder)"
    assert lines[1] == f"{folder / 'cache'} (no such folder)"


def test_weights_get_says_where_to_put_a_file_by_hand(folder, call, monkeypatch):
    monkeypatch.setenv("MINIVIS_OFFLINE", "1")
    said = call("weights", "get", "vgg16-notop")
    fails(said, "By hand: put https://")
    assert str(folder / "cache" / "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5") in said.err
    fails(call("weights", "get", "squeezenet"), f"put squeezenet.h5 or squeezenet_v1.1.npz into {folder / 'cache'}")
    fails(call("weights", "get", "vgg61"), "did you mean vgg16")
    monkeypatch.setattr(weights, "find", lambda names: folder / "found.h5")
    assert call("weights", "get", "squeezenet") == (0, f"{folder / 'found.h5'}\n", "")


def test_weights_verify_says_what_a_file_is(folder, call):
    said = call("weights", "verify", "chain.h5")
    assert (said.code, said.err) == (0, "")
    told = dict(line.split(maxsplit=1) for line in said.out.splitlines())
    assert told["origin"] == "origin unknown"
    assert told["layout"] == "minivis"
    assert told["rows"] == "4 of 4 of chain, conv1_1 to fc4"
    assert told["loads"] == "yes, as chain"
    assert told["sha256"] == weights.sha256_of("chain.h5")


def test_weights_verify_of_a_part(folder, call):
    whole = mv.load("chain.h5").weights
    weights.save_weights("part.h5", {"conv1_1": whole["conv1_1"]}, attributes={"architecture": "chain"})
    said = call("weights", "verify", "part.h5")
    assert said.code == 0
    assert "1 of 4 of chain, conv1_1 to conv1_1; missing: conv2_1, fc3, fc4" in said.out


def test_weights_verify_of_what_does_not_load(folder, call):
    said = call("weights", "verify", "cat.png")
    fails(said, "is neither HDF5 nor .npz")
    assert "layout  none that minivis reads" in said.out
    fails(call("weights", "verify", "none.h5"), "no such file")
    weights.save_weights("other.h5", {"conv9": {"kernel": np.ones((3, 3, 3, 2)), "bias": np.ones(2)}})
    said = call("weights", "verify", "other.h5")
    fails(said, "those of no network here")
    assert "rows    1: conv9" in said.out
    fails(call("weights", "verify", "other.h5", "--net", "vgg16"), "none of the rows")


def test_weights_convert(folder, call):
    said = call("weights", "convert", "chain.h5", "half.h5", "--float16")
    assert (said.code, said.out) == (0, "half.h5\n")
    kernels = {row: mv.load("chain.h5").weights[row] for row in open_weights("chain.h5").rows}
    weights.save_weights("unsaid.h5", kernels)  # its shapes alone say which net it is for
    assert call("weights", "convert", "unsaid.h5", "said.h5").code == 0
    assert open_weights("said.h5").attributes["architecture"] == "chain"
    before, after = open_weights("chain.h5"), open_weights("half.h5")
    assert after.attributes["architecture"] == "chain"
    assert after.rows == before.rows
    kernel = before.read("fc3")["kernel"]
    assert np.array_equal(after.read("fc3")["kernel"], kernel.astype(np.float16))
    fails(call("weights", "convert", "cat.png", "x.h5"), "is neither HDF5 nor .npz")
    fails(call("weights", "convert", "chain.h5", "none/x.h5"), "cannot be written")


def test_train_is_handed_on(folder, call):
    fails(call("train", "chain", "--data", "none", "--out", "x.h5"), "none")


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (KeyboardInterrupt(), 130, "interrupted; what was finished stays"),
        (OSError(28, "No space left on device", "x.h5"), 2, "x.h5: No space left on device"),
        (OSError("strange"), 2, "strange"),
        (
            MemoryError("4 GiB"),
            2,
            "out of memory (4 GiB): a smaller network, fewer photographs or fewer methods need less",
        ),
        (mv.InputError("two\nlines \x1b[31m"), 2, r"two lines \x1b[31m"),
        (ValueError("why"), 2, "ValueError: why (unexpected; --debug shows where)"),
    ],
)
def test_every_error_is_one_line_and_a_code(call, monkeypatch, error, code, told):
    def fail(arguments):
        raise error

    monkeypatch.setattr(nets, "print_summary", fail)
    assert call("summary", "vgg16") == (code, "", f"minivis: {told}\n")
    for argv in (["--debug", "summary", "vgg16"], ["summary", "vgg16", "--debug"]):
        said = call(*argv)
        assert said.code == code
        assert said.err.startswith("Traceback")
        assert said.err.endswith(f"minivis: {told}\n")


def test_a_closed_pipe_is_no_error():
    read, write = os.pipe()
    os.close(read)
    run = [sys.executable, "-m", "minivis", "summary", "vgg16"]
    done = subprocess.run(run, stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


def test_names_that_are_nearly_right():
    assert common.did_you_mean("relu52", ["relu5_2", "conv1"]) == "; did you mean relu5_2?"
    assert common.did_you_mean("zzz", ["relu5_2", "conv1"]) == ""
    assert common.listed("a, b,a", "abc", "letter") == ["a", "b"]
