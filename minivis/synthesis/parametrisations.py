"""Parametrisations: which numbers are stepped, and what picture they make.

"pixels" steps the picture itself. "fourier" steps the Fourier coefficients of a picture with decorrelated colours,
divided by what is usual in photographs (Olah, Mordvintsev and Schubert 2017, "Feature Visualization"). The gradient
points to the same pictures, but the same step goes elsewhere: here, low frequencies get their share.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np

from .. import primitives as p
from ..backend import Array, array_module, like
from ..errors import InputError, UnknownName
from ..tape import Primitive

COLOUR_ROOT = ((0.26, 0.09, 0.02), (0.27, 0.00, -0.05), (0.27, -0.09, 0.03))
"""A square root of the correlation of R, G and B in ImageNet, rows R, G, B (lucid's code, param/color.py)."""

CONTRAST = 4.0  # lucid's code divides by 4, param/spatial.py
NOISE = 0.01  # standard deviation of the coefficients of a start, lucid's code
MARGIN = 0.5  # ours: a start is kept this far from 0 and 255, which no parameter reaches


class Parametrisation(Protocol):
    """Two functions that undo each other."""

    def parameters(self, picture: Array) -> Array:
        """Return the parameters (N, ...) of pictures (N, H, W, 3)."""

    def picture(self, parameters: Any) -> Any:
        """Return the pictures of parameters, an array or a Tensor."""


class Pixels:
    """The picture itself."""

    def parameters(self, picture: Array) -> Array:
        return picture

    def picture(self, parameters: Any) -> Any:
        return parameters


class Fourier:
    """Fourier coefficients, 1/f scaling and decorrelated colours, then a sigmoid: every picture is within 0..255.

    Parameters (N, H, W // 2 + 1, 3, 2) hold the real and the imaginary part of each coefficient of each of three
    colour directions. The constants are those of lucid's code.

    Parameters
    ----------
    height, width : int
        Of the picture.
    """

    def __init__(self, height: int, width: int):
        self.height, self.width = height, width
        down, across = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)
        frequency = np.maximum(np.hypot(down, across), 1 / max(height, width))
        self.scale = math.sqrt(height * width) / (CONTRAST * frequency[:, :, None, None])  # (H, W // 2 + 1, 1, 1)
        root = np.array(COLOUR_ROOT)
        self.colours = root / np.linalg.norm(root, axis=0).max()  # (R G B, direction)

    def picture(self, parameters: Any) -> Any:
        array = getattr(parameters, "value", parameters)
        scale, mix = (like(a.astype(array.dtype), array) for a in (self.scale, self.colours.T))
        return 255.0 * p.sigmoid(p.matmul(irfft2(parameters * scale, width=self.width), mix))

    def parameters(self, picture: Array) -> Array:
        xp = array_module(picture)
        if picture.shape[1:3] != (self.height, self.width):
            raise InputError(f"expected pictures of {self.height} x {self.width}, got {picture.shape}")
        share = picture.clip(MARGIN, 255 - MARGIN) / 255
        mixed = xp.log(share / (1 - share)) @ like(np.linalg.inv(self.colours).T.astype(picture.dtype), picture)
        return _as_pairs(xp.fft.rfft2(mixed, axes=(1, 2))) / like(self.scale.astype(picture.dtype), picture)

    def noise(self, n: int, rng: np.random.Generator, dtype: Any = "float32") -> np.ndarray:
        """Return `n` pictures of noise (N, H, W, 3) around mid grey, of equal power in each octave (lucid's start)."""
        shape = (n, self.height, self.width // 2 + 1, 3, 2)
        return self.picture(NOISE * rng.standard_normal(shape)).astype(dtype)


PARAMETRISATIONS: dict[str, Callable[[int, int], Parametrisation]] = {
    "pixels": lambda height, width: Pixels(),
    "fourier": Fourier,
}
"""The parametrisations by name, made for a height and width."""


def parametrisation_for(word: Any, height: int, width: int) -> Parametrisation:
    """Return the parametrisation called `word`, or `word` itself if it is one."""
    if not isinstance(word, str):
        return word
    if word not in PARAMETRISATIONS:
        raise UnknownName(f"no parametrisation is called {word!r}: there are {', '.join(PARAMETRISATIONS)}")
    return PARAMETRISATIONS[word](height, width)


class FourierResidual(NamedTuple):
    """How wide the picture is."""

    width: int


@Primitive
def irfft2(z: Array, *, width: int) -> tuple[Array, FourierResidual]:
    """Pictures from their Fourier coefficients.

    Parameters
    ----------
    z : ndarray, shape (N, H, width // 2 + 1, C, 2)
        Real and imaginary parts. The other half of the coefficients is the conjugate of this one.
    width : int

    Returns
    -------
    ndarray, shape (N, H, width, C)
        Real: ``1 / (H width)`` times the sum of ``z exp(2 pi i (row * down + column * across))``.
    """
    xp = array_module(z)
    if z.ndim != 5 or z.shape[2] != width // 2 + 1 or z.shape[4] != 2:
        raise InputError(f"irfft2 wants coefficients (N, H, {width // 2 + 1}, C, 2), got {z.shape}")
    half = xp.fft.ifft(z[..., 0] + 1j * z[..., 1], axis=1)
    # What is its own conjugate is real. FFT libraries differ in what they do if told otherwise.
    own = [0, width // 2] if width % 2 == 0 else [0]
    for column in own:
        half[:, :, column] = half[:, :, column].real
    return xp.fft.irfft(half, width, axis=2).astype(z.dtype, copy=False), FourierResidual(width)


@irfft2.backward_to(0)
def irfft2_z(g: Array, r: FourierResidual) -> Array:
    """The forward transform; coefficients that stand for two, their conjugate included, count twice."""
    xp = array_module(g)
    _, height, width, _ = g.shape
    count = np.full(width // 2 + 1, 2.0)
    count[0] = 1
    if width % 2 == 0:
        count[-1] = 1
    weights = like((count / (height * width)).astype(g.dtype), g)
    return _as_pairs(xp.fft.rfft2(g, axes=(1, 2))) * weights[:, None, None]


def _as_pairs(z: Array) -> Array:
    return array_module(z).stack([z.real, z.imag], -1)
