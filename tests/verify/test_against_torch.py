"""The looking methods against an independent PyTorch implementation, on real networks and photographs.

How equal is equal: in float64, 1e-9 of the largest value. In float32, values to 1e-4; a gradient jumps where rounding
flips a ReLU or a switch, so it is judged twice: with the reference's masks and switches imposed through `rules` (1e-4),
and running free over thirty photographs.
"""

import numpy as np
import pytest
from conftest import shared_path

import minivis as mv
from minivis.nets import Architecture
from minivis.nets.layers import Input, Normalize
from minivis.nets.vgg16 import blocks, classifier
from minivis.primitives import max_pool, relu
from minivis.testing import relative_error

torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra `verify`)")
import torch_replica as replica  # noqa: E402

pytestmark = pytest.mark.verify

FILES = {"squeezenet": "squeezenet_v1.1.npz", "googlenet": "bvlc_googlenet.npz"}
MEASURED = {"squeezenet": (39, 55), "googlenet": (44, 58)}  # top-1 and top-5 of the 60 photographs


def pair_of(name, dtype):
    """Return the same network twice: ours and PyTorch's."""
    if name == "vgg16":
        path = shared_path("weights/vgg16_blocks1-3_tf_dim_ordering_tf_kernels_notop.h5")
        theirs = replica.vgg16(replica.read_vgg16(path), getattr(torch, dtype))
        return mv.load("vgg16", weights=path, dtype=dtype), theirs
    path = shared_path(f"weights/{FILES[name]}")
    theirs = getattr(replica, name)(path.parent, getattr(torch, dtype))
    return mv.load(name, weights=path, dtype=dtype), theirs


def photographs(net, count=None):
    files = sorted(shared_path("images/imagenet").glob("*.jpg"))
    return [(net.picture(file), int(file.name[:3])) for file in files[:count]]


def imposed(net, model, x, rules):
    """Return `rules` with the reference's ReLU masks and max-pool switches, handed out in the order of the walk."""
    masks, switches = replica.masks_and_switches(model, x)
    forward = [name for name in net.names if name in masks or name in switches]

    def table(row):
        upto = {r.name for r in net.architecture.ancestors([row])}
        walk_masks = iter([masks[n] for n in reversed(forward) if n in masks and n in upto])
        walk_switches = iter([switches[n] for n in reversed(forward) if n in switches and n in upto])
        rule = rules.get(relu, relu.rules[0])
        return {
            **rules,
            relu: lambda g, y: rule(g, next(walk_masks)),
            max_pool: lambda g, r: max_pool.rules[0](g, r._replace(switches=next(walk_switches))),
        }

    return table


@pytest.mark.parametrize("name", FILES)
def test_accuracy_and_top_5_on_photographs(name):
    net, model = pair_of(name, "float32")
    first = fifth = 0
    for n, (x, label) in enumerate(photographs(net)):
        scores = net.capture(x, [net.logits])[net.logits][0]
        order = np.argsort(-scores)[:5]
        first += int(order[0] == label)
        fifth += int(label in order)
        if n % 4 == 0:
            with torch.no_grad():
                theirs = replica.run(model.graph, model.weights, x)[model.logits].numpy()[0]
            assert order.tolist() == np.argsort(-theirs)[:5].tolist()
            assert relative_error(scores, theirs) < 1e-4
    assert (first, fifth) == MEASURED[name]


@pytest.mark.parametrize("name", ["squeezenet", "googlenet", "vgg16"])
def test_every_row_in_float64(name):
    net, model = pair_of(name, "float64")
    size = 64 if name == "vgg16" else net.size
    x = net.picture(shared_path("images/kitten.jpg"), size)
    with torch.no_grad():
        theirs = replica.run(model.graph, model.weights, x)
    names = [row for row in net.names if row in theirs]
    assert names[-1] == ("pool3" if name == "vgg16" else "prob")
    for row, value in net.capture(x, names).items():
        expected = theirs[row].numpy()
        assert relative_error(value.reshape(expected.shape), expected) < 1e-9, row


