"""Lesson 22: inversion."""

import numpy as np

from ..judging import Answer, derivative, exercise, parts, same


@exercise
def variation_gradient(answer: Answer) -> None:
    """The gradient of the total variation."""
    same("one row, (0, 3)", answer(np.array([[0.0, 3.0]])), [[-6.0, 6.0]])
    same("one column, (0, 3)", answer(np.array([[0.0], [3.0]])), [[-6.0], [6.0]])
    rng = np.random.default_rng(1)
    x = rng.normal(size=(4, 6))
    given = x.copy()
    found = answer(given)
    derivative(
        "the gradient of the sum of squared differences",
        found,
        lambda x: float((np.diff(x, axis=0) ** 2).sum() + (np.diff(x, axis=1) ** 2).sum()),
        x,
    )
    same("x afterwards", given, x)
    same("a flat picture has no slope", answer(np.full((3, 3), 7.0)), np.zeros((3, 3)))
    same("brighter by 50 everywhere: the same slope", answer(x + 50), found)
    same("all slopes sum to 0", np.sum(found), 0.0)


@exercise
def power_penalty(answer: Answer) -> None:
    """The alpha norm to the power alpha."""
    value, gradient = parts(answer(np.array([2.0, -1.0]), 2), 2)
    same("4 + 1", value, 5.0)
    same("its gradient at (2, -1)", gradient, [4.0, -2.0])
    z = np.random.default_rng(2).normal(size=(3, 4, 3))
    for alpha in (2, 3, 6, 1.5):
        value, gradient = parts(answer(z.copy(), alpha), 2)
        same(f"alpha {alpha}: the mirrored picture -z costs the same", parts(answer(-z, alpha), 2)[0], value)
        same(
            f"alpha {alpha}: twice the contrast costs 2^alpha times",
            parts(answer(2 * z, alpha), 2)[0],
            2**alpha * value,
        )

        def of_sizes(z: np.ndarray, alpha: float = alpha) -> float:
            return float(np.exp(alpha * np.log(np.abs(z))).sum())

        derivative(f"alpha {alpha}: the gradient of the value", gradient, of_sizes, z)
        same(f"alpha {alpha}: z times its slope sums to alpha times the value", (z * gradient).sum(), alpha * value)


@exercise
def nearest_with_the_code(answer: Answer) -> None:
    """The nearest picture with a given code."""
    same(
        "the sum is to be 6; from (0, 0)", answer(np.array([[1.0, 1.0]]), np.array([1.0, 5.0]), np.zeros(2)), [3.0, 3.0]
    )
    rng = np.random.default_rng(3)
    matrix, photo, start = rng.normal(size=(3, 8)), rng.normal(size=8), rng.normal(size=8)
    found = np.asarray(answer(matrix.copy(), photo.copy(), start.copy()), dtype=float)
    same("shape", found.shape, (8,))
    same("its code is that of the photograph", matrix @ found, matrix @ photo)
    hidden = np.linalg.svd(matrix)[2][3:]  # (5, 8), all that the matrix does not see
    same("what the matrix does not see is as in the start", hidden @ found, hidden @ start)
    same("a start with the right code stays", answer(matrix.copy(), photo.copy(), found.copy()), found)
