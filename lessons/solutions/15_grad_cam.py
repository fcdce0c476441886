"""Solutions to lesson 15."""

import numpy as np


def weighted_maps(maps, slopes):
    """Average the slopes over the places, weight, add up, and only then the ReLU."""
    return np.maximum((maps * slopes.mean((0, 1))).sum(-1), 0)


def enlarged(values, size):
    """Interpolate between the middles; np.interp stays level outside."""
    count = len(values)
    return np.interp((np.arange(size) + 0.5) / size, (np.arange(count) + 0.5) / count, values)


def caption_seed(scores, words):
    """One at each word, minus the probabilities of its step."""
    powers = np.exp(scores - scores.max(1, keepdims=True))
    return np.eye(scores.shape[1])[words] - powers / powers.sum(1, keepdims=True)
