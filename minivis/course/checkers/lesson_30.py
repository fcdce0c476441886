"""Lesson 30: fewer multiplications, and an honest measurement."""

import numpy as np

from ..judging import Answer, Wrong, exercise, parts, same


class _Linear:
    """A weighted sum of letters (all d, or all g): what a transform makes. Its products with the other kind count."""

    def __init__(self, kind: str, weights: np.ndarray, count: list[int]):
        self.kind, self.weights, self.count = kind, weights, count

    def _with(self, weights: np.ndarray) -> "_Linear":
        return _Linear(self.kind, weights, self.count)

    def __add__(self, other: object) -> "_Linear":
        if isinstance(other, int | float) and other == 0:
            return self
        if not isinstance(other, _Linear) or other.kind != self.kind:
            raise Wrong("what is added", "numbers of one kind: d's, g's, or products", "two kinds")
        return self._with(self.weights + other.weights)

    __radd__ = __add__

    def __neg__(self) -> "_Linear":
        return self._with(-self.weights)

    def __sub__(self, other: object) -> "_Linear":
        return self + (-other)  # type: ignore[operator]

    def __rsub__(self, other: object) -> "_Linear":
        return -self + other

    def __mul__(self, other: object) -> "_Linear":
        if isinstance(other, int | float):
            return self._with(self.weights * other)
        if not isinstance(other, _Linear) or {self.kind, other.kind} != {"d", "g"}:
            raise Wrong("what is multiplied", "a number made of d's by one made of g's", "something else")
        self.count[0] += 1
        d, g = (self, other) if self.kind == "d" else (other, self)
        return _Linear("product", np.outer(d.weights, g.weights), self.count)

    __rmul__ = __mul__

    def __truediv__(self, other: float) -> "_Linear":
        return self._with(self.weights / other)


@exercise
def two_results(answer: Answer) -> None:
    """Two results of a filter of three taps, by four products."""
    rng = np.random.default_rng(1)
    d, g = rng.normal(size=4), rng.normal(size=3)
    y0, y1 = parts(answer(d.copy(), g.copy()), 2)
    same("y0 = d0 g0 + d1 g1 + d2 g2", y0, d[:3] @ g)
    same("y1 = d1 g0 + d2 g1 + d3 g2", y1, d[1:] @ g)
    count = [0]
    letters = {kind: [_Linear(kind, row, count) for row in np.eye(n)] for kind, n in (("d", 4), ("g", 3))}
    try:
        answer(letters["d"], letters["g"])
    except (TypeError, AttributeError):
        raise Wrong("how it computes", "sums and products of single numbers d[i], g[j]", "array operations") from None
    if count[0] > 4:
        raise Wrong("products of a number made of d's with one made of g's", "4 at most", count[0])


@exercise
def share_of_products(answer: Answer) -> None:
    """The share of the products that is left."""
    same("F(4x4, 3x3) on 224 x 224: a quarter of 9", answer(224, 224, 4, 3), 0.25)
    same("tiles of one result are the definition itself", answer(13, 7, 1, 3), 1.0)
    same("F(2x2, 3x3) on 4 x 6", answer(4, 6, 2, 3), 4 / 9)
    same("F(4x4, 3x3) on 14 x 14, where four tiles a side overhang", answer(14, 14, 4, 3), 16 * 36 / (196 * 9))
    same("F(2x2, 5x5) on 10 x 10", answer(10, 10, 2, 5), 36 / 100)
    same("height and width differ: F(4x4, 3x3) on 4 x 5", answer(4, 5, 4, 3), 2 * 36 / (20 * 9))


@exercise
def reported_ratio(answer: Answer) -> None:
    """The ratio of two medians, without the warm-up."""
    ours, theirs = [9.0, 2.0, 2.2, 1.8, 2.1, 1.9], [1.0, 4.0, 4.4, 3.6, 4.2, 3.8]
    same("the first run of each is a warm-up", answer(list(ours), list(theirs)), 0.5)
    spoilt = [*ours[:3], 700.0, *ours[4:]]
    same("one slow run of ours among five moves a median a little", answer(spoilt, list(theirs)), 2.1 / 4.0)
    same("one slow run of theirs likewise", answer(list(ours), [*theirs[:4], 900.0, theirs[5]]), 2.0 / 4.0)
