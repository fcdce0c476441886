"""Walks back from a unit to the picture: the gradient, and what other rules make of the same walk."""

from typing import Any

from ..backend import Array, array_module
from ..nets import Net
from ..rules import DECONVNET, GUIDED, VANILLA
from ..tape import Rules, Tensor, backward
from .targets import Target, resolve, seed_for


def gradient(net: Net, x: Any, target: Target = None, rules: Rules = VANILLA, at: str | None = None) -> Array:
    """Return the gradient of a unit with respect to the picture, or what other `rules` make of it.

    Parameters
    ----------
    net : Net
    x : ndarray, shape (N, H, W, 3)
        RGB pictures, 0..255.
    target : int, str, tuple, list or None
        A class, a channel or a unit (i, j, channel); a list for one per picture; None for each picture's strongest.
    rules : mapping
        VANILLA for the gradient; any other table gives something that is not one.
    at : str, optional
        The row of that unit. Default: the scores before the softmax.

    Returns
    -------
    ndarray, shape (N, H, W, 3)
        Signed, per RGB value of the picture.

    References
    ----------
    Simonyan, Vedaldi and Zisserman 2014, "Deep inside convolutional networks", section 3.
    """
    return _walk(net, x, target, rules, at or net.logits)


def saliency(net: Net, x: Any, target: Target = None, at: str | None = None) -> Array:
    """Return how much each pixel matters to a unit: the largest absolute gradient over the colours.

    Parameters
    ----------
    net, x, target, at
        As in `gradient`.

    Returns
    -------
    ndarray, shape (N, H, W)
        Not negative.

    References
    ----------
    Simonyan et al. 2014, section 3.1: M_ij = max over c of |w_ijc|, w the gradient of the score before the softmax.
    """
    return array_module(x).abs(gradient(net, x, target, at=at)).max(-1)


def guided_backprop(net: Net, x: Any, target: Target = None, at: str | None = None) -> Array:
    """Return the walk back that lets only positive g through positive ReLUs: no gradient, but a sharp picture.

    Parameters
    ----------
    net, x, target, at
        As in `gradient`.

    Returns
    -------
    ndarray, shape (N, H, W, 3)
        Signed: the first convolution comes after the last ReLU on the way down.

    References
    ----------
    Springenberg et al. 2015, "Striving for simplicity", section 3.4.
    """
    return gradient(net, x, target, GUIDED, at)


def deconvnet(net: Net, x: Any, layer: str, channel: Target = None, rules: Rules = DECONVNET) -> Array:
    """Project the strongest unit of a map back to the pixels.

    All other activations of the row are set to zero; the unit keeps its own value. Then unpool by the picture's own
    switches, rectify, filter with the transposed kernels, down to the picture.

    Parameters
    ----------
    net : Net
    x : ndarray, shape (N, H, W, 3)
    layer : str
        A row of maps, or of scores.
    channel : int, tuple, list or None
        As `target` in `gradient`.
    rules : mapping
        `DECONVNET_ZF` also leaves contrast normalisation out, as the authors do.

    Returns
    -------
    ndarray, shape (N, H, W, 3)
        Signed.

    References
    ----------
    Zeiler and Fergus 2014, "Visualizing and understanding convolutional networks", section 2.1.
    """
    return _walk(net, x, channel, rules, layer, own_value=True)


def _walk(net: Net, x: Any, target: Target, rules: Rules, at: str, own_value: bool = False) -> Array:
    picture = Tensor(net.check_picture(x))
    y = net.capture(picture, [at])[at]
    return backward(y, picture, seed_for(y, resolve(net, y, target), own_value), rules)
