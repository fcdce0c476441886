"""Pictures with known answers, drawn from a seed: scenes whose class one object decides, and invented faces."""

from .faces import Faces, synthetic_faces
from .folder import write_scenes
from .making import Scenes, box_of, make_scenes
from .paint import COLOURS, TEXTURES
from .scene import Scene, Thing, draw_scene
from .shapes import OTHERS, SHAPES

__all__ = [
    "COLOURS",
    "OTHERS",
    "SHAPES",
    "TEXTURES",
    "Faces",
    "Scene",
    "Scenes",
    "Thing",
    "box_of",
    "draw_scene",
    "make_scenes",
    "synthetic_faces",
    "write_scenes",
]
