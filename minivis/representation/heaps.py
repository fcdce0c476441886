"""The strongest few pictures of each unit, kept while pictures go by: a bounded heap per unit, as arrays.

Pictures are ordered by value, the larger first, and among equal values by number, the earlier first. No two pictures
are equal in that order, so the few first of all pictures are the same however they are cut into shards and whichever
shards are merged first.
"""

from typing import Any, NamedTuple

import numpy as np

from ..backend import Array, array_module, to_host


class Heap(NamedTuple):
    """For each of C units its strongest k pictures, the strongest first.

    Attributes
    ----------
    values : ndarray, shape (C, k)
        What the unit answered; -inf where there have not been k pictures.
    pictures : ndarray of int64, shape (C, k)
        The numbers of the pictures, no number twice in a row; -1 for none.
    places : ndarray of int32, shape (C, k, 2)
        Row and column of the strongest place of that picture, the first among equals; (0, 0) for rows of scores.
    """

    values: np.ndarray
    pictures: np.ndarray
    places: np.ndarray


def empty_heap(units: int, top: int, dtype: Any) -> Heap:
    """Return the heap of no pictures."""
    return Heap(
        np.full((units, top), -np.inf, dtype), np.full((units, top), -1, np.int64), np.zeros((units, top, 2), np.int32)
    )


def heap_of(maps: Array, numbers: list[int], top: int) -> Heap:
    """Return the heap of a batch.

    Parameters
    ----------
    maps : ndarray, shape (n, h, w, C) or (n, C)
        A row of a network; NaN never gets in.
    numbers : list of int
        The number of each picture.
    top : int
        k.
    """
    n, units = maps.shape[0], maps.shape[-1]
    columns = maps.shape[2] if maps.ndim == 4 else 1
    flat = maps.reshape(n, -1, units)
    where = flat.argmax(1)  # (n, C); the first among equals
    best = array_module(flat).take_along_axis(flat, where[:, None], 1)[:, 0]
    where, best = to_host(where).T, to_host(best).T  # (C, n)
    places = np.stack([where // columns, where % columns], -1).astype(np.int32)
    pictures = np.broadcast_to(np.asarray(numbers, np.int64), best.shape)
    lost = np.isnan(best)
    found = Heap(np.where(lost, -np.inf, best).astype(best.dtype), np.where(lost, -1, pictures), places)
    return merged(empty_heap(units, top, best.dtype), found)


def merged(a: Heap, b: Heap) -> Heap:
    """Return the heap of the pictures of both, which have none in common; as large as `a`."""
    values, pictures, places = (np.concatenate(pair, axis=1) for pair in zip(a, b, strict=True))
    top = a.values.shape[1]
    # The last key counts most. The empty places, -inf with number -1, would come before a picture of -inf: as last.
    order = np.lexsort((np.where(pictures < 0, np.iinfo(np.int64).max, pictures), -values), axis=1)[:, :top]
    picked = np.take_along_axis(pictures, order, 1)
    return Heap(np.take_along_axis(values, order, 1), picked, np.where(picked[..., None] < 0, 0, _taken(places, order)))


def _taken(places: np.ndarray, order: np.ndarray) -> np.ndarray:
    return np.take_along_axis(places, order[..., None], 1)
