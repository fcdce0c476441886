"""What the commands that make pictures share: their options, and the loop with its bar, previews and limits.

A command is an `add_commands` and a function; this is all of one:

    def add_commands(commands, shared):
        parser = commands.add_parser("shine", parents=[shared], help="make a picture bright")
        parser.add_argument("photo")
        runner.add_options(parser, out="shine.png", presets=PRESETS)
        parser.set_defaults(run=run)

    def run(arguments):
        net = runner.open_run(arguments)
        state = runner.saved_state(arguments)                       # None, or with --resume where the last run stopped
        climb = shine(net, read(arguments.photo), steps=arguments.steps, rng=runner.rng_of(arguments), state=state)
        runner.run(climb, arguments, total=arguments.steps)

The iterator yields (picture, score). If it has ``state()``, a file with the state is written beside the picture every
few seconds, and when the run is stopped (Ctrl-C, --seconds, an error): so a run that is killed loses little, and
``--resume``, for which the recipe must take that as ``state=``, goes on to the same picture. `parts` does the like for
pages that are made picture by picture.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from ... import drawing
from ...backend import Array, to_host
from ...errors import InputError, MinivisError
from ...locks import locked
from ...nets import ARCHITECTURES, Net
from ...pictures import save_picture
from ..common import add_net_options, check_memory, one_line, open_net
from .states import load_state, save_state

PREVIEW = 3.0  # seconds between two previews (ours)
KEEP = 20.0  # seconds between two states (ours): with a step, what is lost at most when a run is killed
FREE = {"steps", "seconds", "out", "resume", "run", "debug", "device"}  # these may change when a run is resumed


def add_options(
    parser: argparse.ArgumentParser, out: str, presets: Iterable[str] = (), preset: str | None = None
) -> None:
    """Add the options that all commands have. `preset` is the default among `presets`: the first, unless told."""
    presets = tuple(presets)
    parser.add_argument(
        "--net", default="minivgg", help=f"{', '.join(ARCHITECTURES)}, or a weight file; default minivgg"
    )
    add_net_options(parser)
    parser.add_argument("--size", type=positive, metavar="PIXELS", help="of the picture; default: the network's own")
    if presets:
        chosen = preset or presets[0]
        parser.add_argument("--preset", choices=presets, default=chosen, help=f"{', '.join(presets)}; default {chosen}")
    parser.add_argument("--steps", type=positive, help="stop after so many; default: the recipe's own number")
    parser.add_argument("--seconds", type=duration, help="stop after so much time")
    parser.add_argument("--seed", type=int, default=0, help="of all that is random; default 0")
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu")
    parser.add_argument("--out", default=out, metavar="FILE", help=f"picture to write; default {out}")
    parser.add_argument("--resume", action="store_true", help="go on where the run that wrote --out was stopped")


def open_run(arguments: argparse.Namespace) -> Net:
    """Load the network that was asked for, and see that a picture of the size asked for will fit into memory."""
    net = open_net(arguments.net, arguments.weights, arguments.device)
    check_memory(net, arguments.size or net.size)
    return net


def rng_of(arguments: argparse.Namespace) -> np.random.Generator:
    """Return a generator with the seed that was asked for."""
    if arguments.seed < 0:
        raise InputError(f"--seed must be 0 or more, got {arguments.seed}")
    return np.random.default_rng(arguments.seed)


def row_of(net: Net, name: str) -> str:
    """Return `name` if it is a row of `net`; raise `UnknownName`, which names the nearest, if not."""
    return net.architecture.check(name)


def state_file(out: str | Path) -> Path:
    """Return where the state of the run that writes `out` is kept."""
    return Path(f"{out}.state.npz")


def saved_state(arguments: argparse.Namespace) -> Any:
    """Return the state to go on from, or None without ``--resume``.

    Raises
    ------
    InputError
        If there is none, or if it belongs to a run with other options.
    """
    if not arguments.resume:
        return None
    saved = load_state(state_file(arguments.out), arguments.device)
    if not isinstance(saved, dict) or not isinstance(saved.get("settings"), str) or "state" not in saved:
        raise InputError(f"{str(state_file(arguments.out))!r} is no state of a run")
    check_settings(saved["settings"], settings_of(arguments), arguments.out)
    return saved["state"]


def check_settings(before: str, now: str, out: str) -> None:
    """Raise `InputError` unless a run had the settings that it has now, both as JSON."""
    then, given = json.loads(before), json.loads(now)
    for name in sorted(then.keys() | given.keys()):
        if then.get(name) != given.get(name):
            raise InputError(
                f"the run in {out!r} had {name} = {then.get(name)!r}, not {given.get(name)!r}: "
                "give the same options, or leave --resume out"
            )


def run(
    climb: Iterator[tuple[Array, Any]],
    arguments: argparse.Namespace,
    total: int | None = None,
    draw: Callable[[Array], Array] | None = None,
    clock: Callable[[], float] = time.monotonic,
    conclude: Callable[[], None] | None = None,
) -> Array | None:
    """Take the steps of `climb`, with a bar and previews, and write the picture; of two runs on one picture, one ends.

    Parameters
    ----------
    climb : iterator of (picture, score)
        With ``state()`` it can be resumed, with ``picture`` and ``step`` it is shown where it stands.
    arguments : argparse.Namespace
        With the options of `add_options`. ``--out`` is also where previews go.
    total : int, optional
        How many steps there will be, if that is known.
    draw : callable, optional
        Makes what is written, (h, w, 3), of the pictures (N, H, W, 3). Default: the picture, or all of them on a sheet.
    clock : callable
        In seconds.
    conclude : callable, optional
        Writes what belongs to the picture, at the end and after Ctrl-C. Only then is the state of a finished run gone.

    Returns
    -------
    ndarray
        The last pictures, (N, H, W, 3); None if there was no step.
    """
    with locked(arguments.out):
        return _run(climb, arguments, total, draw, clock, conclude or (lambda: None))


def _run(climb: Any, arguments: argparse.Namespace, total: Any, draw: Any, clock: Any, conclude: Any) -> Array | None:
    from tqdm import tqdm

    out, begun, shown, kept = Path(arguments.out), clock(), -PREVIEW, 0.0
    last, score, whole = None, None, False
    done = first = getattr(climb, "step", 0)
    with tqdm(total=total, initial=first, unit="step", file=sys.stderr, disable=None, dynamic_ncols=True) as bar:
        try:
            for last, score in climb:
                done += 1
                bar.set_postfix_str(f"score {_mean(score):.5g}", refresh=False)
                bar.update()
                spent = clock() - begun
                if spent - shown >= PREVIEW:  # the first one at once: a wrong --out is told before the work
                    save_picture(out, _drawn(last, draw))
                    shown = spent
                if spent - kept >= KEEP:
                    _leave(climb, last, arguments, draw)
                    kept = spent
                if arguments.seconds is not None and spent >= arguments.seconds:
                    break
            else:
                whole = True
        except KeyboardInterrupt:
            _leave(climb, last, arguments, draw)
            conclude()
            raise
        except MinivisError:
            with suppress(MinivisError):  # it may be the disk that is full
                _leave(climb, last, arguments, draw)
            raise
    if whole:
        final = getattr(climb, "picture", None) if last is None else last  # killed at its end, and resumed
        if final is not None:
            save_picture(out, _drawn(final, draw))
    else:
        _leave(climb, last, arguments, draw)
    tail = "" if score is None else f", score {_mean(score):.5g}"
    print(f"{one_line(str(out))}: {done - first} steps in {clock() - begun:.1f} s{tail}")
    conclude()
    if whole:
        state_file(out).unlink(missing_ok=True)
    return last


def _leave(climb: Any, last: Any, arguments: argparse.Namespace, draw: Any) -> None:
    """Write the state to go on from, if there is one, and the picture as it stands."""
    if hasattr(climb, "state"):
        save_state(state_file(arguments.out), {"settings": settings_of(arguments), "state": climb.state()})
    picture = getattr(climb, "picture", last)
    if picture is not None:
        save_picture(arguments.out, _drawn(picture, draw))


def settings_of(arguments: argparse.Namespace) -> str:
    """Return what a resumed run must have in common with the one before, as JSON."""
    kept = {name: value for name, value in vars(arguments).items() if name not in FREE}
    return json.dumps(kept, default=str, sort_keys=True)


def _drawn(pictures: Array, draw: Callable[[Array], Array] | None) -> np.ndarray:
    pictures = to_host(pictures)
    if draw is not None:
        return draw(pictures)
    return pictures[0] if len(pictures) == 1 else drawing.tile(list(pictures))


def _mean(score: Any) -> float:
    return float(to_host(score).mean())


def positive(text: str) -> int:
    """Read a whole number from 1 on."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 on, got {text!r}")
    return int(text)


def duration(text: str) -> float:
    """Read a number of seconds above 0."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number of seconds above 0, got {text!r}")
    return seconds
