"""Solutions to lesson 13."""

import numpy as np


def guided_relu(R, X):
    """Both questions."""
    return R * (R > 0) * (X > 0)


def positive_paths(x, W, b, v):
    """Clip the edges, keep the gates of the gradient."""
    return W.clip(0) @ (v.clip(0) * (x @ W + b > 0))


def guided_by_hand(x, W, b, V, c, U, label):
    """The scores have no ReLU, and neither has x."""
    at_h = x @ W + b
    at_k = np.maximum(at_h, 0) @ V + c
    down = V @ guided_relu(U[:, label], at_k)
    return W @ guided_relu(down, at_h)
