"""GoogLeNet (Szegedy et al. 2015), DeepDream's network, with the rows of the BVLC Caffe model.

In Caffe's graph a ReLU overwrites its blob, so what reads a convolution there reads its ReLU.
"""

from collections.abc import Iterator

from .architecture import Architecture
from .labels import IMAGENET_LABELS
from .layers import LRN, AvgPool, Concat, Conv, Dropout, Input, Linear, MaxPool, Normalize, ReLU, Softmax


def inception(name: str, below: str, sizes: tuple[int, int, int, int, int, int]) -> Iterator[tuple]:
    """Yield the rows of an Inception module: four looks at the same maps, side by side.

    Sizes are those of the paper's table 1: 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, pool projection.
    """
    ones, threes_reduce, threes, fives_reduce, fives, projection = sizes
    yield f"{name}/1x1", Conv(ones, kernel=1), below
    yield f"{name}/relu_1x1", ReLU()
    yield f"{name}/3x3_reduce", Conv(threes_reduce, kernel=1), below
    yield f"{name}/relu_3x3_reduce", ReLU()
    yield f"{name}/3x3", Conv(threes, kernel=3, padding=1)
    yield f"{name}/relu_3x3", ReLU()
    yield f"{name}/5x5_reduce", Conv(fives_reduce, kernel=1), below
    yield f"{name}/relu_5x5_reduce", ReLU()
    yield f"{name}/5x5", Conv(fives, kernel=5, padding=2)
    yield f"{name}/relu_5x5", ReLU()
    yield f"{name}/pool", MaxPool(kernel=3, stride=1, padding=1, ceil=True), below
    yield f"{name}/pool_proj", Conv(projection, kernel=1)
    yield f"{name}/relu_pool_proj", ReLU()
    yield (
        f"{name}/output",
        Concat(),
        f"{name}/relu_1x1",
        f"{name}/relu_3x3",
        f"{name}/relu_5x5",
        f"{name}/relu_pool_proj",
    )


GOOGLENET = Architecture(
    name="googlenet",
    table=(
        ("input", Input(224)),
        ("normalize", Normalize(mean=(104.0, 117.0, 123.0), order="BGR")),
        ("conv1/7x7_s2", Conv(64, kernel=7, stride=2, padding=3)),
        ("conv1/relu_7x7", ReLU()),
        ("pool1/3x3_s2", MaxPool(kernel=3, stride=2, ceil=True)),
        ("pool1/norm1", LRN()),
        ("conv2/3x3_reduce", Conv(64, kernel=1)),
        ("conv2/relu_3x3_reduce", ReLU()),
        ("conv2/3x3", Conv(192, kernel=3, padding=1)),
        ("conv2/relu_3x3", ReLU()),
        ("conv2/norm2", LRN()),
        ("pool2/3x3_s2", MaxPool(kernel=3, stride=2, ceil=True)),
        *inception("inception_3a", "pool2/3x3_s2", (64, 96, 128, 16, 32, 32)),
        *inception("inception_3b", "inception_3a/output", (128, 128, 192, 32, 96, 64)),
        ("pool3/3x3_s2", MaxPool(kernel=3, stride=2, ceil=True)),
        *inception("inception_4a", "pool3/3x3_s2", (192, 96, 208, 16, 48, 64)),
        *inception("inception_4b", "inception_4a/output", (160, 112, 224, 24, 64, 64)),
        *inception("inception_4c", "inception_4b/output", (128, 128, 256, 24, 64, 64)),
        *inception("inception_4d", "inception_4c/output", (112, 144, 288, 32, 64, 64)),
        *inception("inception_4e", "inception_4d/output", (256, 160, 320, 32, 128, 128)),
        ("pool4/3x3_s2", MaxPool(kernel=3, stride=2, ceil=True)),
        *inception("inception_5a", "pool4/3x3_s2", (256, 160, 320, 32, 128, 128)),
        *inception("inception_5b", "inception_5a/output", (384, 192, 384, 48, 128, 128)),
        ("pool5/7x7_s1", AvgPool(kernel=7, stride=1, ceil=True)),
        ("pool5/drop_7x7_s1", Dropout(0.4)),
        ("loss3/classifier", Linear(1000)),
        ("prob", Softmax()),
    ),
    labels=IMAGENET_LABELS,
    maps="inception_5b/output",
    files=("googlenet.h5", "bvlc_googlenet.npz"),
)
