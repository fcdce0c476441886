"""Networks made to measure: their tables, and how a weight file says which table is its own."""

import pickle

import numpy as np
import pytest
from conftest import ROOT

import minivis as mv
from minivis.errors import InputError, UnknownName, WeightFileError
from minivis.nets import ARCHITECTURES, FAMILIES, Net, attributes_of, linear_classifier, minicam, mlp
from minivis.nets.families import OPTIONS
from minivis.nets.layers import LUMA, Normalize
from minivis.nets.small import first_weights
from minivis.scenes.faces import PEOPLE
from minivis.weights import open_weights, save_weights

LABELS = ("ann", "bob", "cid")
TABLES = [
    linear_classifier(LABELS, 12),
    linear_classifier(LABELS, 12, "RGB", "sigmoid"),
    mlp(LABELS, 12, hidden=5),
    mlp(LABELS, 9, "RGB", "sigmoid", hidden=7),
    minicam(LABELS, 20),
]
IDS = ["linear", "linear-rgb-sigmoid", "mlp", "mlp-rgb-sigmoid", "minicam"]


def attributes(table):
    return {
        "architecture": table.name,
        "labels": list(table.labels),
        "colour_order": table.normalize.order,
        "scale": table.normalize.scale,
        "mean": list(table.normalize.mean),
        "std": list(table.normalize.std),
        **attributes_of(table),
    }


def save(path, table, **changed):
    """Write random weights of `table` with its attributes; None takes one away."""
    said = {name: value for name, value in (attributes(table) | changed).items() if value is not None}
    return save_weights(path, mv.initial_weights(table, np.random.default_rng(1)), attributes=said)


@pytest.mark.parametrize("table", TABLES, ids=IDS)
def test_a_file_says_which_table_is_its_own(table, tmp_path):
    path = save(tmp_path / "some.h5", table)
    for net in (mv.load(str(path)), mv.load(table.name, weights=path)):
        assert net.architecture.table == table.table
        assert (net.labels, net.name, net.maps, net.size) == (LABELS, table.name, table.maps, table.size)
        assert net.architecture.family == table.family
        x = np.random.default_rng(0).uniform(0, 255, (2, table.size, table.size, 3)).astype("float32")
        assert net(x).shape == (2, 3)
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(net))(x), net(x))
        assert net.top(x, 1)[0][0][0] in LABELS


@pytest.mark.parametrize("table", TABLES, ids=IDS)
def test_the_last_row_is_a_probability_of_its_kind(table, rng):
    net = Net(table, mv.initial_weights(table, rng))
    x = rng.uniform(0, 255, (3, table.size, table.size, 3)).astype("float32")
    values = net.capture(x, [net.logits, "prob"])
    logits, prob = values[net.logits].astype(float), values["prob"]
    if table.names[-1] == "prob" and attributes_of(table).get("output") == "sigmoid":
        np.testing.assert_allclose(prob, 1 / (1 + np.exp(-logits)), atol=1e-6)
    else:
        np.testing.assert_allclose(prob, np.exp(logits) / np.exp(logits).sum(-1, keepdims=True), atol=1e-6)


def test_a_grey_network_sees_the_picture_as_grey(rng):
    net = Net(TABLES[0], mv.initial_weights(TABLES[0], rng))
    x = rng.uniform(0, 255, (2, 12, 12, 3)).astype("float32")
    grey = np.repeat((x @ np.array(LUMA, "float32"))[..., None], 3, -1)
    np.testing.assert_allclose(net(x), net(grey), atol=1e-6)
    assert net.shapes()["normalize"] == (12, 12, 1)
    np.testing.assert_array_equal(net.mean_colour, [128, 128, 128])
    np.testing.assert_allclose(net.capture(np.full((1, 12, 12, 3), 128, "float32"), ["normalize"])["normalize"], 0)


HOSTILE = [
    ({"family": "cnn"}, "family must be linear or mlp or minicam"),
    ({"family": 3}, "family"),
    ({"size": 0}, "size must be a whole number 8..512"),
    ({"size": 1 << 20}, "size must be"),
    ({"size": 12.5}, "size must be"),
    ({"size": "12"}, "size must be"),
    ({"size": None}, "size must be .* found None"),
    ({"size": [12, 12]}, "size must be"),
    ({"colour": "BGR"}, "colour must be grey or RGB"),
    ({"output": "relu"}, "output must be softmax or sigmoid"),
    ({"hidden": 0}, "hidden must be a whole number 1..4096"),
    ({"hidden": 1 << 40}, "hidden must be"),
    ({"labels": "ann"}, "labels must be the names of 2 to 1000 classes"),
    ({"labels": ["ann"]}, "labels must be"),
    ({"labels": [1.0, 2.0, 3.0]}, "labels must be"),
    ({"labels": ["ann", " ", "cid"]}, "labels must be"),
    ({"labels": ["x"] * 1001}, "labels must be"),
    ({"labels": None}, "labels must be"),
    ({"mean": [1.0, 2.0, 3.0], "std": [1.0, 1.0, 1.0], "colour_order": "RGB"}, "mean has 3 numbers"),
    ({"labels": ["ann", "bob"]}, "expected"),  # the weights are of three classes
    ({"size": 13}, "expected"),
]


