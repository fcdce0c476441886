"""Gabor functions fitted to kernels: a wave under a Gaussian, as simple cells of the visual cortex are described.

    g(u, v) = A exp(-(u'²/σu² + v'²/σv²) / 2) cos(2π f u' + φ) + B,   (u', v') = (u - u0, v - v0) turned by θ

(Jones and Palmer 1987 have it so; the offset B is ours.) That is nine numbers. Amplitude, phase and offset enter
linearly, as A cos φ, A sin φ and B: for given u0, v0, θ, σu, σv, f the best of them are a projection. So only six
numbers are searched, on a grid first, then by least squares from the best places there. Nothing is random.

A kernel in colour is fitted along its principal colour: the first singular vector of its pixels' colours. How much of
the kernel that leaves out is said by `Gabor.colour_share`.
"""

import functools
import itertools
import math
from typing import NamedTuple

import numpy as np

from ..backend import Array, to_host
from ..errors import InputError

NUMBERS = 9  # that are fitted
STARTS = 6  # places of the grid that least squares starts from; ours
ANGLES, FREQUENCIES, SIGMAS = 12, 5, (0.15, 0.3)  # of the grid; sigmas as shares of the side; ours
LEAST_SIGMA = 0.5  # pixels: below, a Gaussian falls between the pixels; ours


class Gabor(NamedTuple):
    """A Gabor function, and how well it fits. Places are in pixels from the kernel's centre, v down."""

    amplitude: float  # 0 or more
    u0: float
    v0: float
    angle: float  # θ, 0..π: of the direction in which the wave runs, from u towards v
    sigma_u: float  # along the wave
    sigma_v: float  # across it
    frequency: float  # periods per pixel
    phase: float  # φ, -π..π
    offset: float
    colour: np.ndarray  # (C,) of length 1: the principal colour
    r2: float  # of the kernel's pixels along the principal colour, 0..1: 1 - squared rest / squared deviation from mean
    adjusted_r2: float  # the same for each degree of freedom: 1 - (1 - R²)(n - 1)/(n - 9)
    colour_share: float  # how much of the kernel's squared length lies along the principal colour, 0..1

    def drawn(self, side: int) -> np.ndarray:
        """Return the function as a kernel, (side, side, C)."""
        u, v = _pixels(side)
        waves = _waves(u, v, self.u0, self.v0, self.angle, self.sigma_u, self.sigma_v, self.frequency)
        parts = self.amplitude * math.cos(self.phase), self.amplitude * math.sin(self.phase), self.offset
        return (waves @ np.array(parts)).reshape(side, side, 1) * self.colour


