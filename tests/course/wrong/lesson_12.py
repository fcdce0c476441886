"""Typical wrong answers to lesson 12: EXERCISE__WHAT_IS_WRONG."""

import numpy as np


def deconvnet_relu__the_gradient(R, X):
    return R * (X > 0)


def deconvnet_relu__guided(R, X):
    return R * (R > 0) * (X > 0)


def deconvnet_relu__the_input(R, X):
    return np.maximum(X, 0)


def deconvnet_relu__identity(R, X):
    return R


def deconvnet_relu__size(R, X):
    return np.abs(R)


def deconvnet_relu__sign_flipped(R, X):
    return -np.maximum(R, 0)


def deconvnet_relu__of_the_product(R, X):
    return np.maximum(R * X, 0)


def _pairs(R, X):
    return np.repeat(R, 2), X.reshape(-1, 2)


def pool_row_of_the_table__as_printed(R, X):
    both = np.repeat(R, 2).reshape(-1, 2)  # all that is known of R below: every window is a tie
    return (np.eye(2)[both.argmax(1)] * R[:, None]).ravel()


def pool_row_of_the_table__to_both(R, X):
    return np.repeat(R, 2)


def pool_row_of_the_table__shared(R, X):
    return np.repeat(R, 2) / 2


def pool_row_of_the_table__the_second_wins(R, X):
    pairs = X.reshape(-1, 2)
    return (np.eye(2)[(pairs[:, 1] >= pairs[:, 0]).astype(int)] * R[:, None]).ravel()


def pool_row_of_the_table__the_smallest(R, X):
    return (np.eye(2)[X.reshape(-1, 2).argmin(1)] * R[:, None]).ravel()


def pool_row_of_the_table__by_size(R, X):
    return (np.eye(2)[np.abs(X).reshape(-1, 2).argmax(1)] * R[:, None]).ravel()


def pool_row_of_the_table__rectified(R, X):
    return (np.eye(2)[X.reshape(-1, 2).argmax(1)] * np.maximum(R, 0)[:, None]).ravel()


def pool_row_of_the_table__the_activation(R, X):
    return (np.eye(2)[X.reshape(-1, 2).argmax(1)] * X.reshape(-1, 2)).ravel()


def pool_row_of_the_table__halves(R, X):
    halves = X.reshape(2, -1)
    return (np.eye(2)[halves.argmax(0)] * R[:, None]).T.ravel()


def _up(x, W, b, V, c):
    h = np.maximum(x @ W + b, 0)
    return h, np.maximum(h @ V + c, 0)


def project__from_one(x, W, b, V, c, unit):
    return W @ np.maximum(V[:, unit] * (_up(x, W, b, V, c)[1][unit] > 0), 0)


def project__the_gradient(x, W, b, V, c, unit):
    h, a = _up(x, W, b, V, c)
    return W @ (V[:, unit] * a[unit] * (h > 0))


def project__guided(x, W, b, V, c, unit):
    h, a = _up(x, W, b, V, c)
    return W @ (np.maximum(V[:, unit] * a[unit], 0) * (h > 0))


def project__pixels_rectified(x, W, b, V, c, unit):
    return np.maximum(W @ np.maximum(V[:, unit] * _up(x, W, b, V, c)[1][unit], 0), 0)


def project__no_rectification(x, W, b, V, c, unit):
    return W @ (V[:, unit] * _up(x, W, b, V, c)[1][unit])


def project__bias_taken_off(x, W, b, V, c, unit):
    return W @ np.maximum(V[:, unit] * (_up(x, W, b, V, c)[1][unit] - c[unit]) - b, 0)


def project__all_units(x, W, b, V, c, unit):
    return W @ np.maximum(V @ _up(x, W, b, V, c)[1], 0)


def project__value_before_the_relu(x, W, b, V, c, unit):
    return W @ np.maximum(V[:, unit] * (np.maximum(x @ W + b, 0) @ V + c)[unit], 0)


def project__positive_weights(x, W, b, V, c, unit):
    return np.maximum(W, 0) @ np.maximum(V[:, unit] * _up(x, W, b, V, c)[1][unit], 0)
