"""L-BFGS against SciPy's L-BFGS-B, for the value reached, and by what must hold at its end."""

import numpy as np
import pytest
from scipy.optimize import minimize
from small import pictures, small_net

import minivis as mv
from minivis.errors import InputError
from minivis.objectives import l2, match
from minivis.synthesis import LBFGS, ascend
from minivis.synthesis.lbfgs import Cost, Past, direction, dot, lbfgs_step, line_search, nothing_past

DEFAULT = LBFGS()


def descend(f, x, options=DEFAULT, steps=500, first=1.0):
    """Step until all points are stuck; return the points, their costs and how often f was asked."""
    asked = []

    def evaluate(x):
        asked.append(x)
        return Cost(*f(x))

    cost, past = evaluate(x), nothing_past(x)
    for _ in range(steps):
        x, cost, past = lbfgs_step(evaluate, x, cost, past, options, first)
        if past.stuck.all():
            break
    return x, cost, len(asked)


def scipy_value(f, x, bounds=None, **options):
    """The value that SciPy reaches from one point."""

    def single(z):
        value, gradient = f(z.reshape(1, *x.shape))
        return float(value[0]), gradient.ravel().astype("float64")

    options = {"maxiter": 2000, "maxfun": 10000, "ftol": 1e-15, "gtol": 1e-10, **options}
    box = None if bounds is None else [bounds] * x.size
    return minimize(single, x.ravel().astype("float64"), jac=True, method="L-BFGS-B", bounds=box, options=options).fun


def rosenbrock(x):
    bend, apart = x[:, 1:] - x[:, :-1] ** 2, 1 - x[:, :-1]
    g = np.zeros_like(x)
    g[:, :-1] += -400 * bend * x[:, :-1] - 2 * apart
    g[:, 1:] += 200 * bend
    return (100 * bend**2 + apart**2).sum(1), g


def quadratic(size=40, seed=0):
    rng = np.random.default_rng(seed)
    a = rng.standard_normal((size, size))
    a = a @ a.T + 0.1 * np.eye(size)
    b = 10 * rng.standard_normal(size)
    return (lambda x: (0.5 * (x * (x @ a)).sum(1) - x @ b, x @ a - b)), a, b


@pytest.mark.parametrize("size", [2, 10, 50])
@pytest.mark.parametrize("bounds", [None, (-0.5, 0.5), (-2.0, 0.9)])
def test_rosenbrock(size, bounds):
    x = np.random.default_rng(size).standard_normal((3, size))
    x = x if bounds is None else x.clip(*bounds)
    found, cost, asked = descend(rosenbrock, x, LBFGS(bounds=bounds))
    expected = [scipy_value(rosenbrock, start, bounds) for start in x]
    assert np.allclose(cost.value, expected, rtol=1e-9, atol=1e-9)
    assert asked < 1500
    if bounds:
        assert found.min() >= bounds[0]
        assert found.max() <= bounds[1]


@pytest.mark.parametrize("bounds", [(-1.0, 1.0), (0.0, 0.3)])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_quadratic_in_a_box(bounds, dtype):
    f, a, b = quadratic()
    a, b = a.astype(dtype), b.astype(dtype)

    def typed(x):
        return 0.5 * (x * (x @ a)).sum(1) - x @ b, x @ a - b

    x = np.random.default_rng(1).uniform(*bounds, (2, 40)).astype(dtype)
    found, cost, _ = descend(typed, x, LBFGS(bounds=bounds))
    assert found.dtype == dtype
    expected = scipy_value(f, x[0].astype("float64"), bounds)
    assert np.allclose(cost.value, expected, rtol=1e-10 if dtype == "float64" else 1e-5)
    # At a minimum in a box every slope is 0, or points out of the box.
    g, low, high = cost.gradient, found <= bounds[0], found >= bounds[1]
    slope = 1e-3 if dtype == "float64" else 0.1
    assert abs(g[~low & ~high]).max() < slope
    assert g[low].min() > -slope
    assert g[high].max() < slope
    assert low.any()  # or the box would not matter
    assert high.any()


def test_bounds_may_differ_from_value_to_value():
    f, _, _ = quadratic(6)
    low, high = np.full(6, -0.2), np.linspace(0.1, 0.6, 6)
    found, cost, _ = descend(f, np.zeros((1, 6)), LBFGS(bounds=(low, high)))
    assert (found >= low).all()
    assert (found <= high).all()
    box = list(zip(low, high, strict=True))
    best = minimize(lambda z: (f(z[None])[0][0], f(z[None])[1][0]), np.zeros(6), jac=True, bounds=box)
    assert cost.value[0] == pytest.approx(best.fun, rel=1e-6)


