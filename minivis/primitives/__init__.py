"""The primitives: each a forward function, with its backward rules below it."""

from .arithmetic import add, divide, maximum, multiply, negative, power, subtract
from .conv import conv2d
from .dense import gram, linear, matmul
from .fused import conv2d_relu
from .norm import binary_cross_entropy, cross_entropy, log_softmax, lrn, normalize, softmax
from .pointwise import absolute, dropout, exp, identity, log, relu, sigmoid, sqrt, tanh
from .pooling import avg_pool, global_avg_pool, max_pool
from .recompute import recompute
from .reductions import max, mean, sum
from .shaping import concat, index, pad, reshape, resize, roll, transpose
from .warp import warp

__all__ = [
    "absolute",
    "add",
    "avg_pool",
    "binary_cross_entropy",
    "concat",
    "conv2d",
    "conv2d_relu",
    "cross_entropy",
    "divide",
    "dropout",
    "exp",
    "global_avg_pool",
    "gram",
    "identity",
    "index",
    "linear",
    "log",
    "log_softmax",
    "lrn",
    "matmul",
    "max",
    "max_pool",
    "maximum",
    "mean",
    "multiply",
    "negative",
    "normalize",
    "pad",
    "power",
    "recompute",
    "relu",
    "reshape",
    "resize",
    "roll",
    "sigmoid",
    "softmax",
    "sqrt",
    "subtract",
    "sum",
    "tanh",
    "transpose",
    "warp",
]
