"""The methods of `minivis look` as a table: what each computes, by which rules, and how it is drawn, in words.

What a run chose stands in its `Result.choices`, what a method always does stands here. The line in the report and the
attributes in the HDF5 file are both made from these two.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

from . import methods
from .methods import CLIP
from .subject import Choice, Result, Subject

MANY_COLUMNS = 6  # from here on the panels are maps or filters: small, of different sizes, and drawn equally large


class Method(NamedTuple):
    """One row of the table."""

    name: str
    run: Callable[[Subject], Result]
    what: str
    drawn: str
    rules: str = "the derivative (VANILLA)"
    baseline: str = "none"
    enlargement: str = "none"
    of_class: bool = True  # False: what it shows depends on no class


class Finished(NamedTuple):
    """A method with its result."""

    method: Method
    result: Result
    seconds: float

    @property
    def choices(self) -> dict[str, Choice]:
        """Every choice behind the result, by name."""
        return {
            "what": self.method.what,
            **self.result.choices,
            "rules": self.method.rules,
            "baseline": self.method.baseline,
            "enlargement": self.method.enlargement,
            "drawn": self.method.drawn,
            "seconds": round(self.seconds, 3),
        }

    @property
    def line(self) -> str:
        """The one line that says exactly what was computed."""
        choices = self.choices
        what, drawn, seconds = (choices.pop(name) for name in ("what", "drawn", "seconds"))
        said = "; ".join(f"{name}: {value}" for name, value in choices.items())
        return f"{what} {said[:1].upper()}{said[1:]}. Drawn: {drawn} Took {seconds:.2f} s."


def finish(method: Method, subject: Subject) -> Finished:
    """Run a method, and note its seconds."""
    start = time.perf_counter()
    result = method.run(subject)
    return Finished(method, result, time.perf_counter() - start)


_COLOUR = (
    f"each colour about middle grey, which is 0; the scale ends at plus and minus the {CLIP}th percentile of the "
    "absolute values that are not 0, the number in its title; beyond that clipped."
)
_HEAT = (
    "over the photograph in grey; 0 leaves it as it is, the scale ends at the largest absolute value, the number in "
    "its title"
)
_FORWARD = "none, forward only"
_NO_EDGES = "bilinear, half-pixel centres, clamped edges"

METHODS = (
    Method(
        "saliency",
        methods.saliency,
        "How much each pixel matters to the score: the largest absolute value, over the colours, of the score's "
        "gradient with respect to the RGB picture.",
        f"black is 0, white the {CLIP}th percentile of what is not 0, the number in its title; beyond that clipped.",
    ),
    Method(
        "gradient",
        methods.gradient,
        "The score's gradient with respect to the RGB picture, signed. Where rounding flips a ReLU or a max-pool's "
        "choice, single pixels jump: another program's gradient may differ there.",
        f"{_COLOUR} The sum over the colours in blue (negative), white (0) and red (positive), its scale likewise.",
    ),
    Method(
        "guided_backprop",
        methods.guided_backprop,
        "The score's walk back to the picture, by another rule at each ReLU: no gradient.",
        _COLOUR,
        rules="GUIDED: a ReLU passes g where g and its input are positive",
    ),
    Method(
        "deconvnet",
        methods.deconvnet,
        "One unit's walk back to the picture, all others of its row set to 0.",
        _COLOUR,
        rules="DECONVNET: a ReLU passes g where g is positive",
        of_class=False,
    ),
    Method(
        "grad_cam",
        methods.grad_cam,
        "Maps weighted by the mean slope of the score, summed, negative sums set to 0.",
        f"{_HEAT}, from dark red to pale yellow; the map itself black (0) to white (its largest value).",
        enlargement=_NO_EDGES,
    ),
    Method(
        "guided_grad_cam",
        methods.guided_grad_cam,
        "Guided backprop times the enlarged Grad-CAM, pixel by pixel.",
        _COLOUR,
        rules="GUIDED for the picture, the derivative (VANILLA) for the map's weights",
        enlargement=_NO_EDGES,
    ),
    Method(
        "cam",
        methods.cam,
        "Maps before the global average pool, weighted by the classifier's own weights and summed, signed.",
        f"{_HEAT}; blue is negative, red positive.",
        rules=_FORWARD,
        enlargement=_NO_EDGES,
    ),
    Method(
        "activations",
        methods.activations,
        "Maps of one row.",
        "each map by its own largest absolute value; black to white where none is negative, else blue (negative), "
        "white (0) and red (positive).",
        rules=_FORWARD,
        of_class=False,
    ),
    Method(
        "activations_through",
        methods.activations_through,
        "One filter number followed through the rows; filters of equal number are not related.",
        "each map by its own largest absolute value; black to white where none is negative, else blue (negative), "
        "white (0) and red (positive).",
        rules=_FORWARD,
        of_class=False,
    ),
    Method(
        "filters",
        methods.filters,
        "The kernels of the first convolution, in RGB. They do not depend on the photograph.",
        "each from its own smallest value (black) to its own largest (white); so zero has no fixed grey.",
        rules="none, they are the weights",
        of_class=False,
    ),
    Method(
        "occlusion",
        methods.occlusion,
        "The class's probability with a window of the net's mean colour in place, and how far it drops.",
        f"the drop {_HEAT}; red is a drop, blue a rise. The probability from black (0) to white (1).",
        rules=_FORWARD,
        baseline="the net's mean colour",
        enlargement=_NO_EDGES,
    ),
)
