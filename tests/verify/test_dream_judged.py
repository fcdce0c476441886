"""DeepDream of a real network: the row's energy grows, gathers in fewer units, and the photograph stays."""

import numpy as np
import pytest
from conftest import shared_path

import minivis as mv
from minivis.objectives import energy
from minivis.pictures import fit
from minivis.synthesis.recipes.concentration import concentration
from minivis.synthesis.recipes.dream import ROW, deep_dream

pytestmark = pytest.mark.verify


def test_a_dream_of_the_sky():
    net = mv.load("googlenet", weights=shared_path("weights/bvlc_googlenet.npz"))
    photo = fit(shared_path("images/sky.jpg"), 256)
    dream = deep_dream(net, photo, octaves=2)
    for _ in dream:
        pass
    picture = dream.picture
    assert energy(ROW)(net, picture)[0] > 4 * energy(ROW)(net, photo)[0]
    before, after = concentration(net, ROW, photo), concentration(net, ROW, picture)
    for among in ("units", "places"):  # the rich get richer; but more channels take part
        assert after[among].gini[0] > before[among].gini[0], among
    assert after["channels"].gini[0] < before["channels"].gini[0]
    assert np.corrcoef(picture.ravel(), photo.ravel())[0, 1] > 0.5
