"""How alike two explanations are: Spearman's rank correlation and SSIM."""

import numpy as np

from ..backend import Array, to_host
from ..errors import InputError

WINDOW = 7  # pixels
K1, K2 = 0.01, 0.03


def spearman(a: Array, b: Array) -> float:
    """Return the rank correlation of the values of two arrays of one shape, -1..1.

    Equal values share the mean of their ranks. If one of the arrays is constant it has no ranks: nan.
    """
    first, second = _pair(a, b)
    ranks = [_ranks(values.ravel()) for values in (first, second)]
    u, v = (values - values.mean() for values in ranks)
    scale = np.sqrt((u @ u) * (v @ v))
    return float(u @ v / scale) if scale else float("nan")


def ssim(a: Array, b: Array) -> float:
    """Return the structural similarity of two maps (H, W), each brought to 0..1 first: 1 if they are alike.

    Means, variances and the covariance are taken over windows of 7 x 7 that lie inside, unweighted, with n - 1 in the
    denominator; these are the choices of scikit-image, which the tests compare with. A constant map becomes 0.

    References
    ----------
    Wang et al. 2004, "Image quality assessment: from error visibility to structural similarity".
    """
    first, second = (_unit_range(values) for values in _pair(a, b))
    if first.ndim != 2 or min(first.shape) < WINDOW:
        raise InputError(f"SSIM compares maps (H, W) of {WINDOW} pixels a side or more, got {first.shape}")
    windows = [np.lib.stride_tricks.sliding_window_view(values, (WINDOW, WINDOW)) for values in (first, second)]
    u, v = windows
    count = WINDOW**2
    mean_u, mean_v = u.mean((2, 3)), v.mean((2, 3))
    unbiased = count / (count - 1)
    var_u = unbiased * ((u * u).mean((2, 3)) - mean_u**2)
    var_v = unbiased * ((v * v).mean((2, 3)) - mean_v**2)
    covariance = unbiased * ((u * v).mean((2, 3)) - mean_u * mean_v)
    c1, c2 = K1**2, K2**2
    numerator = (2 * mean_u * mean_v + c1) * (2 * covariance + c2)
    return float((numerator / ((mean_u**2 + mean_v**2 + c1) * (var_u + var_v + c2))).mean())


def _ranks(values: np.ndarray) -> np.ndarray:
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[which.ravel()]


def _unit_range(values: np.ndarray) -> np.ndarray:
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else np.zeros_like(values)


def _pair(a: Array, b: Array) -> tuple[np.ndarray, np.ndarray]:
    first, second = (to_host(values).astype(np.float64) for values in (a, b))
    if first.shape != second.shape:
        raise InputError(f"expected two arrays of one shape, got {first.shape} and {second.shape}")
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise InputError("an explanation holds values that are not finite")
    return first, second
