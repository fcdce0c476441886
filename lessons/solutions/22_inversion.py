"""Solutions to lesson 22."""

import numpy as np


def variation_gradient(x):
    """Each difference pulls on both of its ends."""
    g = np.zeros_like(x)
    down, across = 2 * np.diff(x, axis=0), 2 * np.diff(x, axis=1)
    g[1:] += down
    g[:-1] -= down
    g[:, 1:] += across
    g[:, :-1] -= across
    return g


def power_penalty(z, alpha):
    """The sign goes to the gradient, not into the power."""
    return (abs(z) ** alpha).sum(), alpha * abs(z) ** (alpha - 1) * np.sign(z)


def nearest_with_the_code(matrix, photo, start):
    """Add to the start what the rows see of the difference; the null space keeps what it had."""
    return start + np.linalg.pinv(matrix) @ (matrix @ (photo - start))
