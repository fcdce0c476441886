"""Memory that is used again, and threads that share the work."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from minivis import parallel, workspace
from minivis.workspace import LEAST_BYTES, empty, scratch

LARGE = (LEAST_BYTES // 4,)


@pytest.fixture(autouse=True)
def nothing_kept():
    workspace.release()
    yield
    workspace.release()


def address(array):
    return array.__array_interface__["data"][0]


def test_a_block_is_used_again_when_the_last_view_of_it_is_gone():
    x = empty(LARGE, "float32")
    place, part = address(x), x[5:].reshape(-1, 1)
    del x
    assert address(empty(LARGE, "float32")) != place  # there is a view left
    del part
    assert address(empty((LARGE[0] // 2, 2), "float32")) == place


def test_what_is_kept_and_used_never_exceeds_what_was_used_at_once():
    both = [empty(LARGE, "float32"), empty(LARGE, "float32")]
    del both
    kept = sum(block.nbytes for block in workspace._blocks)
    other = empty((2 * LARGE[0],), "float32")  # of another size: no block fits
    assert other.nbytes + sum(block.nbytes for block in workspace._blocks) <= kept


def test_no_more_is_kept_than_the_limit(monkeypatch):
    monkeypatch.setattr(workspace, "MOST_KEPT_BYTES", 3 * LEAST_BYTES)
    several = [empty(LARGE, "float32") for _ in range(8)]
    del several
    assert 0 < sum(block.nbytes for block in workspace._blocks) <= 3 * LEAST_BYTES


@pytest.mark.parametrize("shape", [(), (0, 5), (3,), (LEAST_BYTES,), (7, LEAST_BYTES // 3)])
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_arrays_are_ordinary(shape, dtype):
    x = empty(shape, dtype)
    assert type(x) is np.ndarray
    assert (x.shape, x.dtype) == (shape, dtype)
    assert x.flags.writeable
    assert x.flags.c_contiguous
    x[...] = 3
    assert (x == 3).all()


def test_arrays_alive_never_share_memory():
    rng = np.random.default_rng(0)
    alive = {}
    for step in range(300):
        alive[step] = empty((int(rng.integers(1, 4)) * LARGE[0],), "float32")
        alive[step][:] = step
        for old in rng.choice(list(alive), rng.integers(0, 2), replace=False):
            del alive[old]
        assert all((x == i).all() for i, x in list(alive.items())[-4:])
    assert all((x == i).all() for i, x in alive.items())


def test_scratch_is_each_threads_own():
    here, there = scratch("a", (10,), "float32"), []
    thread = threading.Thread(target=lambda: there.append(scratch("a", (10,), "float32")))
    thread.start()
    thread.join()
    assert not np.shares_memory(here, there[0])
    assert np.shares_memory(here, scratch("a", (2, 2), "float64"))
    assert not np.shares_memory(here, scratch("b", (10,), "float32"))


# --- threads


@pytest.fixture
def two_threads(monkeypatch):
    if parallel.thread_count() < 2:
        pytest.skip("BLAS has one thread here")


def test_every_piece_is_done_once_in_several_threads(two_threads):
    done, meeting = [], threading.Barrier(2, timeout=30)

    def work(pieces):
        meeting.wait()  # passes only if two threads are here at once
        done.extend((piece, threading.get_ident(), parallel.thread_count()) for piece in pieces)

    before = parallel.thread_count()
    pieces = range(7 * before)
    if before > 2:
        meeting = threading.Barrier(before, timeout=30)
    parallel.over(pieces, work)
    assert sorted(piece for piece, _, _ in done) == list(pieces)
    assert len({thread for _, thread, _ in done}) == before
    assert {blas for _, _, blas in done} == {1}
    assert parallel.thread_count() == before


@pytest.mark.parametrize("guilty", [0, 99])
def test_an_error_in_any_share_is_raised_and_blas_gets_its_threads_back(guilty):
    before = parallel.thread_count()

    def work(pieces):
        if guilty in pieces:
            raise ZeroDivisionError(f"piece {guilty}")

    with pytest.raises(ZeroDivisionError, match=f"piece {guilty}"):
        parallel.over(range(100), work)
    assert parallel.thread_count() == before
    assert parallel._one_at_a_time.acquire(blocking=False)
    parallel._one_at_a_time.release()


def test_other_threads_know_what_was_said_of_floating_point_errors():
    found = []
    with np.errstate(divide="raise", over="ignore"):
        parallel.over(range(50), lambda some: found.append((np.geterr()["divide"], np.geterr()["over"])))
    assert set(found) == {("raise", "ignore")}


def test_it_works_while_the_interpreter_ends():
    code = (
        "import atexit, threading, numpy as np\n"
        "from minivis import parallel\n"
        "def late():\n"
        "    done = []\n"
        "    parallel.over(range(100), done.extend)\n"
        "    print(sorted(done) == list(range(100)))\n"
        "atexit.register(late)\n"
        "threading.Thread(target=lambda: (threading.main_thread().join(), late())).start()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert (done.stdout.split(), done.stderr) == (["True", "True"], "")


def test_an_interrupt_waits_for_the_others(two_threads):
    """What they write into is used again, so nobody may still be writing when the caller goes on."""
    ended = []

    def work(pieces):
        if 0 in pieces:
            signal.raise_signal(signal.SIGINT)
        time.sleep(0.3)
        ended.extend(pieces)

    with pytest.raises(KeyboardInterrupt):
        parallel.over(range(2), work)
    assert ended == [1]
    assert parallel._one_at_a_time.acquire(blocking=False)
    parallel._one_at_a_time.release()


def test_work_within_work_is_done_there():
    done = []
    parallel.over(range(4), lambda some: parallel.over(some, done.extend))
    assert sorted(done) == [0, 1, 2, 3]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_does_not_wait_for_a_lock_that_nobody_will_release():
    with workspace._changing:
        child = os.fork()
        if not child:
            signal.alarm(30)
            x = empty(LARGE, "float32")
            os._exit(0 if x.shape == LARGE else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own():
    parallel.over(range(100), lambda some: None)  # threads that the child will not have
    child = os.fork()
    if not child:
        done = []
        parallel.over(range(100), done.extend)
        os._exit(0 if sorted(done) == list(range(100)) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
