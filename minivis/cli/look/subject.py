"""What is looked at, what comes of it, and how rows, units and classes are put into words."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ...backend import Array, to_host
from ...errors import InputError
from ...nets import Net
from ...nets.layers import LRN, AvgPool, Concat, Dropout, GlobalAvgPool, MaxPool, ReLU

Choice = str | int | float
PASSED = (LRN, AvgPool, Concat, Dropout, GlobalAvgPool, MaxPool)  # layers that change nothing about "after a ReLU"


@dataclass(frozen=True)
class Subject:
    """What is looked at, and what was asked for."""

    net: Net
    x: Array  # (1, H, W, 3) on the net's device
    classes: tuple[int, ...]  # to explain
    layer: str  # for Grad-CAM, DeconvNet and the activations
    unit: int | tuple[int, int, int] | None = None  # of that row; None is the strongest

    @property
    def photograph(self) -> np.ndarray:
        """The picture as the net sees it: (H, W, 3) on the host."""
        return to_host(self.x)[0]

    def name(self, index: int) -> str:
        """Return the name of a class."""
        return self.net.labels[index]


class Panel(NamedTuple):
    """A picture with its title."""

    title: str
    picture: np.ndarray  # (h, w, 3)


class Result(NamedTuple):
    """What a method found: arrays to keep, panels to show in so many columns, covers for the contact sheet."""

    arrays: dict[str, np.ndarray]
    panels: list[Panel]
    covers: list[Panel]
    choices: dict[str, Choice]
    columns: int


def class_names(subject: Subject) -> dict[str, Choice]:
    """Return the classes that are explained, with their indices."""
    return {"class": ", ".join(f"{subject.name(c)} ({c})" for c in subject.classes)}


def class_row(subject: Subject) -> dict[str, Choice]:
    """Return where the walk starts: the scores before the softmax, and the classes."""
    row = subject.net.logits
    return {"row": f"{row}, {state(subject.net, row)}", **class_names(subject)}


def maps_row(subject: Subject) -> dict[str, Choice]:
    """Return the row whose maps are weighted."""
    return {"maps": f"{subject.layer}, {state(subject.net, subject.layer)}"}


def shape_of_maps(net: Net, row: str) -> tuple[int, ...]:
    """Return (h, w, C) of a row of maps; raise `InputError` for a row of scores."""
    shape = net.shapes(upto=row)[row]
    if len(shape) != 3:
        raise InputError(f"{row} of {net.name} is a row of {shape[0]} scores, not of maps: {net.maps} is one")
    return shape


def state(net: Net, row: str) -> str:
    """Say where a row stands to the ReLU and the softmax."""
    if row == net.logits and row != net.names[-1]:
        return "before the softmax"
    if row == net.names[-1] and row != net.logits:
        return "after the softmax"
    rows = net.architecture.rows
    if any(isinstance(reader.layer, ReLU) and row in reader.inputs for reader in rows.values()):
        return "before its ReLU"
    below = rows[row]
    while isinstance(below.layer, PASSED):
        below = rows[below.inputs[0]]
    if not isinstance(below.layer, ReLU):
        return "no ReLU there"
    return "after its ReLU" if below.name == row else "after the ReLU"


def patch(net: Net, row: str, unit: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Return top, bottom, left and right of the pixels that a unit sees, within the picture."""
    if len(unit) != 3:
        return 0, shape[0], 0, shape[1]
    (top, bottom), (left, right) = (net.receptive_field(row).span(i) for i in unit[:2])
    return max(top, 0), min(bottom, shape[0]), max(left, 0), min(right, shape[1])


def ranges(numbers: list[int]) -> str:
    """Write 45, 0, 1, 2, 3 as "45, 0 to 3"."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{run[0]} to {run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