def fit_gabor(kernel: Array) -> Gabor:
    """Fit a Gabor function to one kernel.

    Parameters
    ----------
    kernel : ndarray, shape (k, k, C)
        For example one of `attribution.filters`. It is fitted in float64 on the host.

    Returns
    -------
    Gabor
        With sigmas of half a pixel to the side, and half a period per side to half a period per pixel.

    Raises
    ------
    InputError
        If the kernel has no more pixels than the function has numbers (3 x 3: nine of each), where any fit is good and
        means nothing; or if it is constant.

    Notes
    -----
    5 x 5 pixels leave 16 degrees of freedom: R² is high for noise too. Compare with `shuffled`.
    """
    kernel = np.asarray(to_host(kernel), np.float64)
    if kernel.ndim != 3 or kernel.shape[0] != kernel.shape[1]:
        raise InputError(f"expected a square kernel (k, k, C), got shape {kernel.shape}")
    side = len(kernel)
    if side**2 <= NUMBERS:
        raise InputError(
            f"a kernel of {side} x {side} has {side**2} pixels, a Gabor function {NUMBERS} numbers: any fit would be "
            "good and mean nothing. Take kernels of 5 x 5 or larger"
        )
    pixels = kernel.reshape(side**2, -1)
    values, colour, share = _principal_colour(pixels)
    spread = float(((values - values.mean()) ** 2).sum())
    if not np.isfinite(kernel).all() or spread <= 1e-24 * max(float((values**2).sum()), 1e-300):
        raise InputError("the kernel is constant or not finite: there is no wave to fit")
    best = min((_search(values, side, start) for start in _best_starts(values, side)), key=lambda found: found[0])
    rest, places, (even, odd, offset) = best
    r2 = 1 - rest / spread
    u0, v0, angle, sigma_u, sigma_v, frequency = places
    phase = math.atan2(odd, even)
    if int(angle // math.pi) % 2:  # turned by π: the same wave, run the other way
        phase = -phase
    n = side**2
    return Gabor(
        math.hypot(even, odd), u0, v0, angle % math.pi, sigma_u, sigma_v, frequency, phase, offset,
        colour, r2, 1 - (1 - r2) * (n - 1) / (n - NUMBERS), share,
    )  # fmt: skip


def shuffled(kernel: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a kernel (k, k, C) with its pixels in another order: what R² is there, chance gives too."""
    pixels = kernel.reshape(-1, kernel.shape[-1])
    return pixels[rng.permutation(len(pixels))].reshape(kernel.shape)


def _principal_colour(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Return the pixels (n,) along their principal colour, that colour (C,), and its share of the squared length."""
    _, sizes, directions = np.linalg.svd(pixels, full_matrices=False)
    colour = directions[0] * (1.0 if directions[0].sum() >= 0 else -1.0)
    total = float((sizes**2).sum())
    return pixels @ colour, colour, float(sizes[0] ** 2) / total if total else 0.0


def _pixels(side: int) -> tuple[np.ndarray, np.ndarray]:
    v, u = np.mgrid[:side, :side] - (side - 1) / 2
    return u.ravel(), v.ravel()


def _waves(u, v, u0, v0, angle, sigma_u, sigma_v, frequency) -> np.ndarray:
    """Return what is added up linearly, (n, 3): the even wave, the odd one with its sign turned, and 1.

    ``A cos(w + φ) = A cos φ cos w + A sin φ (-sin w)``.
    """
    du, dv = u - u0, v - v0
    along, across = du * math.cos(angle) + dv * math.sin(angle), dv * math.cos(angle) - du * math.sin(angle)
    bell = np.exp(-((along / sigma_u) ** 2 + (across / sigma_v) ** 2) / 2)
    wave = 2 * math.pi * frequency * along
    return np.stack([bell * np.cos(wave), -bell * np.sin(wave), np.ones_like(bell)], -1)


@functools.lru_cache(maxsize=4)
def _grid(side: int) -> tuple[np.ndarray, np.ndarray]:
    """Return places of the search, (S, 6), and for each an orthonormal basis of its waves, (S, n, 3)."""
    u, v = _pixels(side)
    centres = np.linspace(-0.25, 0.25, 3) * side
    angles = np.arange(ANGLES) * math.pi / ANGLES
    frequencies = np.linspace(1 / side, 0.4, FREQUENCIES)
    places = [
        (u0, v0, angle, sigma * side, tall * sigma * side, f)
        for u0, v0, angle, f, sigma, tall in itertools.product(centres, centres, angles, frequencies, SIGMAS, (1, 2))
    ]
    bases = np.linalg.qr(np.stack([_waves(u, v, *place) for place in places]))[0]
    return np.array(places), bases


def _best_starts(values: np.ndarray, side: int) -> np.ndarray:
    places, bases = _grid(side)
    explained = (np.einsum("snk,n->sk", bases, values) ** 2).sum(-1)
    return places[np.argsort(-explained, kind="stable")[:STARTS]]


def _search(values: np.ndarray, side: int, start: np.ndarray) -> tuple[float, list[float], list[float]]:
    """Return the squared rest, the six places and the three linear numbers of the best fit near `start`."""
    from scipy.optimize import least_squares

    u, v = _pixels(side)

    def rest(places: np.ndarray) -> np.ndarray:
        basis = np.linalg.qr(_waves(u, v, *places))[0]
        return values - basis @ (basis.T @ values)

    reach = side / 2
    low = [-reach, -reach, -np.inf, LEAST_SIGMA, LEAST_SIGMA, 1 / (2 * side)]
    high = [reach, reach, np.inf, side, side, 0.5]
    found = least_squares(rest, np.clip(start, low, high), bounds=(low, high), x_scale=[1, 1, 0.3, 1, 1, 0.1])
    waves = _waves(u, v, *found.x)
    linear = np.linalg.lstsq(waves, values, rcond=None)[0]
    return float(((values - waves @ linear) ** 2).sum()), found.x.tolist(), linear.tolist()
