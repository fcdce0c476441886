"""How often a network is right, and what it takes for what."""

from typing import NamedTuple

import numpy as np

from ..backend import to_device, to_host
from ..errors import InputError
from ..nets import Net
from .data import centre_views
from .loop import PictureArray


class Evaluation(NamedTuple):
    """The result of `evaluate`."""

    confusion: np.ndarray  # (K, K) counts: row = class of the picture, column = the network's answer

    @property
    def right(self) -> int:
        """How many pictures were classified rightly."""
        return int(np.trace(self.confusion))

    @property
    def total(self) -> int:
        """How many pictures there were."""
        return int(self.confusion.sum())

    @property
    def accuracy(self) -> float:
        """The share of pictures that were classified rightly, 0..1."""
        return self.right / self.total

    @property
    def by_class(self) -> np.ndarray:
        """The same for the pictures of each class, (K,); nan for a class without any."""
        counts = self.confusion.sum(1)
        return np.divide(np.diagonal(self.confusion), counts, out=np.full(len(counts), np.nan), where=counts > 0)


def evaluate(net: Net, pictures: PictureArray, labels: np.ndarray, batch: int = 64) -> Evaluation:
    """Compare the network's answers with the right ones.

    Parameters
    ----------
    net : Net
    pictures : ndarray, shape (N, H, W, 3), or Pictures
        At least as large as the network's input, whose centre is cut out: see `centre_views`.
    labels : ndarray of int, shape (N,)
    batch : int
        How many pictures are computed at a time.
    """
    labels = np.asarray(labels)
    classes = len(net.labels)
    if len(labels) != len(pictures) or not len(labels):
        raise InputError(f"expected as many labels as pictures, and some; got {len(labels)} and {len(pictures)}")
    confusion = np.zeros((classes, classes), dtype=np.int64)
    for first in range(0, len(labels), batch):
        views = centre_views(pictures[first : first + batch], net.size)
        scores = net.capture(to_device(views, net.device), [net.logits])[net.logits]
        np.add.at(confusion, (labels[first : first + batch], to_host(scores).argmax(-1)), 1)
    return Evaluation(confusion)
