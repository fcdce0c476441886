"""Typical wrong answers to lesson 17: EXERCISE__WHAT_IS_WRONG."""

import numpy as np


def _areas(a, b):
    return [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]


def box_overlap__apart_in_both_directions(a, b):
    shared = (min(a[2], b[2]) - max(a[0], b[0])) * (min(a[3], b[3]) - max(a[1], b[1]))
    return max(shared, 0) / (sum(_areas(a, b)) - max(shared, 0))


def box_overlap__last_pixel_included(a, b):
    width = max(0, min(a[2], b[2]) - max(a[0], b[0]) + 1)
    height = max(0, min(a[3], b[3]) - max(a[1], b[1]) + 1)
    areas = [(box[2] - box[0] + 1) * (box[3] - box[1] + 1) for box in (a, b)]
    return width * height / (sum(areas) - width * height)


def box_overlap__over_the_sum(a, b):
    width = max(0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0, min(a[3], b[3]) - max(a[1], b[1]))
    return width * height / sum(_areas(a, b))


def box_overlap__over_the_smaller(a, b):
    width = max(0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0, min(a[3], b[3]) - max(a[1], b[1]))
    return width * height / min(_areas(a, b))


def box_overlap__over_the_first(a, b):
    width = max(0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0, min(a[3], b[3]) - max(a[1], b[1]))
    return width * height / _areas(a, b)[0]


def box_overlap__width_and_height_for_right_and_bottom(a, b):
    width = max(0, min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0]))
    height = max(0, min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1]))
    return width * height / (a[2] * a[3] + b[2] * b[3] - width * height)


def box_overlap__negative_when_apart(a, b):
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    return width * height / (sum(_areas(a, b)) - width * height)


def cost_of_cut__only_beside(mask, unary, price):
    return unary[mask].sum() + price * (mask[:, 1:] != mask[:, :-1]).sum()


def cost_of_cut__each_pair_twice(mask, unary, price):
    return unary[mask].sum() + 2 * price * ((mask[:, 1:] != mask[:, :-1]).sum() + (mask[1:] != mask[:-1]).sum())


def cost_of_cut__round_the_edge(mask, unary, price):
    parted = (mask != np.roll(mask, 1, 0)).sum() + (mask != np.roll(mask, 1, 1)).sum()
    return unary[mask].sum() + price * parted


def cost_of_cut__pairs_that_are_alike(mask, unary, price):
    return unary[mask].sum() + price * ((mask[:, 1:] == mask[:, :-1]).sum() + (mask[1:] == mask[:-1]).sum())


def cost_of_cut__sign_flipped(mask, unary, price):
    return -unary[mask].sum() + price * ((mask[:, 1:] != mask[:, :-1]).sum() + (mask[1:] != mask[:-1]).sum())


def cost_of_cut__unary_everywhere(mask, unary, price):
    return unary.sum() + price * ((mask[:, 1:] != mask[:, :-1]).sum() + (mask[1:] != mask[:-1]).sum())


def cost_of_cut__frame_counts(mask, unary, price):
    padded = np.pad(mask, 1)
    return unary[mask].sum() + price * ((padded[:, 1:] != padded[:, :-1]).sum() + (padded[1:] != padded[:-1]).sum())


def _parts(mask, steps, wrap=False):
    left, parts = mask.copy(), []
    for start in zip(*np.nonzero(mask), strict=True):
        part, waiting = np.zeros(mask.shape, bool), [start]
        while waiting:
            i, j = waiting.pop()
            if wrap:
                i, j = i % mask.shape[0], j % mask.shape[1]
            if 0 <= i < mask.shape[0] and 0 <= j < mask.shape[1] and left[i, j]:
                left[i, j], part[i, j] = False, True
                waiting += [(i + di, j + dj) for di, dj in steps]
        if part.any():
            parts.append(part)
    return parts


def _sides():
    return [(1, 0), (-1, 0), (0, 1), (0, -1)]


def largest_part__corners_join(mask):
    parts = _parts(mask, [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)])
    return max(parts, key=np.sum) if parts else mask


def largest_part__first_part(mask):
    parts = _parts(mask, _sides())
    return parts[0] if parts else mask


def largest_part__last_of_equals(mask):
    parts = _parts(mask, _sides())
    return max(parts[::-1], key=np.sum) if parts else mask


def largest_part__wraps_around(mask):
    parts = _parts(mask, _sides(), wrap=True)
    return max(parts, key=np.sum) if parts else mask


def largest_part__only_right_and_down(mask):
    parts = _parts(mask, [(1, 0), (0, 1)])
    return max(parts, key=np.sum) if parts else mask


def largest_part__smallest(mask):
    parts = _parts(mask, _sides())
    return min(parts, key=np.sum) if parts else mask


def largest_part__in_place(mask):
    parts = _parts(mask, _sides())
    mask[:] = max(parts, key=np.sum) if parts else mask
    return mask


def largest_part__one_where_empty(mask):
    parts = _parts(mask, _sides())
    return max(parts, key=np.sum) if parts else np.ones(mask.shape, bool)


def largest_part__all_of_it(mask):
    return mask
