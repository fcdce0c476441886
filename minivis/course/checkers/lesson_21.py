"""Lesson 21: DeepDream."""

import numpy as np

from ..judging import Answer, derivative, exercise, same

AIMS = {
    "half": ("half the sum of squares", lambda f: float((f**2).sum() / 2)),
    "squares": ("the sum of squares", lambda f: float((f**2).sum())),
    "norm": ("the norm", lambda f: float(np.sqrt((f**2).sum()))),
    "mean": ("the mean", lambda f: float(f.mean())),
}


@exercise
def dream_seed(answer: Answer) -> None:
    """The slope at a row of what a dream raises."""
    same("half the sum of squares of (3, -4)", answer(np.array([3.0, -4.0]), "half"), [3.0, -4.0])
    f = np.random.default_rng(1).normal(size=(2, 3, 4))
    for aim, (name, value) in AIMS.items():
        given = f.copy()
        derivative(f"the gradient of {name}", answer(given, aim), value, f)
        same("the activations that were given have not changed", given, f)
    norm = np.asarray(answer(f.copy(), "norm"), dtype=float)
    same("the gradient of a norm has length 1", np.sqrt((norm**2).sum()), 1.0)


@exercise
def dream_step(answer: Answer) -> None:
    """One step of a dream."""
    rng = np.random.default_rng(2)
    x = rng.uniform(60, 190, (3, 4, 5, 3))
    g = rng.normal(size=x.shape) * np.array([1, 100, 0.01])[:, None, None, None]
    given_x, given_g = x.copy(), g.copy()
    found = answer(given_x, given_g, 1.5)
    same("shape", np.shape(found), x.shape)
    found = np.asarray(found, dtype=float)
    same("mean change of each picture", abs(found - x).mean((1, 2, 3)), [1.5] * 3)
    same("every value moves the way of its slope", np.sign(found - x), np.sign(g))
    same("changes are in the proportion of the slopes", (found - x)[0] / (found - x)[0, 0, 0, 0], g[0] / g[0, 0, 0, 0])
    same("ten times the gradient, the same step", answer(x.copy(), 10 * g, 1.5), found)
    same("the second picture by itself", answer(x[1:2].copy(), g[1:2].copy(), 1.5), found[1:2])
    with np.errstate(all="ignore"):
        same("no gradient, no step", answer(x.copy(), 0 * g, 1.5), x)
    edge = np.array([254.0, 1.0, 100.0]).reshape(1, 1, 1, 3)
    same(
        "at the ends of the range", answer(edge, np.array([1.0, -1, 1]).reshape(1, 1, 1, 3), 3.0), [[[[255.0, 0, 103]]]]
    )
    same("the pictures and gradients that were given have not changed", [given_x, given_g], [x, g])


@exercise
def next_octave(answer: Answer) -> None:
    """What is carried from one octave to the next."""
    rng = np.random.default_rng(3)
    small, large = rng.uniform(0, 200, (1, 3, 3, 3)), rng.uniform(0, 200, (1, 6, 6, 3))
    detail = rng.normal(size=small.shape)

    def enlarge(picture: np.ndarray) -> np.ndarray:
        return np.asarray(picture).repeat(2, 1).repeat(2, 2)

    none = answer(small.copy(), (small.copy(), large.copy()), enlarge)
    same("nothing was dreamt: the next octave starts with its own photograph", none, large)
    found = answer(small + detail, (small.copy(), large.copy()), enlarge)
    same("what is there, less the photograph: the detail, enlarged", np.asarray(found) - large, enlarge(detail))
    doubled = answer(small + 2 * detail, (small.copy(), large.copy()), enlarge)
    same("twice the detail arrives twice", np.asarray(doubled) - large, 2 * enlarge(detail))
