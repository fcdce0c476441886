"""Memory that is used again: CuPy keeps what its arrays leave behind, and so does minivis for its large host arrays.

Memory fresh from the system comes page by page, each cleared when it is first touched. For maps of some megabytes that
takes longer than the ReLU that fills them, and C libraries give such blocks back as soon as they are free.
"""

import math
import os
import threading
from typing import Any

import numpy as np

LEAST_BYTES = 1 << 18  # smaller arrays are the C library's to keep
MOST_KEPT_BYTES = 512 << 20  # of blocks that nobody uses (ours)

_blocks: list[np.ndarray] = []  # that nobody uses, the oldest first
_changing = threading.Lock()
_scratch = threading.local()


def _start_afresh() -> None:
    """Take a new lock in a forked process: the thread that holds the old one may not have come along."""
    global _changing
    _changing = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_afresh)


class _Lease:
    """The owner of a block while arrays look at it: when the last of them goes, the block is kept for the next."""

    def __init__(self, block: np.ndarray):
        self.block = block
        self.__array_interface__ = block.__array_interface__

    def __del__(self) -> None:
        # This may run in the middle of anything, so it must not wait: then the block is simply freed.
        if _changing is not None and _changing.acquire(blocking=False):
            try:
                _blocks.append(self.block)
                _give_back(sum(block.nbytes for block in _blocks) - MOST_KEPT_BYTES)
            finally:
                _changing.release()


def empty(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Return an array with anything in it, as `numpy.empty` does, from a block that is kept, if one fits."""
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    if size < LEAST_BYTES:
        return np.empty(shape, dtype)
    size_class = _rounded(size)
    with _changing:
        found = next((i for i in reversed(range(len(_blocks))) if _blocks[i].nbytes == size_class), None)
        if found is None:
            _give_back(size_class)  # so that kept and used blocks together never exceed what was once in use
            block = None
        else:
            block = _blocks.pop(found)
    if block is None:
        block = np.empty(size_class, np.uint8)
    return np.asarray(_Lease(block))[:size].view(dtype).reshape(shape)


def scratch(name: str, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Return an array with anything in it, in memory that this thread keeps for the next call with the same `name`.

    Only for what is written and read within one call: the next one overwrites it.
    """
    wanted = math.prod(shape) * np.dtype(dtype).itemsize
    kept = getattr(_scratch, name, None)
    if kept is None or kept.nbytes < wanted:
        kept = np.empty(wanted, np.uint8)
        setattr(_scratch, name, kept)
    return kept[:wanted].view(dtype).reshape(shape)


def release() -> None:
    """Give all kept blocks back to the system, and this thread's scratch memory."""
    with _changing:
        _give_back(sum(block.nbytes for block in _blocks))
    _scratch.__dict__.clear()


def _give_back(size: int) -> None:
    """Drop the oldest blocks, of at least `size` bytes together, or all."""
    while size > 0 and _blocks:
        size -= _blocks.pop(0).nbytes


def _rounded(size: int) -> int:
    """Return `size` rounded up by less than an eighth, so that arrays of nearly the same size share blocks."""
    step = 1 << max(0, size.bit_length() - 4)
    return -(-size // step) * step
