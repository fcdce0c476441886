"""Typical wrong answers to lesson 23: EXERCISE__WHAT_IS_WRONG."""

import numpy as np


def mean_gram__summed(maps):
    F = maps.reshape(len(maps), -1)
    return F @ F.T


def mean_gram__divided_by_everything(maps):
    F = maps.reshape(len(maps), -1)
    return F @ F.T / F.size


def mean_gram__channels_taken_for_last(maps):
    F = maps.reshape(-1, len(maps))
    return F.T @ F / len(F)


def mean_gram__places_with_places(maps):
    F = maps.reshape(len(maps), -1)
    return F.T @ F / F.shape[1]


def mean_gram__centred(maps):
    return np.cov(maps.reshape(len(maps), -1), bias=True)


def other_style_slope__half(F, wanted):
    M, N = F.shape
    return 2 * F @ (F.T @ F / (N * M) - wanted) / (N**3 * M)


def other_style_slope__sign_flipped(F, wanted):
    M, N = F.shape
    return -4 * F @ (F.T @ F / (N * M) - wanted) / (N**3 * M)


def other_style_slope__of_gatys(F, wanted):
    M, N = F.shape
    return F @ (F.T @ F - wanted) / (N * M) ** 2


def other_style_slope__in_place(F, wanted):
    M, N = F.shape
    apart = F.T @ F / (N * M) - wanted
    F *= 4 / (N**3 * M)
    return F @ apart


def equal_say__forgets_how_many_rows(wanted, places):
    return np.array([4 * len(G) ** 2 * M**2 / (G**2).sum() for G, M in zip(wanted, places, strict=True)])


def equal_say__equal_weights(wanted, places):
    return np.full(len(wanted), 1 / len(wanted))


def equal_say__forgets_places(wanted, places):
    return np.array([4 * len(G) ** 2 / (len(wanted) * (G**2).sum()) for G in wanted])


def equal_say__losses_for_weights(wanted, places):
    losses = np.array([(G**2).sum() / (4 * len(G) ** 2 * M**2) for G, M in zip(wanted, places, strict=True)])
    return losses / losses.sum()
