"""What is measured: a table of rows, to be done by every system."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np


class Row(NamedTuple):
    """A task, on what, with which options; the target ratio, if there is one, and that with other BLAS kernels."""

    name: str
    task: str
    shape: tuple  # of the data: pictures (N, H, W, 3), or codes (N, D)
    size: float  # what its cost grows with, for the scaling curves
    options: Mapping = MappingProxyType({})
    target: float | None = None
    warm: bool = True  # each measured run comes right after one that is not; a row of minutes does without
    repeats: int | None = None  # None: as many as the command says
    other_target: float | None = None  # with other kernels than the processor's best ones, where that differs

    def data(self) -> np.ndarray:
        """Return the data: pictures of noise, or codes in ten clouds."""
        rng = np.random.default_rng(0)
        if self.task == "tsne":
            centres = 4 * rng.standard_normal((10, self.shape[1]))[rng.integers(0, 10, self.shape[0])]
            return (centres + rng.standard_normal(self.shape)).astype("float32")
        return rng.uniform(0, 255, self.shape).astype("float32")


def pictures(name, task, batch, side, target=None, size=None, other_target=None):
    return Row(name, task, (batch, side, side, 3), size or batch, {}, target, other_target=other_target)


def windows(stride, target=None, repeats=3):
    name, count = f"occlusion, window 32, stride {stride}", ((224 - 32) // stride + 1) ** 2
    options = {"window": 32, "stride": stride}
    return Row(name, "occlusion", (1, 224, 224, 3), count, options, target, warm=False, repeats=repeats)


def points(count, steps, target=None, starts=1):
    name = f"exact t-SNE, {count:,} points, {steps:,} iterations" + (f", {starts} starts" if starts > 1 else "")
    options = {"perplexity": 30.0, "steps": steps, "starts": starts}
    return Row(name, "tsne", (count, 50), count, options, target, warm=False, repeats=1)


ROWS = [
    pictures("saliency, batch 1", "gradient", 1, 224, 0.8, other_target=1.0),
    pictures("saliency, batch 8", "gradient", 8, 224, 0.7, other_target=0.85),
    pictures("forward, batch 1", "forward", 1, 224),
    pictures("Grad-CAM, batch 1", "grad_cam", 1, 224),
    pictures("Grad-CAM as Captum's defaults draw it", "grad_cam_of_captum", 1, 224),
    pictures("style step to relu4_1, 384 x 384", "style_step", 1, 384, 1.0, size=384),
    pictures("gradient of the last maps, 512 x 512", "maps_gradient", 1, 512, size=512),
    windows(16),
    windows(8, target=0.2),
    points(2000, 1000, target=1.0, starts=3),
]
GPU_ROWS = [
    pictures("saliency, batch 32", "gradient", 32, 224, 1.0),
    pictures("saliency, batch 1", "gradient", 1, 224),
    pictures("forward, batch 32", "forward", 32, 224),
    pictures("Grad-CAM, batch 32", "grad_cam", 32, 224),
    pictures("style step to relu4_1, 384 x 384", "style_step", 1, 384, size=384),
    pictures("gradient of the last maps, 512 x 512", "maps_gradient", 1, 512, size=512),
    windows(8),
]
SCALING = [
    *(pictures(f"saliency, batch {n}", "gradient", n, 224) for n in (2, 4)),
    *(pictures(f"forward, batch {n}", "forward", n, 224) for n in (2, 4, 8)),
    *(pictures(f"style step, {s} x {s}", "style_step", 1, s, size=s) for s in (128, 256, 512)),
    *(pictures(f"gradient of the last maps, {s} x {s}", "maps_gradient", 1, s, size=s) for s in (128, 256, 384)),
    *(windows(stride, repeats=1) for stride in (32, 24)),
    *(points(count, 300) for count in (250, 500, 1000)),
]


def per_window(pixels, window, stride):
    """Undo Captum's averaging over windows: each of its pixels is the mean of the drops of all windows over it.

    Along the top left corner of each stride x stride cell a new window starts, so the drops follow one by one.
    """
    rows, columns = ((n - window) // stride + 1 for n in pixels.shape)
    drops = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            y, x = i * stride, j * stride
            over = [
                (a, b)
                for a in range(max(0, (y - window) // stride + 1), i + 1)
                for b in range(max(0, (x - window) // stride + 1), j + 1)
            ]
            others = sum(drops[a, b] for a, b in over if (a, b) != (i, j))
            drops[i, j] = pixels[y, x] * len(over) - others
    return drops
