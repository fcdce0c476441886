"""Compositional pattern-producing networks (Stanley 2007): small networks from a place to its colour.

The genome of Nguyen, Yosinski and Clune (2015) for regular pictures. A network is a table of nodes in the order in
which they are computed, and a matrix of weights. It is evolved, not trained: `mutate` changes weights, functions, nodes
and connections by chance.
"""

from collections.abc import Callable
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from ...errors import InputError
from .fooled import Tagged

FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "sine": np.sin,
    "sigmoid": lambda x: 0.5 * (1 + np.tanh(0.5 * x)),
    "gaussian": lambda x: np.exp(-x * x),
    "linear": lambda x: x,
}
"""What a node makes of the sum that reaches it: the four functions of the authors' code."""

INPUTS = ("x", "y", "distance", "one")
OUTPUTS = 3  # red, green, blue

_CODE = "authors' code"
RATES = MappingProxyType(
    {
        "add connection": Tagged(0.5, _CODE),
        "delete connection": Tagged(0.3, _CODE),
        "add node": Tagged(0.5, _CODE),
        "delete node": Tagged(0.2, _CODE),
        "change weight": Tagged(0.1, f"{_CODE}: of each weight, by polynomial mutation"),
        "change function": Tagged(0.1, f"{_CODE}: of each node"),
        "polynomial": Tagged(15.0, f"{_CODE}: eta of the polynomial mutation"),
        "largest weight": Tagged(10.0, _CODE),
        "first nodes": Tagged(2, "ours: hidden nodes to begin with"),
        "most nodes": Tagged(40, "ours: hidden nodes, so that drawing stays quick"),
    }
)
"""How evolution goes, with the source of each value. Connections are not rewired (in the authors' code they are)."""


class Cppn(NamedTuple):
    """A genome.

    Attributes
    ----------
    functions : tuple of str
        Of each node that computes: the hidden ones, then the three outputs.
    weights : ndarray, shape (nodes, nodes)
        From the row's node to the column's. Nodes are the inputs, the hidden ones and the outputs. Only weights above
        the diagonal may differ from 0, so that each node reads earlier ones; 0 is no connection.
    """

    functions: tuple[str, ...]
    weights: np.ndarray


def random_cppn(rng: np.random.Generator) -> Cppn:
    """Return a random genome: a few hidden nodes, about half of the possible connections."""
    hidden = RATES["first nodes"].value
    nodes = len(INPUTS) + hidden + OUTPUTS
    limit = RATES["largest weight"].value
    weights = rng.uniform(-limit, limit, (nodes, nodes)) * (rng.random((nodes, nodes)) < 0.5)
    functions = tuple(str(name) for name in rng.choice(list(FUNCTIONS), hidden + OUTPUTS))
    return Cppn(functions, weights * _allowed(nodes))


def render(genome: Cppn, height: int, width: int) -> np.ndarray:
    """Return the picture of a genome: RGB, 0..255 in whole numbers, (height, width, 3).

    The inputs are x and y from -1 to 1, their distance from the centre, and 1. An output is taken through a sigmoid
    (ours), whose ends are black and white.
    """
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    values = [x.ravel(), y.ravel(), np.hypot(x, y).ravel(), np.ones(x.size)]
    for node, name in enumerate(genome.functions, len(INPUTS)):
        sources = np.flatnonzero(genome.weights[:node, node])
        reached = sum((genome.weights[i, node] * values[i] for i in sources), np.zeros(x.size))
        values.append(FUNCTIONS[name](reached))
    colours = np.stack([FUNCTIONS["sigmoid"](value) for value in values[-OUTPUTS:]], 1)
    return np.rint(255 * colours).reshape(height, width, OUTPUTS).astype("float32")


def mutate(genome: Cppn, rng: np.random.Generator) -> Cppn:
    """Return a changed copy: first the table, then the weights and functions."""
    changes = (
        ("add node", _add_node),
        ("delete node", _delete_node),
        ("add connection", _add_connection),
        ("delete connection", _delete_connection),
    )
    for rate, change in changes:
        if rng.random() < RATES[rate].value:
            genome = change(genome, rng)
    limit, eta = RATES["largest weight"].value, RATES["polynomial"].value
    weights = polynomial(genome.weights, RATES["change weight"].value, -limit, limit, eta, rng)
    drawn = rng.choice(list(FUNCTIONS), len(genome.functions))
    other = rng.random(len(genome.functions)) < RATES["change function"].value
    functions = tuple(str(b) if o else a for a, b, o in zip(genome.functions, drawn, other, strict=True))
    return Cppn(functions, np.where(genome.weights != 0, weights, 0.0))


