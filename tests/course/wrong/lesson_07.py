"""Typical wrong answers to lesson 7: EXERCISE__WHAT_IS_WRONG."""

import numpy as np


def _stretched(filters):
    low, high = filters.min((1, 2, 3), keepdims=True), filters.max((1, 2, 3), keepdims=True)
    return (filters - low) / np.maximum(high - low, 1e-12) * 255


def filters_as_pictures__bgr_for_rgb(kernel, order):
    return _stretched(kernel.transpose(3, 0, 1, 2))


def filters_as_pictures__reshaped_not_transposed(kernel, order):
    filters = kernel.reshape(kernel.shape[3], *kernel.shape[:3])
    return _stretched(filters[..., ::-1] if order == "BGR" else filters)


def filters_as_pictures__one_scale_for_all(kernel, order):
    filters = kernel.transpose(3, 0, 1, 2)
    filters = filters[..., ::-1] if order == "BGR" else filters
    return (filters - filters.min()) / (filters.max() - filters.min()) * 255


def filters_as_pictures__upside_down(kernel, order):
    filters = kernel.transpose(3, 0, 1, 2)[:, ::-1]
    return _stretched(filters[..., ::-1] if order == "BGR" else filters)


def filters_as_pictures__width_before_height(kernel, order):
    filters = kernel.transpose(3, 1, 0, 2)
    return _stretched(filters[..., ::-1] if order == "BGR" else filters)


def filters_as_pictures__zero_is_black(kernel, order):
    filters = kernel.transpose(3, 0, 1, 2).clip(0, None)
    filters = filters[..., ::-1] if order == "BGR" else filters
    return filters / filters.max((1, 2, 3), keepdims=True) * 255


def filters_as_pictures__in_place(kernel, order):
    kernel -= kernel.min((0, 1, 2))
    kernel *= 255 / kernel.max((0, 1, 2))
    filters = kernel.transpose(3, 0, 1, 2)
    return filters[..., ::-1] if order == "BGR" else filters


def slope_of_hidden_templates__no_gate(x, w1, b1, w2, g):
    return x.T @ (g @ w2.T)


def slope_of_hidden_templates__gate_of_the_slope(x, w1, b1, w2, g):
    return x.T @ np.maximum(g @ w2.T, 0)


def slope_of_hidden_templates__gate_without_the_bias(x, w1, b1, w2, g):
    return x.T @ ((g @ w2.T) * (x @ w1 > 0))


def slope_of_hidden_templates__mean_over_the_batch(x, w1, b1, w2, g):
    return x.T @ ((g @ w2.T) * (x @ w1 + b1 > 0)) / len(x)


def slope_of_hidden_templates__times_the_activation(x, w1, b1, w2, g):
    return x.T @ ((g @ w2.T) * np.maximum(x @ w1 + b1, 0))


def slope_of_hidden_templates__transposed(x, w1, b1, w2, g):
    return ((g @ w2.T) * (x @ w1 + b1 > 0)).T @ x


def with_templates_of_length_one__forgets_the_bias(w1, b1, w2):
    length = np.sqrt((w1**2).sum(0))
    return w1 / length, b1, w2 * length[:, None]


def with_templates_of_length_one__divides_twice(w1, b1, w2):
    length = np.sqrt((w1**2).sum(0))
    return w1 / length, b1 / length, w2 / length[:, None]


def with_templates_of_length_one__forgets_the_second_layer(w1, b1, w2):
    length = np.sqrt((w1**2).sum(0))
    return w1 / length, b1 / length, w2


def with_templates_of_length_one__by_the_largest_weight(w1, b1, w2):
    length = abs(w1).max(0)
    return w1 / length, b1 / length, w2 * length[:, None]


def with_templates_of_length_one__in_place(w1, b1, w2):
    length = np.sqrt((w1**2).sum(0))
    w1 /= length
    b1 /= length
    w2 *= length[:, None]
    return w1, b1, w2
