"""One system in a process of its own: reads tasks from standard input, answers with seconds.

Started by run.py as ``python worker.py ours|theirs|in_jax THREADS cpu|gpu``. A line {"task": ..., "options": ...,
"warm": ...} prepares, and runs once if "warm" says so; the line "go" answers with the seconds of one run, which comes
right after another one if "warm" says so; "result FILE" saves what the task returned, and answers with the peak.
"""

import importlib
import json
import sys
import time
from pathlib import Path

import numpy as np


def main():
    system = importlib.import_module(sys.argv[1])
    system.use(threads=int(sys.argv[2]), device=sys.argv[3])
    answer([system.versions(), sorted(system.TASKS)])
    run = result = None
    warm = False
    for line in sys.stdin:
        command = line.strip()
        if command == "go":
            if warm:  # caches, and a processor that has woken up
                run()
            system.wait()
            start = time.perf_counter()
            result = run()
            system.wait()
            answer(time.perf_counter() - start)
        elif command.startswith("result "):
            np.save(command[7:], system.to_host(result))
            answer(peak_MiB() if sys.argv[3] == "cpu" else system.gpu_peak_MiB())
        else:
            request = json.loads(command)
            warm = request["warm"]
            run = system.TASKS[request["task"]](request["weights"], np.load(request["data"]), 11, **request["options"])
            if warm:
                run()
            answer("ready")


def peak_MiB():
    """Return the most memory this process has held. (`ru_maxrss` counts what the process it was forked from held.)"""
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) / 1024


def answer(value):
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    main()
