"""Opens and reads damaged copies of each kind of weight file, and of pictures; run as a program.

Success or an error of the right family is right; anything else ends the program with an error, and a crash or a hang
is seen by the process that started it. Memory is bounded, so that asking for too much is an error too.

    python tests/weights/fuzz.py FOLDER              a few hundred files, the same each time: what the tests run
    python tests/weights/fuzz.py --fuzz SECONDS      as many as there is time for, others each time (or --seed N)
"""

import argparse
import io
import json
import os
import resource
import struct
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
from pathlib import Path

import h5py
import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from weight_files import (
    TIMM,
    WEIGHTS,
    caffe_npz,
    flaxmodels,
    frossard_npz,
    keras_0,
    keras_1,
    keras_2,
    keras_3,
    keras_whole,
    pth_old,
    pth_zip,
    safetensors,
)

from minivis.errors import ImageFileError, WeightFileError
from minivis.pictures import read_picture
from minivis.pixels import FORMATS, MAX_PIXELS
from minivis.weights import open_weights, save_weights

LIMIT = 4 << 30  # bytes of address space
PICTURE = MAX_PIXELS * 16 >> 20  # MiB: a header of a few bytes may claim all the pixels that are allowed


def chunked(path):
    with h5py.File(path, "w") as f:
        f.attrs["layer_names"] = np.array([b"a"])
        options = {"chunks": (4, 4), "compression": "gzip", "shuffle": True, "fletcher32": True}
        f.create_dataset("a/kernel:0", data=WEIGHTS["fc7"]["kernel"], **options)
        f["a/bias:0"] = WEIGHTS["fc7"]["bias"]
    return path


def timm(path):
    return safetensors(path, names=TIMM)


def deflated(path):
    return caffe_npz(path, save=np.savez_compressed)


def minivis(path):
    attributes = {"colour_order": "BGR", "mean": [1.0, 2.0, 3.0], "labels": ["a", "b"]}
    return save_weights(path, WEIGHTS, attributes=attributes)


WRITERS = [keras_1, keras_2, keras_3, keras_whole, caffe_npz, chunked, minivis]
WRITERS += [keras_0, flaxmodels, frossard_npz, deflated, pth_zip, pth_old, safetensors, timm]


def read(path):
    """Whether the file was read; an error that is not of the family goes on."""
    try:
        file = open_weights(path)
        for row in file.rows:
            file.read(row)
    except WeightFileError:
        return False
    return True


def look(path):
    try:
        read_picture(path)
    except ImageFileError:
        return False
    return True


# -- a few hundred, the same each time -----------------------------------------------------------------------------

# Bits and bytes anywhere; the larger integers are reduced to the length of the file.
flips = st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), max_size=12)


