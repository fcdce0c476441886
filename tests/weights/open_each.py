"""Opens and reads each weight file of a list; run as a program by `hostile.verdicts`."""

import json
from pathlib import Path

import numpy as np
from hostile import serve
from weight_files import EXPECTED, WEIGHTS

from minivis.errors import WeightFileError
from minivis.weights import open_weights


def report(path):
    """Whether it loads, with which numbers, or how it is refused. A file expected.json beside it says what is asked."""
    asked = Path(path).with_name("expected.json") if "\0" not in path else Path(path[:0])
    expected = json.loads(asked.read_text()) if asked.is_file() else EXPECTED
    try:
        file = open_weights(path, expected)
        zeros = asked.with_name("zeros").exists()
        equal = all(
            np.array_equal(tensor, np.zeros_like(tensor) if zeros else WEIGHTS.get(row, {}).get(name))
            for row in file.rows
            for name, tensor in file.read(row).items()
        )
    except Exception as error:
        return {"kind": type(error).__name__, "message": str(error), "family": isinstance(error, WeightFileError)}
    return {"kind": "loaded", "message": "", "rows": file.rows, "ignored": file.ignored, "equal": equal}


if __name__ == "__main__":
    serve(report)
