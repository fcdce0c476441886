"""Lesson 25: fooling a network."""

import numpy as np

from ..judging import Answer, Wrong, exercise, numbers, same


@exercise
def fooling_step(answer: Answer) -> None:
    """A step of a given length along the gradient."""
    rng = np.random.default_rng(25)
    x, g = rng.uniform(100, 150, size=(4, 5, 3)), rng.normal(size=(4, 5, 3))
    kept = x.copy()
    after = numbers("the picture after the step", answer(x, g.copy(), 20.0))
    same("x is as it was", x, kept)
    same("the picture after the step: its shape", after * 0, kept * 0)
    same("the length of the step, inside the range", np.linalg.norm(after - kept), 20.0)
    same("the cosine of the step and g", ((after - kept) * g).sum() / np.linalg.norm(g), 20.0)
    same("a gradient 1000 times as large gives the same step", answer(kept.copy(), 1000 * g, 20.0), after)
    black = np.zeros((1, 2, 3))
    same("from black downwards", answer(black.copy(), black - 1, 9.0), black)
    same("from white upwards", answer(black + 255, black + 1, 9.0), black + 255)
    same("no gradient, no step", answer(kept.copy(), 0 * g, 20.0), kept)


@exercise
def step_by_sign(answer: Answer) -> None:
    """A step by the sign of the slope, near the photograph, within the range."""
    photo = np.array([[[100.0, 100, 100], [100, 100, 100], [1, 254, 100]]])
    x = np.array([[[100.0, 103, 97], [103.5, 96.5, 100], [1, 254, 104]]])
    g = np.array([[[0.001, 50, -50], [2, -2, 0], [-1, 1, -3]]])
    found = numbers("the picture after the step", answer(x.copy(), photo.copy(), g, 1.0, 4.0))
    same("the picture after the step: its shape", found * 0, x * 0)
    same("by alpha = 1, however large the slope is", found[0, 0], [101.0, 104, 96])
    same("no further than eps = 4 from the photograph, and still where the slope is 0", found[0, 1], [104.0, 96, 100])
    same("back from the limit", found[0, 2, 2], 103.0)
    same("within 0..255, by steps of 3", answer(x.copy(), photo.copy(), g, 3.0, 4.0)[0, 2, :2], [0.0, 255])


@exercise
def to_the_border(answer: Answer) -> None:
    """The shortest change to the border between two classes of a linear classifier."""
    rng = np.random.default_rng(26)
    x, W, b = rng.normal(size=5), rng.normal(size=(5, 3)), rng.normal(size=3)
    for old, new in ((0, 2), (2, 1)):
        r = numbers("the change", answer(x.copy(), W.copy(), b.copy(), old, new))
        same("the change: its shape", r * 0, x * 0)
        scores = (x + r) @ W + b
        same("at x + r, the two scores: their difference", scores[new] - scores[old], 0.0, 1e-9)
        apart = W[:, new] - W[:, old]
        along = abs(r @ apart) / np.linalg.norm(apart)
        if abs(np.linalg.norm(r) - along) > 1e-9:
            raise Wrong("a part of r does not bring x nearer to the border: || r ||", along, np.linalg.norm(r))
