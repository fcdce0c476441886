"""Typical wrong answers to lesson 16: EXERCISE__WHAT_IS_WRONG."""

import numpy as np


def covered_picture__negative_slices(picture, top, left, height, width, colour):
    covered = picture.copy()
    covered[top : top + height, left : left + width] = colour
    return covered


def covered_picture__negative_end(picture, top, left, height, width, colour):
    covered = picture.copy()
    covered[max(top, 0) : top + height, max(left, 0) : left + width] = colour
    return covered


def covered_picture__moved_inside(picture, top, left, height, width, colour):
    covered = picture.copy()
    top, left = max(top, 0), max(left, 0)
    covered[top : top + height, left : left + width] = colour
    return covered


def covered_picture__in_place(picture, top, left, height, width, colour):
    picture[max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)] = colour
    return picture


def covered_picture__bgr(picture, top, left, height, width, colour):
    covered = picture.copy()
    covered[max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)] = colour[::-1]
    return covered


def covered_picture__keeps_only_the_rectangle(picture, top, left, height, width, colour):
    covered = np.broadcast_to(colour, picture.shape).copy()
    inside = np.s_[max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)]
    covered[inside] = picture[inside]
    return covered


def covered_picture__height_and_width_swapped(picture, top, left, height, width, colour):
    covered = picture.copy()
    covered[max(top, 0) : max(top + width, 0), max(left, 0) : max(left + height, 0)] = colour
    return covered


def covered_picture__mean_of_the_colour(picture, top, left, height, width, colour):
    covered = picture.copy()
    covered[max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)] = np.mean(colour)
    return covered


def outputs_changed__only_divided_by_the_stride(start, stop, kernel, stride, padding, size):
    return start // stride, -(-stop // stride)


def outputs_changed__padding_forgotten(start, stop, kernel, stride, padding, size):
    return max(0, -((kernel - 1 - start) // stride)), min(size, (stop - 1) // stride + 1)


def outputs_changed__not_clipped(start, stop, kernel, stride, padding, size):
    return -((kernel - 1 - padding - start) // stride), (stop - 1 + padding) // stride + 1


def outputs_changed__rounded_down(start, stop, kernel, stride, padding, size):
    return max(0, (start + padding - kernel + 1) // stride), min(size, (stop - 1 + padding) // stride + 1)


def outputs_changed__last_included(start, stop, kernel, stride, padding, size):
    return max(0, -((kernel - 1 - padding - start) // stride)), min(size - 1, (stop - 1 + padding) // stride)


def outputs_changed__kernel_too_long(start, stop, kernel, stride, padding, size):
    return max(0, -((kernel - padding - start) // stride)), min(size, (stop - 1 + padding) // stride + 1)


def outputs_changed__stop_counts(start, stop, kernel, stride, padding, size):
    return max(0, -((kernel - 1 - padding - start) // stride)), min(size, (stop + padding) // stride + 1)


def map_per_pixel__sum(drops, corners, window, height, width):
    total = np.zeros((height, width))
    for drop, (top, left) in zip(drops, corners, strict=True):
        total[top : top + window, left : left + window] += drop
    return total


def map_per_pixel__divided_by_all_squares(drops, corners, window, height, width):
    return map_per_pixel__sum(drops, corners, window, height, width) / len(drops)


def map_per_pixel__the_last_one_wins(drops, corners, window, height, width):
    last = np.zeros((height, width))
    for drop, (top, left) in zip(drops, corners, strict=True):
        last[top : top + window, left : left + window] = drop
    return last


def map_per_pixel__counted_from_one(drops, corners, window, height, width):
    total, count = np.zeros((height, width)), np.ones((height, width))
    for drop, (top, left) in zip(drops, corners, strict=True):
        total[top : top + window, left : left + window] += drop
        count[top : top + window, left : left + window] += 1
    return total / count


def map_per_pixel__not_a_number_where_none_is(drops, corners, window, height, width):
    total, count = np.zeros((2, height, width))
    for drop, (top, left) in zip(drops, corners, strict=True):
        total[top : top + window, left : left + window] += drop
        count[top : top + window, left : left + window] += 1
    with np.errstate(invalid="ignore"):
        return total / count


def map_per_pixel__height_and_width_swapped(drops, corners, window, height, width):
    total, count = np.zeros((2, height, width))
    for drop, (left, top) in zip(drops, corners, strict=True):
        total[top : top + window, left : left + window] += drop
        count[top : top + window, left : left + window] += 1
    return total / np.maximum(count, 1)


def map_per_pixel__only_what_is_positive(drops, corners, window, height, width):
    total, count = np.zeros((2, height, width))
    for drop, (top, left) in zip(drops, corners, strict=True):
        total[top : top + window, left : left + window] += max(drop, 0)
        count[top : top + window, left : left + window] += 1
    return total / np.maximum(count, 1)
