"""The training loop: one step after the other, as an iterator.

All that a run is at a given moment, from the weights to the random generator, is one `State`. Each step makes a new one
and puts it in the place of the old, so there is always a complete one to save, whenever the run is interrupted. A run
that goes on from a saved state takes the same steps as one that was never interrupted: to the bit, on one machine with
the same number of threads.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, Protocol

import numpy as np

from ..backend import DTYPE, Array, check_device, to_device, to_host
from ..errors import InputError
from ..nets import Architecture, Net
from ..nets.architecture import WeightTable
from ..nets.layers import Sigmoid
from ..nets.small import first_weights
from ..primitives import binary_cross_entropy, cross_entropy, sum
from ..tape import Primitive, Tensor, backward
from .optimizers import Arrays, Memory, Optimizer, Schedule, clip_norm, constant

View = Callable[[np.ndarray, int, np.random.Generator], np.ndarray]
"""Pictures to what the net is shown, ``view(pictures, size, rng)``: see `random_views`."""


class PictureArray(Protocol):
    """Pictures that can be chosen by an array of indices: an ndarray or `Pictures`."""

    def __len__(self) -> int: ...

    def __getitem__(self, indices: Any) -> np.ndarray: ...


class State(NamedTuple):
    """All that a run is between two steps. Its arrays are never changed."""

    weights: Arrays
    memory: Memory  # the optimiser's
    steps: int  # steps done
    order: np.ndarray  # the order of the pictures in the present epoch
    rng: Mapping[str, Any]  # the random generator's state
    loss: float  # sums over the pictures seen in the present epoch
    right: int
    seen: int


class Step(NamedTuple):
    """What one step has done; `mean_loss` and `accuracy` are over the pictures seen so far in the epoch."""

    epoch: int  # from 1
    batch: int  # from 1
    batches: int
    lr: float
    loss: float
    gradient_norm: float
    mean_loss: float
    accuracy: float

    @property
    def ends_epoch(self) -> bool:
        """Whether all pictures have been seen."""
        return self.batch == self.batches


class Training:
    """A training run: an iterator that takes one step at each turn and yields a `Step`.

    A step shows the net a batch of pictures, takes the mean cross-entropy of their classes (`loss_of`), pulls it back
    to the weights and moves them. Dropout is on. Nothing is drawn, saved or printed: the caller decides, between two
    steps.

    Parameters
    ----------
    architecture : Architecture
    pictures : ndarray, shape (N, H, W, 3), or Pictures
    labels : ndarray of int, shape (N,)
    optimizer : SGD or Adam
    lr : float or function
        The learning rate, or a function from the number of steps done to it.
    epochs : int
        How often all pictures are seen.
    batch : int
        The most pictures per step. An epoch is cut into batches of equal size, or one less.
    view : function, optional
        ``view(pictures, size, rng)`` gives what the net is shown, for example `random_views`. None: the pictures.
    rng : numpy.random.Generator
        Draws the first weights, the order of the pictures, their views and dropout. With `state`, it goes on
        from the state there.
    clip : float, optional
        The largest length of the gradient: see `clip_norm`.
    threads : int
        Each computes a part of the batch. BLAS should then have one thread of its own (``threadpoolctl``): it gains
        little from more, and cores that others use as well make it wait. Another number gives another run.
    device : {"cpu", "gpu"}
    start : mapping, optional
        Weights to start from, by row and then "kernel" and "bias". Default: random ones (`first_weights`).
    state : State, optional
        Go on from here.

    Raises
    ------
    InputError
        If labels and pictures do not fit; while iterating, if the loss is no longer finite.

    Examples
    --------
    ::

        training = Training(architecture("minivgg"), pictures, labels, SGD(), lr=0.01, epochs=10, batch=32, rng=rng)
        for step in training:
            if step.ends_epoch:
                print(step.epoch, step.mean_loss, step.accuracy)
        net = training.net()
    """

    def __init__(
        self,
        architecture: Architecture,
        pictures: PictureArray,
        labels: np.ndarray,
        optimizer: Optimizer,
        lr: float | Schedule,
        *,
        epochs: int,
        batch: int,
        rng: np.random.Generator,
        view: View | None = None,
        clip: float | None = None,
        threads: int = 1,
        device: str = "cpu",
        start: WeightTable | None = None,
        state: State | None = None,
    ):
        self.architecture, self.pictures, self.labels = architecture, pictures, np.asarray(labels)
        self.optimizer, self.lr = optimizer, lr if callable(lr) else constant(lr)
        self.epochs, self.view, self.clip = epochs, view, clip
        self.threads, self.device = threads, check_device(device)
        self._check(batch)
        self.batches = -(-len(pictures) // batch)
        self._loss = loss_of(architecture)
        self._net = Net(architecture, {}, device)  # its weights are passed in at each step
        self._rng = rng
        if state is None:
            self.state = self._first_state(start)
        else:
            self.state = state._replace(
                weights=self._on_device(state.weights),
                memory={part: self._on_device(arrays) for part, arrays in state.memory.items()},
            )

    def _check(self, batch: int) -> None:
        n, classes = len(self.pictures), len(self.architecture.labels)
        if self.labels.shape != (n,) or self.labels.dtype.kind not in "iu":
            raise InputError(f"expected {n} integer labels, got {self.labels.dtype} {self.labels.shape}")
        if min(n, self.epochs, batch, self.threads) < 1:
            given = f"{n} pictures, {self.epochs} epochs, {batch} pictures per batch, {self.threads} threads"
            raise InputError(f"expected at least one of each, got {given}")
        if self.labels.min() < 0 or self.labels.max() >= classes:
            raise InputError(f"labels must be 0..{classes - 1}, got {self.labels.min()}..{self.labels.max()}")

    def _first_state(self, start: WeightTable | None) -> State:
        table = start or first_weights(self.architecture, self._rng, DTYPE)
        weights = self._on_device(flat({row: table[row] for row in self.architecture.parameters}))
        memory = self.optimizer.start(weights)
        order = self._rng.permutation(len(self.pictures))
        return State(weights, memory, 0, order, self._rng.bit_generator.state, 0.0, 0, 0)

    def _on_device(self, arrays: Arrays) -> Arrays:
        return {name: to_device(array, self.device) for name, array in arrays.items()}

    @property
    def steps(self) -> int:
        """The number of steps of the whole run."""
        return self.epochs * self.batches

    def net(self) -> Net:
        """Return the network as it is now."""
        return Net(self.architecture, nested(self.state.weights), self.device)

    def __iter__(self) -> Iterator[Step]:
        return self

    def __next__(self) -> Step:
        now = self.state
        if now.steps == self.steps:
            raise StopIteration
        # The generator may be elsewhere: it is the caller's, and a step that was interrupted has drawn numbers already.
        self._rng.bit_generator.state = now.rng
        epoch, batch = divmod(now.steps, self.batches)
        chosen = np.array_split(now.order, self.batches)[batch]
        right, loss, gradients = self._differentiate(now.weights, chosen)
        if not np.isfinite(loss):
            raise InputError(f"the loss of step {now.steps + 1} is {loss}: try a smaller learning rate")
        gradients, norm = clip_norm(gradients, np.inf if self.clip is None else self.clip)
        lr = self.lr(now.steps)
        weights, memory = self.optimizer.step(now.weights, gradients, now.memory, lr, now.steps + 1)

        total = now.loss + loss * len(chosen)
        right += now.right
        seen = now.seen + len(chosen)
        step = Step(epoch + 1, batch + 1, self.batches, lr, loss, norm, total / seen, right / seen)
        order = now.order
        if step.ends_epoch:
            order, total, right, seen = self._rng.permutation(len(self.pictures)), 0.0, 0, 0
        rng = self._rng.bit_generator.state
        self.state = State(weights, memory, now.steps + 1, order, rng, total, right, seen)
        return step

    def _differentiate(self, weights: Arrays, chosen: np.ndarray) -> tuple[int, float, Arrays]:
        """Return how many of a batch were right, its mean loss, and the gradient of that with respect to the weights.

        Each thread takes a part of the batch. What the parts give is added up, in their order.
        """
        pictures = self.pictures[chosen]
        if self.view is not None:
            pictures = self.view(pictures, self.architecture.size, self._rng)
        pictures = pictures.astype(DTYPE, copy=False)
        parts = np.array_split(np.arange(len(chosen)), min(self.threads, len(chosen)))
        seeds = self._rng.integers(2**63, size=len(parts))

        def differentiate(part: np.ndarray, seed: int) -> tuple[int, float, list[Array]]:
            labels = self.labels[chosen[part]]
            tensors = {name: Tensor(w) for name, w in weights.items()}  # only these are recorded, not the pictures
            x, rng = to_device(pictures[part], self.device), np.random.default_rng(seed)
            with np.errstate(over="ignore", invalid="ignore"):  # the caller looks whether the loss is finite
                logits = self._net.capture(x, [self._net.logits], weights=nested(tensors), rng=rng)[self._net.logits]
                loss = sum(self._loss(logits, labels=labels)) * (1 / len(chosen))
                gradients = backward(loss, list(tensors.values()))
            right = int((to_host(logits.value).argmax(-1) == labels).sum())
            return right, float(loss.value), gradients

        with ThreadPoolExecutor(len(parts)) as pool:
            first, *others = pool.map(differentiate, parts, seeds)
        right, loss, gradients = first
        for more_right, more_loss, more in others:
            right, loss = right + more_right, loss + more_loss
            gradients = [a + b for a, b in zip(gradients, more, strict=True)]
        return right, loss, dict(zip(weights, gradients, strict=True))


def loss_of(architecture: Architecture) -> Primitive:
    """Return the loss that fits the last row: of one choice among the classes, or of a yes or no for each."""
    last = architecture.rows[architecture.names[-1]].layer
    return binary_cross_entropy if isinstance(last, Sigmoid) else cross_entropy


def flat(table: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return weights by row and kind as weights by one name, "row/kind"."""
    return {f"{row}/{kind}": array for row, arrays in table.items() for kind, array in arrays.items()}


def nested(arrays: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what `flat` was made from. A row's name may have slashes of its own; the kind has none."""
    table: dict[str, dict[str, Any]] = {}
    for name, array in arrays.items():
        row, _, kind = name.rpartition("/")
        table.setdefault(row, {})[kind] = array
    return table
