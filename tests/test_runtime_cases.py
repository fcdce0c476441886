"""The cases of the list of bad inputs that are no files: devices, names, numbers, Ctrl-C; and that all are tested."""

import ast
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import fakecupy
import numpy as np
import pytest
from conftest import ROOT
from small import pictures, small_net

import minivis as mv
from minivis import backend
from minivis.errors import DeviceError, InputError, MinivisError, UnknownName
from minivis.nets.layers import MaxPool

TESTS = ROOT / "tests"


@pytest.fixture
def no_memory_of_the_gpu():
    """`why_no_gpu` asks once per process; here it must ask again, before and after."""
    backend.why_no_gpu.cache_clear()
    yield
    backend.why_no_gpu.cache_clear()


@pytest.fixture
def cupy(no_memory_of_the_gpu):
    with fakecupy.install() as cupy:
        yield cupy


@pytest.fixture
def net():
    return small_net()


# -- the device ----------------------------------------------------------------------------------------------------


def test_108_the_gpu_without_cupy(no_memory_of_the_gpu, monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)  # import cupy then fails
    with pytest.raises(DeviceError, match=r"CuPy is not installed; type: pip install 'minivis\[cuda13\]'"):
        mv.load("minivgg", device="gpu")
    with pytest.raises(InputError, match="device must be 'cpu' or 'gpu', got 'cuda'"):
        mv.load("minivgg", device="cuda")


def test_109_cupy_without_a_driver(cupy, monkeypatch):
    def ones(*args, **options):
        raise cupy.cuda.runtime.CUDARuntimeError("cudaErrorInsufficientDriver: driver is insufficient\nmore")

    monkeypatch.setattr(cupy, "ones", ones)
    monkeypatch.setattr(cupy, "is_available", lambda: False)
    with pytest.raises(DeviceError, match=r"no NVIDIA driver or GPU \(cudaErrorInsufficientDriver: .* insufficient\)$"):
        mv.to_device(np.zeros(3), "gpu")


def test_110_a_driver_without_nvrtc(cupy, monkeypatch):
    def ones(*args, **options):
        raise RuntimeError("CuPy failed to load libnvrtc.so.13")

    monkeypatch.setattr(cupy, "ones", ones)
    with pytest.raises(DeviceError, match=r"incomplete \(.*libnvrtc.*\); type: pip install 'cupy-cuda13x\[ctk\]'"):
        mv.load("minivgg", device="gpu")


class OutOfMemoryError(MemoryError):
    """As CuPy has it."""


OutOfMemoryError.__module__ = "cupy.cuda.memory"


def is_full(*args, **options):
    raise OutOfMemoryError("Out of memory allocating 51,380,224 bytes (allocated so far: 0 bytes).")


def test_111_a_full_gpu_on_the_way_up(net, monkeypatch):
    monkeypatch.setattr(MaxPool, "__call__", is_full)
    with pytest.raises(
        DeviceError, match=r"computing pool1 of chain from \(2, 16, 16, 6\) .*51,380,224.* smaller batch"
    ):
        net(pictures())


def test_111_a_full_gpu_on_the_way_back(net):
    x = mv.Tensor(pictures())
    y = net.capture(x, ["fc4"])["fc4"]
    with pytest.raises(DeviceError, match=r"walking back from shape \(2, 5\) .*51,380,224.* smaller batch"):
        mv.backward(y, x, mv.one_hot(y, 1), {mv.relu: is_full})


def test_111_a_full_host_stays_a_memory_error(net):
    def full(g, y):
        raise MemoryError("the host's")

    x = mv.Tensor(pictures())
    y = net.capture(x, ["fc4"])["fc4"]
    with pytest.raises(MemoryError, match="the host's") as caught:
        mv.backward(y, x, mv.one_hot(y, 1), {mv.relu: full})
    assert not isinstance(caught.value, MinivisError)


def test_112_host_and_device_arrays_do_not_mix(cupy, net):
    with pytest.raises(TypeError, match=r"a NumPy array \(host\) and a CuPy array \(GPU\)"):
        backend.array_module(np.zeros(3), cupy.zeros(3))
    with pytest.raises(TypeError, match=r"the picture is a .*ndarray, the network is on the cpu"):
        net(cupy.asarray(pictures()))


