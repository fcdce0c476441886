"""Typical wrong answers to lesson 26: EXERCISE__WHAT_IS_WRONG."""

import numpy as np


def all_distances__squared(a, b):
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    return ((a[:, None] - b) ** 2).sum(-1)


def all_distances__eight_bits_wrap(a, b):
    return np.sqrt(((a[:, None] - b).astype(float) ** 2).sum(-1))


def all_distances__sum_of_absolute_values(a, b):
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    return np.abs(a[:, None] - b).sum(-1)


def all_distances__transposed(a, b):
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    return np.sqrt(((b[:, None] - a) ** 2).sum(-1))


def all_distances__product_without_the_two(a, b):
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    return np.sqrt(np.abs((a**2).sum(1)[:, None] + (b**2).sum(1) - a @ b.T))


def all_distances__mean_over_the_numbers(a, b):
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    return np.sqrt(((a[:, None] - b) ** 2).mean(-1))


def all_distances__root_of_rounding(a, b):
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    with np.errstate(invalid="ignore"):
        return np.sqrt((a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T)


def cosine_neighbours__itself_first(points, k):
    unit = points / np.linalg.norm(points, axis=1, keepdims=True)
    return (1 - unit @ unit.T).argsort(axis=1, kind="stable")[:, :k]


def cosine_neighbours__furthest(points, k):
    unit = points / np.linalg.norm(points, axis=1, keepdims=True)
    products = unit @ unit.T
    np.fill_diagonal(products, np.inf)
    return products.argsort(axis=1, kind="stable")[:, :k]


def cosine_neighbours__euclidean(points, k):
    squared = ((points[:, None] - points) ** 2).sum(-1)
    np.fill_diagonal(squared, np.inf)
    return squared.argsort(axis=1, kind="stable")[:, :k]


def cosine_neighbours__products_without_lengths(points, k):
    products = points @ points.T
    np.fill_diagonal(products, -np.inf)
    return (-products).argsort(axis=1, kind="stable")[:, :k]


def cosine_neighbours__first_of_the_list_dropped_after_the_cut(points, k):
    unit = points / np.linalg.norm(points, axis=1, keepdims=True)
    return (1 - unit @ unit.T).argsort(axis=1, kind="stable")[:, :k][:, 1:]


def cosine_neighbours__sign_of_the_product_lost(points, k):
    unit = points / np.linalg.norm(points, axis=1, keepdims=True)
    distances = 1 - np.abs(unit @ unit.T)
    np.fill_diagonal(distances, np.inf)
    return distances.argsort(axis=1, kind="stable")[:, :k]


def vote__the_nearest_alone(index, labels):
    return labels[index[:, 0]]


def vote__smallest_class_of_equals(index, labels):
    return np.array([np.bincount(labels[row]).argmax() for row in index])


def vote__mean_of_the_classes(index, labels):
    return np.rint(labels[index].mean(1)).astype(int)


def vote__index_for_class(index, labels):
    classes = labels[index]
    return (classes[:, :, None] == classes[:, None]).sum(2).argmax(1)


def vote__votes_of_all_queries_together(index, labels):
    return np.full(len(index), np.bincount(labels[index].ravel()).argmax())
