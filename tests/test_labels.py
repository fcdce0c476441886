"""Class names, and the class that a target means."""

import csv

import numpy as np
import pytest
from conftest import shared_path

from minivis.errors import InputError, UnknownName
from minivis.nets.labels import IMAGENET_LABELS, MINIVGG_LABELS, class_index


def test_the_imagenet_labels_are_those_of_the_table():
    with shared_path("data/imagenet_classes.csv").open(encoding="utf-8", newline="") as file:
        assert tuple(row["name"] for row in csv.DictReader(file)) == IMAGENET_LABELS


def test_known_imagenet_classes():
    assert len(IMAGENET_LABELS) == 1000
    known = {0: "tench", 281: "tabby", 779: "school bus", 836: "sunglass", 999: "toilet tissue"}
    assert {i: IMAGENET_LABELS[i] for i in known} == known
    assert all(name == name.strip() and name for name in IMAGENET_LABELS)


def test_the_minivgg_labels_are_the_folders_it_was_trained_on():
    folders = sorted(path.name for path in shared_path("data/natural_images").iterdir() if path.is_dir())
    assert tuple(folders) == MINIVGG_LABELS


@pytest.mark.parametrize(
    ("target", "index"),
    [
        (0, 0),
        (999, 999),
        (np.int64(281), 281),
        (np.uint8(7), 7),
        ("tabby", 281),
        ("TABBY", 281),
        ("school bus", 779),
        ("Cardigan", 264),
        ("cardigan", 474),
        ("jack-o'-lantern", 607),
    ],
)
def test_a_target_is_an_index_or_a_name(target, index):
    found = class_index(IMAGENET_LABELS, target)
    assert (found, type(found)) == (index, int)


@pytest.mark.parametrize(
    ("name", "indices"),
    [("crane", (134, 517)), ("Crane", (134, 517)), ("maillot", (638, 639)), ("CARDIGAN", (264, 474))],
)
def test_a_name_that_two_classes_share_is_an_error_that_lists_them(name, indices):
    with pytest.raises(InputError) as error:
        class_index(IMAGENET_LABELS, name)
    assert all(str(index) in str(error.value) for index in indices)


def test_no_other_name_is_shared():
    shared = {name for name in IMAGENET_LABELS if IMAGENET_LABELS.count(name) > 1}
    assert shared == {"crane", "maillot"}
    assert all(class_index(IMAGENET_LABELS, name) == i for i, name in enumerate(IMAGENET_LABELS) if name not in shared)


def test_the_first_class_may_be_a_shared_one():
    with pytest.raises(InputError, match=r"0 \('a', next to 'b'\) or 2 \('a', next to 'b'\)"):
        class_index(("a", "b", "a"), "a")


@pytest.mark.parametrize("index", [1000, -1, np.int64(1000), 10**30])
def test_an_index_out_of_range(index):
    with pytest.raises(InputError, match=rf"class {index} is out of range: there are 1000 classes, 0\.\.999"):
        class_index(IMAGENET_LABELS, index)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("tabbby", "'tabby' (281)"),
        ("cat", "'tiger cat' (282)"),
        ("schoolbus", "'school bus' (779)"),
        ("qqqqqq", "no name is near it"),
        ("", "no name is near it"),
    ],
)
def test_an_unknown_name_lists_the_nearest(name, nearest):
    with pytest.raises(UnknownName) as error:
        class_index(IMAGENET_LABELS, name)
    assert repr(name) in str(error.value)
    assert nearest in str(error.value)


@pytest.mark.parametrize("target", [True, np.bool_(False), 1.0, None, [3], b"tabby", np.float32(2)])
def test_a_target_of_another_kind(target):
    with pytest.raises(InputError, match="an index or a name"):
        class_index(IMAGENET_LABELS, target)
