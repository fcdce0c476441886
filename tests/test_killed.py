"""Nothing is lost: commands that are killed at any moment leave files that open, and go on to the same result.

A run is killed at a random call that touches a file, or after a random time; then it is resumed, and killed again. What
is there in the end must have the same bytes as what a run leaves that nobody has disturbed. Which moments are met
depends on the clock; what is demanded does not.
"""

import csv
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image
from small import CHAIN, small_net

sys.path.insert(0, str(Path(__file__).parent / "training"))
from tiny import make_folder as make_classes

from minivis.pictures import save_picture
from minivis.weights import save_weights

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL and no fork")

NET = ("--net", "chain.h5", "--steps")
COMMANDS = {
    "train": ("train", "tiny", "--data", "classes", "--epochs", "2", "--batch", "9", "--threads", "1", "--record", "3",
              "--out", "{out}/tiny.h5"),
    "patches": ("patches", "chain.h5", "photos", "--rows", "relu1_1", "--units", "0-1", "--batch", "3",
                "--out", "{out}"),
    "codes": ("codes", "chain.h5", "photos", "--rows", "relu3,pool1", "--batch", "3", "--out", "{out}/codes.h5"),
    "embed": ("embed", "chain.h5", "photos", "--perplexity", "3", "--steps", "20", "--batch", "4",
              "--out", "{out}/map.png"),
    "class": ("class", "bee", *NET, "9", "--out", "{out}/a.png"),
    "maximize": ("maximize", "conv2_1", "--channels", "0-1", *NET, "7", "--out", "{out}/a.png"),
    "maximize, a page": ("maximize", "--channels", "0-1", *NET, "3", "--out", "{out}/a.png"),
    "dream": ("dream", "cat.png", "--size", "24", "--octaves", "2", "--concentration", "{out}/curve.png", *NET, "4",
              "--out", "{out}/a.png"),
    "dream, a zoom": ("dream", "cat.png", "--size", "24", "--octaves", "1", "--zoom", "4", *NET, "2",
                      "--out", "{out}/a.gif"),
    "invert": ("invert", "cat.png", "--row", "pool1", *NET, "8", "--out", "{out}/a.png"),
    "invert, strengths": ("invert", "cat.png", "--row", "pool1", "--strengths", *NET, "2", "--out", "{out}/a.png"),
    "texture": ("texture", "cat.png", "--size", "20", *NET, "8", "--out", "{out}/a.png"),
    "style": ("style", "cat.png", "dog.png", "--size", "20", *NET, "8", "--out", "{out}/a.png"),
    "fool": ("fool", "cat.png", "--to", "0", "--method", "ifgsm", "--margin", "90", *NET, "6", "--out", "{out}"),
    "fool, evolution": ("fool", "--to", "0", "--method", "cppn", *NET, "4", "--out", "{out}"),
}  # fmt: skip
GO_ON_BY_THEMSELVES = ("patches", "codes")
FEW = 2  # kills of each command in every run of the tests
MANY = 50  # and in the marked one
IN_A_ROW = 5


class Runs:
    """A folder with small networks and pictures, and commands that run there."""

    def __init__(self, folder):
        self.folder = folder
        attributes = {"architecture": CHAIN.name}
        save_weights(folder / "chain.h5", small_net(CHAIN).weights, attributes=attributes)
        rng = np.random.default_rng(5)
        for name in ("cat.png", "dog.png"):
            save_picture(folder / name, rng.uniform(0, 255, (20, 24, 3)))
        for name in ("blue", "red"):
            (folder / "photos" / name).mkdir(parents=True)
            for i in range(6):
                save_picture(folder / "photos" / name / f"{i}.png", rng.uniform(0, 255, (20, 20, 3)))
        (folder / "photos" / "red" / "broken.png").write_text("no picture")
        make_classes(folder / "classes", 30)
        environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "MINIVIS_CACHE": str(folder / "cache")}
        script = Path(__file__).with_name("forking.py")
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.server = subprocess.Popen([sys.executable, str(script)], env=environment, **pipes)
        assert self.server.stdout.readline() == "ready\n"
        self.whole = {}

    def close(self):
        self.server.stdin.close()
        self.server.wait()

    def run(self, name, out, resume=False, **how):
        argv = [word.format(out=out) for word in COMMANDS[name]]
        argv += ["--resume"] if resume and name not in GO_ON_BY_THEMSELVES else []
        (self.folder / out).mkdir(exist_ok=True)
        request = {"folder": str(self.folder), "argv": argv, "said": str(self.folder / "said.txt"), **how}
        print(json.dumps(request), file=self.server.stdin, flush=True)
        return json.loads(self.server.stdout.readline())

    def undisturbed(self, name):
        """Return the answer and the files of a run that nobody disturbs."""
        if name not in self.whole:
            out = f"{name.replace(', ', '-').replace(' ', '-')}-whole"
            found = self.run(name, out)
            assert found["code"] == 0, found["said"]
            self.whole[name] = found, contents(self.folder / out)
        return self.whole[name]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    found = Runs(tmp_path_factory.mktemp("killed"))
    yield found
    found.close()


