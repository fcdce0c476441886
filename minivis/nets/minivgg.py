"""minivgg: a small network in VGG's style, trained by minivis on eight classes of photographs, that ships with it."""

from .architecture import Architecture
from .labels import MINIVGG_LABELS
from .layers import Input, Normalize
from .vgg16 import blocks, classifier

MINIVGG = Architecture(
    name="minivgg",
    table=(
        ("input", Input(96)),
        ("normalize", Normalize(mean=(128.0, 128.0, 128.0), std=(64.0, 64.0, 64.0))),  # ours: about -2 to 2
        *blocks([[16] * 2, [32] * 2, [64] * 2, [128] * 2]),
        *classifier(hidden=256, classes=8),
    ),
    labels=MINIVGG_LABELS,
    maps="relu4_2",
    files=("minivgg.h5",),
)
