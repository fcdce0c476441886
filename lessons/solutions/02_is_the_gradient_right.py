"""Solutions to lesson 2."""

import numpy as np


def central_difference(f, x, i, h):
    """One element moves, by h to either side."""
    step = np.zeros(x.shape)
    step[i] = h
    return (f(x + step) - f(x - step)) / (2 * h)


def log_softmax_rule(g, y):
    """Every output contains every input, through the sum."""
    return g - np.exp(y) * g.sum()


def looks_right(f, back, x):
    """<g, J v> by differences against <J' g, v> by the rule, for random g and v."""
    rng, h = np.random.default_rng(0), 1e-6
    v, g = rng.normal(size=x.shape), rng.normal(size=f(x).shape)
    by_nudging = (g * (f(x + h * v) - f(x - h * v))).sum() / (2 * h)
    by_walking = (back(g, x) * v).sum()
    return bool(abs(by_nudging - by_walking) < 1e-6 * max(abs(by_nudging), abs(by_walking)))
