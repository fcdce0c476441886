"""Typical wrong answers to lesson 18: EXERCISE__WHAT_IS_WRONG."""

import numpy as np


def _norms(x):
    size = np.sqrt((x**2).sum((1, 2, 3), keepdims=True))
    return np.where(size > 0, size, 1)


def step_on_the_sphere__downhill(x, g, length, rho):
    moved = x - length * g / _norms(g)
    return rho * moved / _norms(moved)


def step_on_the_sphere__gradient_not_normalised(x, g, length, rho):
    moved = x + length * g
    return rho * moved / _norms(moved)


def step_on_the_sphere__norm_first(x, g, length, rho):
    return rho * x / _norms(x) + length * g / _norms(g)


def step_on_the_sphere__norm_of_the_batch(x, g, length, rho):
    moved = x + length * g / max(np.sqrt((g**2).sum()), 1e-300)
    return rho * moved / np.sqrt((moved**2).sum())


def step_on_the_sphere__mean_gradient_of_the_batch(x, g, length, rho):
    g = g.mean(0, keepdims=True)
    moved = x + length * g / _norms(g)
    return rho * moved / _norms(moved)


def step_on_the_sphere__into_the_ball_only(x, g, length, rho):
    moved = x + length * g / _norms(g)
    return moved * np.minimum(1, rho / _norms(moved))


def step_on_the_sphere__divides_by_zero(x, g, length, rho):
    moved = x + length * g / np.sqrt((g**2).sum((1, 2, 3), keepdims=True))
    return rho * moved / _norms(moved)


def step_on_the_sphere__each_pixel_by_itself(x, g, length, rho):
    size = np.sqrt((g**2).sum(-1, keepdims=True))
    moved = x + length * g / np.where(size > 0, size, 1)
    return rho * moved / _norms(moved)


def step_on_the_sphere__in_place(x, g, length, rho):
    x += length * g / _norms(g)
    x *= rho / _norms(x)
    return x


def favourites_of_a_linear_unit__the_weights_themselves(w, rho, most):
    return w, w.clip(-most, most)


def favourites_of_a_linear_unit__squared_norm(w, rho, most):
    return rho * w / (w**2).sum(), most * np.sign(w)


def favourites_of_a_linear_unit__box_scaled_to_its_largest(w, rho, most):
    return rho * w / np.sqrt((w**2).sum()), most * w / abs(w).max()


def favourites_of_a_linear_unit__sign_flipped(w, rho, most):
    return -rho * w / np.sqrt((w**2).sum()), -most * np.sign(w)


def favourites_of_a_linear_unit__all_bright(w, rho, most):
    return rho * np.ones_like(w) / np.sqrt(w.size), most * np.ones_like(w)


def favourites_of_a_linear_unit__only_one(w, rho, most):
    return rho * w / np.sqrt((w**2).sum())


def gradient_through_jitter__not_undone(gradient_at, x, shift):
    return gradient_at(np.roll(x, shift, axis=(0, 1)))


def gradient_through_jitter__shifted_twice(gradient_at, x, shift):
    return np.roll(gradient_at(np.roll(x, shift, axis=(0, 1))), shift, axis=(0, 1))


def gradient_through_jitter__ignored(gradient_at, x, shift):
    return gradient_at(x)


def gradient_through_jitter__rows_for_columns(gradient_at, x, shift):
    return np.roll(gradient_at(np.roll(x, shift, axis=(0, 1))), (-shift[1], -shift[0]), axis=(0, 1))


def gradient_through_jitter__sign_flipped(gradient_at, x, shift):
    return -np.roll(gradient_at(np.roll(x, shift, axis=(0, 1))), (-shift[0], -shift[1]), axis=(0, 1))
