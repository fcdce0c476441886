"""Solutions to lesson 20."""

import numpy as np


def k_means_round(points, centres):
    """All distances at once; an empty group keeps its centre."""
    group = ((points[:, None] - centres) ** 2).sum(2).argmin(1)
    moved = [points[group == j].mean(0) if (group == j).any() else centre for j, centre in enumerate(centres)]
    return group, np.array(moved)


def facet_start(pictures, codes, group, j, nearest):
    """Distances are those of codes, the mean is that of pictures."""
    own = np.flatnonzero(group == j)
    apart = ((codes[own] - codes[own].mean(0)) ** 2).sum(1)
    return pictures[own[np.argsort(apart)[:nearest]]].mean(0)


def schedule(a, b, n):
    """n values have n - 1 stages between them."""
    return a + (b - a) * np.arange(n) / (n - 1)
