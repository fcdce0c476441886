"""Solutions to lesson 26."""

import numpy as np


def all_distances(a, b):
    """As floats, and by differences: nothing wraps, nothing cancels."""
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    return np.sqrt(((a[:, None] - b) ** 2).sum(-1))


def cosine_neighbours(points, k):
    """Points of length 1: the largest product is the smallest cosine distance."""
    unit = points / np.linalg.norm(points, axis=1, keepdims=True)
    distances = 1 - unit @ unit.T
    np.fill_diagonal(distances, np.inf)
    return distances.argsort(axis=1, kind="stable")[:, :k]


def vote(index, labels):
    """argmax takes the first of equals: count, for each neighbour in turn, how many have its class."""
    classes = np.asarray(labels)[index]
    counts = (classes[:, :, None] == classes[:, None]).sum(2)
    return classes[np.arange(len(classes)), counts.argmax(1)]
