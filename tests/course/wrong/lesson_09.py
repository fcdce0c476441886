"""Typical wrong answers to lesson 9: EXERCISE__WHAT_IS_WRONG."""

import numpy as np


def receptive_span__from_the_picture_up(windows, i):
    first = last = i
    for kernel, stride, padding in windows:
        first, last = first * stride - padding, last * stride - padding + kernel - 1
    return first, last + 1


def receptive_span__padding_forgotten(windows, i):
    first = last = i
    for kernel, stride, _ in reversed(windows):
        first, last = first * stride, last * stride + kernel - 1
    return first, last + 1


def receptive_span__stride_forgotten(windows, i):
    first = last = i
    for kernel, _, padding in reversed(windows):
        first, last = first - padding, last - padding + kernel - 1
    return first, last + 1


def receptive_span__end_included(windows, i):
    first = last = i
    for kernel, stride, padding in reversed(windows):
        first, last = first * stride - padding, last * stride - padding + kernel - 1
    return first, last


def receptive_span__clipped_at_the_edge(windows, i):
    first = last = i
    for kernel, stride, padding in reversed(windows):
        first, last = max(0, first * stride - padding), last * stride - padding + kernel - 1
    return first, last + 1


def receptive_span__end_taken_through(windows, i):
    first, end = i, i + 1
    for kernel, stride, padding in reversed(windows):
        first, end = first * stride - padding, end * stride - padding + kernel - 1
    return first, end


def receptive_span__centred_on_the_stride(windows, i):
    size, step = 1, 1
    for kernel, stride, _ in windows:
        size, step = size + (kernel - 1) * step, step * stride
    return i * step - size // 2, i * step - size // 2 + size


def _places(maps, pictures):
    flat = maps.reshape(len(maps), -1)
    return np.stack(np.divmod(flat.argmax(1)[pictures], maps.shape[2]), axis=1)


def _right(maps, count):
    pictures = np.argsort(-maps.max((1, 2)), kind="stable")[:count]
    return pictures, _places(maps, pictures)


def strongest_places__several_per_picture(maps, count):
    order = np.argsort(-maps.ravel(), kind="stable")[:count]
    pictures, rest = np.divmod(order, maps[0].size)
    return pictures, np.stack(np.divmod(rest, maps.shape[2]), axis=1)


def strongest_places__by_the_mean(maps, count):
    pictures = np.argsort(-maps.mean((1, 2)), kind="stable")[:count]
    return pictures, _places(maps, pictures)


def strongest_places__weakest_first(maps, count):
    pictures = np.argsort(maps.max((1, 2)), kind="stable")[-count:]
    return pictures, _places(maps, pictures)


def strongest_places__reversed_sort(maps, count):
    pictures = np.argsort(maps.max((1, 2)), kind="stable")[::-1][:count]
    return pictures, _places(maps, pictures)


def strongest_places__row_and_column_swapped(maps, count):
    pictures = np.argsort(-maps.max((1, 2)), kind="stable")[:count]
    return pictures, _places(maps, pictures)[:, ::-1]


def strongest_places__height_for_width(maps, count):
    pictures = np.argsort(-maps.max((1, 2)), kind="stable")[:count]
    flat = maps.reshape(len(maps), -1)
    return pictures, np.stack(np.divmod(flat.argmax(1)[pictures], maps.shape[1]), axis=1)


def strongest_places__places_of_the_first_pictures(maps, count):
    pictures = np.argsort(-maps.max((1, 2)), kind="stable")[:count]
    return pictures, _places(maps, np.arange(count))


def strongest_places__absolute_values(maps, count):
    return _right(np.abs(maps), count)


def strongest_places__in_place(maps, count):
    found = _right(maps, count)
    maps -= maps.max()
    return found


def strongest_places__only_the_pictures(maps, count):
    return np.argsort(-maps.max((1, 2)), kind="stable")[:count]


def patch_of__negative_slices(picture, top, left, size, colour):
    patch = np.empty((size, size, 3))
    patch[:] = colour
    inside = picture[top : top + size, left : left + size]
    patch[: inside.shape[0], : inside.shape[1]] = inside
    return patch


def patch_of__pushed_to_the_corner(picture, top, left, size, colour):
    patch = np.empty((size, size, 3))
    patch[:] = colour
    inside = picture[max(top, 0) : top + size, max(left, 0) : left + size]
    patch[: inside.shape[0], : inside.shape[1]] = inside
    return patch


def patch_of__moved_inside(picture, top, left, size, colour):
    top, left = max(0, min(top, picture.shape[0] - size)), max(0, min(left, picture.shape[1] - size))
    return picture[top : top + size, left : left + size]


def patch_of__smaller_at_the_edge(picture, top, left, size, colour):
    return picture[max(top, 0) : top + size, max(left, 0) : left + size]


def patch_of__black_outside(picture, top, left, size, colour):
    padded = np.pad(picture, ((20, 20), (20, 20), (0, 0)))
    return padded[top + 20 : top + 20 + size, left + 20 : left + 20 + size]


def patch_of__edge_repeated(picture, top, left, size, colour):
    padded = np.pad(picture, ((20, 20), (20, 20), (0, 0)), mode="edge")
    return padded[top + 20 : top + 20 + size, left + 20 : left + 20 + size]


def patch_of__frame_cut_by_zero(picture, top, left, size, colour):
    patch = np.empty((size, size, 3))
    patch[:] = colour
    inside = picture[max(top, 0) : top + size, max(left, 0) : left + size]
    below, right = max(top + size - picture.shape[0], 0), max(left + size - picture.shape[1], 0)
    target = patch[max(-top, 0) : -below, max(-left, 0) : -right]  # [0:-0] is empty
    if target.shape == inside.shape:
        target[:] = inside
    return patch


def patch_of__top_and_left_swapped(picture, top, left, size, colour):
    padded = np.empty((picture.shape[0] + 40, picture.shape[1] + 40, 3))
    padded[:] = colour
    padded[20:-20, 20:-20] = picture
    return padded[left + 20 : left + 20 + size, top + 20 : top + 20 + size]
