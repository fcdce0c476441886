"""The references against PyTorch, in float64, and against numbers worked out with a pencil."""

import functools

import numpy as np
import pytest
import reference as ref

verify = pytest.mark.verify


def assert_close(got, want, rtol=1e-12):
    """Equal within rtol of the largest value."""
    np.testing.assert_allclose(got, want, rtol=0, atol=rtol * np.abs(want).max())


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed (extra `verify`)")


def first(torch, x):
    """(N, H, W, C) -> a channels-first leaf that records."""
    return torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2))).requires_grad_()


def last(tensor):
    """Channels-first tensor -> (N, H, W, C)."""
    return tensor.detach().numpy().transpose(0, 2, 3, 1)


def gradients(torch, y, g, *inputs):
    cotangent = torch.from_numpy(np.ascontiguousarray(g.transpose(0, 3, 1, 2) if g.ndim == 4 else g))
    return torch.autograd.grad(y, inputs, cotangent)


def torch_sides(padding):
    (top, bottom), (left, right) = ref.four_sides(padding)
    return left, right, top, bottom


CONVOLUTIONS = [
    # size, (kh, kw), C, K, stride, padding, groups
    ((6, 7), (3, 3), 3, 4, 1, 1, 1),
    ((6, 7), (3, 3), 3, 4, 1, 0, 1),
    ((7, 9), (3, 2), 4, 6, 2, (1, 0), 2),
    ((8, 5), (1, 1), 4, 2, 1, 0, 1),
    ((9, 9), (5, 3), 4, 4, (2, 3), (2, 1), 4),
    ((6, 6), (3, 3), 2, 3, 1, ((2, 0), (0, 1)), 1),
    ((5, 6), (2, 3), 6, 3, (3, 1), ((0, 3), (1, 2)), 3),
    ((11, 11), (7, 7), 3, 2, 2, 3, 1),
]


@verify
@pytest.mark.parametrize("size, window, channels, filters, stride, padding, groups", CONVOLUTIONS)
def test_conv2d(torch, rng, size, window, channels, filters, stride, padding, groups):
    x = rng.normal(size=(2, *size, channels))
    kernel = rng.normal(size=(*window, channels // groups, filters))
    bias = rng.normal(size=filters)
    y = ref.conv2d(x, kernel, bias, stride, padding, groups)
    g = rng.normal(size=y.shape)

    tx = first(torch, x)
    tk = torch.from_numpy(np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))).requires_grad_()
    tb = torch.from_numpy(bias).requires_grad_()
    padded = torch.nn.functional.pad(tx, torch_sides(padding))
    ty = torch.nn.functional.conv2d(padded, tk, tb, ref.pair(stride), groups=groups)
    assert_close(y, last(ty))

    want_x, want_kernel, want_bias = gradients(torch, ty, g, tx, tk, tb)
    gx, gk, gb = ref.conv2d_gradients(g, x, kernel, stride, padding, groups)
    assert_close(gx, last(want_x))
    assert_close(gk, want_kernel.numpy().transpose(2, 3, 1, 0))
    assert_close(gb, want_bias.numpy())
    np.testing.assert_array_equal(ref.conv2d_grad_x(g, x, kernel, stride, padding, groups), gx)
    np.testing.assert_array_equal(ref.conv2d_grad_kernel(g, x, kernel, stride, padding, groups), gk)
    np.testing.assert_array_equal(ref.conv2d_grad_bias(g), gb)


POOLS = [
    # size, kernel, stride, padding, ceil
    ((6, 8), 2, 2, 0, False),
    ((7, 9), 2, None, 0, True),
    ((7, 9), 3, 2, 0, True),
    ((8, 6), 3, 2, 0, True),
    ((8, 6), 3, 2, 1, True),
    ((7, 7), 3, 2, 1, False),
    ((6, 5), 3, 1, 1, True),
    ((5, 4), 2, 3, 1, True),  # the last window would start in the right padding
    ((9, 6), (3, 2), (2, 3), (1, 0), True),
    ((7, 7), 7, 1, 0, False),
]


