"""Solutions to lesson 30."""

import numpy as np


def two_results(d, g):
    """Winograd's F(2, 3)."""
    d0, d1, d2, d3 = d
    g0, g1, g2 = g
    m1 = (d0 - d2) * g0
    m2 = (d1 + d2) * (0.5 * (g0 + g1 + g2))
    m3 = (d2 - d1) * (0.5 * (g0 - g1 + g2))
    m4 = (d1 - d3) * g2
    return m1 + m2 + m3, m2 - m3 - m4


def share_of_products(height, width, m, r):
    """Whole tiles, (m + r - 1) squared products each."""
    tiles = -(-height // m) * -(-width // m)
    return tiles * (m + r - 1) ** 2 / (height * width * r**2)


def reported_ratio(ours, theirs):
    """Medians, without the warm-up."""
    return float(np.median(ours[1:]) / np.median(theirs[1:]))
