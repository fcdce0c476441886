"""Memory that is used again: CuPy keeps what its arrays leave behind, and so does minivis for its large host arrays.

Memory fresh from the system comes page by page, each cleared when it is first touched. For large maps that takes longer
than the ReLU that fills them, and C libraries give blocks of some tens of megabytes back as soon as they are free.
"""

import itertools
import math
import threading
from operator import attrgetter
from typing import Any

import numpy as np

LEAST_BYTES = 1 << 18  # smaller arrays are the C library's to keep
MOST_KEPT_BYTES = 512 << 20  # of blocks that nobody uses (ours)

# Blocks that nobody uses, the oldest first. There is no lock: what is done to the dictionary is one step each, so that
# neither another thread nor Ctrl-C finds it half done.
_blocks: dict[int, np.ndarray] = {}
_numbers = itertools.count()
_scratch = threading.local()


class _Lease:
    """The owner of a block while arrays look at it: when the last of them goes, the block is kept for the next."""

    def __init__(self, block: np.ndarray):
        self.block = block
        self.__array_interface__ = block.__array_interface__

    def __del__(self) -> None:
        # This may run in the middle of anything. It is short, for Python swallows an interrupt that arrives here.
        _blocks[next(_numbers)] = self.block
        _give_back(sum(map(attrgetter("nbytes"), list(_blocks.values()))) - MOST_KEPT_BYTES)


def empty(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Return an array with anything in it, as `numpy.empty` does, from a block that is kept, if one fits."""
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    if size < LEAST_BYTES:
        return np.empty(shape, dtype)
    size_class = _rounded(size)
    fits = next((number for number, kept in reversed(list(_blocks.items())) if kept.nbytes == size_class), -1)
    block = _blocks.pop(fits, None)  # None: none fits, or another thread was there first
    if block is None:
        _give_back(size_class)  # so that kept and used blocks together never exceed what was once in use
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
    _blocks.clear()
    _scratch.__dict__.clear()


def _give_back(size: int) -> None:
    """Drop the oldest blocks, of at least `size` bytes together, or all."""
    for number in list(_blocks) if size > 0 else ():
        if size <= 0:
            break
        block = _blocks.pop(number, None)
        size -= 0 if block is None else block.nbytes


def _rounded(size: int) -> int:
    """Return `size` rounded up by less than an eighth, so that arrays of nearly the same size share blocks."""
    step = 1 << max(0, size.bit_length() - 4)
    return -(-size // step) * step
