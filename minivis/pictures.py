"""Pictures: read from anywhere, brought to a net's size, written.

A picture is RGB, float32, 0..255, (H, W, 3), and a net takes a batch of them, (N, H, W, 3). Wherever a function here
takes a picture it takes a path, a PIL image or an array, and gives back an array of its own.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .atomic import reason, replacing
from .backend import DTYPE, Array
from .errors import ImageFileError, InputError
from .pixels import MAX_PIXELS, PictureSource, numbers, to_pixels, wrong_shape

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

SUFFIXES = {
    ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".gif": "GIF", ".bmp": "BMP", ".tif": "TIFF", ".tiff": "TIFF",
    ".webp": "WEBP", ".ppm": "PPM", ".pgm": "PPM", ".pbm": "PPM", ".pnm": "PPM",
}  # fmt: skip
"""Pillow's format for each suffix of a picture file."""

_WRITTEN = {suffix: name for suffix, name in SUFFIXES.items() if name != "GIF"}  # a GIF would keep 256 colours

# Ours: as little loss as the format allows at a fair size.
_SAVE_OPTIONS: dict[str, dict[str, Any]] = {"JPEG": {"quality": 95, "subsampling": 0}, "WEBP": {"lossless": True}}


def read_picture(source: PictureSource) -> np.ndarray:
    """Return the picture in `source`.

    Parameters
    ----------
    source : path, PIL image or array
        A file is turned as its EXIF orientation says; of an animation it is the first frame. 16-bit grey (Pillow's
        modes ``I;16`` and ``I``) is scaled by 255/65535; of 16-bit colour Pillow keeps the high byte. CMYK is converted
        without its colour profile. Mode ``F`` is refused, as no range is agreed on.
        An array is (H, W, 3), (H, W, 4), (H, W) or (H, W, 1), 0..255: integers must lie in that range, floats are taken
        as they are. Whatever has alpha is laid on white.

    Returns
    -------
    ndarray, (H, W, 3)
        RGB, float32, 0..255; never a view of `source`.

    Raises
    ------
    ImageFileError
        If `source` is no picture or is damaged, or if a file or PIL image has more than `MAX_PIXELS` pixels.
    """
    return _floats(to_pixels(source))


def for_net(source: PictureSource, size: int) -> np.ndarray:
    """Return the picture in `source` as a net with an input of `size` x `size` takes it, (1, size, size, 3).

    The short side is brought to ``round(size * 256 / 224)``, the long side keeps the aspect, and the centre is cut out;
    `resize_short_side` and `centre_crop` say how.
    """
    size = _size(size)
    return _floats(_cut(_resize_short(to_pixels(source), round(size * 256 / 224)), size))[None]


def fit(source: PictureSource, long_side: int | None = None) -> np.ndarray:
    """Return the whole picture in `source` as a batch of one, (1, H, W, 3), for nets that take any size.

    Its longer side becomes `long_side` pixels; None leaves it as it is. The filter is that of `resize_short_side`.
    """
    pixels = to_pixels(source)
    if long_side is not None:
        pixels = _rescale(pixels, _size(long_side), max(pixels.shape[:2]))
    return _floats(pixels)[None]


def resize_short_side(picture: PictureSource, size: int) -> np.ndarray:
    """Return `picture` with its shorter side `size` pixels and the longer one ``round(long * size / short)``.

    The filter is Pillow's bicubic one, which widens with the reduction and so does not alias. A picture of whole
    numbers in 0..255 is resized as Pillow resizes 8-bit pictures, rounding included: a file, its PIL image and its
    array give the same result. Any other is resized in float, and clipped to 0..255 as the filter overshoots.

    Raises
    ------
    ImageFileError
        If the picture is so long that the result would have more than `MAX_PIXELS` pixels.
    """
    size = _size(size)
    return _floats(_resize_short(to_pixels(picture), size))


def centre_crop(picture: PictureSource, size: int) -> np.ndarray:
    """Return the middle `size` x `size` pixels of `picture`; of an odd remainder, the one more goes bottom and right.

    Raises
    ------
    ImageFileError
        If the picture is smaller than that.
    """
    size = _size(size)
    return _floats(_cut(to_pixels(picture), size))


