"""Where the pixels that a net sees lie in the picture as it is, and back."""

from typing import NamedTuple

from .boxes import Box


class View(NamedTuple):
    """How `net.picture` resizes and crops: ``net = picture * scale - offset``, in pixels along x and y."""

    scale: tuple[float, float]
    offset: tuple[int, int]

    def to_picture(self, box: Box) -> Box:
        """Return a box of the net's pixels in pixels of the picture."""
        (sx, sy), (ox, oy) = self.scale, self.offset
        return (box[0] + ox) / sx, (box[1] + oy) / sy, (box[2] + ox) / sx, (box[3] + oy) / sy

    def to_net(self, box: Box) -> Box:
        """Return a box of the picture in pixels of the net, where it may reach beyond what the net sees."""
        (sx, sy), (ox, oy) = self.scale, self.offset
        return box[0] * sx - ox, box[1] * sy - oy, box[2] * sx - ox, box[3] * sy - oy


def view_of(height: int, width: int, size: int) -> View:
    """Return how a picture of `height` x `width` reaches a net's input of `size` x `size`: see `pictures.for_net`."""
    short = round(size * 256 / 224)
    resized = [max(1, round(side * short / min(height, width))) for side in (width, height)]
    scale = resized[0] / width, resized[1] / height  # not the same: each side is rounded
    return View(scale, ((resized[0] - size) // 2, (resized[1] - size) // 2))
