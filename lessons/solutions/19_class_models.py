"""Solutions to lesson 19."""

import numpy as np


def best_under_l2(w, weight):
    """The slope w - 2 weight x is 0 at x = w / (2 weight)."""
    return w / (2 * weight), (w**2).sum() / (4 * weight)


def log_odds_parts(before, after, label):
    """The rivals' part is the fall of the logarithm of the sum of their exponentials."""
    levels = []
    for scores in (before, after):
        others = np.delete(scores, label)
        levels.append(others.max() + np.log(np.exp(others - others.max()).sum()))
    return after[label] - before[label], levels[0] - levels[1]


def without_small_contributions(x, g, percentile):
    """First the sum over colours, then its size."""
    contribution = abs((x * g).sum(-1))
    return np.where((contribution < np.percentile(contribution, percentile))[..., None], 0, x)
