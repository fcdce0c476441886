"""Every looking method against the true causes of synthetic scenes, in one table."""

from collections.abc import Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ..backend import to_device, to_host
from ..errors import InputError
from ..nets import Net
from ..scenes import SHAPES, TEXTURES, make_scenes
from ..shards import map_shards
from .curves import STEPS, deletion, insertion
from .methods import importance, methods_for
from .metrics import energy_inside, intersection_over_union, pointing_game

MEASURES = ("pointing", "IoU", "energy", "deletion", "insertion")
AT_ONCE = 8  # scenes in a shard (ours)


class Truth(NamedTuple):
    """What was measured."""

    net: str
    scenes: int  # how many were drawn
    right: int  # how many of them the network classifies right; only those are measured
    area: float  # mean share of the picture that the mask covers: what chance scores in `energy`
    scores: dict[str, dict[str, np.ndarray]]  # by method, then measure: one number per scene


class _Some(NamedTuple):
    drawn: int
    areas: np.ndarray
    scores: dict[str, dict[str, np.ndarray]]


FIRST = 1_000_000  # number of the first scene, far from those that `minivis train` draws from 0 on (ours)


def evaluate_on_scenes(
    net: Net,
    count: int,
    seed: int = 0,
    first: int = FIRST,
    names: list[str] | None = None,
    steps: int = STEPS,
    tolerance: float = 0,
    only_right: bool = True,
    executor: Executor | None = None,
    progress: Any = None,
) -> Truth:
    """Explain scenes with every method that fits the network, and compare with the true causes.

    Parameters
    ----------
    net : Net
        Its classes are those of the scenes: shapes or textures.
    count, seed, first : int
        Which scenes: see `make_scenes`. Those from 0 on are what `minivis train minicam` draws.
    names : list of str, optional
        Of the methods. Default: all, and the controls.
    steps : int
        Of the deletion and insertion curves.
    tolerance : float
        Of the pointing game, in pixels.
    only_right : bool
        Leave out scenes that the network gets wrong: there the mask is not the cause of what it says.
    executor : concurrent.futures.Executor, optional
        Where the shards go: see `shards.map_shards`.
    progress : callable, optional
        Wraps the iterable of shards, for example ``tqdm``.
    """
    by = _decided_by(net)
    methods = [method.name for method in methods_for(net, names)]  # complain here, not in a worker
    options = {"seed": seed, "by": by, "names": methods, "steps": steps, "tolerance": tolerance}
    work = partial(_measure, net, options, only_right)
    shards = map_shards(work, range(first, first + count), AT_ONCE, executor)
    parts = [shard.result for shard in (progress(shards) if progress else shards)]
    areas = np.concatenate([part.areas for part in parts])
    if not len(areas):
        raise InputError(f"{net.name} classifies none of these {count} scenes right: there is nothing to explain")
    scores = {
        name: {measure: np.concatenate([part.scores[name][measure] for part in parts]) for measure in MEASURES}
        for name in methods
    }
    return Truth(net.name, sum(part.drawn for part in parts), len(areas), float(areas.mean()), scores)


def _measure(net: Net, options: dict[str, Any], only_right: bool, indices: Sequence[int]) -> _Some:
    """Measure the neighbouring scenes `indices`."""
    scenes = make_scenes(len(indices), net.size, options["seed"], options["by"], indices[0])
    classes = [net.labels.index(scenes.classes[label]) for label in scenes.labels]
    x = to_device(scenes.pictures.astype(net.dtype), net.device)
    right = np.ones(len(x), bool)
    if only_right:
        right = to_host(net(x)).argmax(-1) == np.array(classes)
    x, masks = x[np.flatnonzero(right)], scenes.masks[right]
    classes = [c for c, is_right in zip(classes, right, strict=True) if is_right]
    scores: dict[str, dict[str, np.ndarray]] = {}
    for method in methods_for(net, options["names"]):
        if not len(x):
            scores[method.name] = {measure: np.empty(0) for measure in MEASURES}
            continue
        maps = importance(method, method.explain(net, x, classes))
        scores[method.name] = {
            "pointing": pointing_game(maps, masks, options["tolerance"]),
            "IoU": intersection_over_union(maps, masks),
            "energy": energy_inside(maps, masks),
            "deletion": deletion(net, x, maps, classes, options["steps"]).area,
            "insertion": insertion(net, x, maps, classes, options["steps"]).area,
        }
    return _Some(len(indices), masks.mean((1, 2)), scores)


def _decided_by(net: Net) -> str:
    for by, classes in (("shape", SHAPES), ("texture", TEXTURES[1:])):
        if set(net.labels) == set(classes):
            return by
    some = ", ".join(net.labels[:3])
    raise InputError(
        f"{net.name} knows other classes ({some}, ...) than the scenes ({', '.join(SHAPES)}): the cause of what it "
        "says about them is not known; use minicam, or train a network on scenes"
    )
