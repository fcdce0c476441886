"""Deep compression: pruning, shared weights and Huffman coding, one after the other (Han, Mao and Dally 2016).

What is stored of a kernel: which weights are not zero, as the distance of each to the one before in a few bits; which
shared value each is, in a few bits; and the shared values. A distance too large for its bits is bridged by a filler, an
entry for a zero. Then both streams of small numbers get a Huffman code of their own.

The order of a kernel's weights is that of the array. Biases are few and stay float32. Weights are not shared across
rows.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from ..backend import to_host
from ..errors import InputError
from ..nets.architecture import WeightTable
from .huffman import Code, decode, encode, huffman
from .pruning import Table
from .sharing import shared_values

CONV_BITS, DENSE_BITS = 8, 5
"""Bits of an index of shared values, and of a distance: the paper's for AlexNet, convolutions and dense rows."""
WEIGHT_BYTES = 4  # float32


class Stream(NamedTuple):
    """Small numbers in a Huffman code."""

    data: bytes
    length: int  # how many numbers
    code: Code

    @property
    def bytes(self) -> int:
        """What it takes: the bits, and one byte for the length of each code, up to the last that is used (ours)."""
        return len(self.data) + len(self.code.lengths)

    def numbers(self) -> np.ndarray:
        """Return the numbers."""
        return decode(self.data, self.length, self.code)


class PackedRow(NamedTuple):
    """A row of weights, compressed."""

    shape: tuple[int, ...]  # of the kernel
    values: np.ndarray  # (K,) float32: the shared values; the first is 0, for fillers
    which: Stream  # of them each entry is
    steps: Stream  # the distance from entry to entry, less 1; the first is counted from before the array
    bias: np.ndarray | None


class Bytes(NamedTuple):
    """What a row takes, in bytes, after each step. Biases, and tables of values and codes, are counted in."""

    dense: int  # float32
    pruned: int  # a float32 and a distance per entry, fillers included
    shared: int  # an index and a distance per entry, and the table of values
    coded: int  # the same with Huffman codes


def deep_compress(
    weights: WeightTable, conv_bits: int = CONV_BITS, dense_bits: int = DENSE_BITS
) -> tuple[dict[str, PackedRow], dict[str, Bytes]]:
    """Share and code weights that were pruned before.

    Parameters
    ----------
    weights : mapping
        By row, then "kernel" and perhaps "bias": what `pruned` gives. Zeros stay zeros.
    conv_bits, dense_bits : int
        Of an index and of a distance, 1 to 16, for kernels of four axes and of two. There are ``2**bits - 1`` shared
        values at most, besides the zero for fillers (that zero is ours).

    Returns
    -------
    packed : dict
        Rows that `decompress` takes.
    bytes : dict
        By row: what it takes after each step.
    """
    packed, taken = {}, {}
    for row, arrays in weights.items():
        kernel = np.ascontiguousarray(to_host(arrays["kernel"]), np.float32)
        bits = conv_bits if kernel.ndim == 4 else dense_bits
        bias = np.asarray(to_host(arrays["bias"]), np.float32) if "bias" in arrays else None
        packed[row], taken[row] = _pack(kernel, bias, bits)
    return packed, taken


def _pack(kernel: np.ndarray, bias: np.ndarray | None, bits: int) -> tuple[PackedRow, Bytes]:
    if not 1 <= bits <= 16:
        raise InputError(f"expected 1 to 16 bits, got {bits}")
    flat = kernel.ravel()
    places = np.flatnonzero(flat)
    steps, real = relative_steps(places, bits)
    values, index = np.zeros(1, np.float32), np.zeros(len(steps), np.int64)
    if len(places):
        shared = shared_values(flat[places], 2**bits - 1)
        values = np.concatenate([values, shared.centroids])
        index[real] = shared.cluster + 1
    streams = _coded(index), _coded(steps)
    row = PackedRow(kernel.shape, values, *streams, bias)
    entries = len(steps)
    biases = 0 if bias is None else WEIGHT_BYTES * bias.size
    table = WEIGHT_BYTES * len(values)
    sizes = Bytes(
        WEIGHT_BYTES * kernel.size + biases,
        WEIGHT_BYTES * entries + _bytes(bits * entries) + biases,
        _bytes(bits * entries) + _bytes(bits * entries) + table + biases,
        streams[0].bytes + streams[1].bytes + table + biases,
    )
    return row, sizes


def decompress(packed: Mapping[str, PackedRow]) -> Table:
    """Return the weights of compressed rows: to the bit, what was shared."""
    table: Table = {}
    for name, row in packed.items():
        flat = np.zeros(int(np.prod(row.shape)), np.float32)
        flat[np.cumsum(row.steps.numbers() + 1) - 1] = row.values[row.which.numbers()]
        table[name] = {"kernel": flat.reshape(row.shape)} | ({} if row.bias is None else {"bias": row.bias})
    return table


def relative_steps(places: np.ndarray, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Write rising places as distances of at most ``2**bits``, with fillers where that is not enough.

    Parameters
    ----------
    places : ndarray of int, shape (n,)
        Rising, from 0.
    bits : int

    Returns
    -------
    steps : ndarray of int, shape (m,)
        The distance of each entry to the one before (the first: to place -1), less 1: 0 to ``2**bits - 1``.
    real : ndarray of int, shape (n,)
        Which entries are the places; the others are fillers.
    """
    longest = 1 << bits
    distances = np.diff(places, prepend=-1)
    fillers = (distances - 1) // longest
    real = np.cumsum(fillers + 1) - 1
    steps = np.full(int((fillers + 1).sum()), longest - 1, np.int64)
    steps[real] = distances - longest * fillers - 1
    return steps, real


def _coded(numbers: np.ndarray) -> Stream:
    if not numbers.size:
        return Stream(b"", 0, Code(np.zeros(0, np.uint8)))
    code = huffman(np.bincount(numbers))
    return Stream(encode(numbers, code), len(numbers), code)


def _bytes(bits: int) -> int:
    return -(-bits // 8)