def contents(folder):
    """Return all files by name, but for what tells the time."""
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        found[name] = path.read_bytes()
        if path.name == "checkpoint.npz":
            with np.load(path) as file:
                found[name] = {key: file[key].tobytes() for key in file.files if key != "text"}
        elif path.name == "log.jsonl":
            lines = [json.loads(line) for line in path.read_text().splitlines()]
            found[name] = [{key: value for key, value in line.items() if key != "seconds"} for line in lines]
    return found


def check_that_all_opens(folder):
    """Open every file as what its name says, to its end."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")):
        if path.suffix in (".png", ".gif"):
            with Image.open(path) as image:
                for frame in range(getattr(image, "n_frames", 1)):
                    image.seek(frame)
                    image.load()
        elif path.suffix == ".h5":
            with h5py.File(path) as file:
                file.visititems(lambda _, item: item[()] if isinstance(item, h5py.Dataset) else None)
        elif path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as file:
                assert all(file[name] is not None for name in file.files)
        elif path.suffix == ".csv":
            with path.open(newline="") as file:
                assert len({len(line) for line in csv.reader(file)}) == 1
        else:
            assert path.suffix in (".json", ".jsonl"), path
            lines = path.read_text().splitlines() if path.suffix == ".jsonl" else [path.read_text()]
            assert all(isinstance(json.loads(line), dict) for line in lines)


def go_on(runs, name, out, **how):
    """Give the command again; where nothing was kept yet, or all is done, from the beginning."""
    before = contents(runs.folder / out)
    found = runs.run(name, out, resume=True, **how)
    if found["code"] == 2 and "there is nothing to resume" in found["said"]:
        visible = {file: content for file, content in before.items() if not Path(file).name.startswith(".")}
        assert visible == runs.undisturbed(name)[1] or len(visible) <= 1, sorted(visible)  # one: the first preview
        found = runs.run(name, out, **how)
    return found


def kill_and_compare(runs, name, kills, in_a_row, seed):
    """Kill so often; after some in a row let the run come to its end, compare, and begin anew."""
    draw, whole = random.Random(f"{name} {seed}"), runs.undisturbed(name)
    done = chain = 0
    while done < kills:
        out = f"{seed}-{name.replace(', ', '-').replace(' ', '-')}-{chain}"
        chain += 1
        begun = False
        for _ in range(in_a_row):
            moment = draw.random()
            if draw.random() < 0.6:
                how = {"call": 1 + int(moment * whole[0]["calls"])}
            else:
                how = {"after": moment * whole[0]["seconds"]}
            found = go_on(runs, name, out, **how) if begun else runs.run(name, out, **how)
            if found["code"] is None:
                begun = True
                done += 1
                check_that_all_opens(runs.folder / out)
            else:  # it has come to its end before
                assert found["code"] == 0 or "nothing to resume" in found["said"], found
                if found["code"] == 0:
                    break
        if found["code"] != 0:
            found = go_on(runs, name, out)
            assert found["code"] == 0, found["said"]
        end = contents(runs.folder / out)
        assert sorted(end) == sorted(whole[1])
        assert [file for file in end if end[file] != whole[1][file]] == []
    return done


@pytest.mark.parametrize("name", COMMANDS)
def test_a_killed_run_goes_on_to_the_same_bytes(runs, name):
    assert kill_and_compare(runs, name, FEW, FEW, "few") >= FEW


@pytest.mark.kills
@pytest.mark.parametrize("name", COMMANDS)
def test_a_run_killed_fifty_times_goes_on_to_the_same_bytes(runs, name):
    assert kill_and_compare(runs, name, MANY, IN_A_ROW, "many") >= MANY


@pytest.mark.parametrize("name", ["train", "codes", "patches", "embed", "class", "fool, evolution", "maximize, a page"])
def test_a_full_disk_leaves_the_last_good_files_and_one_line(runs, name):
    """A limit on the size of files stands for a disk that fills up: the first larger file cannot be written."""
    whole = runs.undisturbed(name)
    out = f"full-{name.replace(', ', '-').replace(' ', '-')}"
    sizes = sorted(len(content) for content in whole[1].values() if isinstance(content, bytes))
    found = runs.run(name, out, full=sizes[-1] - 1)
    assert found["code"] == 2, found["said"]
    lines = [line for line in found["said"].splitlines() if line.startswith("minivis: ")]
    assert len(lines) == 1
    assert "File too large" in lines[0] and out in lines[0]
    assert "Traceback" not in found["said"]
    check_that_all_opens(runs.folder / out)
    assert not list((runs.folder / out).rglob(".*"))
    found = go_on(runs, name, out)
    assert found["code"] == 0, found["said"]
    assert contents(runs.folder / out) == whole[1]
