"""Evolution: genomes and their pictures by hand, what a mutation may do, and an archive that only improves."""

import numpy as np
import pytest
from small import LABELS, small_net

import minivis as mv
from minivis.synthesis.recipes import cppn
from minivis.synthesis.recipes.cppn import INPUTS, OUTPUTS, RATES, Cppn, mutate, polynomial, random_cppn, render
from minivis.synthesis.recipes.evolve import ENCODINGS, PRESET, Direct, Indirect, evolve
from minivis.synthesis.recipes.fooled import Tagged

NET = small_net(seed=2)


def genome_of(functions, connections):
    nodes = len(INPUTS) + len(functions)
    weights = np.zeros((nodes, nodes))
    for (source, end), weight in connections.items():
        weights[source, end] = weight
    return Cppn(tuple(functions), weights)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


# The picture of a genome


def test_a_picture_by_hand():
    """Node 4 is hidden; 5, 6 and 7 are red, green and blue."""
    genome = genome_of(
        ("gaussian", "linear", "sine", "sigmoid"),
        {(0, 4): 2.0, (1, 4): -1.0, (4, 5): 3.0, (3, 5): -0.5, (2, 6): 4.0, (0, 7): 1.0, (1, 7): 1.0},
    )
    picture = render(genome, 5, 3)
    assert picture.shape == (5, 3, 3) and picture.dtype == np.float32
    for i, y in enumerate((-1, -0.5, 0, 0.5, 1)):
        for j, x in enumerate((-1, 0, 1)):
            hidden = np.exp(-((2 * x - y) ** 2))
            outputs = (3 * hidden - 0.5, np.sin(4 * np.hypot(x, y)), sigmoid(x + y))
            assert picture[i, j].tolist() == [np.rint(255 * sigmoid(v)) for v in outputs]


def test_a_node_that_nothing_reaches_is_the_function_of_0():
    assert render(genome_of(("linear", "gaussian", "sigmoid"), {}), 1, 1)[0, 0].tolist() == [
        128,
        np.rint(255 * sigmoid(1.0)),
        np.rint(255 * sigmoid(0.5)),
    ]


def test_the_sigmoid_of_a_large_sum_does_not_overflow():
    assert cppn.FUNCTIONS["sigmoid"](np.array([-1e4, 0.0, 1e4])).tolist() == [0, 0.5, 1]


# Mutation


def sound(genome):
    """Return whether a genome is one: connections forwards only, none into inputs or out of outputs, in bounds."""
    nodes, outputs = len(genome.weights), range(len(genome.weights) - OUTPUTS, len(genome.weights))
    return (
        nodes == len(INPUTS) + len(genome.functions)
        and all(name in cppn.FUNCTIONS for name in genome.functions)
        and all(i < j and j >= len(INPUTS) and i not in outputs for i, j in np.argwhere(genome.weights))
        and abs(genome.weights).max() <= RATES["largest weight"].value
    )


def test_genomes_stay_sound_through_many_mutations(rng):
    genome = random_cppn(rng)
    assert sound(genome)
    sizes = []
    for _ in range(600):
        before = genome.weights.copy()
        child = mutate(genome, rng)
        assert sound(child) and np.array_equal(genome.weights, before)  # the parent stays as it was
        genome = child
        sizes.append(len(genome.functions) - OUTPUTS)
    assert max(sizes) == RATES["most nodes"].value  # nodes are added more often than deleted


def test_a_linear_node_put_into_a_connection_changes_nothing(rng):
    genome = random_cppn(rng)
    grown = [cppn._add_node(genome, rng) for _ in range(100)]
    assert {len(g.functions) - len(genome.functions) for g in grown} == {1}
    linear, others = [], []
    for g in grown:
        place = next((i for i, (a, b) in enumerate(zip(g.functions, genome.functions, strict=False)) if a != b), None)
        if place is not None:
            same = np.array_equal(render(g, 6, 6), render(genome, 6, 6))
            (linear if g.functions[place] == "linear" else others).append(same)
    assert linear and all(linear)
    assert others and not all(others)


def test_a_deleted_node_takes_its_connections_along(rng):
    genome = genome_of(("sine", "linear", "linear", "linear"), {(0, 4): 1.0, (4, 5): 2.0, (1, 6): 3.0})
    left = cppn._delete_node(genome, rng)
    assert left.functions == ("linear", "linear", "linear")
    assert np.array_equal(left.weights, genome_of(("linear",) * 3, {(1, 5): 3.0}).weights)
    assert cppn._delete_node(left, rng) is left  # no hidden one is left


