"""What fooling a network has come to: the report on each picture, and the state all methods share."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ...attribution.targets import Target, class_of
from ...backend import Array, array_module, like, to_host
from ...errors import InputError
from ...nets import Net

TOP = 5
STATE = ("step", "original", "exact", "picture", "lead", "steps_taken", "done")


class Tagged(NamedTuple):
    """A value of a preset, and where it is from: a paper, its authors' code, or us."""

    value: Any
    source: str


def ten_times(difference: Array, factor: float = 10.0) -> np.ndarray:
    """Return a picture of a difference enlarged `factor` times, clipped to 0..255; middle grey is no difference."""
    return (127.5 + factor * to_host(difference)).clip(0, 255)


@dataclass(frozen=True)
class Fooled:
    """What became of one picture. Its arrays are on the host.

    Attributes
    ----------
    original, picture : ndarray, shape (H, W, 3)
        RGB, 0..255, before and after. With `eight_bit`, `picture` is whole numbers: the file that holds it loses
        nothing.
    target : int
        The class it was to become; with `away`, the class it was to leave.
    before, after : list of (name, probability)
        The most probable five classes of either picture.
    lead : float
        By how much the score of `target` is above the best of the others; with `away`, the other way round.
    success : bool
        Whether the network was fooled. It is judged on `picture` itself.
    steps : int
        How many steps were taken.
    """

    original: np.ndarray
    picture: np.ndarray
    target: int
    away: bool
    before: list[tuple[str, float]]
    after: list[tuple[str, float]]
    lead: float
    steps: int
    success: bool
    eight_bit: bool

    @property
    def difference(self) -> np.ndarray:
        """What was added: (H, W, 3), signed."""
        return self.picture - self.original

    @property
    def norm(self) -> float:
        """The Euclidean norm of the difference, in units of 0..255."""
        return float(np.linalg.norm(self.difference.astype(np.float64)))

    @property
    def relative_norm(self) -> float:
        """The norm of the difference over that of the original picture."""
        size = float(np.linalg.norm(self.original.astype(np.float64)))
        return self.norm / size if size else float("inf")

    def __str__(self) -> str:
        (old, p), (new, q) = self.before[0], self.after[0]
        if self.success and not self.steps:
            return f"nothing to do: the network sees {old} ({p:.3f}) already"
        word = "fooled" if self.success else "not fooled"
        return (
            f"{word} after {self.steps} steps: {old} ({p:.3f}) -> {new} ({q:.3f}); the difference has norm "
            f"{self.norm:.1f}, {self.relative_norm:.2%} of the picture's"
        )


class Verdict(NamedTuple):
    """How a network judges pictures: arrays (N,) on the host."""

    lead: np.ndarray
    probability: np.ndarray  # of the target


