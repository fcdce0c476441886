"""The accuracy and the confusion of a network: counted by hand, over a folder, and in other processes."""

import sys
from pathlib import Path

import numpy as np
import pytest
from tiny import TINY, make_folder

from minivis.errors import ImageFileError, InputError, UnknownName
from minivis.nets import Net, initial_weights
from minivis.shards import Workers
from minivis.training import Pictures, evaluate, evaluate_folder, open_folder, stored_side

sys.path.insert(0, str(Path(__file__).parents[1] / "cli"))
from command_line import caller

from minivis.weights import save_weights


@pytest.fixture(scope="module")
def net():
    weights = initial_weights(TINY, np.random.default_rng(2))
    return Net(TINY, weights)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = make_folder(tmp_path_factory.mktemp("data"), count=66)
    (root / "green" / "broken.jpg").write_bytes(b"no picture")
    return root


def counted(net, files):
    """Return the confusion matrix, picture by picture."""
    confusion = np.zeros((3, 3), int)
    for file in files:
        if file.path.name != "broken.jpg":
            confusion[file.label, int(net(net.picture(file.path)).argmax())] += 1
    return confusion


def test_a_folder_is_counted_picture_by_picture(net, data):
    found, unreadable = evaluate_folder(net, data, batch=7)
    np.testing.assert_array_equal(found.confusion, counted(net, open_folder(data).files))
    assert found.total == 66
    assert [(Path(path).name, bool(why)) for path, why in unreadable] == [("broken.jpg", True)]
    back, _ = evaluate_folder(net, data, held_back=True)
    np.testing.assert_array_equal(back.confusion, counted(net, open_folder(data).test))
    assert 0 < back.total < 66


def test_arrays_and_files_give_the_same(net, data):
    pictures = Pictures(open_folder(data).files, stored_side(net.size))
    expected = evaluate_folder(net, data)[0].confusion
    np.testing.assert_array_equal(evaluate(net, pictures, pictures.labels, batch=9).confusion, expected)


def test_folders_are_known_by_their_names(net, data, tmp_path):
    """In another order, of another case, and not all: a row of the table is the class of that name."""
    for name, of in (("RED", "red"), ("Blue", "blue")):
        (tmp_path / name).symlink_to(data / of)
    found, _ = evaluate_folder(net, tmp_path)
    whole, _ = evaluate_folder(net, data)
    np.testing.assert_array_equal(found.confusion[[0, 2]], whole.confusion[[0, 2]])
    assert found.confusion[1].sum() == 0


def test_what_cannot_be_evaluated_is_told(net, tmp_path):
    for name in ("blue", "cat"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.png").write_bytes(name.encode())
    with pytest.raises(UnknownName, match="has a folder 'cat', which is no class of tiny: blue, green, red"):
        evaluate_folder(net, tmp_path)
    (tmp_path / "cat").rename(tmp_path / "red")
    with pytest.raises(ImageFileError, match="none of 2 pictures could be read"):
        evaluate_folder(net, tmp_path)
    with pytest.raises(InputError, match="two"):
        evaluate_folder(net, tmp_path / "red")


def test_other_processes_give_the_same(net, data):
    done = []
    with Workers(2) as executor:
        found = evaluate_folder(net, data, 8, executor, progress=lambda *two: done.append(two))
        pictures = Pictures(open_folder(data).files, stored_side(net.size))
        arrays = evaluate(net, pictures, pictures.labels, 8, executor)
    here = evaluate_folder(net, data, 8)
    np.testing.assert_array_equal(found.evaluation.confusion, here.evaluation.confusion)
    np.testing.assert_array_equal(arrays.confusion, here.evaluation.confusion)
    assert found.unreadable == here.unreadable
    assert done == [(min(67, 8 * (i + 1)), 67) for i in range(9)]


def test_the_command_prints_accuracy_and_confusion(net, data, tmp_path, capsys, monkeypatch):
    from minivis.nets import ARCHITECTURES

    monkeypatch.setitem(ARCHITECTURES, "tiny", TINY)
    monkeypatch.setenv("MINIVIS_CACHE", str(tmp_path))
    save_weights(tmp_path / "tiny.h5", net.weights, attributes={"architecture": "tiny"})
    said = caller(capsys)("evaluate", tmp_path / "tiny.h5", data, "--batch", 10)
    found = evaluate_folder(net, data)[0]
    assert said.code == 0
    lines = said.out.splitlines()
    assert lines[0] == f"tiny: {found.right} of 66 right, {found.accuracy:.2%}"
    assert [line.split()[0] for line in lines[1:4]] == ["blue", "green", "red"]
    assert lines[4].split() == ["class", "blue", "green", "red"]
    assert [[int(n) for n in line.split()[1:]] for line in lines[5:]] == found.confusion.tolist()
    assert "left out, 1:" in said.err and "broken.jpg" in said.err
    said = caller(capsys)("evaluate", tmp_path / "tiny.h5", tmp_path)
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)
