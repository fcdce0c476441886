"""Facets: principal components against NumPy's own, groups that are there, and starts that are their means."""

import numpy as np
import pytest
from small import BRANCHES, CHAIN, small_net

from minivis.errors import InputError, UnknownName
from minivis.objectives import unit
from minivis.representation.pca import pca
from minivis.synthesis.recipes.climbing import Climb
from minivis.synthesis.recipes.facets import codes_of, facets, multifaceted, principal


@pytest.fixture
def net():
    return small_net(CHAIN)


@pytest.fixture
def photos(rng):
    """Twelve photographs of two kinds, five dark red and seven bright blue, in mixed order."""
    kinds = np.array([0, 1, 1, 0, 1, 0, 1, 1, 0, 1, 0, 1])
    colours = np.array([[90.0, 20.0, 20.0], [160.0, 190.0, 240.0]])[kinds]
    return kinds, colours[:, None, None] + rng.normal(0, 8, (12, 16, 16, 3))


def test_principal_components_have_the_variances_of_the_covariance(rng):
    codes = rng.standard_normal((20, 6)) @ rng.standard_normal((6, 6)) + 5
    found = principal(codes, 6)
    np.testing.assert_allclose(found.mean(0), 0, atol=1e-12)
    variances = np.linalg.eigvalsh(np.cov(codes.T))[::-1]
    np.testing.assert_allclose(np.cov(found.T), np.diag(variances), atol=1e-9)
    apart = np.linalg.norm(codes[:, None] - codes, axis=-1)  # all components keep all distances
    np.testing.assert_allclose(np.linalg.norm(found[:, None] - found, axis=-1), apart, atol=1e-9)
    np.testing.assert_array_equal(found, pca(codes).transform(codes))  # whose tests fix the signs
    assert principal(codes[:4], 50).shape == (4, 3)


def test_codes_are_of_the_row_that_the_classifier_reads(net, photos):
    np.testing.assert_allclose(codes_of(net, photos[1], batch=5), net.capture(photos[1], ["drop3"])["drop3"])
    assert codes_of(small_net(BRANCHES), np.zeros((2, 17, 17, 3)), "join").ndim == 2


def test_photographs_of_two_kinds_are_two_facets(net, photos):
    kinds, pictures = photos
    found = facets(net, pictures, count=2, nearest=3)
    assert len({(a, b) for a, b in zip(kinds, found.facet, strict=True)}) == 2
    assert found.plane.shape == (12, 2)
    points = principal(codes_of(net, pictures))
    for k, members in enumerate(found.members):
        assert len(members) == 3
        own = np.flatnonzero(found.facet == k)
        distances = np.linalg.norm(points[own] - points[own].mean(0), axis=1)
        np.testing.assert_array_equal(members, own[np.argsort(distances)][:3])
        np.testing.assert_allclose(found.starts[k], pictures[members].mean(0))


def test_the_same_seed_gives_the_same_facets(net, photos):
    one, two = (facets(net, photos[1], count=4, seed=3) for _ in range(2))
    np.testing.assert_array_equal(one.facet, two.facet)
    np.testing.assert_array_equal(one.starts, two.starts)


@pytest.mark.filterwarnings("ignore:One of the clusters is empty")
def test_facets_are_numbered_without_gaps(net, photos):
    same = np.repeat(photos[1][:2], 4, axis=0)  # two points: four groups cannot all have members
    found = facets(net, same, count=4)
    assert set(found.facet) == set(range(len(found.members)))
    assert len(found.starts) == len(found.members) <= 4
    assert found.plane.shape == (8, 2)


def test_each_facet_has_a_class_model_of_its_own(net, photos):
    found = facets(net, photos[1], count=2, nearest=4)
    climb = multifaceted(net, "bee", found, Climb(step="norm", lr=20.0, steps=8))
    np.testing.assert_array_equal(climb.picture, found.starts)
    for picture, score in climb:
        assert picture.shape == (2, 16, 16, 3)
        assert score.shape == (2,)
    assert (unit("logits", 1)(net, picture) > unit("logits", 1)(net, found.starts)).all()


def test_what_is_wrong_is_told_in_one_line(net, photos):
    with pytest.raises(InputError, match=r"12 pictures fall into 1 to 12 facets.*got 13 and 15"):
        facets(net, photos[1], count=13)
    with pytest.raises(UnknownName, match="fc9"):
        facets(net, photos[1], count=2, row="fc9")


def test_on_a_device(device, photos):
    net = small_net(CHAIN, dtype="float32", device="gpu")
    found = facets(net, device.asarray(photos[1].astype("float32")), count=2)
    assert isinstance(found.starts, device.ndarray)
    picture, _ = next(multifaceted(net, 1, found, rng=np.random.default_rng(0)))
    assert isinstance(picture, device.ndarray)