def polynomial(
    values: np.ndarray, rate: float, low: float, high: float, eta: float, rng: np.random.Generator
) -> np.ndarray:
    """Change each value with probability `rate`, by up to the whole range, mostly by little: within low..high.

    With u uniform in 0..1, the change is that share of the range: (2u)^(1 / (eta + 1)) - 1 for u below one half, else
    1 - (2 (1 - u))^(1 / (eta + 1)) (Deb 2001, polynomial mutation; the larger `eta`, the smaller the changes).
    """
    result = np.array(values, np.float64)
    chosen = rng.random(result.shape) < rate
    u = rng.random(int(chosen.sum()))
    down, up = (2 * u) ** (1 / (eta + 1)) - 1, 1 - (2 * (1 - u)) ** (1 / (eta + 1))
    result[chosen] += (high - low) * np.where(u < 0.5, down, up)
    return result.clip(low, high)


def to_arrays(genome: Cppn) -> dict[str, np.ndarray]:
    """Return a genome as plain arrays, to be kept in a file: the functions as their numbers in `FUNCTIONS`."""
    names = list(FUNCTIONS)
    return {"functions": np.array([names.index(name) for name in genome.functions]), "weights": genome.weights.copy()}


def from_arrays(arrays: dict[str, np.ndarray]) -> Cppn:
    """Return the genome that `to_arrays` took apart."""
    names = list(FUNCTIONS)
    functions, weights = np.asarray(arrays["functions"]), np.array(arrays["weights"], np.float64)
    nodes = len(INPUTS) + len(functions)
    if weights.shape != (nodes, nodes) or (weights[~_allowed(nodes)] != 0).any() or (functions >= len(names)).any():
        raise InputError(f"{len(functions)} functions and weights {weights.shape} make no genome")
    return Cppn(tuple(names[i] for i in functions), weights)


def _allowed(nodes: int) -> np.ndarray:
    """Return which connections there may be: forwards, into what computes, out of what is no output."""
    allowed = np.triu(np.ones((nodes, nodes), bool), 1)
    allowed[:, : len(INPUTS)] = False
    allowed[nodes - OUTPUTS :] = False
    return allowed


def _add_node(genome: Cppn, rng: np.random.Generator) -> Cppn:
    """Put a node into a connection: 1 on the way in, the old weight on the way out, as Stanley's NEAT does."""
    links = np.argwhere(genome.weights)
    hidden = len(genome.functions) - OUTPUTS
    if not len(links) or hidden >= RATES["most nodes"].value:
        return genome
    source, end = (int(i) for i in links[rng.integers(len(links))])
    first, last = max(source + 1, len(INPUTS)), min(end, len(genome.weights) - OUTPUTS)
    place = int(rng.integers(first, last + 1))  # after its source, before its end, and before the outputs
    weights = np.insert(np.insert(genome.weights, place, 0.0, 0), place, 0.0, 1)
    source, end = source + (source >= place), end + (end >= place)
    weights[place, end], weights[source, place], weights[source, end] = weights[source, end], 1.0, 0.0
    functions = list(genome.functions)
    functions.insert(place - len(INPUTS), str(rng.choice(list(FUNCTIONS))))
    return Cppn(tuple(functions), weights)


def _delete_node(genome: Cppn, rng: np.random.Generator) -> Cppn:
    hidden = len(genome.functions) - OUTPUTS
    if not hidden:
        return genome
    number = int(rng.integers(hidden))
    place = len(INPUTS) + number
    weights = np.delete(np.delete(genome.weights, place, 0), place, 1)
    return Cppn(genome.functions[:number] + genome.functions[number + 1 :], weights)


def _add_connection(genome: Cppn, rng: np.random.Generator) -> Cppn:
    free = np.argwhere(_allowed(len(genome.weights)) & (genome.weights == 0))
    if not len(free):
        return genome
    weights = genome.weights.copy()
    limit = RATES["largest weight"].value
    weights[tuple(free[rng.integers(len(free))])] = rng.uniform(-limit, limit)
    return genome._replace(weights=weights)


def _delete_connection(genome: Cppn, rng: np.random.Generator) -> Cppn:
    links = np.argwhere(genome.weights)
    if not len(links):
        return genome
    weights = genome.weights.copy()
    weights[tuple(links[rng.integers(len(links))])] = 0.0
    return genome._replace(weights=weights)
