"""Threads over pieces of one array, without asking BLAS and Python to use the same cores twice.

NumPy lets go of the interpreter while it copies and multiplies, so plain threads do run side by side. While they do,
BLAS gets one thread each; without `threadpoolctl`, or with a BLAS that it cannot limit, the pieces are done one by one.

Everything that is worth threads goes through here, products of matrices too: BLAS's own threads wait for more work by
spinning, for some 25 ms after a product, and would take the cores from whatever comes next.
"""

import contextlib
import contextvars
import functools
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np

from .workspace import empty

Piece = TypeVar("Piece")

BLAS_THREADS_FROM = 1 << 13  # multiplications: below, BLAS would not use threads anyway (OpenBLAS, matrix by vector)
PRODUCT_FROM = 1 << 21  # multiplications: below, threads cost more than they bring (ours, as those below)
LEAST_ROWS = 96  # in a product that is cut by rows
ROW_BLOCK = 24  # cuts are between blocks that BLAS's kernels take at once, so that each row is rounded as if uncut
PARTS = 8  # of any other product: a fixed number, so that processes with other numbers of threads get the same bits
LEAST_PART = 1 << 9  # of the terms that are added up in a product
ELEMENTS_FROM = 1 << 18  # numbers in an array that is worth threads
ELEMENTS_AT_ONCE = 1 << 17  # numbers in a piece

_one_at_a_time = threading.Lock()  # the number of BLAS threads belongs to the whole process


@functools.cache
def _blas() -> Sequence[Any]:
    """Return a handle of each BLAS library that NumPy has loaded, or none if it cannot be limited."""
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return ()
    return ThreadpoolController().select(user_api="blas").lib_controllers


@functools.cache
def _pool(threads: int) -> Any:
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(threads, thread_name_prefix="minivis")


def _start_afresh() -> None:
    """Forget the threads and the lock of the process that this one was forked from: they did not come along."""
    global _one_at_a_time
    _one_at_a_time = threading.Lock()
    _pool.cache_clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_afresh)


def thread_count() -> int:
    """Return how many threads BLAS may use (OPENBLAS_NUM_THREADS and the like are respected)."""
    return max((library.num_threads for library in _blas()), default=1)


@contextlib.contextmanager
def _threads_of_our_own() -> Iterator[int]:
    """Hold BLAS to one thread; say how many threads may be used instead: 1 within such a thread, or beside one."""
    lock = _one_at_a_time
    if not lock.acquire(blocking=False):
        yield 1
        return
    before: list[int] = []
    try:
        before = [library.num_threads for library in _blas()]
        for library in _blas():
            library.set_num_threads(1)
        yield max(before, default=1)
    finally:
        for library, count in zip(_blas(), before, strict=False):  # none yet, if interrupted at once
            library.set_num_threads(count)
        lock.release()


def over(pieces: Iterable[Piece], work: Callable[[list[Piece]], Any]) -> None:
    """Call ``work(some of the pieces)`` in as many threads as BLAS has, each with a share of neighbouring pieces.

    `work` gets a list, so that it can allocate its buffers once. Pieces must not write to the same places. An error in
    any share is raised here, once all have ended.
    """
    pieces = list(pieces)
    with _threads_of_our_own() as threads:
        first, *rest = [pieces[part] for part in cut(len(pieces), threads)] if pieces else [[]]
        others: list[Any] = []
        try:
            for share in rest:
                others.append(_start(work, share, threads - 1))
            work(first)  # this thread is one of them
        finally:
            _wait_for(others)
        for other in others:
            other.result()


def _start(work: Callable[[list[Piece]], Any], share: list[Piece], threads: int) -> Any:
    """Start ``work(share)`` in another thread, with what this one says of floating-point errors (`numpy.errstate`)."""
    try:
        return _pool(threads).submit(contextvars.copy_context().run, work, share)
    except RuntimeError:  # the interpreter is ending, and starts no more threads
        from concurrent.futures import Future

        done: Future = Future()
        done.set_result(work(share))
        return done


def _wait_for(others: Sequence[Any]) -> None:
    """Wait until all have ended, interrupted or not: they write into memory that is used again."""
    interrupted: BaseException | None = None
    for other in others:
        while not other.done():
            try:
                other.exception()
            except KeyboardInterrupt as interrupt:
                interrupted = interrupt
    if interrupted:
        raise interrupted


def cut(size: int, count: int) -> list[slice]:
    """Cut ``range(size)`` into at most `count` slices, as equal as they can be."""
    count = max(1, min(count, size))
    return [slice(size * i // count, size * (i + 1) // count) for i in range(count)]


def product(a: Any, b: Any) -> Any:
    """Return ``a @ b`` of two matrices, in parts for threads; its bits do not depend on how many threads there are.

    Rows are cut if there are many, so that a picture's numbers do not depend on the others in its batch; otherwise
    columns, or the terms that are added up, whichever are more.
    """
    (rows, inner), columns = a.shape, b.shape[1]
    size = rows * inner * columns
    if not isinstance(a, np.ndarray) or size < BLAS_THREADS_FROM:
        return a @ b
    if size < PRODUCT_FROM:
        with _threads_of_our_own():
            return a @ b
    if rows < LEAST_ROWS and columns < inner:
        return _sum_of_products(a, b)
    y = empty((rows, columns), np.result_type(a, b))
    by_rows = rows >= LEAST_ROWS and 4 * rows >= columns
    if by_rows:
        # Parts of PRODUCT_FROM at least, for OpenBLAS rounds tiny products otherwise, too.
        blocks = cut(rows // ROW_BLOCK, min(thread_count(), size // PRODUCT_FROM))
        starts = [ROW_BLOCK * some.start for some in blocks]
        parts = list(map(slice, starts, [*starts[1:], rows]))
    else:
        parts = cut(columns, PARTS)

    def multiply(some: list[slice]) -> None:
        for part in some:
            if by_rows:
                np.matmul(a[part], b, out=y[part])
            else:
                np.matmul(a, b[:, part], out=y[:, part])

    over(parts, multiply)
    return y


def _sum_of_products(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return ``a @ b``, a part of the terms that are added up in each product."""
    parts = cut(a.shape[1], min(PARTS, -(-a.shape[1] // LEAST_PART)))
    sums: list[Any] = [None] * len(parts)

    def add_up(some: list[int]) -> None:
        for i in some:
            out = empty((len(a), b.shape[1]), np.result_type(a, b))
            sums[i] = np.matmul(a[:, parts[i]], b[parts[i]], out=out)

    over(range(len(parts)), add_up)
    return functools.reduce(np.add, sums)


def elementwise(function: Callable[..., Any], *arrays: np.ndarray) -> np.ndarray:
    """Return what ``function(*arrays, out)`` writes, number by number: piece by piece that stay in the cache.

    All arrays have one shape. `function` works on flat pieces, and must not look beyond one number of each.
    """
    first = arrays[0]
    y = empty(first.shape, np.result_type(*arrays))
    if first.size < ELEMENTS_FROM or not all(array.flags.c_contiguous for array in arrays):
        function(*arrays, y)
        return y
    flat = [array.reshape(-1) for array in (*arrays, y)]

    def work(parts: list[slice]) -> None:
        for part in parts:
            function(*(array[part] for array in flat))

    over(cut(first.size, -(-first.size // ELEMENTS_AT_ONCE)), work)
    return y
