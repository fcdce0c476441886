"""Typical wrong answers to lesson 22: EXERCISE__WHAT_IS_WRONG."""

import numpy as np


def _pulls(x, factor=2.0):
    g = np.zeros_like(x)
    down, across = factor * np.diff(x, axis=0), factor * np.diff(x, axis=1)
    g[1:] += down
    g[:-1] -= down
    g[:, 1:] += across
    g[:, :-1] -= across
    return g


def variation_gradient__sign_flipped(x):
    return -_pulls(x)


def variation_gradient__forgets_the_two(x):
    return _pulls(x, 1.0)


def variation_gradient__one_end_only(x):
    g = np.zeros_like(x)
    g[1:] += 2 * np.diff(x, axis=0)
    g[:, 1:] += 2 * np.diff(x, axis=1)
    return g


def variation_gradient__goes_round_the_border(x):
    return 2 * sum(2 * x - np.roll(x, 1, axis) - np.roll(x, -1, axis) for axis in (0, 1))


def variation_gradient__rows_only(x):
    g = np.zeros_like(x)
    g[1:] += 2 * np.diff(x, axis=0)
    g[:-1] -= 2 * np.diff(x, axis=0)
    return g


def variation_gradient__black_beyond_the_border(x):
    padded = np.pad(x, 1)
    return _pulls(padded)[1:-1, 1:-1]


def variation_gradient__in_place(x):
    x[...] = _pulls(x)
    return x


def power_penalty__without_the_size(z, alpha):
    with np.errstate(all="ignore"):
        return (z**alpha).sum(), alpha * z ** (alpha - 1)


def power_penalty__gradient_without_sign(z, alpha):
    return (abs(z) ** alpha).sum(), alpha * abs(z) ** (alpha - 1)


def power_penalty__forgets_the_factor(z, alpha):
    return (abs(z) ** alpha).sum(), abs(z) ** (alpha - 1) * np.sign(z)


def power_penalty__the_norm_itself(z, alpha):
    value = (abs(z) ** alpha).sum() ** (1 / alpha)
    return value, abs(z) ** (alpha - 1) * np.sign(z) / value ** (alpha - 1)


def power_penalty__mean_for_the_sum(z, alpha):
    return (abs(z) ** alpha).mean(), alpha * abs(z) ** (alpha - 1) * np.sign(z) / z.size


def power_penalty__value_only(z, alpha):
    return (abs(z) ** alpha).sum()


def nearest_with_the_code__the_photo_itself(matrix, photo, start):
    return photo


def nearest_with_the_code__smallest_picture(matrix, photo, start):
    return np.linalg.pinv(matrix) @ (matrix @ photo)


def nearest_with_the_code__transpose_for_the_inverse(matrix, photo, start):
    return start + matrix.T @ (matrix @ (photo - start))


def nearest_with_the_code__the_wrong_way(matrix, photo, start):
    return start - np.linalg.pinv(matrix) @ (matrix @ (photo - start))


def nearest_with_the_code__stays(matrix, photo, start):
    return start


def nearest_with_the_code__keeps_the_seen_part(matrix, photo, start):
    return photo + np.linalg.pinv(matrix) @ (matrix @ (start - photo))
