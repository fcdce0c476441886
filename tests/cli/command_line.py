"""A folder with tiny networks and photographs for the tests of the command line, and a way to call it."""

from typing import NamedTuple

import numpy as np
from small import CHAIN, CLASS_MAPS, small_net

from minivis.cli import main
from minivis.nets import ARCHITECTURES
from minivis.pictures import save_picture
from minivis.weights import save_weights


class Said(NamedTuple):
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


def prepare(folder, monkeypatch):
    """Make `folder` the current one, with chain.h5, class_maps.h5 and two photographs; nothing else is found."""
    monkeypatch.chdir(folder)
    for name in ("MINIVIS_WEIGHTS", "MINIVIS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MINIVIS_CACHE", str(folder / "cache"))
    for net in (CHAIN, CLASS_MAPS):
        monkeypatch.setitem(ARCHITECTURES, net.name, net)
        save_weights(folder / f"{net.name}.h5", small_net(net).weights, attributes={"architecture": net.name})
    rng = np.random.default_rng(5)
    for name in ("cat.png", "dog.png"):
        save_picture(folder / name, rng.uniform(0, 255, (20, 24, 3)))
    return folder


def caller(capsys):
    """Return a function that runs the command line in this process."""

    def call(*argv):
        capsys.readouterr()
        code = main([str(word) for word in argv])
        return Said(code, *capsys.readouterr())

    return call
