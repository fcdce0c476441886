"""One table of primitives to check: adding a primitive is adding a row.

Arrays are float64 with distinct values, so that no maximum is a tie and no ReLU sits at 0.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .. import primitives as p
from ..synthesis.parametrisations import irfft2
from ..tape import Primitive


@dataclass(frozen=True, eq=False)
class Case:
    """A primitive, what to call it with, and in which arguments it is linear."""

    primitive: Primitive
    arrays: tuple[np.ndarray, ...]
    options: dict[str, Any] = field(default_factory=dict)
    linear: tuple[int, ...] = ()
    note: str = ""

    def __call__(self, *arrays: Any) -> Any:
        """Call the primitive with the case's options."""
        options = dict(self.options)
        if options.get("rng") is not None:
            options["rng"] = np.random.default_rng(options["rng"])  # the same draw each time
        return self.primitive(*arrays, **options)

    @property
    def name(self) -> str:
        """The primitive's name, and what is special about the case."""
        return f"{self.primitive.name}-{self.note}" if self.note else self.primitive.name


_rng = np.random.default_rng(7)


def normal(*shape: int) -> np.ndarray:
    """Return normal values."""
    return _rng.standard_normal(shape)


def positive(*shape: int) -> np.ndarray:
    """Return values from 0.5 to 2."""
    return _rng.uniform(0.5, 2.0, shape)


def away_from_zero(*shape: int) -> np.ndarray:
    """Return values of either sign, from 0.5 to 2 in size."""
    return positive(*shape) * _rng.choice([-1.0, 1.0], shape)


def distinct(*shape: int) -> np.ndarray:
    """Return values no two of which are closer than 0.01."""
    return 0.01 * _rng.permutation(int(np.prod(shape))).reshape(shape).astype(float) - 1


MAPS = (2, 6, 5, 4)

