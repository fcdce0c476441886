"""Codes through time: one map for all epochs, in which the pictures move while the network learns."""

import numpy as np

from ..backend import Array
from ..errors import InputError
from .pca import pca
from .tsne import tsne

MOST_POINTS = 6000
"""Of a t-SNE map (ours): each step compares all pairs."""


def trajectories(
    codes: Array, method: str = "pca", fit: str = "all", perplexity: float = 30.0, steps: int = 1000
) -> Array:
    """Map the codes of the same pictures in all epochs together, so that places can be compared between epochs.

    A map for each epoch alone would be turned and stretched as it likes; here an epoch's map is a part of one.

    Parameters
    ----------
    codes : ndarray, shape (E, N, D)
        `Record.codes`: E epochs, N pictures.
    method : {"pca", "tsne"}
        The two directions of most variance; or t-SNE of all E * N codes at once. There, neighbours may be codes of one
        picture in different epochs, and empty space between epochs means nothing.
    fit : {"all", "last"}
        Of "pca": directions of all codes, or of the last epoch's.
    perplexity, steps
        As in `tsne`.

    Returns
    -------
    ndarray, shape (E, N, 2)
    """
    if getattr(codes, "ndim", 0) != 3:
        raise InputError(f"expected codes (epochs, pictures, numbers), got shape {getattr(codes, 'shape', None)}")
    epochs, count, size = codes.shape
    points = codes.reshape(epochs * count, size)
    if method == "pca" and fit in ("all", "last"):
        places = pca(points if fit == "all" else codes[-1], 2).transform(points)
    elif method == "tsne":
        if len(points) > MOST_POINTS:
            raise InputError(
                f"{epochs} epochs of {count} pictures are {len(points):,} points, a t-SNE map here takes "
                f'{MOST_POINTS:,} at most: choose fewer epochs or pictures, or method="pca"'
            )
        places = tsne(points, min(perplexity, (len(points) - 1) / 3), steps)
    else:
        raise InputError(f"method is pca (fit: all or last) or tsne, got {method!r}, {fit!r}")
    return places.reshape(epochs, count, 2)


def some_epochs(count: int, most: int) -> np.ndarray:
    """Choose at most `most` of `count` epochs, denser at the start, where most happens: indices, rising.

    The first and the last are among them; their numbers plus 1 are about evenly spaced on a logarithmic scale.
    """
    if count <= most:
        return np.arange(count)
    wanted = np.geomspace(1, count, most) - 1
    chosen = np.rint(wanted).astype(int)
    for i in range(1, most):  # no number twice: later ones move up
        chosen[i] = max(chosen[i], chosen[i - 1] + 1)
    return np.minimum(chosen, count - most + np.arange(most))
