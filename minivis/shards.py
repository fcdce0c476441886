"""Work over many items in shards: here, in worker processes, or on a cluster, with the same result.

A shard is a few neighbouring items. Shards go to any `concurrent.futures` executor, a bounded number at a time, and
their results come back in the order of the items, whoever was quickest: what is made of them in that order does not
depend on where they were worked on. A shard whose worker died is given to another.
"""

import contextlib
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from contextlib import contextmanager
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from .errors import DeviceError, InputError

Item = TypeVar("Item")

RETRIES = 2
"""How often a shard is tried again after its worker died (ours): one that dies each time is itself the cause."""


class Shard(NamedTuple):
    """A piece of work that is done: the number of the piece, its items, and what the function made of them."""

    number: int
    items: list
    result: Any


def map_shards(
    function: Callable[[list[Item]], Any],
    items: Iterable[Item],
    size: int,
    executor: Executor | None = None,
    retries: int = RETRIES,
    ahead: int | None = None,
) -> Generator[Shard, None, None]:
    """Yield ``function(items of a shard)`` for one shard after the other.

    Parameters
    ----------
    function : callable
        It takes a list of items. For worker processes it must pickle, as must its results. It may be called twice for
        a shard whose worker died, so it must not add to anything outside.
    items : iterable
        Taken as they are needed.
    size : int
        Items per shard.
    executor : concurrent.futures.Executor, optional
        Default: this process, one shard after the other.
    retries : int
        How often a shard is tried again after its worker died. An error that `function` raises is not tried again.
    ahead : int, optional
        How many shards are given out or wait for their turn at most, which bounds the memory that results take.
        Default: two for each worker.

    Yields
    ------
    Shard
        In the order of the items. Whoever stops taking them early cancels the shards that have not begun.

    Raises
    ------
    DeviceError
        If the workers died `retries` + 1 times over one shard, or the cluster is gone.
    """
    if size < 1 or retries < 0:
        raise InputError(f"a shard has 1 item or more and 0 retries or more, got {size} and {retries}")
    shards = enumerate(_cut(items, size))
    if executor is None:
        for number, some in shards:
            yield Shard(number, some, function(some))
        return
    ahead = ahead or 2 * _width(executor)
    waiting: deque[_Waiting] = deque()
    try:
        while True:
            for number, some in islice(shards, ahead - len(waiting)):
                waiting.append(_Waiting(number, some, _submit(executor, function, some)))
            if not waiting:
                return
            first = waiting[0]
            try:
                result = first.future.result()
            except Exception as error:
                if not _is_loss(error):
                    raise
                _give_out_again(waiting, executor, function, retries)
                continue
            waiting.popleft()
            yield Shard(first.number, first.items, result)
    finally:
        for left in waiting:
            left.future.cancel()


@contextmanager
def executor_for(scheduler: str | None = None, workers: int | None = None) -> Iterator[Executor | None]:
    """Open the executor that a user asked for, and close it at the end; None is this process.

    Parameters
    ----------
    scheduler : str, optional
        The address of a Dask scheduler, such as ``"tcp://10.0.0.5:8786"``. Its workers need minivis, the pictures and
        the weights at the same paths.
    workers : int, optional
        So many processes on this machine.
    """
    if scheduler is not None and workers is not None:
        raise InputError("give a scheduler or a number of workers, not both: a cluster has its own workers")
    if scheduler is not None:
        with _cluster(scheduler) as executor:
            yield executor
    elif workers is not None:
        with Workers(workers) as executor:
            yield executor
    else:
        yield None


