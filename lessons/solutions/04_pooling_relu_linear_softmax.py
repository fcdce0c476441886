"""Solutions to lesson 4."""

import numpy as np


def relu_rule(g, y):
    """The output is positive exactly where the input was."""
    return g * (y > 0)


def max_pool_rule(g, x):
    """Each g goes to the first of the largest."""
    gx = np.zeros(x.shape)
    for i in range(g.shape[0]):
        for j in range(g.shape[1]):
            row, column = divmod(x[2 * i : 2 * i + 2, 2 * j : 2 * j + 2].argmax(), 2)
            gx[2 * i + row, 2 * j + column] = g[i, j]
    return gx


def linear_rules(g, x, weights):
    """Weights and bias are used for every picture, so their shares add up over the batch."""
    return g @ weights.T, x.T @ g, g.sum(axis=0)
