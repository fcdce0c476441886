"""`minivis weights`: which weight files there are, where they belong, what a file is, and converting one."""

import argparse
from pathlib import Path
from typing import Any

from ..errors import DownloadError, UnknownName, WeightFileError
from ..nets import ARCHITECTURES, Architecture, architecture, architecture_of
from ..weights import ORDERS
from .common import did_you_mean, pass_bar


def add_commands(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add the command with its five actions."""
    weights = commands.add_parser("weights", parents=[shared], help="find, fetch, verify and convert weight files")
    actions = weights.add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser("list", parents=[shared], help="which nets have weights here").set_defaults(run=list_found)
    actions.add_parser("where", parents=[shared], help="the folders that are searched").set_defaults(run=print_path)
    get = actions.add_parser("get", parents=[shared], help="download published weights, or say where to put a file")
    get.add_argument("name", metavar="NAME")
    get.set_defaults(run=get_file)
    verify = actions.add_parser("verify", parents=[shared], help="say what a file is; exit 0 if it loads, else 2")
    verify.add_argument("file", metavar="FILE")
    convert = actions.add_parser("convert", parents=[shared], help="write a file in minivis's own layout")
    convert.add_argument("file", metavar="IN")
    convert.add_argument("out", metavar="OUT")
    convert.add_argument("--float16", action="store_true", help="half the size, about three digits")
    for parser in (verify, convert):
        parser.add_argument("--net", choices=list(ARCHITECTURES), help="the net it is for; default: by its rows")
        parser.add_argument(
            "--layout",
            choices=ORDERS,
            help="of a Keras file with channels first: are its kernels flipped, as Theano's are (keras-th), or not?",
        )
    verify.set_defaults(run=verify_file)
    convert.set_defaults(run=convert_file)


def list_found(arguments: argparse.Namespace) -> None:
    """Print the file of each net, or that there is none, and what can be downloaded."""
    from ..weights import PUBLISHED

    print("\n".join(found_lines()))
    sizes = ", ".join(f"{name} ({file.bytes / 1e6:.0f} MB)" for name, file in PUBLISHED.items())
    print(f"minivis weights get NAME downloads: {sizes}")


def found_lines() -> list[str]:
    """Return one line per net: where its weights are."""
    from ..weights import find

    width = max(map(len, ARCHITECTURES))
    found = {name: find(net.files) for name, net in ARCHITECTURES.items()}
    return [f"{name:<{width}}  {path or 'not found'}" for name, path in found.items()]


def print_path(arguments: argparse.Namespace) -> None:
    """Print the folders in the order in which they are searched."""
    from ..weights import search_path

    for folder in search_path():
        print(folder if folder.is_dir() else f"{folder} (no such folder)")


def get_file(arguments: argparse.Namespace) -> None:
    """Download a published file; where nobody publishes one, say what to put where."""
    from ..weights import PUBLISHED, cache_folder, fetch, find

    name = arguments.name
    if name in PUBLISHED:
        print(fetch(name))
        return
    if name not in ARCHITECTURES:
        names = [*PUBLISHED, *(n for n in ARCHITECTURES if n not in PUBLISHED)]
        raise UnknownName(f"no weights named {name!r}; there are {', '.join(names)}{did_you_mean(name, names)}")
    files = ARCHITECTURES[name].files
    found = find(files)
    if found is None:
        raise DownloadError(
            f"minivis knows no address for the weights of {name}: put {' or '.join(files)} into {cache_folder()}"
        )
    print(found)


def verify_file(arguments: argparse.Namespace) -> None:
    """Print what a file is; raise `WeightFileError`, which is exit code 2, unless a net can load it."""
    from ..weights import identify

    net, problem = _net_of(arguments)
    with pass_bar("B") as progress:
        expected = net.parameters if net else None
        report = identify(arguments.file, expected, layout=arguments.layout, progress=progress)
    print(f"file    {report.path}, {report.bytes:,} bytes")
    print(f"sha256  {report.sha256}")
    print(f"origin  {report.origin}")
    print(f"layout  {report.layout or 'none that minivis reads'}")
    if report.rows:
        print(f"rows    {_rows_line(report.rows, net)}")
    if not report.loads or net is None:
        raise WeightFileError(report.why or problem)
    print(f"loads   yes, as {net.name}")


def convert_file(arguments: argparse.Namespace) -> None:
    """Write a file in minivis's own layout, with the net it is for if that is known."""
    from ..weights import Preprocessing, convert, open_weights, preprocessing_attributes

    net, _ = _net_of(arguments)
    attributes: dict[str, Any] = {"architecture": net.name} if net else {}
    if net and open_weights(arguments.file, layout=arguments.layout).preprocessing is None:  # then the net's own
        own = net.normalize
        told = Preprocessing(own.order, own.scale, own.mean, own.std or (1.0,) * len(own.mean))
        attributes |= preprocessing_attributes(told)
    with pass_bar("row") as progress:
        path = convert(
            arguments.file,
            Path(arguments.out),
            net.parameters if net else None,
            attributes=attributes,
            dtype="float16" if arguments.float16 else "float32",
            layout=arguments.layout,
            progress=progress,
        )
    print(path)


def _net_of(arguments: argparse.Namespace) -> tuple[Architecture | None, str]:
    """Return the net that a file is for, or None and why not."""
    from ..weights import open_weights

    if arguments.net:
        return architecture(arguments.net), ""
    try:
        return architecture_of(open_weights(arguments.file, layout=arguments.layout)), ""
    except WeightFileError as error:
        return None, str(error)


def _rows_line(rows: tuple[str, ...], net: Architecture | None) -> str:
    if net is None:
        return f"{len(rows)}: {', '.join(rows)}"
    missing = [row for row in net.parameters if row not in rows]
    there = f"{len(rows)} of {len(net.parameters)} of {net.name}, {rows[0]} to {rows[-1]}"
    return f"{there}; missing: {', '.join(missing)}" if missing else there
