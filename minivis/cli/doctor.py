"""`minivis doctor`: what this machine brings, and what could be better."""

import argparse
import platform
import time
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any

import numpy as np

from ..backend import DTYPE, why_no_gpu

PACKAGES = ("numpy", "scipy", "h5py", "pillow", "matplotlib", "tqdm", "pooch", "threadpoolctl")
CUPY = ("cupy-cuda12x", "cupy-cuda13x", "cupy")  # the same library under one name for each CUDA
SIDE = 1024  # of the matrices in the short product: 2.1 GFLOP (ours)


def add_commands(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add the command."""
    commands.add_parser(
        "doctor", parents=[shared], help="versions, BLAS and its speed, GPU, weights found"
    ).set_defaults(run=examine)


def examine(arguments: argparse.Namespace) -> None:
    """Print the report, each part as it is known."""
    for part in (versions, blas, gpu, weights):
        for line in part():
            print(line, flush=True)


def versions() -> list[str]:
    """Return the versions of minivis, Python and the libraries."""
    from .. import __version__

    installed = [(name, _version(name)) for name in (*PACKAGES, *CUPY)]
    listed = ", ".join(f"{name} {version or 'missing'}" for name, version in installed if version or name in PACKAGES)
    system = f"{platform.system()} {platform.machine()}"
    return [f"minivis   {__version__}, Python {platform.python_version()}, {system}", f"libraries {listed}"]


def blas() -> list[str]:
    """Return which BLAS kernels NumPy runs, on how many threads, how fast, and what could be tried."""
    from threadpoolctl import threadpool_info

    libraries = [library for library in threadpool_info() if library["user_api"] == "blas"]
    lines = [
        f"BLAS      {library['internal_api']} {library.get('version') or ''}, {library['num_threads']} threads"
        + (f", kernels for {library['architecture']}" if library.get("architecture") else "")
        for library in libraries
    ] or ["BLAS      none that threadpoolctl knows (on macOS this is usual: Accelerate)"]
    lines.append(f"speed     {gemm_speed() / 1e9:.0f} GFLOP/s in a float32 product of {SIDE} x {SIDE} matrices")
    hint = coretype_hint(libraries, simd_found())
    return [*lines, hint] if hint else lines


def gemm_speed(repeats: int = 5) -> float:
    """Return the floating-point operations per second of the fastest of some short products."""
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal((SIDE, SIDE), dtype=DTYPE) for _ in range(2))
    out = a @ b  # the first call starts the threads
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        np.matmul(a, b, out=out)
        seconds.append(time.perf_counter() - start)
    return 2 * SIDE**3 / min(seconds)


def simd_found() -> Sequence[str]:
    """Return the instruction sets that NumPy finds on this machine."""
    return np.show_config(mode="dicts").get("SIMD Extensions", {}).get("found", [])


def coretype_hint(libraries: Sequence[Mapping[str, Any]], simd: Sequence[str]) -> str:
    """Return what to try where OpenBLAS runs older kernels than an AVX-512 machine allows, or ``""``.

    X86_V4 is what newer NumPy calls the instruction sets that SkylakeX brought, older ones say AVX512_SKX.
    """
    older = [x for x in libraries if x["internal_api"] == "openblas" and x.get("architecture") in ("Haswell", "Zen")]
    if not older or not {"X86_V4", "AVX512_SKX"} & set(simd):
        return ""
    return (
        f"try       this machine has AVX-512 and OpenBLAS runs its kernels for {older[0]['architecture']}: start "
        "Python with OPENBLAS_CORETYPE=SkylakeX in its environment (it is read when NumPy is imported), and compare"
    )


def gpu() -> list[str]:
    """Return the GPU, or why there is none."""
    reason = why_no_gpu()
    if reason:
        return [f"GPU       none: {reason}"]
    import cupy

    from ..primitives.gpu import why_not

    device = cupy.cuda.Device()
    name = cupy.cuda.runtime.getDeviceProperties(device.id)["name"].decode()
    free, total = device.mem_info
    differs = why_not(cupy)
    return [
        f"GPU       {name}, {free / 2**30:.1f} of {total / 2**30:.1f} GiB free",
        f"kernels   {f'not used: {differs}' if differs else 'checked: each gives what the plain code gives'}",
        f"products  {precision()}",
    ]


def precision() -> str:
    """Return what CuPy's float32 products are computed in."""
    from ..primitives.gpu_check import in_tf32

    if not in_tf32():
        return "in float32; with CUPY_TF32=1 in the environment in TF32: sooner done, with 10 bits after the point"
    return "in TF32: sooner done, with 10 bits after the point (CUPY_TF32 is set)"


def weights() -> list[str]:
    """Return which nets have weights on the search path."""
    from .weights import found_lines

    return [f"weights   {line}" for line in found_lines()]


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
