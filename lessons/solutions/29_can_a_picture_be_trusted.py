"""Solutions to lesson 29."""

import numpy as np


def rank_correlation(a, b):
    """A rank is how many are smaller, and half of those that are equal."""
    ranks = []
    for values in (np.ravel(a), np.ravel(b)):
        ranks.append((values < values[:, None]).sum(1) + (values == values[:, None]).sum(1) / 2)
    return np.corrcoef(*ranks)[0, 1]


def pointing_rate(maps, masks):
    """All strongest pixels, and how many of them are inside."""
    strongest = maps == maps.max((1, 2), keepdims=True)
    return ((strongest & masks).sum((1, 2)) / strongest.sum((1, 2))).mean()


def cascade_tables(learnt, fresh):
    """Count rows from the end of the table, which is the top."""
    rows = list(learnt)
    return [
        {row: fresh[row] if row in rows[-count:] else learnt[row] for row in rows} for count in range(1, len(rows) + 1)
    ]
