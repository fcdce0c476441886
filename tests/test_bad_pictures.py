"""Hostile pictures, each read in a process that is killed when it hangs: an ImageFileError that says why, or pixels."""

import sys
from pathlib import Path

import pytest
from bad_pictures import CASES, photo
from hostile import MEMORY, files_in, verdicts

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no named pipes and no alarms there")
TOLERANCE = 5  # of 255, for what a JPEG loses


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    folders = {name: tmp_path_factory.mktemp(name) for name in CASES}
    paths = {name: write(folders[name]) for name, (write, _) in CASES.items()}
    before = {name: files_in(folder) for name, folder in folders.items()}
    home, good = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("good") / "a.jpg"
    photo().save(good)
    found = verdicts(Path(__file__).with_name("open_each_picture.py"), good, paths, home)
    return found, {name: files_in(folder) == before[name] for name, folder in folders.items()}, files_in(home)


@pytest.mark.parametrize("name", CASES)
def test_case(judged, name):
    found, unchanged, _ = judged
    told, message = found[name], CASES[name][1]
    if message is None:
        assert told["kind"] == "read", told["message"]
        assert told["error"] is not False
        assert told["error"] <= TOLERANCE
    else:
        assert told["kind"] == "ImageFileError", told
        assert message in told["message"]
        assert "\n" not in told["message"]
        assert len(told["message"]) < 1000
    assert told["growth"] < MEMORY
    assert unchanged[name]


def test_nothing_was_written_anywhere_else(judged):
    assert judged[2] == {}
