"""The losses of style transfer against an implementation of its own in PyTorch, with the real VGG16's first blocks.

The other side reads the weight file by itself and shares no code with the library: plain PyTorch from the pixels up.
"""

import h5py
import numpy as np
import pytest
from conftest import shared_path

import minivis as mv
from minivis.pictures import fit
from minivis.synthesis.recipes.style import stylize, transfer_objective
from minivis.synthesis.recipes.texture import pooled, shares, style_objective
from minivis.testing import relative_error

torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra `verify`)")

pytestmark = pytest.mark.verify

FILE = "weights/vgg16_blocks1-3_tf_dim_ordering_tf_kernels_notop.h5"
STYLE_ROWS = ["relu1_1", "relu2_1", "relu3_1", "relu3_3"]
CONTENT_ROWS = ["relu2_2", "relu3_2"]


def kernels(dtype):
    """Return (kernel OIHW, bias) of the seven convolutions, from the datasets of the Keras file."""
    found = []
    with h5py.File(shared_path(FILE)) as file:
        for block, count in ((1, 2), (2, 2), (3, 3)):
            for i in range(1, count + 1):
                name = f"block{block}_conv{i}"
                kernel, bias = (file[f"{name}/{name}_{part}_1:0"][()] for part in "Wb")
                found.append((torch.tensor(kernel.transpose(3, 2, 0, 1), dtype=dtype), torch.tensor(bias, dtype=dtype)))
    return found


def maps_of(x, pooling="max"):
    """Return the rectified maps of pictures (N, H, W, 3), RGB, by our names: (N, C, H, W)."""
    mean = torch.tensor([103.939, 116.779, 123.68], dtype=x.dtype)
    y = (x.flip(-1) - mean).permute(0, 3, 1, 2)
    maps, layers = {}, iter(kernels(x.dtype))
    for block, count in ((1, 2), (2, 2), (3, 3)):
        for i in range(1, count + 1):
            kernel, bias = next(layers)
            y = torch.relu(torch.nn.functional.conv2d(y, kernel, bias, padding=1))
            maps[f"relu{block}_{i}"] = y
        pool = torch.nn.functional.max_pool2d if pooling == "max" else torch.nn.functional.avg_pool2d
        y = pool(y, 2)
    return maps


def gram(y):
    features = y.flatten(2)
    return features @ features.transpose(1, 2)


def style_losses(x, style, pooling="max"):
    """Return E_l by row, with the paper's normalisation; each Gram matrix is divided by its own number of places."""
    ours, wanted = maps_of(x, pooling), maps_of(style, pooling)
    losses = {}
    for row in STYLE_ROWS:
        n, m = ours[row].shape[1], ours[row].shape[2] * ours[row].shape[3]
        target = gram(wanted[row]) * (m / (wanted[row].shape[2] * wanted[row].shape[3]))
        losses[row] = ((gram(ours[row]) - target) ** 2).sum((1, 2)) / (4 * n**2 * m**2)
    return losses


def content_losses(x, content, pooling="max"):
    ours, wanted = maps_of(x, pooling), maps_of(content, pooling)
    return {row: 0.5 * ((ours[row] - wanted[row]) ** 2).sum((1, 2, 3)) for row in CONTENT_ROWS}


def pictures(dtype):
    net = mv.load("vgg16", weights=shared_path(FILE), dtype=dtype)
    content = net.picture(shared_path("images/tubingen.jpg"), 40)
    style = fit(shared_path("images/starry_night.jpg"), 48).astype(dtype)  # of another size and shape
    x = content + np.random.default_rng(0).normal(0, 20, (2, 40, 40, 3)).astype(dtype)
    return net, content, style, x


WEIGHTS = {"relu1_1": 0.1, "relu2_1": 0.2, "relu3_1": 0.3, "relu3_3": 0.4}
CHOICES = {
    "content_rows": CONTENT_ROWS,
    "style_rows": STYLE_ROWS,
    "content_weight": 3e-3,
    "style_weight": 2.0,
    "weights": WEIGHTS,
}


def total(x, content, style, pooling):
    """Return the loss with the choices above, and each weighted term."""
    terms = {f"content {row}": 3e-3 * loss for row, loss in content_losses(x, content, pooling).items()}
    terms |= {f"style {row}": 2.0 * WEIGHTS[row] * loss for row, loss in style_losses(x, style, pooling).items()}
    return sum(terms.values()), terms


@pytest.mark.parametrize("pooling", ["max", "average"])
def test_losses_and_gradients_in_float64(pooling):
    net, content, style, x = pictures("float64")
    ours = transfer_objective(pooled(net, pooling), content, style, "gatys", **CHOICES)
    leaf = torch.tensor(x, requires_grad=True)
    loss, terms = total(leaf, torch.tensor(content), torch.tensor(style), pooling)
    loss.sum().backward()

    recorded = mv.Tensor(x)
    score = ours(pooled(net, pooling), recorded)
    assert relative_error(-score.value, loss.detach().numpy()) < 1e-12
    found = dict(ours.scores(pooled(net, pooling), x))
    assert found.keys() == terms.keys()
    for name, value in found.items():
        assert relative_error(-value, terms[name].detach().numpy()) < 1e-12, name
    gradient = mv.backward(score, recorded, np.ones(2))
    assert relative_error(-gradient, leaf.grad.numpy()) < 1e-9


@pytest.mark.parametrize("pooling", ["max", "average"])
def test_losses_in_float32(pooling):
    net, content, style, x = pictures("float32")
    net = pooled(net, pooling)
    _, terms = total(*(torch.tensor(a, dtype=torch.float64) for a in (x, content, style)), pooling)
    found = dict(transfer_objective(net, content, style, "gatys", **CHOICES).scores(net, x))
    for name, value in found.items():
        assert relative_error(-value, terms[name].numpy()) < 1e-4, name


def test_the_losses_of_textures_weighted_alike():
    net, _, style, x = pictures("float64")
    found = dict(style_objective(net, style, STYLE_ROWS, "equal").scores(net, x))
    for row, loss in style_losses(torch.tensor(x), torch.tensor(style)).items():
        assert relative_error(-found[f"style {row}"], loss.numpy() / 4) < 1e-12


def test_the_shares_that_are_reported():
    net, content, style, x = pictures("float64")
    x = x[:1].clip(0, 255)  # within the bounds, where the first step begins
    climb = stylize(net, content, style, "gatys", **CHOICES, pooling="max", start=x, steps=1)
    next(climb)
    loss, terms = total(torch.tensor(x), torch.tensor(content), torch.tensor(style), "max")
    assert shares(climb).keys() == terms.keys()
    for name, share in shares(climb).items():
        assert relative_error(share, (terms[name] / loss).numpy()) < 1e-9, name
