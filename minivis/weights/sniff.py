"""Is this a file that may be opened, and what is it really? Decided from a stat and the first bytes."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import NamedTuple

from .container import FILE_LIMIT, StrPath, complaint

HDF5 = b"\x89HDF\r\n\x1a\n"
# What people hold when they believe that they hold weights.
NOT_WEIGHTS = (
    ((b"<!do", b"<htm", b"<?xm", b"<hea"), "looks like a web page: the download was a login or error page"),
    ((b"version https://git-lfs",), "is a Git LFS pointer: run `git lfs pull` in its repository to get the file"),
    (
        (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"),
        "is a Python pickle, which can run code when it is opened, so minivis does not read it: export the arrays with "
        "the program that made it, by numpy.savez or minivis.weights.save_weights. Of PyTorch, what "
        "torch.save(model.state_dict(), path) writes is read",
    ),
    (
        (b"\x93numpy",),
        "is a single .npy, not a set of weights (and vgg16.npy is a pickle, which can run code): expected .h5, .npz, "
        ".safetensors or .pth; numpy.savez writes arrays by name",
    ),
    ((b"\x1f\x8b",), "is gzip-compressed: unpack it first"),
)


class Identity(NamedTuple):
    """What tells one version of a file from another without reading it."""

    bytes: int
    mtime_ns: int
    inode: int
    device: int


def identity_of(path: StrPath) -> Identity:
    """Stat `path`, which must be a regular file of a sensible size.

    A FIFO, a socket or a device is refused here, before anything opens it: opening a FIFO waits for ever.
    """
    try:
        found = Path(path).stat()
    except FileNotFoundError as error:
        raise complaint(path, "no such file") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL character in the name
        raise complaint(path, f"cannot be opened: {error}") from error
    if stat.S_ISDIR(found.st_mode):
        raise complaint(path, "is a folder; expected a weight file (.h5, .npz, .safetensors or .pth)")
    if not stat.S_ISREG(found.st_mode):
        raise complaint(path, "is not a regular file; expected a weight file (.h5, .npz, .safetensors or .pth)")
    if found.st_size == 0:
        raise complaint(path, "is empty: copy or download it again")
    if found.st_size > FILE_LIMIT:
        raise complaint(path, f"has {found.st_size} bytes; a weight file may have {FILE_LIMIT}")
    return Identity(found.st_size, found.st_mtime_ns, found.st_ino, found.st_dev)


def container_of(path: StrPath) -> str:
    """Return "hdf5", "npz", "pth" or "safetensors", from the bytes alone; the name says nothing."""
    from .pth import MAGIC
    from .zips import kind_of

    try:
        with Path(path).open("rb") as file:
            head = file.read(32)
            if head.startswith(b"PK\x03\x04"):
                return kind_of(path)
            if head.startswith(MAGIC):
                return "pth"
            if head[8:9] == b"{" and head[5:8] == bytes(3):  # its first eight bytes are a number below 2**40
                return "safetensors"
            offset = 0  # HDF5 may follow a user block of 512, 1024, 2048, ... bytes
            while offset <= 1 << 20:
                file.seek(offset)
                if file.read(len(HDF5)) == HDF5:
                    return "hdf5"
                offset = max(512, offset * 2)
    except OSError as error:
        raise complaint(path, f"cannot be opened: {error}") from error
    start = head.lstrip().lower()
    for signatures, problem in NOT_WEIGHTS:
        if start.startswith(signatures):
            raise complaint(path, problem)
    raise complaint(path, f"is neither HDF5 nor .npz, nor .safetensors or .pth; it begins with {head[:16]!r}")
