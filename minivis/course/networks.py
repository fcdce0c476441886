"""Which network a lesson looks into."""

from pathlib import Path

from ..errors import WeightFileError
from ..nets import Net, load
from ..weights import WeightFile


def lesson_net(upto: str | None = None) -> Net:
    """Return VGG16 if its weights are here, else minivgg, which ships; print which.

    Parameters
    ----------
    upto : str, optional
        The last row of VGG16 that the lesson asks for: a file without the dense layers serves up to "pool5".
        Default: all of it.

    Returns
    -------
    Net
        A lesson says ``net.maps`` and ``net.logits`` where the two name their rows differently.
    """
    try:
        net = load("vgg16")
    except WeightFileError:
        pass
    else:
        file = net.weights.source
        needed = {row.name for row in net.architecture.ancestors([upto or net.logits])} & set(net.weights)
        if isinstance(file, WeightFile) and needed <= set(file.rows):
            print(f"This lesson looks into VGG16, with the weights of {Path(file.path).name}.")
            return net
    net = load("minivgg")
    print("This lesson looks into minivgg, which ships with minivis. VGG16 gives finer pictures, if its weights are")
    print("here (minivis weights get vgg16, 553 MB).")
    return net