def test_each_point_is_minimised_as_if_alone():
    x = np.random.default_rng(2).standard_normal((3, 6))
    together, _, _ = descend(rosenbrock, x, steps=20)
    for n in range(3):
        alone, _, _ = descend(rosenbrock, x[n : n + 1], steps=20)
        assert np.allclose(together[n], alone[0], rtol=1e-9, atol=1e-12)


def test_two_loops_are_the_product_with_the_bfgs_matrix(rng):
    """H from its definition, H' = (1 - rho s y') H (1 - rho y s') + rho s s', against the two loops."""
    pairs = []
    for _ in range(4):
        s = rng.standard_normal((1, 5))
        pairs.append((s, s @ np.diag([1.0, 2, 3, 4, 5])))
    s, y = pairs[-1]
    h = np.eye(5) * dot(s, y)[0] / dot(y, y)[0]
    for s, y in pairs:
        rho = 1 / dot(s, y)[0]
        left = np.eye(5) - rho * s.T @ y
        h = left @ h @ left.T + rho * s.T @ s
    g = rng.standard_normal((1, 5))
    found, known = direction(-g, pairs, first=1.0)
    assert known.all()
    assert np.allclose(found, -g @ h)


def test_pairs_that_curve_the_wrong_way_are_left_out(rng):
    good = rng.standard_normal((2, 5))
    bad = rng.standard_normal((2, 5))
    g = rng.standard_normal((2, 5))
    clean, _ = direction(g, [(good, 2 * good)], 1.0)
    mixed, known = direction(g, [(good, 2 * good), (bad, -bad), (0 * bad, 0 * bad)], 1.0)
    assert np.allclose(clean, mixed)
    assert known.all()
    straight, known = direction(g, [(bad, -bad)], first=0.5)
    assert not known.any()
    assert np.allclose(straight, 0.5 * g / np.linalg.norm(g, axis=1, keepdims=True))


def test_only_free_values_enter_the_loops():
    """Held values must not bend the step of the others, whatever their pairs say."""
    f, a, b = quadratic(6)
    held = np.array([True, True, False, False, False, False])

    def on_the_rest(z):
        x = np.zeros((1, 6))
        x[0, ~held] = z
        value, g = f(x)
        return value[0], g[0, ~held]

    low, high = np.where(held, 0, -100), np.where(held, 0, 100)  # two values cannot move at all
    _, cost, _ = descend(f, np.zeros((1, 6)), LBFGS(bounds=(low, high)))
    best = -0.5 * b[~held] @ np.linalg.solve(a[np.ix_(~held, ~held)], b[~held])
    assert cost.value[0] == pytest.approx(best, rel=1e-9)
    assert on_the_rest(np.zeros(4))[0] == 0


@pytest.mark.parametrize("first", [1e-4, 1.0, 1e3])
def test_the_line_search_keeps_wolfes_conditions(first):
    x = np.random.default_rng(3).standard_normal((4, 5))
    cost = Cost(*rosenbrock(x))
    way = -cost.gradient / np.linalg.norm(cost.gradient, axis=1, keepdims=True) * first
    point, there, t = line_search(lambda x: Cost(*rosenbrock(x)), x, cost, way, (-np.inf, np.inf), 40)
    slope = dot(cost.gradient, way)
    assert np.allclose(point, x + t[:, None] * way)
    assert (there.value <= cost.value + 1e-4 * t * slope).all()
    assert ((dot(there.gradient, way) >= 0.9 * slope) | (t == 1024)).all()


def test_the_line_search_backs_out_of_what_is_not_finite():
    def cliff(x):
        with np.errstate(invalid="ignore"):
            return -np.sqrt(x[:, 0]) - np.sqrt(1 - x[:, 0]), (1 / np.sqrt(1 - x) - 1 / np.sqrt(x)) / 2

    with np.errstate(all="ignore"):
        found, _, _ = descend(cliff, np.array([[0.01], [0.9]]), first=50.0)
    assert np.allclose(found, 0.5, atol=1e-6)


def test_the_line_search_backs_out_of_a_gradient_that_is_not_finite():
    def half(x):  # falls on beyond 1, but nobody knows how steeply
        return -x.sum(1), np.where(x > 1, np.nan, -np.ones_like(x))

    x = np.zeros((1, 1))
    point, there, _ = lbfgs_step(lambda x: Cost(*half(x)), x, Cost(*half(x)), nothing_past(x), LBFGS(), 4.0)
    assert 0.5 < point[0, 0] <= 1
    assert np.isfinite(there.gradient).all()


def test_a_slope_without_end_is_not_followed_for_ever():
    x, _, _ = descend(lambda x: (x.sum(1), np.ones_like(x)), np.zeros((1, 4)), steps=1, first=2.0)
    assert np.linalg.norm(x) == pytest.approx(2 * 1024)


