"""What all containers of tensors share: the limits, the complaint, and how a stored tensor becomes ours.

A weight file is somebody else's file. Nothing in it is believed: sizes are checked before memory is asked for, and each
refusal is a `WeightFileError` that names the file, the object in it, and what to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import isqrt
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..errors import MinivisError, WeightFileError

FILE_LIMIT = 2 << 30  # bytes; ours: VGG16 in float64 is 1.1 GB
TENSOR_LIMIT = 1 << 30  # bytes as stored; ours: fc6 of VGG16 in float64 is 0.8 GB
NAMES_LIMIT = 4096  # members of a group, an archive or a list; ours: VGG16 has 32 tensors, EfficientNet-B7 about 2,000
TEXT_LIMIT = 1 << 20  # bytes of one attribute; ours
AXES_LIMIT = 8  # of a tensor; ours: a convolution in three dimensions has 5
MESSAGE_LIMIT = 1200  # characters; ours

Shape = tuple[int, ...]
StrPath = str | PathLike[str]
Expected = Mapping[str, Mapping[str, Shape]]


class Part(NamedTuple):
    """One tensor of a row: where it lies in the file, its shape there, and how it becomes ours.

    The change is: reshape to `split`, reverse the axes `flip`, transpose by `axes`, reshape to `shape`. Being data, it
    prints, compares and pickles. Our layout is HWIO for kernels, (in, out) for dense ones, whose rows run over height,
    width, channel.
    """

    where: str
    stored: Shape
    shape: Shape
    split: Shape | None = None
    axes: Shape | None = None
    flip: Shape = ()

    def arrange(self, array: np.ndarray) -> np.ndarray:
        """Array in the file's layout -> C-contiguous array in ours."""
        if self.split is not None:
            array = array.reshape(self.split)
        array = np.flip(array, self.flip)
        if self.axes is not None:
            array = array.transpose(self.axes)
        return np.ascontiguousarray(array).reshape(self.shape)


def as_is(where: str, stored: Shape) -> Part:
    """A tensor that is in our layout already."""
    return Part(where, stored, stored)


def from_oihw(where: str, stored: Shape) -> Part:
    """Convolution kernel (out, in, height, width) -> (height, width, in, out)."""
    out, channels, height, width = stored
    return Part(where, stored, (height, width, channels, out), axes=(2, 3, 1, 0))


def from_theano(where: str, stored: Shape) -> Part:
    """Kernel of a true convolution (out, in, height, width), turned by half a turn -> (height, width, in, out)."""
    return from_oihw(where, stored)._replace(flip=(2, 3))


def from_window(where: str, stored: Shape) -> Part:
    """Dense layer stored as a convolution over its whole map (out, in, h, w) -> (h*w*in, out)."""
    out, channels, height, width = stored
    return Part(where, stored, (height * width * channels, out), axes=(2, 3, 1, 0))


def from_chw(where: str, stored: Shape, channels: int, side: int) -> Part:
    """Dense kernel (channel*height*width, out) that follows a map -> (height*width*channel, out)."""
    return Part(where, stored, stored, split=(channels, side, side, stored[1]), axes=(1, 2, 0, 3))


def from_out_in(where: str, stored: Shape) -> Part:
    """Dense kernel (out, in) -> (in, out)."""
    return Part(where, stored, stored[::-1], axes=(1, 0))


def from_out_chw(where: str, stored: Shape, channels: int, side: int) -> Part:
    """Dense kernel (out, channel*height*width) that follows a map -> (height*width*channel, out)."""
    out = stored[0]
    return Part(where, stored, stored[::-1], split=(out, channels, side, side), axes=(2, 3, 1, 0))


Parts = dict[str, Part]  # of one row: "kernel" and perhaps "bias"


def printable(text: object) -> str:
    """Text on one line that no terminal acts upon: names may come from the file, and paths may be any bytes."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(text))


def listed(names: Any, most: int = 12) -> str:
    """Names from a file, for a message: quoted, and not too many."""
    names = list(names)
    text = ", ".join(repr(name)[:80] for name in names[:most])
    if len(names) > most:
        text += f" and {len(names) - most} more"
    return text or "none"


def complaint(path: StrPath, problem: str, where: str | None = None) -> WeightFileError:
    """Build the error for `path`; `where` is an object inside it."""
    inside = f": {where[:200]!r}" if where else ""
    return WeightFileError(printable(f"{path}{inside}: {problem[:MESSAGE_LIMIT]}"))


@contextmanager
def explained(path: StrPath, where: str | None = None) -> Iterator[None]:
    """Turn whatever a library raises about a damaged file into a `WeightFileError`.

    h5py, zipfile and NumPy raise a dozen kinds of error, from KeyError to MemoryError, for bytes that make no sense.
    """
    try:
        yield
    except MinivisError:
        raise
    except Exception as error:
        lines = str(error).splitlines() or [type(error).__name__]
        raise complaint(path, f"cannot be read: {lines[0][:300]}", where) from error


def check_tensor(path: StrPath, where: str, shape: Shape, itemsize: int, kind: str) -> int:
    """Check what a container declares of a tensor; return its size in bytes as stored."""
    if kind != "f" or itemsize not in (2, 4, 8):
        raise complaint(path, f"expected floats of 2, 4 or 8 bytes, found kind {kind!r} of {itemsize} bytes", where)
    if len(shape) > AXES_LIMIT:
        raise complaint(path, f"a tensor of {len(shape)} axes; at most {AXES_LIMIT}", where)
    if not shape or min(shape) < 1:
        raise complaint(path, f"expected a tensor with at least one number, found shape {shape}", where)
    size = itemsize
    for length in shape:  # Python's integers: no overflow
        size *= length
    if size > TENSOR_LIMIT:
        raise complaint(path, f"shape {shape} needs {size} bytes; a tensor may have {TENSOR_LIMIT}", where)
    return size


def side_of_map(path: StrPath, where: str, inputs: int, channels: int) -> int:
    """Side of the square map of `channels` channels that a dense layer with so many inputs reads."""
    side = isqrt(inputs // channels) if channels else 0
    if channels * side * side != inputs:
        problem = f"reads {inputs} numbers, which is no square map of the {channels} channels before it"
        raise complaint(path, problem, where)
    return side


def read_at(path: StrPath, position: int, out: np.ndarray, where: str) -> None:
    """Fill the C-contiguous `out` with the bytes of the file from `position` on."""
    with Path(path).open("rb") as file:
        file.seek(position)
        if file.readinto(out.reshape(-1).view(np.uint8).data) != out.nbytes:
            raise complaint(path, "truncated while it was read", where)


def cast_into(stored: np.ndarray, out: np.ndarray) -> None:
    """Copy into another precision. What float32 cannot hold becomes infinity, which the finite check then finds."""
    if stored is not out:
        with np.errstate(over="ignore"):
            out[...] = stored
