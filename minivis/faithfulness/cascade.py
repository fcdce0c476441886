"""Does an explanation depend on what the network has learnt? Randomise the weights, and see whether it changes.

Cascading: the top row's weights are replaced by fresh ones, then also those of the row below, and so on down to the
first. Independent: one row's at a time, all others as learnt. The same fresh weights serve both.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..attribution.targets import class_of
from ..backend import Array, to_host
from ..errors import InputError
from ..nets import Net, initial_weights
from .likeness import spearman, ssim
from .methods import Method, importance

STAYS = 0.5
"""Spearman's correlation of absolute values from which on an explanation counts as still the same (ours)."""


class Randomized(NamedTuple):
    """One method at one row."""

    method: str
    row: str  # randomised: this one, and those above it if cascading
    spearman: float  # mean over the pictures; of the values with their signs
    spearman_abs: float  # of their absolute values
    ssim: float  # of the maps


class Cascade(NamedTuple):
    """What became of each method's explanations, row by row."""

    rows: tuple[str, ...]  # from the top down
    records: list[Randomized]
    maps: dict[str, list[np.ndarray]]  # by method: maps of the first picture (H, W), as learnt and then at each row

    def of(self, method: str) -> list[Randomized]:
        """Return the records of a method, from the top row down."""
        return [record for record in self.records if record.method == method]

    def changes_at(self, method: str) -> str | None:
        """Return the first row, from the top, at which |correlation of absolute values| < 0.5 or nan; None if none."""
        return next((r.row for r in self.of(method) if not abs(r.spearman_abs) >= STAYS), None)

    def depends_on_weights(self, method: str) -> bool:
        """Return whether that happens before more than half of the rows, the upper ones, are randomised (ours)."""
        row = self.changes_at(method)
        return row in self.rows[: (len(self.rows) + 1) // 2]


def rows_with_weights(net: Net) -> tuple[str, ...]:
    """Return the rows that have weights, from the top down."""
    return tuple(reversed(net.architecture.parameters))


def randomized(net: Net, seed: int = 0, independent: bool = False) -> Iterator[tuple[str, Net]]:
    """Yield (row, network with that row randomised, and with those above it unless `independent`), from the top down.

    Fresh weights are those that training would start from (`initial_weights`). `net` itself is not changed.
    """
    rows = rows_with_weights(net)
    fresh = initial_weights(net.architecture, np.random.default_rng(seed), net.dtype)
    for i, row in enumerate(rows):
        replaced = {row} if independent else set(rows[: i + 1])
        table = {name: fresh[name] if name in replaced else net.weights[name] for name in rows}
        yield row, Net(net.architecture, table, net.device, net.dtype)


def randomize(
    net: Net,
    x: Array,
    methods: Sequence[Method],
    target: Any = None,
    seed: int = 0,
    independent: bool = False,
    progress: Any = None,
) -> Cascade:
    """Compare each method's explanation of the learnt network with those of networks with random rows.

    Parameters
    ----------
    net : Net
    x : ndarray, shape (N, H, W, 3)
    methods : list of Method
        See `methods_for`.
    target : int, str, list or None
        The class; None for each picture's top class of the learnt network. It stays the same throughout.
    seed : int
    independent : bool
    progress : callable, optional
        Wraps the iterable of networks, for example ``tqdm``.

    Returns
    -------
    Cascade
        Correlations are means over the pictures for which they exist; nan if for none, as when Grad-CAM is 0
        everywhere.

    References
    ----------
    Adebayo et al. 2018, "Sanity checks for saliency maps".
    """
    if not methods:
        raise InputError("there are no methods to compare")
    x = net.check_picture(x)
    classes = class_of(net, x, target)
    learnt = {method.name: to_host(method.explain(net, x, classes)) for method in methods}
    learnt_maps = {method.name: importance(method, learnt[method.name]) for method in methods}
    maps = {name: [found[0]] for name, found in learnt_maps.items()}
    records = []
    networks = randomized(net, seed, independent)
    for row, other in progress(networks) if progress else networks:
        for method in methods:
            explained = to_host(method.explain(other, x, classes))
            now = importance(method, explained)
            maps[method.name].append(now[0])
            pairs = list(zip(learnt[method.name], explained, strict=True))
            records.append(
                Randomized(
                    method.name,
                    row,
                    _mean([spearman(a, b) for a, b in pairs]),
                    _mean([spearman(np.abs(a), np.abs(b)) for a, b in pairs]),
                    _mean([ssim(a, b) for a, b in zip(learnt_maps[method.name], now, strict=True)]),
                )
            )
    return Cascade(rows_with_weights(net), records, maps)


def _mean(values: list[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")