@pytest.mark.parametrize(("changed", "said"), HOSTILE, ids=[f"{i}" for i in range(len(HOSTILE))])
def test_what_a_file_says_is_checked(changed, said, tmp_path):
    path = save(tmp_path / "bad.h5", TABLES[2], **changed)
    with pytest.raises(WeightFileError, match=said):
        mv.load(str(path))
    with pytest.raises(WeightFileError, match=said if "family" not in changed else "family"):
        mv.load("mlp", weights=path)


def test_the_preprocessing_of_the_file_is_followed(tmp_path):
    path = save(tmp_path / "own.h5", TABLES[0], mean=[100.0], std=[50.0])
    assert mv.load(str(path)).architecture.normalize == Normalize((100.0,), (50.0,), 1.0, "grey")


def test_one_kind_is_not_taken_for_another(tmp_path):
    path = save(tmp_path / "mlp.h5", TABLES[2])
    with pytest.raises(WeightFileError, match="does not say that it is a linear network"):
        mv.load("linear", weights=path)
    with pytest.raises(WeightFileError, match="does not say that it is a minicam network"):
        mv.load("minicam", weights=ROOT / "weights" / "minivgg.h5")
    with pytest.raises(WeightFileError, match=r"linear has no weights of its own: .*faces-linear"):
        mv.load("linear")
    with pytest.raises(UnknownName, match="faces-linear"):
        mv.architecture("linear")


def test_weights_may_be_given_as_arrays(rng):
    table = ARCHITECTURES["faces-mlp"]
    net = mv.load("faces-mlp", weights=mv.initial_weights(table, rng))
    assert net.architecture is table


def test_a_name_that_ships_is_kept(tmp_path):
    table = ARCHITECTURES["faces-linear"]
    net = mv.load(str(save(tmp_path / "x.h5", table)))
    assert net.architecture == table
    # ... but not by a file of another kind, nor one that shares only the name
    assert mv.load(str(save(tmp_path / "y.h5", TABLES[2], architecture="faces-linear"))).name == "mlp"


def test_every_family_has_its_options_in_its_files():
    assert set(FAMILIES) == set(OPTIONS)
    for table in TABLES:
        said = attributes_of(table)
        assert FAMILIES[said.pop("family")](LABELS, **said) == table
    assert attributes_of(ARCHITECTURES["vgg16"]) == {}


def test_templates_start_from_zero_or_nearly_so(rng):
    linear, hidden, gap = (first_weights(table, rng) for table in (TABLES[0], TABLES[2], TABLES[4]))
    assert not linear["fc1"]["kernel"].any()
    assert 0 < np.abs(hidden["fc1"]["kernel"]).max() < 0.05 < np.abs(hidden["fc2"]["kernel"]).max()
    assert len(np.unique(hidden["fc1"]["kernel"])) > 100  # hidden units that start alike would stay alike
    assert gap["conv1"]["kernel"].std() == pytest.approx(np.sqrt(2 / 27), rel=0.2)
    assert {a.dtype for row in hidden.values() for a in row.values()} == {np.dtype("float32")}


def test_the_people_of_the_networks_are_those_that_are_drawn():
    assert ARCHITECTURES["faces-linear"].labels == tuple(person.name for person in PEOPLE)


def test_a_file_without_attributes_is_none_of_these(tmp_path):
    path = save_weights(tmp_path / "bare.h5", mv.initial_weights(TABLES[0], np.random.default_rng(0)))
    assert open_weights(path).attributes == {}
    with pytest.raises(WeightFileError, match="of no network here"):
        mv.load(str(path))


def test_the_gap_network_ends_in_a_mean_and_one_layer():
    a = minicam(LABELS, 64)
    assert a.names[-3:] == ("gap", "fc", "prob")
    assert (a.maps, a.logits) == ("relu4", "fc")
    assert a.shapes()["relu4"][:2] == (16, 16)
    assert sum(a.count(row) for row in a.names) * 2 < 200_000  # bytes in float16


def test_a_picture_of_another_size_is_refused(rng):
    net = Net(TABLES[0], mv.initial_weights(TABLES[0], rng))
    with pytest.raises(InputError, match="linear expects 144 values per picture"):
        net(np.zeros((1, 13, 13, 3), "float32"))
