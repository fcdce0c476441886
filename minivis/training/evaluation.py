"""How often a network is right, and what it takes for what."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any, NamedTuple

import numpy as np

from ..backend import to_device, to_host
from ..errors import ImageFileError, InputError, UnknownName
from ..nets import Net, class_index
from ..nets.reference import NetReference
from ..shards import map_shards
from .data import LabelledFile, centre_views, decode, open_folder, stored_side
from .loop import PictureArray

BATCH = 64  # pictures (ours)


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


class FolderEvaluation(NamedTuple):
    """The result of `evaluate_folder`."""

    evaluation: Evaluation
    unreadable: tuple[tuple[str, str], ...]  # files, and what is wrong with them


def evaluate(
    net: Net, pictures: PictureArray, labels: np.ndarray, batch: int = BATCH, executor: Executor | None = None
) -> Evaluation:
    """Compare the network's answers with the right ones.

    Parameters
    ----------
    net : Net
    pictures : ndarray, shape (N, H, W, 3), or Pictures
        At least as large as the network's input, whose centre is cut out: see `centre_views`.
    labels : ndarray of int, shape (N,)
    batch : int
        How many pictures are computed at a time.
    executor : concurrent.futures.Executor, optional
        Where that is done; `minivis.shards.executor_for` opens one. The result is the same.
    """
    labels = np.asarray(labels)
    if len(labels) != len(pictures) or not len(labels):
        raise InputError(f"expected as many labels as pictures, and some; got {len(labels)} and {len(pictures)}")
    starts = range(0, len(labels), batch)
    batches = ((pictures[first : first + batch], labels[first : first + batch]) for first in starts)
    shards = map_shards(_Job(NetReference(net)).judge, batches, 1, executor)
    return Evaluation(_summed(net, (shard.result for shard in shards)))


def evaluate_folder(
    net: Net,
    folder: str | os.PathLike[str],
    batch: int = BATCH,
    executor: Executor | None = None,
    held_back: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> FolderEvaluation:
    """Compare the network's answers over a folder with one subfolder of pictures per class, named as the network does.

    Parameters
    ----------
    net : Net
    folder : path
    batch : int
        How many pictures are read and computed at a time.
    executor : concurrent.futures.Executor, optional
        Where that is done. The result is the same.
    held_back : bool
        Only the tenth of the pictures that `minivis train` never trains on: see `minivis.training.data`.
    progress : callable, optional
        Called with the number of pictures done and of all.

    Raises
    ------
    ImageFileError
        If there is no such folder, or no picture in it that can be read.
    InputError, UnknownName
        If it does not have a subfolder for each of two classes or more, or one that is no class of the network.
    """
    found = open_folder(folder)
    index = [_class_of(net, name, folder) for name in found.classes]
    files = [file._replace(label=index[file.label]) for file in (found.test if held_back else found.files)]
    if not files:
        raise InputError(f"no picture in {str(folder)!r} is among the tenth that is held back: there are too few")
    confusion: list[np.ndarray] = []
    unreadable: list[tuple[str, str]] = []
    done = 0
    for shard in map_shards(_Job(NetReference(net)).read, files, batch, executor):
        confusion.append(shard.result[0])
        unreadable += shard.result[1]
        done += len(shard.items)
        if progress is not None:
            progress(done, len(files))
    if len(unreadable) == len(files):
        raise ImageFileError(f"none of {len(files)} pictures could be read; the first is {unreadable[0][0]}")
    return FolderEvaluation(Evaluation(_summed(net, confusion)), tuple(unreadable))


def told(labels: Sequence[str], found: Evaluation) -> list[str]:
    """Return a line for each class of which there are pictures: its accuracy, and what it is taken for most often."""
    lines = []
    for label, share, row in zip(labels, found.by_class, found.confusion, strict=True):
        wrong = [f"{labels[i]} {row[i]}" for i in np.argsort(-row, kind="stable") if row[i] and labels[i] != label]
        if row.sum():
            lines.append(f"  {label:<12} {share:7.2%} of {row.sum():<5} taken for: {', '.join(wrong[:3]) or '-'}")
    return lines


class _Job(NamedTuple):
    """What is done with a batch, in whatever process: a confusion matrix, and what was wrong with a file."""

    reference: NetReference

    def judge(self, batches: list[tuple[Any, np.ndarray]]) -> np.ndarray:
        net = self.reference.net
        confusion = np.zeros((len(net.labels),) * 2, dtype=np.int64)
        for pictures, labels in batches:
            views = to_device(centre_views(pictures, net.size), net.device)
            scores = net.capture(views, [net.logits])[net.logits]
            np.add.at(confusion, (labels, to_host(scores).argmax(-1)), 1)
        return confusion

    def read(self, files: list[LabelledFile]) -> tuple[np.ndarray, list[tuple[str, str]]]:
        side, pictures, labels, unreadable = stored_side(self.reference.net.size), [], [], []
        for file in files:
            try:
                pictures.append(decode(file.path, side))
                labels.append(file.label)
            except ImageFileError as error:
                unreadable.append((str(file.path), str(error)))
        batches = [(np.stack(pictures), np.array(labels))] if pictures else []
        return self.judge(batches), unreadable


def _summed(net: Net, confusions: Any) -> np.ndarray:
    return sum(confusions, np.zeros((len(net.labels),) * 2, dtype=np.int64))


def _class_of(net: Net, name: str, folder: Any) -> int:
    try:
        return class_index(net.labels, name)
    except UnknownName:
        some = ", ".join(net.labels[:10]) + (", ..." if len(net.labels) > 10 else "")
        raise UnknownName(f"{str(folder)!r} has a folder {name!r}, which is no class of {net.name}: {some}") from None
