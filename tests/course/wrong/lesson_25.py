"""Typical wrong answers to lesson 25: EXERCISE__WHAT_IS_WRONG."""

import numpy as np


def fooling_step__not_normalised(x, g, lr):
    return (x + lr * g).clip(0, 255)


def fooling_step__downhill(x, g, lr):
    length = np.linalg.norm(g)
    return (x - lr * g / (length + (length == 0))).clip(0, 255)


def fooling_step__not_clipped(x, g, lr):
    length = np.linalg.norm(g)
    return x + lr * g / (length + (length == 0))


def fooling_step__rounded(x, g, lr):
    length = np.linalg.norm(g)
    return np.rint(x + lr * g / (length + (length == 0))).clip(0, 255)


def fooling_step__over_the_largest(x, g, lr):
    return (x + lr * g / (abs(g).max() or 1)).clip(0, 255)


def fooling_step__divides_by_zero(x, g, lr):
    with np.errstate(all="ignore"):
        return (x + lr * g / np.linalg.norm(g)).clip(0, 255)


def fooling_step__in_place(x, g, lr):
    length = np.linalg.norm(g)
    x += lr * g / (length + (length == 0))
    return x.clip(0, 255)


def step_by_sign__by_the_slope(x, photo, g, alpha, eps):
    return (x + alpha * g).clip(photo - eps, photo + eps).clip(0, 255)


def step_by_sign__near_the_last_picture(x, photo, g, alpha, eps):
    return (x + alpha * np.sign(g)).clip(x - eps, x + eps).clip(0, 255)


def step_by_sign__out_of_range(x, photo, g, alpha, eps):
    return (x + alpha * np.sign(g)).clip(photo - eps, photo + eps)


def step_by_sign__starts_over(x, photo, g, alpha, eps):
    return (photo + alpha * np.sign(g)).clip(photo - eps, photo + eps).clip(0, 255)


def step_by_sign__zero_counts_as_up(x, photo, g, alpha, eps):
    return (x + alpha * np.where(g >= 0, 1, -1)).clip(photo - eps, photo + eps).clip(0, 255)


def to_the_border__away_from_it(x, W, b, old, new):
    w = W[:, new] - W[:, old]
    return (x @ w + b[new] - b[old]) * w / (w @ w)


def to_the_border__not_squared(x, W, b, old, new):
    w = W[:, new] - W[:, old]
    return -(x @ w + b[new] - b[old]) * w / np.linalg.norm(w)


def to_the_border__forgets_the_bias(x, W, b, old, new):
    w = W[:, new] - W[:, old]
    return -(x @ w) * w / (w @ w)


def to_the_border__along_the_new_class_only(x, W, b, old, new):
    w = W[:, new] - W[:, old]
    return -(x @ w + b[new] - b[old]) * W[:, new] / (w @ W[:, new])


def to_the_border__by_sign(x, W, b, old, new):
    w = W[:, new] - W[:, old]
    return -(x @ w + b[new] - b[old]) * np.sign(w) / abs(w).sum()
