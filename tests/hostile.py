"""Hostile files, read in processes of their own: what hangs is killed, what crashes takes no test run with it.

A reader is a small program that calls `serve`; `verdicts` starts it and says what became of each file.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 5  # of the processor's time: a file that takes longer is a hang, and its process is killed
PATIENCE = 60  # seconds by the clock, for what waits and computes nothing; on a busy machine 5 may pass without harm
MEMORY = 100  # MiB that one file may cost
TOTAL = 300  # seconds for all files of a list together; a safety net


def serve(report):
    """Read the files of the list on stdin, and print what `report(path)` says of each as a line of JSON.

    The first of the list is there to be warm: imports, and whatever memory any file takes.
    """
    for path in json.load(sys.stdin):
        limit_time()
        before = peak(reset=True)
        found = report(path)
        print(json.dumps({**found, "growth": peak() - before}), flush=True)


def limit_time():
    """From now on: the signals of these timers end the process, wherever it hangs."""
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)


def peak(reset=False):
    """Largest memory of this process so far, or since the last reset, in MiB; 0 where the system does not tell.

    Not getrusage: its figure starts with that of the process that started this one.
    """
    status, clear = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    if reset and clear.exists():
        clear.write_text("5")
    lines = status.read_text().splitlines() if status.exists() else []
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def verdicts(program, good, paths, home):
    """What became of each of `paths` ({name: path}), read by `program`: {name: what its report says}.

    Parameters
    ----------
    program : Path
        It calls `serve`.
    good : Path
        A harmless file, read first.
    home : Path
        An empty folder, in which the program runs and which it takes for the user's. Left empty: it may write nowhere.
    """
    found = {}
    waiting = list(paths)
    while waiting:
        lines, code, problem = run(program, [good, *(paths[name] for name in waiting)], home)
        done = lines[1:]
        found |= dict(zip(waiting, done, strict=False))
        left = waiting[len(done) :]
        if not left:
            break
        name, *rest = left
        hung = code in (-signal.SIGALRM, -signal.SIGPROF)
        why = "it did not end by itself" if hung else f"exit {code}: {problem[-2000:]}"
        found[name] = {"kind": "no answer", "message": why, "growth": 0}
        waiting = rest
    return found


def run(program, paths, home):
    """One process: the lines it printed, its exit code and what it said on stderr."""
    folders = [ROOT, ROOT / "tests", ROOT / "tests" / "weights"]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(map(str, folders)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OPENBLAS_NUM_THREADS": "1",
        **dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME", "MINIVIS_CACHE"), str(home)),
    }
    done = subprocess.run(
        [sys.executable, str(program)],
        input=json.dumps([str(path) for path in paths]),
        capture_output=True,
        text=True,
        timeout=TOTAL,
        cwd=home,
        env=environment,
        check=False,
    )
    return [json.loads(line) for line in done.stdout.splitlines()], done.returncode, done.stderr


def files_in(folder):
    """Name, size and time of change of all that is below a folder."""
    return {
        str(path.relative_to(folder)): (path.lstat().st_size, path.lstat().st_mtime_ns) for path in folder.rglob("*")
    }
