"""Our own layout: writing it, and converting to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from ..atomic import reason
from ..errors import InputError
from .container import Expected, StrPath, complaint
from .creating import created
from .hashing import sha256_of
from .layouts import FORMAT, RESERVED, VERSION, Preprocessing
from .reading import WeightFile, first_not_finite, open_weights

ATTRIBUTE_LIMIT = 60_000  # bytes; HDF5 keeps an attribute within 64 kB

Value = str | int | float | list[str] | list[float]
Rows = Iterable[tuple[str, Mapping[str, Any]]]


def save_weights(
    path: StrPath,
    rows: Mapping[str, Mapping[str, Any]],
    *,
    attributes: Mapping[str, Value] | None = None,
    dtype: str = "float32",
) -> Path:
    """Write weights in minivis's own layout.

    One HDF5 group per row with the datasets `kernel` and `bias`; the order of the rows and the attributes are kept at
    the root. The file appears whole or not at all, and the same input gives the same bytes.

    Parameters
    ----------
    path : path
        File to write; one that is there is replaced.
    rows : mapping
        ``{row: {"kernel": array, "bias": array}}`` in network order; kernels HWIO or (in, out).
    attributes : mapping, optional
        Text, numbers, or lists of either, such as `architecture`, `labels`, `source`. `colour_order` ("RGB", "BGR"
        or "grey"), `scale`, `mean` and `std` come back as `WeightFile.preprocessing`.
    dtype : str
        "float32" or "float16"; the latter halves the file and keeps about three digits.

    Raises
    ------
    InputError
        A name, an array or an attribute that cannot be written.
    WeightFileError
        The file cannot be written.
    """
    return _write(Path(path).expanduser(), rows.items(), attributes or {}, dtype)


def convert(
    src: StrPath,
    dst: StrPath,
    expected: Expected | None = None,
    *,
    attributes: Mapping[str, Value] | None = None,
    dtype: str = "float32",
    layout: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write any file that `open_weights` reads in our own layout, row by row, and say where it came from.

    The attributes `source`, `source_sha256`, `source_layout` and, where the source says it, the preprocessing
    (`colour_order`, `scale`, `mean`, `std`) are added, unless the source is in our own layout and has them already.
    `layout` is that of `open_weights`; `progress` is told how many rows are read, and of how many.
    """
    file = open_weights(src, expected, layout=layout)
    provenance: dict[str, Value] = {
        "source": file.path.name,
        "source_sha256": sha256_of(file.path),
        "source_layout": file.layout,
    }
    if file.preprocessing is not None:
        provenance |= preprocessing_attributes(file.preprocessing)
    attributes = {**provenance, **file.attributes, **(attributes or {})}
    return _write(Path(dst).expanduser(), _read_all(file, progress), attributes, dtype)


def preprocessing_attributes(preprocessing: Preprocessing) -> dict[str, Value]:
    """Return the attributes that come back as `WeightFile.preprocessing`."""
    order, scale, mean, std = preprocessing
    return {"colour_order": order, "scale": scale, "mean": list(mean), "std": list(std)}


def _read_all(file: WeightFile, progress: Callable[[int, int], None] | None) -> Rows:
    for number, row in enumerate(file.rows, 1):
        yield row, file.read(row)
        if progress is not None:
            progress(number, len(file.rows))


def _write(path: Path, rows: Rows, attributes: Mapping[str, Value], dtype: str) -> Path:
    if dtype not in ("float32", "float16"):
        raise InputError(f'dtype must be "float32" or "float16", not {dtype!r}')
    _check_attributes(attributes)
    try:
        with created(path) as file:
            written = [_write_row(file, row, tensors, dtype) for row, tensors in rows]
            if not written:
                raise InputError("there are no rows to write")
            for name, value in {"format": FORMAT, "version": VERSION, "rows": written, **attributes}.items():
                _write_attribute(file, name, value)
    except OSError as error:
        raise complaint(path, f"cannot be written: {reason(error)}") from error
    return path


def _write_row(file: Any, row: str, tensors: Mapping[str, Any], dtype: str) -> str:
    if not row or any(name in ("", ".", "..") for name in row.split("/")) or "\0" in row:
        raise InputError(f"a row is named like conv1_1 or fire2/squeeze1x1, not {row!r}")
    if not tensors:
        raise InputError(f"row {row!r} has no arrays")
    for name, tensor in tensors.items():
        if not name.isidentifier():
            raise InputError(f"an array of row {row!r} is named like kernel or bias, not {name!r}")
        if f"{row}/{name}" in file:
            raise InputError(f"{row}/{name} is both a row and an array of row {row!r}")
        # track_times: without it the same weights would give another file each second.
        file.create_dataset(f"{row}/{name}", data=_checked(row, name, tensor, dtype), track_times=False)
    return row


def _checked(row: str, name: str, tensor: Any, dtype: str) -> np.ndarray:
    array = np.asarray(tensor)
    if array.dtype.kind != "f" or array.ndim == 0 or array.size == 0:
        raise InputError(f"{row}/{name}: expected an array of floats, got {array.dtype} of shape {array.shape}")
    with np.errstate(over="ignore"):  # an overflow to float16 is found below
        array = np.ascontiguousarray(array, dtype)
    index = first_not_finite(array)
    if index is not None:
        raise InputError(f"{row}/{name}{list(index)} is not a finite {dtype}: {np.asarray(tensor)[index]}")
    return array


def _check_attributes(attributes: Mapping[str, Value]) -> None:
    for name, value in attributes.items():
        if name in RESERVED:
            raise InputError(f"the attribute {name!r} is written by minivis itself")
        entries = value if isinstance(value, (list, tuple)) else [value]
        text = all(isinstance(entry, str) and "\0" not in entry for entry in entries)
        number = all(isinstance(entry, Real) and not isinstance(entry, bool) for entry in entries)
        if not (text or number):
            raise InputError(f"attribute {name!r}: expected text, a number, or a list of either, got {value!r:.200}")


def _write_attribute(file: Any, name: str, value: Any) -> None:
    """Text of fixed length: unlike HDF5's variable strings its size can be checked before it is read."""
    import h5py

    entries = value if isinstance(value, (list, tuple)) else [value]
    if entries and isinstance(entries[0], str):
        encoded = [entry.encode("utf-8") for entry in entries]
        length = max(1, *map(len, encoded))
        if length * len(encoded) > ATTRIBUTE_LIMIT:
            raise InputError(f"attribute {name!r}: {length * len(encoded)} bytes; at most {ATTRIBUTE_LIMIT}")
        data: Any = encoded if isinstance(value, (list, tuple)) else encoded[0]
        file.attrs.create(name, np.array(data, f"S{length}"), dtype=h5py.string_dtype("utf-8", length))
    else:
        file.attrs[name] = value
