"""The tasks, done by minivis. Each function prepares, and returns what is timed."""

import numpy as np

import minivis as mv

NAMES = ["minivis"]


def network(weights, dtype="float32"):
    return mv.load("vgg16", weights=weights, dtype=dtype)


def saliency(weights, pixels, target):
    net = network(weights)
    return lambda: mv.saliency(net, pixels, target)


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
    return lambda: mv.occlusion(net, pixels, target, window, stride)


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


TASKS = {f.__name__: f for f in (saliency, gradient, forward, grad_cam, occlusion, style_step)}


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
