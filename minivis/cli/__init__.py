"""The command line: `main` reads it, calls a command, and turns errors into one line and an exit code."""

import argparse
import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

from ..errors import MinivisError
from . import doctor, look, nets, verify, weights
from .common import one_line

OK, FAILED, INTERRUPTED, PIPE_CLOSED = 0, 2, 130, 141  # the last two as a shell counts: 128 + the signal's number


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(FAILED, f"{self.prog}: {one_line(message)} (see {self.prog} --help)\n")


LATER = {
    "check": (".check", "check your answers to the exercises of a lesson"),
    "class": (".making.class_model", "make the picture that a class scores highest"),
    "compress": (
        ".mapping.compress",
        "deep compression: prune, share and code the weights; bytes and accuracy after each",
    ),
    "codes": (".codes", "write what rows hold for each picture of a folder"),
    "dream": (".making.dream", "let a network dream of a photograph"),
    "dynamics": (".mapping.dynamics", "draw a recorded training run: curves, and a map of its codes through time"),
    "embed": (".mapping.embed", "map the photographs of a folder by their codes: t-SNE, PCA or Isomap"),
    "evaluate": (".evaluate", "how often a network is right over a folder, and what it takes for what"),
    "fool": (".making.fool", "change a photograph so that the network takes it for something else"),
    "invert": (".making.invert", "show what a row has kept of a photograph"),
    "lessons": (".lessons", "the course: list its lessons, open one"),
    "localise": (".mapping.localise", "measure how well a network places boxes, over a folder with box files"),
    "maximize": (".making.maximize", "make the pictures that channels of a row answer to most"),
    "neighbours": (".mapping.neighbours", "find the photographs nearest to a photograph, by pixels and by codes"),
    "patches": (".patches", "find the pictures and places that excite units most"),
    "segment": (".mapping.segment", "cut the object out that the saliency points at, and put a box around it"),
    "statistics": (".mapping.statistics", "histograms of weights and activations, dead units, Gabor functions"),
    "scenes": (".scenes", "draw scenes with known answers: class, mask, box, caption, questions"),
    "style": (".making.style", "paint a photograph in the style of a painting"),
    "texture": (".making.texture", "make a picture with the texture of another"),
    "train": (".train", "train a small network"),
    "truth": (".truth", "test whether the looking methods point at the cause, and depend on the weights"),
}
"""Commands whose modules take time to import: module and help. They are imported if the command line has the word."""


def build_parser(argv: Sequence[str] = ()) -> Parser:
    """Return the parser; the options of commands that are slow to import are there if `argv` names the command."""
    from .. import __version__

    shared = Parser(add_help=False)
    shared.add_argument(
        "--debug", action="store_true", default=argparse.SUPPRESS, help="on an error, show the traceback too"
    )
    parser = Parser(prog="minivis", description="What does a convolutional network see?", parents=[shared])
    parser.add_argument("--version", action="version", version=f"minivis {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for module in (look, nets, doctor, verify, weights):
        module.add_commands(commands, shared)
    for name, (slow, about) in LATER.items():
        if name in argv:
            importlib.import_module(slow, __name__).add_commands(commands, shared)
        else:
            commands.add_parser(name, parents=[shared], help=about)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        Default: the arguments that the program was started with.

    Returns
    -------
    int
        0; 2 after an error, which is one line on stderr; 130 after Ctrl-C, and then what was finished stays.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a file name need not be text
    try:
        arguments = build_parser(argv).parse_args(argv)
        code = arguments.run(arguments) or OK
        if sys.stdout:  # None where the program was started without one
            sys.stdout.flush()  # a full disk or a closed pipe is told here, not after the end
        return code
    except SystemExit as done:  # argparse: --help, --version, or a wrong argument
        return done.code if isinstance(done.code, int) else OK if done.code is None else FAILED
    except BrokenPipeError:  # minivis summary vgg16 | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it closes stdout
        return PIPE_CLOSED
    except (KeyboardInterrupt, Exception) as error:
        if "--debug" in argv:
            traceback.print_exc()
        print(f"minivis: {one_line(explain(error))}", file=sys.stderr)
        return INTERRUPTED if isinstance(error, KeyboardInterrupt) else FAILED


def explain(error: BaseException) -> str:
    """Return what to tell about an error that ended a command."""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted; what was finished stays"
    if isinstance(error, MinivisError):
        return str(error)
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error)
    if isinstance(error, MemoryError):
        return f"out of memory ({error}): a smaller network, fewer photographs or fewer methods need less"
    return f"{type(error).__name__}: {error} (unexpected; --debug shows where)"
