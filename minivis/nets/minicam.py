"""minicam: a small network that ends in global average pooling and one linear layer, which is what CAM is exact for.

Its last maps are a quarter of the picture high and wide, and each is pooled to its mean; a class's score is a weighted
sum of those means, so the same weights, on the maps themselves, say where the score comes from (Zhou et al. 2016).
"""

from collections.abc import Sequence

from .architecture import Architecture
from .layers import Conv, GlobalAvgPool, Input, Linear, MaxPool, ReLU, Softmax
from .small import RGB

FILTERS = (16, 32, 64, 64)  # ours: some 61,000 weights
POOLS = 2  # after the first convolutions; ours


def minicam(labels: Sequence[str], size: int = 64, name: str = "minicam", files: tuple[str, ...] = ()) -> Architecture:
    """Return the table: four 3x3 convolutions, a pool after each of the first two, mean, one layer.

    Parameters
    ----------
    labels : sequence of str
        The classes.
    size : int
        Height and width of its pictures, at least 8.
    name, files
        As in `linear_classifier`.
    """
    table: list[tuple] = [("input", Input(size)), ("normalize", RGB)]
    for i, filters in enumerate(FILTERS, start=1):
        table += [(f"conv{i}", Conv(filters, kernel=3, padding=1)), (f"relu{i}", ReLU())]
        if i <= POOLS:
            table.append((f"pool{i}", MaxPool()))
    table += [("gap", GlobalAvgPool()), ("fc", Linear(len(labels))), ("prob", Softmax())]
    return Architecture(name, tuple(table), tuple(labels), f"relu{len(FILTERS)}", files, "minicam")
