"""The same results from a Dask cluster of separate processes, one of them killed in mid-run."""

import os
import signal
import sys
import time
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from pathlib import Path

import pytest
from shard_work import DieOnce, squares

sys.path.insert(0, str(Path(__file__).parent / "representation"))
from folder_of_pictures import ROWS, make_pictures, small_net

from minivis.errors import DeviceError, InputError
from minivis.representation.codes import write_codes
from minivis.representation.patches import top_patches
from minivis.shards import executor_for, map_shards

pytestmark = pytest.mark.verify


@pytest.fixture(scope="module")
def address():
    distributed = pytest.importorskip("distributed", reason='no Dask here: pip install "minivis[distributed]"')
    options = {"processes": True, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(n_workers=2, **options) as cluster:
        cluster.wait_for_workers(2)
        yield cluster.scheduler_address


@contextmanager
def one_killed_worker(address):
    """Give a progress function that kills one worker process after the first shard, and see that one was killed."""
    from distributed import Client

    with Client(address, set_as_default=False) as client:
        client.wait_for_workers(2)
        killed = []

        def progress(done, total):
            if not killed and done < total:
                killed.append(sorted(client.run(os.getpid).values())[0])
                os.kill(killed[0], signal.SIGKILL)

        yield progress
        assert killed
        client.wait_for_workers(2)
        assert killed[0] not in client.run(os.getpid).values()


def test_the_workers_are_other_processes(address):
    with executor_for(address) as executor:
        assert executor.workers == 2
        pids = {shard.result for shard in map_shards(_pid, range(8), 1, executor)}
    assert os.getpid() not in pids


def _pid(items):
    time.sleep(0.1)
    return os.getpid()


def test_a_shard_that_kills_its_worker_is_run_again(address, tmp_path):
    with executor_for(address) as executor:
        found = list(map_shards(DieOnce(tmp_path / "died", 13), range(30), 4, executor))
    assert (tmp_path / "died").exists()
    assert found == list(map_shards(squares, range(30), 4))


def test_what_dask_says_in_the_end_is_known_as_a_loss():
    """After some deaths over one task the scheduler gives up on it; that takes most of a minute, so: by its error."""
    distributed = pytest.importorskip("distributed")

    class GivesUp(Executor):
        def submit(self, function, /, *args, **options):
            future = Future()
            future.set_exception(distributed.KilledWorker("task", None, 3))
            return future

    with pytest.raises(DeviceError, match=r"the workers died 3 times over shard 0"):
        list(map_shards(squares, range(30), 4, GivesUp()))


@pytest.mark.parametrize("run", [write_codes, top_patches])
def test_a_worker_killed_in_mid_run_changes_nothing(address, tmp_path, run):
    folder = make_pictures(tmp_path / "pictures", 61)
    run(small_net(), folder, ROWS, tmp_path / "here.h5", batch=4)
    with one_killed_worker(address) as progress, executor_for(address) as executor:
        run(small_net(), folder, ROWS, tmp_path / "there.h5", batch=4, executor=executor, progress=progress)
    assert (tmp_path / "here.h5").read_bytes() == (tmp_path / "there.h5").read_bytes()


def test_no_scheduler_is_one_line():
    pytest.importorskip("distributed")
    for wrong in ("tcp://127.0.0.1:9", "http//x"):
        with pytest.raises(InputError, match="no Dask scheduler answers at"), executor_for(wrong):
            pass


def test_an_evaluation_with_a_killed_worker_is_the_same(address, tmp_path):
    from minivis.training import evaluate_folder

    folder = make_pictures(tmp_path / "pictures", 61)
    (folder / "one").rename(folder / "a")
    (folder / "two").rename(folder / "b")
    here = evaluate_folder(small_net(), folder, 4)
    with one_killed_worker(address) as progress, executor_for(address) as executor:
        there = evaluate_folder(small_net(), folder, 4, executor, progress=progress)
    assert there.evaluation.confusion.tolist() == here.evaluation.confusion.tolist()
    assert here.evaluation.total == 61
