"""Typical wrong answers to lesson 1: EXERCISE__WHAT_IS_WRONG."""


def sigmoid_rule__sign_flipped(g, s):
    return -g * s * (1 - s)


def sigmoid_rule__forgets_g(g, s):
    return s * (1 - s)


def sigmoid_rule__takes_s_for_x(g, s):
    return g * s


def quotient_rules__sign_flipped(g, a, b):
    return g / b, g * a / b**2


def quotient_rules__not_squared(g, a, b):
    return g / b, -g * a / b


def quotient_rules__swapped(g, a, b):
    return -g * a / b**2, g / b


def quotient_rules__only_one(g, a, b):
    return g / b


def walk__overwrites_where_paths_meet(tape, y):
    slopes = {y: 1.0}
    for name, inputs in reversed(tape):
        if name in slopes:
            for source, slope in inputs:
                slopes[source] = slopes[name] * slope
    return slopes


def walk__accumulator_started_at_ones(tape, y):
    slopes = {y: 1.0}
    for name, inputs in reversed(tape):
        if name in slopes:
            for source, slope in inputs:
                slopes[source] = slopes.get(source, 1.0) + slopes[name] * slope
    return slopes


def walk__oldest_first(tape, y):
    slopes = {y: 1.0}
    for name, inputs in tape:
        if name in slopes:
            for source, slope in inputs:
                slopes[source] = slopes.get(source, 0.0) + slopes[name] * slope
    return slopes


def walk__steps_that_do_not_matter(tape, y):
    slopes = {y: 1.0}
    for name, inputs in reversed(tape):
        for source, slope in inputs:
            slopes[source] = slopes.get(source, 0.0) + slopes.setdefault(name, 1.0) * slope
    return slopes
