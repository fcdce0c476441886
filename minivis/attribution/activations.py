"""What the rows of a network hold: their maps for a picture, and their kernels."""

from collections.abc import Sequence
from itertools import islice
from typing import Any

from ..backend import Array
from ..errors import InputError
from ..nets import Net


def activations(net: Net, x: Any, row: str, channels: int | Sequence[int] | None = None) -> Array:
    """Return the maps of a row.

    Parameters
    ----------
    net : Net
    x : ndarray, shape (N, H, W, 3)
        RGB pictures, 0..255.
    row : str
    channels : int or sequence of int, optional
        The first so many channels, or these. Default: all.

    Returns
    -------
    ndarray, shape (N, h, w, C)
        For a row of scores (N, K).
    """
    maps = net.capture(x, [row])[row]
    if channels is None:
        return maps
    chosen = list(range(channels)) if isinstance(channels, int) else list(channels)
    if not all(0 <= c < maps.shape[-1] for c in chosen):
        raise InputError(f"{row} of {net.name} has channels 0 to {maps.shape[-1] - 1}, asked for {channels}")
    return maps[..., chosen]


def activations_through(net: Net, x: Any, channel: int = 0, rows: int | Sequence[str] = 30) -> dict[str, Array]:
    """Follow one channel number through the rows of a network: how a picture changes on its way up.

    Parameters
    ----------
    net : Net
    x : ndarray, shape (N, H, W, 3)
    channel : int
        The same number in each row; there is no kinship between channels of equal number.
    rows : int or list of str
        The first so many rows of maps after `normalize`, or these. In VGG16 the first 30 end with relu5_3.

    Returns
    -------
    dict
        From row name to an array (N, h, w).
    """
    shapes = net.shapes()
    if isinstance(rows, int):
        names = list(islice((name for name in net.names[2:] if len(shapes[name]) == 3), rows))
        if not names:
            raise InputError(f"{net.name} has no rows of maps after its preprocessing: there is no way to follow")
    else:
        names = [net.architecture.check(name) for name in rows]
    short = [name for name in names if not 0 <= channel < shapes[name][-1]]
    if short:
        raise InputError(f"{short[0]} of {net.name} has channels 0 to {shapes[short[0]][-1] - 1}, asked for {channel}")
    return {name: maps[..., channel] for name, maps in net.capture(x, names).items()}


def filters(net: Net, row: str | None = None) -> Array:
    """Return the kernels of a convolution as little pictures.

    Parameters
    ----------
    net : Net
    row : str, optional
        Default: the first convolution, whose kernels are pictures in RGB.

    Returns
    -------
    ndarray, shape (K, kh, kw, C)
        Signed, one per output channel. Channels are RGB for a convolution that reads the picture, whatever order the
        network itself uses; else they are the maps below.
    """
    rows = net.architecture.rows
    name = net.architecture.check(row) if row else next(n for n, p in net.architecture.parameters.items())
    kernel = net.weights[name]["kernel"] if name in net.weights else None
    if kernel is None or kernel.ndim != 4:
        raise InputError(f"{name} of {net.name} is no convolution: it has no kernels to show")
    pictures = kernel.transpose(3, 0, 1, 2)
    reads_picture = rows[name].inputs == ("normalize",)
    return pictures[..., ::-1] if reads_picture and net.architecture.normalize.order == "BGR" else pictures
