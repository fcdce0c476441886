"""The coordinates of a map as files."""

import csv
from pathlib import Path

import numpy as np

from ...atomic import replacing
from ...weights.creating import created
from ..common import writing
from .album import Album


def write_csv(path: Path, album: Album, embedding: np.ndarray) -> None:
    """Write a line for each photograph: file, class, x, y."""
    with (
        writing(path),
        replacing(path) as part,
        part.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file,
    ):
        table = csv.writer(file)
        table.writerow(["file", "class", *_axes(embedding)])
        for i, place in enumerate(embedding.tolist()):
            table.writerow([album.files[i], album.class_of(i), *place])


def write_hdf5(path: Path, album: Album, embedding: np.ndarray, attributes: dict[str, str]) -> None:
    """Write the datasets `embedding` (N, 2), `file` and `class` (N,), and `attributes` at the root."""
    import h5py

    text = h5py.string_dtype("utf-8")
    with writing(path), created(path) as file:
        file.create_dataset("embedding", data=embedding, track_times=False)
        for name, values in (("file", album.files), ("class", [album.class_of(i) for i in range(len(album))])):
            plain = [value.encode("utf-8", "backslashreplace") for value in values]
            file.create_dataset(name, data=plain, dtype=text, track_times=False)
        for name, value in {"folder": str(album.folder), **attributes}.items():
            file.attrs[name] = value.encode("utf-8", "backslashreplace").decode()


def _axes(embedding: np.ndarray) -> list[str]:
    return ["x", "y", "z"][: embedding.shape[1]]
