"""The raw arrays of `minivis look` in HDF5: a group per method, its arrays, and every choice an attribute."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..common import writing
from .subject import Choice
from .table import Finished


def start(path: Path, about: Mapping[str, Choice], arrays: Mapping[str, np.ndarray]) -> None:
    """Write a new file with what is common to all methods: attributes and arrays of the root."""
    import h5py

    with writing(path), h5py.File(path, "w") as file:
        file.attrs.update(about)
        for name, array in arrays.items():
            file[name] = array


def add(path: Path, finished: Finished) -> None:
    """Add the group of one method. Arrays of several classes have the classes first, in the order of `class`."""
    import h5py

    with writing(path), h5py.File(path, "a") as file:
        group = file.create_group(finished.method.name)
        group.attrs.update(finished.choices)
        for name, array in finished.result.arrays.items():
            group[name] = array  # a name such as fire2/concat makes a group within
