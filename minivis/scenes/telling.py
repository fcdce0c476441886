"""What can be said about a scene: a caption, and questions with their answers."""

from .scene import Scene, Thing
from .shapes import OTHERS, SHAPES

_NUMBERS = ("none", "one", "two", "three", "four")


def caption(scene: Scene) -> str:
    """Return one sentence that names the deciding object, its place, and what else there is."""
    first, *others = scene.things
    size = len(scene.picture)
    text = f"{_article(_described(first))} {_where(first, size)}"
    if others:
        names = [_article(_described(thing)) for thing in others]
        text += " with " + " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    return text[0].upper() + text[1:] + "."


def questions(scene: Scene) -> list[tuple[str, str]]:
    """Return pairs (question, answer) about a scene; each answer is one or two words."""
    first, *others = scene.things
    size = len(scene.picture)
    shapes = [thing.shape for thing in scene.things]
    absent = next(s for s in (SHAPES + OTHERS)[(scene.label + 1) % len(SHAPES) :] + SHAPES if s not in shapes)
    pairs = [
        (f"What shape is the {first.colour} object?", first.shape),  # no two objects have one colour
        (f"What surface has the {first.colour} object?", first.texture),
        ("How many objects are there?", _NUMBERS[len(shapes)]),
        (f"Is there {_article(first.shape)}?", "yes"),
        (f"Is there {_article(absent)}?", "no"),
    ]
    if shapes.count(first.shape) == 1:
        pairs.append((f"What colour is the {first.shape}?", first.colour))
        pairs.append((f"Where is the {first.shape}?", _where(first, size)))
    for other in others:
        gap = other.centre[1] - first.centre[1]
        if abs(gap) > size / 8 and shapes.count(first.shape) == shapes.count(other.shape) == 1:
            asked = f"Is the {first.shape} left of the {other.shape}?"
            pairs.append((asked, "yes" if gap > 0 else "no"))
    return pairs


def _described(thing: Thing) -> str:
    surface = "" if thing.texture == "plain" else f"{thing.texture} "
    return f"{surface}{thing.colour} {thing.shape}"


def _article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _where(thing: Thing, size: int) -> str:
    """Return in which of nine fields the centre of an object lies."""
    vertical, horizontal = (min(2, int(3 * c / size)) for c in thing.centre)
    if vertical == horizontal == 1:
        return "in the middle"
    across, down = ("left", "centre", "right")[horizontal], ("top", "centre", "bottom")[vertical]
    if vertical == 1:
        return f"at the {across}"
    return f"at the {down}" if horizontal == 1 else f"at the {down} {across}"
