"""Class activation maps: where in the last maps the evidence for a class lies."""

from typing import Any

from ..backend import Array, array_module
from ..errors import InputError
from ..nets import Net
from ..nets.architecture import Row
from ..nets.layers import AvgPool, Dropout, GlobalAvgPool, Linear
from ..primitives import resize
from ..tape import Tensor, backward
from .gradients import guided_backprop
from .targets import Target, class_of, resolve, seed_for


def grad_cam(
    net: Net,
    x: Any,
    target: Target = None,
    layer: str | None = None,
    at: str | None = None,
    positive: str = "sum",
    counterfactual: bool = False,
) -> Array:
    """Weight the maps of a row by the mean slope of a unit's value, add them up, and keep what is positive.

    ``L = relu(sum over k of alpha_k A_k)``, ``alpha_k = mean over places of dy/dA_k``.

    Parameters
    ----------
    net : Net
    x : ndarray, shape (N, H, W, 3)
        RGB pictures, 0..255.
    target : int, str, tuple, list or None
        The unit to explain; None for each picture's top class.
    layer : str, optional
        The row of maps. Default: the last one, after its ReLU (`net.maps`).
    at : str, optional
        The row of the unit. Default: the scores before the softmax.
    positive : {"sum", "weights", "none"}
        Apply the ReLU to the sum (the paper); to each map's weight ("keep the maps of positive influence", a
        common reading in lectures); or nowhere.
    counterfactual : bool
        Use -alpha: what would lower the unit's value (section 3.3 of the paper).

    Returns
    -------
    ndarray, shape (N, h, w)
        Of the row's size, not scaled: see `enlarge`.

    References
    ----------
    Selvaraju et al. 2017, "Grad-CAM", equations 1 and 2.
    """
    layer, at = layer or net.maps, at or net.logits
    if positive not in ("sum", "weights", "none"):
        raise InputError(f"positive must be 'sum', 'weights' or 'none', got {positive!r}")
    if layer == at or layer not in {row.name for row in net.architecture.ancestors([at])}:
        raise InputError(
            f"{at} of {net.name} is not computed from {net.architecture.check(layer)}: choose a row below it"
        )
    x = net.check_picture(x)
    maps = net.capture(x, [layer])[layer]
    if maps.ndim != 4:
        raise InputError(f"Grad-CAM needs a row of maps, {layer} has shape {maps.shape}: {net.maps} is one")
    recorded = Tensor(maps)  # the tape starts here: what lies below is not needed
    y = net.capture({"input": x, layer: recorded}, [at])[at]
    slope = backward(y, recorded, seed_for(y, resolve(net, y, target)))
    alpha = slope.mean((1, 2), keepdims=True)  # (N, 1, 1, C)
    alpha = -alpha if counterfactual else alpha
    if positive == "weights":
        alpha = alpha.clip(0, None)
    heat = (alpha * maps).sum(-1)
    return heat.clip(0, None) if positive == "sum" else heat


def guided_grad_cam(net: Net, x: Any, target: Target = None, layer: str | None = None) -> Array:
    """Multiply guided backprop (fine, but blind to the class) by the enlarged Grad-CAM (coarse, but of the class).

    Parameters
    ----------
    net, x, target, layer
        As in `grad_cam`.

    Returns
    -------
    ndarray, shape (N, H, W, 3)
        Signed.

    References
    ----------
    Selvaraju et al. 2017, section 3.2: bilinear enlargement, pointwise product.
    """
    x = net.check_picture(x)
    heat = enlarge(grad_cam(net, x, target, layer), x.shape[1:3])
    return guided_backprop(net, x, target) * heat[..., None]


def cam(net: Net, x: Any, target: Target = None) -> Array:
    """Add up the last maps with the classifier's own weights for a class.

    Only for networks that end in global average pooling and one linear layer, where it is exact: the mean of the map
    plus the class's bias is its score. In a network whose scores are the means of one map per class (SqueezeNet) it is
    that map.

    Parameters
    ----------
    net : Net
    x : ndarray, shape (N, H, W, 3)
    target : int, str, list or None
        A class; None for each picture's top class.

    Returns
    -------
    ndarray, shape (N, h, w)
        Signed: without ReLU and without bias.

    Raises
    ------
    InputError
        If the network has another end.

    References
    ----------
    Zhou et al. 2016, "Learning deep features for discriminative localization", equation 2.
    """
    pool, classifier = _pooled_end(net)
    x = net.check_picture(x)
    classes = class_of(net, x, target)
    maps = net.capture(x, [pool.inputs[0]])[pool.inputs[0]]  # (N, h, w, C)
    if classifier is None:
        heat = [maps[n, :, :, c] for n, c in enumerate(classes)]
    else:
        kernel = net.weights[classifier.name]["kernel"]  # (C, classes)
        heat = [maps[n] @ kernel[:, c] for n, c in enumerate(classes)]
    return array_module(maps).stack(heat)


def enlarge(cam: Array, size: tuple[int, int]) -> Array:
    """Enlarge maps to a picture's size: bilinear, half-pixel centres, clamped edges.

    Parameters
    ----------
    cam : ndarray, shape (N, h, w) or (N, h, w, C)
    size : (H, W)

    Returns
    -------
    ndarray, shape (N, H, W) or (N, H, W, C)
    """
    if cam.ndim == 3:
        return resize(cam[..., None], size=tuple(size))[..., 0]
    return resize(cam, size=tuple(size))


def _pooled_end(net: Net) -> tuple[Row, Row | None]:
    """Return the rows of the global average pool and of the linear layer above it (None where there is none)."""
    rows = net.architecture.rows
    row, classifier = rows[net.logits], None
    if isinstance(row.layer, Linear):
        row, classifier = rows[row.inputs[0]], row
    while isinstance(row.layer, Dropout):
        row = rows[row.inputs[0]]
    covers_all = isinstance(row.layer, AvgPool) and net.shapes(upto=row.name)[row.name][:2] == (1, 1)
    if isinstance(row.layer, GlobalAvgPool) or covers_all:
        return row, classifier
    raise InputError(f"{net.name} does not end in global average pooling and one linear layer: use grad_cam")
