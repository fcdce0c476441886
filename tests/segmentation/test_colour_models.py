"""Gaussian mixtures: closed forms, a known mixture, EM's promise, and scikit-learn."""

import numpy as np
import pytest

from minivis.errors import InputError
from minivis.segmentation.colour_models import ColourModel, fit_colours, maximise, spread_centres


def two_clouds(rng, count=600):
    near = rng.multivariate_normal((60, 80, 200), np.diag((90.0, 40, 20)) + 15, count)
    far = rng.multivariate_normal((200, 40, 30), np.diag((50.0, 160, 30)) - 10, 2 * count)
    return np.concatenate([near, far])


def test_one_gaussian_is_mean_and_covariance(rng):
    colours = rng.normal(100, 20, (500, 3))
    model = fit_colours(colours, 1, floor=2.0)
    np.testing.assert_allclose(model.means[0], colours.mean(0), rtol=1e-12)
    np.testing.assert_allclose(model.covariances[0], np.cov(colours.T, bias=True) + 2 * np.eye(3), rtol=1e-10)
    assert model.weights == pytest.approx([1])


def test_the_log_density_against_the_formula(rng):
    model = ColourModel(np.array([0.3, 0.7]), rng.normal(0, 5, (2, 3)), np.stack([np.eye(3) * 4, np.eye(3) + 1.5]))
    colours = rng.normal(0, 5, (4, 5, 3)).astype(np.float32)
    density = 0
    for weight, mean, covariance in zip(model.weights, model.means, model.covariances, strict=True):
        offset = colours.astype(float) - mean
        distance = np.einsum("hwi,ij,hwj->hw", offset, np.linalg.inv(covariance), offset)
        density += weight * np.exp(-distance / 2) / np.sqrt((2 * np.pi) ** 3 * np.linalg.det(covariance))
    found = model.log_density(colours)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, np.log(density), rtol=1e-9)


def test_a_density_far_away_is_finite():
    model = fit_colours(np.full((4, 3), 10.0))
    assert np.isfinite(model.log_density(np.array([[255.0, 255, 255]]))).all()


def test_two_clouds_are_found(rng):
    model = fit_colours(two_clouds(rng), 2, rng)
    order = model.weights.argsort()
    np.testing.assert_allclose(model.weights[order], (1 / 3, 2 / 3), atol=0.01)
    np.testing.assert_allclose(model.means[order], ((60, 80, 200), (200, 40, 30)), atol=2)


def test_a_step_of_em_never_lowers_the_likelihood(rng):
    colours = rng.uniform(0, 255, (300, 3))
    likelihoods = [
        fit_colours(colours, 4, np.random.default_rng(1), floor=1e-9, steps=n, tolerance=-np.inf)
        .log_density(colours)
        .mean()
        for n in range(8)
    ]
    assert (np.diff(likelihoods) > 0).all()


@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
def test_no_more_components_than_colours(dtype, rng):
    colours = np.array([[1, 2, 3]] * 5 + [[200, 2, 3]] * 5, dtype)
    kept = colours.copy()
    model = fit_colours(colours, 5, rng)
    assert len(model.weights) == 2 and np.array_equal(colours, kept)
    assert len(fit_colours(colours[:1]).weights) == 1


def test_the_start_is_spread(rng):
    colours = np.concatenate([rng.normal(c, 1, (100, 3)) for c in (20, 120, 220)])
    for seed in range(10):
        centres = spread_centres(colours, 3, np.random.default_rng(seed))
        assert sorted(np.rint(centres.mean(1) / 100).tolist()) == [0, 1, 2]


@pytest.mark.parametrize("colours", [np.zeros((0, 3)), np.zeros(3), np.full((2, 3), np.nan)])
def test_what_is_no_list_of_colours(colours):
    with pytest.raises(InputError, match="one finite colour or more"):
        fit_colours(colours)
    with pytest.raises(InputError, match="floor above 0"):
        fit_colours(np.zeros((2, 3)), floor=0)


@pytest.mark.verify
def test_em_against_scikit_learn(rng):
    from sklearn.mixture import GaussianMixture

    colours = np.clip(two_clouds(rng), 0, 255)
    start = maximise(colours, np.eye(3)[rng.integers(3, size=len(colours))], 1.0)
    ours = start
    for _ in range(25):
        joint = ours._joint(colours)
        ours = maximise(colours, np.exp(joint - ours.log_density(colours)[:, None]), 1.0)
    with pytest.warns(Warning, match="converge"):
        theirs = GaussianMixture(
            3,
            reg_covar=1.0,
            max_iter=25,
            tol=0,
            weights_init=start.weights,
            means_init=start.means,
            precisions_init=np.linalg.inv(start.covariances),
        ).fit(colours)
    np.testing.assert_allclose(ours.means, theirs.means_, rtol=1e-7)
    np.testing.assert_allclose(ours.covariances, theirs.covariances_, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(ours.log_density(colours), theirs.score_samples(colours), rtol=1e-7)
