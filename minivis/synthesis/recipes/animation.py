"""Pictures in a row as an animated file."""

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ...atomic import reason, replacing
from ...backend import Array, to_host
from ...errors import ImageFileError

FORMATS = {".gif": "GIF", ".webp": "WEBP"}


def save_animation(path: str | os.PathLike[str], frames: Iterable[Array], milliseconds: int = 80) -> None:
    """Write pictures, (H, W, 3) or (1, H, W, 3) in 0..255, as an animated GIF or WebP, by the suffix.

    The file appears complete or not at all. It repeats without end.
    """
    from PIL import Image

    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        raise ImageFileError(f"{str(path)!r} must end in one of {', '.join(FORMATS)} for an animation")
    images = [Image.fromarray(_bytes(frame)) for frame in frames]
    if not images:
        raise ImageFileError(f"{str(path)!r}: there are no pictures to animate")
    options = {"save_all": True, "append_images": images[1:], "duration": milliseconds, "loop": 0}
    try:
        with replacing(path) as part:
            images[0].save(part, format=FORMATS[path.suffix.lower()], **options)
    except OSError as error:
        raise ImageFileError(f"{str(path)!r} cannot be written: {reason(error)}") from error


def _bytes(frame: Array) -> np.ndarray:
    array = to_host(frame)
    array = array[0] if array.ndim == 4 else array
    return np.clip(np.rint(array), 0, 255).astype(np.uint8)
