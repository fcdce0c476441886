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
    kept = sum(block.nbytes for block in workspace._blocks.values())
    other = empty((2 * LARGE[0],), "float32")  # of another size: no block fits
    assert other.nbytes + sum(block.nbytes for block in workspace._blocks.values()) <= kept


def test_no_more_is_kept_than_the_limit(monkeypatch):
    monkeypatch.setattr(workspace, "MOST_KEPT_BYTES", 3 * LEAST_BYTES)
    several = [empty(LARGE, "float32") for _ in range(8)]
    del several
    assert 0 < sum(block.nbytes for block in workspace._blocks.values()) <= 3 * LEAST_BYTES


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
    assert not parallel._holder


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
    ended, begun = [], threading.Event()

    def work(pieces):
        if 0 in pieces:
            begun.wait(30)
            signal.raise_signal(signal.SIGINT)
        begun.set()
        time.sleep(0.3)
        ended.extend(pieces)

    with pytest.raises(KeyboardInterrupt):
        parallel.over(range(2), work)
    assert ended == [1]
    assert not parallel._holder


def test_work_within_work_is_done_there():
    done = []
    parallel.over(range(4), lambda some: parallel.over(some, done.extend))
    assert sorted(done) == [0, 1, 2, 3]


def test_a_share_is_done_once_even_if_no_thread_can_be_started(two_threads, monkeypatch):
    """Once a start has failed, nobody may do it later: its array is somebody else's by then."""
    monkeypatch.setattr(parallel, "_threads", [])
    monkeypatch.setattr(parallel, "_shares", type(parallel._shares)())

    def refused(self):
        raise RuntimeError("can't start new thread")

    done = []
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refused)
        parallel.over(range(10), done.extend)
    assert done == list(range(10))
    parallel.over(range(10, 20), done.extend)  # these threads find the first shares in the queue, too
    parallel.over(range(20, 30), done.extend)
    assert sorted(done) == list(range(30))


INTERRUPTED = """
import faulthandler, random, signal, sys, time
import numpy as np
from minivis import parallel, workspace

def stop(*_):
    raise KeyboardInterrupt

def turn():
    x = workspace.empty((1 << 17,), "float32")
    parallel.over(range(4), lambda some: [x.fill(i) for i in some])
    parallel.product(ones, ones)

faulthandler.dump_traceback_later(60, exit=True)  # a hang is said, and ends
signal.signal(signal.SIGALRM, stop)
sys.unraisablehook = lambda _: None  # Python swallows what arrives in a __del__
ones, before = np.ones((200, 200), "float32"), parallel.thread_count()
turn()
start = time.perf_counter()
for _ in range(20):
    turn()
usual = (time.perf_counter() - start) / 20
random.seed(int(sys.argv[1]))
raised = 0
for _ in range(1500):
    try:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-6, 2 * usual))
        turn()
        signal.setitimer(signal.ITIMER_REAL, 0)
    except KeyboardInterrupt:
        raised += 1
    signal.setitimer(signal.ITIMER_REAL, 0)
    assert not parallel._holder and parallel.thread_count() == before
assert raised > 100, raised
print("well")
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timer here")
def test_an_interrupt_at_any_moment_leaves_nothing_held():
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, "0"], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.stdout, done.returncode) == ("well\n", 0), done.stderr


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
