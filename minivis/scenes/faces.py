"""Faces of six invented people, drawn here, so that a classifier of faces can be trained with nothing downloaded.

A person is a record of traits that stay: the shape of the head, hair, eyes, brows, mouth, glasses, beard. A picture is
such a person with what changes: where the head is, how it is turned and tilted, its expression, the light, the noise of
the camera. All shapes and ranges are ours.
"""

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..errors import InputError

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

Colour = tuple[int, int, int]
Points = np.ndarray  # (n, 2): x to the right, y down; the head's centre is 0, its half height about 1

FINER = 4  # pictures are drawn so many times larger, and reduced: smooth edges
PARTS = ("train", "test")


class Person(NamedTuple):
    """What does not change from picture to picture. Lengths are in half heights of the head."""

    name: str
    skin: Colour
    hair: Colour
    style: str  # of the hair: see `_hair_behind` and `_hair_before`
    width: float  # of the head
    square: float  # of the jaw: 2 is an ellipse, larger is squarer
    brows: tuple[float, float]  # thickness, and how much they slant inwards
    eyes: tuple[float, float, Colour]  # half their distance, size, colour
    nose: tuple[float, float]  # length, width
    mouth: tuple[float, float, Colour]  # half its width, thickness of the lips, colour
    shirt: Colour
    glasses: bool = False
    beard: str = ""  # "", "full" or "moustache"


PEOPLE = (
    Person(
        "Ada", (236, 190, 160), (70, 38, 22), "long", 0.70, 2.0, (0.05, 0.1), (0.30, 0.12, (70, 50, 30)),
        (0.22, 0.10), (0.22, 0.08, (190, 70, 80)), (150, 60, 70),
    ),
    Person(
        "Ben", (222, 172, 140), (40, 34, 32), "short", 0.78, 3.2, (0.10, 0.15), (0.32, 0.10, (50, 40, 30)),
        (0.28, 0.16), (0.28, 0.05, (160, 95, 85)), (50, 70, 110), beard="full",
    ),
    Person(
        "Cora", (146, 96, 66), (28, 22, 22), "curls", 0.76, 2.2, (0.06, -0.05), (0.33, 0.14, (40, 26, 18)),
        (0.20, 0.18), (0.27, 0.11, (176, 74, 80)), (220, 180, 60),
    ),
    Person(
        "Dan", (240, 204, 180), (214, 176, 110), "fringe", 0.72, 2.4, (0.06, 0.0), (0.31, 0.12, (70, 100, 130)),
        (0.26, 0.12), (0.22, 0.05, (190, 110, 105)), (80, 120, 90), glasses=True,
    ),
    Person(
        "Eve", (226, 182, 150), (196, 196, 200), "bun", 0.68, 2.0, (0.04, 0.2), (0.28, 0.10, (90, 110, 90)),
        (0.30, 0.11), (0.20, 0.06, (176, 80, 84)), (110, 80, 130), glasses=True,
    ),
    Person(
        "Finn", (196, 142, 108), (60, 44, 36), "bald", 0.80, 2.6, (0.09, 0.05), (0.34, 0.11, (50, 60, 50)),
        (0.32, 0.20), (0.30, 0.07, (150, 86, 78)), (60, 60, 64), beard="moustache",
    ),
)  # fmt: skip
"""The six people, in the order of their classes."""


class Faces(NamedTuple):
    """What `synthetic_faces` has drawn."""

    pictures: np.ndarray  # (N, size, size, 3) uint8, RGB
    labels: np.ndarray  # (N,) int: the index of the person
    names: tuple[str, ...]


class Pose(NamedTuple):
    """What changes from picture to picture; drawn by `random_pose`."""

    x: float  # of the head's centre, in half heights of the picture
    y: float
    scale: float  # half the head's height, in half heights of the picture
    tilt: float  # radians
    turn: float  # -1 to 1: to the left or right
    smile: float  # -0.4 (down) to 1
    open: float  # of the mouth, 0 to 1
    lids: float  # how wide the eyes are open, 0.45 to 1.1
    brow: float  # how far the brows are raised
    gaze: float
    light: tuple[float, float, float]  # overall, growing to the right, growing downwards
    ground: Colour


