"""Deep compression: back to the same weights, with the bytes that are counted by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minivis.compression import decompress, deep_compress, pruned, shared_values
from minivis.compression.deep import relative_steps
from minivis.errors import InputError


def restored(steps):
    return np.cumsum(steps + 1) - 1


@settings(max_examples=60, deadline=None)
@given(st.sets(st.integers(0, 400), max_size=40), st.integers(1, 6))
def test_places_come_back_from_their_distances(places, bits):
    places = np.array(sorted(places), np.int64)
    steps, real = relative_steps(places, bits)
    np.testing.assert_array_equal(restored(steps)[real], places)
    assert not steps.size or (steps.min() >= 0 and steps.max() < 2**bits)
    # As few fillers as can be: a gap of d needs ceil(d / 2**bits) - 1.
    gaps = np.diff(places, prepend=-1)
    assert len(steps) == sum(-(-int(gap) // 2**bits) for gap in gaps)


def test_a_distance_too_large_for_its_bits_has_a_filler():
    # Three bits, entries at 1, 4 and 15: the third is 11 from the second, so 8 to a filler and 3 more.
    steps, real = relative_steps(np.array([1, 4, 15]), 3)
    assert (steps + 1).tolist() == [2, 3, 8, 3] and real.tolist() == [0, 1, 3]


@pytest.mark.parametrize("share", [0.0, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("bits", [(8, 5), (3, 1), (2, 4)])
def test_what_comes_out_is_what_was_shared(rng, share, bits):
    weights = {
        "conv": {"kernel": rng.standard_normal((3, 3, 4, 8)).astype("float32"), "bias": rng.random(8, "float32")},
        "fc": {"kernel": rng.standard_normal((30, 20)).astype("float32")},
    }
    table = pruned(weights, share)
    packed, taken = deep_compress(table, *bits)
    out = decompress(packed)
    for (row, arrays), width in zip(table.items(), bits, strict=True):
        kernel, found = arrays["kernel"], out[row]["kernel"]
        assert found.shape == kernel.shape and found.dtype == np.float32
        np.testing.assert_array_equal(found == 0, kernel == 0)
        there = kernel != 0
        if there.any():
            np.testing.assert_array_equal(found[there], shared_values(kernel[there], 2**width - 1).values)
        entries = len(relative_steps(np.flatnonzero(kernel), width)[0])
        biases = 4 * arrays["bias"].size if "bias" in arrays else 0
        table_bytes = 4 * (len(np.unique(found[there])) + 1)
        assert taken[row].dense == 4 * kernel.size + biases
        assert taken[row].pruned == 4 * entries + -(-entries * width // 8) + biases
        assert taken[row].shared == 2 * -(-entries * width // 8) + table_bytes + biases
        streams = packed[row].which, packed[row].steps
        tables = sum(len(stream.code.lengths) for stream in streams)
        assert taken[row].coded == sum(len(stream.data) for stream in streams) + tables + table_bytes + biases
    np.testing.assert_array_equal(out["conv"]["bias"], weights["conv"]["bias"])
    again, _ = deep_compress(out, *bits)  # shared weights are shared already
    for row, arrays in decompress(again).items():
        np.testing.assert_array_equal(arrays["kernel"] == 0, out[row]["kernel"] == 0)


def test_bits_out_of_range():
    for bits in (0, 17):
        with pytest.raises(InputError, match="1 to 16 bits"):
            deep_compress({"a": {"kernel": np.ones((2, 2), "float32")}}, 8, bits)
