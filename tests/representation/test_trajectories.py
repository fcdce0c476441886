"""One map for all epochs."""

import numpy as np
import pytest

from minivis.errors import InputError
from minivis.representation.trajectories import some_epochs, trajectories


def test_pca_is_one_projection_for_all_epochs(rng):
    codes = rng.standard_normal((4, 9, 6)) * [5, 3, 1, 1, 1, 1] + np.arange(4)[:, None, None]
    flat = codes.reshape(36, 6)
    _, _, directions = np.linalg.svd(flat - flat.mean(0))
    expected = (codes - flat.mean(0)) @ directions[:2].T
    places = trajectories(codes)
    np.testing.assert_allclose(np.abs(places), np.abs(expected), atol=1e-9)
    one = trajectories(codes, fit="last")
    np.testing.assert_allclose(one.mean(1)[-1], 0, atol=1e-9)
    assert one[-1].var(0).sum() > places[-1].var(0).sum()  # its own directions keep the most of it


def test_a_code_that_stays_has_one_place(rng):
    codes = np.repeat(rng.standard_normal((1, 12, 5)), 3, 0)
    places = trajectories(codes)
    np.testing.assert_array_equal(places[0], places[2])


def test_tsne_of_all_epochs_at_once(rng):
    codes = rng.standard_normal((2, 12, 5)).astype("float32")
    codes[1, :6] += 20
    places = trajectories(codes, "tsne", perplexity=4, steps=60)
    assert places.shape == (2, 12, 2) and np.isfinite(places).all()


def test_some_epochs():
    assert some_epochs(5, 8).tolist() == [0, 1, 2, 3, 4]
    for count in (9, 13, 40, 300):
        chosen = some_epochs(count, 8)
        assert len(chosen) == 8 and chosen[0] == 0 and chosen[-1] == count - 1
        assert (np.diff(chosen) > 0).all()


def test_wrong_arguments():
    with pytest.raises(InputError, match="codes"):
        trajectories(np.ones((3, 4)))
    with pytest.raises(InputError, match="umap"):
        trajectories(np.ones((3, 4, 2)), "umap")
    with pytest.raises(InputError, match="fewer epochs"):
        trajectories(np.zeros((100, 100, 1)), "tsne")
