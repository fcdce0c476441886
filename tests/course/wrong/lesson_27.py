"""Typical wrong answers to lesson 27: EXERCISE__WHAT_IS_WRONG."""

import numpy as np


def share_of_variance__not_centred(points, count):
    variances = np.linalg.svd(points, compute_uv=False) ** 2
    return variances[:count].sum() / variances.sum()


def share_of_variance__singular_values_not_squared(points, count):
    sizes = np.linalg.svd(points - points.mean(0), compute_uv=False)
    return sizes[:count].sum() / sizes.sum()


def share_of_variance__smallest_first(points, count):
    centred = points - points.mean(0)
    variances = np.linalg.eigvalsh(centred.T @ centred)
    return variances[:count].sum() / variances.sum()


def share_of_variance__the_first_columns(points, count):
    variances = points.var(0)
    return variances[:count].sum() / variances.sum()


def share_of_variance__one_component_only(points, count):
    variances = np.linalg.svd(points - points.mean(0), compute_uv=False) ** 2
    return variances[count - 1] / variances.sum()


def _gradient(p, y, factor=4.0, heavy=True):
    apart = y[:, None] - y
    w = 1 / (1 + (apart**2).sum(-1))
    np.fill_diagonal(w, 0)
    return factor * (((p - w / w.sum()) * (w if heavy else 1))[:, :, None] * apart).sum(1)


def map_gradient__without_the_four(p, y):
    return _gradient(p, y, factor=1.0)


def map_gradient__sign_flipped(p, y):
    return -_gradient(p, y)


def map_gradient__the_weight_forgotten(p, y):
    return _gradient(p, y, heavy=False)


def map_gradient__self_counted_in_the_sum(p, y):
    apart = y[:, None] - y
    w = 1 / (1 + (apart**2).sum(-1))
    return 4 * (((p - w / w.sum()) * w)[:, :, None] * apart).sum(1)


def map_gradient__sum_over_the_wrong_points(p, y):
    apart = y[:, None] - y
    w = 1 / (1 + (apart**2).sum(-1))
    np.fill_diagonal(w, 0)
    return 4 * (((p - w / w.sum()) * w)[:, :, None] * apart).sum(0)


def map_gradient__each_row_normalised(p, y):
    apart = y[:, None] - y
    w = 1 / (1 + (apart**2).sum(-1))
    np.fill_diagonal(w, 0)
    return 4 * (((p - w / w.sum(1, keepdims=True)) * w)[:, :, None] * apart).sum(1)


def shortest_paths__one_step_only(lengths):
    return np.minimum(lengths, (lengths[:, :, None] + lengths).min(1))


def shortest_paths__as_given(lengths):
    return lengths


def shortest_paths__through_the_last_only(lengths):
    paths = lengths.copy()
    for via in range(len(paths)):
        found = np.minimum(lengths, lengths[:, via : via + 1] + lengths[via])
    return found


def shortest_paths__longest(lengths):
    paths = lengths.copy()
    for via in range(len(paths)):
        paths = np.maximum(paths, paths[:, via : via + 1] + paths[via])
    return paths


def shortest_paths__in_place(lengths):
    for via in range(len(lengths)):
        np.minimum(lengths, lengths[:, via : via + 1] + lengths[via], out=lengths)
    return lengths


def shortest_paths__number_of_joints(lengths):
    steps = np.where(np.isinf(lengths) | (lengths == 0), lengths, 1.0)
    for via in range(len(steps)):
        steps = np.minimum(steps, steps[:, via : via + 1] + steps[via])
    return steps
