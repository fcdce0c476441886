"""Typical wrong answers to lesson 3: EXERCISE__WHAT_IS_WRONG."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def convolve_grey__kernel_turned(x, kernel, stride):
    windows = sliding_window_view(x, kernel.shape)[::stride, ::stride]
    return (windows * kernel[::-1, ::-1]).sum((2, 3))


def convolve_grey__stride_ignored(x, kernel, stride):
    return (sliding_window_view(x, kernel.shape) * kernel).sum((2, 3))


def convolve_grey__rows_and_columns_swapped(x, kernel, stride):
    windows = sliding_window_view(x, kernel.shape)[::stride, ::stride]
    return (windows * kernel).sum((2, 3)).T


def convolve_grey__one_output_short(x, kernel, stride):
    windows = sliding_window_view(x, kernel.shape)[::stride, ::stride]
    return (windows * kernel).sum((2, 3))[:-1, :-1]


def convolve_grey__mean_instead_of_sum(x, kernel, stride):
    windows = sliding_window_view(x, kernel.shape)[::stride, ::stride]
    return (windows * kernel).mean((2, 3))


def convolve_grey__accumulator_started_at_ones(x, kernel, stride):
    windows = sliding_window_view(x, kernel.shape)[::stride, ::stride]
    return 1 + (windows * kernel).sum((2, 3))


def transpose_grey__kernel_not_turned(g, kernel):
    (kh, kw) = kernel.shape
    framed = np.pad(g, ((kh - 1, kh - 1), (kw - 1, kw - 1)))
    return (sliding_window_view(framed, kernel.shape) * kernel).sum((2, 3))


def transpose_grey__kernel_transposed(g, kernel):
    (kh, kw) = kernel.shape
    framed = np.pad(g, ((kw - 1, kw - 1), (kh - 1, kh - 1)))
    return (sliding_window_view(framed, kernel.T.shape) * kernel.T).sum((2, 3))


def transpose_grey__overwrites_where_windows_overlap(g, kernel):
    (kh, kw) = kernel.shape
    x = np.zeros((g.shape[0] + kh - 1, g.shape[1] + kw - 1))
    for i in range(g.shape[0]):
        for j in range(g.shape[1]):
            x[i : i + kh, j : j + kw] = g[i, j] * kernel
    return x


def transpose_grey__no_frame(g, kernel):
    return (sliding_window_view(g, kernel.shape) * kernel[::-1, ::-1]).sum((2, 3)) if g.size > 6 else g * kernel


def transpose_grey__divided_by_the_count(g, kernel):
    (kh, kw) = kernel.shape
    x = np.zeros((g.shape[0] + kh - 1, g.shape[1] + kw - 1))
    count = np.zeros_like(x)
    for i in range(g.shape[0]):
        for j in range(g.shape[1]):
            x[i : i + kh, j : j + kw] += g[i, j] * kernel
            count[i : i + kh, j : j + kw] += 1
    return x / count


def padding_rule__minus_zero(g, top, bottom, left, right):
    return g[top:-bottom, left:-right]


def padding_rule__sides_confused(g, top, bottom, left, right):
    return g[bottom : g.shape[0] - top, right : g.shape[1] - left]


def padding_rule__keeps_the_frame(g, top, bottom, left, right):
    inside = np.zeros_like(g)
    inside[top : g.shape[0] - bottom, left : g.shape[1] - right] = 1
    return g * inside
