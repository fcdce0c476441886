"""Isomap: a map that keeps the distances along the sheet on which points lie (Tenenbaum, de Silva and Langford 2000).

Each point is joined to its nearest ones; the distance of any two is the length of the shortest path through those
joints; classical scaling finds places whose straight distances come nearest to these.
"""

from typing import Any, NamedTuple

import numpy as np

from ..backend import Array, array_module, like, to_host
from ..errors import InputError
from .neighbours import nearest_neighbours
from .points import as_points, signs_fixed

NEIGHBOURS = 10  # ours: scikit-learn has 5, with which photographs often fall apart into several graphs


class Isomap(NamedTuple):
    """What `isomap` found."""

    embedding: Array  # (N, d)
    distances: Array  # (N, N) along the graph
    variance: Array  # (d,): the eigenvalues of the axes, largest first; one that is not positive is no distance


def isomap(points: Array, k: int = NEIGHBOURS, dims: int = 2) -> Isomap:
    """Map points by their distances along the graph of neighbours.

    Parameters
    ----------
    points : ndarray, shape (N, D)
        Of a device: neighbours are found there, paths and places on the host.
    k : int
        How many neighbours each point is joined to. Too few, and the graph falls apart; too many, and paths jump from
        one fold of the sheet to another.
    dims : int
        Of the map.

    Returns
    -------
    Isomap
        In the library and dtype of the points.

    Raises
    ------
    InputError
        If the graph falls apart: points that no path joins have no distance.
    """
    points = as_points(points, at_least=2)
    distances = graph_distances(neighbour_graph(points, k))
    places, variance = classical_scaling(distances, dims)
    return Isomap(*(like(part.astype(points.dtype), points) for part in (places, distances, variance)))


def neighbour_graph(points: Array, k: int = NEIGHBOURS) -> Any:
    """Return the distance of each point to its `k` nearest, a SciPy sparse array (N, N) on the host."""
    from scipy.sparse import csr_array

    found = nearest_neighbours(points, k)
    index, distance = to_host(found.index), to_host(found.distance).astype("float64")
    ends = np.arange(0, index.size + 1, k, dtype=np.int32)  # SciPy 1.14's shortest_path takes no other integers
    return csr_array((distance.ravel(), index.ravel().astype(np.int32), ends), shape=(len(index), len(index)))


def graph_distances(graph: Any) -> np.ndarray:
    """Return the lengths of the shortest paths between all points, (N, N); an edge may be gone either way."""
    from scipy.sparse.csgraph import connected_components, shortest_path

    parts, member = connected_components(graph, directed=False)
    if parts > 1:
        sizes = np.sort(np.bincount(member))[::-1]
        listed = ", ".join(str(size) for size in sizes[:5]) + (", ..." if parts > 5 else "")
        raise InputError(
            f"the graph of nearest neighbours falls into {parts} parts (of {listed} points) with no path between them: "
            "take more neighbours"
        )
    return shortest_path(graph, method="D", directed=False)


def classical_scaling(distances: Array, dims: int = 2) -> tuple[Array, Array]:
    """Find places whose distances come nearest to those given (Torgerson 1952).

    If the distances are those of points, -d²/2 with its row and column means taken out holds their inner products, and
    its eigenvectors times the roots of the eigenvalues are the points, turned.

    Parameters
    ----------
    distances : ndarray, shape (N, N)
        Symmetric.
    dims : int

    Returns
    -------
    places : ndarray, shape (N, dims)
        Each axis is turned so that its entry of largest size is positive. An axis that the distances have no use for
        is 0.
    eigenvalues : ndarray, shape (dims,)
    """
    xp = array_module(distances)
    shape = distances.shape
    if len(shape) != 2 or shape[0] != shape[1]:
        raise InputError(f"expected distances (N, N), got shape {shape}")
    if not 1 <= dims < len(distances):
        raise InputError(f"{len(distances)} points have maps of 1 to {len(distances) - 1} dimensions, got {dims}")
    products = distances.astype("float64") ** 2
    products -= products.mean(0)
    products -= products.mean(1, keepdims=True)
    products *= -0.5
    values, vectors = xp.linalg.eigh(products)  # smallest first
    values, axes = values[::-1][:dims], signs_fixed(vectors.T[::-1][:dims])
    return (axes * xp.sqrt(xp.maximum(values, 0))[:, None]).T, values
