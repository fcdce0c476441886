"""Training on after pruning or sharing: optimisers that leave zeros zero, and shared weights equal.

Each wraps another optimiser and changes only the gradients that it sees. What the other does, it does to each weight
alone; so weights with equal values, gradients and memories stay equal, and a weight of 0 that never has a gradient
stays 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..backend import array_module, to_host
from ..nets import Net
from ..training import Adam, Pictures, Training, random_views
from ..training.loop import nested
from ..training.optimizers import Arrays, Memory, Optimizer
from .pruning import Table

LR = 1e-4
"""Of Adam, for a network that is trained already (ours): a tenth of what it was trained with."""


@dataclass(frozen=True)
class Masked:
    """An optimiser for pruned weights: those of the kernels that are 0 at the start stay 0 (Han et al. 2015)."""

    optimizer: Optimizer
    masks: Mapping[str, Any] = field(repr=False)  # by "row/kernel": what a gradient is multiplied by

    def start(self, weights: Arrays) -> Memory:
        """Return the memory before the first step."""
        return self.optimizer.start(weights)

    def step(self, weights: Arrays, gradients: Arrays, memory: Memory, lr: float, number: int) -> tuple[Arrays, Memory]:
        """Return the weights and the memory after a step."""
        seen = {name: g * array_module(g).asarray(self.masks.get(name, 1), g.dtype) for name, g in gradients.items()}
        return self.optimizer.step(weights, seen, memory, lr, number)


@dataclass(frozen=True)
class Tied:
    """An optimiser for shared weights: each moves by the sum of the gradients of its cluster.

    So the shared values are what is trained, the clusters stay (Han, Mao and Dally 2016, "trained quantization").
    """

    optimizer: Optimizer
    clusters: Mapping[str, np.ndarray] = field(repr=False)  # by "row/kernel": (size,) int; -1 for weights that stay 0

    def start(self, weights: Arrays) -> Memory:
        """Return the memory before the first step."""
        return self.optimizer.start(weights)

    def step(self, weights: Arrays, gradients: Arrays, memory: Memory, lr: float, number: int) -> tuple[Arrays, Memory]:
        """Return the weights and the memory after a step."""
        seen = {name: self._summed(name, g) if name in self.clusters else g for name, g in gradients.items()}
        return self.optimizer.step(weights, seen, memory, lr, number)

    def _summed(self, name: str, gradient: Any) -> Any:
        xp = array_module(gradient)
        clusters = xp.asarray(self.clusters[name])
        sums = xp.bincount(clusters + 1, weights=gradient.ravel())
        sums[0] = 0.0
        return sums[clusters + 1].astype(gradient.dtype).reshape(gradient.shape)


def masks_of(weights: Mapping[str, Mapping[str, Any]]) -> dict[str, np.ndarray]:
    """Return for each kernel, by "row/kernel", 1 where it is not 0, and 0 where it is."""
    return {f"{row}/kernel": (arrays["kernel"] != 0).astype(arrays["kernel"].dtype) for row, arrays in weights.items()}


def clusters_of(weights: Mapping[str, Mapping[str, Any]]) -> dict[str, np.ndarray]:
    """Return for each kernel, by "row/kernel", which of its distinct values each weight has; -1 for zeros."""
    found = {}
    for row, arrays in weights.items():
        kernel = arrays["kernel"].ravel()
        _, index = np.unique(kernel, return_inverse=True)
        found[f"{row}/kernel"] = np.where(kernel == 0, -1, index)
    return found


def retrained(
    net: Net, weights: Table, optimizer: Any, pictures: Pictures, epochs: int, rng: np.random.Generator, **options: Any
) -> Table:
    """Train a network of these weights on, by a `Masked` or `Tied` optimiser; return the weights it ends with.

    Parameters
    ----------
    net : Net
        Whose architecture and device are used.
    weights : dict
        Where it starts.
    optimizer : Masked or Tied
    pictures : Pictures
        With their labels; shown by `random_views`.
    epochs : int
    rng : numpy.random.Generator
    **options
        More for `Training`: lr (default: `LR`), batch (32), threads, ...
    """
    chosen: dict[str, Any] = {"lr": LR, "batch": 32, "view": random_views, "device": net.device} | options
    training = Training(
        net.architecture, pictures, pictures.labels, optimizer, epochs=epochs, rng=rng, start=weights, **chosen
    )
    for _ in training:
        pass
    return nested({name: to_host(array) for name, array in training.state.weights.items()})


def retrain_pruned(net: Net, weights: Table, pictures: Pictures, epochs: int, rng: Any, **options: Any) -> Table:
    """Train pruned weights on by Adam; zeros stay zeros. Arguments as in `retrained`."""
    return retrained(net, weights, Masked(Adam(), masks_of(weights)), pictures, epochs, rng, **options)


def retrain_shared(net: Net, weights: Table, pictures: Pictures, epochs: int, rng: Any, **options: Any) -> Table:
    """Train shared weights on by Adam; the clusters stay. Arguments as in `retrained`."""
    return retrained(net, weights, Tied(Adam(), clusters_of(weights)), pictures, epochs, rng, **options)