def some(folder):
    good = [writer(folder / writer.__name__).read_bytes() for writer in WRITERS]
    counts = {True: 0, False: 0}

    @settings(max_examples=400, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(which=st.integers(0, len(good) - 1), flips=flips, kept=st.floats(0.5, 1.5))
    def damaged(which, flips, kept):
        data = bytearray(good[which])
        for position, byte in flips:
            data[position % len(data)] = byte
        path = folder / "damaged"
        path.write_bytes(data[: int(len(data) * kept)])
        counts[read(path)] += 1

    damaged()
    print(counts[False], counts[True])


# -- as many as there is time for ----------------------------------------------------------------------------------

WORDS = [0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 62, (1 << 64) - 1]
OPCODES = b"}])(.NKMJGXUTt\x85\x86\x87qrhjRbsuaecQ\x80\x88\x89\x8a\x8c\x93\x94\x95\x81\x82oi0123dlP"


def mutate(data, rng):
    """One to eight damages of different kinds."""
    data = bytearray(data)
    for _ in range(rng.integers(1, 9)):
        if len(data) < 2:
            break
        at = int(rng.integers(len(data)))
        match rng.integers(8):
            case 0 | 1:
                data[at] = rng.integers(256)
            case 2:
                data[at] ^= 1 << rng.integers(8)
            case 3:
                size = int(rng.choice([1, 2, 4, 8]))
                word = WORDS[rng.integers(len(WORDS))] & ((1 << (8 * size)) - 1)
                data[at : at + size] = word.to_bytes(size, rng.choice(["little", "big"]))
            case 4:
                data[at : at + int(rng.integers(1, 64))] = b""
            case 5:
                start = int(rng.integers(len(data)))
                data[at:at] = data[start : start + int(rng.integers(1, 200))]
            case 6:
                data[at:at] = bytes(rng.choice(list(OPCODES), int(rng.integers(1, 4))).tolist())
            case 7:
                if rng.random() < 0.2:
                    del data[at:]
    return bytes(data)


def mutate_inside(kind, data, rng):
    """Damage what lies below the outer checks: a member of a zip, the table of a safetensors."""
    if data[:2] == b"PK":
        out = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as new:
            names = old.namelist()
            chosen = {"archive/data.pkl", names[rng.integers(len(names))]}
            for name in names:
                new.writestr(name, mutate(old.read(name), rng) if name in chosen else old.read(name))
        return out.getvalue()
    if kind in ("safetensors", "timm"):
        length = struct.unpack("<Q", data[:8])[0]
        table = mutate(data[8 : 8 + length], rng)
        if rng.random() < 0.3:
            entries = json.loads(data[8 : 8 + length])
            entry = entries[list(entries)[rng.integers(1, len(entries))]]
            word = WORDS[rng.integers(len(WORDS))]
            entry[("shape", "data_offsets")[rng.integers(2)]][0] = [word, -word, word / 2, str(word)][rng.integers(4)]
            table = json.dumps(entries).encode()
        return struct.pack("<Q", len(table)) + table + data[8 + length :]
    return mutate(data, rng)


def work(folder, seed, seconds):
    """Damage and read until the time is over; the file at hand stays where it is if this process ends."""
    from hostile import MEMORY, limit_time, peak

    warnings.simplefilter("ignore")  # Pillow's remarks on damaged metadata
    rng = np.random.default_rng(seed)
    good = {writer.__name__: writer(folder / writer.__name__).read_bytes() for writer in WRITERS}
    ramp = np.linspace(0, 255, 20 * 24 * 3).reshape(20, 24, 3).astype(np.uint8)
    for name in FORMATS:
        file = io.BytesIO()
        Image.fromarray(ramp).save(file, name)
        good[name] = file.getvalue()
    kinds = list(good)
    for kind in kinds:  # all that is imported when it is first needed
        (folder / "damaged").write_bytes(good[kind])
        assert (look if kind in FORMATS else read)(folder / "damaged"), kind
    counts = dict.fromkeys(kinds, 0)
    taken = dict.fromkeys(kinds, 0)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        kind = kinds[rng.integers(len(kinds))]
        change = mutate if rng.random() < 0.5 else lambda data, rng, kind=kind: mutate_inside(kind, data, rng)
        data = change(good[kind], rng)
        path = folder / "damaged"
        path.write_bytes(data)
        limit_time()
        before = peak(reset=True)
        taken[kind] += (look if kind in FORMATS else read)(path)
        growth = peak() - before
        counts[kind] += 1
        if growth > (PICTURE if kind in FORMATS else MEMORY):
            raise SystemExit(f"{kind}: {growth:.0f} MiB for one file")
    print("   ".join(f"{kind} {counts[kind]} ({taken[kind]} read)" for kind in kinds))
    print(f"{sum(counts.values())} files, each read or refused")


def fuzz(seconds, seed):
    """Run `work` in a process of its own, and keep the file that ended it."""
    with tempfile.TemporaryDirectory() as folder:
        argv = [sys.executable, "-X", "faulthandler", __file__, "--work", folder, str(seconds), "--seed", str(seed)]
        tests = Path(__file__).resolve().parents[1]
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join([str(tests.parent), str(tests)]),
            "OPENBLAS_NUM_THREADS": "1",  # each thread of it reserves memory, which is bounded here
        }
        done = subprocess.run(argv, check=False, env=environment)
        print(f"seed {seed}, exit code {done.returncode}")
        if done.returncode:
            kept = Path.cwd() / f"damaged.{seed}"
            kept.write_bytes((Path(folder) / "damaged").read_bytes())
            print(f"the file that did it: {kept}")
    return done.returncode != 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--fuzz", type=float, metavar="SECONDS")
    parser.add_argument("--work", nargs=2, metavar=("FOLDER", "SECONDS"), help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=time.time_ns() % (1 << 32))
    given_arguments = parser.parse_args()
    if given_arguments.fuzz:
        sys.exit(fuzz(given_arguments.fuzz, given_arguments.seed))
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))
    if given_arguments.work:
        work(Path(given_arguments.work[0]), given_arguments.seed, float(given_arguments.work[1]))
    else:
        some(given_arguments.folder)
