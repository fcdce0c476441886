"""Whatever is typed: a command ends with 0 or with one line and 2, and writes nothing outside the folder it is in."""

import os
from pathlib import Path

import pytest
from command_line import caller, prepare
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

COMMANDS = (
    ["look"],
    ["summary"],
    ["filters"],
    ["weights", "verify"],
    ["weights", "convert"],
    ["weights", "where"],
    ["weights"],
    ["class"],
    ["maximize"],
    ["dream"],
    ["invert"],
    ["texture"],
    ["style"],
    ["fool"],
    ["patches"],
    ["codes"],
    ["neighbours"],
    ["embed"],
    ["statistics"],
    ["segment"],
    ["localise"],
    ["evaluate"],
    ["dynamics"],
    ["truth", "randomize"],
    ["lessons", "open"],
    ["check"],
    [],
    # Begun rightly, so that what follows is read by more than the parser.
    ["look", "cat.png", "--net", "chain.h5", "--methods", "saliency"],
    ["filters", "chain.h5"],
    ["weights", "convert", "chain.h5"],
    ["class", "ant", "--net", "chain.h5"],
    ["maximize", "relu1_1", "--net", "chain.h5", "--channels", "0"],
    ["dream", "cat.png", "--net", "chain.h5"],
    ["invert", "cat.png", "--net", "chain.h5"],
    ["texture", "cat.png", "--net", "chain.h5"],
    ["fool", "cat.png", "--net", "chain.h5"],
    ["patches", "chain.h5", "pictures"],
    ["codes", "chain.h5", "pictures"],
    ["embed", "chain.h5", "pictures"],
    ["statistics", "chain.h5", "pictures"],
    ["segment", "cat.png", "--net", "chain.h5"],
)
OPTIONS = (  # noqa: SIM905
    "--net --weights --target --out --size --steps --seed --row --rows --layer --unit --channels --methods --preset "
    "--device --k --perplexity --method --grid --top --batch --resume --value --debug --help --version -h -- -"
).split()
WORDS = (  # noqa: SIM905
    "chain chain.h5 class_maps.h5 cat.png dog.png pictures empty damaged.h5 damaged.png text.txt minivgg relu1_1 pool1 "
    "conv9 ant crane 0 1 -1 1e9 nan inf 99999999999999999999 0,0,0 1,a pca tsne isomap cpu gpu out out.png out.h5 . "
    "/dev/null nowhere/out.png 1 2 30 ü \x00 \ud800 * % {} $HOME ''"
).split(" ")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    inside = tmp_path / "inside"
    inside.mkdir()
    prepare(inside, monkeypatch)
    for name in ("pictures", "empty"):
        (inside / name).mkdir()
    (inside / "pictures" / "cat.png").write_bytes((inside / "cat.png").read_bytes())
    (inside / "damaged.h5").write_bytes((inside / "chain.h5").read_bytes()[:900])
    (inside / "damaged.png").write_bytes((inside / "cat.png").read_bytes()[:99])
    (inside / "text.txt").write_text("no picture, no weights\n")
    return inside


def files_beside(folder: Path) -> set[Path]:
    return {path for path in folder.parent.rglob("*") if folder not in path.parents and path != folder}


typed = st.lists(st.one_of(st.sampled_from(OPTIONS), st.sampled_from(WORDS), st.text(max_size=6)), max_size=7)


@settings(
    max_examples=int(os.environ.get("MINIVIS_EXAMPLES", "150")),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(command=st.sampled_from(COMMANDS), arguments=typed)
def test_anything_ends_with_0_or_with_one_line(folder, capsys, command, arguments):
    # Where steps can be limited they are: the last of two --steps counts, and an argument too many is one line as well.
    limited = {"class", "maximize", "dream", "invert", "texture", "style", "fool", "embed"} & set(command)
    said = caller(capsys)(*command, *arguments, *(["--steps", "1"] if limited else []))
    assert said.code in (0, 1, 2), (command, arguments, said)
    assert "unexpected" not in said.err, (command, arguments, said.err)
    assert "Traceback" not in said.err or "--debug" in arguments, (command, arguments, said.err)
    if said.code == 2 and "--debug" not in arguments:
        told = [line for line in said.err.splitlines() if line.startswith("minivis")]
        assert len(told) == 1, (command, arguments, said.err)
    assert not files_beside(folder), (command, arguments)
