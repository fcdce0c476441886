"""Optimisers: how weights follow their gradients.

An optimiser is a record of its constants. What it remembers between steps is passed in and given back, like the
weights: ``weights, memory = optimizer.step(weights, gradients, memory, lr, number)``. No array is ever changed, so a
step that is interrupted leaves the weights and the memory of the step before.

Weights, gradients and each part of the memory are tables of arrays by name, for example "conv1_1/kernel".
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..backend import Array, array_module
from ..errors import InputError

Arrays = dict[str, Array]
Memory = dict[str, Arrays]
Schedule = Callable[[int], float]
"""The learning rate as a function of the number of steps done."""


@dataclass(frozen=True)
class SGD:
    """Stochastic gradient descent with momentum: ``v = momentum * v + g``, ``w = w - lr * v``.

    Parameters
    ----------
    momentum : float
        0 is plain gradient descent.
    weight_decay : float
        ``g`` is the gradient of the loss plus half of this times the squared length of the weights, biases included.
    nesterov : bool
        Step by ``g + momentum * v`` in place of ``v``: the gradient where the momentum is about to lead.

    Notes
    -----
    Momentum and Nesterov's variant as in Sutskever et al. (2013, section 2), with the learning rate outside the
    velocity and Nesterov's step written at the point looked ahead to, as PyTorch has both.
    """

    momentum: float = 0.9
    weight_decay: float = 0.0
    nesterov: bool = False

    def __post_init__(self):
        if not 0 <= self.momentum < 1 or self.weight_decay < 0:
            raise InputError(f"momentum must be in [0, 1) and weight decay 0 or more, got {self}")
        if self.nesterov and not self.momentum:
            raise InputError("Nesterov's variant needs a momentum above 0")

    def start(self, weights: Arrays) -> Memory:
        """Return the memory before the first step: velocities of 0."""
        return {"velocity": _zeros(weights)}

    def step(self, weights: Arrays, gradients: Arrays, memory: Memory, lr: float, number: int) -> tuple[Arrays, Memory]:
        """Return the weights and the memory after step `number` (from 1; not used here)."""
        moved: Arrays = {}
        velocity: Arrays = {}
        for name, w in weights.items():
            g = gradients[name] + self.weight_decay * w
            v = velocity[name] = self.momentum * memory["velocity"][name] + g
            moved[name] = w - lr * (g + self.momentum * v if self.nesterov else v)
        return moved, {"velocity": velocity}


@dataclass(frozen=True)
class Adam:
    """Adam: steps by the mean gradient over its root mean square (Kingma and Ba 2015, algorithm 1).

    Parameters
    ----------
    beta1, beta2 : float
        How much of the running means of the gradient and of its square is kept at each step (the paper's values).
    epsilon : float
        Added to the root mean square (the paper's value).
    weight_decay : float
        As in `SGD`: part of the gradient. (Not in the paper, and not the decoupled decay of AdamW.)
    """

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.0

    def __post_init__(self):
        if not (0 <= self.beta1 < 1 and 0 <= self.beta2 < 1 and self.epsilon > 0 and self.weight_decay >= 0):
            raise InputError(f"betas must be in [0, 1), epsilon above 0, weight decay 0 or more, got {self}")

    def start(self, weights: Arrays) -> Memory:
        """Return the memory before the first step: both means 0."""
        return {"mean": _zeros(weights), "square": _zeros(weights)}

    def step(self, weights: Arrays, gradients: Arrays, memory: Memory, lr: float, number: int) -> tuple[Arrays, Memory]:
        """Return the weights and the memory after step `number`, from 1: means that began at 0 are scaled up by it."""
        moved: Arrays = {}
        mean: Arrays = {}
        square: Arrays = {}
        for name, w in weights.items():
            g = gradients[name] + self.weight_decay * w
            m = mean[name] = self.beta1 * memory["mean"][name] + (1 - self.beta1) * g
            v = square[name] = self.beta2 * memory["square"][name] + (1 - self.beta2) * g * g
            m_hat = m / (1 - self.beta1**number)
            v_hat = v / (1 - self.beta2**number)
            moved[name] = w - lr * m_hat / (array_module(v).sqrt(v_hat) + self.epsilon)
        return moved, {"mean": mean, "square": square}


Optimizer = SGD | Adam


def constant(lr: float) -> Schedule:
    """Return a learning rate that stays."""
    return lambda step: lr


def cosine(lr: float, steps: int, warmup: int = 0) -> Schedule:
    """Return a learning rate that falls from `lr` to 0 over `steps` like half a cosine.

    Loshchilov and Hutter (2017, equation 5, with one cycle and a minimum of 0). `warmup` is ours: so many first steps,
    within `steps`, on a straight line up to `lr`.
    """
    if steps <= 0 or not 0 <= warmup < steps:
        raise InputError(f"expected steps above 0 and fewer of warmup, got {steps} and {warmup}")

    def rate(step: int) -> float:
        if step < warmup:
            return lr * (step + 1) / (warmup + 1)
        done = min((step - warmup) / (steps - warmup), 1.0)
        return lr * 0.5 * (1 + math.cos(math.pi * done))

    return rate


def staircase(lr: float, every: int, factor: float = 0.1) -> Schedule:
    """Return a learning rate that is multiplied by `factor` after each `every` steps."""
    if every <= 0:
        raise InputError(f"expected a number of steps above 0, got {every}")
    return lambda step: lr * factor ** (step // every)


def clip_norm(gradients: Mapping[str, Array], limit: float) -> tuple[Arrays, float]:
    """Return the gradients, scaled so that their length is at most `limit`, and the length they had.

    The length is that of all of them as one vector (Pascanu et al. 2013, algorithm 1).
    """
    if not limit > 0:
        raise InputError(f"expected a length above 0, got {limit}")
    length = math.sqrt(sum(float((g * g).sum()) for g in gradients.values()))
    factor = limit / length if length > limit else 1.0
    return {name: g * factor for name, g in gradients.items()}, length


def _zeros(weights: Arrays) -> Arrays:
    return {name: array_module(w).zeros_like(w) for name, w in weights.items()}
