"""Reads each picture of a list; run as a program by `hostile.verdicts`."""

from pathlib import Path

import numpy as np
from hostile import serve

from minivis.errors import ImageFileError
from minivis.pictures import read_picture


def report(path):
    """Whether it is read, and as what stands in expected.npy beside it; or how it is refused."""
    beside = Path(path).with_name("expected.npy") if "\0" not in path else Path()
    try:
        picture = read_picture(path)
    except Exception as error:
        return {"kind": type(error).__name__, "message": str(error), "family": isinstance(error, ImageFileError)}
    expected = np.load(beside) if beside.is_file() else picture
    near = picture.shape == expected.shape and float(np.abs(picture - expected).max())
    return {"kind": "read", "message": "", "shape": picture.shape, "error": near}


if __name__ == "__main__":
    serve(report)
