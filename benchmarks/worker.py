"""One system in a process of its own: reads tasks from standard input, answers with seconds.

Started by run.py as ``python worker.py ours|theirs``. A line {"task": ..., "options": ...} prepares and warms up; the
line "go" runs once and answers with the seconds; "result FILE" saves what the task returned, and answers with the peak.
"""

import importlib
import json
import resource
import sys
import time

import numpy as np


def main():
    system = importlib.import_module(sys.argv[1])
    threads = int(sys.argv[2])
    if sys.argv[1] == "theirs":
        import torch

        torch.set_num_threads(threads)
    answer(system.versions())
    run = result = None
    for line in sys.stdin:
        command = line.strip()
        if command == "go":
            start = time.perf_counter()
            result = run()
            answer(time.perf_counter() - start)
        elif command.startswith("result "):
            np.save(command[7:], np.asarray(result))
            answer(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        else:
            request = json.loads(command)
            options = request["options"]
            pixels = np.load(request["pixels"])
            run = system.TASKS[request["task"]](request["weights"], pixels, 11, **options)
            result = run()
            answer("ready")


def answer(value):
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    main()