STILL = Pose(0, 0.05, 0.66, 0, 0, 0.2, 0, 1, 0, 0, (1, 0, 0), (170, 175, 180))
"""A face that looks straight ahead in even light."""


def synthetic_faces(count: int = 100, part: str = "train", size: int = 64, seed: int = 0) -> Faces:
    """Draw faces of six invented people.

    Parameters
    ----------
    count : int
        Pictures per person.
    part : {"train", "test"}
        The two have no picture in common.
    size : int
        Height and width.
    seed : int
        The same seed gives the same pictures, the first ones whatever `count` is (up to what versions of Pillow draw
        differently).

    Returns
    -------
    Faces
        Person after person: pictures, labels and names.
    """
    if part not in PARTS:
        raise InputError(f"part is {' or '.join(PARTS)}, got {part!r}")
    if count < 1 or size < 16 or seed < 0:
        raise InputError(
            f"expected a picture or more, of 16 pixels or more, seed 0 or more; got {count}, {size}, {seed}"
        )
    pictures = np.empty((len(PEOPLE) * count, size, size, 3), np.uint8)
    for k, person in enumerate(PEOPLE):
        for i in range(count):
            rng = np.random.default_rng((seed, PARTS.index(part), k, i))
            pictures[k * count + i] = draw_face(person, random_pose(rng), size, rng)
    return Faces(pictures, np.repeat(np.arange(len(PEOPLE)), count), tuple(person.name for person in PEOPLE))


def random_pose(rng: np.random.Generator) -> Pose:
    """Draw what changes from picture to picture."""
    u = rng.uniform
    level = u(90, 215)
    return Pose(
        x=u(-0.06, 0.06),
        y=u(-0.02, 0.12),
        scale=u(0.62, 0.70),
        tilt=u(-0.12, 0.12),
        turn=u(-1, 1),
        smile=u(-0.4, 1),
        open=max(0.0, u(-0.8, 1)),
        lids=u(0.45, 1.1),
        brow=u(-0.03, 0.06),
        gaze=u(-1, 1),
        light=(u(0.72, 1.18), u(-0.35, 0.35), u(-0.2, 0.2)),
        ground=tuple(int(c) for c in np.clip(level + u(-18, 18, 3), 0, 255)),  # type: ignore[arg-type]
    )


