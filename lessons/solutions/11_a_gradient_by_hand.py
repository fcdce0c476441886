"""Solutions to lesson 11."""

import numpy as np


def paper_gradient(a, b):
    """The sum over the open paths."""
    to_h1, to_h2, to_h3 = -4, 1, 1
    if 2 * a + b > max(3 * b - a, 0):
        to_h3 = 0
    else:
        to_h2 = 0
    to_h1 *= a - 2 * b > 0
    to_h2 *= 2 * a + b > 0
    to_h3 *= 3 * b - a > 0
    return to_h1 + 2 * to_h2 - to_h3, -2 * to_h1 + to_h2 + 3 * to_h3


def maximum_rules(g, a, b):
    """All of g to the winner."""
    return np.where(a >= b, g, 0), np.where(a >= b, 0, g)


def contributions_of_locations(g, kernel, i, j):
    """Location (u, v) reads the pixel through the kernel's element (i - u, j - v), if there is one."""
    found = np.zeros(g.shape)
    for u in range(max(0, i - kernel.shape[0] + 1), min(i + 1, g.shape[0])):
        for v in range(max(0, j - kernel.shape[1] + 1), min(j + 1, g.shape[1])):
            found[u, v] = g[u, v] * kernel[i - u, j - v]
    return found
