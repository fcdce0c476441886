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
import queue
import threading
from collections.abc import Callable, Iterable, Sequence
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

_holder: dict[str, Any] = {}  # who holds BLAS to one thread: one at a time, for its number of threads is the process's
_shares: Any = queue.SimpleQueue()  # that other threads may take
_threads: list[threading.Thread] = []


@functools.cache
def _blas() -> Sequence[Any]:
    """Return a handle of each BLAS library that NumPy has loaded, or none if it cannot be limited."""
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return ()
    return ThreadpoolController().select(user_api="blas").lib_controllers


def _start_afresh() -> None:
    """Forget the threads and the holder of the process that this one was forked from: they did not come along."""
    global _shares
    _shares = queue.SimpleQueue()
    _holder.clear()
    _threads.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_afresh)


def thread_count() -> int:
    """Return how many threads BLAS may use (OPENBLAS_NUM_THREADS and the like are respected)."""
    return max((library.num_threads for library in _blas()), default=1)


def over(pieces: Iterable[Piece], work: Callable[[list[Piece]], Any]) -> None:
    """Call ``work(some of the pieces)`` in as many threads as BLAS has, each with a share of neighbouring pieces.

    `work` gets a list, so that it can allocate its buffers once. Pieces must not write to the same places. An error in
    any share is raised here, once all have ended. BLAS itself is held to one thread meanwhile; who comes while another
    does that, nested in its work or from another thread, does all pieces alone.
    """
    pieces = list(pieces)
    mine = object()
    before: list[int] = []
    others: list[_Share] = []
    interrupted: BaseException | None = None
    try:
        if _holder.setdefault("BLAS", mine) is mine:
            before = [library.num_threads for library in _blas()]
            for library in _blas():
                library.set_num_threads(1)
        parts = cut(len(pieces), max(before, default=1))
        first, *rest = [pieces[part] for part in parts] if pieces else [[]]
        others = [_Share(work, share) for share in rest]
        if others:
            _see_to_threads(max(before) - 1)
        for other in others:
            _shares.put(other)
        work(first)  # this thread is one of them
        for other in others:
            other.end()
    finally:
        while True:  # until all is as it was: Ctrl-C may come at any moment, here too
            try:
                for other in others:
                    other.give_up()
                if _holder.get("BLAS") is mine:
                    for library, count in zip(_blas(), before, strict=False):  # none yet, if interrupted at once
                        library.set_num_threads(count)
                    del _holder["BLAS"]
                break
            except KeyboardInterrupt as interrupt:
                interrupted = interrupt
        if interrupted:
            raise interrupted


class _Share:
    """A thread's share of the pieces: done by the first thread that asks whether it is its own."""

    def __init__(self, work: Callable[[list], Any], pieces: list):
        self.work, self.pieces = work, pieces
        self.context = contextvars.copy_context()  # what this thread says of floating-point errors (`numpy.errstate`)
        self.owner: dict[str, int] = {}
        self.done = threading.Lock()  # held until it is done; an Event can be left broken by Ctrl-C
        self.done.acquire()
        self.error: BaseException | None = None

    def is_mine(self) -> bool:
        """Return whether it is this thread's; of several that ask, one is told so, in one step."""
        return self.owner.setdefault("thread", threading.get_ident()) == threading.get_ident()

    def run(self) -> None:
        """Do it in a thread of `_serve`, unless another was first."""
        if self.is_mine():
            try:
                self.context.run(self.work, self.pieces)
            except BaseException as error:
                self.error = error
            finally:
                self.done.release()

    def end(self) -> None:
        """Wait until it is done, or do it, if nobody has begun; raise its error."""
        if self.is_mine():
            self.work(self.pieces)
        else:
            with self.done:
                pass
            if self.error:
                raise self.error

    def give_up(self) -> None:
        """Return once nobody does it, nor will: the memory that it writes into is used again."""
        if not self.is_mine():
            with self.done:
                pass


def _see_to_threads(count: int) -> None:
    """Start threads until there are `count`, or as many as the system gives: what they leave, `_Share.end` does."""
    _threads[:] = [thread for thread in _threads if thread.is_alive()]
    with contextlib.suppress(RuntimeError):  # no more threads, or the interpreter is ending
        while len(_threads) < count:
            thread = threading.Thread(target=_serve, args=(_shares,), name="minivis", daemon=True)
            thread.start()
            _threads.append(thread)


def _serve(shares: Any) -> None:
    while True:
        share = shares.get()
        share.run()
        del share  # and with it the arrays that it works on


def cut(size: int, count: int) -> list[slice]:
    """Cut ``range(size)`` into at most `count` slices, as equal as they can be."""
    count = max(1, min(count, size))
    return [slice(size * i // count, size * (i + 1) // count) for i in range(count)]


def product(a: Any, b: Any) -> Any:
    """Return ``a @ b`` of two matrices, in parts for threads; its bits do not depend on how many threads there are.

    Rows are cut if there are many, between blocks, so that each is rounded as it would be uncut. Otherwise columns or
    the terms that are added up, whichever are more.
    """
    (rows, inner), columns = a.shape, b.shape[1]
    size = rows * inner * columns
    if not isinstance(a, np.ndarray) or size < BLAS_THREADS_FROM:
        return a @ b
    if size < PRODUCT_FROM:
        y = np.empty((rows, columns), np.result_type(a, b))
        over([y], lambda whole: np.matmul(a, b, out=whole[0]))
        return y
    if rows < LEAST_ROWS and columns < inner:
        return _sum_of_products(a, b)
    y = empty((rows, columns), np.result_type(a, b))
    if rows >= LEAST_ROWS and 4 * rows >= columns:
        # Parts of PRODUCT_FROM at least, for OpenBLAS rounds tiny products otherwise, too.
        blocks = cut(rows // ROW_BLOCK, min(thread_count(), size // PRODUCT_FROM))
        starts = [ROW_BLOCK * some.start for some in blocks]
        parts = [(a[i:j], b, y[i:j]) for i, j in zip(starts, [*starts[1:], rows], strict=True)]
    else:
        parts = [(a, b[:, some], y[:, some]) for some in cut(columns, PARTS)]

    def multiply(some: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> None:
        for one, other, out in some:
            np.matmul(one, other, out=out)

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

    All arrays have one shape; the result has the dtype of the first. `function` works on flat pieces, and must not look
    beyond one number of each.
    """
    first = arrays[0]
    y = empty(first.shape, first.dtype)
    if first.size < ELEMENTS_FROM or not all(array.flags.c_contiguous for array in arrays):
        function(*arrays, y)
        return y
    flat = [array.reshape(-1) for array in (*arrays, y)]

    def work(parts: list[slice]) -> None:
        for part in parts:
            function(*(array[part] for array in flat))

    over(cut(first.size, -(-first.size // ELEMENTS_AT_ONCE)), work)
    return y
