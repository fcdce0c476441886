"""Solutions to lesson 16."""

import numpy as np


def covered_picture(picture, top, left, height, width, colour):
    """Cut off what is negative, of the start and of the end; what is too large a slice cuts off by itself."""
    covered = picture.copy()
    covered[max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)] = colour
    return covered


def outputs_changed(start, stop, kernel, stride, padding, size):
    """The first that ends at or after the start, and the last that begins before the stop."""
    first = -((kernel - 1 - padding - start) // stride)  # rounded up
    last = (stop - 1 + padding) // stride
    return max(first, 0), min(last + 1, size)


def map_per_pixel(drops, corners, window, height, width):
    """Add up drops and squares, then divide."""
    total, count = np.zeros((2, height, width))
    for drop, (top, left) in zip(drops, corners, strict=True):
        total[top : top + window, left : left + window] += drop
        count[top : top + window, left : left + window] += 1
    return total / np.maximum(count, 1)
