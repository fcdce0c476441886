"""Typical wrong answers to lesson 29: EXERCISE__WHAT_IS_WRONG."""

import numpy as np


def rank_correlation__of_the_values(a, b):
    return np.corrcoef(np.ravel(a), np.ravel(b))[0, 1]


def rank_correlation__sorted_twice(a, b):
    return np.corrcoef(np.ravel(a).argsort(kind="stable").argsort(), np.ravel(b).argsort(kind="stable").argsort())[0, 1]


def rank_correlation__sorted_once(a, b):
    return np.corrcoef(np.ravel(a).argsort(kind="stable"), np.ravel(b).argsort(kind="stable"))[0, 1]


def rank_correlation__of_absolute_values(a, b):
    ranks = []
    for values in (np.abs(np.ravel(a)), np.abs(np.ravel(b))):
        ranks.append((values < values[:, None]).sum(1) + (values == values[:, None]).sum(1) / 2)
    return np.corrcoef(*ranks)[0, 1]


def rank_correlation__ties_take_the_lowest_rank(a, b):
    ranks = [(np.ravel(values) < np.ravel(values)[:, None]).sum(1) for values in (a, b)]
    return np.corrcoef(*ranks)[0, 1]


def rank_correlation__one_side_ranked(a, b):
    values = np.ravel(a)
    return np.corrcoef((values < values[:, None]).sum(1) + (values == values[:, None]).sum(1) / 2, np.ravel(b))[0, 1]


def pointing_rate__first_of_the_strongest(maps, masks):
    strongest = maps.reshape(len(maps), -1).argmax(1)
    return masks.reshape(len(masks), -1)[np.arange(len(maps)), strongest].mean()


def pointing_rate__any_of_the_strongest(maps, masks):
    return ((maps == maps.max((1, 2), keepdims=True)) & masks).any((1, 2)).mean()


def pointing_rate__strongest_of_the_batch(maps, masks):
    strongest = maps == maps.max()
    return ((strongest & masks).sum((1, 2)) / np.maximum(strongest.sum((1, 2)), 1)).mean()


def pointing_rate__energy_inside(maps, masks):
    return ((maps.clip(0) * masks).sum((1, 2)) / np.maximum(maps.clip(0).sum((1, 2)), 1e-9)).mean()


def pointing_rate__weakest(maps, masks):
    weakest = maps == maps.min((1, 2), keepdims=True)
    return ((weakest & masks).sum((1, 2)) / weakest.sum((1, 2))).mean()


def pointing_rate__not_averaged(maps, masks):
    strongest = maps == maps.max((1, 2), keepdims=True)
    return (strongest & masks).sum((1, 2)) / strongest.sum((1, 2))


def cascade_tables__from_the_bottom(learnt, fresh):
    rows = list(learnt)
    return [{row: fresh[row] if row in rows[:n] else learnt[row] for row in rows} for n in range(1, len(rows) + 1)]


def cascade_tables__independent(learnt, fresh):
    rows = list(learnt)
    return [{row: fresh[row] if row == one else learnt[row] for row in rows} for one in reversed(rows)]


def cascade_tables__slice_from_minus_zero(learnt, fresh):
    rows = list(learnt)
    return [{row: fresh[row] if row in rows[-n:] else learnt[row] for row in rows} for n in range(len(rows))]


def cascade_tables__one_dictionary_for_all(learnt, fresh):
    table, tables = dict(learnt), []
    for row in reversed(list(learnt)):
        table[row] = fresh[row]
        tables.append(table)
    return tables


def cascade_tables__in_place(learnt, fresh):
    tables = []
    for row in reversed(list(learnt)):
        learnt[row] = fresh[row]
        tables.append(dict(learnt))
    return tables


def cascade_tables__with_the_learnt_one(learnt, fresh):
    rows = list(learnt)
    return [
        {row: fresh[row] if i >= len(rows) - n else learnt[row] for i, row in enumerate(rows)}
        for n in range(len(rows) + 1)
    ]


def cascade_tables__only_the_random_rows(learnt, fresh):
    rows = list(learnt)
    return [{row: fresh[row] for row in rows[-n:]} for n in range(1, len(rows) + 1)]
