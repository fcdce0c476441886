"""The small networks that ship: what their cards say is true of their files."""

import hashlib
import re

import pytest
from conftest import ROOT, shared_path

import minivis as mv
from minivis.nets import ARCHITECTURES
from minivis.training import evaluate
from minivis.training.sources import open_data
from minivis.weights import open_weights

DATA = {
    "faces-linear": "faces",
    "faces-mlp": "faces",
    "minicam": "textures",
    "orl-linear": "data/orl_faces.npz",
    "mnist-linear": "data/mnist.npz",
}


def card_of(name):
    return (ROOT / "weights" / f"{name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", DATA)
def test_card_and_file_agree(name, monkeypatch, tmp_path):
    monkeypatch.delenv("MINIVIS_WEIGHTS", raising=False)
    monkeypatch.setenv("MINIVIS_CACHE", str(tmp_path))
    path = ROOT / "weights" / f"{name}.h5"
    content = path.read_bytes()
    assert len(content) < 200_000 and f"{name}.h5, {len(content):,} bytes" in card_of(name)
    assert re.findall(r"\b[0-9a-f]{64}\b", card_of(name)) == [hashlib.sha256(content).hexdigest()]
    said = open_weights(path).attributes
    right, count = said["test_right"], said["test_count"]
    assert f"{right:,} of {count:,} = {right / count:.2%}" in card_of(name)
    assert said["source"].split(": ", 1)[1] in card_of(name)
    net = mv.load(name)
    assert net.path == str(path)
    assert net.architecture == ARCHITECTURES[name]  # the table is the file's, and the one that is known by this name
    assert f"[{name}.md]({name}.md)" in (ROOT / "weights" / "README.md").read_text(encoding="utf-8")


@pytest.mark.verify
@pytest.mark.parametrize("name", DATA)
def test_the_accuracy_is_what_is_measured(name):
    named = DATA[name]
    data = open_data(str(shared_path(named)) if "/" in named else named)
    found = evaluate(mv.load(name), data.hidden, data.hidden_labels)
    said = open_weights(ROOT / "weights" / f"{name}.h5").attributes
    assert (found.total, len(data.shown)) == (said["test_count"], said["trained_on"])
    # Another BLAS rounds otherwise, and another Pillow draws otherwise: one picture may change sides, no more.
    assert abs(found.right - said["test_right"]) <= 1
