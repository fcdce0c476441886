"""Work for worker processes: small, and quick to import there."""

import os
import signal
from pathlib import Path


def squares(items):
    return [item * item for item in items]


def process(items):
    return os.getpid()


def fail(items):
    if 5 in items:
        raise ValueError("no five")
    return items


class DieOnce:
    """Kills its process at one item, unless a process did so before, and else gives the items back."""

    def __init__(self, marker, item, always=False):
        self.marker, self.item, self.always = str(marker), item, always

    def __call__(self, items):
        if self.item in items and (self.always or not Path(self.marker).exists()):
            Path(self.marker).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return squares(items)
