"""Principal components: the directions along which points vary most (Pearson 1901; Hotelling 1933)."""

from typing import NamedTuple

from ..backend import Array, array_module
from ..errors import InputError
from .points import as_points, signs_fixed


class PCA(NamedTuple):
    """The principal components of points, made by `pca`."""

    mean: Array  # (D,) of the points
    components: Array  # (K, D): orthogonal rows of length 1, largest variance first
    variance: Array  # (K,) along each component; the sum of squares is divided by N - 1
    share: Array  # (K,) of the variance of the points, 0..1

    def transform(self, points: Array) -> Array:
        """Return the coordinates of `points` (M, D) along the components: (M, K)."""
        return (self._as_wide(points, len(self.mean), "numbers") - self.mean) @ self.components.T

    def inverse(self, coordinates: Array) -> Array:
        """Return the points (M, D) that have these coordinates (M, K): what the components keep of the points."""
        return self._as_wide(coordinates, len(self.components), "coordinates") @ self.components + self.mean

    def _as_wide(self, points: Array, width: int, unit: str) -> Array:
        points = as_points(points)
        if points.shape[1] != width:
            raise InputError(f"these components take points of {width} {unit}, got {points.shape[1]}")
        return points


def pca(points: Array, count: int | None = None) -> PCA:
    """Find the principal components of points.

    The singular value decomposition of the centred points X = U S V': the rows of V' are the components, S² / (N - 1)
    the variances. The covariance matrix X'X is never formed, as that would square the spread of the singular values.

    Parameters
    ----------
    points : ndarray, shape (N, D)
        Of any two N and D; integers are converted. The decomposition is in float64, the result in their dtype.
    count : int, optional
        How many components. Default: all; N points have at most N - 1.

    Returns
    -------
    PCA
        Each component's entry of largest size is positive.

    Raises
    ------
    InputError
        If there are not two points, they are not finite, or they do not have `count` components.
    """
    points = as_points(points, at_least=2)
    xp = array_module(points)
    most = min(len(points) - 1, points.shape[1])
    count = most if count is None else count
    if not 1 <= count <= most:
        raise InputError(
            f"{len(points)} points of {points.shape[1]} numbers have 1 to {most} principal components, got {count}"
        )
    wide = points.astype("float64")  # where two variances are alike, float32 would mix their components
    mean = wide.mean(0)
    _, sizes, directions = xp.linalg.svd(wide - mean, full_matrices=False)
    variances = sizes * sizes / (len(points) - 1)
    total = variances.sum()
    share = variances / xp.where(total > 0, total, 1)
    found = (mean, signs_fixed(directions[:count]), variances[:count], share[:count])
    return PCA(*(part.astype(points.dtype) for part in found))


def reduced(points: Array, kept: int) -> Array:
    """Return the coordinates of points (N, D) along their first `kept` components, or along all if there are fewer.

    N points have at most N - 1; a single point has one coordinate, 0.
    """
    points = as_points(points)
    if len(points) == 1:
        return 0 * points[:, :1]
    return pca(points, max(1, min(kept, len(points) - 1, points.shape[1]))).transform(points)
