"""A mixture of Gaussians as a model of colours, fitted by expectation-maximisation."""

from dataclasses import dataclass

import numpy as np

from ..backend import Array, to_host
from ..errors import InputError

COMPONENTS = 5
"""Gaussians per model (ours: the segmentation paper does not give the number)."""

FLOOR = 1.0
"""Added to the variance of each channel, in grey levels squared (ours): a single colour has a density then, too."""

STEPS, TOLERANCE = 100, 1e-3
"""EM stops after so many steps, or when the mean log density rises by less (ours)."""


@dataclass(frozen=True)
class ColourModel:
    """A mixture of K Gaussians over colours of D channels.

    Attributes
    ----------
    weights : ndarray, shape (K,)
    means : ndarray, shape (K, D)
    covariances : ndarray, shape (K, D, D)
    """

    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray

    def log_density(self, colours: Array) -> np.ndarray:
        """Return the log density (natural logarithm) at `colours`, shape (..., D), as float64 of shape (...)."""
        colours = to_host(colours).astype(np.float64, copy=False)
        joint = self._joint(colours.reshape(-1, colours.shape[-1]))
        return _log_sum_exp(joint).reshape(colours.shape[:-1])

    def _joint(self, colours: np.ndarray) -> np.ndarray:
        """Return log(weight x density) of each component, (M, K)."""
        joint = np.empty((len(colours), len(self.weights)))
        for k, (weight, mean, covariance) in enumerate(zip(self.weights, self.means, self.covariances, strict=True)):
            root = np.linalg.cholesky(covariance)  # L L' = covariance, so |L^-1 (x - mean)|^2 is Mahalanobis' distance
            standard = np.linalg.solve(root, (colours - mean).T)
            log_volume = np.log(np.diag(root)).sum() + 0.5 * len(mean) * np.log(2 * np.pi)
            joint[:, k] = np.log(weight) - log_volume - 0.5 * (standard**2).sum(0)
        return joint


def fit_colours(
    colours: Array,
    components: int = COMPONENTS,
    rng: np.random.Generator | None = None,
    floor: float = FLOOR,
    steps: int = STEPS,
    tolerance: float = TOLERANCE,
) -> ColourModel:
    """Fit a mixture of Gaussians with full covariances.

    Parameters
    ----------
    colours : ndarray, shape (M, D)
        At least one colour.
    components : int
        At most so many: there are never more than different colours.
    rng : numpy.random.Generator, optional
        Of the k-means++ start. Default: seeded with 0.
    floor : float
        Added to the diagonal of each covariance, > 0.
    steps : int
    tolerance : float

    References
    ----------
    Dempster, Laird and Rubin 1977; Arthur and Vassilvitskii 2007, "k-means++", for the start.
    """
    colours = to_host(colours).astype(np.float64, copy=False)
    if colours.ndim != 2 or colours.size == 0 or not np.isfinite(colours).all():
        raise InputError(f"expected one finite colour or more, shape (M, D), got shape {colours.shape}")
    if components < 1 or floor <= 0 or steps < 0:
        raise InputError(
            f"expected 1 component or more, a floor above 0 and 0 steps or more, got {components}, {floor} and {steps}"
        )
    centres = spread_centres(colours, components, rng or np.random.default_rng(0))
    nearest = ((colours[:, None] - centres) ** 2).sum(2).argmin(1)
    model = maximise(colours, np.eye(len(centres))[nearest], floor)
    before = -np.inf
    for _ in range(steps):
        joint = model._joint(colours)
        log_density = _log_sum_exp(joint)
        if log_density.mean() - before < tolerance:
            break
        before = log_density.mean()
        model = maximise(colours, np.exp(joint - log_density[:, None]), floor)
    return model


def maximise(colours: np.ndarray, shares: np.ndarray, floor: float = FLOOR) -> ColourModel:
    """Return the M step: the model of `colours` (M, D), of which `shares` (M, K) belong to each component."""
    amounts = shares.sum(0) + 10 * np.finfo(np.float64).eps  # a component that has lost its colours divides by no zero
    means = shares.T @ colours / amounts[:, None]
    covariances = np.empty((len(amounts), colours.shape[1], colours.shape[1]))
    for k, amount in enumerate(amounts):
        offsets = colours - means[k]
        covariances[k] = (shares[:, k, None] * offsets).T @ offsets / amount + floor * np.eye(colours.shape[1])
    return ColourModel(amounts / amounts.sum(), means, covariances)


def spread_centres(colours: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Choose up to `count` different colours: each next one with a chance in proportion to its squared distance."""
    centres = [colours[rng.integers(len(colours))]]
    distances = ((colours - centres[0]) ** 2).sum(1)
    while len(centres) < count and distances.any():
        centres.append(colours[rng.choice(len(colours), p=distances / distances.sum())])
        distances = np.minimum(distances, ((colours - centres[-1]) ** 2).sum(1))
    return np.array(centres)


def _log_sum_exp(joint: np.ndarray) -> np.ndarray:
    largest = joint.max(1, keepdims=True)
    return largest[:, 0] + np.log(np.exp(joint - largest).sum(1))