def test_a_connection_comes_and_goes(rng):
    genome = random_cppn(rng)
    count = np.count_nonzero(genome.weights)
    assert np.count_nonzero(cppn._add_connection(genome, rng).weights) == count + 1
    assert np.count_nonzero(cppn._delete_connection(genome, rng).weights) == count - 1
    empty = genome_of(("sine",) * 3, {})
    assert cppn._delete_connection(empty, rng) is empty and cppn._add_node(empty, rng) is empty


def test_polynomial_mutation_by_its_formula():
    class Fixed:
        def random(self, shape):
            return np.zeros(shape) if isinstance(shape, tuple) else np.array([0.0, 0.25, 0.5, 0.875])

    found = polynomial(np.full(4, 5.0), 0.1, 0.0, 10.0, 3.0, Fixed())
    assert np.allclose(found, [0.0, 5 + 10 * (0.5**0.25 - 1), 5.0, 5 + 10 * (1 - 0.25**0.25)])


def test_polynomial_mutation_keeps_to_its_rate_and_bounds(rng):
    values = np.full(20000, 128.0)
    found = polynomial(values, 0.1, 0, 255, 15.0, rng)
    assert abs((found != values).mean() - 0.1) < 0.01
    change = found[found != values] - 128
    assert abs(change.mean()) < 2 and 5 < abs(change).mean() < 30
    edge = polynomial(np.full(1000, 250.0), 1.0, 0, 255, 15.0, rng)
    assert edge.min() >= 0 and edge.max() == 255


def test_the_direct_encoding_mutates_a_tenth_and_half_of_that_later(rng):
    encoding = Direct(40, 40)
    genome = encoding.first(rng)
    assert genome.dtype == np.uint8 and np.unique(genome).size == 256
    for generation, share in ((0, 0.1), (999, 0.1), (1000, 0.05), (2500, 0.025)):
        child = encoding.mutate(genome, generation, rng)
        # a few of the changes are too small to change a byte
        assert 0.85 * share < (child != genome).mean() < 1.15 * share
    assert np.array_equal(encoding.render(genome), genome)


@pytest.mark.parametrize("encoding", [Direct(6, 5), Indirect(6, 5)], ids=["direct", "cppn"])
def test_a_genome_is_taken_apart_and_put_together(encoding, rng):
    genome = encoding.mutate(encoding.first(rng), 0, rng)
    again = encoding.from_arrays(encoding.to_arrays(genome))
    assert np.array_equal(encoding.render(again), encoding.render(genome))
    assert encoding.render(genome).shape == (6, 5, 3)


# Evolution


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_champions_are_what_the_archive_says_and_never_get_worse(encoding, rng):
    evolution = evolve(NET, ["ant", 2], rng, encoding, batch=7, generations=25)
    before = evolution.probabilities
    first = None
    for picture, probability in evolution:
        assert (evolution.probabilities >= before).all()
        assert evolution.taken == (evolution.probabilities > before).sum()
        before = evolution.probabilities
        first = before.mean() if first is None else first
        assert np.array_equal(probability, before[[0, 2]])
        assert np.allclose(NET(picture)[[0, 1], [0, 2]], probability)
    everyone = evolution.pictures(range(len(LABELS)))
    assert np.allclose(np.diag(NET(everyone)), before)
    assert evolution.step == 25 and len(evolution.genomes) <= len(LABELS)
    assert before.mean() > first


def test_a_child_takes_over_where_it_is_better_and_only_there(rng):
    evolution = evolve(NET, 0, rng, "direct", size=16)
    a, b, c = (Direct(16, 16).first(rng) for _ in range(3))
    evolution._take_over([a, b], np.array([[0.5, 0.1, 0.2, 0.1, 0.1], [0.2, 0.3, 0.1, 0.2, 0.2]]))
    assert evolution.probabilities.tolist() == [0.5, 0.3, 0.2, 0.2, 0.2] and evolution.taken == 5
    evolution._take_over([c], np.array([[0.5, 0.2, 0.25, 0.1, 0.0]]))
    assert evolution.probabilities.tolist() == [0.5, 0.3, 0.25, 0.2, 0.2] and evolution.taken == 1
    owners = [evolution.genomes[i] for i in evolution.champions]
    assert [any(owner is g for g in (a, b, c)) for owner in owners] == [True] * 5
    assert owners[0] is a and owners[1] is b and owners[2] is c and owners[3] is b and owners[4] is b
    evolution._take_over([a], np.array([[0.0, 0.9, 0.0, 0.9, 0.9]]))
    assert len(evolution.genomes) == 3  # b is forgotten: a (twice, as it came twice) and c are left
    assert not any(g is b for g in evolution.genomes)


