"""Opens and reads each file named in a list on stdin, and prints one line of JSON for each; run as a program.

A process of its own: what hangs can be killed, what crashes takes no test run with it, and memory can be measured.
"""

import json
import sys
from pathlib import Path

import numpy as np
from weight_files import EXPECTED, WEIGHTS, keras_1

from minivis.errors import WeightFileError
from minivis.weights import open_weights


def peak():
    """Largest memory of this process so far, in MiB; 0 where the system does not tell.

    Not getrusage: its figure starts with that of the process that started this one.
    """
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def report(path):
    before = peak()
    try:
        file = open_weights(path, EXPECTED)
        equal = all(
            np.array_equal(tensor, WEIGHTS[row][name]) for row in file.rows for name, tensor in file.read(row).items()
        )
        found = {"kind": "loaded", "message": "", "rows": file.rows, "ignored": file.ignored, "equal": equal}
    except Exception as error:
        found = {"kind": type(error).__name__, "message": str(error), "family": isinstance(error, WeightFileError)}
    return found | {"growth": peak() - before}


if __name__ == "__main__":
    paths = json.load(sys.stdin)
    report(keras_1(Path(sys.argv[1])))  # imports, and whatever memory any file takes
    for path in paths:
        print(json.dumps(report(path)), flush=True)
