"""Slow, obvious twins of the primitives and of the backward rules.

Every function here is a loop over output positions that follows its formula word for word, and knows
nothing of the library. Arrays are channels last, (N, H, W, C); kernels are (kh, kw, C / groups, K); dense
weights are (in, out). Use float64 and small shapes: nothing here is fast.
"""

import math
from typing import NamedTuple

import numpy as np

# --- windows -----------------------------------------------------------------------------------------


def pair(value):
    """An int for both axes, or (rows, columns)."""
    rows, columns = (value, value) if isinstance(value, int | np.integer) else value
    return int(rows), int(columns)


def four_sides(padding):
    """((top, bottom), (left, right)) from an int, a pair of ints, or a pair of pairs."""
    vertical, horizontal = (padding, padding) if isinstance(padding, int | np.integer) else padding
    return pair(vertical), pair(horizontal)


def output_length(length, window, stride, before, after, ceil=False):
    """How many windows fit along one axis."""
    steps = (length + before + after - window) / stride
    count = (math.ceil(steps) if ceil else math.floor(steps)) + 1
    if ceil and (count - 1) * stride >= length + before:  # the last window would start beyond the picture
        count -= 1
    return count


def pad(x, padding, value=0.0):
    """x with `value` around it."""
    (top, bottom), (left, right) = four_sides(padding)
    n, h, w, c = x.shape
    y = np.full((n, top + h + bottom, left + w + right, c), value, x.dtype)
    y[:, top : top + h, left : left + w] = x
    return y


def unpad(x, padding):
    """The inside of a padded array: also the gradient of pad."""
    (top, bottom), (left, right) = four_sides(padding)
    return x[:, top : x.shape[1] - bottom, left : x.shape[2] - right]


# --- convolution -------------------------------------------------------------------------------------


