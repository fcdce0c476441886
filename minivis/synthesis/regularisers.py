"""Objectives on the picture itself. They are penalties: subtract them, as in ``unit("fc8", 130) - 1e-4 * l2()``.

They see the picture before any view, in units of 0..255. Constants of papers whose pictures have another scale need
converting.
"""

from collections.abc import Callable
from typing import Any

from .. import primitives as p
from ..errors import InputError
from .algebra import Objective, total_of


def l2() -> Objective:
    """Squared Euclidean distance from the network's mean colour (Simonyan et al. 2014, section 2).

    The mean colour is the zero picture of a centred network.
    """

    def score(rows: Any, net: Any) -> Any:
        apart = rows["input"] - net.mean_colour
        return total_of(apart * apart)

    return Objective.of("l2()", ["input"], score)


def alpha_norm(alpha: float = 6) -> Objective:
    """Sum of |x - mean colour| to the power `alpha` (Mahendran and Vedaldi 2015, with alpha 6)."""
    if not alpha > 1:
        raise InputError(f"alpha_norm takes a power above 1, got {alpha!r}")
    return Objective.of(
        f"alpha_norm({alpha:g})",
        ["input"],
        lambda rows, net: total_of(abs(rows["input"] - net.mean_colour) ** alpha),
    )


def total_variation(beta: float | None = None, variant: str = "mahendran") -> Objective:
    """How much neighbouring pixels differ: one of the five quantities that go by this name.

    With d and a the differences to the pixel below and to the right, in each colour:

    "mahendran"
        Sum of (d² + a²)^(beta/2), differences 0 beyond the border (Mahendran and Vedaldi 2015).
    "keras-vis"
        That without the last row and column, divided by the number of values (keras-vis's code).
    "l1"
        Sum of |d| plus sum of |a| (``tf.image.total_variation``, and what builds on it).
    "squared"
        Sum of d² plus sum of a² (CS231n's assignment). With beta 2, "mahendran" is the same.
    "neural-style"
        Half the sum of d² + a² without the last row and column (neural-style's code, which has the gradient only).

    Parameters
    ----------
    beta : float, optional
        For "mahendran" and "keras-vis". Default: 2.
    variant : str
    """
    if variant not in VARIATIONS:
        raise InputError(f"no total variation is called {variant!r}: there are {', '.join(VARIATIONS)}")
    if beta is not None and variant not in ("mahendran", "keras-vis"):
        raise InputError(f"total variation {variant!r} has no beta: leave it out")
    power = 2.0 if beta is None else beta
    if not power > 0:
        raise InputError(f"total variation takes a beta above 0, got {beta!r}")
    name = f"total_variation({variant}{'' if beta is None else f', {beta:g}'})"
    return Objective.of(name, ["input"], lambda rows, net: VARIATIONS[variant](rows["input"], power))


def _down(x: Any) -> Any:
    return x[:, 1:] - x[:, :-1]  # (N, H - 1, W, C)


def _across(x: Any) -> Any:
    return x[:, :, 1:] - x[:, :, :-1]  # (N, H, W - 1, C)


def _mahendran(x: Any, beta: float) -> Any:
    down, across = p.pad(_down(x), padding=((0, 1), (0, 0))), p.pad(_across(x), padding=((0, 0), (0, 1)))
    return total_of(_isotropic(down, across, beta))


def _keras_vis(x: Any, beta: float) -> Any:
    down, across = _inside(x)
    return total_of(_isotropic(down, across, beta)) / (x.size // x.shape[0])


def _l1(x: Any, _: float) -> Any:
    return total_of(abs(_down(x))) + total_of(abs(_across(x)))


def _squared(x: Any, _: float) -> Any:
    return total_of(_down(x) ** 2) + total_of(_across(x) ** 2)


def _neural_style(x: Any, _: float) -> Any:
    down, across = _inside(x)
    return 0.5 * total_of(down * down + across * across)


def _inside(x: Any) -> tuple[Any, Any]:
    """Return both differences where both exist: (N, H - 1, W - 1, C)."""
    return _down(x)[:, :, :-1], _across(x)[:, :-1]


def _isotropic(down: Any, across: Any, beta: float) -> Any:
    """Return (down² + across²)^(beta / 2).

    Below beta = 2 its derivative is infinite or undefined where the picture is flat. As in the code of Mahendran and
    Vedaldi a place counts as flat where the result is below 1e-5; here it has value and derivative 0.
    """
    squares = down * down + across * across
    if beta == 2:
        return squares
    return p.maximum(squares, 1e-5 ** (2 / beta)) ** (beta / 2) - 1e-5


VARIATIONS: dict[str, Callable[[Any, float], Any]] = {
    "mahendran": _mahendran,
    "keras-vis": _keras_vis,
    "l1": _l1,
    "squared": _squared,
    "neural-style": _neural_style,
}
"""The five total variations, by name: functions of (picture, beta)."""