class Workers(Executor):
    """Processes on this machine. Unlike a ProcessPoolExecutor, it goes on with new ones after one of them died.

    Parameters
    ----------
    workers : int
        How many. Each lets BLAS use its share of the processors' threads, and ends when this process does.
    """

    def __init__(self, workers: int):
        if workers < 1:
            raise InputError(f"expected 1 worker or more, got {workers}")
        self.workers = workers
        self._pool = self._new_pool()

    def submit(self, function: Callable, /, *args: Any, **options: Any) -> Future:
        """Give out a call; the workers are replaced first if one of them died."""
        try:
            return self._pool.submit(function, *args, **options)
        except BrokenExecutor:
            self._pool.shutdown(wait=True)
            self._pool = self._new_pool()
            return self._pool.submit(function, *args, **options)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the workers, after the calls that have begun."""
        self._pool.shutdown(wait, cancel_futures=cancel_futures)

    def _new_pool(self) -> Executor:
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import get_context

        threads = max(1, (os.cpu_count() or 1) // self.workers)
        # Spawned, not forked: a fork of a process with threads (BLAS) may hang.
        return ProcessPoolExecutor(self.workers, get_context("spawn"), _become_worker, (threads,))


class Cluster(Executor):
    """A Dask cluster, through its client. Dask itself runs the tasks of a lost worker again."""

    def __init__(self, client: Any):
        self._client = client

    @property
    def workers(self) -> int:
        """How many threads the cluster's workers have together, now."""
        return sum(self._client.nthreads().values())

    def submit(self, function: Callable, /, *args: Any, **options: Any) -> Any:
        """Give out a call, and return Dask's own future, which has the methods of one of `concurrent.futures`.

        Not through ``client.get_executor()``: that copies each result as soon as it is there, and if the worker dies
        meanwhile the copy is wrong or never comes. Dask's future waits until the result was computed again.
        """
        return self._client.submit(function, *args, **options, pure=False)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let go of the cluster, which goes on without us."""


class _Waiting:
    """A shard that was given out."""

    def __init__(self, number: int, items: list, future: Future):
        self.number, self.items, self.future, self.lost = number, items, future, 0


def _cut(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some


def _width(executor: Executor) -> int:
    """Return how many calls an executor works on at the same time, as far as it tells."""
    return max(1, getattr(executor, "workers", None) or getattr(executor, "_max_workers", None) or os.cpu_count() or 1)


def _submit(executor: Executor, function: Callable, items: list) -> Future:
    try:
        return executor.submit(function, items)
    except BrokenExecutor as error:
        raise DeviceError(
            "a worker process died, and with it the whole executor: minivis.shards.Workers(n) goes on with new ones"
        ) from error


def _give_out_again(waiting: Sequence[_Waiting], executor: Executor, function: Callable, retries: int) -> None:
    """Submit each shard again whose worker is known to be dead: with one process, a pool loses all that it had."""
    for left in waiting:
        if not left.future.done() or not _is_loss(_outcome(left.future)):
            continue
        left.lost += 1
        if left.lost > retries:
            raise DeviceError(
                f"the workers died {left.lost} times over shard {left.number} ({len(left.items)} items from "
                f"{str(left.items[0])[:200]}): too little memory? Try a smaller batch"
            ) from _outcome(left.future)
        left.future = _submit(executor, function, left.items)


def _outcome(future: Future) -> BaseException | None:
    try:
        return future.exception()
    except CancelledError as error:
        return error


def _is_loss(error: BaseException | None) -> bool:
    """Whether this says that a worker died, not that the function raised; Dask's errors are known by name."""
    return isinstance(error, BrokenExecutor | CancelledError) or type(error).__name__ in (
        "KilledWorker",
        "CommClosedError",
    )


@contextmanager
def _cluster(address: str) -> Iterator[Executor]:
    try:
        from distributed import Client
    except ImportError:
        raise InputError('a scheduler needs Dask: type pip install "minivis[distributed]"') from None
    try:
        client = Client(address, timeout=10, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:  # a TimeoutError is an OSError
        raise InputError(
            f"no Dask scheduler answers at {address!r}: expected an address like tcp://HOST:8786"
        ) from error
    with client:
        yield Cluster(client)


def _become_worker(threads: int) -> None:
    """Prepare a worker process: Ctrl-C is the parent's affair, and if the parent is killed the worker goes too."""
    import multiprocessing
    import signal
    import threading

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    with contextlib.suppress(ImportError):
        import numpy  # noqa: F401  # BLAS must be there to be limited
        from threadpoolctl import threadpool_limits

        threadpool_limits(threads)


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)
