"""Lesson 17: from saliency to a box."""

import numpy as np

from ..judging import Answer, exercise, same


@exercise
def box_overlap(answer: Answer) -> None:
    """The intersection over the union."""
    same("a box with itself", answer((1, 2, 5, 9), (1, 2, 5, 9)), 1.0)
    same("the left half of a box", answer((0, 0, 2, 3), (0, 0, 4, 3)), 0.5)
    same("the upper half of a box", answer((0, 0, 4, 3), (0, 0, 4, 6)), 0.5)
    same("2 x 2 shared by a 4 x 4 and a 4 x 4", answer((0, 0, 4, 4), (2, 2, 6, 6)), 4 / 28)
    same("a small box inside a large one", answer((0, 0, 10, 10), (3, 3, 5, 4)), 2 / 100)
    same("apart, side by side", answer((0, 0, 2, 2), (5, 0, 7, 2)), 0.0)
    same("apart, one above the other", answer((0, 0, 2, 2), (0, 3, 2, 6)), 0.0)
    same("apart in both directions", answer((0, 0, 2, 2), (5, 5, 9, 9)), 0.0)
    same("boxes that only touch", answer((0, 0, 2, 2), (2, 0, 4, 2)), 0.0)
    a, b = (0.5, 1, 7.25, 4), (3, -2, 9, 2.5)
    same("the order of the two does not matter", answer(b, a), answer(a, b))
    same("both moved by the same", answer(tuple(v - 20 for v in a), tuple(v - 20 for v in b)), answer(a, b))
    same("both three times as large", answer(tuple(3 * v for v in a), tuple(3 * v for v in b)), answer(a, b))


@exercise
def cost_of_cut(answer: Answer) -> None:
    """What a labelling costs."""
    rng = np.random.default_rng(1)
    unary, none = rng.normal(size=(4, 6)), np.zeros((4, 6), bool)
    same("the empty set costs nothing", answer(none.copy(), unary.copy(), 3.0), 0.0)
    same("all pixels: no pair is parted", answer(~none, unary.copy(), 3.0), unary.sum())
    one = none.copy()
    one[1, 2] = True
    same("one pixel inside, with four neighbours", answer(one.copy(), unary.copy(), 3.0), unary[1, 2] + 12)
    corner = none.copy()
    corner[0, 0] = True
    same("one pixel in the corner, with two", answer(corner.copy(), unary.copy(), 3.0), unary[0, 0] + 6)
    left = none.copy()
    left[:, :2] = True
    same("the two columns on the left: four pairs", answer(left.copy(), unary.copy(), 3.0), unary[:, :2].sum() + 12)
    top = left.T[:4, :4].copy()
    same(
        "the two rows at the top of 4 x 4: four pairs", answer(top, unary[:, :4].copy(), 3.0), unary[:2, :4].sum() + 12
    )
    mask = rng.random((4, 6)) < 0.5
    both = answer(mask.copy(), unary.copy(), 2.0)
    rest = answer(~mask, unary.copy(), 2.0)
    links = answer(mask.copy(), 0 * unary, 2.0)
    same("E(M) + E(rest) = all of unary + twice the links", both + rest, unary.sum() + 2 * links)
    same("links of price 0", answer(mask.copy(), unary.copy(), 0.0), unary[mask].sum())


@exercise
def largest_part(answer: Answer) -> None:
    """The largest connected part."""
    mask = np.array([[1, 1, 0, 0, 1], [0, 0, 1, 0, 1], [1, 0, 0, 0, 1], [1, 0, 1, 1, 1]], bool)
    wanted = np.zeros_like(mask)
    wanted[:, 4] = wanted[3, 2:] = True
    given = mask.copy()
    found = answer(given)
    same("the mask that was given has not changed", given, mask)
    same("parts of 2, 1, 2 and 6 pixels", found, wanted)
    corners = np.array([[1, 1, 0, 0], [1, 0, 1, 1], [0, 0, 1, 0]], bool)
    first_part = np.array([[1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]], bool)
    same("parts of 3 that touch at a corner are two, and the first one counts", answer(corners.copy()), first_part)
    spiral = np.array([[1, 1, 1, 1, 1], [0, 0, 0, 0, 1], [1, 1, 1, 0, 1], [1, 0, 0, 0, 1], [1, 1, 1, 1, 1]], bool)
    same("a spiral is one part", answer(spiral.copy()), spiral)
    edges = np.zeros((3, 5), bool)
    edges[:, 0] = edges[:2, 4] = True
    left = edges & (np.arange(5) < 2)
    same("the left and the right edge are no neighbours", answer(edges.copy()), left)
    same("nor are the upper and the lower", answer(edges.T.copy()), left.T)
    same("an empty mask stays empty", answer(np.zeros((3, 4), bool)), np.zeros((3, 4)))
    same("a full mask stays full", answer(np.ones((3, 4), bool)), np.ones((3, 4)))
