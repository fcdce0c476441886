"""The finished parts of a page or an animation, kept until the whole is there, so that a stopped run can go on.

Each is a small file in the folder ``OUT.parts``, with the state of the generator after it.
"""

import argparse
import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from ...atomic import sweep
from ...errors import InputError
from ...locks import locked
from ..common import make_folder
from .runner import check_settings, settings_of
from .states import load_state, save_state

NAME = re.compile(r"\d{5}\.npz")


class Parts:
    """What is finished of a run.

    Attributes
    ----------
    done : list
        The parts that an earlier run has left, in their order.
    whole : bool
        Whether the run has come to its end.
    """

    def __init__(self, arguments: argparse.Namespace, rng: np.random.Generator):
        self.folder, self.whole = Path(f"{arguments.out}.parts"), True
        self.done: list[Any] = []
        self._count = 0
        self._rng, self._seconds, self._begun = rng, arguments.seconds, time.monotonic()
        self._settings = json.dumps({**json.loads(settings_of(arguments)), "steps": arguments.steps}, sort_keys=True)
        if not arguments.resume:
            self.clear()
            return
        while not self.done or self._file(len(self.done)).exists():
            self.done.append(self._read(self._file(len(self.done)), arguments))
        self._count = len(self.done)

    def _read(self, path: Path, arguments: argparse.Namespace) -> Any:
        saved = load_state(path)
        if not isinstance(saved, dict) or set(saved) != {"settings", "part", "rng"}:
            raise InputError(f"{str(path)!r} is no part of a run")
        check_settings(str(saved["settings"]), self._settings, arguments.out)
        self._rng.bit_generator.state = saved["rng"]
        return saved["part"]

    def add(self, part: Any) -> None:
        """Keep a part that is finished."""
        make_folder(self.folder)
        state = {"settings": self._settings, "part": part, "rng": self._rng.bit_generator.state}
        save_state(self._file(self._count), state)
        self._count += 1

    def late(self) -> bool:
        """Return whether the time is up; then the parts stay, for the run to go on."""
        if self._seconds is not None and time.monotonic() - self._begun >= self._seconds:
            self.whole = False
        return not self.whole

    def clear(self) -> None:
        """Remove the parts, the last one first: what a kill leaves is still a beginning."""
        sweep(self.folder)
        with suppress(OSError):
            for path in sorted(self.folder.iterdir(), reverse=True):
                if NAME.fullmatch(path.name):
                    path.unlink()
            self.folder.rmdir()

    def _file(self, number: int) -> Path:
        return self.folder / f"{number:05d}.npz"


@contextmanager
def kept_parts(arguments: argparse.Namespace, rng: np.random.Generator) -> Iterator[Parts]:
    """Give the parts of a run: those there are with ``--resume``, else none. They go when the run has come to its end.

    `rng` is set to where it was after the last part.

    Raises
    ------
    InputError
        If there is nothing to resume, if it belongs to a run with other options, or if another run is at it.
    """
    with locked(arguments.out):
        parts = Parts(arguments, rng)
        yield parts
        if parts.whole:
            parts.clear()
