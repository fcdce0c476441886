"""Typical wrong answers to lesson 19: EXERCISE__WHAT_IS_WRONG."""

import numpy as np


def best_under_l2__forgets_the_two(w, weight):
    return w / weight, (w**2).sum() / (4 * weight)


def best_under_l2__height_without_the_penalty(w, weight):
    return w / (2 * weight), (w**2).sum() / (2 * weight)


def best_under_l2__sign_flipped(w, weight):
    return -w / (2 * weight), (w**2).sum() / (4 * weight)


def best_under_l2__times_the_weight(w, weight):
    x = 2 * weight * w
    return x, (w * x).sum() - weight * (x**2).sum()


def best_under_l2__unit_length(w, weight):
    x = w / np.sqrt((w**2).sum())
    return x, (w * x).sum() - weight


def best_under_l2__only_where(w, weight):
    return w / (2 * weight)


def _level(scores, label):
    others = np.delete(scores, label)
    return others.max() + np.log(np.exp(others - others.max()).sum())


def log_odds_parts__rivals_sign_flipped(before, after, label):
    return after[label] - before[label], _level(after, label) - _level(before, label)


def log_odds_parts__own_sign_flipped(before, after, label):
    return before[label] - after[label], _level(before, label) - _level(after, label)


def log_odds_parts__all_classes_as_rivals(before, after, label):
    def level(s):
        return s.max() + np.log(np.exp(s - s.max()).sum())

    return after[label] - before[label], level(before) - level(after)


def log_odds_parts__strongest_rival_only(before, after, label):
    return after[label] - before[label], np.delete(before, label).max() - np.delete(after, label).max()


def log_odds_parts__mean_of_rivals(before, after, label):
    return after[label] - before[label], np.delete(before, label).mean() - np.delete(after, label).mean()


def log_odds_parts__softmax_instead_of_score(before, after, label):
    p, q = (np.exp(s - s.max()) / np.exp(s - s.max()).sum() for s in (before, after))
    return q[label] - p[label], p[label] - q[label]


def log_odds_parts__overflows(before, after, label):
    with np.errstate(all="ignore"):
        rivals = np.log(np.exp(np.delete(before, label)).sum()) - np.log(np.exp(np.delete(after, label)).sum())
    return after[label] - before[label], rivals


def without_small_contributions__small_gradients(x, g, percentile):
    size = (g**2).sum(-1)
    return np.where((size < np.percentile(size, percentile))[..., None], 0, x)


def without_small_contributions__small_values(x, g, percentile):
    size = (x**2).sum(-1)
    return np.where((size < np.percentile(size, percentile))[..., None], 0, x)


def without_small_contributions__size_before_the_sum(x, g, percentile):
    size = abs(x * g).sum(-1)
    return np.where((size < np.percentile(size, percentile))[..., None], 0, x)


def without_small_contributions__signed(x, g, percentile):
    size = (x * g).sum(-1)
    return np.where((size < np.percentile(size, percentile))[..., None], 0, x)


def without_small_contributions__each_colour_by_itself(x, g, percentile):
    size = abs(x * g)
    return np.where(size < np.percentile(size, percentile), 0, x)


def without_small_contributions__keeps_the_small(x, g, percentile):
    size = abs((x * g).sum(-1))
    return np.where((size >= np.percentile(size, percentile))[..., None], 0, x)


def without_small_contributions__in_place(x, g, percentile):
    size = abs((x * g).sum(-1))
    x[size < np.percentile(size, percentile)] = 0
    return x
