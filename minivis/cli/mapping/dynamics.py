"""`minivis dynamics`: what a training run has recorded, as curves and as a map of its codes through time."""

import argparse
from pathlib import Path
from typing import Any

from ..common import make_folder, progress

METHODS = ("pca", "tsne")


def add_commands(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "dynamics",
        parents=[shared],
        help="draw a recorded training run: curves, and a map of its codes through time",
        description="Draw what minivis train --record has recorded: curves.png, epochs.png, and the map as epochs.gif.",
    )
    parser.add_argument("record", metavar="RECORD", help="dynamics.npz in a run's work folder, or that folder")
    parser.add_argument(
        "--method", choices=METHODS, default="pca", help="of the map, one for all epochs (default: pca)"
    )
    parser.add_argument("--panels", type=int, default=12, help="epochs that epochs.png shows (default: 12)")
    parser.add_argument("--out", metavar="FOLDER", default="minivis-dynamics", help="default: minivis-dynamics")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Read the record, and draw it."""
    from ...drawing import save_figure
    from ...drawing.dynamics import dynamics_curves, epoch_maps, map_frames
    from ...representation.trajectories import some_epochs, trajectories
    from ...synthesis.recipes.animation import save_animation
    from ...training.dynamics import RECORD, load_record

    path = Path(arguments.record)
    record = load_record(path / RECORD if path.is_dir() else path)
    folder = make_folder(Path(arguments.out))
    save_figure(folder / "curves.png", dynamics_curves(record))
    print(folder / "curves.png")
    chosen = some_epochs(len(record.epochs), max(2, arguments.panels)).tolist()
    places = trajectories(record.codes, arguments.method)
    how = "the first two principal components" if arguments.method == "pca" else "one t-SNE map"
    note = f"{record.row} of {len(record.labels)} fixed pictures: {how} of the codes of all {len(record.epochs)} epochs"
    save_figure(folder / "epochs.png", epoch_maps(places, record, chosen, note=note))
    print(folder / "epochs.png")
    save_animation(folder / "epochs.gif", progress(map_frames(places, record), desc="frames"))
    print(folder / "epochs.gif")
