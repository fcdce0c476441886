"""What a scene is painted with: named colours, textures of objects, backgrounds."""

import numpy as np

from ..backend import DTYPE
from .shapes import turned

COLOURS = {
    "red": (215, 45, 40), "orange": (240, 140, 30), "yellow": (240, 220, 60), "green": (50, 160, 70),
    "cyan": (60, 200, 215), "blue": (45, 85, 205), "purple": (140, 60, 175), "pink": (245, 150, 190),
    "white": (245, 245, 245), "grey": (128, 128, 128), "black": (22, 22, 22),
}  # fmt: skip
"""Names and RGB (ours). An object has one of them, moved by up to `JITTER`."""
JITTER = 12

TEXTURES = ("plain", "striped", "dotted", "checked")
"""What an object's surface can be like."""

_LEAST_CONTRAST = 90  # RGB distance (ours) between an object and the mean of the background


def colour_names(rng: np.random.Generator, away_from: np.ndarray, count: int) -> list[str]:
    """Return names of colours, each once, that stand out from the RGB value `away_from`."""
    names = list(COLOURS)
    far = [n for n in names if np.linalg.norm(np.subtract(COLOURS[n], away_from)) > _LEAST_CONTRAST]
    return [far[i] for i in rng.permutation(len(far))[:count]]


def jittered(rng: np.random.Generator, name: str) -> np.ndarray:
    """Return an RGB value that goes by the name of a colour."""
    return np.clip(np.add(COLOURS[name], rng.uniform(-JITTER, JITTER, 3)), 0, 255)


def surface(
    texture: str, colour: np.ndarray, size: int, centre: tuple[float, float], turn: float, period: float
) -> np.ndarray:
    """Return the colours of an object's surface over the whole picture, (size, size, 3).

    Stripes, dots and checks alternate between the colour and a darker one (a lighter one, if the colour is dark), with
    `period` pixels, and turn with the object. The colour prevails.
    """
    y, x = np.arange(size)[:, None] + 0.5 - centre[0], np.arange(size)[None] + 0.5 - centre[1]
    u, v = (2 * np.pi * w / period for w in turned(y, x, turn))
    wave = {
        "plain": np.full((size, size), -1.0),
        "striped": np.sin(u) - 0.1,
        "dotted": np.cos(u) + np.cos(v) - 0.5,
        "checked": np.sin(u) * np.sin(v),
    }[texture]
    share = np.clip(0.5 + wave * period / (2 * np.pi), 0, 1)[..., None]  # about one pixel from one colour to the other
    second = colour * 0.4 if colour.mean() > 90 else 255 - (255 - colour) * 0.45
    return (1 - share) * colour + share * second


def background(rng: np.random.Generator, size: int) -> np.ndarray:
    """Return a ground of any colour, (size, size, 3): a gradient, soft spots, and grain or waves."""
    first = rng.uniform(30, 225, 3)
    second = np.clip(first + rng.normal(0, 40, 3), 10, 245)
    y, x = (np.arange(size) + 0.5) / size - 0.5, (np.arange(size) + 0.5) / size - 0.5
    u, v = turned(y[:, None], x[None], rng.uniform(0, 2 * np.pi))
    share = np.clip(u + 0.5, 0, 1)[..., None]
    ground = (1 - share) * first + share * second
    for _ in range(rng.integers(2, 6)):  # soft spots
        a, b = rng.uniform(-0.5, 0.5, 2)
        width = rng.uniform(0.08, 0.3)
        spot = np.exp(-((u - a) ** 2 + (v - b) ** 2) / (2 * width**2))
        ground += spot[..., None] * rng.normal(0, 22, 3)
    waves = np.sin(2 * np.pi * (rng.uniform(4, 14) * u + rng.uniform(-3, 3) * np.sin(3 * v)))
    ground += waves[..., None] * rng.uniform(0, 14) * rng.uniform(0.5, 1, 3)
    ground += rng.normal(0, rng.uniform(1, 9), (size, size, 1))
    return np.clip(ground, 0, 255).astype(DTYPE)
