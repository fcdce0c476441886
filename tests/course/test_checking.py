"""What is said of right answers, wrong ones, unfinished ones, and those that fail or never end."""

import json

import numpy as np
import pytest

import minivis as mv
from minivis.course.checking import FAILED, MISSING, NOT_YET, RIGHT, WRONG, find_exercise, judge, judge_file
from minivis.course.exercises import functions_in, is_unfinished, source_of
from minivis.course.judging import EXERCISES, Wrong, adjoint, derivative, exercise, parts, same
from minivis.course.limits import TookTooLong, at_most
from minivis.errors import InputError, UnknownName


def sigmoid_rule(g, s):
    return g * s * (1 - s)


def test_right_wrong_and_not_done_yet():
    assert str(judge(sigmoid_rule)) == "01 sigmoid_rule: right"
    assert judge(named("sigmoid_rule", lambda g, s: s * (1 - s))).state == WRONG
    assert judge(named("sigmoid_rule", unfinished)).state == NOT_YET
    assert judge(named("sigmoid_rule", not_implemented)).state == NOT_YET


def test_a_wrong_answer_is_told_the_identity_and_both_numbers_but_not_the_solution():
    verdict = judge(named("sigmoid_rule", lambda g, s: -g * s * (1 - s)))
    told, expected, got = verdict.message.rpartition(": expected ")[0], *numbers_in(verdict.message)
    assert "finite differences" in told
    assert expected == pytest.approx(-got)
    assert "1 - s" not in verdict.message


def test_an_error_names_the_line():
    def reaches_too_far(g, s):
        return g[99]

    verdict = judge(named("sigmoid_rule", reaches_too_far))
    assert verdict.state == FAILED
    assert "IndexError in line" in verdict.message
    assert "`return g[99]`" in verdict.message
    verdict = judge(named("sigmoid_rule", lambda: 0))
    assert verdict.state == FAILED
    assert "TypeError" in verdict.message


def test_an_answer_that_never_ends_is_stopped():
    def endless(g, s):
        while True:
            g = g + 0

    verdict = judge(named("sigmoid_rule", endless), seconds=0.05)
    assert verdict.state == FAILED
    assert "stopped after 0.05 seconds" in verdict.message
    assert "g = g + 0" in verdict.message or "while True" in verdict.message


def test_an_answer_cannot_swallow_its_end():
    with pytest.raises(TookTooLong), at_most(0.05):
        while True:
            try:
                sum(range(10))
            except Exception:
                continue


def test_nothing_is_raised_after_the_end():
    with at_most(0.02):
        pass
    total = 0.0
    for _ in range(200):
        total += float(np.linalg.norm(np.ones((60, 60))))
    assert total > 0


def test_unknown_exercises_name_the_nearest():
    with pytest.raises(UnknownName, match="did you mean sigmoid_rule"):
        mv.check(named("sigmoid_rules", sigmoid_rule))
    with pytest.raises(UnknownName, match="keep the name of the function"):
        mv.check(named("zzz", sigmoid_rule))


def test_check_prints(capsys):
    assert mv.check(sigmoid_rule) is None
    assert capsys.readouterr().out == "01 sigmoid_rule: right\n"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (lambda: None, True),
        (lambda: True, False),
        (lambda: 1, False),
        (lambda: np.zeros(2), False),
    ],
)
def test_which_bodies_are_unfinished(answer, expected):
    assert is_unfinished(answer) is expected


def test_an_unfinished_body_is_known_with_and_without_a_docstring():
    assert is_unfinished(unfinished)
    assert is_unfinished(only_documented)
    assert not is_unfinished(sigmoid_rule)
    assert not is_unfinished(not_implemented)  # it is found out when it is called
    assert not is_unfinished(mv.relu)


def test_only_imports_and_definitions_of_a_file_run(tmp_path):
    path = tmp_path / "lesson.py"
    path.write_text(
        "import numpy as np\nimport no_such_library as missing\nfrom no_such_library import part\n"
        "raise SystemExit('never')\n1 / 0\nprint('never')\n"
        "class Pair:\n    pass\n"
        "def double(x):\n    return 2 * np.asarray(x)\n"
        "def needs(x):\n    return missing.thing(x)\n"
        "def needs_part(x):\n    return part(x)\n"
    )
    found = functions_in(path)
    assert sorted(found) == ["double", "needs", "needs_part"]
    assert found["double"](3) == 6
    for name in ("needs", "needs_part"):
        with pytest.raises(ImportError, match="no_such_library"):
            found[name](1)


