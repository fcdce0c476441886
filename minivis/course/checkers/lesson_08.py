"""Lesson 8: activations, filter by filter."""

import numpy as np

from ...primitives import conv2d
from ..judging import Answer, Wrong, exercise, numbers, parts, same


@exercise
def share_of_a_map(answer: Answer) -> None:
    """One term of the sum over the maps below."""
    rng = np.random.default_rng(81)
    maps, kernel = rng.normal(size=(6, 5, 3)), rng.normal(size=(3, 2, 3, 4))
    single = np.zeros((6, 5, 3))
    single[0, 0, 1] = 1
    expected = np.zeros((4, 4))
    expected[0, 0] = kernel[0, 0, 1, 2]
    same("a 1 in the top left corner of map 1 gives filter 2 the kernel's first weight there",
         answer(single, kernel.copy(), 1, 2), expected)  # fmt: skip
    same("what map 1 adds where only map 0 has something", 1 + numbers("the share", answer(single, kernel, 0, 2)),
         np.ones((4, 4)))  # fmt: skip
    total = sum(numbers("the share", answer(maps.copy(), kernel.copy(), c, 3)) for c in range(3))
    same("the shares of all maps add up to filter 3's convolution", total, conv2d(maps[None], kernel)[0, :, :, 3])


@exercise
def silent_filters(answer: Answer) -> None:
    """The filters that are never above 0."""
    rng = np.random.default_rng(82)
    maps = -rng.uniform(1, 2, size=(3, 4, 5, 6))
    same("if all numbers are negative, the silent filters", answer(maps.copy()), np.arange(6))
    maps[2, 3, 4, 0] = maps[0, 0, 0, 3] = maps[1, 2, 0, 5] = 0.01
    maps[:, :, :, 4] = 0
    _numbers_of_filters("filters 0, 3 and 5 are above 0 once each, filter 4 is exactly 0: the silent ones",
                        answer(maps.copy()), [1, 2, 4])  # fmt: skip
    same("how many are silent where every number is positive", np.size(numbers("the filters", answer(-maps + 1))), 0)


@exercise
def reordered(answer: Answer) -> None:
    """The same network with its filters in another order."""
    rng = np.random.default_rng(83)
    kernel, bias, after = rng.normal(size=(3, 3, 2, 4)), rng.normal(size=4), rng.normal(size=(2, 2, 4, 3))
    maps, order = rng.normal(size=(1, 7, 6, 2)), np.array([2, 0, 3, 1])
    new_kernel, new_bias, new_after = parts(answer(kernel.copy(), bias.copy(), after.copy(), order.copy()), 3)
    same("the shape of the kernel", np.shape(new_kernel), kernel.shape)
    same("the shape of the bias", np.shape(new_bias), bias.shape)
    same("the shape of the next kernel", np.shape(new_after), after.shape)
    row = np.maximum(conv2d(maps, kernel, bias), 0)
    new_row = np.maximum(conv2d(maps, np.asarray(new_kernel), np.asarray(new_bias)), 0)
    same("map 0 is now what was map order[0] = 2", new_row[..., 0], row[..., 2])
    same("map 2 is now what was map order[2] = 3", new_row[..., 2], row[..., 3])
    same("map 3 is now what was map order[3] = 1", new_row[..., 3], row[..., 1])
    same("the results of the next convolution", conv2d(new_row, np.asarray(new_after)), conv2d(row, after))


def _numbers_of_filters(identity: str, got: object, expected: list[int]) -> None:
    found = numbers(identity, got)
    if found.ndim != 1 or found.tolist() != expected:
        raise Wrong(identity, expected, found.tolist())
