"""Templates: weights that have one number per pixel, and so are pictures."""

from ..backend import Array
from ..errors import InputError
from ..nets import Net
from ..nets.layers import Linear


def templates(net: Net) -> Array:
    """Return the rows of the first weight matrix as pictures, if its layer reads the picture itself.

    Of a linear classifier that is one template per class: the class's score is the sum over the pixels of template
    times preprocessed picture, plus a bias. Of a network with a hidden layer it is one per hidden unit.

    Parameters
    ----------
    net : Net

    Returns
    -------
    ndarray, shape (K, H, W, C)
        Signed, without the biases. C is 1 for a network that makes the picture grey; else the colours, in RGB whatever
        order the network itself uses.

    Raises
    ------
    InputError
        If the first layer with weights is none that reads the whole picture.
    """
    name = next(iter(net.architecture.parameters))
    row = net.architecture.rows[name]
    if not isinstance(row.layer, Linear) or row.inputs != ("normalize",):
        raise InputError(
            f"{name}, the first layer of {net.name}, has no templates: see minivis.filters for its kernels"
        )
    height, width, channels = net.shapes()["normalize"]
    pictures = net.weights[name]["kernel"].T.reshape(-1, height, width, channels)
    return pictures[..., ::-1] if net.architecture.normalize.order == "BGR" else pictures
