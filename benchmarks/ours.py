"""The tasks, done by minivis. Each function prepares, and returns what is timed."""

import numpy as np

import minivis as mv


def network(weights, dtype="float32"):
    return mv.load("vgg16", weights=weights, dtype=dtype)


def gradient(weights, pixels, target):
    net = network(weights)
    return lambda: mv.gradient(net, pixels, target)


def forward(weights, pixels, target):
    net = network(weights)
    return lambda: net.capture(pixels, [net.logits])[net.logits]


def grad_cam(weights, pixels, target):
    net = network(weights)
    size = pixels.shape[1:3]
    return lambda: mv.enlarge(mv.grad_cam(net, pixels, target), size)


def occlusion(weights, pixels, target, window, stride):
    net = network(weights)
    return lambda: mv.occlusion(net, pixels, target, window, stride, output=net.logits)


def maps_gradient(weights, pixels, target):
    """Return the gradient of the sum of the last maps: any size of picture will do."""
    net = network(weights)

    def run():
        x = mv.Tensor(pixels)
        y = net.capture(x, [net.maps])[net.maps]
        return mv.backward(y, x, np.ones_like(y.value))

    return run


STYLE_ROWS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")


def style_step(weights, pixels, target):
    """Return the gradient of a style loss on four rows and a content loss on the last."""
    net = network(weights)
    rows = list(STYLE_ROWS)
    other = net.capture(pixels[:, ::-1].copy(), rows)
    grams = {row: mv.gram(other[row]) for row in rows}

    def step():
        x = mv.Tensor(pixels)
        found = net.capture(x, rows)
        loss = 0.5 * mv.sum((found[rows[-1]] - other[rows[-1]]) ** 2)
        for row in rows:
            _, height, width, channels = found[row].shape
            difference = mv.gram(found[row]) - grams[row]
            loss = loss + mv.sum(difference**2) / (4.0 * channels**2 * (height * width) ** 2)
        return mv.backward(loss, x)

    return step


def tsne(weights, codes, target, perplexity, steps):
    """Return the divergence after `steps` from the start that the other side has; affinities are part of the time."""
    from minivis.representation.affinities import affinities
    from minivis.representation.tsne import tsne_steps

    start = 1e-4 * np.random.default_rng(0).standard_normal((len(codes), 2)).astype("float32")

    def run():
        p = affinities(codes, perplexity)
        ((_, _, divergence),) = tsne_steps(p, start, steps, every=steps, rate=200.0)
        return np.array([divergence])

    return run


TASKS = {f.__name__: f for f in (gradient, maps_gradient, forward, grad_cam, occlusion, style_step, tsne)}


def versions():
    from threadpoolctl import threadpool_info

    blas = [i for i in threadpool_info() if i["user_api"] == "blas"]
    return {
        "minivis": mv.__version__,
        "numpy": np.__version__,
        "blas": [
            f"{b['internal_api']} {b['version']} {b.get('architecture')} {b['num_threads']} threads" for b in blas
        ],
    }
