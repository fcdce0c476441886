"""One pass over many pictures: shard by shard, wherever they are worked on, written down every few seconds."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any, Protocol

from ..shards import map_shards
from .folders import Seen

EVERY = 20.0
"""Seconds after which finished pictures are written (ours): with the shard in work, less than half a minute is lost."""
HELD = 1 << 26
"""Bytes of results that are held at most before they are written (ours)."""

Progress = Callable[[int, int], None]
"""Called with the number of pictures done and of all, after each shard."""


class Results(Protocol):
    """What a pass fills: it holds what `add` gives it until `write`, and says how much that is."""

    seen: Seen
    held: int

    def add(self, items: list, result: Any) -> None:
        """Take what became of a shard."""

    def write(self) -> None:
        """Write what is held, if anything is."""


def one_pass(
    work: Callable[[list], Any],
    new: Sequence,
    results: Results,
    batch: int,
    executor: Executor | None,
    every: float,
    progress: Progress | None,
) -> None:
    """Do `work` on the `new` pictures, `batch` at a time, and give what becomes of them to `results`, in order.

    Whatever ends the pass early, Ctrl-C or an error: what is finished is written.
    """
    done = len(results.seen)
    total, last = done + len(new), time.monotonic()
    shards = map_shards(work, new, batch, executor)
    try:
        for shard in shards:
            results.add(shard.items, shard.result)
            done += len(shard.items)
            if time.monotonic() >= last + every or results.held >= HELD:
                results.write()
                last = time.monotonic()
            if progress is not None:
                progress(done, total)
    finally:
        shards.close()
        results.write()
