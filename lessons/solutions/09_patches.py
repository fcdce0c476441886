"""Solutions to lesson 9."""

import numpy as np


def receptive_span(windows, i):
    """From the top row down."""
    first = last = i
    for kernel, stride, padding in reversed(windows):
        first, last = first * stride - padding, last * stride - padding + kernel - 1
    return first, last + 1


def strongest_places(maps, count):
    """Best place per picture first; then a stable sort of the pictures, so that equals keep their order."""
    flat = maps.reshape(len(maps), -1)
    pictures = np.argsort(-flat.max(1), kind="stable")[:count]
    return pictures, np.stack(np.divmod(flat.argmax(1)[pictures], maps.shape[2]), axis=1)


def patch_of(picture, top, left, size, colour):
    """A canvas of one colour, and what there is laid over it."""
    patch = np.empty((size, size, 3))
    patch[:] = colour
    inside = picture[max(top, 0) : top + size, max(left, 0) : left + size]
    down, right = max(-top, 0), max(-left, 0)
    patch[down : down + inside.shape[0], right : right + inside.shape[1]] = inside
    return patch
