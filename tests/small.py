"""Small networks with random weights, for tests that need a network but not a trained one."""

import numpy as np

from minivis.nets import Architecture, Net, initial_weights
from minivis.nets.layers import (
    LRN,
    AvgPool,
    Concat,
    Conv,
    Dropout,
    GlobalAvgPool,
    Input,
    Linear,
    MaxPool,
    Normalize,
    ReLU,
    Softmax,
)

LABELS = ("ant", "bee", "crane", "crane", "dog")
BGR = Normalize(mean=(104.0, 117.0, 123.0), std=(58.0, 57.0, 57.5), order="BGR")

CHAIN = Architecture(
    "chain",
    (
        ("input", Input(16)),
        ("normalize", BGR),
        ("conv1_1", Conv(6, padding=1)),
        ("relu1_1", ReLU()),
        ("pool1", MaxPool()),
        ("conv2_1", Conv(8, padding=1)),
        ("relu2_1", ReLU()),
        ("pool2", MaxPool()),
        ("fc3", Linear(10)),
        ("relu3", ReLU()),
        ("drop3", Dropout()),
        ("fc4", Linear(5)),
        ("prob", Softmax()),
    ),
    LABELS,
    maps="relu2_1",
)

BRANCHES = Architecture(
    "branches",
    (
        ("input", Input(17)),
        ("normalize", BGR),
        ("conv1", Conv(6, stride=2)),
        ("relu1", ReLU()),
        ("norm1", LRN(alpha=0.5)),
        ("pool1", MaxPool(3, 2, ceil=True)),
        ("left", Conv(4, kernel=1), "pool1"),
        ("relu_left", ReLU()),
        ("right", Conv(4, kernel=3, padding=1), "pool1"),
        ("relu_right", ReLU()),
        ("down", MaxPool(3, 1, 1, ceil=True), "pool1"),
        ("join", Concat(), "relu_left", "relu_right", "down"),
        ("pool2", AvgPool(4, 1)),
        ("drop2", Dropout(0.4)),
        ("fc", Linear(5)),
        ("prob", Softmax()),
    ),
    LABELS,
    maps="join",
)

CLASS_MAPS = Architecture(
    "class_maps",
    (
        ("input", Input(12)),
        ("normalize", BGR),
        ("conv1", Conv(6, padding=1)),
        ("relu1", ReLU()),
        ("pool1", MaxPool()),
        ("drop1", Dropout()),
        ("conv2", Conv(5, kernel=1)),
        ("relu2", ReLU()),
        ("pool2", GlobalAvgPool()),
        ("prob", Softmax()),
    ),
    LABELS,
    maps="pool1",
)

ALL = (CHAIN, BRANCHES, CLASS_MAPS)


def small_net(architecture=CHAIN, seed=0, dtype="float64", device="cpu"):
    weights = initial_weights(architecture, np.random.default_rng(seed), "float64")
    for row in weights.values():
        row["bias"] += 0.1 * np.random.default_rng(seed + 1).standard_normal(row["bias"].shape)
    return Net(architecture, weights, device=device, dtype=dtype)


def pictures(architecture=CHAIN, n=2, seed=3, dtype="float64"):
    shape = (n, architecture.size, architecture.size, 3)
    x = np.random.default_rng(seed).uniform(0, 255, shape).astype(dtype)
    x.flags.writeable = False  # no method may write into its input
    return x