@verify
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("size, kernel, stride, padding, ceil", POOLS)
def test_max_pool(torch, rng, size, kernel, stride, padding, ceil, ties):
    x = rng.normal(size=(2, *size, 3))
    if ties:
        x = np.round(x).clip(-1, 0)
    y, switches = ref.max_pool(x, kernel, stride, padding, ceil)
    assert switches.dtype == np.uint8
    g = rng.normal(size=y.shape)

    tx = first(torch, x)
    ty, indices = torch.nn.functional.max_pool2d(tx, kernel, stride, padding, ceil_mode=ceil, return_indices=True)
    np.testing.assert_array_equal(y, last(ty))
    rows, columns, starts = ref.pool_windows(x.shape, kernel, stride, padding, ceil)
    at = np.zeros((rows, columns, 1), int), np.zeros((rows, columns, 1), int)
    for i, j, row, column in starts:
        at[0][i, j], at[1][i, j] = row, column
    a, b = np.divmod(switches.astype(int), ref.pair(kernel)[1])
    np.testing.assert_array_equal((at[0] + a) * size[1] + at[1] + b, last(indices))

    (want,) = gradients(torch, ty, g, tx)
    gx = ref.max_pool_grad(g, switches, x.shape, kernel, stride, padding, ceil)
    assert_close(gx, last(want))


@verify
@pytest.mark.parametrize("count_padding", [True, False])
@pytest.mark.parametrize("size, kernel, stride, padding, ceil", POOLS)
def test_avg_pool(torch, rng, size, kernel, stride, padding, ceil, count_padding):
    x = rng.normal(size=(2, *size, 3))
    y = ref.avg_pool(x, kernel, stride, padding, ceil, count_padding)
    g = rng.normal(size=y.shape)
    tx = first(torch, x)
    ty = torch.nn.functional.avg_pool2d(tx, kernel, stride, padding, ceil, count_padding)
    assert_close(y, last(ty))
    (want,) = gradients(torch, ty, g, tx)
    gx = ref.avg_pool_grad(g, x.shape, kernel, stride, padding, ceil, count_padding)
    assert_close(gx, last(want))


def test_max_pool_by_hand():
    x = np.array([[1.0, 5.0, 5.0], [5.0, 2.0, 0.0], [7.0, 7.0, -1.0]])[None, :, :, None]
    y, switches = ref.max_pool(x, 2, 2, 0, ceil=True)
    np.testing.assert_array_equal(y[0, :, :, 0], [[5, 5], [7, -1]])
    np.testing.assert_array_equal(switches[0, :, :, 0], [[1, 0], [0, 0]])  # of (0,1) and (1,0) the first
    gx = ref.max_pool_grad(np.array([[1.0, 2.0], [3.0, 4.0]])[None, :, :, None], switches, x.shape, 2, 2, 0, True)
    np.testing.assert_array_equal(gx[0, :, :, 0], [[0, 1, 2], [0, 0, 0], [3, 0, 4]])
    padded_y, padded_switches = ref.max_pool(-np.ones((1, 2, 2, 1)), 2, 1, 1)
    assert padded_y.max() == -1  # a window's padding never wins
    np.testing.assert_array_equal(padded_switches[0, :, :, 0], [[3, 2, 2], [1, 0, 0], [1, 0, 0]])


def test_avg_pool_divisor_by_hand():
    x = np.ones((1, 3, 3, 1))
    assert ref.avg_pool(x, 2, 2, 0, ceil=True).tolist() == np.ones((1, 2, 2, 1)).tolist()
    corner = ref.avg_pool(x, 2, 2, 1)[0, 0, 0, 0]
    assert corner == 0.25  # one pixel of four
    assert ref.avg_pool(x, 2, 2, 1, count_padding=False)[0, 0, 0, 0] == 1.0


