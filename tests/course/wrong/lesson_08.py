"""Typical wrong answers to lesson 8: EXERCISE__WHAT_IS_WRONG."""

import numpy as np

import minivis as mv


def share_of_a_map__kernel_turned(maps, kernel, c, k):
    return mv.conv2d(maps[None, :, :, [c]], kernel[::-1, ::-1, [c]][..., [k]])[0, :, :, 0]


def share_of_a_map__of_all_maps(maps, kernel, c, k):
    return mv.conv2d(maps[None], kernel[..., [k]])[0, :, :, 0]


def share_of_a_map__after_a_relu(maps, kernel, c, k):
    return np.maximum(mv.conv2d(maps[None, :, :, [c]], kernel[:, :, [c]][..., [k]])[0, :, :, 0], 0)


def share_of_a_map__padded(maps, kernel, c, k):
    return mv.conv2d(maps[None, :, :, [c]], kernel[:, :, [c]][..., [k]], padding=1)[0, :, :, 0]


def share_of_a_map__one_kernel_for_all_maps(maps, kernel, c, k):
    return mv.conv2d(maps[None, :, :, [c]], kernel[:, :, [0]][..., [k]])[0, :, :, 0]


def silent_filters__only_the_first_picture(maps):
    return np.flatnonzero(maps[0].max((0, 1)) <= 0)


def silent_filters__exactly_zero_is_open(maps):
    return np.flatnonzero(maps.max((0, 1, 2)) < 0)


def silent_filters__on_average(maps):
    return np.flatnonzero(maps.mean((0, 1, 2)) <= 0)


def silent_filters__silent_in_one_picture(maps):
    return np.flatnonzero((maps.max((1, 2)) <= 0).any(0))


def silent_filters__a_mask(maps):
    return maps.max((0, 1, 2)) <= 0


def silent_filters__those_that_are_open(maps):
    return np.flatnonzero(maps.max((0, 1, 2)) > 0)


def reordered__forgets_the_bias(kernel, bias, next_kernel, order):
    return kernel[..., order], bias, next_kernel[:, :, order]


def reordered__forgets_the_next(kernel, bias, next_kernel, order):
    return kernel[..., order], bias[order], next_kernel


def reordered__the_inverse_order(kernel, bias, next_kernel, order):
    back = np.argsort(order)
    return kernel[..., back], bias[back], next_kernel[:, :, back]


def reordered__next_by_the_inverse(kernel, bias, next_kernel, order):
    return kernel[..., order], bias[order], next_kernel[:, :, np.argsort(order)]


def reordered__nothing(kernel, bias, next_kernel, order):
    return kernel, bias, next_kernel
