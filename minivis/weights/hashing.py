"""Hashes of files, remembered so that half a gigabyte is not read at each start."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from ..atomic import replacing
from .container import StrPath, complaint
from .finding import cache_folder
from .sniff import Identity, identity_of

BLOCK = 1 << 20


class Digests(NamedTuple):
    """Hexadecimal digests of one file; md5 only because that is what Keras publishes."""

    md5: str
    sha256: str


def sha256_of(path: StrPath, *, fresh: bool = False) -> str:
    """SHA-256 of a file, in hexadecimal.

    The result is remembered in the cache folder, for this path, size and time of change; `fresh` reads the file again.
    """
    return digests_of(path, fresh=fresh).sha256


def digests_of(path: StrPath, *, fresh: bool = False, progress: Callable[[int], None] | None = None) -> Digests:
    """MD5 and SHA-256 of a file in one pass; see `sha256_of`. `progress` is told the bytes that were read so far."""
    known = None if fresh else remembered(path)
    if known is not None:
        return known
    import hashlib

    identity = identity_of(path)
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    try:
        with Path(path).open("rb") as file:
            while block := file.read(BLOCK):
                md5.update(block)
                sha256.update(block)
                if progress is not None:
                    progress(file.tell())
    except OSError as error:
        raise complaint(path, f"cannot be read: {error}") from error
    if identity_of(path) != identity:
        raise complaint(path, "changed while it was read")
    digests = Digests(md5.hexdigest(), sha256.hexdigest())
    _remember(path, identity, digests)
    return digests


def remembered(path: StrPath) -> Digests | None:
    """The digests of this version of the file if they were ever computed; never reads the file."""
    import json

    try:
        note = json.loads(_note(path).read_text(encoding="utf-8"))
        if note["identity"] == list(identity_of(path)):
            return Digests(str(note["md5"]), str(note["sha256"]))
    except (OSError, ValueError, KeyError, TypeError):  # no note, or not one of ours: work it out again
        pass
    return None


def _remember(path: StrPath, identity: Identity, digests: Digests) -> None:
    import json

    note = {"path": str(Path(path).absolute()), "identity": list(identity), **digests._asdict()}
    try:
        target = _note(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as part:
            part.write_text(json.dumps(note), encoding="utf-8")
    except OSError:  # a cache that cannot be written costs time, nothing else
        pass


def _note(path: StrPath) -> Path:
    """File in the cache folder that belongs to `path`, never one beside the user's own."""
    import hashlib

    name = hashlib.sha256(str(Path(path).resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:32]
    return cache_folder() / "digests" / f"{name}.json"
