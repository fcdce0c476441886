"""`minivis lessons` and `minivis check`, where the lessons are found, and which network they look into."""

import json

import numpy as np
import pytest
from conftest import ROOT

import minivis as mv
from minivis.cli import main
from minivis.course import finding, opening
from minivis.course.finding import lesson, lessons
from minivis.errors import InputError, UnknownName
from minivis.nets import ARCHITECTURES
from minivis.weights import save_weights


@pytest.fixture
def call(capsys, tmp_path, monkeypatch):
    """Run the command line in an empty folder: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*argv):
        capsys.readouterr()
        code = main([str(word) for word in argv])
        return (code, *capsys.readouterr())

    return run


def test_the_lessons_are_listed_in_order(call):
    code, out, _ = call("lessons", "list")
    assert code == 0
    numbers = [int(line.split()[0]) for line in out.splitlines()]
    assert numbers == sorted(numbers) == [one.number for one in lessons()]
    assert out.splitlines()[0] == " 1  A tape in forty lines"


def test_a_lesson_is_found_by_number_name_or_part_of_it():
    for which in (1, "1", "01", "01_a_tape", "tape"):
        assert lesson(which).path == ROOT / "lessons" / "01_a_tape.py"
    for which, message in (("77", "no lesson called '77'"), ("", "no lesson"), ("_", "several lessons called '_'")):
        with pytest.raises(UnknownName, match=message):
            lesson(which)


def test_a_wheel_has_its_lessons_inside(tmp_path, monkeypatch):
    monkeypatch.setattr(finding, "PACKAGE", tmp_path / "site" / "minivis")
    with pytest.raises(InputError, match="did not come with this installation"):
        finding.lessons_folder()
    inside = tmp_path / "site" / "minivis" / "shipped" / "lessons"
    inside.mkdir(parents=True)
    (inside / "07_x.py").write_text("# no heading\n")
    (inside / "README.md").write_text("")
    assert finding.lessons_folder() == inside
    assert [(one.number, one.name, one.title) for one in lessons()] == [(7, "07_x", "07_x")]


def test_opening_never_replaces_work(call, tmp_path):
    code, out, _ = call("lessons", "open", 1, "--script", "--out", tmp_path / "mine")
    copy = tmp_path / "mine" / "01_a_tape.py"
    assert code == 0
    assert str(copy) in out
    assert copy.read_bytes() == (ROOT / "lessons" / "01_a_tape.py").read_bytes()
    copy.write_text("my answers")
    code, out, err = call("lessons", "open", 1, "--script", "--out", tmp_path / "mine")
    assert (code, out) == (2, "")
    assert "--force replaces it" in err
    assert copy.read_text() == "my answers"
    assert call("lessons", "open", 1, "--script", "--out", tmp_path / "mine", "--force")[0] == 0
    assert copy.read_text() != "my answers"


def test_without_jupytext_a_script_is_opened_and_that_is_said(call, monkeypatch):
    monkeypatch.setattr("minivis.cli.lessons.has_jupytext", lambda: False)
    code, out, _ = call("lessons", "open", "tape")
    assert code == 0
    assert "01_a_tape.py" in out
    assert "jupytext is not installed" in out


@pytest.mark.lessons
def test_a_lesson_opens_as_a_notebook(call, tmp_path):
    assert opening.has_jupytext()
    code, out, _ = call("lessons", "open", 1)
    assert code == 0
    assert "jupyter lab 01_a_tape.ipynb" in out
    notebook = json.loads((tmp_path / "01_a_tape.ipynb").read_text())
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert notebook["cells"][0]["cell_type"] == "markdown"
    assert "".join(notebook["cells"][0]["source"]).startswith("# 1 · A tape")
    assert all(not cell.get("outputs") for cell in notebook["cells"])
    code, out, _ = call("check", 1)
    assert code == 1
    assert out.splitlines()[0] == "01_a_tape.ipynb"
    assert "0 of 3 right, 3 not done yet" in out


def test_checking_counts_and_sets_the_exit_code(call, tmp_path):
    solutions = (ROOT / "lessons" / "solutions" / "01_a_tape.py").read_text()
    copy = tmp_path / "01_a_tape.py"
    copy.write_text(solutions)
    code, out, err = call("check", 1)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "01_a_tape.py", "01 sigmoid_rule: right", "01 quotient_rules: right", "01 walk: right", "3 of 3 right",
    ]  # fmt: skip
    copy.write_text(solutions.replace("g * s * (1 - s)", "-g * s * (1 - s)").replace("def walk", "def walked"))
    code, out, _ = call("check", "tape", copy)
    assert code == 1
    assert "01 sigmoid_rule: wrong: " in out
    assert "01 walk: not there" in out
    assert out.splitlines()[-1] == "1 of 3 right"


def test_checking_says_which_copy_or_asks(call, tmp_path):
    code, out, _ = call("check", 1)  # no copy here: the lesson itself
    assert code == 1
    assert out.splitlines()[0].endswith("01_a_tape.py")
    for name in ("01_a_tape.py", "01_a_tape.ipynb"):
        (tmp_path / name).write_text("")
    code, out, err = call("check", 1)
    assert (code, out) == (2, "")
    assert "say which" in err


@pytest.mark.parametrize("argv", [("check", "nothing"), ("check", 1, "none.py"), ("lessons", "open", "nothing")])
def test_bad_input_is_one_line_and_exit_code_2(call, argv):
    code, out, err = call(*argv)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1


class TestWhichNetwork:
    """VGG16 if the rows that the lesson needs are there, else minivgg; and it is said."""

    @pytest.fixture(autouse=True)
    def only_this_folder(self, tmp_path, monkeypatch):
        monkeypatch.setenv("MINIVIS_WEIGHTS", str(tmp_path))
        monkeypatch.setenv("MINIVIS_CACHE", str(tmp_path / "cache"))

    def test_minivgg_where_there_is_no_vgg16(self, capsys):
        assert mv.lesson_net().name == "minivgg"
        assert "looks into minivgg" in capsys.readouterr().out

    def test_vgg16_as_far_as_its_weights_reach(self, tmp_path, capsys):
        shapes = ARCHITECTURES["vgg16"].parameters
        rows = {
            row: {name: np.zeros(shape, "float32") for name, shape in shapes[row].items()}
            for row in ("conv1_1", "conv1_2")
        }
        save_weights(tmp_path / "vgg16.h5", rows, attributes={"architecture": "vgg16"})
        assert mv.lesson_net(upto="pool1").name == "vgg16"
        said = capsys.readouterr().out
        assert "looks into VGG16, with the weights of vgg16.h5" in said
        assert str(tmp_path) not in said
        assert mv.lesson_net(upto="conv2_1").name == "minivgg"
        assert mv.lesson_net().name == "minivgg"
        with pytest.raises(UnknownName):
            mv.lesson_net(upto="conv9")
