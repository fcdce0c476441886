"""The tape: what was computed, from what, and how to walk back.

A `Primitive` is a function ``forward(*arrays, **options) -> (y, residual)`` with one backward rule per argument,
``rule(g, residual) -> gx``. Called with plain arrays it computes and records nothing. Called with a `Tensor` it also
leaves a `Node`: which primitive, from which nodes, and the residual (what the rule needs to know later).

`backward` walks those nodes from the newest to the oldest. The rule of each is looked up *then*, not when it was
recorded, so that one forward pass can be walked back by the derivative, by DeconvNet's rule or by your own.
"""

import functools
import inspect
import itertools
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from .backend import Array, array_module, told_if_full
from .errors import InputError, NothingRecorded

Rule = Callable[..., Array]
Rules = Mapping[Any, Rule]

_serials = itertools.count()


class Node:
    """One recorded step: the primitive, the nodes of its recorded arguments, and the primitive's residual.

    A node never holds a value, and refers only to older nodes: when the last Tensor of a computation goes, all of it is
    freed at once. A node without a primitive is where a recording starts.
    """

    __slots__ = ("parents", "primitive", "residual", "serial")

    def __init__(self, primitive: "Primitive | None" = None, parents: tuple = (), residual: Any = None):
        self.primitive: Any = primitive  # None where a recording starts: such a node has no parents
        self.parents: tuple[tuple[int, Node], ...] = parents
        self.residual = residual
        self.serial = next(_serials)  # a node is younger than everything it was computed from


class Tensor:
    """An array that is being recorded: ``x = Tensor(picture)`` asks for it, and there is no other switch.

    Parameters
    ----------
    value : ndarray
        A NumPy or CuPy array of floats; it is not copied.

    Examples
    --------
    >>> import numpy as np, minivis as mv
    >>> x = mv.Tensor(np.array([3.0]))
    >>> mv.backward(x * x, x)
    array([6.])
    """

    __slots__ = ("node", "value")
    __array_ufunc__ = None  # so that array * tensor reaches Tensor.__rmul__ instead of making an array of Tensors
    __iter__ = None
    __hash__ = object.__hash__

    def __init__(self, value: Array, node: Node | None = None):
        if isinstance(value, Tensor):
            raise NothingRecorded("this is a Tensor already: pass its .value to start a new recording")
        if getattr(getattr(value, "dtype", None), "kind", "") != "f":
            found = getattr(value, "dtype", type(value).__name__)
            raise NothingRecorded(f"a Tensor holds an array of floats, got {found}: convert with .astype('float32')")
        # NumPy makes scalars of 0-d arrays in arithmetic; an array they stay here.
        self.value = value if value.ndim else array_module(value).asarray(value)
        self.node = node or Node()

    shape = property(lambda self: self.value.shape)
    dtype = property(lambda self: self.value.dtype)
    ndim = property(lambda self: self.value.ndim)
    size = property(lambda self: self.value.size)

    def __len__(self) -> int:
        return len(self.value)

    def __repr__(self) -> str:
        maker = f", from {self.node.primitive.name}" if self.node.primitive else ""
        return f"Tensor(shape={self.shape}, dtype={self.dtype}{maker})"

    def __array__(self, *args: Any, **kwargs: Any) -> Array:
        raise NothingRecorded("a Tensor is no array: take its .value (this also ends the recording)")

    # The operators are primitives like any other; arithmetic.py and shaping.py fill the table.
    # fmt: off
    def __add__(self, other): return OPERATORS["add"](self, other)
    def __radd__(self, other): return OPERATORS["add"](other, self)
    def __sub__(self, other): return OPERATORS["subtract"](self, other)
    def __rsub__(self, other): return OPERATORS["subtract"](other, self)
    def __mul__(self, other): return OPERATORS["multiply"](self, other)
    def __rmul__(self, other): return OPERATORS["multiply"](other, self)
    def __truediv__(self, other): return OPERATORS["divide"](self, other)
    def __rtruediv__(self, other): return OPERATORS["divide"](other, self)
    def __matmul__(self, other): return OPERATORS["matmul"](self, other)
    def __rmatmul__(self, other): return OPERATORS["matmul"](other, self)
    def __neg__(self): return OPERATORS["negative"](self)
    def __abs__(self): return OPERATORS["absolute"](self)
    def __pow__(self, exponent): return OPERATORS["power"](self, exponent=exponent)
    def __getitem__(self, key): return OPERATORS["index"](self, key=key)
    # fmt: on


