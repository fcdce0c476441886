"""Opens and reads damaged copies of each kind of weight file; run as a program.

Success or a WeightFileError is right; anything else ends the program with an error, and a crash or a hang is seen by
the test that started it. Memory is bounded, so that asking for too much is an error too.
"""

import resource
import sys
from pathlib import Path

import h5py
import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from weight_files import WEIGHTS, caffe_npz, keras_1, keras_2, keras_3, keras_whole

from minivis.errors import WeightFileError
from minivis.weights import open_weights, save_weights

FOLDER = Path(sys.argv[1])


def chunked(path):
    with h5py.File(path, "w") as f:
        f.attrs["layer_names"] = np.array([b"a"])
        options = {"chunks": (4, 4), "compression": "gzip", "shuffle": True, "fletcher32": True}
        f.create_dataset("a/kernel:0", data=WEIGHTS["fc7"]["kernel"], **options)
        f["a/bias:0"] = WEIGHTS["fc7"]["bias"]
    return path


def good_files():
    writers = [keras_1, keras_2, keras_3, keras_whole, caffe_npz, chunked]
    paths = [writer(FOLDER / writer.__name__) for writer in writers]
    attributes = {"colour_order": "BGR", "mean": [1.0, 2.0, 3.0], "labels": ["a", "b"]}
    return [path.read_bytes() for path in [*paths, save_weights(FOLDER / "minivis", WEIGHTS, attributes=attributes)]]


GOOD = good_files()
# Bits and bytes anywhere; the larger integers are reduced to the length of the file.
flips = st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), max_size=12)


@settings(max_examples=200, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(which=st.integers(0, len(GOOD) - 1), flips=flips, kept=st.floats(0.5, 1.5))
def damaged(which, flips, kept):
    data = bytearray(GOOD[which])
    for position, byte in flips:
        data[position % len(data)] = byte
    path = FOLDER / "damaged"
    path.write_bytes(data[: int(len(data) * kept)])
    try:
        file = open_weights(path)
        for row in file.rows:
            file.read(row)
    except WeightFileError:
        counts["refused"] += 1
    else:
        counts["loaded"] += 1


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    counts = {"refused": 0, "loaded": 0}
    damaged()
    print(counts["refused"], counts["loaded"])
