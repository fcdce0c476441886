"""Solutions to lesson 3."""

import numpy as np


def convolve_grey(x, kernel, stride):
    """Every place where the kernel fits, one after the other."""
    (height, width), (kh, kw) = x.shape, kernel.shape
    y = np.zeros(((height - kh) // stride + 1, (width - kw) // stride + 1))
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            y[i, j] = (x[i * stride : i * stride + kh, j * stride : j * stride + kw] * kernel).sum()
    return y


def transpose_grey(g, kernel):
    """Put down the kernel at each place, g times; where copies overlap they add."""
    (rows, columns), (kh, kw) = g.shape, kernel.shape
    x = np.zeros((rows + kh - 1, columns + kw - 1))
    for i in range(rows):
        for j in range(columns):
            x[i : i + kh, j : j + kw] += g[i, j] * kernel
    return x


def padding_rule(g, top, bottom, left, right):
    """Count from the other end with the shape, as -0 is 0."""
    return g[top : g.shape[0] - bottom, left : g.shape[1] - right]
