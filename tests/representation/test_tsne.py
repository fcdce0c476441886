"""t-SNE: affinities and gradient against double loops, the descent against scikit-learn's."""

import math

import numpy as np
import pytest
from conftest import shared_path

from minivis.errors import InputError
from minivis.representation import affinities as affinities_module
from minivis.representation import points as points_module
from minivis.representation.affinities import affinities, check_perplexity, conditional
from minivis.representation.neighbours import nearest_neighbours, votes
from minivis.representation.tsne import (
    EARLY,
    gradient,
    kl_divergence,
    pca_start,
    tsne,
    tsne_steps,
)


def entropy(p):
    return -sum(v * math.log(v) for v in p if v > 0)


def naive_affinities(points, perplexity):
    """As the paper defines them: each beta by bisection, one after the other."""
    n = len(points)
    conditional = np.zeros((n, n))
    for i in range(n):
        squared = [sum((points[i] - points[j]) ** 2) for j in range(n)]
        low, high = 1e-20, 1e20
        for _ in range(100):
            beta = math.sqrt(low * high)
            weights = [0.0 if j == i else math.exp(-beta * (squared[j] - min(np.delete(squared, i)))) for j in range(n)]
            row = [w / sum(weights) for w in weights]
            low, high = (beta, high) if entropy(row) > math.log(perplexity) else (low, beta)
        conditional[i] = row
    return np.array([[(conditional[i, j] + conditional[j, i]) / (2 * n) for j in range(n)] for i in range(n)])


def naive_q(y):
    n = len(y)
    w = np.array([[0.0 if i == j else 1 / (1 + sum((y[i] - y[j]) ** 2)) for j in range(n)] for i in range(n)])
    return w, w / w.sum()


def naive_gradient(p, y, exaggeration=1.0):
    """The first of the two forms."""
    w, q = naive_q(y)
    n = len(y)
    return np.array(
        [sum(4 * (exaggeration * p[i, j] - q[i, j]) * w[i, j] * (y[i] - y[j]) for j in range(n)) for i in range(n)]
    )


def naive_divergence(p, y):
    _, q = naive_q(y)
    return sum(p[i, j] * math.log(p[i, j] / q[i, j]) for i, j in np.ndindex(p.shape) if p[i, j] > 0)


@pytest.fixture
def points(rng):
    return rng.standard_normal((24, 5)) * np.array([3, 1, 1, 1, 1]) + 7


@pytest.fixture(params=[None, 60], ids=["one block", "many blocks"])
def blocks(request, monkeypatch):
    if request.param:
        monkeypatch.setattr(points_module, "HOST_BLOCK", request.param)


# Affinities.


@pytest.mark.parametrize("perplexity", [2.0, 5.5])
def test_affinities_are_those_of_the_definition(points, perplexity, monkeypatch):
    expected = naive_affinities(points, perplexity)
    for block in (points_module.HOST_BLOCK, 60):
        monkeypatch.setattr(points_module, "HOST_BLOCK", block)
        found = affinities(points, perplexity)
        np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-14)
        np.testing.assert_array_equal(found, found.T)
        np.testing.assert_array_equal(np.diagonal(found), 0)
        assert found.sum() == pytest.approx(1)


def test_the_entropy_of_each_row_is_that_of_the_perplexity(points):
    far = points.copy()
    far[0] += 1e4  # an outlier, and a pair of equal points
    far[1] = far[2]
    squared = ((far[:, None] - far) ** 2).sum(-1)
    rows = conditional(squared, np.arange(24), 4.0)
    np.testing.assert_allclose([entropy(row) for row in rows], math.log(4), atol=1e-8)
    np.testing.assert_allclose(rows.sum(1), 1)