class Fooling(Iterator):
    """Pictures on their way to other classes: the part that all methods share.

    Iterating takes the steps, and gives (picture, lead): a copy of the pictures (N, H, W, 3) as they are judged, and
    how far each target's score leads (N,). It ends when all are fooled or the steps are used up. `results` reports at
    any time, also after an interrupt.

    Parameters
    ----------
    net : Net
    x : ndarray, shape (N, H, W, 3)
        RGB pictures, 0..255.
    to : int, str, list or None
        The class to reach, one for all or one for each; None is away from the class that the network sees now.
    margin : float
        A picture counts as fooled when its lead is above this: what is judged a little further than need be stays
        what it is when it is changed a little.
    confidence : float
        Go on until the target's probability (with `to=None`, that of all other classes) is at least this, too.
    eight_bit : bool
        Judge, and report, the pictures rounded to whole numbers, as a file holds them.
    """

    def __init__(
        self, net: Net, x: Any, to: Target, margin: float = 0.0, confidence: float = 0.0, eight_bit: bool = True
    ):
        self.net, self.original = net, _checked(net, x)
        self.away = to is None
        self.targets = np.array(class_of(net, self.original, to))
        if not margin >= 0:
            raise InputError(f"margin is a lead in scores from 0 on, got {margin!r}")
        if not 0 <= confidence <= 1:
            raise InputError(f"confidence is a probability, got {confidence!r}")
        self.margin, self.confidence, self.eight_bit = margin, confidence, eight_bit
        self.step = 0
        self._exact = self.original.copy()  # what is stepped
        self._judged = self._as_file(self._exact)  # what is judged: the same, unless rounded
        verdict = self._verdict(self._judged, np.arange(len(self.original)))
        self.lead, self.done = verdict.lead, self._enough(verdict)
        self.steps_taken = np.zeros(len(self.original), int)

    @property
    def picture(self) -> Array:
        """A copy of the pictures as they are judged."""
        return self._judged.copy()

    def finish(self) -> list[Fooled]:
        """Take all the steps, and report."""
        for _ in self:
            pass
        return self.results()

    def results(self) -> list[Fooled]:
        """Report on each picture as it stands."""
        k = min(TOP, len(self.net.labels))
        before, after = self.net.top(self.original, k), self.net.top(self._judged, k)
        originals, pictures = to_host(self.original), to_host(self._judged)
        return [
            Fooled(
                original=originals[n].copy(),
                picture=pictures[n].copy(),
                target=int(self.targets[n]),
                away=self.away,
                before=before[n],
                after=after[n],
                lead=float(self.lead[n]),
                steps=int(self.steps_taken[n]),
                success=bool(self.lead[n] > self.margin),
                eight_bit=self.eight_bit,
            )
            for n in range(len(pictures))
        ]

    def state(self) -> dict[str, Any]:
        """Return what is needed to go on from here with the same arguments."""
        parts = (self.step, self.original, self._exact, self._judged, self.lead, self.steps_taken, self.done)
        return {key: part if key == "step" else part.copy() for key, part in zip(STATE, parts, strict=True)}

    def resume(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned."""
        if not isinstance(state, dict) or not set(STATE) <= set(state):
            raise InputError(f"state must be what .state() returned, a dict with {', '.join(STATE)}")
        if state["exact"].shape != self.original.shape:
            raise InputError(f"the state is of pictures {state['exact'].shape}, these are {self.original.shape}")
        self.step = int(state["step"])
        self.original, self._exact, self._judged = (state[key].copy() for key in ("original", "exact", "picture"))
        self.lead, self.steps_taken, self.done = (to_host(state[k]).copy() for k in ("lead", "steps_taken", "done"))

    def _as_file(self, pictures: Array) -> Array:
        return array_module(pictures).rint(pictures) if self.eight_bit else pictures

    def _verdict(self, pictures: Array, which: np.ndarray) -> Verdict:
        """Judge `pictures`, those whose numbers are `which`."""
        return verdict_on(to_host(self.net.capture(pictures, [self.net.logits])[self.net.logits]),
                          self.targets[which], self.away)  # fmt: skip

    def _enough(self, verdict: Verdict) -> np.ndarray:
        return (verdict.lead > self.margin) & (verdict.probability >= self.confidence)

    def _pick(self, which: np.ndarray) -> Array:
        """Return an index for arrays of the network's library."""
        return like(which, self.original)


def verdict_on(scores: np.ndarray, targets: np.ndarray, away: bool) -> Verdict:
    """Return how far the targets lead in `scores` (N, K), the row before the softmax, and their probability."""
    scores = scores.astype(np.float64)
    rows = np.arange(len(scores))
    own = scores[rows, targets]
    others = scores.copy()
    others[rows, targets] = -np.inf
    best = others.max(1)
    with np.errstate(over="ignore"):  # of a very small probability: it is 0 then
        rest = (np.exp(others - own[:, None])).sum(1)  # of all the others, over the target's
        probability = 1 / (1 + rest)
    return Verdict(best - own, 1 - probability) if away else Verdict(own - best, probability)


def _checked(net: Net, x: Any) -> Array:
    """Return a copy of `x` if it is pictures of finite values within 0..255."""
    x = net.check_picture(x)
    if hasattr(x, "node"):
        raise InputError("pass the pictures as an array: a Tensor's .value")
    xp = array_module(x)
    if not len(x):
        raise InputError("there is no picture to fool with")
    if not bool(xp.isfinite(x).all()) or float(x.min()) < 0 or float(x.max()) > 255:
        raise InputError(f"pictures hold numbers from 0 to 255, got {float(x.min()):g} to {float(x.max()):g}")
    return x.copy()