RULES = {"vanilla": mv.VANILLA, "guided": mv.GUIDED, "deconvnet": mv.DECONVNET}
AT = {"squeezenet": "pool10", "googlenet": "loss3/classifier", "vgg16": "relu3_3"}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", AT)
def test_walks_to_the_picture_in_float64(name, rule):
    net, model = pair_of(name, "float64")
    x = net.picture(shared_path("images/kitten.jpg"), 64 if name == "vgg16" else net.size)
    ours = mv.gradient(net, x, 11, RULES[rule], at=AT[name])
    assert relative_error(ours, replica.gradient(model, x, AT[name], 11, rule)) < 1e-9


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", AT)
def test_walks_to_the_picture_in_float32_with_the_same_masks(name, rule):
    net, model = pair_of(name, "float32")
    x = net.picture(shared_path("images/kitten.jpg"), 64 if name == "vgg16" else net.size)
    table = imposed(net, model, x, RULES[rule])(AT[name])
    ours = mv.gradient(net, x, 11, table, at=AT[name])
    masks, switches = replica.masks_and_switches(model, x)
    theirs = replica.gradient(model, x, AT[name], 11, rule, masks, switches)
    assert relative_error(ours, theirs) < 1e-4


@pytest.mark.parametrize("name", FILES)
def test_gradients_running_free_in_float32(name):
    net, exact = pair_of(name, "float32"), pair_of(name, "float64")[0]
    errors, cosines = [], []
    for x, label in photographs(net[0], 30):
        ours, true = mv.gradient(net[0], x, label), mv.gradient(exact, x.astype("float64"), label)
        errors.append(np.linalg.norm(ours - true) / np.linalg.norm(true))
        cosines.append((ours * true).sum() / np.linalg.norm(ours) / np.linalg.norm(true))
    assert np.median(errors) <= 1e-3
    assert np.quantile(errors, 0.9) <= 2e-2
    assert min(cosines) >= 0.97


@pytest.mark.parametrize("name", FILES)
def test_deconvnet_and_grad_cam(name):
    net, model = pair_of(name, "float64")
    x = np.concatenate([net.picture(shared_path(f"images/{file}.jpg")) for file in ("kitten", "puppy")])
    row = {"squeezenet": "fire5/concat", "googlenet": "inception_3b/output"}[name]
    assert relative_error(mv.deconvnet(net, x, row, 17), replica.deconvnet(model, x, row, 17)) < 1e-9
    zf = mv.deconvnet(net, x, row, 17, rules=mv.DECONVNET_ZF)
    assert relative_error(zf, replica.deconvnet(model, x, row, 17, "deconvnet_zf")) < 1e-9
    assert relative_error(mv.grad_cam(net, x, [281, 207]), replica.grad_cam(model, x, [281, 207])) < 1e-9


@pytest.mark.parametrize("name", FILES)
def test_occlusion(name):
    net, model = pair_of(name, "float32")
    x = net.picture(shared_path("images/kitten.jpg"))
    ours = mv.occlusion(net, x, 281, window=96, stride=64)
    theirs = replica.occlusion(model, x, 281, window=96, stride=64)
    assert np.abs(ours - theirs).max() < 1e-4


def test_a_whole_vgg16_with_random_weights(rng):
    """All rows of VGG16 to its classes, in small: same table, fewer channels."""
    widths, dense = (4, 6, 8, 8, 8), (12, 12, 7)
    arrays = replica.random_vgg16(rng, widths, dense)
    small = Architecture(
        "small-vgg16",
        (
            ("input", Input(32)),
            ("normalize", Normalize(mean=(103.939, 116.779, 123.68), order="BGR")),
            *blocks([[w] * n for w, n in zip(widths, (2, 2, 3, 3, 3), strict=True)]),
            *classifier(12, 7),
        ),
        tuple("abcdefg"),
        maps="relu5_3",
    )
    weights = {row: {"kernel": kernel, "bias": bias} for row, (kernel, bias) in arrays.items()}
    net, model = mv.Net(small, weights, dtype="float64"), replica.vgg16(arrays, torch.float64)
    x = rng.uniform(0, 255, (2, 32, 32, 3))
    with torch.no_grad():
        assert relative_error(net(x), replica.run(model.graph, model.weights, x)["prob"].numpy()) < 1e-9
    for rule, table in RULES.items():
        assert relative_error(mv.gradient(net, x, 3, table), replica.gradient(model, x, "fc8", 3, rule)) < 1e-9
    assert relative_error(mv.grad_cam(net, x, [3, 1]), replica.grad_cam(model, x, [3, 1])) < 1e-9
    assert relative_error(mv.deconvnet(net, x, "pool5", 2), replica.deconvnet(model, x, "pool5", 2)) < 1e-9
    ours = mv.occlusion(net, x, 3, window=8, stride=8)
    assert relative_error(ours, replica.occlusion(model, x, 3, window=8, stride=8)) < 1e-9
