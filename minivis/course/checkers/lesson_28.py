"""Lesson 28: watching a network learn."""

import numpy as np

from ..judging import Answer, Wrong, exercise, numbers, parts, same


@exercise
def momentum_step(answer: Answer) -> None:
    """A step of gradient descent with momentum."""
    rng = np.random.default_rng(281)
    w, slope = rng.normal(size=(3, 2)), rng.normal(size=(3, 2))
    moved, v = parts(answer(w.copy(), np.zeros((3, 2)), slope.copy(), 0.1, 0.9), 2)
    same("from rest, the weights change by -rate times the slope", numbers("weights", moved) - w, -0.1 * slope)
    same("from rest, the velocity is the slope", v, slope)
    given = [w.copy(), slope.copy(), slope.copy()]
    moved, _ = parts(answer(*given, 0.1, 0.5), 2)
    same("what came in, afterwards", np.stack(given), np.stack([w, slope, slope]))
    same("velocity and slope both s, rate 0.1, momentum 0.5", numbers("weights", moved) - w, -0.15 * slope)
    place, v = np.zeros(1), np.zeros(1)
    for _ in range(100):
        place, v = parts(answer(place, v, np.ones(1), 0.01, 0.8), 2)
    same("100 steps with a slope of 1 and momentum 0.8: the velocity", v, [5.0])
    coasting, _ = parts(answer(np.zeros(1), np.array([2.0]), np.zeros(1), 0.5, 0.8), 2)
    same("slope 0, velocity 2, momentum 0.8, rate 0.5: the weights", coasting, [-0.8])


@exercise
def common_map(answer: Answer) -> None:
    """One map for all epochs."""
    rng = np.random.default_rng(282)
    codes = rng.normal(size=(4, 6, 5)) * np.arange(1, 6) + rng.normal(size=(4, 1, 5))
    codes[2] = codes[1]  # an epoch in which nothing happened
    codes[3] *= 3
    places = numbers("the places", answer(codes.copy()))
    same("the shape of the places (epochs, pictures, 2)", places.shape, (4, 6, 2))
    same("codes that stood still have places that stood still", places[2] - places[1] + 1, np.ones((6, 2)))
    same("the mean of all places is 0", 1 + places.mean((0, 1)), [1.0, 1.0])
    on_paper, in_codes = (np.linalg.norm(np.diff(a, axis=0), axis=2) for a in (places, codes))
    furthest = float((on_paper - in_codes).max())
    if furthest > 1e-9:
        raise Wrong("no place moves further than its code: the largest excess", 0, furthest)
    stacked = codes.reshape(-1, 5)
    sizes = np.linalg.svd(stacked - stacked.mean(0), compute_uv=False)
    same(
        "the sum of squares of all places: the variance of all codes, along the best two axes",
        (places**2).sum(),
        (sizes[:2] ** 2).sum(),
    )
    plane = rng.normal(size=(3, 5, 2)) @ np.linalg.qr(rng.normal(size=(4, 2)))[0].T
    flat = numbers("the places", answer(plane.copy()))
    same("codes that lie in a plane keep all their distances", _distances(flat), _distances(plane))


def _distances(points: np.ndarray) -> np.ndarray:
    points = points.reshape(-1, points.shape[-1])
    return np.linalg.norm(points[:, None] - points, axis=-1)


@exercise
def dead_share(answer: Answer) -> None:
    """Dead units over many batches."""
    one = np.array([[0.0, 2, 0, 0], [0, 0, 3, 0]])
    same("units (0, 0), (2, 0), (0, 3), (0, 0) over two pictures", answer([one.copy()]), 0.5)
    same("the same two pictures in two batches", answer([one[:1].copy(), one[1:].copy()]), 0.5)
    same("the same in the other order", answer([one[1:].copy(), one[:1].copy()]), 0.5)
    still = np.zeros((3, 4))
    same("a batch in which nothing fires, after one in which two units do", answer([one.copy(), still.copy()]), 0.5)
    same("nothing ever fires", answer([still.copy(), still[:1].copy()]), 1.0)
    many = np.maximum(np.random.default_rng(283).normal(size=(11, 8)) - 1.6, 0)
    expected = float(np.mean([not any(row[unit] > 0 for row in many) for unit in range(8)]))
    same("eleven pictures in batches of 5, 5 and 1", answer([many[:5], many[5:10], many[10:]]), expected)
