"""Typical wrong answers to lesson 15: EXERCISE__WHAT_IS_WRONG."""

import numpy as np


def weighted_maps__no_relu(maps, slopes):
    return (maps * slopes.mean((0, 1))).sum(-1)


def weighted_maps__accumulator_started_at_ones(maps, slopes):
    return np.maximum(1 + (maps * slopes.mean((0, 1))).sum(-1), 0)


def weighted_maps__relu_of_the_weights(maps, slopes):
    return (maps * np.maximum(slopes.mean((0, 1)), 0)).sum(-1)


def weighted_maps__normalised_before_relu(maps, slopes):
    heat = (maps * slopes.mean((0, 1))).sum(-1)
    return np.maximum((heat - heat.min()) / max(np.ptp(heat), 1e-12), 0)


def weighted_maps__divided_by_the_largest_slope(maps, slopes):
    return np.maximum((maps * (slopes / slopes.max()).mean((0, 1))).sum(-1), 0)


def weighted_maps__sum_for_mean(maps, slopes):
    return np.maximum((maps * slopes.sum((0, 1))).sum(-1), 0)


def weighted_maps__not_averaged(maps, slopes):
    return np.maximum((maps * slopes).sum(-1), 0)


def weighted_maps__sign_flipped(maps, slopes):
    return np.maximum(-(maps * slopes.mean((0, 1))).sum(-1), 0)


def weighted_maps__mean_over_the_maps(maps, slopes):
    return np.maximum((maps * slopes.mean((0, 1))).mean(-1), 0)


def weighted_maps__mean_over_the_wrong_axes(maps, slopes):
    return np.maximum((maps * slopes.mean(-1, keepdims=True)).sum(-1), 0)


def weighted_maps__absolute_value(maps, slopes):
    return np.abs((maps * slopes.mean((0, 1))).sum(-1))


def weighted_maps__scaled_to_one(maps, slopes):
    heat = np.maximum((maps * slopes.mean((0, 1))).sum(-1), 0)
    return heat / max(heat.max(), 1e-12)


def weighted_maps__in_place(maps, slopes):
    maps *= slopes.mean((0, 1))
    return np.maximum(maps.sum(-1), 0)


def enlarged__nearest(values, size):
    return values[np.arange(size) * len(values) // size]


def enlarged__corners_aligned(values, size):
    return np.interp(np.linspace(0, len(values) - 1, size), np.arange(len(values)), values)


def enlarged__no_half(values, size):
    return np.interp(np.arange(size) * len(values) / size, np.arange(len(values)), values)


def enlarged__continued_outside(values, size):
    at = (np.arange(size) + 0.5) * len(values) / size - 0.5
    if len(values) == 1:
        return np.full(size, values[0])
    low = np.clip(np.floor(at).astype(int), 0, len(values) - 2)
    return values[low] + (at - low) * (values[low + 1] - values[low])


def enlarged__zero_outside(values, size):
    at = (np.arange(size) + 0.5) / size
    return np.interp(at, (np.arange(len(values)) + 0.5) / len(values), values, left=0, right=0)


def enlarged__off_by_half(values, size):
    at = (np.arange(size) + 0.5) / size
    return np.interp(at, (np.arange(len(values)) + 1.0) / len(values), values)


def _p(scores):
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def caption_seed__of_the_scores(scores, words):
    return np.eye(scores.shape[1])[words]


def caption_seed__sign_flipped(scores, words):
    return _p(scores) - np.eye(scores.shape[1])[words]


def caption_seed__of_the_probabilities(scores, words):
    p = _p(scores)
    chosen = np.take_along_axis(p, words[:, None], 1)
    return chosen * (np.eye(scores.shape[1])[words] - p)


def caption_seed__batch_mean(scores, words):
    return (np.eye(scores.shape[1])[words] - _p(scores)) / len(scores)


def caption_seed__softmax_over_all_steps(scores, words):
    p = _p(scores.reshape(-1)).reshape(scores.shape)
    return np.eye(scores.shape[1])[words] - p


def caption_seed__softmax_over_the_steps(scores, words):
    return np.eye(scores.shape[1])[words] - _p(scores.T).T


def caption_seed__only_the_words(scores, words):
    one = np.eye(scores.shape[1])[words]
    return one * (1 - _p(scores))


def caption_seed__last_word_only(scores, words):
    seed = np.eye(scores.shape[1])[words] - _p(scores)
    seed[:-1] = 0
    return seed


def caption_seed__overflows(scores, words):
    with np.errstate(all="ignore"):
        p = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    return np.eye(scores.shape[1])[words] - p
