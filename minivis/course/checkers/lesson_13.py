"""Lesson 13: guided backprop."""

import numpy as np

from ..judging import Answer, derivative, exercise, same


@exercise
def guided_relu(answer: Answer) -> None:
    """The rule of guided backprop."""
    R, X = np.array([3.0, 1, 2, -3]), np.array([2.0, 2, -1, 1])
    same("the pencil's four ReLUs: R = (3, 1, 2, -3), X = (2, 2, -1, 1)", answer(R, X), [3, 1, 0, 0])
    same("where X was exactly 0, nothing passes", answer(np.array([5.0]), np.array([0.0])), [0])
    rng = np.random.default_rng(9)
    R, X = rng.normal(size=(2, 4, 5))
    found = answer(R.copy(), X.copy())
    same("nothing negative goes on", np.minimum(found, 0), np.zeros((4, 5)))
    same("how large X was does not matter", answer(R.copy(), 7 * X), found)
    same("twice as much comes down: twice as much goes on", answer(2 * R, X.copy()), 2 * np.asarray(found, dtype=float))
    same(
        "where nothing negative comes down, it is the gradient", answer(np.abs(R), X.copy()), np.where(X > 0, abs(R), 0)
    )
    same("where all inputs were positive, it is DeconvNet's rule", answer(R.copy(), np.abs(X)), np.maximum(R, 0))


@exercise
def positive_paths(answer: Answer) -> None:
    """The fourth rule."""
    W, b, v = np.array([[2.0, -1, 4, 1]]), np.array([0.0, 3, -5, 0]), np.array([3.0, 1, 2, -3])
    same("the pencil network of this lesson", answer(np.ones(1), W, b, v), [6.0])
    both = answer(np.ones(1), np.array([[-2.0]]), np.array([5.0]), np.array([-3.0]))
    same("a path of two negative edges is no positive path, though their product is positive", both, [0.0])
    rng = np.random.default_rng(10)
    x, W, b, v = (rng.normal(size=shape) for shape in ((4,), (4, 9), (9,), (9,)))
    found = answer(x.copy(), W.copy(), b.copy(), v.copy())
    same("nothing negative arrives", np.minimum(found, 0), np.zeros(4))
    kept = [(d, h) for d in range(4) for h in range(9) if W[d, h] > 0 and v[h] > 0 and (x @ W + b)[h] > 0]
    same("the sum over open paths of two positive edges", np.sum(found), sum(W[d, h] * v[h] for d, h in kept))
    W, v = abs(W), abs(v)
    derivative(
        "with positive weights only it is the gradient",
        answer(x.copy(), W, b, v),
        lambda x: float(v @ np.maximum(x @ W + b, 0)),
        x,
    )


@exercise
def guided_by_hand(answer: Answer) -> None:
    """Guided backprop through two ReLU rows."""
    one, none = np.ones((1, 1)), np.zeros(1)
    below = answer(np.array([1.0]), -2 * one, np.array([9.0]), one, none, one, 0)
    same("x itself is not rectified: W = -2, the rest 1", below, [-2.0])
    negative = answer(np.ones(1), np.ones((1, 2)), np.zeros(2), np.eye(2), np.zeros(2), np.array([[1.0], [-9]]), 0)
    same("a negative score sends back, too: there is no ReLU at the scores", negative, [1.0])
    upper = answer(np.ones(1), np.ones((1, 2)), np.zeros(2), np.eye(2), np.array([0.0, -5]), np.ones((2, 1)), 0)
    same("the upper ReLU asks for its input: one of two is closed", upper, [1.0])
    rng = np.random.default_rng(11)
    for _ in range(3):
        x, W, b, V, c, U = (rng.normal(size=shape) for shape in ((5,), (5, 6), (6,), (6, 7), (7,), (7, 3)))
        down = answer(x.copy(), W.copy(), b.copy(), V.copy(), c.copy(), U.copy(), 1)
        h = x @ W + b
        k = np.maximum(h, 0) @ V + c
        same("the sum over both rows of ReLUs, each with its two questions", down, _by_loops(W, V, U[:, 1], h, k))
    W, V, U = abs(W), abs(V), abs(U)
    derivative(
        "with positive weights only it is the gradient",
        answer(x.copy(), W, b, V, c, U, 2),
        lambda x: float(np.maximum(np.maximum(x @ W + b, 0) @ V + c, 0) @ U[:, 2]),
        x,
    )


def _by_loops(W: np.ndarray, V: np.ndarray, u: np.ndarray, h: np.ndarray, k: np.ndarray) -> np.ndarray:
    found = np.zeros(len(W))
    for i in range(len(h)):
        arrives = sum(V[i, j] * u[j] for j in range(len(k)) if k[j] > 0 and u[j] > 0)
        if h[i] > 0 and arrives > 0:
            found += W[:, i] * arrives
    return found