def conv2d(x, kernel, bias=None, stride=1, padding=0, groups=1):
    """Cross-correlation: y[n,i,j,k] = bias[k] + sum of window(i,j) * kernel[..., k]."""
    kh, kw, channels, filters = kernel.shape
    sh, sw = pair(stride)
    (top, bottom), (left, right) = four_sides(padding)
    n, h, w, c = x.shape
    if c != channels * groups or filters % groups:
        raise ValueError(f"{groups} groups of {channels} channels and {filters} filters do not fit {c} channels")
    rows = output_length(h, kh, sh, top, bottom)
    columns = output_length(w, kw, sw, left, right)
    padded = pad(x, padding)
    y = np.zeros((n, rows, columns, filters), np.result_type(x, kernel))
    for i in range(rows):
        for j in range(columns):
            window = padded[:, i * sh : i * sh + kh, j * sw : j * sw + kw]
            for k in range(filters):
                first = (k // (filters // groups)) * channels  # the group of filter k starts here
                seen = window[..., first : first + channels]
                y[:, i, j, k] = (seen * kernel[..., k]).sum(axis=(1, 2, 3))
    return y if bias is None else y + bias


def conv2d_gradients(g, x, kernel, stride=1, padding=0, groups=1):
    """Gradients of sum(g * conv2d(x, kernel, bias)) with respect to x, kernel and bias."""
    kh, kw, channels, filters = kernel.shape
    sh, sw = pair(stride)
    _, rows, columns, _ = g.shape
    padded = pad(x, padding)
    g_padded = np.zeros(padded.shape, np.result_type(g, kernel))
    g_kernel = np.zeros(kernel.shape, np.result_type(g, x))
    for i in range(rows):
        for j in range(columns):
            here = (slice(None), slice(i * sh, i * sh + kh), slice(j * sw, j * sw + kw))
            for k in range(filters):
                first = (k // (filters // groups)) * channels
                group = (*here, slice(first, first + channels))
                signal = g[:, i, j, k][:, None, None, None]  # (N, 1, 1, 1)
                g_padded[group] += signal * kernel[..., k]
                g_kernel[..., k] += (signal * padded[group]).sum(axis=0)
    return unpad(g_padded, padding), g_kernel, g.sum(axis=(0, 1, 2))


def conv2d_grad_x(g, x, kernel, stride=1, padding=0, groups=1):
    return conv2d_gradients(g, x, kernel, stride, padding, groups)[0]


def conv2d_grad_kernel(g, x, kernel, stride=1, padding=0, groups=1):
    return conv2d_gradients(g, x, kernel, stride, padding, groups)[1]


def conv2d_grad_bias(g):
    return g.sum(axis=(0, 1, 2))


# --- pooling -----------------------------------------------------------------------------------------


def pool_windows(shape, kernel, stride, padding, ceil):
    """The (rows, columns) of the output, and for each (i, j) where its window starts in the unpadded x."""
    kh, kw = pair(kernel)
    sh, sw = pair(kernel if stride is None else stride)
    (top, bottom), (left, right) = four_sides(padding)
    rows = output_length(shape[1], kh, sh, top, bottom, ceil)
    columns = output_length(shape[2], kw, sw, left, right, ceil)
    starts = [(i, j, i * sh - top, j * sw - left) for i in range(rows) for j in range(columns)]
    return rows, columns, starts


def max_pool(x, kernel, stride=None, padding=0, ceil=False):
    """The largest value of each window and its switch.

    A switch is the row-major index within the whole window (padding included), uint8; ties go to the
    first maximum. Padding counts as minus infinity and is never chosen. Output size as in PyTorch and
    Caffe: with `ceil`, a last window that sticks out counts, unless it starts beyond the picture.
    """
    kh, kw = pair(kernel)
    n, h, w, c = x.shape
    rows, columns, starts = pool_windows(x.shape, kernel, stride, padding, ceil)
    y = np.full((n, rows, columns, c), -np.inf, x.dtype)
    switches = np.zeros((n, rows, columns, c), np.uint8)
    for i, j, row, column in starts:
        seen = np.zeros((n, c), bool)
        for a in range(kh):
            for b in range(kw):
                if not (0 <= row + a < h and 0 <= column + b < w):
                    continue
                value = x[:, row + a, column + b]  # (N, C)
                better = (value > y[:, i, j]) | ~seen
                y[:, i, j] = np.where(better, value, y[:, i, j])
                switches[:, i, j] = np.where(better, a * kw + b, switches[:, i, j])
                seen[:] = True
    return y, switches


def max_pool_grad(g, switches, shape, kernel, stride=None, padding=0, ceil=False):
    """g put where the switches point, into zeros of the shape of x; overlaps add."""
    kw = pair(kernel)[1]
    gx = np.zeros(shape, g.dtype)
    n, _, _, c = shape
    for i, j, row, column in pool_windows(shape, kernel, stride, padding, ceil)[2]:
        for picture in range(n):
            for channel in range(c):
                a, b = divmod(int(switches[picture, i, j, channel]), kw)
                gx[picture, row + a, column + b, channel] += g[picture, i, j, channel]
    return gx


def average_shares(shape, kernel, stride, padding, ceil, count_padding):
    """For each output position: its slices of x, and what the sum over them is divided by."""
    kh, kw = pair(kernel)
    (_, bottom), (_, right) = four_sides(padding)
    _, h, w, _ = shape
    for i, j, row, column in pool_windows(shape, kernel, stride, padding, ceil)[2]:
        inside_rows = slice(max(row, 0), min(row + kh, h))
        inside_columns = slice(max(column, 0), min(column + kw, w))
        if count_padding:  # padding counts; what ceil adds beyond the padding does not
            height = min(row + kh, h + bottom) - row
            width = min(column + kw, w + right) - column
        else:
            height = inside_rows.stop - inside_rows.start
            width = inside_columns.stop - inside_columns.start
        yield i, j, inside_rows, inside_columns, height * width


def avg_pool(x, kernel, stride=None, padding=0, ceil=False, count_padding=True):
    """The mean of each window, with the divisor of PyTorch and Caffe."""
    rows, columns, _ = pool_windows(x.shape, kernel, stride, padding, ceil)
    y = np.zeros((x.shape[0], rows, columns, x.shape[3]), x.dtype)
    for i, j, r, c, divisor in average_shares(x.shape, kernel, stride, padding, ceil, count_padding):
        y[:, i, j] = x[:, r, c].sum(axis=(1, 2)) / divisor
    return y


def avg_pool_grad(g, shape, kernel, stride=None, padding=0, ceil=False, count_padding=True):
    gx = np.zeros(shape, g.dtype)
    for i, j, r, c, divisor in average_shares(shape, kernel, stride, padding, ceil, count_padding):
        gx[:, r, c] += g[:, i : i + 1, j : j + 1] / divisor
    return gx


def global_avg_pool(x):
    """(N, H, W, C) -> (N, C)."""
    return x.sum(axis=(1, 2)) / (x.shape[1] * x.shape[2])


def global_avg_pool_grad(g, shape):
    gx = np.zeros(shape, g.dtype)
    for i in range(shape[1]):
        for j in range(shape[2]):
            gx[:, i, j] = g / (shape[1] * shape[2])
    return gx


# --- dense and pointwise -----------------------------------------------------------------------------


def linear(x, weights, bias=None):
    """(N, in) by (in, out)."""
    if x.shape[1] != weights.shape[0]:
        raise ValueError(f"{x.shape[1]} values do not fit weights of shape {weights.shape}")
    y = np.zeros((x.shape[0], weights.shape[1]), np.result_type(x, weights))
    for n in range(x.shape[0]):
        for k in range(weights.shape[1]):
            y[n, k] = (x[n] * weights[:, k]).sum()
    return y if bias is None else y + bias


def linear_gradients(g, x, weights):
    """Gradients with respect to x, weights and bias."""
    gx = np.zeros(x.shape, np.result_type(g, weights))
    g_weights = np.zeros(weights.shape, np.result_type(g, x))
    for n in range(x.shape[0]):
        for k in range(weights.shape[1]):
            gx[n] += g[n, k] * weights[:, k]
            g_weights[:, k] += g[n, k] * x[n]
    return gx, g_weights, g.sum(axis=0)


def relu(x):
    return np.where(x > 0, x, 0).astype(x.dtype)


def relu_grad(g, x):
    return np.where(x > 0, g, 0).astype(g.dtype)


def softmax(x):
    """Over the last axis."""
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def softmax_grad(g, x):
    """By the full Jacobian, dp_i/dx_j = p_i (delta_ij - p_j)."""
    gx = np.zeros(x.shape, np.result_type(g, x))
    for where in np.ndindex(x.shape[:-1]):
        p = softmax(x[where])
        gx[where] = (np.diag(p) - np.outer(p, p)) @ g[where]
    return gx


def log_softmax(x):
    """Over the last axis: x - log(sum(exp(x)))."""
    largest = x.max(axis=-1, keepdims=True)
    return x - largest - np.log(np.exp(x - largest).sum(axis=-1, keepdims=True))


def log_softmax_grad(g, x):
    """By the full Jacobian, dy_i/dx_j = delta_ij - p_j."""
    gx = np.zeros(x.shape, np.result_type(g, x))
    for where in np.ndindex(x.shape[:-1]):
        p = softmax(x[where])
        jacobian = np.eye(p.size) - p[None, :]
        gx[where] = jacobian.T @ g[where]
    return gx


def cross_entropy(logits, labels):
    """(N, classes) and (N,) integers -> (N,) losses, -log p(label)."""
    log_p = log_softmax(logits)
    return np.array([-log_p[n, label] for n, label in enumerate(labels)], log_p.dtype)


def cross_entropy_grad(g, logits, labels):
    """g is (N,), one weight per loss."""
    gx = softmax(logits)
    for n, label in enumerate(labels):
        gx[n, label] -= 1
    return gx * np.asarray(g)[:, None]


def sigmoid(z):
    """One number, by the definition."""
    return 1 / (1 + math.exp(-z))


def binary_cross_entropy(logits, labels):
    """(N, classes) and (N,) integers -> (N,) losses: -log p of each class's own yes or no, added up."""
    losses = np.zeros(len(logits), logits.dtype)
    for n, label in enumerate(labels):
        for c, z in enumerate(logits[n]):
            p = sigmoid(z)
            losses[n] -= math.log(p if c == label else 1 - p)
    return losses


def binary_cross_entropy_grad(g, logits, labels):
    """g is (N,), one weight per loss."""
    gx = np.array([[sigmoid(z) for z in row] for row in logits], logits.dtype)
    for n, label in enumerate(labels):
        gx[n, label] -= 1
    return gx * np.asarray(g)[:, None]


# --- normalisation across channels -------------------------------------------------------------------


def channel_neighbours(channel, channels, size):
    """The `size` channels around one, cut off at both ends."""
    return slice(max(channel - size // 2, 0), min(channel + size // 2 + 1, channels))


def lrn_scale(x, size, alpha, k):
    """s_c = k + alpha / size * sum over the neighbours d of x_d^2."""
    s = np.full(x.shape, k, x.dtype)
    for c in range(x.shape[-1]):
        seen = x[..., channel_neighbours(c, x.shape[-1], size)]
        s[..., c] += alpha / size * (seen**2).sum(axis=-1)
    return s


def lrn(x, size=5, alpha=1e-4, beta=0.75, k=1.0):
    """Local response normalisation, y_c = x_c s_c^-beta, as in Caffe (alpha divided by size)."""
    return x * lrn_scale(x, size, alpha, k) ** -beta


def lrn_grad(g, x, size=5, alpha=1e-4, beta=0.75, k=1.0):
    """gx_d = g_d s_d^-beta - (2 alpha beta / size) x_d sum over neighbours c of g_c x_c s_c^(-beta-1)."""
    s = lrn_scale(x, size, alpha, k)
    through_scale = g * x * s ** (-beta - 1)
    gx = g * s**-beta
    for d in range(x.shape[-1]):
        seen = through_scale[..., channel_neighbours(d, x.shape[-1], size)]
        gx[..., d] -= 2 * alpha * beta / size * x[..., d] * seen.sum(axis=-1)
    return gx


# --- shapes and pictures -----------------------------------------------------------------------------


def roll(x, rows, columns):
    """Moved down and right, what leaves one side coming in at the other."""
    y = np.empty_like(x)
    _, h, w, _ = x.shape
    for i in range(h):
        for j in range(w):
            y[:, (i + rows) % h, (j + columns) % w] = x[:, i, j]
    return y


def concat(arrays, axis=-1):
    return np.concatenate(arrays, axis)


def bilinear_weights(position, before, after):
    """Two neighbours and the second one's share: half-pixel centres, edges clamped."""
    source = min(max((position + 0.5) * before / after - 0.5, 0.0), before - 1.0)
    first = math.floor(source)
    return first, min(first + 1, before - 1), source - first


def resize(x, size):
    """Bilinear, (N, H, W, C) -> (N, rows, columns, C); no filter against aliasing when it shrinks."""
    rows, columns = size
    n, h, w, c = x.shape
    y = np.zeros((n, rows, columns, c), x.dtype)
    for i in range(rows):
        top, bottom, down = bilinear_weights(i, h, rows)
        for j in range(columns):
            left, right, across = bilinear_weights(j, w, columns)
            upper = (1 - across) * x[:, top, left] + across * x[:, top, right]
            lower = (1 - across) * x[:, bottom, left] + across * x[:, bottom, right]
            y[:, i, j] = (1 - down) * upper + down * lower
    return y


def resize_grad(g, shape):
    """Each output pixel hands its g back to the four pixels it was mixed from."""
    gx = np.zeros(shape, g.dtype)
    _, h, w, _ = shape
    _, rows, columns, _ = g.shape
    for i in range(rows):
        top, bottom, down = bilinear_weights(i, h, rows)
        for j in range(columns):
            left, right, across = bilinear_weights(j, w, columns)
            for row, vertical in ((top, 1 - down), (bottom, down)):
                for column, horizontal in ((left, 1 - across), (right, across)):
                    gx[:, row, column] += vertical * horizontal * g[:, i, j]
    return gx


def gram(x):
    """(N, H, W, C) -> (N, C, C): the plain sum over positions of the products of two channels."""
    n, h, w, c = x.shape
    y = np.zeros((n, c, c), x.dtype)
    for i in range(h):
        for j in range(w):
            y += x[:, i, j, :, None] * x[:, i, j, None, :]
    return y


def gram_grad(g, x):
    gx = np.zeros(x.shape, np.result_type(g, x))
    both = g + g.transpose(0, 2, 1)
    for n in range(x.shape[0]):
        for i in range(x.shape[1]):
            for j in range(x.shape[2]):
                gx[n, i, j] = both[n] @ x[n, i, j]
    return gx


# --- backward rules, layer by layer ------------------------------------------------------------------


class Conv(NamedTuple):
    kernel: np.ndarray
    bias: np.ndarray | None = None
    stride: object = 1
    padding: object = 0
    groups: int = 1


class Relu(NamedTuple):
    pass


class MaxPool(NamedTuple):
    kernel: object
    stride: object = None
    padding: object = 0
    ceil: bool = False


class Linear(NamedTuple):
    weights: np.ndarray
    bias: np.ndarray | None = None


class Lrn(NamedTuple):
    size: int = 5
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 1.0


class Flatten(NamedTuple):
    pass


RULES = ("vanilla", "deconvnet", "guided", "positive_paths", "deconvnet_zf")


def layer_forward(layer, x):
    if isinstance(layer, Conv):
        return conv2d(x, layer.kernel, layer.bias, layer.stride, layer.padding, layer.groups)
    if isinstance(layer, Relu):
        return relu(x)
    if isinstance(layer, MaxPool):
        return max_pool(x, *layer)[0]
    if isinstance(layer, Linear):
        return linear(x, layer.weights, layer.bias)
    if isinstance(layer, Lrn):
        return lrn(x, *layer)
    if isinstance(layer, Flatten):
        return x.reshape(x.shape[0], -1)
    raise TypeError(f"no such layer: {layer!r}")


def layer_backward(layer, g, x, rule):
    """One step down: g is the signal above the layer, x what went into it."""
    if isinstance(layer, Conv):
        kernel = np.maximum(layer.kernel, 0) if rule == "positive_paths" else layer.kernel
        return conv2d_gradients(g, x, kernel, layer.stride, layer.padding, layer.groups)[0]
    if isinstance(layer, Linear):
        weights = np.maximum(layer.weights, 0) if rule == "positive_paths" else layer.weights
        return linear_gradients(g, x, weights)[0]
    if isinstance(layer, Relu):
        if rule in ("deconvnet", "deconvnet_zf"):
            return np.where(g > 0, g, 0)
        if rule == "guided":
            return np.where((g > 0) & (x > 0), g, 0)
        return np.where(x > 0, g, 0)
    if isinstance(layer, MaxPool):
        return max_pool_grad(g, max_pool(x, *layer)[1], x.shape, *layer)
    if isinstance(layer, Lrn):
        return g if rule == "deconvnet_zf" else lrn_grad(g, x, *layer)
    if isinstance(layer, Flatten):
        return g.reshape(x.shape)
    raise TypeError(f"no such layer: {layer!r}")


def forward_chain(layers, x):
    """The input of every layer, and after them the output."""
    values = [x]
    for layer in layers:
        values.append(layer_forward(layer, values[-1]))
    return values


def backward_chain(layers, x, seed, rule):
    """The seed at the output, pulled back to x through one layer after the other by one of RULES.

    "vanilla" is the derivative. At a ReLU, "deconvnet" passes g where g > 0 and "guided" where both g
    and the layer's input are. "positive_paths" uses max(W, 0) in convolution and linear, and the true
    ReLU. "deconvnet_zf" is "deconvnet" with normalisation left out on the way down.
    """
    if rule not in RULES:
        raise ValueError(f"rule is one of {', '.join(RULES)}; got {rule!r}")
    values = forward_chain(layers, x)
    if np.shape(seed) != values[-1].shape:
        raise ValueError(f"the seed has shape {np.shape(seed)}, the output {values[-1].shape}")
    g = np.asarray(seed)
    for layer, below in zip(reversed(layers), reversed(values[:-1]), strict=True):
        g = layer_backward(layer, g, below, rule)
    return g


def strongest_unit(maps, channel):
    """Zeiler and Fergus' seed: zero but at the strongest position of one map, which keeps its value."""
    seed = np.zeros_like(maps)
    for n in range(maps.shape[0]):
        i, j = np.unravel_index(maps[n, ..., channel].argmax(), maps.shape[1:3])
        seed[n, i, j, channel] = maps[n, i, j, channel]
    return seed