@verify
def test_global_avg_pool(torch, rng):
    x = rng.normal(size=(2, 4, 5, 3))
    g = rng.normal(size=(2, 3))
    tx = first(torch, x)
    ty = torch.nn.functional.adaptive_avg_pool2d(tx, 1)[:, :, 0, 0]
    assert_close(ref.global_avg_pool(x), ty.detach().numpy())
    (want,) = gradients(torch, ty, g, tx)
    assert_close(ref.global_avg_pool_grad(g, x.shape), last(want))


@verify
def test_linear(torch, rng):
    x, weights, bias = rng.normal(size=(3, 5)), rng.normal(size=(5, 4)), rng.normal(size=4)
    g = rng.normal(size=(3, 4))
    tx, tw, tb = (torch.from_numpy(a).requires_grad_() for a in (x, weights, bias))
    ty = torch.nn.functional.linear(tx, tw.T, tb)
    assert_close(ref.linear(x, weights, bias), ty.detach().numpy())
    for got, want in zip(ref.linear_gradients(g, x, weights), gradients(torch, ty, g, tx, tw, tb), strict=True):
        assert_close(got, want.numpy())


@verify
@pytest.mark.parametrize("name", ["relu", "softmax", "log_softmax"])
def test_pointwise(torch, rng, name):
    x, g = 3 * rng.normal(size=(4, 6)), rng.normal(size=(4, 6))
    x[0, 0] = 0.0
    tx = torch.from_numpy(x).requires_grad_()
    f = getattr(torch.nn.functional, name)
    ty = f(tx) if name == "relu" else f(tx, dim=-1)
    assert_close(getattr(ref, name)(x), ty.detach().numpy())
    (want,) = gradients(torch, ty, g, tx)
    assert_close(getattr(ref, f"{name}_grad")(g, x), want.numpy())


@verify
def test_cross_entropy(torch, rng):
    logits, labels, g = 3 * rng.normal(size=(5, 7)), np.array([0, 6, 3, 3, 1]), rng.normal(size=5)
    tx = torch.from_numpy(logits).requires_grad_()
    ty = torch.nn.functional.cross_entropy(tx, torch.from_numpy(labels), reduction="none")
    assert_close(ref.cross_entropy(logits, labels), ty.detach().numpy())
    (want,) = gradients(torch, ty, g, tx)
    assert_close(ref.cross_entropy_grad(g, logits, labels), want.numpy())


@verify
def test_binary_cross_entropy(torch, rng):
    logits, labels, g = 3 * rng.normal(size=(5, 7)), np.array([0, 6, 3, 3, 1]), rng.normal(size=5)
    tx = torch.from_numpy(logits).requires_grad_()
    answers = torch.nn.functional.one_hot(torch.from_numpy(labels), 7).double()
    ty = torch.nn.functional.binary_cross_entropy_with_logits(tx, answers, reduction="none").sum(1)
    assert_close(ref.binary_cross_entropy(logits, labels), ty.detach().numpy())
    (want,) = gradients(torch, ty, g, tx)
    assert_close(ref.binary_cross_entropy_grad(g, logits, labels), want.numpy())


@verify
@pytest.mark.parametrize("channels", [3, 5, 12])
@pytest.mark.parametrize("size, alpha, beta, k", [(5, 1e-4, 0.75, 1.0), (3, 0.5, 0.6, 2.0), (5, 0.9, 0.75, 1.0)])
def test_lrn(torch, rng, channels, size, alpha, beta, k):
    x, g = 5 * rng.normal(size=(2, 3, 4, channels)), rng.normal(size=(2, 3, 4, channels))
    tx = first(torch, x)
    ty = torch.nn.functional.local_response_norm(tx, size, alpha, beta, k)
    assert_close(ref.lrn(x, size, alpha, beta, k), last(ty))
    (want,) = gradients(torch, ty, g, tx)
    assert_close(ref.lrn_grad(g, x, size, alpha, beta, k), last(want))


