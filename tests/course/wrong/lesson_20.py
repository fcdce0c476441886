"""Typical wrong answers to lesson 20: EXERCISE__WHAT_IS_WRONG."""

import numpy as np


def k_means_round__never_moves(points, centres):
    return ((points[:, None] - centres) ** 2).sum(2).argmin(1), centres


def k_means_round__farthest(points, centres):
    group = ((points[:, None] - centres) ** 2).sum(2).argmax(1)
    moved = [points[group == j].mean(0) if (group == j).any() else centre for j, centre in enumerate(centres)]
    return group, np.array(moved)


def k_means_round__empty_goes_to_zero(points, centres):
    group = ((points[:, None] - centres) ** 2).sum(2).argmin(1)
    moved = [points[group == j].sum(0) / max(1, (group == j).sum()) for j in range(len(centres))]
    return group, np.array(moved)


def k_means_round__inner_product(points, centres):
    group = (points @ centres.T).argmax(1)
    moved = [points[group == j].mean(0) if (group == j).any() else centre for j, centre in enumerate(centres)]
    return group, np.array(moved)


def k_means_round__only_groups(points, centres):
    return ((points[:, None] - centres) ** 2).sum(2).argmin(1)


def facet_start__mean_of_all_members(pictures, codes, group, j, nearest):
    return pictures[group == j].mean(0)


def facet_start__numbers_within_the_group(pictures, codes, group, j, nearest):
    own = codes[group == j]
    return pictures[np.argsort(((own - own.mean(0)) ** 2).sum(1))[:nearest]].mean(0)


def facet_start__farthest(pictures, codes, group, j, nearest):
    own = np.flatnonzero(group == j)
    apart = ((codes[own] - codes[own].mean(0)) ** 2).sum(1)
    return pictures[own[np.argsort(-apart)[:nearest]]].mean(0)


def facet_start__nearest_of_all_groups(pictures, codes, group, j, nearest):
    apart = ((codes - codes[group == j].mean(0)) ** 2).sum(1)
    return pictures[np.argsort(apart)[:nearest]].mean(0)


def facet_start__mean_over_colours_too(pictures, codes, group, j, nearest):
    return pictures[group == j].mean()


def schedule__parenthesis(a, b, n):
    i = np.arange(n)
    return a - (a - b * i) / n


def schedule__one_stage_too_many(a, b, n):
    return a + (b - a) * np.arange(n) / n


def schedule__backwards(a, b, n):
    return b + (a - b) * np.arange(n) / (n - 1)


def schedule__in_equal_ratios(a, b, n):
    return abs(a) * (abs(b) / abs(a)) ** (np.arange(n) / (n - 1))
