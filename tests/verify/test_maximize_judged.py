"""Filters of real VGG16 blocks: each picture excites its own filter more than the pictures of the others do."""

import numpy as np
import pytest
from conftest import shared_path

import minivis as mv
from minivis.synthesis.recipes.maximize import activation_maximization, sensitivity

pytestmark = pytest.mark.verify


@pytest.mark.parametrize(("row", "steps"), [("relu1_1", 40), ("relu2_2", 15)])
def test_each_filter_is_strongest_in_its_own_picture(row, steps):
    net = mv.load("vgg16", weights=shared_path("weights/vgg16_blocks1-3_tf_dim_ordering_tf_kernels_notop.h5"))
    channels = [1, 2, 3, 5]
    climb = activation_maximization(net, row, channels, steps=steps, rng=np.random.default_rng(0))
    for _ in climb:
        pass
    found = sensitivity(net, row, channels, climb.picture, "mean")
    np.testing.assert_array_equal(found.argmax(0), range(len(channels)))