def draw_face(person: Person, pose: Pose = STILL, size: int = 64, rng: np.random.Generator | None = None) -> np.ndarray:
    """Draw one face: (size, size, 3) uint8, with the noise of a camera if `rng` is given."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (size * FINER, size * FINER), pose.ground)
    canvas = _Canvas(ImageDraw.Draw(image), size * FINER, pose)
    _hair_behind(canvas, person)
    canvas.fill(_ellipse(0, 2.2, 1.25, 0.95, 2.6), person.shirt)
    canvas.fill([(-0.3, 0.6), (0.3, 0.6), (0.36, 1.45), (-0.36, 1.45)], _shade(person.skin, 0.82))
    for side in (-1, 1):
        canvas.fill(_ellipse(side * person.width - 0.04 * pose.turn, 0.0, 0.1, 0.18), _shade(person.skin, 0.9))
    canvas.fill(_head(person), person.skin)
    _features(canvas, person, pose)
    _hair_before(canvas, person)
    return _developed(np.asarray(image.reduce(FINER), float), pose, rng)


def _features(canvas: "_Canvas", person: Person, pose: Pose) -> None:
    """Draw what is on the face: it moves to the side when the head turns."""
    aside = 0.13 * pose.turn
    half, thickness, lips = person.mouth
    dark = _shade(person.skin, 0.72)
    if person.beard == "full":
        outer, inner = _ellipse(0.5 * aside, 0.62, person.width * 0.86, 0.42, 2.6), _ellipse(aside, 0.50, half, 0.10)
        canvas.fill(outer, person.hair)
        canvas.fill(inner, _shade(person.skin, 0.9))
    _mouth(canvas, aside, half, thickness, lips, pose)
    if person.beard:
        canvas.fill(_curve(aside, 0.40, half * 1.25, -0.06, 0.12), person.hair)
    length, width = person.nose
    tip = -0.02 + length
    canvas.fill([(aside, 0.0), (1.7 * aside + width, tip), (1.7 * aside - width, tip)], _shade(person.skin, 0.88))
    canvas.fill(_ellipse(1.6 * aside, tip, width, 0.06), dark)
    distance, size, iris = person.eyes
    brow, slant = person.brows
    for side in (-1, 1):
        x = aside + side * distance * (1 - 0.06 * abs(pose.turn))
        open_ = size * 0.75 * pose.lids
        canvas.fill(_ellipse(x, -0.08, size * 1.25, open_), (244, 242, 238))
        canvas.fill(_ellipse(x + 0.35 * size * pose.gaze, -0.08, size * 0.6, min(open_, size * 0.6)), iris)
        canvas.fill(_ellipse(x + 0.35 * size * pose.gaze, -0.08, size * 0.28, min(open_, size * 0.28)), (12, 12, 14))
        canvas.line(_arc(x, -0.08, size * 1.25, -open_), 0.03, dark)
        y = -0.30 - pose.brow
        ends = [(x - side * size * 1.4, y + slant * 0.3), (x, y - 0.05), (x + side * size * 1.5, y)]
        canvas.line(ends, brow, _shade(person.hair, 0.8))
    if person.glasses:
        for side in (-1, 1):
            rim = _ellipse(aside + side * distance, -0.07, 0.24, 0.20, 2.8)
            canvas.line([*rim, rim[0]], 0.045, (34, 32, 36))
        canvas.line([(aside - distance + 0.24, -0.1), (aside + distance - 0.24, -0.1)], 0.045, (34, 32, 36))


def _mouth(canvas: "_Canvas", x: float, half: float, thickness: float, lips: Colour, pose: Pose) -> None:
    y, bend, gap = 0.52, 0.14 * pose.smile, 0.14 * pose.open
    corner = half * (1 + 0.15 * pose.smile)
    canvas.fill(_curve(x, y, corner, bend, thickness + gap), lips)
    if gap:
        canvas.fill(_curve(x, y + 0.01, corner * 0.75, bend, gap), (70, 20, 24))
    else:
        canvas.line(_arc(x, y, corner, bend), 0.025, _shade(lips, 0.6))


def _hair_behind(canvas: "_Canvas", person: Person) -> None:
    """Draw the hair that the head covers."""
    w = person.width
    if person.style == "long":
        canvas.fill(_ellipse(0, 0.15, w + 0.25, 1.25, 2.6), person.hair)
    elif person.style == "curls":
        for angle in np.linspace(math.pi * 0.88, math.pi * 2.12, 13):
            canvas.fill(_ellipse((w + 0.12) * math.cos(angle), -0.2 + 0.92 * math.sin(angle), 0.3, 0.3), person.hair)
    elif person.style == "bun":
        canvas.fill(_ellipse(0, -1.08, 0.32, 0.27), _shade(person.hair, 0.9))
        canvas.fill(_ellipse(0, -0.2, w + 0.08, 0.9), person.hair)
    elif person.style in ("short", "fringe"):
        canvas.fill(_ellipse(0, -0.28, w + 0.1, 0.86, 2.4), person.hair)


def _hair_before(canvas: "_Canvas", person: Person) -> None:
    """Draw the hair that covers the forehead."""
    w, hair = person.width, person.hair
    if person.style == "long":
        parting = (-0.15, -0.92)
        canvas.fill([(-w - 0.1, 0.25), (-w - 0.12, -0.4), *_arc(0, -0.45, w + 0.05, -0.75), (w + 0.12, 0.3),
                     (w - 0.1, -0.3), parting, (-w + 0.08, -0.35)], hair)  # fmt: skip
    elif person.style == "short":
        canvas.fill([*_arc(0, -0.4, w + 0.05, -0.68), (w * 0.75, -0.58), (0, -0.7), (-w * 0.75, -0.58)], hair)
    elif person.style == "fringe":
        low = [(x, -0.42 + 0.06 * (i % 2)) for i, x in enumerate(np.linspace(w, -w, 9))]
        canvas.fill([*_arc(0, -0.42, w + 0.06, -0.68), *low], hair)
    elif person.style == "bun":
        canvas.fill([*_arc(0, -0.42, w + 0.04, -0.6), (w * 0.6, -0.66), (-w * 0.6, -0.66)], hair)
    elif person.style == "curls":
        canvas.fill([*_arc(0, -0.6, w, -0.5), (w * 0.8, -0.66), (-w * 0.8, -0.66)], hair)
        for x in np.linspace(-w * 0.8, w * 0.8, 6):
            canvas.fill(_ellipse(x, -0.72 + 0.25 * (x / w) ** 2, 0.2, 0.2), hair)
    elif person.style == "bald":
        for side in (-1, 1):
            canvas.fill(_ellipse(side * (w - 0.02), -0.2, 0.07, 0.28), hair)


def _developed(picture: np.ndarray, pose: Pose, rng: np.random.Generator | None) -> np.ndarray:
    """Put the picture into its light, and add the noise of a camera."""
    across = np.linspace(-1, 1, len(picture))
    overall, right, down = pose.light
    picture = picture * (overall * (1 + right * across[None, :, None] + down * across[:, None, None]))
    if rng is not None:
        picture = picture + rng.normal(0, 6, picture.shape)
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


class _Canvas:
    """Shapes in the head's own coordinates, drawn where the pose puts them."""

    def __init__(self, draw: "ImageDraw", side: int, pose: Pose):
        self.draw, self.unit = draw, pose.scale * side / 2
        cos, sin = math.cos(pose.tilt), math.sin(pose.tilt)
        self.turned = np.array([[cos, sin], [-sin, cos]]) * self.unit
        self.centre = np.array([(1 + pose.x) * side / 2, (1 + pose.y) * side / 2])

    def fill(self, points: Iterable[tuple[float, float]] | Points, colour: Colour) -> None:
        """Draw a polygon."""
        self.draw.polygon(self._placed(points), fill=colour)

    def line(self, points: Iterable[tuple[float, float]] | Points, width: float, colour: Colour) -> None:
        """Draw a line of a width, in the same units."""
        self.draw.line(self._placed(points), fill=colour, width=max(1, round(width * self.unit)), joint="curve")

    def _placed(self, points: Iterable[tuple[float, float]] | Points) -> list[tuple[float, float]]:
        return [(x, y) for x, y in (np.array(list(points)) @ self.turned + self.centre).tolist()]