def test_a_notebook_is_read_without_its_magic(tmp_path):
    path = tmp_path / "lesson.ipynb"
    cells = [
        {"cell_type": "markdown", "source": ["def never(): pass"]},
        {"cell_type": "code", "source": ["%matplotlib inline\n", "!ls\n", "def double(x):\n", "    return 2 * x"]},
        {"cell_type": "code", "source": "def half(x):\n    return x / 2"},
    ]
    path.write_text(json.dumps({"cells": cells}))
    assert sorted(functions_in(path)) == ["double", "half"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("broken.py", "def f(:\n", r"line 1: .*def f\(:"),
        ("fails.py", "def f(x=1 / 0):\n    return x\n", "line 1: ZeroDivisionError"),
        ("no.ipynb", "not json", "is no notebook"),
        ("no.ipynb", "[]", "is no notebook"),
    ],
)
def test_files_that_cannot_be_read_say_why(tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=message):
        functions_in(tmp_path / name)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        source_of(tmp_path / "none.py")


def test_judging_a_file_keeps_the_order_and_misses_nothing(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("def walk(tape, y):\n    ...\ndef sigmoid_rule(g, s):\n    return g * s * (1 - s)\n")
    verdicts = judge_file(1, path)
    assert [verdict.exercise.name for verdict in verdicts] == ["sigmoid_rule", "quotient_rules", "walk"]
    assert [verdict.state for verdict in verdicts] == [RIGHT, MISSING, NOT_YET]
    assert judge_file(99, path) == []


@pytest.mark.parametrize(
    ("got", "message"),
    [
        (None, "it returned nothing"),
        ("two", "it returned no numbers"),
        (mv.Tensor(np.zeros(2)), "its .value"),
        ([[1.0, 2.0]], r"the shape differs: expected \(2,\), got \(1, 2\)"),
        ([1.0, np.nan], "not finite"),
        ([1.0, 2.5], r"at \(1,\): expected 2, got 2.5"),
    ],
)
def test_same_says_what_differs(got, message):
    with pytest.raises(Wrong, match=message):
        same("a claim", got, [1.0, 2.0])


def test_same_accepts_what_is_equal_enough():
    same("numbers", 1 + 1e-9, 1)
    same("nothing", np.zeros(0), np.zeros(0))
    same("zeros", [0.0, 0.0], [0, 0])
    with pytest.raises(Wrong):
        same("zeros", [0.0, 1e-3], [0, 0])


def test_derivative_and_adjoint_tell_right_from_wrong():
    x, matrix = np.array([[1.0, -2.0]]), np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    derivative("a square", 2 * x, lambda x: (x**2).sum(), x)
    with pytest.raises(Wrong, match="finite differences"):
        derivative("a square", x, lambda x: (x**2).sum(), x)
    with pytest.raises(Wrong, match="the shape of what it belongs to"):
        derivative("a square", 2.0, lambda x: (x**2).sum(), x)
    g, x = np.array([1.0, -1.0, 2.0]), np.array([3.0, 1.0])
    adjoint("a matrix", lambda x: x @ matrix, lambda g: matrix @ g, x, g)
    with pytest.raises(Wrong, match="<Ax, g> and <x, A'g> differ"):
        adjoint("a matrix", lambda x: x @ matrix, lambda g: -matrix @ g, x, g)
    with pytest.raises(Wrong, match="shapes"):
        adjoint("a matrix", lambda x: x @ matrix, lambda g: g, x, g)


def test_parts():
    assert parts((1, 2), 2) == (1, 2)
    for got in (1, (1, 2, 3), None, np.zeros(2)):
        with pytest.raises(Wrong, match="a tuple of 2"):
            parts(got, 2)


def test_two_lessons_cannot_share_an_exercise():
    find_exercise("sigmoid_rule")

    def sigmoid_rule(answer):
        """Of another lesson."""

    sigmoid_rule.__module__ = "minivis.course.checkers.lesson_98"
    with pytest.raises(InputError, match="lessons 1 and 98 both have an exercise called sigmoid_rule"):
        exercise(sigmoid_rule)
    assert EXERCISES["sigmoid_rule"].lesson == 1


def unfinished(g, s):
    """What is asked."""
    ...


def only_documented(g, s):
    """What is asked."""


def not_implemented(g, s):
    raise NotImplementedError


def named(name, function):
    """Return a function that does the same under another name."""
    copy = type(function)(function.__code__, function.__globals__, name, function.__defaults__, function.__closure__)
    copy.__doc__ = function.__doc__
    return copy


def numbers_in(message):
    _, expected, got = message.rpartition("expected ")
    expected, got = got.split(", got ")
    return float(expected), float(got)
