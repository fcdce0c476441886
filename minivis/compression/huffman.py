"""Huffman's code: the code with the fewest bits, if each symbol has whole bits of its own (Huffman 1952).

In its canonical form the codes of a length are consecutive numbers, in the order of the symbols. So the lengths alone
say all, and the codes, written from the left as fractions, rise with (length, symbol): that is how `decode` finds them.
"""

import heapq
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ..errors import InputError

LONGEST = 57
"""Bits of a code at most: what is sure to lie within eight bytes, wherever in a byte it begins. No array can need more:
the counts would have to grow like Fibonacci's numbers, to some 10^12."""
BLOCK = 1 << 16  # bytes decoded at a time


class Code(NamedTuple):
    """A canonical Huffman code for the symbols 0, 1, 2, ..."""

    lengths: np.ndarray  # (K,) uint8: bits of each symbol; 0 for one that does not occur

    @property
    def order(self) -> np.ndarray:
        """The symbols that occur, by length, then by number."""
        there = np.flatnonzero(self.lengths)
        return there[np.argsort(self.lengths[there], kind="stable")]

    @property
    def words(self) -> np.ndarray:
        """The code of each symbol as a number, (K,) uint64; its `lengths` lowest bits count."""
        words = np.zeros(len(self.lengths), np.uint64)
        word, before = 0, 0
        for symbol in self.order:
            length = int(self.lengths[symbol])
            word <<= length - before
            words[symbol], before = word, length
            word += 1
        return words

    def bits(self, counts: np.ndarray) -> int:
        """Return how many bits symbols that occur so often take."""
        return int((self.lengths.astype(np.int64) * counts).sum())


def huffman(counts: np.ndarray) -> Code:
    """Return the Huffman code for symbols that occur `counts` times, shape (K,).

    The two rarest groups are joined, and each symbol in them gets one bit more, until one group is left. A single
    symbol gets one bit (ours: in theory it needs none).

    Raises
    ------
    InputError
        If the counts are no integers of 0 or more, or all of them are 0.
    """
    counts = np.asarray(counts)
    if counts.ndim != 1 or counts.dtype.kind not in "iu" or not counts.size or counts.min() < 0 or not counts.any():
        raise InputError(f"expected how often each symbol occurs, at least one of them, got {counts!r:.80}")
    heap: list[tuple[int, int, tuple]] = [(int(n), symbol, (symbol,)) for symbol, n in enumerate(counts) if n]
    heapq.heapify(heap)  # the second entry breaks ties, so that the same counts give the same code
    lengths = np.zeros(len(counts), np.uint8)
    if len(heap) == 1:
        lengths[heap[0][1]] = 1
    made = len(counts)
    while len(heap) > 1:
        (few, _, left), (more, _, right) = heapq.heappop(heap), heapq.heappop(heap)
        joined = (*left, *right)
        lengths[list(joined)] += 1
        heapq.heappush(heap, (few + more, made, joined))
        made += 1
    return _checked(lengths)


def encode(symbols: np.ndarray, code: Code) -> bytes:
    """Write symbols, shape (N,), as bits, the first at the highest bit of the first byte; the rest of the last is 0."""
    symbols = np.asarray(symbols)
    known = len(code.lengths)
    if symbols.size and (symbols.min() < 0 or symbols.max() >= known or not code.lengths[symbols].all()):
        raise InputError("some of the symbols are not in the code: make it from the counts of these")
    lengths, words = code.lengths[symbols].astype(np.int64), code.words[symbols]
    ends = lengths.cumsum()
    bits = np.zeros(int(ends[-1]) if len(ends) else 0, np.uint8)
    for place in range(int(lengths.max(initial=0))):  # the last bit of all, the last but one, ...
        has = lengths > place
        bits[ends[has] - 1 - place] = (words[has] >> np.uint64(place)) & np.uint64(1)
    return np.packbits(bits).tobytes()


def decode(data: bytes, count: int, code: Code) -> np.ndarray:
    """Return the `count` symbols that `encode` has written, (count,) int64.

    Raises
    ------
    InputError
        If the bytes end before, or hold bits that are no code.
    """
    order = _checked(code.lengths).lengths[(chosen := code.order)].astype(np.uint64)
    found: list[int] = []
    if not count:
        return np.zeros(0, np.int64)
    if not len(chosen):
        raise InputError(f"a code without symbols cannot give {count} of them")
    starts = code.words[chosen] << (np.uint64(64) - order)  # each code as a fraction of 1, times 2^64: rising
    lengths = code.lengths.tolist()
    position = 0  # in bits
    for first, windows in _windows(data):
        # At each bit of the block: which symbol it would be if a code began here.
        symbols = chosen[np.searchsorted(starts, windows, side="right") - 1].tolist()
        here = position - 8 * first
        while here < len(symbols) and len(found) < count:
            symbol = symbols[here]
            found.append(symbol)
            here += lengths[symbol]
        position = 8 * first + here
    if len(found) < count or position > 8 * len(data):
        raise InputError(f"expected {count} symbols, but the {len(data)} bytes end before")
    symbols_found = np.array(found, np.int64)
    if encode(symbols_found, code) != data[: -(-position // 8)]:
        raise InputError("these bytes were not written with this code")  # bits that are no code at all
    return symbols_found


def entropy(counts: np.ndarray) -> float:
    """Return the entropy in bits per symbol: no code for single symbols does with less (Shannon 1948)."""
    share = np.asarray(counts, np.float64)
    share = share[share > 0] / share.sum()
    return float(-(share * np.log2(share)).sum())


def _windows(data: bytes) -> Iterator[tuple[int, np.ndarray]]:
    """Yield blocks of `data`: the block's first byte, and the 57 bits or more that follow each of its bits."""
    for first in range(0, len(data), BLOCK):
        size = min(BLOCK, len(data) - first)
        padded = np.frombuffer(data[first : first + size + 7].ljust(size + 7, b"\0"), np.uint8)
        words = np.zeros(size, np.uint64)
        for byte in range(8):
            words = (words << np.uint64(8)) | padded[byte : byte + size]
        yield first, (words[:, None] << np.arange(8, dtype=np.uint64)).ravel()


def _checked(lengths: np.ndarray) -> Code:
    """Return the code with these lengths, if there is one: Kraft's sum must not pass 1."""
    there = lengths[lengths > 0].astype(int)
    if there.size and (
        there.max() > LONGEST or sum(1 << (LONGEST - length) for length in there.tolist()) > 1 << LONGEST
    ):
        raise InputError(f"there is no code with these lengths (at most {LONGEST} bits each): {lengths.tolist()!r:.80}")
    return Code(lengths)
