"""Threads over pieces of one array, without asking BLAS and Python to use the same cores twice.

NumPy lets go of the interpreter while it copies and multiplies, so plain threads do run side by side. While they do,
BLAS gets one thread each; without `threadpoolctl`, or with a BLAS that it cannot limit, the pieces are done one by one.
"""

import functools
import threading
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

Piece = TypeVar("Piece")

_one_at_a_time = threading.Lock()  # the number of BLAS threads belongs to the whole process


@functools.cache
def _blas() -> Any:
    """Return the controller of NumPy's BLAS, or None if it cannot be limited."""
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return None
    controller = ThreadpoolController().select(user_api="blas")
    return controller if controller.lib_controllers else None


@functools.cache
def _pool(threads: int) -> Any:
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(threads, thread_name_prefix="minivis")


def thread_count() -> int:
    """Return how many threads BLAS may use (OPENBLAS_NUM_THREADS and the like are respected)."""
    controller = _blas()
    if controller is None:
        return 1
    return max(library.num_threads for library in controller.lib_controllers)


def over(pieces: Iterable[Piece], work: Callable[[list[Piece]], None]) -> None:
    """Call ``work(some of the pieces)`` in as many threads as BLAS has, each with a share of neighbouring pieces.

    `work` gets a list, so that it can allocate its buffers once. Pieces must not write to the same places.
    """
    pieces = list(pieces)
    threads = min(thread_count(), len(pieces))
    if threads < 2 or not _one_at_a_time.acquire(blocking=False):
        work(pieces)  # alone, or called from within such a thread: BLAS may use its own threads
        return
    try:
        with _blas().limit(limits=1):
            share = -(-len(pieces) // threads)
            shares = [pieces[first : first + share] for first in range(0, len(pieces), share)]
            for done in [_pool(threads).submit(work, some) for some in shares]:
                done.result()
    finally:
        _one_at_a_time.release()
