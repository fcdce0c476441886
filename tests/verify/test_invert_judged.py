"""How near the code of an inversion comes, with the real VGG16's first blocks and the method's own prior."""

import numpy as np
import pytest
from conftest import shared_path

import minivis as mv
from minivis.synthesis.recipes.invert import invert, relative_error

pytestmark = pytest.mark.verify

FILE = "weights/vgg16_blocks1-3_tf_dim_ordering_tf_kernels_notop.h5"

# The least number of steps that reaches the mark comfortably: at most 400 are allowed.
MARKS = {"relu1_2": (40, 0.06), "relu2_2": (80, 0.08), "relu3_3": (120, 0.17)}


@pytest.mark.parametrize("row", MARKS)
def test_a_photograph_is_inverted(row):
    net = mv.load("vgg16", weights=shared_path(FILE))
    x = net.picture(shared_path("images/kitten.jpg"), 128)
    steps, mark = MARKS[row]
    climb = invert(net, x, row, steps=steps, rng=np.random.default_rng(0))
    before = relative_error(net, next(climb)[0], x, row)
    for _ in climb:
        pass
    assert before > 0.3  # it starts far away
    assert relative_error(net, climb.picture, x, row) < mark
    assert [name for name, _ in climb.terms] == [f"match({row})", "alpha_norm(6)", "total_variation(mahendran, 2)"]
