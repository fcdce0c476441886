"""Typical wrong answers to lesson 24: EXERCISE__WHAT_IS_WRONG."""

import numpy as np


def _style(F, wanted):
    M, N = F.shape
    return F @ (F.T @ F - wanted) / (N * M) ** 2


def transfer_slope__without_the_half(F, P, wanted, content_weight, style_weight):
    return 2 * content_weight * (F - P) + style_weight * _style(F, wanted)


def transfer_slope__weights_swapped(F, P, wanted, content_weight, style_weight):
    return style_weight * (F - P) + content_weight * _style(F, wanted)


def transfer_slope__sign_flipped(F, P, wanted, content_weight, style_weight):
    return content_weight * (P - F) + style_weight * _style(F, wanted)


def transfer_slope__mean_over_places(F, P, wanted, content_weight, style_weight):
    return content_weight * (F - P) + style_weight * _style(F, wanted) * len(F)


def keep_colours__plain_mean(painted, photo):
    return photo + (painted - photo).mean(-1, keepdims=True)


def keep_colours__exchanged(painted, photo):
    return painted + ((photo - painted) @ np.array([0.299, 0.587, 0.114]))[..., None]


def keep_colours__bgr(painted, photo):
    return photo + ((painted - photo) @ np.array([0.114, 0.587, 0.299]))[..., None]


def keep_colours__one_brightness_for_all(painted, photo):
    return photo + ((painted - photo) @ np.array([0.299, 0.587, 0.114])).mean()


def balanced_weight__upside_down(content_slope, style_slope, times):
    return times * np.linalg.norm(style_slope) / np.linalg.norm(content_slope)


def balanced_weight__squared(content_slope, style_slope, times):
    return times * (content_slope**2).sum() / (style_slope**2).sum()


def balanced_weight__signed_sums(content_slope, style_slope, times):
    return times * content_slope.sum() / style_slope.sum()


def balanced_weight__forgets_times(content_slope, style_slope, times):
    return np.linalg.norm(content_slope) / np.linalg.norm(style_slope)
