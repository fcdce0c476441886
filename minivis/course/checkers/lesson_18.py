"""Lesson 18: activation maximisation."""

import numpy as np

from ..judging import Answer, Wrong, derivative, exercise, parts, same


@exercise
def step_on_the_sphere(answer: Answer) -> None:
    """One step of gradient ascent on a sphere."""
    rng = np.random.default_rng(1)
    x, g = (
        9 * rng.normal(size=(3, 4, 5, 3)),
        rng.normal(size=(3, 4, 5, 3)) * np.array([1, 10, 0.1])[:, None, None, None],
    )
    given_x, given_g = x.copy(), g.copy()
    found = answer(given_x, given_g, 2.0, 7.0)
    same("one number, 3 with slope -5, a step of 1, norm 4", answer(*_single(3, -5), 1.0, 4.0), _single(4, 0)[0])
    right, up = np.zeros((2, 1, 1, 1, 3))
    right[..., 0], up[..., 1] = 3, 0.5
    turned = np.zeros((1, 1, 1, 3))
    turned[..., 0], turned[..., 1] = 3, 4
    same("from (3, 0, 0), a step of 4 along (0, 0.5, 0), norm 5", answer(right, up, 4.0, 5.0), turned)
    same("shape", np.shape(found), x.shape)
    uphill = 7 * g / np.sqrt((g**2).sum((1, 2, 3), keepdims=True))
    same("from the zero picture: along the gradient of the whole picture", answer(0 * x, g.copy(), 2.0, 7.0), uphill)
    same("the norm of each picture", np.sqrt((np.asarray(found) ** 2).sum((1, 2, 3))), [7.0] * 3)
    same("ten times the gradient, the same step", answer(x.copy(), 10 * g, 2.0, 7.0), found)
    same("the second picture by itself", answer(x[1:2].copy(), g[1:2].copy(), 2.0, 7.0), np.asarray(found)[1:2])
    with np.errstate(all="ignore"):
        still = answer(x.copy(), 0 * g, 2.0, 7.0)
    same("without a gradient only the norm changes", still, 7 * x / np.sqrt((x**2).sum((1, 2, 3), keepdims=True)))
    same("the pictures and gradients that were given have not changed", [given_x, given_g], [x, g])


def _single(value: float, slope: float) -> tuple:
    return np.full((1, 1, 1, 1), float(value)), np.full((1, 1, 1, 1), float(slope))


@exercise
def favourites_of_a_linear_unit(answer: Answer) -> None:
    """The best input of a linear unit, on a sphere and in a box."""
    rng = np.random.default_rng(2)
    same("w = (3, -4), length 10: where", parts(answer(np.array([3.0, -4.0]), 10.0, 1.0), 2)[0], [6.0, -8.0])
    w = rng.normal(size=(3, 3, 3))
    sphere, box = (np.asarray(part, dtype=float) for part in parts(answer(w.copy(), 5.0, 2.0), 2))
    same("shapes", [sphere.shape, box.shape], [w.shape, w.shape])
    same("the norm of the first", np.sqrt((sphere**2).sum()), 5.0)
    same("the largest value of the second", abs(box).max(), 2.0)
    for name, found, others in (
        ("on the sphere", sphere, [5 * z / np.sqrt((z**2).sum()) for z in rng.normal(size=(200, *w.shape))]),
        ("in the box", box, [*rng.uniform(-2, 2, (200, *w.shape)), 2 * w / abs(w).max()]),
    ):
        rival = max(float((w * z).sum()) for z in others)
        if not float((w * found).sum()) > rival:
            raise Wrong(
                f"{name}: an input found by chance is better", f"more than {rival:.4g}", float((w * found).sum())
            )
    same("on the sphere: the bound of Cauchy and Schwarz is reached", (w * sphere).sum(), 5 * np.sqrt((w**2).sum()))
    same("in the box: each value helps as much as it may", w * box, 2 * abs(w))


@exercise
def gradient_through_jitter(answer: Answer) -> None:
    """The way back through a shift."""
    rng = np.random.default_rng(3)
    a, x = rng.normal(size=(4, 6, 3)), rng.normal(size=(4, 6, 3))
    for shift in ((1, 0), (0, -2), (3, 2)):

        def shifted(z: np.ndarray, shift: tuple = shift) -> float:
            return float((a * np.sin(np.roll(z, shift, axis=(0, 1)))).sum())

        found = answer(lambda z: a * np.cos(z), x.copy(), shift)
        derivative(f"the gradient of f(x shifted by {shift})", found, shifted, x)
    same("shifted by nothing", answer(lambda z: 2 * z, x.copy(), (0, 0)), 2 * x)
    same("f is a sum of squares: shifting changes nothing", answer(lambda z: 2 * z, x.copy(), (2, 1)), 2 * x)
