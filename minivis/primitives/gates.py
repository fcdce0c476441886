"""What a ReLU and its rules do with large maps, in one pass over memory: in pieces and threads, or by one kernel."""

import numpy as np

from ..backend import Array, array_module
from ..parallel import elementwise
from . import gpu


def rectify(x: Array) -> Array:
    """Return max(x, 0)."""
    if isinstance(x, np.ndarray):
        return elementwise(_rectify, x)
    return array_module(x).maximum(x, 0)


def passed(g: Array, *gates: Array) -> Array:
    """Return ``g * (gate > 0) * ...``: g where every gate is positive."""
    if all(gate.shape == g.shape for gate in gates):
        if isinstance(g, np.ndarray):
            return elementwise(_pass, g, *gates)
        if len(gates) <= 2 and gpu.usable(g):
            return gpu.gate(g, gates[0], gates[-1])
    for gate in gates:
        g = g * (gate > 0)
    return g


def _rectify(x: np.ndarray, out: np.ndarray) -> None:
    np.maximum(x, 0, out=out)


def _pass(g: np.ndarray, *gates_and_out: np.ndarray) -> None:
    first, *others, out = gates_and_out
    is_open = first > 0
    for gate in others:
        is_open &= gate > 0
    np.multiply(g, is_open, out=out)
