"""Normalisations: of the picture, across channels, and of scores to probabilities."""

from typing import NamedTuple

from ..backend import Array, array_module, like
from ..errors import InputError
from ..tape import Primitive
from .pointwise import sigmoid


class NormalizeResidual(NamedTuple):
    """How `normalize` scaled, in the order of the picture's channels."""

    factor: Array  # (C,)
    reverse: bool


class LrnResidual(NamedTuple):
    """What the rule of `lrn` needs."""

    x: Array
    base: Array  # k + alpha/n * sum of squares of the neighbours
    size: int
    alpha: float
    beta: float


@Primitive
def normalize(
    x: Array,
    *,
    mean: tuple[float, ...] = (0.0, 0.0, 0.0),
    std: tuple[float, ...] | None = None,
    scale: float = 1.0,
    reverse: bool = False,
    luma: tuple[float, ...] | None = None,
) -> tuple[Array, NormalizeResidual]:
    """A network's own preprocessing: ``y = (x[..., order] * scale - mean) / std``.

    Parameters
    ----------
    x : ndarray, shape (N, H, W, C)
        RGB picture, 0..255.
    mean, std : tuple
        Per channel, in the order the network wants (B, G, R if `reverse`) and in units of the scaled picture.
    scale : float
        For example 1/255 for networks that expect 0..1.
    reverse : bool
        Whether the network wants BGR.
    luma : tuple, optional
        Per colour of the picture: first make one grey channel, the sum of the colours times these. Mean and std have
        one number then, and y has the shape (N, H, W, 1).
    """
    xp = array_module(x)
    if luma is not None:
        ((m,), (s,)) = mean, std or (1.0,)
        factor = xp.asarray([scale / s * share for share in luma], dtype=x.dtype)
        y = (x @ factor)[..., None]
        y -= m / s
        return y, NormalizeResidual(factor, reverse=False)
    factor = xp.asarray([scale / s for s in std or (1.0,) * len(mean)], dtype=x.dtype)
    shift = xp.asarray([m / s for m, s in zip(mean, std or (1.0,) * len(mean), strict=True)], dtype=x.dtype)
    y = (x[..., ::-1] if reverse else x) * factor
    y -= shift
    return y, NormalizeResidual(factor[::-1] if reverse else factor, reverse)


@normalize.backward_to(0)
def normalize_x(g: Array, r: NormalizeResidual) -> Array:
    """Back to the picture's order of colours and scale; of grey, each colour gets its share."""
    return (g[..., ::-1] if r.reverse else g) * r.factor


@Primitive
def lrn(
    x: Array, *, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> tuple[Array, LrnResidual]:
    """Local response normalisation across neighbouring channels (Krizhevsky et al. 2012, section 3.3).

    ``y_c = x_c / (k + alpha / size * sum of x_d² for |d - c| <= size // 2) ** beta``. That alpha is divided by the
    size, and k = 1, is Caffe's convention; the paper writes alpha alone and k = 2.
    """
    base = _neighbour_sums(x * x, size)
    base *= alpha / size
    base += k
    return x * base**-beta, LrnResidual(x, base, size, alpha, beta)


@lrn.backward_to(0)
def lrn_x(g: Array, r: LrnResidual) -> Array:
    """Each channel acts on itself, and on the divisor of its neighbours."""
    divided = g * r.base**-r.beta
    through_base = _neighbour_sums(divided * r.x / r.base, r.size)
    return divided - (2 * r.alpha * r.beta / r.size) * r.x * through_base


def _neighbour_sums(x: Array, size: int) -> Array:
    """Sum over channels up to size // 2 to either side; what lies beyond the ends counts as 0."""
    if size % 2 == 0:
        raise InputError(f"lrn's size must be odd, got {size}")
    total = x.copy()
    for distance in range(1, min(size // 2, x.shape[-1] - 1) + 1):
        total[..., distance:] += x[..., :-distance]
        total[..., :-distance] += x[..., distance:]
    return total


@Primitive
def softmax(x: Array) -> tuple[Array, Array]:
    """Scores to probabilities, over the last axis."""
    y = array_module(x).exp(x - x.max(-1, keepdims=True))
    y /= y.sum(-1, keepdims=True)
    return y, y


@softmax.backward_to(0)
def softmax_x(g: Array, y: Array) -> Array:
    """y_i (g_i - sum of y_j g_j): raising one score lowers all other probabilities."""
    return y * (g - (g * y).sum(-1, keepdims=True))


@Primitive
def log_softmax(x: Array) -> tuple[Array, Array]:
    """Logarithm of `softmax`, without ever forming a probability that rounds to 0."""
    xp = array_module(x)
    shifted = x - x.max(-1, keepdims=True)
    y = shifted - xp.log(xp.exp(shifted).sum(-1, keepdims=True))
    return y, y


@log_softmax.backward_to(0)
def log_softmax_x(g: Array, y: Array) -> Array:
    """G - p * sum of g."""
    return g - array_module(g).exp(y) * g.sum(-1, keepdims=True)


@Primitive
def cross_entropy(logits: Array, *, labels: Array) -> tuple[Array, tuple[Array, Array]]:
    """Negative log-probability of the right class, from the scores before the softmax.

    Parameters
    ----------
    logits : ndarray, shape (N, K)
    labels : array of int, shape (N,)

    Returns
    -------
    ndarray, shape (N,)
        One loss per picture.
    """
    right = _is_right(logits, labels, "cross_entropy")
    log_probabilities, _ = log_softmax.forward(logits)
    return -(log_probabilities * right).sum(-1), (log_probabilities, right)


@cross_entropy.backward_to(0)
def cross_entropy_logits(g: Array, r: tuple[Array, Array]) -> Array:
    """Probability minus one at the right class."""
    log_probabilities, right = r
    return g[:, None] * (array_module(g).exp(log_probabilities) - right)


@Primitive
def binary_cross_entropy(logits: Array, *, labels: Array) -> tuple[Array, tuple[Array, Array]]:
    """Sum over the classes of the negative log-probability of the right answer to "is it this class?".

    For networks that end in a sigmoid: one yes or no for each class, not one choice among them. Computed from the
    scores before the sigmoid, so that no probability rounds to 0.

    Parameters
    ----------
    logits : ndarray, shape (N, K)
    labels : array of int, shape (N,)
        The one class to which the answer is yes.

    Returns
    -------
    ndarray, shape (N,)
        One loss per picture.
    """
    xp = array_module(logits)
    right = _is_right(logits, labels, "binary_cross_entropy")
    softplus = xp.maximum(logits, 0) + xp.log1p(xp.exp(-xp.abs(logits)))  # log(1 + exp(z))
    return (softplus - logits * right).sum(-1), (logits, right)


@binary_cross_entropy.backward_to(0)
def binary_cross_entropy_logits(g: Array, r: tuple[Array, Array]) -> Array:
    """Each probability minus 1 at the right class, minus 0 at the others."""
    logits, right = r
    return g[:, None] * (sigmoid.forward(logits)[0] - right)


def _is_right(logits: Array, labels: Array, name: str) -> Array:
    """Return where the right class of each picture is: (N, K) bool."""
    xp = array_module(logits)
    labels = labels if isinstance(labels, xp.ndarray) else like(labels, logits)
    if labels.shape != logits.shape[:1] or labels.dtype.kind not in "iu":
        raise InputError(f"{name} wants {logits.shape[0]} integer labels, got {labels.dtype} {labels.shape}")
    return xp.arange(logits.shape[1]) == labels[:, None]
