"""One page for a network: pictures that units of each stage answer to, from simple to complex."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...backend import Array
from ...nets import Net
from ...nets.layers import LRN, AvgPool, Concat, MaxPool, ReLU
from .maximize import activation_maximization


class Stage(NamedTuple):
    """What some units of a row answer to most."""

    row: str
    channels: list[int]
    pictures: Array  # (K, H, W, 3)
    scores: Array  # (K,)


def stages(net: Net) -> list[str]:
    """Return the rows that end a stage: joined branches, and ReLUs before a pooling or normalisation, in order."""
    rows = net.architecture.rows
    before = {row.inputs[0] for row in rows.values() if isinstance(row.layer, MaxPool | AvgPool | LRN)}
    return [
        name
        for name, row in rows.items()
        if isinstance(row.layer, Concat) or (isinstance(row.layer, ReLU) and name in before)
    ]


def maximized_stages(
    net: Net,
    rows: Sequence[str] | None = None,
    count: int = 8,
    rng: np.random.Generator | None = None,
    **choices: Any,
) -> Iterator[Stage]:
    """Maximise the first `count` channels of each row, one row after the other.

    Parameters
    ----------
    net : Net
    rows : sequence of str, optional
        Default: those of `stages`.
    count : int
    rng : numpy.random.Generator, optional
    **choices
        Of `activation_maximization`.
    """
    rng = np.random.default_rng(0) if rng is None else rng
    for row in stages(net) if rows is None else rows:
        channels = list(range(min(count, net.shapes(upto=row)[row][-1])))
        for picture, score in activation_maximization(net, row, channels, rng=rng, **choices):
            last = Stage(row, channels, picture, score)
        yield last
