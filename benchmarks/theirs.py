"""The same tasks, done by PyTorch in eager mode (and Captum), as their users write them: channels first, autograd."""

import os

import h5py
import numpy as np
import torch
from torch.nn import functional as F

MEAN = torch.tensor([123.68, 116.779, 103.939])
DEVICE = "cpu"
FORMAT = getattr(torch, os.environ.get("PYTORCH_MEMORY_FORMAT", "contiguous_format"))
BLOCKS = (2, 2, 3, 3, 3)


class VGG16(torch.nn.Module):
    """VGG16 that takes RGB pixels 0..255, (N, 3, H, W)."""

    def __init__(self, path):
        super().__init__()
        self.convs = torch.nn.ModuleList()
        with h5py.File(path) as file:

            def tensors(row):
                return (torch.from_numpy(file[row][name][()]) for name in ("kernel", "bias"))

            for block, count in enumerate(BLOCKS, 1):
                for i in range(1, count + 1):
                    kernel, bias = tensors(f"conv{block}_{i}")
                    if not self.convs:
                        kernel = kernel.flip(2)  # the file's channels are B, G, R
                    conv = torch.nn.Conv2d(*kernel.shape[2:], 3, padding=1)
                    conv.weight.data, conv.bias.data = kernel.permute(3, 2, 0, 1).contiguous(), bias
                    self.convs.append(conv)
            self.dense = torch.nn.ModuleList()
            for row in ("fc6", "fc7", "fc8"):
                kernel, bias = tensors(row)
                linear = torch.nn.Linear(1, 1)
                if row == "fc6":  # rows of the file are in the order height, width, channel
                    kernel = kernel.reshape(7, 7, 512, -1).permute(2, 0, 1, 3).reshape(25088, -1)
                linear.weight.data, linear.bias.data = kernel.T.contiguous(), bias
                self.dense.append(linear)
        self.last_relu = torch.nn.ReLU()  # a module, since Captum wants one to look at
        self.mean = MEAN.view(3, 1, 1).to(DEVICE)
        self.requires_grad_(False).eval().to(DEVICE, memory_format=FORMAT)

    def rows(self, x, stop=None):
        """Yield (name, value) of each ReLU, and of the logits."""
        x = x - self.mean
        convs = iter(self.convs)
        for block, count in enumerate(BLOCKS, 1):
            for i in range(1, count + 1):
                last = (block, i) == (5, 3)
                x = next(convs)(x)
                x = self.last_relu(x) if last else F.relu(x)
                yield f"relu{block}_{i}", x
                if f"relu{block}_{i}" == stop:
                    return
            x = F.max_pool2d(x, 2)
        x = x.flatten(1)
        for n, linear in enumerate(self.dense):
            x = linear(x) if n == 2 else F.relu(linear(x))
        yield "fc8", x

    def forward(self, x):
        for _, value in self.rows(x):
            last = value
        return last


def use(threads, device):
    """Compute with so many threads on `device`; on a GPU cuDNN may try which of its algorithms is the fastest."""
    global DEVICE
    torch.set_num_threads(threads)
    if device == "gpu":
        DEVICE = "cuda"
        torch.backends.cudnn.benchmark = True
        in_tf32 = os.environ.get("CUPY_TF32") == "1"  # the same precision as the other side
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = in_tf32


def wait():
    if DEVICE == "cuda":
        torch.cuda.synchronize()


def to_host(result):
    return result.detach().cpu().numpy() if isinstance(result, torch.Tensor) else np.asarray(result)


def gpu_peak_MiB():
    return torch.cuda.max_memory_reserved() / 2**20


def picture(pixels):
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))).to(DEVICE, memory_format=FORMAT)


def gradient(weights, pixels, target):
    model, pixels = VGG16(weights), picture(pixels)

    def run():
        x = pixels.clone().requires_grad_()
        (g,) = torch.autograd.grad(model(x)[:, target].sum(), x)
        return g.permute(0, 2, 3, 1)

    return run