OPERATORS: dict[str, "Primitive"] = {}


class Primitive:
    """A forward function with one backward rule for each of its arguments. Used as a decorator.

    The forward function takes arrays by position and everything else by keyword, and returns ``(y, residual)``. If it
    has a parameter `wanted`, it is told which positions are recorded, and need not keep what no rule will ask for. A
    rule that has a parameter `rules` is told the table of the walk that it is part of.

    Examples
    --------
    ::

        @Primitive
        def relu(x):
            y = array_module(x).maximum(x, 0)
            return y, y

        @relu.backward_to(0)
        def relu_x(g, y):
            return g * (y > 0)
    """

    def __init__(self, forward: Callable[..., tuple[Array, Any]]):
        self.forward = forward
        self.name = self.__name__ = forward.__name__
        self.__doc__ = forward.__doc__
        self.__module__ = forward.__module__
        self.__wrapped__ = forward  # inspect and Sphinx show the forward's signature
        self.rules: dict[Any, Rule] = {}
        self._tells_wanted = "wanted" in inspect.signature(forward).parameters
        self._told_rules: set[Rule] = set()  # those that have a parameter `rules`

    def backward_to(self, position: int) -> Callable[[Rule], Rule]:
        """Declare the rule of the argument at `position`: ``rule(g, residual) -> gradient of that argument``."""

        def declare(rule: Rule) -> Rule:
            self.rules[position] = rule
            if "rules" in inspect.signature(rule).parameters:
                self._told_rules.add(rule)
            return rule

        return declare

    def own_rule(self, position: int, rules: Rules) -> Rule:
        """Return the rule declared for `position`, told the table `rules` if it has a parameter for that."""
        rule = self.rules[position]
        return functools.partial(rule, rules=rules) if rule in self._told_rules else rule

    def backward_to_each(self, rule: Rule) -> Rule:
        """Declare one rule for every argument, ``rule(g, residual, position)``: for a primitive of many arguments."""
        self.rules[...] = rule
        return rule

    def __call__(self, *args: Any, **options: Any) -> Any:
        for name, option in options.items():
            if isinstance(option, Tensor):
                raise NothingRecorded(f"{self.name} takes {name} as an option, which is not recorded: pass an array")
        if self._tells_wanted:
            options["wanted"] = recorded(args)
        y, residual = self.forward(*(a.value if isinstance(a, Tensor) else a for a in args), **options)
        return self.record(y, residual, args)

    def record(self, y: Array, residual: Any, args: Sequence[Any]) -> Any:
        """Return `y` as computed from `args`: a Tensor with a node if any of them is a Tensor, else `y` itself."""
        parents = tuple((i, a.node) for i, a in enumerate(args) if isinstance(a, Tensor))
        return Tensor(y, Node(self, parents, residual)) if parents else y

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"


def recorded(args: Sequence[Any]) -> frozenset[int]:
    """Return at which positions `args` has a Tensor."""
    return frozenset(i for i, a in enumerate(args) if isinstance(a, Tensor))


def rule_of(primitive: Primitive, position: int, rules: Rules) -> Rule:
    """Return the rule for one argument: from `rules` if it is there, else the primitive's own derivative.

    A key of `rules` is ``(primitive, position)``, or a primitive alone, which means its argument 0.
    """
    if (primitive, position) in rules:
        return rules[primitive, position]
    if position == 0 and primitive in rules:
        return rules[primitive]
    if position in primitive.rules:
        return primitive.own_rule(position, rules)
    if ... in primitive.rules:
        each = primitive.rules[...]
        return lambda g, residual: each(g, residual, position)
    raise NothingRecorded(f"{primitive.name} has no backward rule for its argument {position}")


