"""Statistics of a network: histograms of its weights and activations, weights near zero, units that never fire."""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from ..backend import Array, to_host
from ..errors import InputError
from ..nets import Net
from ..nets.architecture import WeightTable
from ..nets.layers import ReLU
from ..training.dynamics import active_channels

BINS = 256
NEAR = (0.01, 0.1, 0.5, 1.0)
"""Standard deviations within which a weight is counted as near zero (ours)."""


class Histogram:
    """Counts of numbers in bins of equal width around 0, made in one pass and in bounded memory.

    The width is a power of two, the smallest for which all numbers seen so far fit. A number that does not fit doubles
    it, and bins are joined in pairs, which is exact: the result does not depend on how the numbers were cut in batches.

    Parameters
    ----------
    bins : int
        An even number; half of the bins are for negative numbers.

    Attributes
    ----------
    counts : ndarray of int, shape (bins,)
    width : float
        Of a bin; bin i holds ``(i - bins / 2) * width <= x < (i + 1 - bins / 2) * width``.
    total, zeros : int
        Numbers, and those that are exactly 0.
    mean, std : float
        Of all numbers.
    """

    def __init__(self, bins: int = BINS):
        if bins < 2 or bins % 2:
            raise InputError(f"expected an even number of bins, 2 or more, got {bins}")
        self.counts = np.zeros(bins, np.int64)
        self.width = 0.0  # none yet: only zeros were seen
        self.total = self.zeros = 0
        self._sum = self._squares = 0.0

    def add(self, values: Array) -> None:
        """Count more numbers; they must be finite."""
        values = np.asarray(to_host(values)).ravel()
        largest = float(np.abs(values).max(initial=0.0))
        if not math.isfinite(largest):
            raise InputError("some of the numbers to count are not finite")
        half = len(self.counts) // 2
        if largest and (not self.width or largest >= half * self.width):
            _, exponent = math.frexp(largest / half)  # 2**exponent > largest / half
            self._widen(2.0**exponent)
        there = values[values != 0] if self.width else values[:0]
        # The quotient by a power of two is exact, so a number on an edge is in the bin above.
        places = np.floor(there / self.width).astype(np.int64) + half if self.width else np.zeros(0, np.int64)
        self.counts += np.bincount(places, minlength=len(self.counts))
        zeros = values.size - there.size
        self.counts[half] += zeros
        self.zeros += zeros
        self.total += values.size
        wide = there.astype(np.float64)
        self._sum += float(wide.sum())
        self._squares += float((wide * wide).sum())

    def _widen(self, width: float) -> None:
        half = len(self.counts) // 2
        if self.width:
            joined = np.zeros_like(self.counts)
            old = np.arange(-half, half)
            np.add.at(joined, np.floor(old * (self.width / width)).astype(int) + half, self.counts)
            self.counts = joined
        self.width = width

    @property
    def edges(self) -> np.ndarray:
        """The edges of the bins, (bins + 1,)."""
        half = len(self.counts) // 2
        return np.arange(-half, half + 1) * (self.width or 1.0)

    @property
    def mean(self) -> float:
        """The mean; nan of nothing."""
        return self._sum / self.total if self.total else math.nan

    @property
    def std(self) -> float:
        """The standard deviation, dividing by the number; nan of nothing."""
        return math.sqrt(max(self._squares / self.total - self.mean**2, 0.0)) if self.total else math.nan


class WeightStatistics(NamedTuple):
    """The weights of a row's kernel."""

    histogram: Histogram
    near: dict[float, float]  # share of weights with |w| < t standard deviations of the row, by t


class ActivationStatistics(NamedTuple):
    """The values of a row over many pictures."""

    histogram: Histogram
    dead: np.ndarray  # the channels that are nowhere above 0, in no picture
    channels: int


def weight_statistics(
    weights: WeightTable, bins: int = BINS, near: Sequence[float] = NEAR
) -> dict[str, WeightStatistics]:
    """Return the statistics of each row's kernel.

    Parameters
    ----------
    weights : mapping
        ``net.weights``: by row, then "kernel".
    bins : int
        As in `Histogram`.
    near : sequence of float
        In standard deviations of the row. `normal_share` says how many a normal distribution would have.
    """
    found = {}
    for row, arrays in weights.items():
        kernel = to_host(arrays["kernel"])
        histogram = Histogram(bins)
        histogram.add(kernel)
        deviation = float(kernel.std(dtype=np.float64))
        sizes = np.abs(kernel)
        found[row] = WeightStatistics(histogram, {t: float((sizes < t * deviation).mean()) for t in near})
    return found


def normal_share(t: float) -> float:
    """Return the share of normal numbers of mean 0 that are within `t` standard deviations of 0."""
    return math.erf(t / math.sqrt(2))


def activation_statistics(
    net: Net, batches: Iterable[Array], rows: Sequence[str] | None = None, bins: int = BINS
) -> dict[str, ActivationStatistics]:
    """Count the values of rows over pictures that need not fit into memory together. One forward pass per batch.

    Parameters
    ----------
    net : Net
    batches : iterable of ndarray, shape (N, H, W, 3)
    rows : list of str, optional
        Default: all ReLUs.
    bins : int
        As in `Histogram`.
    """
    if rows is None:
        rows = [name for name, row in net.architecture.rows.items() if isinstance(row.layer, ReLU)]
    rows = [net.architecture.check(name) for name in rows]
    histograms = {name: Histogram(bins) for name in rows}
    active: dict[str, np.ndarray] = {}
    for batch in batches:
        for name, maps in net.capture(batch, rows).items():
            histograms[name].add(maps)
            fires = to_host(active_channels(maps))
            active[name] = active.get(name, False) | fires
    if not active and rows:
        raise InputError("there are no pictures to count over")
    return {
        name: ActivationStatistics(histograms[name], np.flatnonzero(~active[name]), len(active[name])) for name in rows
    }
