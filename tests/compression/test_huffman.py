"""Huffman's code: as short as an independent construction by brute force, and back to the same symbols."""

import importlib
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minivis.compression.huffman import Code, decode, encode, entropy, huffman
from minivis.errors import InputError


def cost_by_merging(counts):
    """The bits of an optimal code: the sum of all inner nodes, by sorting anew after each merge."""
    groups, total = sorted(int(n) for n in counts if n), 0
    if len(groups) == 1:
        return groups[0]
    while len(groups) > 1:
        joined = groups[0] + groups[1]
        total += joined
        groups = sorted([*groups[2:], joined])
    return total


def cost_by_trying(counts):
    """The least bits over all tables of lengths that satisfy Kraft's inequality."""
    there = [n for n in counts if n]
    tries = itertools.product(range(1, len(there) + 1), repeat=len(there))
    return min(sum(n * k for n, k in zip(there, t, strict=True)) for t in tries if sum(2.0**-k for k in t) <= 1)


module = importlib.import_module("minivis.compression.huffman")  # the package has the function under this name
COUNTS = st.lists(st.integers(0, 1000), min_size=1, max_size=40).filter(any)


@settings(max_examples=100, deadline=None)
@given(COUNTS)
def test_it_is_as_short_as_can_be(counts):
    code, counts = huffman(np.array(counts)), np.array(counts)
    assert code.bits(counts) == cost_by_merging(counts)
    assert ((code.lengths > 0) == (counts > 0)).all()
    if np.count_nonzero(counts) > 1:
        assert sum(2.0 ** -int(k) for k in code.lengths if k) == 1
        assert entropy(counts) <= code.bits(counts) / counts.sum() + 1e-12
        assert code.bits(counts) / counts.sum() < entropy(counts) + 1


@pytest.mark.parametrize("counts", [(1, 1), (5, 1, 1), (1, 2, 3, 4), (1, 1, 2, 3, 5), (0, 7, 7, 7, 7), (9, 1, 1, 1, 1)])
def test_no_table_of_lengths_is_shorter(counts):
    assert huffman(np.array(counts)).bits(np.array(counts)) == cost_by_trying(counts)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=300))
def test_what_is_written_is_read_again(symbols):
    symbols = np.array(symbols)
    counts = np.bincount(symbols)
    code = huffman(counts)
    data = encode(symbols, code)
    assert len(data) == math.ceil(code.bits(counts) / 8)
    np.testing.assert_array_equal(decode(data, len(symbols), code), symbols)


def test_the_canonical_code_by_hand():
    code = huffman(np.array([1, 1, 2, 0, 4]))  # lengths 3 3 2 - 1; codes 110 111 10 - 0
    assert code.lengths.tolist() == [3, 3, 2, 0, 1]
    assert [int(w) for w in code.words[[0, 1, 2, 4]]] == [0b110, 0b111, 0b10, 0b0]
    assert encode(np.array([4, 2, 0, 1]), code) == bytes([0b01011011, 0b10000000])


def test_no_code_begins_with_another(rng):
    code = huffman(rng.integers(0, 100, 60))
    texts = [f"{int(w):0{k}b}" for w, k in zip(code.words, code.lengths, strict=True) if k]
    assert not any(b.startswith(a) for a, b in itertools.permutations(texts, 2))


def test_blocks_meet_without_a_seam(rng, monkeypatch):
    symbols = rng.geometric(0.2, 3000) - 1
    code = huffman(np.bincount(symbols))
    data = encode(symbols, code)
    for block in (1, 3, 64):
        monkeypatch.setattr(module, "BLOCK", block)
        np.testing.assert_array_equal(decode(data, len(symbols), code), symbols)


def test_very_long_codes():
    fibonacci = [1, 1]
    while len(fibonacci) < 55:
        fibonacci.append(fibonacci[-1] + fibonacci[-2])
    code = huffman(np.array(fibonacci))
    assert code.lengths.max() == 54
    symbols = np.array([0, 54, 1, 30, 0, 53])
    np.testing.assert_array_equal(decode(encode(symbols, code), 6, code), symbols)


def test_one_symbol_and_none():
    code = huffman(np.array([0, 3]))
    assert code.lengths.tolist() == [0, 1]
    assert decode(encode(np.array([1, 1, 1]), code), 3, code).tolist() == [1, 1, 1]
    assert encode(np.zeros(0, int), code) == b"" and decode(b"", 0, code).size == 0


def test_what_does_not_fit_is_refused():
    code = huffman(np.array([1, 1, 2]))
    data = encode(np.array([0, 1, 2]), code)
    with pytest.raises(InputError, match="end before"):
        decode(data, 9, code)
    with pytest.raises(InputError, match="end before"):
        decode(data[:0], 1, code)
    with pytest.raises(InputError, match="not in the code"):
        encode(np.array([3]), code)
    with pytest.raises(InputError, match="not written with"):
        decode(b"\xff", 3, huffman(np.array([0, 3])))  # its only code is 0
    with pytest.raises(InputError, match="no code with these lengths"):
        decode(b"\0", 1, Code(np.array([1, 1, 1], np.uint8)))
    for counts in ([], [0, 0], [-1, 2], [0.5, 0.5]):
        with pytest.raises(InputError, match="how often"):
            huffman(np.array(counts))