def test_at_a_minimum_it_says_so_and_asks_no_more():
    f, a, b = quadratic(6)
    x = np.linalg.solve(a, b)[None]
    cost = Cost(f(x)[0], 0 * x)
    asked = []
    point, _, past = lbfgs_step(lambda x: asked.append(1) or Cost(*f(x)), x, cost, nothing_past(x), LBFGS(), 1.0)
    assert np.array_equal(point, x)
    assert past.stuck.all()
    assert len(asked) == 1


def test_in_a_corner_of_the_box_it_asks_no_more():
    """Where every slope points out of the box there is nowhere to go, and no need to look."""
    x, asked = np.zeros((1, 3)), []
    cost = Cost(x.sum(1), np.ones_like(x))
    for pairs in ([], [(np.ones((1, 3)), np.ones((1, 3)))]):
        point, _, _ = lbfgs_step(
            lambda x: asked.append(1) or cost, x, cost, Past(pairs, np.zeros(1, bool)), LBFGS(bounds=(0, 1)), 1.0
        )
        assert np.array_equal(point, x)
    assert len(asked) == 2


def test_what_is_held_does_not_shorten_the_first_step():
    def f(x):  # the first value is pushed out of the box, the second has a minimum at 1
        return 100 * x[:, 0] + (x[:, 1] - 1) ** 2 / 2, np.stack([100 + 0 * x[:, 0], x[:, 1] - 1], 1)

    x = np.zeros((1, 2))
    point, _, _ = lbfgs_step(lambda x: Cost(*f(x)), x, Cost(*f(x)), nothing_past(x), LBFGS(bounds=(0, 2)), first=0.5)
    assert point.tolist() == [[0, 0.5]]


def test_a_point_that_is_stuck_is_left_alone():
    x = np.random.default_rng(0).standard_normal((2, 4))
    past = Past([], np.array([True, False]))
    point, _, past = lbfgs_step(lambda x: Cost(*rosenbrock(x)), x, Cost(*rosenbrock(x)), past, LBFGS(), 1e-3)
    assert np.array_equal(point[0], x[0])
    assert not np.array_equal(point[1], x[1])
    assert past.stuck.tolist() == [True, False]


def test_no_more_pairs_than_asked_for():
    x = np.random.default_rng(0).standard_normal((1, 6))
    cost, past = Cost(*rosenbrock(x)), nothing_past(x)
    for _ in range(8):
        x, cost, past = lbfgs_step(lambda x: Cost(*rosenbrock(x)), x, cost, past, LBFGS(pairs=3), 1.0)
    assert len(past.pairs) == 3


@pytest.mark.parametrize("bounds", [None, (0.0, 255.0)])
def test_inverting_a_small_network(bounds):
    net = small_net()
    x, start = pictures(), 120 + 10 * np.random.default_rng(0).standard_normal((2, 16, 16, 3))
    code = net.capture(x, ["relu1_1"])["relu1_1"]

    def objective(n=slice(None)):
        return match("relu1_1", code[n], "relative") - 1e-9 * l2()

    climb = ascend(net, objective(), start, step=LBFGS(bounds=bounds), steps=100)
    for _ in climb:
        pass
    reached = -objective()(net, climb.picture)
    for n in range(2):

        def cost(z, n=n):
            recorded = mv.Tensor(z)
            score = objective(n)(net, recorded)
            return -score.value, -mv.backward(score, recorded, np.ones(1))

        expected = scipy_value(cost, start[n], bounds, maxiter=100, ftol=0, gtol=0)
        before = -objective(n)(net, start[n : n + 1])[0]
        assert expected < 0.01 * before  # it is a task on which much can be gained
        assert reached[n] < 1.2 * expected


def test_refusals():
    with pytest.raises(InputError, match="at least one pair"):
        LBFGS(pairs=0)
    with pytest.raises(InputError, match="at least one pair and one trial"):
        LBFGS(trials=0)


def test_on_a_device(device):
    f, a, b = quadratic(8)
    on_device = [device.asarray(m) for m in (a, b)]

    def g(x):
        product = x @ on_device[0]
        return 0.5 * (x * product).sum(1) - (x * on_device[1]).sum(1), product - on_device[1]

    start = np.random.default_rng(0).uniform(0, 0.3, (2, 8))
    expected, _, _ = descend(f, start, LBFGS(bounds=(0.0, 0.3)), steps=15)
    found, _, _ = descend(g, device.asarray(start), LBFGS(bounds=(0.0, 0.3)), steps=15)
    assert np.allclose(device.asnumpy(found), expected, atol=1e-6)