CASES = [
    Case(p.add, (normal(2, 3, 4), normal(3, 1)), linear=()),
    Case(p.subtract, (normal(3, 1), normal(2, 3, 4))),
    Case(p.multiply, (normal(2, 3, 4), normal(4)), linear=(0, 1)),
    Case(p.divide, (normal(2, 3, 1), away_from_zero(3, 4)), linear=(0,)),
    Case(p.negative, (normal(3, 2),), linear=(0,)),
    Case(p.power, (positive(3, 2),), {"exponent": 2.5}),
    Case(p.power, (away_from_zero(3, 2),), {"exponent": 3}, note="integer"),
    Case(p.maximum, (distinct(2, 5), distinct(5) + 0.003)),
    Case(p.conv2d, (normal(*MAPS), normal(3, 3, 4, 5), normal(5)), {"padding": 1}),
    Case(p.conv2d, (normal(*MAPS), normal(2, 3, 2, 6)), {"stride": (2, 1), "groups": 2}, (0, 1), "groups"),
    Case(p.conv2d, (normal(*MAPS), normal(3, 2, 4, 3)), {"padding": ((0, 2), (1, 0)), "stride": 2}, (0, 1), "sides"),
    Case(p.conv2d, (normal(*MAPS), normal(1, 1, 4, 3)), {}, (0, 1), "1x1"),
    Case(p.linear, (normal(2, 3, 2, 2), normal(12, 5), normal(5))),
    Case(p.linear, (normal(3, 4), normal(4, 5)), {}, (0, 1), "no bias"),
    Case(p.matmul, (normal(2, 1, 3, 4), normal(5, 4, 2)), linear=(0, 1)),
    Case(p.gram, (normal(2, 3, 4, 5),)),
    Case(p.gram, (normal(2, 3, 4, 5),), {"average": True}, note="average"),
    Case(p.max_pool, (distinct(*MAPS),)),
    Case(p.max_pool, (distinct(*MAPS),), {"kernel": 3, "stride": 2, "padding": 1, "ceil": True}, note="overlap"),
    Case(p.avg_pool, (normal(*MAPS),), {}, (0,)),
    Case(p.avg_pool, (normal(*MAPS),), {"kernel": 3, "stride": 2, "padding": 1, "ceil": True}, (0,), "overlap"),
    Case(
        p.avg_pool,
        (normal(*MAPS),),
        {"kernel": (3, 2), "stride": (2, 1), "padding": (1, 0), "count_padding": False},
        (0,),
        "inside",
    ),
    Case(p.global_avg_pool, (normal(*MAPS),), linear=(0,)),
    Case(p.relu, (away_from_zero(3, 4),)),
    Case(p.sigmoid, (3 * normal(3, 4),)),
    Case(p.tanh, (normal(3, 4),)),
    Case(p.exp, (normal(3, 4),)),
    Case(p.log, (positive(3, 4),)),
    Case(p.sqrt, (positive(3, 4),)),
    Case(p.absolute, (away_from_zero(3, 4),)),
    Case(p.dropout, (normal(3, 40),), {"rate": 0.3, "rng": 5}, (0,)),
    Case(p.dropout, (normal(3, 4),), {"rate": 0.3}, (0,), "off"),
    Case(p.softmax, (normal(3, 5),)),
    Case(p.log_softmax, (normal(3, 5),)),
    Case(p.cross_entropy, (normal(3, 5),), {"labels": np.array([4, 0, 2])}),
    Case(p.binary_cross_entropy, (3 * normal(3, 5),), {"labels": np.array([4, 0, 2])}),
    Case(p.lrn, (3 * normal(2, 2, 3, 7),), {"alpha": 0.5}),
    Case(p.lrn, (normal(2, 2, 3, 2),), {"alpha": 0.5, "size": 5, "k": 2.0}, note="few channels"),
    Case(p.normalize, (100 * positive(2, 3, 2, 3),), {"mean": (104.0, 117.0, 123.0), "reverse": True}),
    Case(
        p.normalize,
        (100 * positive(2, 3, 2, 3),),
        {"mean": (0.4, 0.5, 0.6), "std": (0.2, 0.3, 0.4), "scale": 1 / 255},
        note="std",
    ),
    Case(
        p.normalize,
        (100 * positive(2, 3, 2, 3),),
        {"mean": (110.0,), "std": (60.0,), "scale": 0.5, "luma": (0.3, 0.6, 0.1)},
        note="grey",
    ),
    Case(p.sum, (normal(2, 3, 4),), {"axis": (0, 2)}, (0,)),
    Case(p.sum, (normal(2, 3),), {}, (0,), "all"),
    Case(p.mean, (normal(2, 3, 4),), {"axis": (-1, 0), "keepdims": True}, (0,)),
    Case(p.mean, (normal(2, 3),), {}, (0,), "all"),
    Case(p.max, (distinct(2, 3, 4),), {"axis": (0, 2)}),
    Case(p.max, (distinct(2, 3, 4),), {"axis": 1, "keepdims": True}, note="keepdims"),
    Case(p.max, (distinct(2, 3),), {}, note="all"),
    Case(p.recompute, (normal(3, 4),), {"function": lambda x: p.tanh(x) * x}),
    Case(p.reshape, (normal(2, 6),), {"shape": (3, -1)}, (0,)),
    Case(p.transpose, (normal(2, 3, 4),), {"axes": (2, 0, 1)}, (0,)),
    Case(p.index, (normal(4, 5),), {"key": (slice(1, None, 2), 2)}, (0,)),
    Case(p.index, (normal(4, 5),), {"key": (np.array([0, 2, 0]), np.array([1, 1, 1]))}, (0,), "repeated"),
    Case(p.concat, (normal(2, 3), normal(2, 1), normal(2, 4)), {}, ()),
    Case(p.pad, (normal(*MAPS),), {"padding": ((1, 0), (2, 3))}, (0,)),
    Case(p.roll, (normal(*MAPS),), {"shift": (2, -1), "axis": (1, 2)}, (0,)),
    Case(p.resize, (normal(*MAPS),), {"size": (9, 3)}, (0,)),
    Case(p.warp, (normal(*MAPS),), {"matrix": ((0.9, 0.2), (-0.3, 1.1))}, (0,)),
    Case(irfft2, (normal(2, 6, 3, 3, 2),), {"width": 5}, (0,)),
    Case(irfft2, (normal(2, 5, 4, 3, 2),), {"width": 6}, (0,), "even"),
]


def positions() -> list[tuple[Case, int]]:
    """Return every case with each of its arguments."""
    return [(case, i) for case in CASES for i in range(len(case.arrays))]
