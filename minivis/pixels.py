"""Whatever a stranger hands in, as pixels: the one door through which pictures come into minivis.

Pixels are (H, W, 3) RGB in 0..255, uint8 where the source has 8 bits and float32 where it has more. What a file holds
is found out by its content, never by its name, and nothing is decoded before its size is known.
"""

import os
import re
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

import numpy as np

from .backend import DTYPE, Array, to_host
from .errors import ImageFileError, MinivisError

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

PictureSource: TypeAlias = "str | os.PathLike[str] | PILImage | Array"
"""A path, a PIL image, or an array."""

MAX_PIXELS = 2**26
"""The most pixels that a picture may have (ours). It is below Pillow's own ceiling of 89 million."""

STRIP = 1 << 20
"""Pixels that are laid on white at a time (ours)."""

HEAD = 4096
"""How much of a file is looked at before Pillow is asked (ours)."""

MOST_PARTS = 200_000
"""The most chunks or segments before the pixels of a PNG or JPEG (ours): Pillow takes about 10 µs for each."""

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")
"""The formats that are read, by Pillow's names. No EPS: Pillow would hand that to another program."""


def to_pixels(source: PictureSource) -> np.ndarray:
    """Return the pixels of `source`, possibly a view of it; `pictures.read_picture` says what is accepted and how.

    Raises
    ------
    ImageFileError
        If `source` is no picture, is damaged, or has more than `MAX_PIXELS` pixels.
    """
    from PIL import Image

    if isinstance(source, str | os.PathLike):
        path = Path(source)
        head = _head(path)
        with _explained(repr(str(path)), head), Image.open(path, formats=FORMATS) as image:
            return _of_image(image)
    if isinstance(source, Image.Image):
        with _explained("the PIL image"):
            return _of_image(source)
    return _of_array(source)


def numbers(source: Array) -> np.ndarray:
    """Return `source` as a host array of integers or finite float32 that is not empty, or raise `ImageFileError`."""
    try:
        array = to_host(source)
    except MinivisError:
        raise
    except (TypeError, ValueError) as error:
        raise ImageFileError(f"{type(source).__name__} cannot become an array: {first_line(error)}") from error
    if array.dtype.kind not in "uif":
        found = f"an array of {array.dtype}" if isinstance(source, np.ndarray) else type(source).__name__
        raise ImageFileError(f"expected a path, a PIL image or an array of numbers in 0..255, got {found}")
    if array.size == 0:
        raise ImageFileError(f"expected a picture, got shape {array.shape}, which has no pixels")
    if array.dtype.kind == "f":
        with np.errstate(over="ignore"):  # beyond float32 becomes inf, which the next lines refuse
            array = array.astype(DTYPE, copy=False)
    finite = np.isfinite(array)
    if not finite.all():
        where = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise ImageFileError(f"the picture has {(~finite).sum()} values that are not finite, the first at {where}")
    return array


def wrong_shape(expected: str, shape: tuple[int, ...]) -> ImageFileError:
    """Return the error that says which shape was expected, which came, and what may have happened."""
    hint = ""
    if len(shape) == 4:
        hint = ": a batch? Pass one picture of it, batch[0]"
    elif len(shape) == 3 and shape[0] in (1, 3, 4):
        hint = ": channels first? Type picture.transpose(1, 2, 0)"
    return ImageFileError(f"expected a picture of shape {expected}, got {shape}{hint}")


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, or its type if it has none."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _head(path: Path) -> bytes:
    """Return the first bytes of a regular file; anything else is not opened, as opening a pipe would wait forever."""
    head = b""
    try:
        mode = path.stat().st_mode
        if stat.S_ISREG(mode):
            with path.open("rb") as file:
                head = file.read(HEAD)
                _check_parts(path, file, head)
    except MinivisError:
        raise
    except FileNotFoundError:
        raise ImageFileError(f"there is no picture file {str(path)!r}") from None
    except (OSError, ValueError) as error:  # ValueError: a path with a null byte in it
        raise ImageFileError(f"{str(path)!r} cannot be opened: {first_line(error)}") from error
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "no regular file (a pipe or a device?)"
        raise ImageFileError(f"{str(path)!r} is {kind}: expected a picture file")
    if not head:
        raise ImageFileError(f"{str(path)!r} is empty (0 bytes)")
    if re.match(rb"P[1-6]\s", head) and not re.match(rb"P[1-6](?:\s+(?:#[^\r\n]*[\r\n]\s*)*\d+){2,3}\s", head):
        # Pillow goes through the comments byte by byte, so 20 MB of them take ten seconds.
        raise ImageFileError(f"{str(path)!r} has no width and height within its first {HEAD} bytes, as a PPM must")
    return head


