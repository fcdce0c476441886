"""Typical wrong answers to lesson 2: EXERCISE__WHAT_IS_WRONG."""

import numpy as np


def central_difference__forward(f, x, i, h):
    step = np.eye(len(x))[i] * h
    return (f(x + step) - f(x)) / h


def central_difference__forgets_the_two(f, x, i, h):
    step = np.eye(len(x))[i] * h
    return (f(x + step) - f(x - step)) / h


def central_difference__moves_all(f, x, i, h):
    return (f(x + h) - f(x - h)) / (2 * h)


def central_difference__sign_flipped(f, x, i, h):
    step = np.eye(len(x))[i] * h
    return (f(x - step) - f(x + step)) / (2 * h)


def central_difference__changes_x(f, x, i, h):
    x[i] += h
    above = f(x)
    x[i] -= 2 * h
    return (above - f(x)) / (2 * h)


def log_softmax_rule__of_one_hot_seeds_only(g, y):
    return g - np.exp(y)


def log_softmax_rule__mean(g, y):
    return g - np.exp(y) * g.mean()


def log_softmax_rule__sign_flipped(g, y):
    return np.exp(y) * g.sum() - g


def log_softmax_rule__of_the_softmax(g, y):
    s = np.exp(y)
    return s * (g - (g * s).sum())


def log_softmax_rule__forgets_the_sum(g, y):
    return g


def looks_right__all_ones(f, back, x):
    v = np.random.default_rng(0).normal(size=x.shape)
    g = np.ones_like(f(x))
    sides = (g * (f(x + 1e-6 * v) - f(x - 1e-6 * v))).sum() / 2e-6, (back(g, x) * v).sum()
    return bool(np.isclose(*sides, rtol=1e-6, atol=1e-8))


def looks_right__one_direction(f, back, x):
    v = np.zeros(x.shape)
    v.flat[0] = 1
    g = np.random.default_rng(0).normal(size=np.shape(f(x)))
    sides = (g * (f(x + 1e-6 * v) - f(x - 1e-6 * v))).sum() / 2e-6, (back(g, x) * v).sum()
    return bool(np.isclose(*sides, rtol=1e-6, atol=1e-8))


def looks_right__loses_the_sign(f, back, x):
    rng = np.random.default_rng(0)
    v, g = rng.normal(size=x.shape), rng.normal(size=np.shape(f(x)))
    by_nudging = (g * (f(x + 1e-6 * v) - f(x - 1e-6 * v))).sum() / 2e-6
    return bool(np.isclose(abs(by_nudging), abs((back(g, x) * v).sum())))


def looks_right__too_lax(f, back, x):
    rng = np.random.default_rng(0)
    v, g = rng.normal(size=x.shape), rng.normal(size=np.shape(f(x)))
    by_nudging = (g * (f(x + 1e-6 * v) - f(x - 1e-6 * v))).sum() / 2e-6
    return bool(abs(by_nudging - (back(g, x) * v).sum()) < 0.1)


def looks_right__always(f, back, x):
    return True
