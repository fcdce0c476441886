"""Every bad file gives a WeightFileError that says why: no other error, no hang, no memory, nothing executed."""

import json
from pathlib import Path

import pytest
from bad_files import CASES
from hostile import MEMORY, files_in, verdicts
from more_bad_files import CASES as MORE
from weight_files import keras_1

OTHER_NUMBERS = "loads, with other numbers"
PROGRAM = Path(__file__).with_name("open_each.py")


class Judged:
    """All cases of a table, written into folders of their own and read."""

    def __init__(self, cases, factory):
        self.cases = cases
        self.folders = {name: factory.mktemp(name) for name in cases}
        self.paths = {name: str(write(self.folders[name])) for name, (write, _) in cases.items()}
        self.written = {name: files_in(folder) for name, folder in self.folders.items()}
        self.home = factory.mktemp("home")
        self.found = verdicts(PROGRAM, keras_1(factory.mktemp("good") / "w.h5"), self.paths, self.home)

    def check(self, name):
        found, message = self.found[name], self.cases[name][1]
        if message in (None, OTHER_NUMBERS):
            assert found["kind"] == "loaded", found["message"]
            assert found["equal"] == (message is None)
        else:
            assert found["kind"] == "WeightFileError", found
            assert message in found["message"]
            assert "\n" not in found["message"]
            assert len(found["message"]) < 2500
        assert found["growth"] < MEMORY
        assert files_in(self.folders[name]) == self.written[name]  # nothing executed, nothing written


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    return Judged(CASES, tmp_path_factory)


@pytest.fixture(scope="module")
def more(tmp_path_factory):
    return Judged(MORE, tmp_path_factory)


@pytest.mark.parametrize("name", CASES)
def test_case(judged, name):
    judged.check(name)


@pytest.mark.parametrize("name", MORE)
def test_case_that_is_on_no_list(more, name):
    more.check(name)


def test_nothing_was_written_anywhere_else(judged, more):
    assert files_in(judged.home) == {}
    assert files_in(more.home) == {}


def test_46_extra_layers_are_listed(judged):
    assert judged.found["h46_extra_layers"]["ignored"] == ["bn1", "dropout", "head"]


def test_21_the_message_has_nothing_of_the_other_file(judged):
    for name in ("h21_external_storage", "h14_external_link_to_tensor"):
        assert "equal" not in judged.found[name]
    assert "MINIVIS-SECRET" not in json.dumps(judged.found)


def test_a_reader_that_hangs_is_killed_and_the_next_file_read(tmp_path):
    """The harness itself: two kinds of hang, a crash, memory, and a file that appears are all seen."""
    program = tmp_path / "program.py"
    program.write_text(
        "import hostile, os, time\n"
        "hostile.SECONDS, hostile.PATIENCE = 1, 3\n"
        "def report(path):\n"
        "    if path == 'hangs': os.read(os.pipe()[0], 1)\n"
        "    while path == 'runs for ever': pass\n"
        "    if path == 'crashes': os.abort()\n"
        "    if path == 'grows': bytearray(b'x') * (150 << 20)\n"
        "    if path == 'writes': open('file', 'w').close()\n"
        "    return {'kind': path}\n"
        "hostile.serve(report)\n"
    )
    home = tmp_path / "home"
    home.mkdir()
    names = ["hangs", "fine", "runs for ever", "crashes", "grows", "writes"]
    found = verdicts(program, "good", {name: name for name in names}, home)
    assert list(found) == names
    assert found["hangs"]["message"] == found["runs for ever"]["message"] == "it did not end by itself"
    assert "exit -6" in found["crashes"]["message"]
    assert found["fine"]["kind"] == "fine"
    assert found["fine"]["growth"] < 10
    assert found["grows"]["growth"] > MEMORY
    assert files_in(home)
