"""The network that ships: what its card says is true of its file."""

import hashlib
import re

import numpy as np
import pytest
from conftest import ROOT, shared_path

from minivis.nets import MINIVGG, load
from minivis.training import Pictures, evaluate, open_folder, stored_side
from minivis.weights import open_weights

FILE, CARD = ROOT / "weights" / "minivgg.h5", ROOT / "weights" / "minivgg.md"


@pytest.fixture(scope="module")
def card():
    return CARD.read_text(encoding="utf-8")


def test_the_hash_on_the_card_is_that_of_the_file(card):
    assert re.findall(r"\b[0-9a-f]{64}\b", card) == [hashlib.sha256(FILE.read_bytes()).hexdigest()]


def test_the_file_is_small_half_precision_and_complete():
    assert FILE.stat().st_size < 4_000_000
    file = open_weights(FILE, MINIVGG.parameters)
    assert file.rows == tuple(MINIVGG.parameters)
    assert tuple(file.attributes["labels"]) == MINIVGG.labels
    net = load(str(FILE))
    assert net.name == "minivgg"
    for arrays in net.weights.values():
        for array in arrays.values():
            assert array.dtype == np.float32
            assert (array == array.astype("float16")).all()
            assert array.any()


def test_minivgg_is_found_without_naming_a_file(monkeypatch, tmp_path):
    monkeypatch.delenv("MINIVIS_WEIGHTS", raising=False)
    monkeypatch.setenv("MINIVIS_CACHE", str(tmp_path))
    expected = load(str(FILE)).weights["fc8"]["kernel"]
    np.testing.assert_array_equal(load("minivgg").weights["fc8"]["kernel"], expected)


def test_the_accuracy_on_the_card_is_what_is_measured(card):
    folder = open_folder(shared_path("data/natural_images"))
    assert folder.classes == MINIVGG.labels
    pictures = Pictures(folder.test, stored_side(MINIVGG.size))
    found = evaluate(load(str(FILE)), pictures, pictures.labels)
    said = open_weights(FILE).attributes
    assert found.total == said["test_count"]
    # Another BLAS rounds otherwise: one picture may change sides, no more.
    assert abs(found.right - said["test_right"]) <= 1
    assert found.accuracy >= 0.93
    assert f"{said['test_right']} of {said['test_count']}" in card
    assert f"{said['test_right'] / said['test_count']:.2%}" in card
    for label, row in zip(folder.classes, found.confusion, strict=True):
        right, count = map(int, re.search(rf"\| {label} \|.*\| (\d+) of (\d+) \|", card).groups())
        assert count == row.sum()
        assert abs(right - row[folder.classes.index(label)]) <= 1


def test_the_card_counts_the_data_rightly(card):
    folder = open_folder(shared_path("data/natural_images"))
    for label, name in enumerate(folder.classes):
        trained = sum(file.label == label for file in folder.training)
        tested = sum(file.label == label for file in folder.test)
        assert f"| {name} | {trained} | {tested} |" in card
    assert open_weights(FILE).attributes["trained_on"] == len(folder.training)
