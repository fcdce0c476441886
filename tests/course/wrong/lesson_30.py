"""Typical wrong answers to lesson 30: EXERCISE__WHAT_IS_WRONG."""

import numpy as np


def two_results__by_the_definition(d, g):
    return d[0] * g[0] + d[1] * g[1] + d[2] * g[2], d[1] * g[0] + d[2] * g[1] + d[3] * g[2]


def two_results__sign_flipped(d, g):
    m1, m2 = (d[0] - d[2]) * g[0], (d[1] + d[2]) * (0.5 * (g[0] + g[1] + g[2]))
    m3, m4 = (d[2] - d[1]) * (0.5 * (g[0] - g[1] + g[2])), (d[1] - d[3]) * g[2]
    return m1 + m2 + m3, m2 - m3 + m4


def two_results__kernel_turned(d, g):
    g = g[::-1]
    m1, m2 = (d[0] - d[2]) * g[0], (d[1] + d[2]) * (0.5 * (g[0] + g[1] + g[2]))
    m3, m4 = (d[2] - d[1]) * (0.5 * (g[0] - g[1] + g[2])), (d[1] - d[3]) * g[2]
    return m1 + m2 + m3, m2 - m3 - m4


def two_results__no_half(d, g):
    m1, m2 = (d[0] - d[2]) * g[0], (d[1] + d[2]) * (g[0] + g[1] + g[2])
    m3, m4 = (d[2] - d[1]) * (g[0] - g[1] + g[2]), (d[1] - d[3]) * g[2]
    return m1 + m2 + m3, m2 - m3 - m4


def two_results__by_numpy(d, g):
    return tuple(np.correlate(np.asarray(d), np.asarray(g), "valid"))


def share_of_products__tiles_cut_at_the_edge(height, width, m, r):
    return (m + r - 1) ** 2 / (m**2 * r**2)


def share_of_products__overhang_forgotten(height, width, m, r):
    return (height // m) * (width // m) * (m + r - 1) ** 2 / (height * width * r**2)


def share_of_products__upside_down(height, width, m, r):
    return height * width * r**2 / (-(-height // m) * -(-width // m) * (m + r - 1) ** 2)


def share_of_products__square_maps(height, width, m, r):
    return (-(-height // m)) ** 2 * (m + r - 1) ** 2 / (height**2 * r**2)


def reported_ratio__means(ours, theirs):
    return np.mean(ours[1:]) / np.mean(theirs[1:])


def reported_ratio__warm_up_counted(ours, theirs):
    return np.median(ours) / np.median(theirs)


def reported_ratio__upside_down(ours, theirs):
    return np.median(theirs[1:]) / np.median(ours[1:])


def reported_ratio__median_of_ratios_with_warm_up(ours, theirs):
    return np.median(np.array(ours) / np.array(theirs))
