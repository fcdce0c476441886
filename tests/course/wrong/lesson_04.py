"""Typical wrong answers to lesson 4: EXERCISE__WHAT_IS_WRONG."""

import numpy as np


def relu_rule__open_at_zero(g, y):
    return g * (y >= 0)


def relu_rule__deconvnet(g, y):
    return g * (g > 0)


def relu_rule__guided(g, y):
    return g * (g > 0) * (y > 0)


def relu_rule__sign_flipped(g, y):
    return -g * (y > 0)


def relu_rule__times_the_output(g, y):
    return g * y


def _windows(x):
    return x.reshape(x.shape[0] // 2, 2, x.shape[1] // 2, 2).transpose(0, 2, 1, 3)


def _back(parts, shape):
    return parts.transpose(0, 2, 1, 3).reshape(shape)


def max_pool_rule__to_every_equal_one(g, x):
    windows = _windows(x)
    return _back((windows == windows.max((2, 3), keepdims=True)) * g[:, :, None, None], x.shape)


def max_pool_rule__shared_among_equals(g, x):
    windows = _windows(x)
    won = windows == windows.max((2, 3), keepdims=True)
    return _back(won / won.sum((2, 3), keepdims=True) * g[:, :, None, None], x.shape)


def max_pool_rule__the_last_wins(g, x):
    flat = _windows(x).reshape(*g.shape, 4)
    last = 3 - flat[..., ::-1].argmax(-1)
    return _back((np.eye(4)[last] * g[:, :, None]).reshape(*g.shape, 2, 2), x.shape)


def max_pool_rule__average(g, x):
    return g.repeat(2, 0).repeat(2, 1) / 4


def max_pool_rule__the_value_for_g(g, x):
    windows = _windows(x)
    return _back((windows == windows.max((2, 3), keepdims=True)) * windows, x.shape)


def max_pool_rule__top_left(g, x):
    gx = np.zeros(x.shape)
    gx[::2, ::2] = g
    return gx


def max_pool_rule__sign_flipped(g, x):
    flat = _windows(x).reshape(*g.shape, 4)
    return _back((-np.eye(4)[flat.argmax(-1)] * g[:, :, None]).reshape(*g.shape, 2, 2), x.shape)


def linear_rules__batch_mean(g, x, weights):
    return g @ weights.T, x.T @ g / len(x), g.mean(0)


def linear_rules__not_transposed(g, x, weights):
    return g @ weights.T, g.T @ x, g.sum(0)


def linear_rules__bias_not_summed(g, x, weights):
    return g @ weights.T, x.T @ g, g


def linear_rules__bias_summed_over_the_wrong_axis(g, x, weights):
    return g @ weights.T, x.T @ g, g.sum(1)


def linear_rules__only_to_x(g, x, weights):
    return g @ weights.T


def linear_rules__sign_flipped(g, x, weights):
    return -g @ weights.T, x.T @ g, g.sum(0)