def _check_parts(path: Path, file: BinaryIO, head: bytes) -> None:
    """Refuse a PNG or JPEG of very many chunks: a file of some megabytes can hold enough to last for minutes."""
    png = head.startswith(b"\x89PNG\r\n\x1a\n")
    if not png and not head.startswith(b"\xff\xd8\xff"):
        return
    place, size = (8, 8) if png else (2, 4)
    for _ in range(MOST_PARTS):
        file.seek(place)
        part = file.read(size)
        if len(part) < size or part[4:] in (b"IDAT", b"IEND") or (not png and part[:2] in (b"\xff\xda", b"\xff\xd9")):
            return
        if not png and part[0] != 0xFF:
            return
        place += 12 + int.from_bytes(part[:4], "big") if png else 2 + int.from_bytes(part[2:], "big")
    raise ImageFileError(f"{str(path)!r} has more than {MOST_PARTS:,} parts before its pixels: save it again")


@contextmanager
def _explained(name: str, head: bytes = b"") -> Iterator[None]:
    """Turn whatever Pillow raises into an `ImageFileError` that names the picture."""
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    except MinivisError as error:
        raise ImageFileError(f"{name}: {error}") from None
    except UnidentifiedImageError:
        raise ImageFileError(f"{name} {_what_is(head)}") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ImageFileError(f"{name} has more than {MAX_PIXELS:,} pixels, the most that are read") from None
    except Exception as error:  # on damaged data Pillow's decoders raise many unrelated types
        raise ImageFileError(f"{name} cannot be read, it seems damaged: {first_line(error)}") from error


def _what_is(head: bytes) -> str:
    """Say what a file that Pillow does not recognise looks like."""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith(b"version https://git-lfs"):
        return "is a Git LFS pointer, not the picture itself: type git lfs pull"
    if text.startswith((b"<!doctype html", b"<html")):
        return "looks like a web page, not a picture: download it again"
    if b"<svg" in text or text.startswith(b"<!doctype svg"):
        return "is an SVG drawing, which has no pixels: export it as PNG"
    if text.startswith((b"%pdf", b"%!ps", b"\xc5\xd0\xd3\xc6")):
        return "is a PDF or PostScript page, which has no pixels: export it as PNG"
    if head[4:8] == b"ftyp":
        return "is in a video container (HEIC or AVIF, as phones write): export it as JPEG"
    return f"is no picture that can be read: expected an undamaged {', '.join(FORMATS[:-1])} or {FORMATS[-1]}"


def _of_image(image: "PILImage") -> np.ndarray:
    from PIL import ImageOps

    if not 0 < image.width * image.height <= MAX_PIXELS:
        raise ImageFileError(f"{image.width} x {image.height} pixels: expected at least 1 and at most {MAX_PIXELS:,}")
    image = ImageOps.exif_transpose(image)  # a copy; this is what decodes the file
    if image.mode == "F":
        raise ImageFileError("its floats have no agreed range: pass an array in 0..255, say 255 * np.asarray(image)")
    if image.mode == "I" or image.mode.startswith("I;16"):  # convert("RGB") would clip these at 255
        return _of_16_bit(np.asarray(image))
    if image.has_transparency_data:  # convert("RGB") would bring back the colours of transparent pixels
        return _on_white(np.asarray(image.convert("RGBA")))
    return np.asarray(image.convert("RGB"))


def _of_16_bit(grey: np.ndarray) -> np.ndarray:
    if grey.min() < 0 or grey.max() > 65535:
        raise ImageFileError(f"its values span {grey.min()}..{grey.max()}: expected 16 bits, 0..65535")
    return _three_channels(np.divide(grey, 257, dtype=DTYPE))  # 257 = 65535 / 255


def _of_array(source: Array) -> np.ndarray:
    array = numbers(source)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim != 2 and not (array.ndim == 3 and array.shape[2] in (3, 4)):
        raise wrong_shape("(H, W, 3), (H, W, 4) or (H, W)", array.shape)
    if array.dtype.kind != "f":
        if array.min() < 0 or array.max() > 255:
            raise ImageFileError(f"expected integers in 0..255, got {array.min()}..{array.max()}: scale them first")
        array = array.astype(np.uint8, copy=False)
    if array.ndim == 2:
        return _three_channels(array)
    return _on_white(array) if array.shape[2] == 4 else array


def _three_channels(grey: np.ndarray) -> np.ndarray:
    return np.repeat(grey[:, :, None], 3, axis=2)


def _on_white(rgba: np.ndarray) -> np.ndarray:
    """Lay (H, W, 4) on white; 8-bit pixels stay 8-bit. In strips, as the floats take four times the room."""
    laid = np.empty((*rgba.shape[:2], 3), rgba.dtype if rgba.dtype == np.uint8 else DTYPE)
    rows = max(1, STRIP // rgba.shape[1])
    for top in range(0, len(rgba), rows):
        strip = rgba[top : top + rows]
        colour, alpha = strip[:, :, :3].astype(DTYPE), strip[:, :, 3:].astype(DTYPE) / 255
        strip = 255 + (colour - 255) * alpha
        laid[top : top + rows] = np.rint(strip) if rgba.dtype == np.uint8 else strip
    return laid
