"""Which unit of a row is meant, and the seed that points at it.

A `target` is, for a row of scores, a class (its index or name); for a row of maps, a channel (its strongest place in
each picture) or a place and channel (i, j, channel). A list gives one target per picture. None is each picture's own
strongest unit, which at the logits is its top class.
"""

from typing import Any

import numpy as np

from ..backend import Array, array_module, to_host
from ..errors import InputError
from ..nets import Net, class_index
from ..tape import Tensor

Target = int | str | tuple[int, int, int] | list | None
Unit = tuple[int, ...]
"""Where a unit is within a row of one picture: (class,) or (i, j, channel)."""


def one_hot(y: Any, target: Target) -> Array:
    """Return an array like `y`, 1 at each picture's target unit and 0 elsewhere.

    Parameters
    ----------
    y : Tensor or ndarray, shape (N, K) or (N, H, W, C)
    target : int, tuple, list or None
        As above, but without class names, which only a network knows.
    """
    return seed_for(y, units(y, target))


def seed_for(y: Any, chosen: list[Unit], own_value: bool = False) -> Array:
    """Return the seed for the units `chosen` of `y`: 1 there, or with `own_value` the unit's own activation."""
    value = y.value if isinstance(y, Tensor) else y
    seed = array_module(value).zeros_like(value)
    for n, unit in enumerate(chosen):
        seed[(n, *unit)] = value[(n, *unit)] if own_value else 1
    return seed


def units(y: Any, target: Target, labels: tuple[str, ...] = ()) -> list[Unit]:
    """Return the unit that `target` means in each picture of `y`.

    Raises
    ------
    InputError
        If an index is out of range, a name is shared by two classes, or a list has another length than the batch.
    UnknownName
        If no class has that name.
    """
    value = y.value if isinstance(y, Tensor) else y
    if value.ndim not in (2, 4):
        raise InputError(f"a row of scores (N, K) or of maps (N, H, W, C) has units, got shape {value.shape}")
    targets = list(target) if isinstance(target, list | np.ndarray) else [target] * value.shape[0]
    if len(targets) != value.shape[0]:
        raise InputError(f"{len(targets)} targets for {value.shape[0]} pictures: give one, or one per picture")
    return [_unit(value[n], t, labels) for n, t in enumerate(targets)]


def resolve(net: Net, y: Any, target: Target) -> list[Unit]:
    """Return the units that `target` means in `y`, a row of `net`: `units`, with class names where they apply."""
    return units(y, target, net.labels if y.shape[-1] == len(net.labels) else ())


def _unit(values: Array, target: Any, labels: tuple[str, ...]) -> Unit:
    """Return the unit of one picture; `values` is (K,) or (H, W, C)."""
    if target is None:
        return _strongest(values)
    if isinstance(target, tuple) and len(target) == values.ndim:
        return tuple(_checked(t, size) for t, size in zip(target, values.shape, strict=True))
    if isinstance(target, str) and not labels:
        raise InputError(
            f"this row has {values.shape[-1]} channels without names: give an index in place of {target!r}"
        )
    channel = class_index(labels, target) if labels else _checked(target, values.shape[-1])
    return (*_strongest(values[..., channel]), channel)


def _strongest(values: Array) -> Unit:
    """Return where `values` is largest; among equals, the first."""
    return tuple(int(i) for i in np.unravel_index(int(values.argmax()), values.shape)) if values.ndim else ()


def _checked(index: Any, size: int) -> int:
    if isinstance(index, bool) or not isinstance(index, int | np.integer) or not 0 <= index < size:
        raise InputError(f"a unit index must be an integer from 0 to {size - 1} here, got {index!r}")
    return int(index)


def class_of(net: Net, x: Any, target: Target) -> list[int]:
    """Return the class meant by `target` for each picture: its index."""
    scores = net.capture(x, [net.logits])[net.logits]
    return [unit[-1] for unit in resolve(net, scores, target)]


def values_at(y: Array, chosen: list[Unit]) -> np.ndarray:
    """Return the value of one unit per picture, on the host."""
    host = to_host(y)
    return np.array([host[(n, *unit)] for n, unit in enumerate(chosen)])
