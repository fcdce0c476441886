"""VGG16 (Simonyan and Zisserman 2015, table 1, column D), with the rows named as in the authors' Caffe model."""

from collections.abc import Iterator, Sequence

from .architecture import Architecture
from .labels import IMAGENET_LABELS
from .layers import Conv, Dropout, Input, Linear, MaxPool, Normalize, ReLU, Softmax


def blocks(filters: Sequence[Sequence[int]]) -> Iterator[tuple]:
    """Yield the rows of VGG's blocks: 3x3 convolutions with a ReLU each, then a pool that halves the map."""
    for block, counts in enumerate(filters, start=1):
        for i, count in enumerate(counts, start=1):
            yield f"conv{block}_{i}", Conv(count, kernel=3, padding=1)
            yield f"relu{block}_{i}", ReLU()
        yield f"pool{block}", MaxPool(kernel=2, stride=2)


def classifier(hidden: int, classes: int) -> tuple[tuple, ...]:
    """Return the rows of VGG's fully connected layers."""
    return (
        ("fc6", Linear(hidden)),
        ("relu6", ReLU()),
        ("drop6", Dropout(0.5)),
        ("fc7", Linear(hidden)),
        ("relu7", ReLU()),
        ("drop7", Dropout(0.5)),
        ("fc8", Linear(classes)),
        ("prob", Softmax()),
    )


VGG16 = Architecture(
    name="vgg16",
    table=(
        ("input", Input(224)),
        ("normalize", Normalize(mean=(103.939, 116.779, 123.68), order="BGR")),  # the authors' mean, in B, G, R
        *blocks([[64] * 2, [128] * 2, [256] * 3, [512] * 3, [512] * 3]),
        *classifier(hidden=4096, classes=1000),
    ),
    labels=IMAGENET_LABELS,
    maps="relu5_3",
    files=(
        "vgg16.h5",
        "vgg16_weights_tf_dim_ordering_tf_kernels.h5",
        "vgg16-397923af.pth",
        "vgg16_weights.npz",
        "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "vgg16_blocks1-3_tf_dim_ordering_tf_kernels_notop.h5",
    ),
)
