"""A network of three classes and pictures for it: as small as it can be, with a dropout."""

from pathlib import Path

import numpy as np
from PIL import Image

from minivis.nets import Architecture
from minivis.nets.layers import Conv, Dropout, Input, Linear, MaxPool, Normalize, ReLU, Softmax

TINY = Architecture(
    name="tiny",
    table=(
        ("input", Input(16)),
        ("normalize", Normalize(mean=(128.0,) * 3, std=(64.0,) * 3)),
        ("conv1", Conv(4, padding=1)),
        ("relu1", ReLU()),
        ("pool1", MaxPool()),
        ("drop1", Dropout(0.5)),
        ("fc2", Linear(3)),
        ("prob", Softmax()),
    ),
    labels=("blue", "green", "red"),
    maps="relu1",
)


def make_pictures(count: int, size: int = 16, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return noise whose mean colour shows its class a little: (count, size, size, 3) uint8, and labels."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    pictures = rng.integers(0, 180, (count, size, size, 3))
    pictures[np.arange(count), :, :, 2 - labels] += 60
    return pictures.astype(np.uint8), labels


def make_folder(root: Path, count: int = 60, size: int = 18) -> Path:
    """Write such pictures as `root`/CLASS/NUMBER.png."""
    for i, (picture, label) in enumerate(zip(*make_pictures(count, size), strict=True)):
        path = root / TINY.labels[label] / f"{i:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(path)
    return root
