"""A small network, and folders of small pictures, for the tests of codes and patches."""

import numpy as np

from minivis.nets import Net
from minivis.nets.architecture import Architecture, initial_weights
from minivis.nets.layers import Conv, Input, Linear, MaxPool, Normalize, ReLU, Softmax
from minivis.pictures import save_picture

SMALL = Architecture(
    "small",
    (
        ("input", Input(20)),
        ("normalize", Normalize((120.0, 110.0, 100.0), scale=0.02)),
        ("conv1", Conv(5, 3, padding=1)),
        ("relu1", ReLU()),
        ("pool1", MaxPool(2, 2)),
        ("conv2", Conv(7, 3, padding=1)),
        ("relu2", ReLU()),
        ("fc", Linear(4)),
        ("prob", Softmax()),
    ),
    ("a", "b", "c", "d"),
    "relu2",
)
ROWS = ("relu1", "relu2", "fc")


def small_net(seed=0, dtype=np.float32):
    return Net(SMALL, initial_weights(SMALL, np.random.default_rng(seed), dtype), dtype=dtype)


def make_pictures(folder, count, seed=0, first=0):
    """Write `count` PNGs in two subfolders; some are equal, so that there are ties."""
    rng = np.random.default_rng(seed)
    for i in range(first, first + count):
        picture = rng.integers(0, 256, (24, 30, 3), dtype=np.uint8)
        if i % 5 == 4:
            picture[:] = 80
        where = folder / ("one" if i % 2 else "two")
        where.mkdir(parents=True, exist_ok=True)
        save_picture(where / f"{i:04d}.png", picture)
    return folder


def make_bad(folder):
    """Write files that cannot be used, and return their names."""
    (folder / "two" / "empty.png").touch()
    (folder / "two" / "page.jpg").write_text("<!doctype html><p>")
    whole = next((folder / "two").glob("0*.png")).read_bytes()
    (folder / "two" / "cut.png").write_bytes(whole[: len(whole) // 2])
    save_picture(folder / "two" / "tiny.png", np.zeros((3, 50, 3), np.uint8))
    (folder / "notes.txt").write_text("notes")
    (folder / ".hidden.png").touch()
    return ["two/cut.png", "two/empty.png", "two/page.jpg", "two/tiny.png"]