def test_scale_and_place_do_not_matter(points):
    expected = affinities(points, 4)
    for scale in (1e-6, 1e6):
        np.testing.assert_allclose(affinities(scale * points, 4), expected, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(affinities(points + 1e4, 4), expected, rtol=1e-6, atol=1e-12)


def test_points_all_equally_far_share_alike():
    found = affinities(np.eye(13), 4)
    np.testing.assert_allclose(found, (1 - np.eye(13)) / (13 * 12))
    np.testing.assert_allclose(affinities(np.ones((13, 2)), 4), (1 - np.eye(13)) / (13 * 12))


def test_float32_points_have_float32_affinities(points):
    found = affinities(points.astype("float32"), 5)
    assert found.dtype == "float32"
    np.testing.assert_allclose(found, affinities(points, 5), rtol=1e-4, atol=1e-9)


def test_they_are_mirrored_a_square_at_a_time(points, monkeypatch):
    expected = affinities(points, 5)
    monkeypatch.setattr(affinities_module, "SQUARE", 7)
    np.testing.assert_array_equal(affinities(points, 5), expected)


@pytest.mark.parametrize(
    ("count", "perplexity", "told"),
    [
        (90, 30.0, r"90 points are too few for a perplexity of 30: it may be 29.67 at most"),
        (3, 2.0, r"there must be 5 or more"),
        (100, 1.0, r"above 1, got 1"),
        (100, math.nan, r"above 1, got nan"),
    ],
)
def test_what_is_wrong_with_a_perplexity_is_told(count, perplexity, told):
    with pytest.raises(InputError, match=told):
        check_perplexity(count, perplexity)
    with pytest.raises(InputError, match=told):
        affinities(np.zeros((count, 2)), perplexity)
    check_perplexity(91, 30)


# The gradient and the divergence.


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("exaggeration", [1.0, 12.0])
def test_the_gradient_is_that_of_the_paper(points, rng, blocks, dims, exaggeration):
    p, y = affinities(points, 5), 3 * rng.standard_normal((24, dims)) + 50
    np.testing.assert_allclose(gradient(p, y, exaggeration), naive_gradient(p, y, exaggeration), atol=1e-13)


def test_the_gradient_is_the_slope_of_the_divergence(points, rng):
    p, y = affinities(points, 5), rng.standard_normal((24, 2))
    for direction in rng.standard_normal((3, 24, 2)):
        step = 1e-5 * direction
        slope = (kl_divergence(p, y + step) - kl_divergence(p, y - step)) / 2e-5
        assert (gradient(p, y) * direction).sum() == pytest.approx(slope, rel=1e-7)


@pytest.mark.parametrize("scale", [1e-4, 1.0, 100.0])
def test_float32_follows_float64(points, rng, blocks, scale):
    p, y = affinities(points, 5), scale * rng.standard_normal((24, 2))
    found = gradient(p.astype("float32"), y.astype("float32"))
    assert found.dtype == "float32"
    expected = gradient(p, y)
    assert abs(found - expected).max() < 2e-5 * abs(expected).max()
    assert kl_divergence(p.astype("float32"), y.astype("float32")) == pytest.approx(kl_divergence(p, y), rel=1e-6)


def test_the_divergence_is_that_of_the_definition(points, rng, blocks):
    p, y = affinities(points, 5), rng.standard_normal((24, 2))
    assert kl_divergence(p, y) == pytest.approx(naive_divergence(p, y), rel=1e-12)
    _, q = naive_q(y)
    assert kl_divergence(q, y) == pytest.approx(0, abs=1e-14)


# The descent.


def naive_descent(p, y, steps, rate):
    update, gains = np.zeros_like(y), np.ones_like(y)
    for step in range(steps):
        if step == EARLY:
            update, gains = np.zeros_like(y), np.ones_like(y)
        slope = gradient(p, y, 12.0 if step < EARLY else 1.0)
        gains = np.maximum(np.where(slope * update < 0, gains + 0.2, gains * 0.8), 0.01)
        update = (0.5 if step < EARLY else 0.8) * update - rate * gains * slope
        y = y + update
    return y


def test_the_descent_is_momentum_with_gains(points):
    p, start = affinities(points, 5), pca_start(points)
    *_, (step, found, _) = tsne_steps(p, start, steps=270, every=100)
    assert step == 270
    expected = naive_descent(p, start, 270, 50.0)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_the_iterator_gives_maps_as_it_goes(points):
    p, start = affinities(points, 5), pca_start(points)
    seen = list(tsne_steps(p, start, steps=25, every=10))
    assert [step for step, _, _ in seen] == [10, 20, 25]
    for _, embedding, divergence in seen:
        assert divergence == kl_divergence(p, embedding)
    endless = tsne_steps(p, start)
    for step, _, _ in endless:
        if step == 3:
            break
    assert endless.step == 3
    assert "after 3 iterations" in repr(endless)


def test_the_maps_it_gives_are_copies(points):
    descent = tsne_steps(affinities(points, 5), pca_start(points), steps=3)
    _, first, _ = next(descent)
    expected = first.copy()
    first += 1
    np.testing.assert_array_equal(descent.embedding, expected)


def test_a_descent_is_resumed_to_the_same_bits(points):
    p, start = (a.astype("float32") for a in (affinities(points, 5), pca_start(points)))
    whole = tsne_steps(p, start, steps=EARLY + 20, every=50)
    *_, (_, expected, _) = whole
    for stop in (7, EARLY - 1, EARLY):
        part = tsne_steps(p, start, steps=stop, every=stop)
        next(part)
        rest = tsne_steps(p, steps=EARLY + 20, every=1000, state=part.state())
        step, found, _ = next(rest)
        assert step == EARLY + 20
        np.testing.assert_array_equal(found, expected)


def test_an_interrupt_leaves_a_whole_map(points, monkeypatch):
    from minivis.representation import tsne as module

    descent = tsne_steps(affinities(points, 5), pca_start(points), steps=10, every=5)
    next(descent)
    real, calls = module.gradient, []

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(module, "gradient", interrupted)
    with pytest.raises(KeyboardInterrupt):
        next(descent)
    assert descent.step == 7
    monkeypatch.undo()
    again = tsne_steps(descent.p, pca_start(points), steps=7, every=7)
    np.testing.assert_array_equal(next(again)[1], descent.embedding)


def test_clusters_come_apart(rng):
    kinds = np.repeat(np.arange(3), 25)
    points = rng.standard_normal((75, 20)) + 4 * np.eye(20)[kinds]
    for dtype in ("float32", "float64"):
        found = tsne(points.astype(dtype), 10, steps=400)
        assert (found.shape, found.dtype) == ((75, 2), np.dtype(dtype))
        assert votes(nearest_neighbours(found, 5).index, kinds, kinds).share == 1
        np.testing.assert_array_equal(found, tsne(points.astype(dtype), 10, steps=400))


def test_the_start_is_the_principal_plane(points):
    start = pca_start(points)
    assert start[:, 0].std() == pytest.approx(1e-4)
    assert start[:, 1].std() < 1e-4
    with pytest.raises(InputError, match="all the same"):
        pca_start(np.ones((9, 3)))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"start": np.zeros((5, 2))}, r"affinities \(5, 5\) for 5 points, got \(24, 24\)"),
        ({"every": 0}, r"every 1 or more"),
        ({"steps": -1}, r"steps and early are 0 or more"),
        ({"rate": 0.0}, r"above 0, got 0"),
        ({"state": {"step": 3}}, r"state must be what .state\(\) returned"),
        ({"start": np.full((24, 2), np.nan)}, r"not finite"),
    ],
)
def test_what_is_wrong_is_told(points, change, told):
    p = affinities(points, 5)
    with pytest.raises(InputError, match=told):
        tsne_steps(p, **{"start": pca_start(points), **change})


