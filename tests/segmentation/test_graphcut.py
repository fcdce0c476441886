"""The cut: brute force over all labelings, the flow, another solver's optimum, and what int32 can hold."""

import itertools

import numpy as np
import pytest

from minivis.errors import InputError
from minivis.segmentation.graphcut import Links, energy, graph_cut, neighbour_links


def best_by_brute_force(unary, links):
    costs = {
        labels: energy(np.array(labels, bool).reshape(unary.shape), unary, links)
        for labels in itertools.product((0, 1), repeat=unary.size)
    }
    return min(costs.values())


@pytest.mark.parametrize("neighbours", [4, 8])
@pytest.mark.parametrize("shape", [(3, 4), (1, 9), (9, 1), (1, 1), (2, 5)])
def test_no_labelling_costs_less(shape, neighbours):
    for seed in range(4):
        rng = np.random.default_rng(seed)
        unary = rng.integers(-40, 40, shape) / 10.0
        links = neighbour_links(rng.uniform(0, 255, (*shape, 3)), 3.0, neighbours)
        links = links._replace(cost=np.rint(links.cost * 1000) / 1000)  # exact in thousandths
        cut = graph_cut(unary, links)
        assert cut.scale == 1000 and cut.flow == cut.value
        assert energy(cut.mask, unary, links) == pytest.approx(best_by_brute_force(unary, links), abs=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_hard_seeds_hold(rng, dtype):
    unary = np.zeros((3, 4), dtype)
    unary[0, 0], unary[2, 3] = -np.inf, np.inf
    links = neighbour_links(np.zeros((3, 4, 3), dtype))
    cut = graph_cut(unary, links)
    assert cut.mask[0, 0] and not cut.mask[2, 3] and cut.flow == cut.value
    soft = np.where(np.isinf(unary), np.sign(unary) * 1e4, unary)
    assert energy(cut.mask, soft, links) == pytest.approx(best_by_brute_force(soft, links))
    everything = graph_cut(np.full((2, 2), -np.inf), neighbour_links(np.zeros((2, 2, 3))))
    assert everything.mask.all()


def test_an_enormous_cost_is_the_same_as_a_decisive_one(rng):
    picture = rng.uniform(0, 255, (4, 3, 3))
    links = neighbour_links(picture, 2.0)
    unary = rng.normal(0, 3, (4, 3))
    unary[0], unary[3] = -1e30, 1e30
    assert graph_cut(unary, links).mask[0].all() and not graph_cut(unary, links).mask[3].any()


def test_a_large_cut_stays_within_int32_and_equals_its_flow(rng):
    """Smoothness of a million nats over 10,000 pixels would be 10^13 thousandths."""
    picture = rng.uniform(0, 255, (100, 100, 3)).astype(np.float32)
    links = neighbour_links(picture, 1e6)
    unary = np.where(rng.random((100, 100)) < 0.5, -np.inf, np.inf)
    cut = graph_cut(unary, links)
    assert cut.scale < 1000 and cut.flow == cut.value > 0
    assert np.array_equal(cut.mask, unary < 0)
    assert cut.value / cut.scale == pytest.approx(energy(cut.mask, np.zeros_like(unary), links), rel=0.05)


def test_without_links_each_pixel_decides_alone(rng):
    unary = rng.normal(size=(5, 6))
    cut = graph_cut(unary, neighbour_links(np.zeros((5, 6, 3)), 0.0))
    assert np.array_equal(cut.mask, unary < 0)
    none = graph_cut(np.zeros((5, 6)), neighbour_links(np.zeros((5, 6, 3))))
    assert not none.mask.any() and none.flow == none.value == 0


@pytest.mark.parametrize("neighbours", [4, 8])
def test_the_links_of_each_pixel(rng, neighbours):
    picture = rng.uniform(0, 255, (4, 5, 3))
    links = neighbour_links(picture, 7.0, neighbours)
    expected = {}
    for a, b in itertools.combinations(itertools.product(range(4), range(5)), 2):
        down, right = abs(a[0] - b[0]), abs(a[1] - b[1])
        if max(down, right) == 1 and (neighbours == 8 or down + right == 1):
            expected[a[0] * 5 + a[1], b[0] * 5 + b[1]] = (((picture[a] - picture[b]) ** 2).sum(), np.hypot(down, right))
    variance = np.mean([squared for squared, _ in expected.values()])
    found = {tuple(sorted(map(int, pair))): cost for *pair, cost in zip(*links, strict=True)}
    assert len(found) == len(links.cost) and found.keys() == expected.keys()
    for pair, (squared, length) in expected.items():
        assert found[pair] == pytest.approx(7.0 * np.exp(-squared / (2 * variance)) / length)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda unary, links: (unary * np.nan, links), "without NaN"),
        (lambda unary, links: (unary[0], links), r"\(H, W\)"),
        (lambda unary, links: (unary, links._replace(cost=-links.cost - 1)), "not negative"),
        (lambda unary, links: (np.broadcast_to(0.0, (3000, 3000)), links), "too many"),
    ],
)
def test_what_cannot_be_cut(change, message):
    unary, links = change(np.ones((3, 3)), neighbour_links(np.zeros((3, 3, 3))))
    with pytest.raises(InputError, match=message):
        graph_cut(unary, Links(*links))


@pytest.mark.parametrize("options", [{"neighbours": 6}, {"smoothness": -1}, {"smoothness": np.nan}])
def test_links_of_another_kind(options):
    with pytest.raises(InputError, match="4 or 8 neighbours"):
        neighbour_links(np.zeros((3, 3, 3)), **options)
