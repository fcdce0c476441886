"""Lesson 23: Gram matrices and texture."""

import numpy as np

from ..judging import Answer, Wrong, derivative, exercise, same


@exercise
def mean_gram(answer: Answer) -> None:
    """The Gram matrix of maps with their channels first, averaged over places."""
    two = np.array([[[1.0, 2.0, 0.0, 1.0]], [[3.0, 0.0, 1.0, 2.0]]])
    same("channels (1, 2, 0, 1) and (3, 0, 1, 2) at four places", answer(two.copy()), [[6 / 4, 5 / 4], [5 / 4, 14 / 4]])
    rng = np.random.default_rng(23)
    maps = rng.normal(size=(3, 4, 5))
    found = answer(maps.copy())
    same("its diagonal is the mean square of each channel", np.diag(_square(found, 3)), (maps**2).mean((1, 2)))
    same("it is symmetric", found, np.transpose(found))
    dealt = rng.permutation(maps.reshape(3, 20).T).T.reshape(3, 4, 5)
    same("places dealt out anew do not change it", answer(dealt), found)
    same("four copies of a picture side by side have the same texture", answer(np.tile(maps, (1, 2, 2))), found)


@exercise
def other_style_slope(answer: Answer) -> None:
    """The slope of a style loss with another normalisation."""
    rng = np.random.default_rng(24)
    F, other = rng.normal(size=(2, 7, 3))
    wanted = other.T @ other / 21

    def loss(F: np.ndarray) -> float:
        return (((F.T @ F) / F.size - wanted) ** 2).sum() / F.shape[1] ** 2

    kept = F.copy()
    derivative("the slope of the loss", answer(F, wanted), loss, kept)
    same("F is as it was", F, kept)
    same("where the texture is reached there is no slope", answer(other.copy(), wanted), np.zeros((7, 3)), 1e-12)


@exercise
def equal_say(answer: Answer) -> None:
    """Weights by which all rows have an equal say."""
    rng = np.random.default_rng(25)
    places, channels = [36, 9, 4], [2, 3, 5]
    wanted = []
    for M, N in zip(places, channels, strict=True):
        F = rng.uniform(size=(M, N)) * N
        wanted.append(F.T @ F)
    losses = np.array([(G * G).sum() / (2 * len(G) * M) ** 2 for G, M in zip(wanted, places, strict=True)])
    found = answer([G.copy() for G in wanted], list(places))
    same("w E, for a picture of nothing, is the same for all rows, and together 1", found * losses, np.full(3, 1 / 3))
    same("a single row: w E", answer([wanted[0].copy()], [36]) * losses[:1], [1.0])


def _square(found: object, size: int) -> np.ndarray:
    matrix = np.asarray(found)
    if matrix.shape != (size, size):
        raise Wrong(f"{size} channels: the shape of the Gram matrix", (size, size), matrix.shape)
    return matrix