def test_a_map_that_leaves_the_range_of_numbers_is_told(points):
    descent = tsne_steps(affinities(points, 5), pca_start(points), rate=1e300)
    with np.errstate(all="ignore"), pytest.raises(InputError, match=r"a smaller rate than 1e\+300"):
        for _ in range(10):
            next(descent)
    assert np.isfinite(descent.embedding).all()


def test_on_a_device(device, points):
    expected = tsne(points, 5, steps=30)
    found = tsne(device.asarray(points), 5, steps=30)
    assert isinstance(found, device.ndarray)
    np.testing.assert_allclose(device.asnumpy(found), expected, rtol=1e-6)


# scikit-learn.


def digits(seed, n=1000):
    with np.load(shared_path("data/mnist.npz")) as file:
        chosen = np.random.default_rng(seed).permutation(60_000)[:n]
        return file["x_train"][chosen].reshape(n, -1) / 255, file["y_train"][chosen]


def their_affinities(points, perplexity):
    from scipy.spatial.distance import pdist, squareform
    from sklearn.manifold import _t_sne

    return squareform(_t_sne._joint_probabilities(squareform(pdist(points, "sqeuclidean")), perplexity, 0))


CALM = {"exaggeration": 4.0, "rate": 60.0}  # with the usual 12 and 50, the smallest rounding becomes another map


def their_map(points, start):
    """With its early stopping off."""
    from sklearn.manifold import TSNE

    learned = TSNE(
        method="exact",
        init=start,
        perplexity=30,
        early_exaggeration=CALM["exaggeration"],
        learning_rate=CALM["rate"],
        max_iter=1000,
        min_grad_norm=0,
        n_iter_without_progress=1000,
    )
    return learned.fit_transform(points)


@pytest.mark.verify
def test_affinities_against_scikit_learn():
    pytest.importorskip("sklearn")
    points, _ = digits(0)
    theirs = their_affinities(points, 30)
    np.testing.assert_allclose(affinities(points, 30), theirs, rtol=2e-4, atol=1e-12)  # it stops at 1e-5 of the entropy


@pytest.mark.verify
def test_the_first_iterations_are_those_of_scikit_learn():
    """Later the two part: under exaggeration the usual rate makes much of how they round."""
    pytest.importorskip("sklearn")
    from scipy.spatial.distance import squareform
    from sklearn.manifold import _t_sne

    points, _ = digits(0, 200)
    p, start = their_affinities(points, 30), pca_start(points)
    expected, _, _ = _t_sne._gradient_descent(
        _t_sne._kl_divergence,
        start.ravel(),
        0,
        20,
        n_iter_check=1000,
        momentum=0.5,
        learning_rate=50.0,
        args=[12 * squareform(p), 1, 200, 2],
    )
    (_, found, _) = next(tsne_steps(p, start, steps=20, every=20))
    np.testing.assert_allclose(found.ravel(), expected, atol=1e-9 * abs(expected).max())


@pytest.mark.verify
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_thousand_digits_against_scikit_learn(dtype, theirs):
    labels, p, start, expected = theirs
    *_, (_, found, divergence) = tsne_steps(p.astype(dtype), start.astype(dtype), steps=1000, every=1000, **CALM)
    assert divergence == pytest.approx(kl_divergence(p, expected), rel=0.005)
    ours, other = (votes(nearest_neighbours(at, 1).index, labels, labels).share for at in (found, expected))
    print(f"{dtype}: divergence {divergence:.4f} ({kl_divergence(p, expected):.4f}), 1-NN {ours:.3f} ({other:.3f})")
    assert ours >= other - 0.005


@pytest.fixture(scope="module")
def theirs():
    pytest.importorskip("sklearn")
    points, labels = digits(0)
    p, start = their_affinities(points, 30), pca_start(points)
    return labels, p, start, their_map(points, start)