@verify
@pytest.mark.parametrize("size", [(9, 11), (3, 4), (4, 12), (1, 1), (5, 6)])
def test_resize(torch, rng, size):
    x, g = rng.normal(size=(2, 5, 6, 3)), rng.normal(size=(2, *size, 3))
    tx = first(torch, x)
    ty = torch.nn.functional.interpolate(tx, size, mode="bilinear", align_corners=False)
    assert_close(ref.resize(x, size), last(ty))
    (want,) = gradients(torch, ty, g, tx)
    assert_close(ref.resize_grad(g, x.shape), last(want))


@verify
def test_gram(torch, rng):
    x, g = rng.normal(size=(2, 3, 4, 5)), rng.normal(size=(2, 5, 5))
    tx = first(torch, x)
    flat = tx.flatten(2)
    ty = torch.bmm(flat, flat.transpose(1, 2))
    assert_close(ref.gram(x), ty.detach().numpy())
    (want,) = gradients(torch, ty, g, tx)
    assert_close(ref.gram_grad(g, x), last(want))


@verify
def test_roll_pad_concat(torch, rng):
    x = rng.normal(size=(2, 4, 5, 3))
    tx = first(torch, x)
    np.testing.assert_array_equal(ref.roll(x, 3, -7), last(torch.roll(tx, (3, -7), (2, 3))))
    sides = ((1, 2), (0, 3))
    want = last(torch.nn.functional.pad(tx, torch_sides(sides), value=2.5))
    np.testing.assert_array_equal(ref.pad(x, sides, 2.5), want)
    np.testing.assert_array_equal(ref.unpad(ref.pad(x, sides), sides), x)
    np.testing.assert_array_equal(ref.concat([x, x + 1]), last(torch.cat([tx, tx + 1], 1)))


# --- the backward rules ------------------------------------------------------------------------------


def pencil_net():
    """x = 1; h = relu(W x + b) = (2, 2, 0, 1); p = v.h = 5."""
    first_layer = ref.Linear(np.array([[2.0, -1.0, 4.0, 1.0]]), np.array([0.0, 3.0, -5.0, 0.0]))
    return [first_layer, ref.Relu(), ref.Linear(np.array([[3.0], [1.0], [2.0], [-3.0]]))]


@pytest.mark.parametrize(
    "rule, want", [("vanilla", 2), ("deconvnet", 13), ("guided", 5), ("positive_paths", 6), ("deconvnet_zf", 13)]
)
def test_the_pencil_example(rule, want):
    x = np.ones((1, 1))
    assert ref.forward_chain(pencil_net(), x)[-1] == 5
    assert ref.backward_chain(pencil_net(), x, np.ones((1, 1)), rule) == want


def test_backward_chain_refuses_what_it_does_not_know():
    with pytest.raises(ValueError, match="one of vanilla"):
        ref.backward_chain(pencil_net(), np.ones((1, 1)), np.ones((1, 1)), "smooth")
    with pytest.raises(ValueError, match="seed has shape"):
        ref.backward_chain(pencil_net(), np.ones((1, 1)), np.ones(3), "vanilla")


def small_net(rng):
    return [
        ref.Conv(rng.normal(size=(3, 3, 3, 6)), rng.normal(size=6), 1, 1),
        ref.Relu(),
        ref.Lrn(5, 0.5),
        ref.MaxPool(3, 2, 0, True),
        ref.Conv(rng.normal(size=(3, 3, 3, 4)), rng.normal(size=4), 1, ((1, 0), (0, 1)), 2),
        ref.Relu(),
        ref.MaxPool(2),
        ref.Flatten(),
        ref.Linear(rng.normal(size=(2 * 2 * 4, 5)), rng.normal(size=5)),
        ref.Relu(),
        ref.Linear(rng.normal(size=(5, 3)), rng.normal(size=3)),
    ]