def save_picture(path: str | os.PathLike[str], picture: Array) -> None:
    """Write `picture` to `path`, in the format that the suffix names.

    The file appears complete or not at all: it is written beside its place and moved there.

    Parameters
    ----------
    path : path
        Its folder must exist; a file of that name is replaced.
    picture : ndarray, (H, W, 3), (1, H, W, 3), or (H, W) for grey
        0..255, integer or float; it is rounded and clipped.

    Raises
    ------
    ImageFileError
        If the picture has another shape or is not finite, the suffix is unknown, or the file cannot be written.
    """
    path = Path(path)
    image_format = _WRITTEN.get(path.suffix.lower())
    if image_format is None:
        raise ImageFileError(f"{str(path)!r} must end in one of {', '.join(_WRITTEN)}")
    if not path.parent.is_dir():
        raise ImageFileError(f"there is no folder {str(path.parent)!r} to write {path.name!r} into: create it first")
    image = _to_pil(_bytes(picture))
    try:
        with replacing(path) as part, part.open("wb") as file:
            image.save(file, format=image_format, **_SAVE_OPTIONS.get(image_format, {}))
    except (OSError, ValueError) as error:
        raise ImageFileError(f"{str(path)!r} cannot be written: {reason(error)}") from error


def sample_picture() -> Path:
    """Return the path of a photograph that every installation has: Matplotlib's, of Grace Hopper (public domain)."""
    from matplotlib.cbook import get_sample_data

    return Path(get_sample_data("grace_hopper.jpg", asfileobj=False))


def picture_files(folder: str | os.PathLike[str]) -> list[Path]:
    """Return the picture files below `folder`, by suffix, in the order of their names. None is opened.

    Hidden files are left out: some systems put a ``._cat.jpg`` that is no picture beside each ``cat.jpg``.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ImageFileError(f"there is no folder {str(folder)!r}")
    found = (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    shown = (path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts))
    return sorted(shown, key=lambda path: path.as_posix())


def _floats(pixels: np.ndarray) -> np.ndarray:
    return np.array(pixels, dtype=DTYPE, order="C")  # always a copy


def _to_pil(pixels: np.ndarray) -> "PILImage":
    """Return uint8 (H, W, 3), uint8 (H, W) or float32 (H, W) as a PIL image of mode RGB, L or F."""
    from PIL import Image

    return Image.fromarray(np.ascontiguousarray(pixels))


def _bytes(picture: Array) -> np.ndarray:
    array = numbers(picture)
    if array.ndim == 4 and array.shape[0] == 1:
        array = array[0]
    if array.ndim != 2 and not (array.ndim == 3 and array.shape[2] == 3):
        raise wrong_shape("(H, W, 3), (1, H, W, 3) or (H, W)", array.shape)
    return np.clip(np.rint(array), 0, 255).astype(np.uint8)  # astype alone would wrap 256 to 0


def _size(size: int) -> int:
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
        raise InputError(f"a size is a whole number of pixels, 1 or more; got {size!r}")
    return int(size)


def _resize_short(pixels: np.ndarray, size: int) -> np.ndarray:
    return _rescale(pixels, size, min(pixels.shape[:2]))


def _rescale(pixels: np.ndarray, numerator: int, denominator: int) -> np.ndarray:
    """Resize by the factor numerator / denominator, with Pillow's bicubic filter."""
    from PIL import Image

    old_height, old_width = pixels.shape[:2]
    width, height = (max(1, round(side * numerator / denominator)) for side in (old_width, old_height))
    if (width, height) == (old_width, old_height):
        return pixels
    if width * height > MAX_PIXELS:
        raise ImageFileError(
            f"a picture of {old_width} x {old_height} would become {width} x {height}, more than {MAX_PIXELS:,} "
            "pixels: crop it to a less extreme shape, or ask for a smaller size"
        )
    if _is_8_bit(pixels):
        image = _to_pil(pixels.astype(np.uint8, copy=False))
        return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC))
    channels = [_to_pil(pixels[:, :, i]).resize((width, height), Image.Resampling.BICUBIC) for i in range(3)]
    return np.clip(np.stack([np.asarray(channel) for channel in channels], axis=2), 0, 255)


def _is_8_bit(pixels: np.ndarray) -> bool:
    if pixels.dtype == np.uint8:
        return True
    return bool(pixels.min() >= 0 and pixels.max() <= 255 and np.array_equal(pixels, pixels.astype(np.uint8)))


def _cut(pixels: np.ndarray, size: int) -> np.ndarray:
    height, width = pixels.shape[:2]
    if min(height, width) < size:
        raise ImageFileError(
            f"a picture of {width} x {height} is too small for a crop of {size} x {size}: resize it first"
        )
    top, left = (height - size) // 2, (width - size) // 2
    return pixels[top : top + size, left : left + size]
