"""Lesson 3: convolution and its transpose."""

import numpy as np

from ..judging import Answer, adjoint, exercise, same


@exercise
def convolve_grey(answer: Answer) -> None:
    """A convolution with stride."""
    rng = np.random.default_rng(5)
    x, kernel = rng.normal(size=(6, 7)), rng.normal(size=(2, 3))
    same("a kernel of one pixel, 2, doubles the picture", answer(x, np.array([[2.0]]), 1), 2 * x)
    picks = np.zeros((2, 3))
    picks[0, 2] = 1
    same("a kernel that is 1 at row 0, column 2 only takes x[i, j + 2]", answer(x, picks, 1), x[:5, 2:])
    same("the same with stride 2 takes x[2i, 2j + 2]", answer(x, picks, 2), x[:5:2, 2::2])
    same("the same with stride 3, where the last rows and columns are left over", answer(x, picks, 3), x[:5:3, 2::3])
    first = answer(x, kernel, 1)
    same("the output at (0, 0) is the sum of window times kernel", first[0, 0], (x[:2, :3] * kernel).sum())
    same("stride 2 keeps every other output of stride 1", answer(x, kernel, 2), first[::2, ::2])
    same("twice the picture gives twice the output", answer(2 * x, kernel, 1), 2 * first)


@exercise
def transpose_grey(answer: Answer) -> None:
    """The walk back through a convolution."""
    rng = np.random.default_rng(6)
    kernel = rng.normal(size=(2, 3))
    same("one g of 1 puts down the kernel", answer(np.ones((1, 1)), kernel), kernel)
    counts = np.outer([1, 2, 2, 1], [1, 2, 3, 3, 2, 1])
    same("ones through a kernel of ones count the windows", answer(np.ones((3, 4)), np.ones((2, 3))), counts)
    for shape in ((2, 3), (3, 3)):
        kernel = rng.normal(size=shape)
        x = rng.normal(size=(6, 7))
        g = rng.normal(size=(6 - shape[0] + 1, 7 - shape[1] + 1))
        adjoint(f"a kernel of {shape[0]} x {shape[1]}", _convolve(kernel), _with(answer, kernel), x, g)


@exercise
def padding_rule(answer: Answer) -> None:
    """Take the frame off again."""
    rng = np.random.default_rng(7)
    x = rng.normal(size=(3, 4))
    for sides in ((1, 1, 1, 1), (2, 1, 0, 3), (1, 0, 2, 0), (0, 0, 0, 0)):
        top, bottom, left, right = sides
        padded = np.pad(x, ((top, bottom), (left, right)))
        same(f"padding by {sides} and taking it off again", answer(padded, *sides), x)


def _convolve(kernel: np.ndarray) -> Answer:
    return lambda x: np.einsum("ijab,ab", np.lib.stride_tricks.sliding_window_view(x, kernel.shape), kernel)


def _with(answer: Answer, kernel: np.ndarray) -> Answer:
    return lambda g: answer(g, kernel)