def torch_affine(f, x, weights, bias, positive):
    """f(x, weights) + bias; with `positive` the value is the same and the way back is by max(W, 0)."""
    y = f(x, weights) + bias
    if not positive:
        return y
    clipped = f(x, weights.clamp(min=0))
    return y.detach() + clipped - clipped.detach()


def torch_chain(torch, layers, x, rule):
    """The same chain, recorded by PyTorch; also (kind, input, output) of each layer that has a rule."""
    functional = torch.nn.functional
    h, stops = x, []
    for layer in layers:
        below = h
        if isinstance(layer, ref.Conv):
            kernel = torch.from_numpy(np.ascontiguousarray(layer.kernel.transpose(3, 2, 0, 1)))
            padded = functional.pad(h, torch_sides(layer.padding))
            bias = torch.from_numpy(layer.bias)[:, None, None]
            convolve = functools.partial(functional.conv2d, groups=layer.groups)
            h = torch_affine(convolve, padded, kernel, bias, rule == "positive_paths")
        elif isinstance(layer, ref.Linear):
            weights, bias = torch.from_numpy(layer.weights), torch.from_numpy(layer.bias)
            h = torch_affine(torch.matmul, h, weights, bias, rule == "positive_paths")
        elif isinstance(layer, ref.Relu):
            h = functional.relu(h)
            stops.append(("relu", below, h))
        elif isinstance(layer, ref.Lrn):
            h = functional.local_response_norm(h, *layer)
            stops.append(("lrn", below, h))
        elif isinstance(layer, ref.MaxPool):
            h = functional.max_pool2d(h, layer.kernel, layer.stride, layer.padding, ceil_mode=layer.ceil)
        else:
            h = h.permute(0, 2, 3, 1).flatten(1)
    return h, stops


@verify
@pytest.mark.parametrize("rule", ref.RULES)
def test_backward_chain_against_torch(torch, rng, rule):
    """PyTorch differentiates from stop to stop; the rule is applied by hand at each."""
    layers = small_net(rng)
    x = rng.normal(size=(2, 13, 13, 3))
    seed = rng.normal(size=(2, 3))
    tx = first(torch, x)
    y, stops = torch_chain(torch, layers, tx, rule)
    assert_close(ref.forward_chain(layers, x)[-1], y.detach().numpy())

    g = torch.from_numpy(seed)
    for kind, below, above in reversed(stops):
        (g,) = torch.autograd.grad(y, above, g, retain_graph=True)
        if kind == "relu" and rule in ("deconvnet", "deconvnet_zf"):
            g = g * (g > 0)
        elif kind == "relu" and rule == "guided":
            g = g * (g > 0) * (below > 0)
        elif kind == "relu" or rule != "deconvnet_zf":
            (g,) = torch.autograd.grad(above, below, g, retain_graph=True)
        y = below
    (g,) = torch.autograd.grad(y, tx, g)
    got = ref.backward_chain(layers, x, seed, rule)
    assert np.abs(got).max() > 0
    assert_close(got, last(g), 1e-10)


def test_the_five_rules_differ_on_a_small_net(rng):
    layers = small_net(rng)
    x, seed = rng.normal(size=(1, 13, 13, 3)), rng.normal(size=(1, 3))
    signals = [ref.backward_chain(layers, x, seed, rule) for rule in ref.RULES]
    for i, one in enumerate(signals):
        for other in signals[i + 1 :]:
            assert np.abs(one - other).max() > 1e-3 * np.abs(one).max()


def test_strongest_unit_takes_the_first_of_two():
    maps = np.zeros((2, 2, 3, 2))
    maps[0, 0, 2, 1] = maps[0, 1, 0, 1] = 4.0
    maps[1, 1, 1, 1] = 3.0
    seed = ref.strongest_unit(maps, 1)
    assert seed[0, 0, 2, 1] == 4 and seed[1, 1, 1, 1] == 3 and seed.sum() == 7