def maps_gradient(weights, pixels, target):
    model, pixels = VGG16(weights), picture(pixels)

    def run():
        x = pixels.clone().requires_grad_()
        for _, value in model.rows(x, "relu5_3"):  # an earlier row is not held on to
            last = value
        (g,) = torch.autograd.grad(last.sum(), x)
        return g.permute(0, 2, 3, 1)

    return run


def forward(weights, pixels, target):
    model, x = VGG16(weights), picture(pixels)

    def run():
        with torch.inference_mode():
            return model(x)

    return run


def grad_cam(weights, pixels, target):
    """Written out by hand: Captum's keeps negative values and enlarges by nearest neighbour."""
    model, pixels = VGG16(weights), picture(pixels)

    def run():
        x = pixels.clone().requires_grad_()
        rows = dict(model.rows(x))
        maps = rows["relu5_3"]
        (slope,) = torch.autograd.grad(rows["fc8"][:, target].sum(), maps)
        cam = F.relu((slope.mean((2, 3), keepdim=True) * maps).sum(1, keepdim=True))
        cam = F.interpolate(cam, pixels.shape[2:], mode="bilinear", align_corners=False)
        return cam[:, 0]

    return run


def grad_cam_of_captum(weights, pixels, target):
    """Captum's defaults: no ReLU on the sum, enlarged to the nearest neighbour."""
    from captum.attr import LayerAttribution, LayerGradCam

    model, x = VGG16(weights), picture(pixels)
    explain = LayerGradCam(model, model.last_relu)

    def run():
        heat = explain.attribute(x, target=target)
        return LayerAttribution.interpolate(heat, x.shape[2:])[:, 0]

    return run


def occlusion(weights, pixels, target, window, stride, at_once=16):
    """Captum's Occlusion of the score; its map is per pixel: run.py works out the drop of each window."""
    from captum.attr import Occlusion

    model, x = VGG16(weights), picture(pixels)
    explain, fill = Occlusion(model), model.mean.expand_as(x)

    def run():
        with torch.inference_mode():
            return explain.attribute(
                x,
                sliding_window_shapes=(3, window, window),
                strides=(3, stride, stride),
                baselines=fill,
                target=target,
                perturbations_per_eval=at_once,
            )

    return run


def style_step(weights, pixels, target):
    model = VGG16(weights)
    rows = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")

    def gram(x):
        flat = x.flatten(2)
        return flat @ flat.transpose(1, 2)

    pixels = picture(pixels)
    with torch.inference_mode():
        other = dict(model.rows(pixels.flip(2), "relu4_1"))
    other = {row: other[row].clone() for row in rows}
    grams = {row: gram(other[row]) for row in rows}

    def step():
        x = pixels.clone().requires_grad_()
        found = dict(model.rows(x, "relu4_1"))
        loss = 0.5 * ((found[rows[-1]] - other[rows[-1]]) ** 2).sum()
        for row in rows:
            _, channels, height, width = found[row].shape
            difference = gram(found[row]) - grams[row]
            loss = loss + (difference**2).sum() / (4.0 * channels**2 * (height * width) ** 2)
        (g,) = torch.autograd.grad(loss, x)
        return g.permute(0, 2, 3, 1)

    return step


def tsne(weights, codes, target, perplexity, steps, starts):
    """scikit-learn's exact t-SNE from the same starts, not stopped early."""
    from sklearn.manifold import TSNE

    def run():
        found = []
        for seed in range(starts):
            start = 1e-4 * np.random.default_rng(seed).standard_normal((len(codes), 2)).astype("float32")
            explain = TSNE(
                perplexity=perplexity,
                learning_rate=200.0,
                max_iter=steps,
                n_iter_without_progress=steps,
                min_grad_norm=0.0,
                init=start,
                method="exact",
            )
            explain.fit(codes)
            found.append(explain.kl_divergence_)
        return np.array(found)

    return run


FUNCTIONS = (gradient, maps_gradient, forward, grad_cam, grad_cam_of_captum, occlusion, style_step, tsne)
TASKS = {f.__name__: f for f in FUNCTIONS}


def versions():
    import captum
    import sklearn

    return {
        "torch": torch.__version__,
        "captum": captum.__version__,
        "scikit-learn": sklearn.__version__,
        "threads": torch.get_num_threads(),
    }
