"""A network on its way to other processes, and how it is known there."""

import functools
import hashlib
import pickle
from dataclasses import replace

import numpy as np

from ..backend import to_host
from ..errors import InputError
from ..weights import WeightFile, sha256_of
from .net import Net


def fingerprint(net: Net) -> str:
    """Return the SHA-256 of a network's weight file, or of its weights if they come from no file."""
    if net.path is not None:
        return sha256_of(net.path)
    found = hashlib.sha256()
    for row, weights in net.weights.items():
        for name, array in sorted(weights.items()):
            found.update(f"{row} {name} {array.dtype} {array.shape}".encode())
            found.update(np.ascontiguousarray(to_host(array)).data)
    return found.hexdigest()


class NetReference:
    """A network on its way to worker processes: there it is loaded once, and its weights must be the same."""

    def __init__(self, net: Net):
        self.net = net

    @functools.cached_property
    def sha256(self) -> str:
        """See `fingerprint`."""
        return fingerprint(self.net)

    def __reduce__(self) -> tuple:
        net, source = self.net, self.net.weights.source
        if isinstance(source, WeightFile):  # the worker may run in another folder
            net = Net(net.architecture, replace(source, path=source.path.absolute()), net.device, net.dtype)
        return _arrived, (pickle.dumps(net), self.sha256)


@functools.lru_cache(maxsize=2)
def _arrived(pickled: bytes, sha256: str) -> NetReference:
    # Reached only while a NetReference is unpickled: what this program sent to its own worker, never a file.
    reference = NetReference(pickle.loads(pickled))
    if reference.sha256 != sha256:
        raise InputError(
            f"{reference.net.path} is another file for this worker: its SHA-256 is {reference.sha256[:12]}, "
            f"expected {sha256[:12]}"
        )
    return reference
