"""Every bad file gives a WeightFileError that says why: no other error, no hang, no memory, nothing executed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from bad_files import CASES

HERE = Path(__file__).parent
MEMORY = 100  # MiB that one bad file may cost
HANG = 120  # seconds after which a file that is still being read counts as a hang


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    """What happened to each case, from one process for all of them; and the folder of each."""
    folders = {name: tmp_path_factory.mktemp(name) for name in CASES}
    paths = {name: str(write(folders[name])) for name, (write, _) in CASES.items()}
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parents[1])])}
    program = [sys.executable, str(HERE / "open_each.py"), str(tmp_path_factory.mktemp("warm") / "w.h5")]
    try:
        done = subprocess.run(
            program,
            input=json.dumps(list(paths.values())),
            capture_output=True,
            text=True,
            timeout=HANG,
            env=environment,
        )
        output, problem = done.stdout, done.stderr
    except subprocess.TimeoutExpired as expired:
        output, problem = (expired.stdout or b"").decode(), "it hung"
    lines = [json.loads(line) for line in output.splitlines()]
    found = dict(zip(paths, lines, strict=False))
    return {name: found.get(name, {"kind": "no answer", "message": problem}) for name in CASES}, folders


@pytest.mark.parametrize("name", CASES)
def test_case(verdicts, name):
    found, folder = verdicts[0][name], verdicts[1][name]
    message = CASES[name][1]
    if message is None:
        assert found["kind"] == "loaded", found["message"]
        assert found["equal"]
    else:
        assert found["kind"] == "WeightFileError", found
        assert message in found["message"]
        assert "\n" not in found["message"]
    assert found["growth"] < MEMORY
    assert not (folder / "executed").exists()


def test_46_extra_layers_are_listed(verdicts):
    assert verdicts[0]["h46_extra_layers"]["ignored"] == ["bn1", "dropout", "head"]


def test_21_the_message_has_nothing_of_the_other_file(verdicts):
    for name in ("h21_external_storage", "h14_external_link_to_tensor"):
        assert "equal" not in verdicts[0][name]
