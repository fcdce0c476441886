"""Which array library an array belongs to, and how to bring it elsewhere.

The rest of minivis is written once, for ``xp``: `numpy` or `cupy`, whichever the arrays at hand belong to. This is the
only module that names CuPy, and it never imports it unless a GPU is asked for.
"""

import contextlib
import functools
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from .errors import DeviceError, InputError

DTYPE = np.dtype("float32")
"""The dtype of pictures, weights and activations unless another is asked for."""

Array = Any
"""A NumPy or CuPy array. Both libraries type their arrays too loosely for more than this name to be useful."""


def array_module(*arrays: Array) -> ModuleType:
    """Return the library (`numpy` or `cupy`) that `arrays` belong to.

    Raises
    ------
    TypeError
        If NumPy and CuPy arrays are mixed: nothing is ever copied between host and device behind your back.
    """
    cupy = sys.modules.get("cupy")
    if cupy is None:
        return np
    xp = cupy.get_array_module(*arrays)
    if xp is not np and any(isinstance(a, np.ndarray) for a in arrays):
        raise TypeError(
            "a NumPy array (host) and a CuPy array (GPU) meet in one operation: bring both to one side "
            "with minivis.to_device(x, 'gpu') or minivis.to_host(x)"
        )
    return xp


def to_host(x: Array) -> np.ndarray:
    """Return `x` as a NumPy array (itself, if it is one)."""
    cupy = sys.modules.get("cupy")
    if cupy is not None and isinstance(x, cupy.ndarray):
        return cupy.asnumpy(x)
    return np.asarray(x)


def to_device(x: Array, device: str = "cpu") -> Array:
    """Return `x` as an array of `device`, ``"cpu"`` (NumPy) or ``"gpu"`` (CuPy).

    Raises
    ------
    DeviceError
        If there is no working GPU; the message says why, and what to install.
    """
    if device == "cpu":
        return to_host(x)
    return gpu_module().asarray(x)


def like(x: Array, reference: Array) -> Array:
    """Return the host array `x` in the library of `reference`."""
    return array_module(reference).asarray(x)


def check_device(device: str) -> str:
    """Return `device` if it can be used, and raise `DeviceError` or `InputError` if not."""
    if device not in ("cpu", "gpu"):
        raise InputError(f"device must be 'cpu' or 'gpu', got {device!r}")
    if device == "gpu":
        gpu_module()
    return device


def gpu_module() -> ModuleType:
    """Return `cupy` after making sure that it computes; raise `DeviceError` with the reason if it does not."""
    reason = why_no_gpu()
    if reason:
        raise DeviceError(f"device 'gpu' cannot be used: {reason}")
    return sys.modules["cupy"]


@contextlib.contextmanager
def told_if_full(doing: str) -> Iterator[None]:
    """Turn CuPy's error about a full GPU into a `DeviceError` that says what was done and what would need less."""
    try:
        yield
    except MemoryError as error:
        if not type(error).__module__.startswith("cupy"):
            raise
        said = (str(error) or type(error).__name__).strip().splitlines()[0]
        raise DeviceError(
            f"the GPU is out of memory while {doing} ({said}): a smaller batch or smaller pictures need less, and "
            "device='cpu' has the host's memory"
        ) from error


@functools.cache
def why_no_gpu() -> str:
    """Return why there is no usable GPU, or ``""`` if there is one.

    Importing CuPy proves nothing: it imports without a driver, and finds its compiler only when it is needed. So this
    runs one small product (cuBLAS) and one compiled kernel (NVRTC).
    """
    try:
        import cupy
    except ImportError:
        return "CuPy is not installed; type: pip install 'minivis[cuda13]' (or [cuda12], by your driver)"
    try:
        ones = cupy.ones((2, 2), dtype="float32")
        float((ones @ ones + 1).sum())
    except Exception as error:  # CuPy raises many unrelated types here; each means "no GPU"
        first_line = (str(error) or type(error).__name__).strip().splitlines()[0]
        if not cupy.is_available():
            return f"CuPy finds no NVIDIA driver or GPU ({first_line})"
        return f"the CUDA libraries are incomplete ({first_line}); type: pip install 'cupy-cuda13x[ctk]'"
    return ""


def ndimage_of(xp: ModuleType) -> ModuleType:
    """Return the `ndimage` that computes on arrays of `xp`: SciPy's, or CuPy's copy of it."""
    if xp is np:
        import scipy.ndimage

        return scipy.ndimage
    import cupyx.scipy.ndimage

    return cupyx.scipy.ndimage


def free_memory(device: str = "cpu") -> int | None:
    """Return how many bytes a run can still take on `device`, or None where the system does not tell.

    On the host that is what Linux calls available, or what is left of the limit of a container, if that is less.
    """
    if device == "gpu":
        cupy = gpu_module()
        pool = cupy.get_default_memory_pool()
        return int(cupy.cuda.runtime.memGetInfo()[0] + pool.free_bytes())
    found = []
    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        found.append(1024 * next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")))
    with contextlib.suppress(OSError, ValueError):  # "max" where there is no limit
        limit, used = (int(Path(f"/sys/fs/cgroup/memory.{name}").read_text()) for name in ("max", "current"))
        found.append(max(0, limit - used))
    return min(found, default=None)
