"""`minivis train` with the tiny network in its list; may send itself a signal just before a step.

If that is KILL, a checkpoint is written after every step; if not, only where the code writes one anyway.

python tiny_train.py STEP SIGNAL ARGUMENTS...   (STEP 0: never)
"""

import argparse
import os
import sys

from tiny import TINY

from minivis.nets import ARCHITECTURES
from minivis.training import command, loop, runs

ARCHITECTURES[TINY.name] = TINY
KILL = 9


def main(stop: int, signal: int, arguments: list[str]) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    step = loop.Training.__next__

    def deadly(training):
        if stop and training.state.steps == stop:
            os.kill(os.getpid(), signal)
        return step(training)

    loop.Training.__next__ = deadly
    if signal == KILL:
        runs.SECONDS_BETWEEN = 0.0
    return command.run(parser.parse_args(arguments))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
