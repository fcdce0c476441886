"""Two steps in one pass over memory. On the tape they stay two: each has its node, and its rule is found as ever."""

from typing import Any

from ..tape import Tensor, recorded
from .conv import conv2d, convolve
from .pointwise import relu
from .windows import Pair
from .winograd import WinogradPlan


def conv2d_relu(
    x: Any,
    kernel: Any,
    bias: Any = None,
    *,
    stride: int | Pair = 1,
    padding: int | tuple = 0,
    groups: int = 1,
    plan: WinogradPlan | None = None,
) -> Any:
    """Return ``relu(conv2d(x, kernel, bias, ...))``; the output of the convolution alone is never stored.

    Parameters
    ----------
    x, kernel, bias, stride, padding, groups, plan
        As in `conv2d`.

    Returns
    -------
    ndarray or Tensor, shape (N, rows, columns, K)
        Recorded as the convolution and the ReLU that it is.
    """
    args = (x, kernel, bias)
    x, kernel, bias = (a.value if isinstance(a, Tensor) else a for a in args)
    y, residual = convolve(x, kernel, bias, stride, padding, groups, plan, recorded(args), rectify=True)
    return relu.record(y, y, [conv2d.record(y, residual, args)])
