"""The estimate of a pass's memory against what is allocated."""

import tracemalloc

import numpy as np
import pytest
from small import small_net

import minivis as mv
from minivis import workspace
from minivis.nets.memory import peak_memory


def measured(net, x, row, recorded):
    workspace.release()  # memory that is used again would not be counted
    tracemalloc.start()
    try:
        if recorded:
            mv.gradient(net, x, 0, at=row)
        else:
            net.capture(x, [row])
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


class Zeros(dict):
    """Weights that are made when a row is first asked for, so that they are counted as those from a file are."""

    def __getitem__(self, row):
        return {name: np.zeros(shape, "float32") for name, shape in super().__getitem__(row).items()}


@pytest.mark.parametrize("recorded", [True, False], ids=["recorded", "forward"])
@pytest.mark.parametrize(
    ("name", "size", "batch", "row"),
    [
        ("minivgg", 96, 24, "fc8"),
        ("minivgg", 256, 2, "relu4_2"),
        ("squeezenet", 227, 2, "pool10"),
        ("googlenet", 224, 1, "loss3/classifier"),
        ("vgg16", 256, 1, "relu4_1"),
    ],
)
def test_the_estimate_is_near_what_is_allocated(name, size, batch, row, recorded):
    architecture = mv.architecture(name)
    net = mv.Net(architecture, Zeros(architecture.parameters))
    x = np.random.default_rng(1).uniform(0, 255, (batch, size, size, 3)).astype("float32")
    expected = peak_memory(architecture, size, batch, row, recorded)
    found = measured(net, x, row, recorded)
    assert 0.75 * found < expected < 1.25 * found


def test_twice_the_type_is_twice_the_maps_and_rows_must_exist():
    architecture = small_net().architecture
    forward = [peak_memory(architecture, 640, 4, "relu1_1", False, itemsize) for itemsize in (4, 8)]
    assert 1.9 < forward[1] / forward[0] < 3  # and float64 takes the readable path, which pads a copy
    with pytest.raises(mv.UnknownName, match="no layer named 'relu9'"):
        peak_memory(architecture, row="relu9")
