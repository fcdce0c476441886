"""One run at a time on one output; what killed runs leave is removed; what a disk says is told in few words."""

import errno
import os
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT

from minivis import atomic
from minivis.atomic import reason, replacing, sweep
from minivis.errors import InputError
from minivis.locks import locked
from minivis.weights.creating import created

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such locks")

LOCKER = """
import sys
from minivis.locks import locked
with locked(sys.argv[1]):
    print("locked", flush=True)
    sys.stdin.read()
"""


def other_process(output):
    command = [sys.executable, "-c", LOCKER, str(output)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, cwd=ROOT, **pipes)
    assert process.stdout.readline() == "locked\n"
    return process


def test_a_second_run_is_told_who_the_first_is(tmp_path):
    out = tmp_path / "map.png"
    first = other_process(out)
    told = f"another run .process {first.pid}. is writing .*map.png.*: wait for it"
    with pytest.raises(InputError, match=told), locked(out):
        raise AssertionError("two at once")
    with locked(tmp_path / "other.png"):
        pass
    first.stdin.close()
    first.wait()
    with locked(out):
        pass
    assert not list(tmp_path.iterdir())


def test_the_lock_of_a_killed_run_holds_nobody_up(tmp_path):
    first = other_process(tmp_path / "map.png")
    first.kill()
    first.wait()
    assert (tmp_path / ".map.png.lock").exists()
    with locked(tmp_path / "map.png"):
        pass
    assert not list(tmp_path.iterdir())


def test_one_process_cannot_lock_twice_and_an_error_unlocks(tmp_path):
    out = tmp_path / "a"
    with pytest.raises(ZeroDivisionError), locked(out):
        with pytest.raises(InputError, match="another run"), locked(out):
            pass
        raise ZeroDivisionError
    with locked(out):
        pass


def test_a_lock_that_was_removed_meanwhile_is_no_lock(tmp_path, monkeypatch):
    """Between the opening of the lock file and its locking, its owner may end and remove it."""
    import fcntl

    out, real, locks = tmp_path / "a", fcntl.flock, []

    def late(handle, how):
        if not locks:
            (tmp_path / ".a.lock").unlink()
        locks.append(handle)
        real(handle, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with locked(out):
        assert len(locks) == 2
        assert (tmp_path / ".a.lock").stat().st_ino == os.fstat(locks[1]).st_ino


def test_where_nothing_can_be_locked_nothing_is(tmp_path, monkeypatch):
    with locked(tmp_path / "nowhere" / "a"):
        pass
    import fcntl

    def none(handle, how):
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(fcntl, "flock", none)
    with locked(tmp_path / "a"), locked(tmp_path / "a"):
        pass


def test_only_what_the_dead_have_left_is_swept(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    place = atomic._place()
    names = {
        f".minivis-{place}-{dead.pid}-abc_1.part": False,
        f".minivis-{place}-{os.getpid()}-abc.part": True,
        f".minivis-{int(place, 16) ^ 1:08x}-{dead.pid}-abc.part": True,  # of another machine
        ".abc.part": True,
        "minivis.part": True,
    }
    for name in names:
        (tmp_path / name).touch()
    sweep(tmp_path)
    assert {name: (tmp_path / name).exists() for name in names} == names
    sweep(tmp_path / "nowhere")


def test_temporary_files_are_such_that_they_are_swept(tmp_path):
    with replacing(tmp_path / "a.txt") as part:
        assert atomic.LEFT.fullmatch(part.name)["pid"] == str(os.getpid())
        part.write_text("whole")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_an_error_of_the_disk_names_the_file_and_leaves_the_old_one(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(OSError, match="No space left on device") as caught, replacing(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert caught.value.filename == str(path)
    assert path.read_text() == "old"
    assert reason(caught.value) == "No space left on device"
    assert [found.name for found in tmp_path.iterdir()] == ["a.txt"]


def test_reasons_are_short():
    inner = "Can't decrement id (file write failed: time = x\n, errno = 28, error message = 'No space left on device')"
    assert reason(RuntimeError(inner)) == "No space left on device"
    assert reason(ValueError("first\nsecond")) == "first"
    assert reason(ValueError()) == "ValueError"


HDF5 = """
import resource, signal, sys
from pathlib import Path
import h5py, numpy as np
from minivis.weights.creating import created
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    with created(Path(sys.argv[1])) as file:
        file.attrs["a"] = np.bytes_(b"hello")
        for name in "bcd":
            file.create_dataset(f"{name}/{name}", data=np.arange(3000.0), track_times=False)
except OSError as error:
    print(error.strerror)
"""


@pytest.mark.parametrize("limit", [50, 3000, 30_000, 60_000])
def test_hdf5_survives_a_full_disk(tmp_path, limit):
    """Left to itself, HDF5 2.0 prints a page for each object and dies of it on exit."""
    path = tmp_path / "a.h5"
    path.write_text("old")
    command = [sys.executable, "-c", HDF5, str(path), str(limit)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "File too large\n", "")
    assert path.read_text() == "old"
    assert [found.name for found in tmp_path.iterdir()] == ["a.h5"]


def test_created_files_hold_what_was_put_in_and_have_the_same_bytes_each_time(tmp_path):
    import h5py

    rows = np.arange(300_000.0).reshape(300, 1000)
    for name in ("one.h5", "two.h5"):
        with created(tmp_path / name) as file:
            file.attrs["a"] = np.bytes_(b"hello")
            file.create_dataset("b/c", data=rows, track_times=False)
            part = file.create_dataset("d", (300, 1000), "f4", track_times=False)
            for first in range(0, 290, 7):
                part[first : first + 7] = rows[first : first + 7]
    with h5py.File(tmp_path / "one.h5") as file:
        assert file.attrs["a"] == b"hello"
        np.testing.assert_array_equal(file["b/c"][:], rows)
        np.testing.assert_array_equal(file["d"][:], np.where(np.arange(300)[:, None] < 294, rows, 0))
    content = (tmp_path / "one.h5").read_bytes()
    assert content == (tmp_path / "two.h5").read_bytes()
    with pytest.raises(ZeroDivisionError), created(tmp_path / "one.h5") as file:
        raise ZeroDivisionError
    assert (tmp_path / "one.h5").read_bytes() == content
