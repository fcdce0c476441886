"""Typical wrong answers to lesson 13: EXERCISE__WHAT_IS_WRONG."""

import numpy as np


def guided_relu__the_gradient(R, X):
    return R * (X > 0)


def guided_relu__deconvnet(R, X):
    return R * (R > 0)


def guided_relu__open_at_zero(R, X):
    return R * (R > 0) * (X >= 0)


def guided_relu__one_of_the_two(R, X):
    return R * ((R > 0) | (X > 0))


def guided_relu__times_the_input(R, X):
    return np.maximum(R, 0) * np.maximum(X, 0)


def guided_relu__same_sign(R, X):
    return R * (R * X > 0)


def guided_relu__sign_flipped(R, X):
    return -R * (R > 0) * (X > 0)


def guided_relu__mask_only(R, X):
    return 1.0 * (R > 0) * (X > 0)


def positive_paths__guided(x, W, b, v):
    return W @ (v.clip(0) * (x @ W + b > 0))


def positive_paths__no_gates(x, W, b, v):
    return W.clip(0) @ v.clip(0)


def positive_paths__products(x, W, b, v):
    return (W * v * (x @ W + b > 0)).clip(0).sum(1)


def positive_paths__the_sum_clipped(x, W, b, v):
    return (W @ (v * (x @ W + b > 0))).clip(0)


def positive_paths__the_gradient(x, W, b, v):
    return W @ (v * (x @ W + b > 0))


def positive_paths__clipped_on_the_way_up_too(x, W, b, v):
    return W.clip(0) @ (v.clip(0) * (x @ W.clip(0) + b > 0))


def positive_paths__only_the_lower_edge(x, W, b, v):
    return W.clip(0) @ (v * (x @ W + b > 0))


def _up(x, W, b, V, c):
    h = x @ W + b
    return h, np.maximum(h, 0) @ V + c


def guided_by_hand__the_gradient(x, W, b, V, c, U, label):
    h, k = _up(x, W, b, V, c)
    return W @ ((V @ (U[:, label] * (k > 0))) * (h > 0))


def guided_by_hand__deconvnet(x, W, b, V, c, U, label):
    return W @ np.maximum(V @ np.maximum(U[:, label], 0), 0)


def guided_by_hand__a_gate_at_the_score(x, W, b, V, c, U, label):
    h, k = _up(x, W, b, V, c)
    score = np.maximum(k, 0) @ U[:, label]
    return W @ (np.maximum(V @ (np.maximum(U[:, label], 0) * (k > 0)), 0) * (h > 0)) * (score > 0)


def guided_by_hand__only_the_lower_relu(x, W, b, V, c, U, label):
    h, k = _up(x, W, b, V, c)
    return W @ (np.maximum(V @ (U[:, label] * (k > 0)), 0) * (h > 0))


def guided_by_hand__only_the_upper_relu(x, W, b, V, c, U, label):
    h, k = _up(x, W, b, V, c)
    return W @ ((V @ (np.maximum(U[:, label], 0) * (k > 0))) * (h > 0))


def guided_by_hand__pixels_rectified(x, W, b, V, c, U, label):
    h, k = _up(x, W, b, V, c)
    return np.maximum(W @ (np.maximum(V @ (np.maximum(U[:, label], 0) * (k > 0)), 0) * (h > 0)), 0)


def guided_by_hand__positive_paths(x, W, b, V, c, U, label):
    h, k = _up(x, W, b, V, c)
    return W.clip(0) @ ((V.clip(0) @ (U[:, label].clip(0) * (k > 0))) * (h > 0))


def guided_by_hand__from_the_value(x, W, b, V, c, U, label):
    h, k = _up(x, W, b, V, c)
    score = np.maximum(k, 0) @ U[:, label]
    return score * (W @ (np.maximum(V @ (np.maximum(U[:, label], 0) * (k > 0)), 0) * (h > 0)))


def guided_by_hand__all_classes(x, W, b, V, c, U, label):
    h, k = _up(x, W, b, V, c)
    return W @ (np.maximum(V @ (np.maximum(U.sum(1), 0) * (k > 0)), 0) * (h > 0))