def test_a_class_of_probability_0_has_a_champion_too(rng):
    evolution = evolve(NET, 0, rng, "direct", size=16)
    evolution._take_over([Direct(16, 16).first(rng)], np.array([[1.0, 0, 0, 0, 0]]))
    assert (evolution.champions == 0).all()


def test_the_report_on_a_champion(rng):
    evolution = evolve(NET, "dog", rng, batch=8, generations=20)
    (before,) = evolution.results()
    assert not before.success or before.norm == 0  # nothing has been bred yet
    (result,) = evolution.finish()
    assert result.after[0][1] == pytest.approx(NET(result.picture[None])[0].max())
    assert result.success == (NET(result.picture[None])[0].argmax() == 4)
    assert (result.original == np.rint(NET.mean_colour)).all() and result.steps == 20
    everyone = evolution.results(list(range(len(LABELS))))
    assert [r.target for r in everyone] == list(range(len(LABELS)))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_an_evolution_that_is_stopped_goes_on_to_the_same_result(encoding):
    whole = evolve(NET, 1, np.random.default_rng(4), encoding, batch=5, generations=12)
    (expected,) = whole.finish()
    begun = evolve(NET, 1, np.random.default_rng(4), encoding, batch=5, generations=12)
    for _ in range(5):
        next(begun)
    state = begun.state()
    begun.finish()  # must not change the state that was taken
    resumed = evolve(NET, 1, np.random.default_rng(99), encoding, batch=5, generations=12, state=state)
    (found,) = resumed.finish()
    assert np.array_equal(found.picture, expected.picture)
    assert np.array_equal(resumed.probabilities, whole.probabilities)


def test_an_interrupted_generation_is_bred_anew(monkeypatch):
    whole = evolve(NET, 1, np.random.default_rng(4), batch=5, generations=4)
    expected = whole.finish()
    evolution = evolve(NET, 1, np.random.default_rng(4), batch=5, generations=4)
    next(evolution)
    with monkeypatch.context() as patch:
        patch.setattr(evolution, "_judged", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            next(evolution)
    assert evolution.step == 1
    assert np.array_equal(evolution.finish()[0].picture, expected[0].picture)


def test_pictures_of_another_size():
    net = small_net(NET.architecture, seed=2, dtype="float32")
    (result,) = evolve(net, 0, np.random.default_rng(0), size=16, batch=3, generations=2).finish()
    assert result.picture.shape == (16, 16, 3) and result.picture.dtype == np.float32


@pytest.mark.parametrize("table", [PRESET, RATES])
def test_every_value_has_a_source(table):
    assert table and all(isinstance(value, Tagged) and value.source for value in table.values())


@pytest.mark.parametrize(
    ("error", "words", "call"),
    [
        (mv.UnknownName, "no class", lambda rng: evolve(NET, "ostrich", rng)),
        (mv.UnknownName, "encoding", lambda rng: evolve(NET, 0, rng, "genes")),
        (mv.InputError, "rng", lambda rng: evolve(NET, 0, 7)),
        (mv.InputError, "batch", lambda rng: evolve(NET, 0, rng, batch=0)),
        (mv.InputError, "generations", lambda rng: evolve(NET, 0, rng, generations=2.5)),
        (mv.InputError, "which class", lambda rng: evolve(NET, [], rng)),
        (mv.InputError, "without an end", lambda rng: evolve(NET, 0, rng, generations=None).finish()),
        (mv.InputError, "state", lambda rng: evolve(NET, 0, rng, state={})),
        (
            mv.InputError,
            "encoding Indirect",
            lambda rng: evolve(NET, 0, rng, "direct", state=evolve(NET, 0, rng, "cppn").state()),
        ),
        (mv.InputError, "no picture of 4 x 4", lambda rng: Direct(4, 4).from_arrays(np.zeros((3, 3, 3)))),
        (
            mv.InputError,
            "make no genome",
            lambda rng: cppn.from_arrays({"functions": np.zeros(3, int), "weights": np.ones((7, 7))}),
        ),
    ],
)
def test_bad_input(error, words, call, rng):
    with pytest.raises(error, match=words):
        call(rng)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_on_a_device(encoding, device):
    on_host = evolve(NET, 0, np.random.default_rng(1), encoding, batch=4, generations=3)
    there = evolve(small_net(seed=2, device="gpu"), 0, np.random.default_rng(1), encoding, batch=4, generations=3)
    assert np.allclose(on_host.finish()[0].picture, there.finish()[0].picture)
    assert isinstance(there.picture, device.ndarray)
