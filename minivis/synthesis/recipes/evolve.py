"""Fooling by evolution: MAP-Elites over all classes at once (Nguyen, Yosinski and Clune 2015).

An archive holds, for each class, the genome whose picture the network gives the highest probability of it. In each
generation some of them are copied with mutations, each child is judged for all classes, and takes over every class in
which it is better than the champion. A stripe that was bred as a school bus may so become a zebra. No gradient is used.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

import numpy as np

from ...backend import Array, to_device, to_host
from ...errors import InputError, UnknownName
from ...nets import Net, class_index
from . import cppn
from .fooled import Fooled, Tagged, verdict_on

PRESET = MappingProxyType(
    {
        "batch": Tagged(32, "ours: children in a generation; the authors' code has 400"),
        "generations": Tagged(200, "ours: the authors' code has 5000 for ImageNet"),
        "rate": Tagged(0.1, "paper: of each value, with the direct encoding"),
        "halved": Tagged(1000, "paper: generations until that rate is halved"),
        "polynomial": Tagged(15.0, "paper: eta of the polynomial mutation"),
    }
)
"""The default of each value, with its source; `cppn.RATES` has those of the other encoding."""

STATE = ("generation", "encoding", "genomes", "champions", "probabilities", "rng")
IN_ONE_GO = 16  # pictures judged at a time, for memory (ours)


class Encoding(Protocol):
    """What a genome is. A genome is never written into."""

    def first(self, rng: np.random.Generator) -> Any:
        """Return a random genome."""

    def mutate(self, genome: Any, generation: int, rng: np.random.Generator) -> Any:
        """Return a changed copy."""

    def render(self, genome: Any) -> np.ndarray:
        """Return its picture (height, width, 3), 0..255 in whole numbers, on the host."""

    def to_arrays(self, genome: Any) -> Any:
        """Return it as plain arrays."""

    def from_arrays(self, arrays: Any) -> Any:
        """Return the genome that `to_arrays` took apart."""


@dataclass(frozen=True)
class Direct:
    """The genome is the picture, in bytes: noise to begin with. (The paper's has hue, saturation, value; ours RGB.)"""

    height: int
    width: int

    def first(self, rng: np.random.Generator) -> np.ndarray:
        return rng.integers(0, 256, (self.height, self.width, 3), dtype=np.uint8)

    def mutate(self, genome: np.ndarray, generation: int, rng: np.random.Generator) -> np.ndarray:
        rate = PRESET["rate"].value * 0.5 ** (generation // PRESET["halved"].value)
        values = cppn.polynomial(genome, rate, 0, 255, PRESET["polynomial"].value, rng)
        return np.rint(values).astype(np.uint8)

    def render(self, genome: np.ndarray) -> np.ndarray:
        return genome.astype("float32")

    def to_arrays(self, genome: np.ndarray) -> np.ndarray:
        return genome

    def from_arrays(self, arrays: Any) -> np.ndarray:
        genome = np.asarray(arrays, np.uint8)
        if genome.shape != (self.height, self.width, 3):
            raise InputError(f"a genome of shape {genome.shape} makes no picture of {self.height} x {self.width}")
        return genome


@dataclass(frozen=True)
class Indirect:
    """The genome is a `Cppn`, a small network that gives each place a colour: regular pictures."""

    height: int
    width: int

    def first(self, rng: np.random.Generator) -> cppn.Cppn:
        return cppn.random_cppn(rng)

    def mutate(self, genome: cppn.Cppn, generation: int, rng: np.random.Generator) -> cppn.Cppn:
        return cppn.mutate(genome, rng)

    def render(self, genome: cppn.Cppn) -> np.ndarray:
        return cppn.render(genome, self.height, self.width)

    def to_arrays(self, genome: cppn.Cppn) -> dict[str, np.ndarray]:
        return cppn.to_arrays(genome)

    def from_arrays(self, arrays: Any) -> cppn.Cppn:
        return cppn.from_arrays({name: to_host(array) for name, array in arrays.items()})


ENCODINGS = MappingProxyType({"direct": Direct, "cppn": Indirect})
"""The encodings by name, made for a height and width."""


class Generation(NamedTuple):
    """What a generation has brought."""

    picture: Array  # (M, H, W, 3), the champions of the watched classes
    probability: np.ndarray  # (M,), of each its class


class Evolution(Iterator):
    """An evolution under way, made by `evolve`. Iterating breeds one generation after the other.

    Attributes
    ----------
    probabilities : ndarray, shape (K,)
        Of each class, that of its champion; 0 before the first generation.
    step : int
        How many generations there were.
    taken : int
        How many classes have changed their champion in the last one.
    """

    def __init__(
        self, net: Net, watched: list[int], encoding: Any, batch: int, generations: int | None, rng: np.random.Generator
    ):
        if not isinstance(rng, np.random.Generator):
            raise InputError("evolution draws random numbers: pass rng=numpy.random.default_rng(0)")
        for name, number in (("batch", batch), ("generations", generations)):
            if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 1):
                raise InputError(f"{name} must be a number from 1 on, got {number!r}")
        if not watched:
            raise InputError("say which class to watch: to=, an index, a name or a list")
        self.net, self.watched, self.encoding, self.rng = net, watched, encoding, rng
        self.batch, self.generations = batch, generations
        self.step = self.taken = 0
        self.genomes: list[Any] = []
        self.champions = np.full(len(net.labels), -1)  # the number of each class's genome
        self.probabilities = np.zeros(len(net.labels))

    def __next__(self) -> Generation:
        if self.generations is not None and self.step >= self.generations:
            raise StopIteration
        drawn = self.rng.bit_generator.state
        try:
            children = self._children()
            probabilities = self._judged([self.encoding.render(child) for child in children])
        except BaseException:  # a generation is bred as a whole or not at all
            self.rng.bit_generator.state = drawn
            raise
        self._take_over(children, probabilities)
        self.step += 1
        return Generation(self.picture, self.probabilities[self.watched])

    @property
    def picture(self) -> Array:
        """The pictures of the champions of the watched classes, (M, H, W, 3)."""
        return self.pictures(self.watched)

    def pictures(self, classes: list[int]) -> Array:
        """Return the pictures of the champions of `classes`; before the first generation, the mean colour."""
        empty = self._empty()
        chosen = [self.champions[c] for c in classes]
        drawn = [empty if i < 0 else self.encoding.render(self.genomes[i]) for i in chosen]
        return to_device(np.stack(drawn).astype(self.net.dtype), self.net.device)

    def results(self, classes: list[int] | None = None) -> list[Fooled]:
        """Report on the champions of `classes` (default: the watched ones); the original is an empty picture."""
        classes = self.watched if classes is None else classes
        pictures = self.pictures(classes)
        scores = to_host(self.net.capture(pictures, [self.net.logits])[self.net.logits])
        lead = verdict_on(scores, np.array(classes), away=False).lead
        empty = self._empty()
        k = min(5, len(self.net.labels))
        (before,) = self.net.top(to_device(empty[None], self.net.device), k)
        after = self.net.top(pictures, k)
        host = to_host(pictures)
        return [
            Fooled(empty, host[n], c, False, before, after[n], float(lead[n]), self.step, bool(lead[n] > 0), True)
            for n, c in enumerate(classes)
        ]

    def finish(self) -> list[Fooled]:
        """Breed all the generations, and report on the watched classes."""
        if self.generations is None:
            raise InputError("an evolution without an end cannot be finished: pass generations=")
        for _ in self:
            pass
        return self.results()

    def state(self) -> dict[str, Any]:
        """Return what is needed to go on from here: numbers, names and plain arrays."""
        genomes = [self.encoding.to_arrays(genome) for genome in self.genomes]
        parts = (self.step, type(self.encoding).__name__, genomes, self.champions.copy(),
                 self.probabilities.copy(), self.rng.bit_generator.state)  # fmt: skip
        return dict(zip(STATE, parts, strict=True))

    def resume(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned."""
        if not isinstance(state, dict) or not set(STATE) <= set(state):
            raise InputError(f"state must be what .state() returned, a dict with {', '.join(STATE)}")
        step, encoding, genomes, champions, probabilities, drawn = (state[key] for key in STATE)
        if encoding != type(self.encoding).__name__:
            raise InputError(f"the state is of the encoding {encoding}, this is {type(self.encoding).__name__}")
        if champions.shape != self.champions.shape:
            raise InputError(f"the state is of {len(champions)} classes, {self.net.name} has {len(self.champions)}")
        self.genomes = [self.encoding.from_arrays(arrays) for arrays in genomes]
        self.step, self.champions, self.probabilities = (
            int(step),
            to_host(champions).copy(),
            to_host(probabilities).copy(),
        )
        self.rng = np.random.Generator(getattr(np.random, drawn["bit_generator"])())
        self.rng.bit_generator.state = drawn

    def _children(self) -> list[Any]:
        """Return the genomes of a generation: random ones at first, then changed copies of champions."""
        if not self.genomes:
            return [self.encoding.first(self.rng) for _ in range(self.batch)]
        parents = self.champions[self.rng.integers(0, len(self.champions), self.batch)]
        return [self.encoding.mutate(self.genomes[i], self.step, self.rng) for i in parents]

    def _judged(self, pictures: list[np.ndarray]) -> np.ndarray:
        """Return the probabilities (N, K) of all classes."""
        groups = [np.stack(pictures[i : i + IN_ONE_GO]) for i in range(0, len(pictures), IN_ONE_GO)]
        return np.concatenate(
            [to_host(self.net(to_device(group.astype(self.net.dtype), self.net.device))) for group in groups]
        )

    def _take_over(self, children: list[Any], probabilities: np.ndarray) -> None:
        """Let the best child have each class in which it beats the champion, and forget who has none left."""
        best = probabilities.argmax(0)
        wins = probabilities.max(0) > self.probabilities
        wins |= self.champions < 0  # a probability may be 0
        champions = np.where(wins, len(self.genomes) + best, self.champions)
        kept, self.champions = np.unique(champions, return_inverse=True)
        everyone = self.genomes + children
        self.genomes = [everyone[i] for i in kept]
        self.probabilities = np.where(wins, probabilities.max(0), self.probabilities)
        self.taken = int(wins.sum())

    def _empty(self) -> np.ndarray:
        colour = np.rint(to_host(self.net.mean_colour))
        return np.broadcast_to(colour, (self.encoding.height, self.encoding.width, 3)).astype(self.net.dtype)


def evolve(
    net: Net,
    to: int | str | list,
    rng: np.random.Generator,
    encoding: str = "cppn",
    size: int | None = None,
    batch: int = PRESET["batch"].value,
    generations: int | None = PRESET["generations"].value,
    state: dict[str, Any] | None = None,
) -> Evolution:
    """Evolve a fooling picture for every class of a network.

    Parameters
    ----------
    net : Net
    to : int, str or list of them
        The classes whose champions are shown on the way; all classes evolve.
    rng : numpy.random.Generator
    encoding : {"cppn", "direct"}
        What a genome is: a pattern-producing network, or the picture itself, which takes the memory of a picture in
        bytes for each champion.
    size : int, optional
        Height and width of the pictures. Default: the network's.
    batch : int
        Children in a generation.
    generations : int, optional
        None has no end. Recognisable results take the authors thousands of generations.
    state : dict, optional
        What ``state()`` of an earlier run with the same arguments returned.

    Returns
    -------
    Evolution
        An iterator of (picture, probability); ``results`` reports, ``.finish()`` runs it to the end.
    """
    if encoding not in ENCODINGS:
        raise UnknownName(f"no encoding is called {encoding!r}: there are {', '.join(ENCODINGS)}")
    watched = [class_index(net.labels, target) for target in (to if isinstance(to, list) else [to])]
    side = size or net.size
    evolution = Evolution(net, watched, ENCODINGS[encoding](side, side), batch, generations, rng)
    if state is not None:
        evolution.resume(state)
    return evolution
