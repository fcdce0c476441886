"""Fooling a real network: twenty photographs, each to a class that has nothing to do with it."""

import numpy as np
import pytest
from conftest import shared_path

import minivis as mv
from minivis.synthesis.recipes.fool import fool

pytestmark = pytest.mark.verify

SHARE = 0.02  # the most that the difference may measure of the picture's norm


def test_fool_moves_twenty_photographs_and_a_file_keeps_it(tmp_path):
    net = mv.load("squeezenet", weights=shared_path("weights/squeezenet_v1.1.npz"))
    files = sorted(shared_path("images/imagenet").glob("*.jpg"))[:20]
    assert len(files) == 20
    targets = [(int(file.name[:3]) + 500) % 1000 for file in files]
    for file, target in zip(files, targets, strict=True):
        x = net.picture(file)
        assert net(x).argmax() != target
        (result,) = fool(net, x, target).finish()
        mv.save_picture(tmp_path / "fooled.png", result.picture)
        again = mv.read_picture(tmp_path / "fooled.png")[None]
        assert result.success, f"{file.name}: {result}"
        assert net(again).argmax() == target, f"{file.name}: {result}"
        assert np.linalg.norm(again - x) <= SHARE * np.linalg.norm(x), f"{file.name}: {result}"
