"""Opens and reads each file named in a list on stdin, and prints one line of JSON for each; run as a program.

A process of its own: what hangs can be killed, what crashes takes no test run with it, and memory can be measured.
"""

import json
import resource
import sys

import numpy as np
from weight_files import EXPECTED, WEIGHTS, keras_1

from minivis.errors import WeightFileError
from minivis.weights import open_weights


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # MiB


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
    report(keras_1(sys.argv[1]))  # imports, and whatever memory any file takes
    for path in paths:
        print(json.dumps(report(path)), flush=True)
