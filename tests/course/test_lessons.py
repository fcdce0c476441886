"""Every lesson runs, every solution is right, and every checker refuses typical wrong answers."""

import ast
import os
import re
import subprocess
import sys

import pytest
from conftest import ROOT

import minivis
from minivis.course.checking import NOT_YET, RIGHT, WRONG, exercises_of, judge, judge_file
from minivis.course.exercises import functions_in, is_unfinished
from minivis.course.finding import lessons

LESSONS = {one.name: one for one in lessons()}
WRONG_ANSWERS = ROOT / "tests" / "course" / "wrong"

# What a lesson may import: the libraries that a student knows or gets with the extra `lessons`, and a little Python.
LIBRARIES = {"h5py", "minivis", "numpy", "scipy", "skimage", "sklearn"}
PYTHON = {"math", "pathlib", "tempfile", "time"}
PUBLIC_MODULES = {"minivis", "minivis.objectives"}
SECTIONS = ("The idea", "By hand", "The library agrees", "What this does not show", "Exercises")
SECONDS = 600  # against a hang; a lesson takes a few


def number_of(name):
    return LESSONS[name].number


def wrong_answers(name):
    answers = functions_in(WRONG_ANSWERS / f"lesson_{number_of(name):02d}.py")
    return {label: answer for label, answer in answers.items() if not label.startswith("_")}


every_lesson = pytest.mark.parametrize("name", LESSONS)


@pytest.mark.lessons
@every_lesson
def test_a_lesson_runs(name, tmp_path):
    """With what ships alone, as a script, without a screen: it draws, and complains of nothing."""
    environment = {**os.environ, "MPLBACKEND": "Agg", "MINIVIS_FIGURES": str(tmp_path / "figures")}
    environment |= {"MINIVIS_WEIGHTS": "", "MINIVIS_CACHE": str(tmp_path / "cache")}
    run = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", str(LESSONS[name].path)],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        cwd=tmp_path,
        env=environment,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    said = run.stdout.splitlines()
    for exercise in exercises_of(number_of(name)):
        assert f"{exercise.lesson:02d} {exercise.name}: {NOT_YET}" in said
    drawn = sorted((tmp_path / "figures").glob("*.png"))
    assert drawn
    assert len(drawn) == sum(line.startswith("[picture: ") for line in said)


@every_lesson
def test_a_lesson_uses_public_names_only(name):
    tree = ast.parse(LESSONS[name].path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "mv":
            assert node.attr in minivis.__all__, f"line {node.lineno}: mv.{node.attr} is no public name"
            continue
        else:
            continue
        for module in modules:
            assert module.split(".")[0] in LIBRARIES | PYTHON, f"line {node.lineno} imports {module}"
            if module.startswith("minivis"):
                assert module in PUBLIC_MODULES, f"line {node.lineno} imports {module}, which is not public"


@every_lesson
def test_a_lesson_has_its_parts(name):
    text = LESSONS[name].path.read_text(encoding="utf-8")
    assert re.match(rf"# %% \[markdown\]\n# # {number_of(name)} · .+\n#\n# \*\*.+\?\*\*", text), "heading and question"
    headings = re.findall(r"^# ## (.+)$", text, re.MULTILINE)
    assert [heading for heading in headings if heading in SECTIONS] == list(SECTIONS)
    assert "mv.show(" in text or "mv.plot(" in text
    assert re.search(r"^ *assert ", text, re.MULTILINE)


@every_lesson
def test_every_exercise_is_unfinished_in_its_lesson_and_checked_there(name):
    exercises = exercises_of(number_of(name))
    assert 2 <= len(exercises) <= 3
    defined = functions_in(LESSONS[name].path)
    unfinished = {function for function in defined if is_unfinished(defined[function])}
    assert unfinished == {exercise.name for exercise in exercises}
    text = LESSONS[name].path.read_text(encoding="utf-8")
    assert re.findall(r"^mv\.check\((\w+)\)$", text, re.MULTILINE) == [exercise.name for exercise in exercises]
    assert {verdict.state for verdict in judge_file(number_of(name), LESSONS[name].path)} == {NOT_YET}
    for exercise in exercises:
        assert defined[exercise.name].__doc__, "the docstring says what is asked"


@every_lesson
def test_a_solution_is_right(name):
    verdicts = judge_file(number_of(name), LESSONS[name].solution)
    assert [(str(verdict), verdict.state) for verdict in verdicts if verdict.state != RIGHT] == []


@every_lesson
def test_the_checkers_refuse_typical_wrong_answers(name):
    answers = wrong_answers(name)
    refused = dict.fromkeys((exercise.name for exercise in exercises_of(number_of(name))), 0)
    for label, answer in answers.items():
        exercise, _, mistake = label.partition("__")
        assert exercise in refused, f"{label}: no exercise of that name"
        assert mistake, f"{label}: say what is wrong, EXERCISE__WHAT"
        answer.__name__ = exercise
        verdict = judge(answer)
        assert verdict.state == WRONG, f"{label}: {verdict}"
        assert verdict.message
        refused[exercise] += 1
    assert min(refused.values()) >= 2, f"two typical wrong answers each, at least: {refused}"
