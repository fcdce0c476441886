"""The tasks, done by minivis. Each function prepares, and returns what is timed."""

import time

import numpy as np

import minivis as mv

DEVICE = "cpu"


def use(threads, device):
    """Compute on `device`; how many threads, the environment says before NumPy is imported."""
    global DEVICE
    DEVICE = device


def network(weights):
    return mv.load("vgg16", weights=weights, device=DEVICE)


def there(x):
    return mv.to_device(x, DEVICE)


def wait():
    """Wait until the GPU is done."""
    if DEVICE == "gpu":
        import cupy

        cupy.cuda.Stream.null.synchronize()


def to_host(result):
    return mv.to_host(result)


def gpu_peak_MiB():
    """Return what CuPy's pool has taken: it gives nothing back."""
    import cupy

    return cupy.get_default_memory_pool().total_bytes() / 2**20


def gradient(weights, pixels, target):
    net, pixels = network(weights), there(pixels)
    return lambda: mv.gradient(net, pixels, target)


def forward(weights, pixels, target):
    net, pixels = network(weights), there(pixels)
    return lambda: net.capture(pixels, [net.logits])[net.logits]


def grad_cam(weights, pixels, target):
    net, pixels = network(weights), there(pixels)
    size = pixels.shape[1:3]
    return lambda: mv.enlarge(mv.grad_cam(net, pixels, target), size)


def grad_cam_of_captum(weights, pixels, target):
    """Return the map as Captum's defaults have it: negative values kept, enlarged by repeating."""
    net, pixels = network(weights), there(pixels)

    def run():
        heat = mv.grad_cam(net, pixels, target, positive="none")
        return heat.repeat(pixels.shape[1] // heat.shape[1], 1).repeat(pixels.shape[2] // heat.shape[2], 2)

    return run


def occlusion(weights, pixels, target, window, stride):
    net, pixels = network(weights), there(pixels)
    return lambda: mv.occlusion(net, pixels, target, window, stride, output=net.logits)


def maps_gradient(weights, pixels, target):
    """Return the gradient of the sum of the last maps: any size of picture will do."""
    net, pixels = network(weights), there(pixels)

    def run():
        x = mv.Tensor(pixels)
        y = net.capture(x, [net.maps])[net.maps]
        return mv.backward(y, x, mv.array_module(y.value).ones_like(y.value))

    return run


STYLE_ROWS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")


def style_step(weights, pixels, target):
    """Return the gradient of a style loss on four rows and a content loss on the last."""
    net, pixels = network(weights), there(pixels)
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


def tsne(weights, codes, target, perplexity, steps, starts):
    """Return the divergence from each start that the other side has, too; affinities are part of the time."""
    from minivis.representation.affinities import affinities
    from minivis.representation.tsne import tsne_steps

    def run():
        found = []
        for seed in range(starts):
            start = 1e-4 * np.random.default_rng(seed).standard_normal((len(codes), 2)).astype("float32")
            p = affinities(codes, perplexity)
            ((_, _, divergence),) = tsne_steps(p, start, steps, every=steps, rate=200.0)
            found.append(divergence)
        return np.array(found)

    return run


def profile(weights, pixels, target, times=15):
    """Return [row, milliseconds forward, milliseconds back] of a saliency: medians."""
    from minivis import tape

    net, pixels = network(weights), there(pixels)
    order = [row.name for row in net.architecture.ancestors([net.logits])]
    up, down = ({name: [] for name in order} for _ in range(2))
    plain_run, plain_rule = net._run, tape.rule_of

    def timed(function, kept):
        def call(*args):
            start = time.perf_counter()
            y = function(*args)
            kept.append(time.perf_counter() - start)
            return y

        return call

    def run():
        net._run = lambda row, *rest: timed(plain_run, up[row.name])(row, *rest)
        try:
            for _ in range(times):
                x = mv.Tensor(pixels)
                y = net.capture(x, [net.logits])[net.logits]
                walked = iter(reversed(order))
                tape.rule_of = lambda *args, walked=walked: timed(plain_rule(*args), down[next(walked)])
                mv.backward(y, x, mv.one_hot(y, target))
        finally:
            net._run, tape.rule_of = plain_run, plain_rule
        medians = [[1e3 * float(np.median(kept[name] or [0.0])) for kept in (up, down)] for name in order]
        return np.array([(name, *pair) for name, pair in zip(order, medians, strict=True)])

    return run


FUNCTIONS = (gradient, maps_gradient, forward, grad_cam, grad_cam_of_captum, occlusion, style_step, tsne, profile)
TASKS = {f.__name__: f for f in FUNCTIONS}


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
