"""Commands as processes that are killed: a server that has imported everything, so that a run starts at once.

python forking.py     then one request per line on stdin, one answer per line on stdout, both JSON:
{"folder": ..., "argv": [...], "call": 7}       kill the run at the seventh call that touches a file
{"folder": ..., "argv": [...], "after": 0.5}    kill it half a second after its start
{"folder": ..., "argv": [...], "full": 1000}    let the disk be full for files of more than so many bytes
The answer has its exit code (None if it was killed), what it said, its time, and how many such calls there were.
"""

import functools
import importlib
import json
import os
import resource
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent / "training"))

from small import CHAIN
from tiny import TINY

from minivis import atomic
from minivis.cli import codes, main, patches
from minivis.cli.making import runner
from minivis.cli.mapping import embed
from minivis.nets import ARCHITECTURES
from minivis.training import runs

ALL = (
    "h5py",
    "matplotlib.backends.backend_agg",
    "matplotlib.figure",
    "PIL.GifImagePlugin",
    "PIL.PngImagePlugin",
    "scipy.ndimage",
    "threadpoolctl",
    "tqdm",
    *(
        f"minivis.cli.making.{name}"
        for name in ("class_model", "dream", "fool", "invert", "maximize", "style", "texture")
    ),
)
CALLS = {"open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod", "settle"}


def prepare():
    """Let there be the small networks, and as many moments as can be: everything is kept at each step."""
    for name in ALL:
        importlib.import_module(name)
    ARCHITECTURES.update({CHAIN.name: CHAIN, TINY.name: TINY})
    runner.KEEP = runner.PREVIEW = embed.KEEP = runs.SECONDS_BETWEEN = 0.0
    embed.EVERY = 5
    for module, name in ((codes, "write_codes"), (embed, "write_codes"), (patches, "top_patches")):
        setattr(module, name, functools.partial(getattr(module, name), every=0))


def run(request, pipe):
    """Be the run: never returns."""
    os.chdir(request["folder"])
    said = os.open(request["said"], os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    for stream in (1, 2):
        os.dup2(said, stream)
    sys.stdout, sys.stderr = (os.fdopen(os.dup(said), "w") for _ in range(2))
    if "full" in request:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["full"], resource.RLIM_INFINITY))
    calls = 0

    def count(event, arguments=()):
        nonlocal calls
        if event in CALLS:
            calls += 1
            if calls == request.get("call"):
                os.kill(os.getpid(), signal.SIGKILL)

    settle = atomic.settle
    atomic.settle = lambda path: (count("settle"), settle(path))
    sys.addaudithook(count)
    code = main(request["argv"])
    sys.stdout.flush()
    sys.stderr.flush()
    os.write(pipe, f"{code} {calls}".encode())
    os._exit(0)


def answer(request):
    read, write = os.pipe()
    Path(request["said"]).write_text("")
    begun = time.monotonic()
    pid = os.fork()
    if not pid:
        try:
            run(request, write)
        finally:
            os._exit(99)
    os.close(write)
    if "after" in request:
        while time.monotonic() < begun + request["after"] and not os.waitid(
            os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT
        ):
            time.sleep(0.001)
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    told = os.read(read, 100).decode().split()
    os.close(read)
    said = Path(request["said"]).read_text()
    code, calls = map(int, told or (-1, 0))
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    return {
        "code": None if killed else code,
        "calls": calls,
        "seconds": time.monotonic() - begun,
        "said": said,
    }


if __name__ == "__main__":
    prepare()
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
