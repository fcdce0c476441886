"""Damaged files of every kind, by the hundred, in a process of their own."""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
HANG = 120  # seconds; a safety net, not a measure


def test_a_damaged_file_loads_or_is_refused(tmp_path):
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parents[1])]),
        "OPENBLAS_NUM_THREADS": "1",  # each thread of it reserves memory, which is bounded here
    }
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", str(HERE / "fuzz.py"), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=HANG,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    refused, loaded = map(int, done.stdout.split())
    assert refused > 10  # that is, the damage was felt, and not by every file
    assert loaded > 10