def backward(
    y: Tensor,
    x: Tensor | Sequence[Tensor],
    seed: Array | None = None,
    rules: Rules = MappingProxyType({}),
) -> Any:
    """Pull `seed` back from `y` to `x`, by the table `rules`.

    With the empty table (`VANILLA`) this is the gradient of ``(y * seed).sum()`` with respect to `x`. With any other
    table it is what that table says, and no gradient.

    Parameters
    ----------
    y : Tensor
        Where to start.
    x : Tensor or sequence of Tensors
        Where to stop. Several are served in one walk.
    seed : ndarray, optional
        Same shape as `y`: which part of it to pull back, and how strongly. Only a single number needs none (it is 1).
    rules : mapping
        From a primitive (its argument 0) or a pair (primitive, position) to a function ``rule(g, residual)``. What is
        not in the table uses the derivative.

    Returns
    -------
    ndarray or list of ndarray
        One array of the shape of `x`; a list of them if `x` is a sequence.

    Raises
    ------
    NothingRecorded
        If `y` or `x` is a plain array (a TypeError), or if `y` was not computed from `x`.
    InputError
        If `y` has several elements and there is no seed, or the seed's shape differs (a ValueError).
    """
    sought = [x] if isinstance(x, Tensor) else list(x)
    for name, tensor in [("y", y), *(("x", t) for t in sought)]:
        if not isinstance(tensor, Tensor):
            raise NothingRecorded(f"{name} is a plain array: nothing was recorded. Wrap the input: x = Tensor(picture)")
    gradients = {y.node: _checked_seed(y, seed)}
    found: dict[Node, Array] = {}
    wanted = {t.node for t in sought}
    with told_if_full(f"walking back from shape {y.shape}"):
        for node in _path(y.node, wanted):  # from the newest to the oldest
            g = gradients.pop(node.node)
            if node.node in wanted:
                found[node.node] = g
            for position, parent in node.leads:
                part = rule_of(node.node.primitive, position, rules)(g, node.node.residual)
                # A rule may return a view of g, so the sum is a new array, never an in-place one.
                gradients[parent] = gradients[parent] + part if parent in gradients else part
    for tensor in sought:
        if tensor.node not in found:
            raise NothingRecorded("y was not computed from x: was a plain array or a .value passed on in between?")
    result = [found[t.node] for t in sought]
    return result[0] if isinstance(x, Tensor) else result


class _Step(NamedTuple):
    node: Node
    leads: list[tuple[int, Node]]  # the parents that lead to what is sought


def _path(start: Node, wanted: set[Node]) -> list[_Step]:
    """Return the nodes between `start` and `wanted`, newest first, each with the parents worth walking to."""
    oldest = min((node.serial for node in wanted), default=0)
    reached, stack = {start}, [start]
    while stack:  # no recursion: a graph may be deeper than Python's stack
        for _, parent in stack.pop().parents:
            if parent.serial >= oldest and parent not in reached:
                reached.add(parent)
                stack.append(parent)
    steps: dict[Node, _Step] = {}
    for node in sorted(reached, key=lambda node: node.serial):
        leads = [(position, parent) for position, parent in node.parents if parent in steps]
        if leads or node in wanted:
            steps[node] = _Step(node, leads)
    return list(reversed(steps.values()))


def _checked_seed(y: Tensor, seed: Array | None) -> Array:
    xp = array_module(y.value)
    if seed is None:
        if y.size != 1:
            raise InputError(f"y has shape {y.shape}: pass seed= to say which part of it to pull back")
        return xp.ones_like(y.value)
    if isinstance(seed, Tensor):
        raise NothingRecorded("the seed is a Tensor: pass its .value (second derivatives are not recorded)")
    array_module(y.value, seed)  # raises if one is on the host and the other on the GPU
    seed = xp.asarray(seed, dtype=y.dtype)
    if seed.shape != y.shape:
        raise InputError(f"y has shape {y.shape}, its seed {seed.shape}: they must be the same")
    return seed
