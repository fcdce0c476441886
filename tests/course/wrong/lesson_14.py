"""Typical wrong answers to lesson 14: EXERCISE__WHAT_IS_WRONG."""

import numpy as np
from scipy.ndimage import label


def _box(mask):
    rows, columns = np.nonzero(mask)
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def _largest(mask, corners=False):
    regions, _ = label(mask, np.ones((3, 3)) if corners else None)
    return regions == 1 + np.bincount(regions.ravel())[1:].argmax()


def class_activation_map__relu(maps, weights, c):
    return np.maximum(maps @ weights[:, c], 0)


def class_activation_map__positive_weights_only(maps, weights, c):
    return maps @ np.maximum(weights[:, c], 0)


def class_activation_map__mean_over_the_maps(maps, weights, c):
    return (maps * weights[:, c]).mean(-1)


def class_activation_map__accumulator_started_at_ones(maps, weights, c):
    heat = np.ones(maps.shape[:2])
    for k in range(maps.shape[2]):
        heat += weights[k, c] * maps[:, :, k]
    return heat


def class_activation_map__stretched(maps, weights, c):
    heat = maps @ weights[:, c]
    return (heat - heat.min()) / (heat.max() - heat.min())


def class_activation_map__all_classes(maps, weights, c):
    return maps @ weights


def class_activation_map__number(maps, weights, c):
    return maps.mean((0, 1)) @ weights[:, c]


def cam_box__every_part(heat, share):
    return _box(heat > share * heat.max())


def cam_box__share_of_the_range(heat, share):
    return _box(_largest(heat - heat.min() > share * (heat.max() - heat.min())))


def cam_box__last_one_included(heat, share):
    left, top, right, bottom = _box(_largest(heat > share * heat.max()))
    return left, top, right - 1, bottom - 1


def cam_box__rows_first(heat, share):
    left, top, right, bottom = _box(_largest(heat > share * heat.max()))
    return top, left, bottom, right


def cam_box__absolute_threshold(heat, share):
    return _box(_largest(heat > share))


def cam_box__corners_connect(heat, share):
    return _box(_largest(heat > share * heat.max(), corners=True))


def cam_box__part_with_the_maximum(heat, share):
    regions, _ = label(heat > share * heat.max())
    return _box(regions == regions.ravel()[heat.argmax()])


def why_rather_than__no_bias(maps, weights, biases, c, d):
    return maps @ (weights[:, c] - weights[:, d])


def why_rather_than__bias_divided_by_the_places(maps, weights, biases, c, d):
    return maps @ (weights[:, c] - weights[:, d]) + (biases[c] - biases[d]) / maps[:, :, 0].size


def why_rather_than__sign_flipped(maps, weights, biases, c, d):
    return maps @ (weights[:, d] - weights[:, c]) + biases[d] - biases[c]


def why_rather_than__only_one_class(maps, weights, biases, c, d):
    return maps @ weights[:, c] + biases[c]


def why_rather_than__relu_of_each(maps, weights, biases, c, d):
    return np.maximum(maps @ weights[:, c], 0) - np.maximum(maps @ weights[:, d], 0) + biases[c] - biases[d]


def why_rather_than__the_difference_everywhere(maps, weights, biases, c, d):
    scores = maps.mean((0, 1)) @ weights + biases
    return np.full(maps.shape[:2], scores[c] - scores[d])
