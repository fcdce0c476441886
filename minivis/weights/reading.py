"""Opening a weight file, and reading one row of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isfinite, prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from .container import FILE_LIMIT, Expected, Parts, Shape, StrPath, complaint, explained, listed, printable
from .sniff import Identity, container_of, identity_of

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from .found import Preprocessing

NUMBERS_LIMIT = FILE_LIMIT // 4  # of all rows together, as float32
BLOCK = 1 << 20  # numbers looked at in one go by the finite check


@dataclass(frozen=True, eq=False)
class WeightFile:
    """A weight file that was opened, checked and closed again; `read` opens it anew. It pickles.

    Attributes
    ----------
    path : Path
    layout : str
        "minivis"; "keras-0" to "keras-3", "keras-whole", "keras-th", "keras-oihw"; "caffe-npz", "frossard-npz";
        "torch-vgg", "flaxmodels".
    rows : tuple of str
        The rows that it has, in network order.
    shapes : dict
        ``{row: {"kernel": shape, "bias": shape}}`` as `read` returns them.
    ignored : tuple of str
        What else is in the file.
    preprocessing : Preprocessing or None
        What the file or its layout says of it; None if neither does.
    attributes : dict
        What `save_weights` was given as `attributes`; empty for the layouts of others.
    """

    path: Path
    layout: str
    rows: tuple[str, ...]
    shapes: dict[str, dict[str, Shape]] = field(repr=False)
    ignored: tuple[str, ...] = field(repr=False)
    preprocessing: Preprocessing | None = field(repr=False)
    attributes: dict[str, Any] = field(repr=False)
    parts: dict[str, Parts] = field(repr=False)
    container: str = field(repr=False)
    identity: Identity = field(repr=False)

    @property
    def origin(self) -> str:
        """The published file that this one equals, once its hash is known; "origin unknown" until then."""
        from .hashing import remembered
        from .published import origin_of

        digests = remembered(self.path)
        return origin_of(digests, self.identity.bytes) if digests else "origin unknown"

    def read(self, row: str, dtype: DTypeLike = np.float32) -> dict[str, np.ndarray]:
        """Read one row now.

        Parameters
        ----------
        row : str
            One of `rows`.
        dtype : dtype
            float32 or float64. Files in other precisions are cast.

        Returns
        -------
        dict
            ``{"kernel": array, "bias": array}``: kernel HWIO or (in, out), C-contiguous, read-only, every number
            finite.

        Raises
        ------
        WeightFileError
            The file does not have the row, was replaced since it was opened, is damaged, or holds NaN or infinity.
        """
        if np.dtype(dtype) not in (np.dtype(np.float32), np.dtype(np.float64)):
            raise InputError(f"weights are read as float32 or float64, not {np.dtype(dtype)}")
        if row not in self.parts:
            raise complaint(self.path, f"no row {row!r} in it; it has {listed(self.rows, 60)}")
        self._check_unchanged()
        arrays = {}
        from .layouts import CONTAINERS  # the readers of all formats: imported when a file is opened

        with CONTAINERS[self.container](self.path) as file:
            for name, part in self.parts[row].items():
                array = np.empty(part.stored, dtype)
                file.read_into(part.where, array)
                arrays[name] = part.arrange(array)
        self._check_unchanged()
        for name, array in arrays.items():
            index = first_not_finite(array)
            if index is not None:
                raise complaint(self.path, f"{name}{list(index)} is {array[index]}: the weights are damaged", row)
            array.setflags(write=False)
        return arrays

    def _check_unchanged(self) -> None:
        if identity_of(self.path) != self.identity:
            raise complaint(self.path, "was replaced or changed since it was opened: open it again")

    def __str__(self) -> str:
        return f"{printable(self.path)}: layout {self.layout}, {len(self.rows)} rows, {self.rows[0]} to {self.rows[-1]}"


def open_weights(path: StrPath, expected: Expected | None = None, *, layout: str | None = None) -> WeightFile:
    """Open a weight file of any layout that minivis reads, and check all that it declares.

    No number is read yet, and the file is closed on return.

    Parameters
    ----------
    path : path
        An HDF5, .npz, .safetensors or .pth file; the content decides, not the name.
    expected : mapping, optional
        ``{row: {"kernel": shape, "bias": shape}}`` in network order, rows in Caffe's names. Only the last rows may be
        missing from the file; rows beyond these are listed in `ignored`.
    layout : {"keras-th", "keras-oihw"}, optional
        For a Keras file with channels first: whether its kernels are flipped, as Theano's are, or not. Its numbers do
        not tell; only the published VGG16 is recognised. Check with a picture whose class you know.

    Raises
    ------
    WeightFileError
        With the path, the object in the file, what was expected and what was found.
    """
    from .layouts import CONTAINERS, ORDERS, recognise
    from .matching import match

    if layout not in (None, *ORDERS):
        raise InputError(
            f"layout must be one of {', '.join(ORDERS)}, or None: the others are recognised; got {layout!r}"
        )
    path = Path(path).expanduser()
    identity = identity_of(path)
    container = container_of(path)
    with explained(path):
        with CONTAINERS[container](path) as file:
            found = recognise(file, layout)
        matched, ignored = match(found, expected, path)
        _check_amount(matched, path)
        preprocessing = _preprocessing(found.attributes, path) or found.preprocessing
    kernel_first = {row: sorted(parts, key=lambda name: name != "kernel") for row, parts in matched.items()}
    rows = {row: {name: matched[row][name] for name in names} for row, names in kernel_first.items()}
    shapes = {row: {name: part.shape for name, part in parts.items()} for row, parts in rows.items()}
    return WeightFile(
        path, found.layout, tuple(rows), shapes, ignored, preprocessing, found.attributes, rows, container, identity
    )


def _check_amount(rows: dict[str, Parts], path: Path) -> None:
    """Bound what reading all rows takes: one stored tensor may stand under very many names."""
    numbers = sum(prod(part.stored) for parts in rows.values() for part in parts.values())
    if numbers > NUMBERS_LIMIT:
        raise complaint(path, f"its {len(rows)} rows have {numbers} numbers; at most {NUMBERS_LIMIT}")


def _preprocessing(attributes: dict[str, Any], path: Path) -> Preprocessing | None:
    """The attributes colour_order, scale, mean and std, if the first is there."""
    from .found import Preprocessing

    order = attributes.get("colour_order")
    if order is None:
        return None
    mean: Any = attributes.get("mean")
    channels = len(mean) if isinstance(mean, list) else 0
    scale, std = attributes.get("scale", 1.0), attributes.get("std", [1.0] * channels)
    lists = channels > 0 and isinstance(std, list) and len(std) == channels
    if order not in ("RGB", "BGR", "grey") or not lists or not _finite([scale, *mean, *std]) or min(scale, *std) <= 0:
        problem = (
            'expected colour_order "RGB", "BGR" or "grey", mean and std of one number per channel, and a scale above 0'
        )
        raise complaint(path, f"{problem}; found {order!r:.20}, {mean!r:.80}, {std!r:.80}, {scale!r:.20}")
    return Preprocessing(order, float(scale), tuple(map(float, mean)), tuple(map(float, std)))


def _finite(values: list[Any]) -> bool:
    return all(isinstance(value, (int, float)) and isfinite(value) for value in values)


def first_not_finite(array: np.ndarray) -> tuple[int, ...] | None:
    """Index of the first NaN or infinity of a C-contiguous array, in blocks, so without a mask of its size."""
    flat = array.reshape(-1)
    for start in range(0, flat.size, BLOCK):
        finite = np.isfinite(flat[start : start + BLOCK])
        if not finite.all():
            return tuple(int(k) for k in np.unravel_index(start + int(np.argmin(finite)), array.shape))
    return None
