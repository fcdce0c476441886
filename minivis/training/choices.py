"""What `minivis train` is to train: the network's table, and the options that fit its kind unless others are given."""

import argparse
from typing import Any, NamedTuple

from ..errors import InputError, UnknownName
from ..nets import ARCHITECTURES, FAMILIES, Architecture, architecture, attributes_of, load
from ..nets.architecture import WeightTable
from ..nets.families import LARGEST, MOST_HIDDEN, OPTIONS, SMALLEST
from .sources import Dataset


class Defaults(NamedTuple):
    """Options for one kind of network (all ours). The rates are for its own optimiser."""

    data: str
    epochs: int
    optimizer: str
    lr: float
    weight_decay: float


# A strong decay keeps out of the templates what does not help, and so does a start from zero: see `first_weights`.
DEFAULTS = {
    "": Defaults("", 16, "adam", 0.001, 0.0),
    "linear": Defaults("faces", 15, "sgd", 0.001, 0.1),
    "mlp": Defaults("faces", 20, "sgd", 0.001, 0.1),
    "minicam": Defaults("textures", 14, "adam", 0.001, 0.0),
}
LEARNING_RATES = {"sgd": 0.01, "adam": 0.001}  # for an optimiser that is not the kind's own
WEIGHT_DECAYS = {"sgd": 5e-4, "adam": 0.0}
NETS = tuple(dict.fromkeys([*FAMILIES, *ARCHITECTURES]))


def family_of(name: str) -> str:
    """Return the family of the network called `name`; "" if it has none."""
    if name in FAMILIES:
        return name
    if name not in ARCHITECTURES:
        raise UnknownName(f"no network named {name!r} to train; there are {', '.join(NETS)}")
    return ARCHITECTURES[name].family


def fixed_table(name: str) -> Architecture | None:
    """Return the table of a network whose classes are not those of the data, or None."""
    return None if name in FAMILIES else architecture(name)


def settle(args: argparse.Namespace) -> argparse.Namespace:
    """Return the options with those filled in that were not given.

    Raises
    ------
    UnknownName
        If there is no such network.
    InputError
        If an option does not fit the network, or data are missing.
    """
    settled = argparse.Namespace(**vars(args))
    family = family_of(args.net)
    defaults = DEFAULTS[family]
    options = OPTIONS.get(args.net, ())  # of a network with a table of its own, none can be chosen
    for name in ("size", "colour", "output", "hidden"):
        if getattr(args, name) is not None and name not in options:
            raise InputError(f"{args.net} has no --{name} to choose; {_of(args.net, options)}")
    if args.size is not None and not SMALLEST <= args.size <= LARGEST:
        raise InputError(f"--size is {SMALLEST} to {LARGEST} pixels, got {args.size}")
    if args.hidden is not None and not 1 <= args.hidden <= MOST_HIDDEN:
        raise InputError(f"--hidden is 1 to {MOST_HIDDEN} units, got {args.hidden}")
    settled.data = args.data or defaults.data
    if not settled.data:
        raise InputError(f"{args.net} needs pictures: give --data FOLDER, one subfolder of pictures per class")
    settled.epochs = defaults.epochs if args.epochs is None else args.epochs
    settled.optimizer = own = args.optimizer or defaults.optimizer
    is_own = own == defaults.optimizer
    if args.lr is None:
        settled.lr = defaults.lr if is_own else LEARNING_RATES[own]
    if args.weight_decay is None:
        settled.weight_decay = defaults.weight_decay if is_own else WEIGHT_DECAYS[own]
    return settled


def table_for(args: argparse.Namespace, data: Dataset) -> Architecture:
    """Return the table to train: a fixed one, or one made to the measure of the data."""
    fixed = fixed_table(args.net)
    if fixed is not None:
        return fixed
    if len(data.classes) < 2:
        raise InputError(f"{args.data} has {len(data.classes)} class: two are needed")
    given = {name: getattr(args, name) for name in OPTIONS[args.net]} | {"size": data.size}
    return FAMILIES[args.net](data.classes, **{name: value for name, value in given.items() if value is not None})


def start_for(args: argparse.Namespace, table: Architecture) -> WeightTable | None:
    """Return the weights of an earlier run, if one was given; they must be of the same table."""
    if not args.init:
        return None
    net = load(args.net, weights=args.init)
    if attributes_of(net.architecture) | {"labels": net.labels} != attributes_of(table) | {"labels": table.labels}:
        raise InputError(f"{args.init!r} is of another network: {attributes_of(net.architecture)}, {net.labels}")
    return net.weights


def settings_of(args: argparse.Namespace, table: Architecture, data: Dataset, init: str | None) -> dict[str, Any]:
    """Return what a run must have in common with its checkpoint, the pictures included."""
    names = "net", "epochs", "batch", "optimizer", "seed", "threads", "validate", "lr", "weight_decay"
    chosen = {name: getattr(args, name) for name in names}
    return chosen | attributes_of(table) | {"init": init, "pictures": data.sha256[:16]}


def _of(net: str, options: tuple[str, ...]) -> str:
    return f"it has {', '.join(f'--{name}' for name in options)}" if options else "its table is fixed"
