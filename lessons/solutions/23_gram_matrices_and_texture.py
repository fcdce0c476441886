"""Solutions to lesson 23."""

import numpy as np


def mean_gram(maps):
    """One line for each channel, one column for each place."""
    F = maps.reshape(len(maps), -1)
    return F @ F.T / F.shape[1]


def other_style_slope(F, wanted):
    """2 (G - wanted) / N² from the square; F enters G twice, over N M."""
    M, N = F.shape
    G = F.T @ F / (N * M)
    return 4 * F @ (G - wanted) / (N**3 * M)


def equal_say(wanted, places):
    """One over what each row would contribute, and over how many rows there are."""
    losses = [(G**2).sum() / (4 * len(G) ** 2 * M**2) for G, M in zip(wanted, places, strict=True)]
    return 1 / (len(losses) * np.array(losses))
