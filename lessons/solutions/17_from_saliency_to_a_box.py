"""Solutions to lesson 17."""

import numpy as np


def box_overlap(a, b):
    """The intersection is a box too, unless a side of it is negative."""
    width = max(0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0, min(a[3], b[3]) - max(a[1], b[1]))
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return width * height / (sum(areas) - width * height)


def cost_of_cut(mask, unary, price):
    """Compare the mask with itself, moved by one."""
    parted = (mask[:, 1:] != mask[:, :-1]).sum() + (mask[1:] != mask[:-1]).sum()
    return unary[mask].sum() + price * parted


def largest_part(mask):
    """Flood each part, and keep the largest."""
    left, best = mask.copy(), np.zeros(mask.shape, bool)
    for start in zip(*np.nonzero(mask), strict=True):
        part, waiting = np.zeros(mask.shape, bool), [start]
        while waiting:
            i, j = waiting.pop()
            if 0 <= i < mask.shape[0] and 0 <= j < mask.shape[1] and left[i, j]:
                left[i, j], part[i, j] = False, True
                waiting += [(i + 1, j), (i - 1, j), (i, j + 1), (i, j - 1)]
        if part.sum() > best.sum():
            best = part
    return best
