"""Shards come back in order and whole, whatever happens to those who work on them."""

import threading
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor

import pytest
from shard_work import DieOnce, fail, process, squares

from minivis.errors import DeviceError, InputError
from minivis.shards import Workers, executor_for, map_shards

EXPECTED = [(n, list(range(4 * n, min(4 * n + 4, 30)))) for n in range(8)]


def flat(shards):
    return [(shard.number, shard.items, shard.result) for shard in shards]


def test_here():
    found = flat(map_shards(squares, range(30), 4))
    assert found == [(n, items, [i * i for i in items]) for n, items in EXPECTED]


@pytest.mark.parametrize("size", [1, 3, 100])
def test_no_items_and_any_size(size):
    assert flat(map_shards(squares, [], size)) == []
    assert [i for shard in map_shards(squares, range(7), size) for i in shard.result] == [i * i for i in range(7)]


@pytest.mark.parametrize(("size", "retries"), [(0, 1), (-1, 1), (1, -1)])
def test_refused(size, retries):
    with pytest.raises(InputError, match="1 item or more"):
        list(map_shards(squares, range(3), size, retries=retries))


def test_results_keep_their_order_when_the_first_is_the_last_to_end():
    later = threading.Event()

    def work(items):
        if items == [0]:
            assert later.wait(30)
        if items == [2]:
            later.set()
        return items

    with ThreadPoolExecutor(3) as pool:
        assert [shard.result for shard in map_shards(work, range(6), 1, pool)] == [[i] for i in range(6)]


class Held(Executor):
    """Does nothing by itself: counts what it is given."""

    def __init__(self):
        self.given = []

    def submit(self, function, /, *args, **options):
        future = Future()
        self.given.append((future, function, args))
        return future


def test_only_so_many_are_given_out_and_the_rest_is_not_even_taken():
    held, taken = Held(), []

    def items():
        for i in range(1000):
            taken.append(i)
            yield i

    shards = map_shards(squares, items(), 2, held, ahead=3)
    thread = threading.Thread(target=lambda: next(shards), daemon=True)
    thread.start()
    while len(held.given) < 3:
        thread.join(0.01)
    held.given[0][0].set_result("first")
    thread.join(30)
    assert len(held.given) == 3
    assert taken == list(range(6))


def test_who_stops_early_cancels_the_rest():
    held = Held()
    shards = map_shards(squares, range(10), 2, held, ahead=4)
    thread = threading.Thread(target=lambda: next(shards), daemon=True)
    thread.start()
    while len(held.given) < 4:
        thread.join(0.01)
    held.given[0][0].set_result("first")
    thread.join(30)
    shards.close()
    assert [future.cancelled() for future, *_ in held.given] == [False, True, True, True]


class Fragile(Executor):
    """Works at once, but the calls with these numbers end in the death of their worker."""

    def __init__(self, deaths):
        self.deaths, self.calls = set(deaths), 0

    def submit(self, function, /, *args, **options):
        future = Future()
        if self.calls in self.deaths:
            future.set_exception(BrokenExecutor("gone"))
        else:
            future.set_result(function(*args))
        self.calls += 1
        return future


def test_a_lost_shard_is_worked_on_again():
    fragile = Fragile([0, 3, 8])
    found = flat(map_shards(squares, range(30), 4, fragile, ahead=2))
    assert found == flat(map_shards(squares, range(30), 4))
    assert fragile.calls == 8 + 3


def test_a_shard_that_is_lost_each_time_ends_it():
    with pytest.raises(DeviceError, match=r"died 3 times over shard 0 \(4 items from 0\): too little memory"):
        list(map_shards(squares, range(30), 4, Fragile(range(99)), ahead=1))
    with pytest.raises(DeviceError, match="died 1 times"):
        list(map_shards(squares, range(30), 4, Fragile([0]), retries=0))


def test_an_error_of_the_work_is_not_tried_again():
    with ThreadPoolExecutor(1) as pool, pytest.raises(ValueError, match="no five"):
        list(map_shards(fail, range(9), 2, pool))


def test_processes_and_the_death_of_one(tmp_path):
    with Workers(2) as workers:
        found = flat(map_shards(DieOnce(tmp_path / "died", 13), range(30), 4, workers))
        assert (tmp_path / "died").exists()
        assert found == flat(map_shards(squares, range(30), 4))
        assert {shard.result for shard in map_shards(process, range(9), 3, workers)}.isdisjoint(
            {__import__("os").getpid()}
        )


def test_executor_for():
    with executor_for() as executor:
        assert executor is None
    with pytest.raises(InputError, match="not both"), executor_for("tcp://a:1", 2):
        pass
    with pytest.raises(InputError, match="1 worker or more, got 0"), executor_for(workers=0):
        pass


def test_a_scheduler_without_dask_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(InputError, match=r"pip install .minivis\[distributed\]"), executor_for("tcp://a:1"):
        pass
