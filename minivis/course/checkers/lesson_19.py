"""Lesson 19: class models."""

import numpy as np

from ..judging import Answer, Wrong, exercise, parts, same


@exercise
def best_under_l2(answer: Answer) -> None:
    """The maximum of a plane less a penalty."""
    x, height = parts(answer(np.array([4.0]), 2.0), 2)
    same("4x - 2x²: where", x, [1.0])
    same("4x - 2x²: how high", height, 2.0)
    rng = np.random.default_rng(1)
    w = rng.normal(size=(3, 4, 3))
    x, height = parts(answer(w.copy(), 0.3), 2)
    same("at the maximum the two slopes cancel: 2 weight x", 2 * 0.3 * np.asarray(x, dtype=float), w)
    same("the height is that of the place", height, (w * x).sum() - 0.3 * (np.asarray(x) ** 2).sum())
    half = parts(answer(w.copy(), 0.6), 2)
    same("twice the weight, half as far", half[0], np.asarray(x, dtype=float) / 2)
    same("twice the weight, half as high", half[1], height / 2)


@exercise
def log_odds_parts(answer: Answer) -> None:
    """The rise of the log-odds, taken apart."""
    rng = np.random.default_rng(2)
    same("two classes, 1 and 2 before, 4 and 1 after", parts(answer(*_rows([1, 2], [4, 1]), 0), 2), [3.0, 1.0])
    same("only the class's own score changes", parts(answer(*_rows([1, 2, 3], [5, 2, 3]), 0), 2), [4.0, 0.0])
    same("both rivals fall by 2, own stays", parts(answer(*_rows([1, 2, 3], [-1, 2, 1]), 1), 2), [0.0, 2.0])
    same("all scores rise by 7: the parts cancel", parts(answer(*_rows([1, 2, 3], [8, 9, 10]), 2), 2), [7.0, -7.0])
    for label in (0, 3):
        before, after = rng.normal(size=(2, 5))
        own, rivals = parts(answer(before.copy(), after.copy(), label), 2)
        p = [np.exp(s[label]) / np.exp(s).sum() for s in (before, after)]
        same(
            "the two parts sum to the rise of log(p / (1 - p))",
            own + rivals,
            np.log(p[1] / (1 - p[1]) * (1 - p[0]) / p[0]),
        )
        same("own", own, after[label] - before[label])
    with np.errstate(all="ignore"):
        large = parts(answer(*_rows([0, 900, 0], [0, 2000, 0]), 0), 2)
    same("scores of 2000", large, [0.0, -1100.0])


def _rows(*rows: list) -> np.ndarray:
    return np.array(rows, dtype=float)


@exercise
def without_small_contributions(answer: Answer) -> None:
    """A touch that clips small contributions."""
    x = np.array([[[10.0, 0, 0], [1, 1, 1]], [[5, -5, 0], [0, 0, -20]]])
    g = np.array([[[1.0, 9, 9], [3, 3, 3]], [[4, 4, 4], [0, 0, 0.5]]])  # contributions 10, 9, 0, 10
    expected = x.copy()
    expected[1, 0] = 0
    same("contributions 10, 9, 0 and 10, percentile 30", answer(x.copy(), g.copy(), 30), expected)
    rng = np.random.default_rng(3)
    x, g = rng.normal(size=(2, 6, 7, 3))
    given = x.copy()
    found = np.asarray(answer(given, g.copy(), 70), dtype=float)
    same("x afterwards", given, x)
    same("shape", found.shape, x.shape)
    left = found.any(-1)
    same("how many of 42 pixels are left at percentile 70", left.sum(), 13)
    same("what is left has not changed", found[left], x[left])
    if abs((x * g).sum(-1))[left].min() < abs((x * g).sum(-1))[~left].max():
        raise Wrong(
            "the smallest contribution that is left, against the largest that is gone",
            f"at least {abs((x * g).sum(-1))[~left].max():.4g}",
            float(abs((x * g).sum(-1))[left].min()),
        )
    same("percentile 0: nothing is below the smallest", answer(x.copy(), g.copy(), 0), x)
    same("the gradient of -S takes away the same pixels", answer(x.copy(), -g, 70), found)
