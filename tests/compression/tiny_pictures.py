"""A network of three classes and noise whose mean colour shows its class, with labels, as `Pictures` has them."""

import numpy as np

from minivis.nets import Architecture
from minivis.nets.layers import Conv, Input, Linear, MaxPool, Normalize, ReLU, Softmax

TINY = Architecture(
    "tiny",
    (
        ("input", Input(8)),
        ("normalize", Normalize(mean=(128.0,) * 3, std=(64.0,) * 3)),
        ("conv1", Conv(4, padding=1)),
        ("relu1", ReLU()),
        ("pool1", MaxPool()),
        ("fc2", Linear(3)),
        ("prob", Softmax()),
    ),
    ("blue", "green", "red"),
    maps="relu1",
)


class Folder:
    """Looks like `Pictures`."""

    def __init__(self, count, seed=0):
        rng = np.random.default_rng(seed)
        self.labels = np.arange(count) % 3
        self._held = rng.integers(0, 180, (count, 8, 8, 3)).astype(np.uint8)
        self._held[np.arange(count), :, :, 2 - self.labels] += 60

    def __len__(self):
        return len(self._held)

    def __getitem__(self, chosen):
        return self._held[chosen]
