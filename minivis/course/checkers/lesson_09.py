"""Lesson 9: patches and receptive fields."""

import numpy as np

from ..judging import Answer, exercise, parts, same


@exercise
def receptive_span(answer: Answer) -> None:
    """Which pixels a unit can see."""
    convolution, pool = (3, 1, 1), (2, 2, 0)
    for what, windows, i in (
        ("no rows at all: the pixel itself", [], 4),
        ("one convolution of 3 with padding 1", [convolution], 4),
        ("the same, at the edge", [convolution], 0),
        ("one pool of 2", [pool], 3),
        ("two convolutions", [convolution, convolution], 5),
        ("a convolution, then a pool", [convolution, pool], 2),
        ("a pool, then a convolution", [pool, convolution], 2),
        ("a convolution of 5 without padding", [(5, 1, 0)], 3),
        ("a convolution of 7 with stride 2 and padding 3, then a pool of 3 with stride 2", [(7, 2, 3), (3, 2, 0)], 3),
    ):
        seen = {i}
        for kernel, stride, padding in windows[::-1]:  # all places one by one
            seen = {place * stride - padding + tap for place in seen for tap in range(kernel)}
        first, end = parts(answer(list(windows), i), 2)
        same(f"{what}; unit {i}, the first pixel", first, min(seen))
        same(f"{what}; unit {i}, one after the last pixel", end, max(seen) + 1)


@exercise
def strongest_places(answer: Answer) -> None:
    """The pictures that excite a unit most."""
    maps = np.zeros((4, 2, 3))
    maps[0, 1, 2], maps[1, 0, 1], maps[2, 1, 0], maps[3, 0, 0] = 2, 5, 3, 1
    given = maps.copy()
    pictures, places = parts(answer(given, 3), 2)
    same("the maps that were given have not changed", given, maps)
    same("largest values 2, 5, 3, 1: the pictures", pictures, [1, 2, 0])
    same("their places, row and column", places, [[0, 1], [1, 0], [1, 2]])
    crowded = maps.copy()
    crowded[1] = 4.5 + maps[1] / 10
    pictures, places = parts(answer(crowded, 2), 2)
    same("one picture has the six largest values of all: it counts once", pictures, [1, 2])
    equal = np.ones((3, 2, 2))
    equal[2, 0, 1] = 7
    pictures, places = parts(answer(equal, 3), 2)
    same("among equal pictures the earlier one comes first", pictures, [2, 0, 1])
    same("among equal places the first one", places, [[0, 1], [0, 0], [0, 0]])
    pictures, places = parts(answer(-1 - maps[:2], 2), 2)
    same("values that are all negative: the largest is the one nearest to 0", pictures, [0, 1])
    many = np.random.default_rng(1).normal(size=(40, 5, 7))
    pictures, places = parts(answer(many.copy(), 9), 2)
    best = sorted(range(40), key=lambda n: -many[n].max())[:9]
    same("40 random maps: the pictures", pictures, best)
    same("40 random maps: the places", places, [np.argwhere(many[n] == many[n].max())[0] for n in best])


@exercise
def patch_of(answer: Answer) -> None:
    """Cut out a patch that may overhang."""
    rng = np.random.default_rng(2)
    picture, colour = rng.uniform(0, 255, size=(6, 9, 3)), np.array([10.0, 20.0, 30.0])
    given = picture.copy()
    cut = np.array(answer(given, 1, 2, 3, colour.copy()), dtype=float)
    same("inside the picture", cut, picture[1:4, 2:5])
    for what, (top, left, size) in {
        "overhanging above": (-2, 3, 4),
        "overhanging on the left": (1, -1, 3),
        "overhanging below": (4, 2, 5),
        "overhanging on the right": (0, 7, 4),
        "larger than the picture": (-3, -2, 14),
        "only the last pixel": (5, 8, 3),
        "only the first pixel": (-2, -2, 3),
    }.items():
        wanted = np.empty((size, size, 3))
        for i in range(size):
            for j in range(size):
                there = 0 <= top + i < 6 and 0 <= left + j < 9
                wanted[i, j] = picture[top + i, left + j] if there else colour
        same(f"{what}: top {top}, left {left}, size {size}", answer(given, top, left, size, colour.copy()), wanted)
    same("the picture that was given has not changed", given, picture)
