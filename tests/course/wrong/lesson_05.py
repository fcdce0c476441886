"""Typical wrong answers to lesson 5: EXERCISE__WHAT_IS_WRONG."""

import numpy as np


def convolution_row__without_biases(shape, kernel, filters, stride, padding):
    height, width, channels = shape
    rows, columns = ((size + 2 * padding - kernel) // stride + 1 for size in (height, width))
    return (rows, columns, filters), kernel * kernel * channels * filters


def convolution_row__stride_ignored(shape, kernel, filters, stride, padding):
    height, width, channels = shape
    rows, columns = (size + 2 * padding - kernel + 1 for size in (height, width))
    return (rows, columns, filters), kernel * kernel * channels * filters + filters


def convolution_row__padding_on_one_side(shape, kernel, filters, stride, padding):
    height, width, channels = shape
    rows, columns = ((size + padding - kernel) // stride + 1 for size in (height, width))
    return (rows, columns, filters), kernel * kernel * channels * filters + filters


def convolution_row__one_short(shape, kernel, filters, stride, padding):
    height, width, channels = shape
    rows, columns = ((size + 2 * padding - kernel) // stride for size in (height, width))
    return (rows, columns, filters), kernel * kernel * channels * filters + filters


def convolution_row__channels_forgotten(shape, kernel, filters, stride, padding):
    rows, columns = ((size + 2 * padding - kernel) // stride + 1 for size in shape[:2])
    return (rows, columns, filters), kernel * kernel * filters + filters


def convolution_row__shape_only(shape, kernel, filters, stride, padding):
    rows, columns = ((size + 2 * padding - kernel) // stride + 1 for size in shape[:2])
    return rows, columns, filters


def vgg_preprocessing__rgb_for_bgr(x):
    return x - np.array([123.68, 116.779, 103.939])


def vgg_preprocessing__means_in_the_wrong_order(x):
    return x[..., ::-1] - np.array([123.68, 116.779, 103.939])


def vgg_preprocessing__order_forgotten(x):
    return x - np.array([103.939, 116.779, 123.68])


def vgg_preprocessing__scaled_to_one(x):
    return (x[..., ::-1] - np.array([103.939, 116.779, 123.68])) / 255


def vgg_preprocessing__in_place(x):
    y = x[..., ::-1]
    y -= np.array([103.939, 116.779, 123.68])
    return y


def vgg_preprocessing__wrong_axis(x):
    return x[:, ::-1] - np.array([123.68, 116.779, 103.939])


def for_channels_first__left_as_it_is(weights, height, width, channels):
    return weights


def for_channels_first__only_reshaped(weights, height, width, channels):
    return weights.reshape(channels, height, width, -1).reshape(weights.shape)


def for_channels_first__the_other_way_round(weights, height, width, channels):
    return weights.reshape(channels, height, width, -1).transpose(1, 2, 0, 3).reshape(weights.shape)


def for_channels_first__width_before_height(weights, height, width, channels):
    return weights.reshape(height, width, channels, -1).transpose(2, 1, 0, 3).reshape(weights.shape)


def for_channels_first__axes_kept_apart(weights, height, width, channels):
    return weights.reshape(height, width, channels, -1).transpose(2, 0, 1, 3)
