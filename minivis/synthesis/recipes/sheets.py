"""One page for a network: pictures that units of each stage answer to, from simple to complex."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...backend import Array, to_host
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
        Of `activation_maximization`. Unless another place is chosen, units that stay silent are climbed from the centre
        of their map before its ReLU; their score is that unit's.
    """
    rng = np.random.default_rng(0) if rng is None else rng
    for row in stages(net) if rows is None else rows:
        channels = list(range(min(count, net.shapes(upto=row)[row][-1])))
        last = _maximized(net, row, channels, rng, choices)
        silent = [k for k, score in enumerate(to_host(last.scores)) if score <= 0]
        if silent and choices.get("place", "positive") == "positive":
            # Nowhere in the start was the unit above 0, so no slope led up: climb from its value before the ReLU.
            above = net.architecture.rows[row]
            below = above.inputs[0] if isinstance(above.layer, ReLU) else row
            again = _maximized(net, below, [channels[k] for k in silent], rng, {**choices, "place": "centre"})
            last.pictures[silent], last.scores[silent] = again.pictures, again.scores
        yield last


def _maximized(net: Net, row: str, channels: list[int], rng: np.random.Generator, choices: Mapping[str, Any]) -> Stage:
    """Climb to the end."""
    for picture, score in activation_maximization(net, row, channels, rng=rng, **choices):
        last = Stage(row, channels, picture, score.copy())
    return last
