"""A run that kills itself at a chosen point: python killing.py KIND FOLDER OUT POINT NUMBER."""

import os
import shutil
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from folder_of_pictures import ROWS, small_net

from minivis import atomic
from minivis.representation.codes import write_codes
from minivis.representation.patches import top_patches


def main(kind, folder, out, point, number):
    calls = 0

    def count(*_, **__):
        nonlocal calls
        calls += 1
        if calls == int(number):
            os.kill(os.getpid(), signal.SIGKILL)

    progress = None
    if point == "shard":
        progress = count
    elif point == "before a file takes its place":
        settle = atomic.settle
        atomic.settle = lambda path: (settle(path), count())
    elif point == "before the parts go":
        shutil.rmtree = count
    run = write_codes if kind == "codes" else top_patches
    run(small_net(), folder, ROWS, out, batch=4, every=0, progress=progress)


if __name__ == "__main__":
    main(*sys.argv[1:])