# -- names and numbers ---------------------------------------------------------------------------------------------


def test_113_a_name_with_a_slip(net):
    with pytest.raises(KeyError) as caught:
        net.capture(pictures(), ["relu1_l"])
    assert isinstance(caught.value, UnknownName)
    assert "no layer named 'relu1_l' in chain; did you mean relu1_1" in str(caught.value)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (1000, "class 1000 is out of range: there are 5"),
        (-1, "class -1 is out of range"),
        ("cat", "no class is called"),
    ],
)
def test_114_a_class_that_is_not_there(net, target, words):
    with pytest.raises(ValueError, match=words) as caught:
        mv.saliency(net, pictures(), target)
    assert isinstance(caught.value, MinivisError)
    assert isinstance(caught.value, UnknownName) == isinstance(target, str)  # which is a KeyError too


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"window": 17}, "a window of 17 does not fit into 16 pixels"),
        ({"window": 0}, "window"),
        ({"window": -3}, "window"),
        ({"window": 4, "stride": 0}, "stride"),
        ({"window": 4, "stride": -1}, "stride"),
    ],
)
def test_115_an_occluder_that_does_not_fit(net, options, words):
    with pytest.raises(ValueError, match=words) as caught:
        mv.occlusion(net, pictures(), **options)
    assert isinstance(caught.value, MinivisError)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to itself")
def test_116_ctrl_c_in_a_long_run(tmp_path):
    """In a process of its own: the picture so far stays, one line is said, and the exit code is 130."""
    argv = ["-m", "minivis", "class", "person", "--net", "minivgg", "--steps", "1000000", "--out", "person.png"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "MINIVIS_CACHE": str(tmp_path / "cache")}
    process = subprocess.Popen(
        [sys.executable, *argv],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a job in the background ignores it
    )
    try:
        for _ in range(1200):
            if (tmp_path / "person.png").exists() or process.poll() is not None:
                break
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=120)[1]
    finally:
        process.kill()
    assert process.returncode == 130, said
    assert said.splitlines()[-1] == "minivis: interrupted; what was finished stays"
    assert "Traceback" not in said
    assert mv.read_picture(tmp_path / "person.png").shape == (96, 96, 3)


# -- a server ------------------------------------------------------------------------------------------------------

SERVERS = {"http.server", "socketserver", "wsgiref", "xmlrpc", "asyncio", "socket", "flask", "fastapi", "aiohttp"}


def test_117_118_119_120_there_is_no_server_to_attack():
    """The cases are: a foreign Host header, a large upload, a path that climbs out, many jobs at once.

    Whoever adds a server to minivis meets this test, and writes those four in its place.
    """
    for path in sorted((ROOT / "minivis").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            named = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            named += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            listening = [name for name in named if name in SERVERS or name.partition(".")[0] in SERVERS]
            assert not listening, f"{path.relative_to(ROOT)}:{node.lineno} imports {listening}"


# -- the list ------------------------------------------------------------------------------------------------------


def numbers_of(path: Path) -> set[int]:
    """The numbers in the names of the tests of a module (test_75_76_...) and of cases (h21_..., n64_..., p75_...)."""
    found: set[int] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            match = re.match(r"(?:test|[hnp])_?((?:\d+_)+)", node.name)
            found |= {int(number) for number in match[1].rstrip("_").split("_")} if match else set()
    return found


def test_every_number_of_the_list_has_a_test():
    modules = [*TESTS.glob("*.py"), *(TESTS / "weights").glob("*.py")]
    there = set().union(*map(numbers_of, modules))
    assert sorted(set(range(1, 121)) - there) == []


def test_the_search_for_numbers_finds_them(tmp_path):
    (tmp_path / "a.py").write_text(
        "def test_75_76_x(): 0\ndef h03_fifo(): 0\ndef p92_y(): 0\ndef test_a_7_b(): 0\ndef helper_5_(): 0\n"
    )
    assert numbers_of(tmp_path / "a.py") == {75, 76, 3, 92}
