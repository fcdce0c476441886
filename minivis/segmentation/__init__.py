"""From saliency to a box: trimap, colour models, one graph cut, the largest component; how well boxes fit."""

from .boxes import bounding_box, box_of_map, iou, largest_component
from .graphcut import graph_cut
from .localisation import localise
from .segment import Segmentation, segment
from .trimap import trimap

__all__ = [
    "Segmentation",
    "bounding_box",
    "box_of_map",
    "graph_cut",
    "iou",
    "largest_component",
    "localise",
    "segment",
    "trimap",
]
