"""SqueezeNet 1.1 (Iandola et al. 2016), with the rows of the authors' Caffe model.

It has no fully connected layer: its last convolution makes one map per class, and their means are the scores. In
Caffe's graph a ReLU overwrites its blob, so what reads a convolution there reads its ReLU.
"""

from collections.abc import Iterator

from .architecture import Architecture
from .labels import IMAGENET_LABELS
from .layers import Concat, Conv, Dropout, GlobalAvgPool, Input, MaxPool, Normalize, ReLU, Softmax


def fire(name: str, below: str, squeeze: int, expand: int) -> Iterator[tuple]:
    """Yield the rows of a Fire module: squeeze the channels, then expand them by 1x1 and by 3x3 kernels."""
    yield f"{name}/squeeze1x1", Conv(squeeze, kernel=1), below
    yield f"{name}/relu_squeeze1x1", ReLU()
    yield f"{name}/expand1x1", Conv(expand, kernel=1)
    yield f"{name}/relu_expand1x1", ReLU()
    yield f"{name}/expand3x3", Conv(expand, kernel=3, padding=1), f"{name}/relu_squeeze1x1"
    yield f"{name}/relu_expand3x3", ReLU()
    yield f"{name}/concat", Concat(), f"{name}/relu_expand1x1", f"{name}/relu_expand3x3"


SQUEEZENET = Architecture(
    name="squeezenet",
    table=(
        ("input", Input(227)),
        ("normalize", Normalize(mean=(104.0, 117.0, 123.0), order="BGR")),
        ("conv1", Conv(64, kernel=3, stride=2)),
        ("relu_conv1", ReLU()),
        ("pool1", MaxPool(kernel=3, stride=2, ceil=True)),
        *fire("fire2", "pool1", 16, 64),
        *fire("fire3", "fire2/concat", 16, 64),
        ("pool3", MaxPool(kernel=3, stride=2, ceil=True)),
        *fire("fire4", "pool3", 32, 128),
        *fire("fire5", "fire4/concat", 32, 128),
        ("pool5", MaxPool(kernel=3, stride=2, ceil=True)),
        *fire("fire6", "pool5", 48, 192),
        *fire("fire7", "fire6/concat", 48, 192),
        *fire("fire8", "fire7/concat", 64, 256),
        *fire("fire9", "fire8/concat", 64, 256),
        ("drop9", Dropout(0.5)),
        ("conv10", Conv(1000, kernel=1)),
        ("relu_conv10", ReLU()),
        ("pool10", GlobalAvgPool()),
        ("prob", Softmax()),
    ),
    labels=IMAGENET_LABELS,
    maps="fire9/concat",
    files=("squeezenet.h5", "squeezenet_v1.1.npz"),
)