def _ellipse(x: float, y: float, a: float, b: float, power: float = 2.0, points: int = 48) -> Points:
    """Return points of ``|dx / a|^power + |dy / b|^power = 1``; above 2 it is a rounded rectangle."""
    angle = np.linspace(0, 2 * math.pi, points, endpoint=False)
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack(
        [x + a * np.sign(cos) * abs(cos) ** (2 / power), y + b * np.sign(sin) * abs(sin) ** (2 / power)], -1
    )


def _head(person: Person) -> Points:
    """Return an egg: round above, and below as square as the jaw is, and a little narrower."""
    above = [point for point in _ellipse(0, 0, person.width, 1.0) if point[1] < 0]
    below = _ellipse(0, 0, person.width, 1.0, person.square)
    chin = [(x * (1 - 0.16 * y), y) for x, y in below if y >= 0]
    return np.array([*chin, *above])


def _arc(x: float, y: float, half: float, bend: float, points: int = 17) -> Points:
    """Return a parabola of width 2 `half`, from end to end at y, that bends down by `bend` in the middle."""
    t = np.linspace(-1, 1, points)
    return np.stack([x + half * t, y + bend * (1 - t * t)], -1)


def _curve(x: float, y: float, half: float, bend: float, thickness: float) -> Points:
    """Return the outline of a crescent about `_arc`, `thickness` high in the middle."""
    above, below = _arc(x, y, half, bend - thickness / 2), _arc(x, y, half, bend + thickness / 2)
    return np.concatenate([above, below[::-1]])


def _shade(colour: Colour, factor: float) -> Colour:
    r, g, b = (min(255, round(c * factor)) for c in colour)
    return r, g, b
