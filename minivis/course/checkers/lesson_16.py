"""Lesson 16: occlusion."""

import numpy as np

from ..judging import Answer, Wrong, exercise, numbers, parts, same


@exercise
def covered_picture(answer: Answer) -> None:
    """Cover a part of a picture."""
    rng = np.random.default_rng(1)
    picture, colour = rng.uniform(1, 255, size=(5, 7, 3)), np.array([10.0, 20.0, 30.0])
    given = picture.copy()
    found = answer(given, 1, 2, 3, 4, colour.copy())
    same("the picture that was given has not changed", given, picture)
    for place, (top, left, height, width) in {
        "inside": (1, 2, 3, 4),
        "overhanging above": (-2, 1, 4, 2),
        "overhanging on the left": (1, -1, 2, 3),
        "overhanging below and on the right": (3, 5, 6, 6),
        "larger than the picture": (-3, -3, 20, 20),
        "outside altogether, above": (-4, 0, 2, 3),
        "outside altogether, on the right": (0, 9, 2, 3),
    }.items():
        wanted = picture.copy()
        for i in range(top, top + height):
            for j in range(left, left + width):
                if 0 <= i < 5 and 0 <= j < 7:
                    wanted[i, j] = colour
        found = answer(picture.copy(), top, left, height, width, colour.copy())
        same(f"a rectangle {place}: top {top}, left {left}, {height} x {width}", found, wanted)


@exercise
def outputs_changed(answer: Answer) -> None:
    """Which outputs a change reaches."""
    for what, case in {
        "a row that reads place by place (kernel 1)": (3, 6, 1, 1, 0, 10),
        "a convolution of 3, padding 1": (4, 6, 3, 1, 1, 10),
        "the same at the left edge": (0, 2, 3, 1, 1, 10),
        "the same at the right edge": (8, 10, 3, 1, 1, 10),
        "a pool of 2, the change begins within a window": (3, 6, 2, 2, 0, 5),
        "a pool of 2, the change fits the windows": (4, 8, 2, 2, 0, 5),
        "a pool of 3 with stride 2": (4, 5, 3, 2, 0, 5),
        "a kernel of 7, stride 2, padding 3": (9, 12, 7, 2, 3, 10),
        "a convolution of 5 without padding": (6, 7, 5, 1, 0, 6),
    }.items():
        start, stop, kernel, stride, padding, size = case
        reads = [
            i for i in range(size) if any(start <= i * stride - padding + tap < stop for tap in range(kernel))
        ]  # by trying all outputs
        first, end = parts(answer(*case), 2)
        told = f"{what}: places {start} .. {stop - 1} change, kernel {kernel}, stride {stride}, padding {padding}"
        same(f"{told}; the first output changed", first, reads[0])
        same(f"{told}; one after the last output changed", end, reads[-1] + 1)


@exercise
def map_per_pixel(answer: Answer) -> None:
    """From drops per square to a map."""
    corners = np.array([(i, j) for i in range(0, 7, 2) for j in range(0, 5, 2)])
    ones = answer(np.ones(len(corners)), corners.copy(), 4, 10, 8)
    same("every square has the drop 1: the map is 1 everywhere", ones, np.ones((10, 8)))
    alone = numbers("one square", answer(np.array([0.5]), np.array([(1, 2)]), 2, 4, 6))
    wanted = np.zeros((4, 6))
    wanted[1:3, 2:4] = 0.5
    same("one square: its drop under it, 0 elsewhere", alone, wanted)
    two = answer(np.array([1.0, -3.0]), np.array([(0, 0), (0, 1)]), 2, 2, 3)
    same("two squares that share a column, drops 1 and -3", two, [[1.0, -1, -3], [1, -1, -3]])
    drops = np.random.default_rng(2).normal(size=len(corners))
    found = numbers("random drops", answer(drops.copy(), corners.copy(), 4, 10, 8))
    for place in ((0, 0), (4, 3), (9, 7)):
        over = [k for k, (i, j) in enumerate(corners) if i <= place[0] < i + 4 and j <= place[1] < j + 4]
        if found.shape != (10, 8):
            raise Wrong("the shape of the map (height, width)", (10, 8), found.shape)
        same(f"pixel {place}, which {len(over)} squares cover", found[place], drops[over].mean())
    mixed = numbers("the order", answer(drops[::-1].copy(), corners[::-1].copy(), 4, 10, 8))
    same("the order of the squares does not matter", mixed, found)
