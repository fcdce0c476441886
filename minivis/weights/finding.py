"""Where weight files are looked for."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from .container import StrPath, complaint, listed

PACKAGE = Path(__file__).resolve().parents[1]


def cache_folder() -> Path:
    """Folder of downloads and remembered hashes: `MINIVIS_CACHE`, else the system's cache folder. Not created here."""
    chosen = os.environ.get("MINIVIS_CACHE")
    if chosen:
        return Path(chosen).expanduser().absolute()
    import pooch

    return Path(pooch.os_cache("minivis"))


def shipped_folder() -> Path | None:
    """Folder of the files that come with minivis: inside a wheel, or in the repository of an editable install."""
    inside, repository = PACKAGE / "shipped" / "weights", PACKAGE.parent
    if inside.is_dir():
        return inside
    if (repository / "pyproject.toml").is_file() and (repository / "weights").is_dir():
        return repository / "weights"
    return None


def search_path() -> tuple[Path, ...]:
    """Folders in the order in which they are searched, whether they exist or not.

    Those of `MINIVIS_WEIGHTS` (several as in PATH), the cache, what comes with minivis.
    """
    given = [entry for entry in os.environ.get("MINIVIS_WEIGHTS", "").split(os.pathsep) if entry]
    shipped = shipped_folder()
    return (
        *(Path(entry).expanduser().absolute() for entry in given),
        cache_folder(),
        *([shipped] if shipped else []),
    )


def find(names: Iterable[str], *, weights: StrPath | None = None) -> Path | None:
    """Find a weight file by its possible file names.

    Parameters
    ----------
    names : iterable of str
        File names, the preferred one first. An earlier folder wins over an earlier name.
    weights : path, optional
        A file, which is returned as it is, or a folder, which is searched instead of `search_path`.

    Returns
    -------
    Path or None
        None if no folder of `search_path` has one.

    Raises
    ------
    WeightFileError
        `weights` is given and leads to no such file.
    """
    names = [names] if isinstance(names, str) else list(names)
    if weights is None:
        return _first(names, search_path())
    chosen = Path(weights).expanduser()
    if not chosen.is_dir():
        if not chosen.exists():
            raise complaint(chosen, "no such file or folder")
        return chosen
    found = _first(names, (chosen,))
    if found is None:
        raise complaint(chosen, f"none of {listed(names)} is in this folder")
    return found


def _first(names: list[str], folders: Iterable[Path]) -> Path | None:
    for folder in folders:
        for name in names:
            if (folder / name).is_file():
                return folder / name
    return None
