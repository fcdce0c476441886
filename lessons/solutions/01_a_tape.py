"""Solutions to lesson 1."""


def sigmoid_rule(g, s):
    """The slope of the sigmoid is s (1 - s)."""
    return g * s * (1 - s)


def quotient_rules(g, a, b):
    """The slope of a / b is 1 / b to a, and -a / b² to b."""
    return g / b, -g * a / b**2


def walk(tape, y):
    """Newest step first; where paths meet, slopes add."""
    slopes = {y: 1.0}
    for name, inputs in reversed(tape):
        if name in slopes:
            for source, slope in inputs:
                slopes[source] = slopes.get(source, 0.0) + slopes[name] * slope
    return slopes
