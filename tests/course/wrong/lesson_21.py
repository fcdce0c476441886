"""Typical wrong answers to lesson 21: EXERCISE__WHAT_IS_WRONG."""

import numpy as np


def _factor(f, aim):
    return {"half": 1, "squares": 2, "norm": 1 / np.sqrt((f**2).sum())}[aim]


def dream_seed__always_the_activation(f, aim):
    return f


def dream_seed__all_ones_for_the_mean(f, aim):
    return np.ones_like(f) if aim == "mean" else _factor(f, aim) * f


def dream_seed__norm_not_divided(f, aim):
    return np.full_like(f, 1 / f.size) if aim == "mean" else (2 if aim == "squares" else 1) * f


def dream_seed__mean_over_the_last_axis(f, aim):
    return np.full_like(f, 1 / f.shape[-1]) if aim == "mean" else _factor(f, aim) * f


def dream_seed__sign_flipped(f, aim):
    return -np.full_like(f, 1 / f.size) if aim == "mean" else -_factor(f, aim) * f


def dream_seed__rectified(f, aim):
    return np.full_like(f, 1 / f.size) if aim == "mean" else _factor(f, aim) * np.maximum(f, 0)


def dream_seed__in_place(f, aim):
    if aim == "mean":
        f[...] = 1 / f.size
    else:
        f *= _factor(f, aim)
    return f


def _size(g):
    size = abs(g).mean((1, 2, 3), keepdims=True)
    return np.where(size > 0, size, 1)


def dream_step__downhill(x, g, rate):
    return (x - rate * g / _size(g)).clip(0, 255)


def dream_step__not_divided(x, g, rate):
    return (x + rate * g).clip(0, 255)


def dream_step__mean_without_the_size(x, g, rate):
    size = g.mean((1, 2, 3), keepdims=True)
    return (x + rate * g / np.where(size != 0, size, 1)).clip(0, 255)


def dream_step__batch_mean(x, g, rate):
    return (x + rate * g / max(abs(g).mean(), 1e-300)).clip(0, 255)


def dream_step__norm_for_the_mean(x, g, rate):
    size = np.sqrt((g**2).sum((1, 2, 3), keepdims=True))
    return (x + rate * g / np.where(size > 0, size, 1)).clip(0, 255)


def dream_step__only_the_sign(x, g, rate):
    return (x + rate * np.sign(g)).clip(0, 255)


def dream_step__not_clipped(x, g, rate):
    return x + rate * g / _size(g)


def dream_step__divides_by_zero(x, g, rate):
    return (x + rate * g / abs(g).mean((1, 2, 3), keepdims=True)).clip(0, 255)


def dream_step__in_place(x, g, rate):
    x += rate * g / _size(g)
    return x.clip(0, 255, out=x)


def next_octave__carries_the_whole_picture(dreamt, bases, enlarge):
    return enlarge(dreamt)


def next_octave__detail_alone(dreamt, bases, enlarge):
    return enlarge(dreamt - bases[0])


def next_octave__adds_the_whole_picture(dreamt, bases, enlarge):
    return bases[1] + enlarge(dreamt)


def next_octave__starts_anew(dreamt, bases, enlarge):
    return bases[1]


def next_octave__sign_flipped(dreamt, bases, enlarge):
    return bases[1] - enlarge(dreamt - bases[0])
