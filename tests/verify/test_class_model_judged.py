"""Class models of one real network, judged by another that had no part in making them."""

import numpy as np
import pytest
from conftest import shared_path

import minivis as mv
from minivis.synthesis.recipes.class_model import class_model

pytestmark = pytest.mark.verify


@pytest.mark.parametrize("target", [130, 302], ids=["flamingo", "ground beetle"])
def test_another_network_recognises_the_class(target):
    maker = mv.load("googlenet", weights=shared_path("weights/bvlc_googlenet.npz"))
    judge = mv.load("squeezenet", weights=shared_path("weights/squeezenet_v1.1.npz"))
    climb = class_model(maker, target, rng=np.random.default_rng(1))
    assert target not in np.argsort(-judge(climb.picture)[0])[:5]
    for _ in climb:
        pass
    assert target in np.argsort(-judge(climb.picture)[0])[:5]
