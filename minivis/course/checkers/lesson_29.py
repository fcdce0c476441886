"""Lesson 29: can a picture be trusted?"""

import numpy as np

from ..judging import Answer, Wrong, exercise, numbers, same


@exercise
def rank_correlation(answer: Answer) -> None:
    """Spearman's correlation, with ties."""
    rng = np.random.default_rng(291)
    a, b = rng.normal(size=(2, 5, 6))
    found = float(numbers("one number", answer(a.copy(), b.copy())))
    same("a map and itself", answer(a.copy(), a.copy()), 1.0)
    same("a map and its negative: the opposite order", answer(a.copy(), -a), -1.0)
    same("ranks do not see the scale: exp(a) for a", answer(np.exp(3 * a), b.copy()), found)
    same("worked on paper: (1, 2, 3, 4) and (2, 1, 4, 3)", answer(np.arange(1.0, 5), np.array([2.0, 1, 4, 3])), 0.6)
    tied = answer(np.array([0.0, 0, 1, 1]), np.array([0.0, 1, 0, 1]))
    same("(0, 0, 1, 1) and (0, 1, 0, 1): no relation", 1 + numbers("a number", tied), 1.0)
    three = answer(np.array([0.0, 0, 0, 1, 2]), np.arange(5.0))
    same("worked on paper: (0, 0, 0, 1, 2) and (1, 2, 3, 4, 5)", three, 8 / np.sqrt(80))
    same(
        "(0, 0, 1) and (5, 5, 9): the same order, ties and all",
        answer(np.array([0.0, 0, 1]), np.array([5.0, 5, 9])),
        1.0,
    )
    one, other = (np.where(rng.random(80) < 0.2, rng.random(80), 0.0) for _ in range(2))
    order = rng.permutation(80)
    before, after = answer(one.copy(), other.copy()), answer(one[order], other[order])
    same("renumbering the pixels of two sparse maps changes nothing", after, before)


@exercise
def pointing_rate(answer: Answer) -> None:
    """Whether the strongest pixels lie in the masks."""
    maps, masks = np.zeros((2, 3, 4)), np.zeros((2, 3, 4), bool)
    maps[0, 1, 2], maps[1, 0, 0] = 5, 2
    masks[0, 1, 1:], masks[1, 2, :] = True, True
    same("a hit and a miss", answer(maps.copy(), masks.copy()), 0.5)
    same("a hit alone", answer(maps[:1].copy(), masks[:1].copy()), 1.0)
    same("any map, and a mask that covers all", answer(maps.copy(), np.ones((2, 3, 4), bool)), 1.0)
    tied = maps.copy()
    tied[0, 2, 2] = 5
    same("two strongest pixels, one of them in the mask; and a miss", answer(tied, masks.copy()), 0.25)
    same(
        "maps that are 0 everywhere: 3 of 12 and 4 of 12 pixels are in the masks",
        answer(0 * maps, masks.copy()),
        7 / 24,
    )
    same("maps moved down by 10: the strongest stay the strongest", answer(maps - 10, masks.copy()), 0.5)


@exercise
def cascade_tables(answer: Answer) -> None:
    """Ever more random rows, from the top."""
    rng = np.random.default_rng(292)
    rows = ("conv1", "conv2", "fc")
    learnt, fresh = ({row: rng.normal(size=(2, 2)) for row in rows} for _ in range(2))
    given, spare = dict(learnt), dict(fresh)
    tables = answer(given, spare)
    if not isinstance(tables, list | tuple) or not all(isinstance(table, dict) for table in tables):
        raise Wrong("what it returns", "a list of dictionaries", type(tables).__name__)
    same("as many tables as there are rows", len(tables), 3)
    for count, table in enumerate(tables, 1):
        if set(table) != set(rows):
            raise Wrong(f"table {count} has all the rows", sorted(rows), sorted(table))
        which = {row: "random" if np.array_equal(table[row], fresh[row]) else "learnt" for row in rows}
        expected = {row: "random" if i >= 3 - count else "learnt" for i, row in enumerate(rows)}
        if which != expected:
            raise Wrong(f"table {count}, from the lowest row up", " ".join(expected.values()), " ".join(which.values()))
        for row in rows:
            same(f"table {count}: {row}", table[row], fresh[row] if expected[row] == "random" else learnt[row])
    if any(given[row] is not learnt[row] or spare[row] is not fresh[row] for row in rows):
        raise Wrong("the two dictionaries that came in, afterwards", "unchanged", "changed")
