"""The looking methods as one table, each brought to one number per pixel, with controls that know nothing."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from .. import attribution
from ..backend import Array, array_module, to_device, to_host
from ..errors import InputError, UnknownName
from ..nets import Net
from ..nets.layers import Conv

WINDOW, STRIDE = 0.2, 0.0625  # of occlusion, as shares of the picture's side (ours)


class Method(NamedTuple):
    """A way to explain a picture.

    `explain` takes (net, x (N, H, W, 3), classes: a list of N) and returns the explanation as the method has it: signed
    colours (N, H, W, 3) or maps (N, H, W). `reduce` says what makes one map of colours.
    """

    name: str
    explain: Callable[[Net, Array, list[int]], Array]
    reduce: str = ""  # "max abs" or "abs sum" over the colours; "" for maps
    control: bool = False


def importance(method: Method, explanation: Array) -> Array:
    """Return one number per pixel, the larger the more important: (N, H, W).

    Colours become the largest absolute value, or the absolute sum; maps stay as they are, signed.
    """
    if explanation.ndim == 3:
        return explanation
    xp = array_module(explanation)
    return xp.abs(explanation).max(-1) if method.reduce == "max abs" else xp.abs(explanation.sum(-1))


def methods_for(net: Net, names: list[str] | None = None, controls: bool | Sequence[str] = True) -> list[Method]:
    """Return the methods that a network allows, in the order of the table.

    Parameters
    ----------
    net : Net
        CAM needs one that ends in global average pooling, the Grad-CAM family one with convolutions.
    names : list of str, optional
        Only these.
    controls : bool or list of str
        Also those that know nothing of the network; or these of them.
    """
    wanted = [method.name for method in METHODS] if controls is True else list(controls or ())
    chosen = [m for m in METHODS if _fits(net, m.name) and (not m.control or m.name in wanted)]
    if names is None:
        return chosen
    known = {method.name: method for method in chosen}
    for name in names:
        if name not in known:
            raise UnknownName(f"{net.name} has no method {name!r}; there are {', '.join(known)}")
    return [known[name] for name in names]


def _fits(net: Net, name: str) -> bool:
    if name == "CAM":
        return _has_cam(net)
    if "Grad-CAM" in name:
        return any(isinstance(row.layer, Conv) for row in net.architecture.rows.values())
    return True


def _has_cam(net: Net) -> bool:
    from ..attribution.cams import _pooled_end

    try:
        _pooled_end(net)
    except InputError:
        return False
    return True


def _gradient_times_input(net: Net, x: Array, classes: list[int]) -> Array:
    return attribution.gradient(net, x, classes) * (net.check_picture(x) - net.mean_colour)


def _enlarged(explain: Callable[..., Array]) -> Callable[[Net, Array, list[int]], Array]:
    return lambda net, x, classes: attribution.enlarge(explain(net, x, classes), x.shape[1:3])


def _occlusion(net: Net, x: Array, classes: list[int]) -> Array:
    side = min(x.shape[1:3])
    window, stride = max(1, round(WINDOW * side)), max(1, round(STRIDE * side))
    return attribution.occlusion(net, x, classes, window=window, stride=stride, overhang=True)


def _edges(net: Net, x: Array, classes: list[int]) -> Array:
    """Return how steep the picture itself is: the length of the gradient of its grey values, by central differences."""
    grey = to_host(x).mean(-1)
    down, across = np.gradient(grey, axis=(1, 2))
    return to_device(np.hypot(down, across), net.device)


def _random(net: Net, x: Array, classes: list[int]) -> Array:
    """Return noise that depends on the picture, so that each has its own, and on nothing else."""
    seeds = np.ascontiguousarray(to_host(x), np.float32).view(np.uint32).reshape(len(x), -1).sum(1, dtype=np.uint64)
    maps = [np.random.default_rng(int(seed)).random(x.shape[1:3]) for seed in seeds]
    return to_device(np.stack(maps).astype(net.dtype), net.device)


def _centre(net: Net, x: Array, classes: list[int]) -> Array:
    """Return one hill in the middle for every picture."""
    y, z = (np.arange(n) - (n - 1) / 2 for n in x.shape[1:3])
    hill = np.exp(-(y[:, None] ** 2 + z[None] ** 2) / (2 * (x.shape[1] / 4) ** 2))
    return to_device(np.repeat(hill[None].astype(net.dtype), len(x), 0), net.device)


METHODS = (
    Method("saliency", attribution.gradient, "max abs"),
    Method("gradient x input", _gradient_times_input, "abs sum"),
    Method("guided backprop", attribution.guided_backprop, "max abs"),
    Method("DeconvNet", lambda net, x, classes: attribution.deconvnet(net, x, net.logits, classes), "max abs"),
    Method("Grad-CAM", _enlarged(attribution.grad_cam)),
    Method("guided Grad-CAM", attribution.guided_grad_cam, "max abs"),
    Method("CAM", _enlarged(attribution.cam)),
    Method("occlusion", _enlarged(_occlusion)),
    Method("edges (control)", _edges, control=True),
    Method("centre (control)", _centre, control=True),
    Method("random (control)", _random, control=True),
)
"""All of them. `gradient x input` measures the picture from the network's mean colour, its zero."""
