"""The weight files that others publish and minivis can fetch: names, sizes and hashes, no file."""

from __future__ import annotations

from dataclasses import dataclass

from .hashing import Digests

KERAS = "https://storage.googleapis.com/tensorflow/keras-applications/vgg16/"
CHOLLET = "https://github.com/fchollet/deep-learning-models/releases/download/v0.1/"


@dataclass(frozen=True)
class Published:
    """One published file. Where no SHA-256 is published, MD5 and size together identify it."""

    file: str
    urls: tuple[str, ...]
    bytes: int
    md5: str
    sha256: str | None
    source: str
    licence: str

    def equals(self, digests: Digests, size: int) -> bool:
        """Whether a file of these digests and this size is this one."""
        return size == self.bytes and digests.md5 == self.md5 and self.sha256 in (None, digests.sha256)


def _keras_vgg16(file: str, size: int, md5: str) -> Published:
    return Published(
        file=file,
        urls=(KERAS + file, CHOLLET + file),
        bytes=size,
        md5=md5,
        sha256=None,  # none is published
        source="VGG16 of Simonyan and Zisserman (2015), converted for Keras by F. Chollet",
        licence="CC BY 4.0, Visual Geometry Group, University of Oxford",
    )


# MD5 from keras/src/applications/vgg16.py (keras-team/keras), sizes as the server states them.
PUBLISHED = {
    "vgg16": _keras_vgg16(
        "vgg16_weights_tf_dim_ordering_tf_kernels.h5", 553_467_096, "64373286793e3c8b2b4e3219cbf3544b"
    ),
    "vgg16-notop": _keras_vgg16(
        "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5", 58_889_256, "6d6bbae143d832006294945121d1f1fc"
    ),
}


def origin_of(digests: Digests, size: int) -> str:
    """Which published file this is, or "origin unknown"."""
    for published in PUBLISHED.values():
        if published.equals(digests, size):
            return f"{published.file}: {published.source}; {published.licence}"
    return "origin unknown"
