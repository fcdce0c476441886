"""Typical wrong answers to lesson 11: EXERCISE__WHAT_IS_WRONG."""

import numpy as np


def _gates(a, b):
    return float(a - 2 * b > 0), float(2 * a + b > 0), float(3 * b - a > 0), 2 * a + b > 3 * b - a


def paper_gradient__h2_always_wins(a, b):
    g1, g2, _, _ = _gates(a, b)
    return -4 * g1 + 2 * g2, 8 * g1 + g2


def paper_gradient__both_get_it(a, b):
    g1, g2, g3, _ = _gates(a, b)
    return -4 * g1 + 2 * g2 - g3, 8 * g1 + g2 + 3 * g3


def paper_gradient__shared(a, b):
    g1, g2, g3, _ = _gates(a, b)
    return -4 * g1 + (2 * g2 - g3) / 2, 8 * g1 + (g2 + 3 * g3) / 2


def paper_gradient__no_gates(a, b):
    wins = _gates(a, b)[3]
    return -4 + (2 if wins else -1), 8 + (1 if wins else 3)


def paper_gradient__guided(a, b):
    _, g2, g3, wins = _gates(a, b)  # the slope by h1 is negative, and is dropped
    return (2 * g2, g2) if wins else (-g3, 3 * g3)


def paper_gradient__sign_flipped(a, b):
    g1, g2, g3, wins = _gates(a, b)
    return (4 * g1 - 2 * g2, -8 * g1 - g2) if wins else (4 * g1 + g3, -8 * g1 - 3 * g3)


def paper_gradient__the_value(a, b):
    return max(2 * a + b, 3 * b - a, 0) - 4 * max(a - 2 * b, 0)


def maximum_rules__both_get_all_of_a_tie(g, a, b):
    return g * (a >= b), g * (b >= a)


def maximum_rules__neither_gets_a_tie(g, a, b):
    return g * (a > b), g * (b > a)


def maximum_rules__b_wins_a_tie(g, a, b):
    return g * (a > b), g * (b >= a)


def maximum_rules__shared(g, a, b):
    return g / 2, g / 2


def maximum_rules__exchanged(g, a, b):
    return g * (a < b), g * (a >= b)


def maximum_rules__values_for_g(g, a, b):
    return a * (a >= b), b * (b > a)


def maximum_rules__by_size(g, a, b):
    won = np.abs(a) >= np.abs(b)
    return g * won, g * ~won


def _contributions(g, kernel, i, j):
    found = np.zeros(g.shape)
    for u in range(g.shape[0]):
        for v in range(g.shape[1]):
            if 0 <= i - u < kernel.shape[0] and 0 <= j - v < kernel.shape[1]:
                found[u, v] = g[u, v] * kernel[i - u, j - v]
    return found


def contributions_of_locations__kernel_turned(g, kernel, i, j):
    return _contributions(g, kernel[::-1, ::-1], i, j)


def contributions_of_locations__no_g(g, kernel, i, j):
    return _contributions(np.ones_like(g), kernel, i, j)


def contributions_of_locations__sizes(g, kernel, i, j):
    return np.abs(_contributions(g, kernel, i, j))


def contributions_of_locations__already_added(g, kernel, i, j):
    return _contributions(g, kernel, i, j).sum()


def contributions_of_locations__centred(g, kernel, i, j):
    return np.roll(_contributions(g, kernel, i, j), 1, 0)


def contributions_of_locations__only_positive(g, kernel, i, j):
    return _contributions(g, kernel, i, j).clip(0, None)


def contributions_of_locations__wraps_at_the_border(g, kernel, i, j):
    found = np.zeros(g.shape)
    for a in range(kernel.shape[0]):
        for b in range(kernel.shape[1]):
            u, v = (i - a) % g.shape[0], (j - b) % g.shape[1]
            found[u, v] += g[u, v] * kernel[a, b]
    return found
