"""What every test module may use: the shared material, if it is there, and a seeded source of randomness.

Some tests need photographs and real weights that are no part of the project. They are looked for in the folder that the
environment variable MINIVIS_SHARED names, else in ``shared`` beside the checkout; without them those tests are skipped.
Where MINIVIS_SHARED is set, its owner means the tests to run: then a missing file is a failure.
"""

import os
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]


def shared_path(relative: str = "") -> Path:
    """Return a file or folder of the shared material; skip or fail the test if it is not there."""
    named = os.environ.get("MINIVIS_SHARED")
    path = (Path(named) if named else ROOT.parent / "shared") / relative
    if path.exists():
        return path
    if named:
        pytest.fail(f"MINIVIS_SHARED is set, but there is no {path}", pytrace=False)
    pytest.skip(f"the shared material is not here: no {path} (MINIVIS_SHARED may name another folder)")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of the shared material."""
    return shared_path()


@pytest.fixture
def rng() -> np.random.Generator:
    """A fresh generator with a fixed seed for each test."""
    return np.random.default_rng(20)


@pytest.fixture(params=["stand-in", pytest.param("gpu", marks=pytest.mark.gpu)])
def device(request):
    """A CuPy-like library: the strict stand-in, and the real CuPy where there is a GPU."""
    import fakecupy

    from minivis.backend import why_no_gpu

    if request.param == "stand-in":
        with fakecupy.install() as cupy:
            why_no_gpu.cache_clear()
            yield cupy
        why_no_gpu.cache_clear()
        return
    if reason := why_no_gpu():
        pytest.skip(f"no GPU: {reason}")
    import cupy

    yield cupy
