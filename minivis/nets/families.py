"""Networks that are made to measure: their size and classes are those of the data they were trained on.

A weight file of such a network says in its attributes how its table is made: `family`, `size`, `labels` and so on. The
file may be anybody's, so each is checked before it is believed.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from ..errors import WeightFileError
from ..weights import WeightFile
from .architecture import Architecture
from .layers import Linear, Sigmoid
from .minicam import minicam
from .small import COLOURS, OUTPUTS, linear_classifier, mlp

FAMILIES: dict[str, Callable[..., Architecture]] = {"linear": linear_classifier, "mlp": mlp, "minicam": minicam}
"""How the table of each kind is made, from the classes and its options."""

OPTIONS = {"linear": ("size", "colour", "output"), "mlp": ("size", "colour", "output", "hidden"), "minicam": ("size",)}
"""The options of each kind."""

# Ours: far beyond what these are for, and small enough that the table of a hostile file costs nothing.
MOST_CLASSES, MOST_HIDDEN, SMALLEST, LARGEST = 1000, 4096, 8, 512


def attributes_of(architecture: Architecture) -> dict[str, Any]:
    """Return what a weight file must say so that `made_to_measure` makes this table again; {} for no such network."""
    if not architecture.family:
        return {}
    *_, last = architecture.rows.values()
    first = architecture.rows.get("fc1")
    values = {
        "size": architecture.size,
        "colour": architecture.normalize.order,
        "output": "sigmoid" if isinstance(last.layer, Sigmoid) else "softmax",
        "hidden": cast(Linear, first.layer).units if first else 0,
    }
    return {"family": architecture.family} | {name: values[name] for name in OPTIONS[architecture.family]}


def made_to_measure(file: WeightFile, name: str = "", files: tuple[str, ...] = ()) -> Architecture:
    """Return the table that a weight file describes.

    Parameters
    ----------
    file : WeightFile
        With an attribute `family`.
    name : str
        What to call the network. Default: its family.
    files : tuple of str
        See `Architecture`.

    Raises
    ------
    WeightFileError
        If an attribute is missing, of another kind, or beyond bounds.
    """
    said = file.attributes
    family = _one_of(said, "family", FAMILIES, file.path)
    checks: dict[str, Callable[[], Any]] = {
        "size": lambda: _number(said, "size", SMALLEST, LARGEST, file.path),
        "colour": lambda: _one_of(said, "colour", COLOURS, file.path),
        "output": lambda: _one_of(said, "output", OUTPUTS, file.path),
        "hidden": lambda: _number(said, "hidden", 1, MOST_HIDDEN, file.path),
    }
    options = {option: checks[option]() for option in OPTIONS[family]}
    return FAMILIES[family](_labels(said, file.path), **options, name=name or family, files=files)


def _one_of(said: Mapping[str, Any], name: str, known: Mapping[str, Any], path: Path) -> str:
    value = said.get(name)
    if not isinstance(value, str) or value not in known:
        raise WeightFileError(f"{path}: its attribute {name} must be {' or '.join(known)}, found {value!r:.60}")
    return value


def _number(said: Mapping[str, Any], name: str, least: int, most: int, path: Path) -> int:
    value = said.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise WeightFileError(
            f"{path}: its attribute {name} must be a whole number {least}..{most}, found {value!r:.60}"
        )
    return value


def _labels(said: Mapping[str, Any], path: Path) -> tuple[str, ...]:
    labels = said.get("labels")
    texts = isinstance(labels, list) and all(isinstance(label, str) and label.strip() for label in labels)
    if not texts or not 2 <= len(cast(list, labels)) <= MOST_CLASSES:
        raise WeightFileError(
            f"{path}: its attribute labels must be the names of 2 to {MOST_CLASSES} classes, found {labels!r:.60}"
        )
    return tuple(cast(list, labels))
