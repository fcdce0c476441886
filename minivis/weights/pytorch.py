"""The layouts of PyTorch's VGG: torchvision's names and timm's, in a .pth or a .safetensors."""

from __future__ import annotations

import re

from .container import Parts, as_is, complaint, from_oihw, from_out_chw, from_out_in, from_window, side_of_map
from .found import Found, Preprocessing
from .pth import PthFile
from .safetensors import SafetensorsFile

# torchvision's reference/transforms for ImageNet: pictures in 0..1, this mean and standard deviation, in R, G, B.
TORCHVISION = Preprocessing("RGB", 1 / 255, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
TIMM_DENSE = ("pre_logits.fc1", "pre_logits.fc2", "head.fc")


def torch_vgg(file: PthFile | SafetensorsFile) -> Found | None:
    """`features.0.weight` (OIHW) to `classifier.6.bias` of torchvision; timm stores fc6 and fc7 as convolutions.

    The numbers count the layers of a Sequential: a ReLU stands between two convolutions, a pool as well between two
    blocks, and so conv1_1, conv1_2, conv2_1, ... are features 0, 2, 5, ...
    """
    names = file.names()
    layers = list(dict.fromkeys(name.rpartition(".")[0] for name in names))
    if not any(layer.startswith("features.") for layer in layers):
        return None
    if any(name.endswith("running_mean") for name in names):
        raise complaint(file.path, "has batch normalisation, and no network here has it: expected torchvision's vgg16")
    convolutions = sorted(int(layer[9:]) for layer in layers if re.fullmatch(r"features\.\d{1,3}", layer))
    dense = sorted((layer for layer in layers if re.fullmatch(r"classifier\.\d", layer)), key=lambda name: name[-1])
    dense += [layer for layer in TIMM_DENSE if layer in layers]
    rows = _convolution_names(convolutions)
    if rows is None or len(rows) + len(dense) < len(layers):
        return None
    rows |= {layer: f"fc{number}" for number, layer in enumerate(dense, 6)}
    found: dict[str, Parts] = {}
    channels = 0
    for layer, row in rows.items():
        kernel, bias = f"{layer}.weight", f"{layer}.bias"
        shape = file.shape(kernel)
        if len(shape) == 4 and row.startswith("conv"):
            part, channels = from_oihw(kernel, shape), shape[0]
        elif len(shape) == 4:
            part = from_window(kernel, shape)
        elif len(shape) == 2 and row == "fc6":
            part = from_out_chw(kernel, shape, channels, side_of_map(file.path, kernel, shape[1], channels))
        elif len(shape) == 2:
            part = from_out_in(kernel, shape)
        else:
            raise complaint(file.path, f"shape {shape} is neither a convolution's nor a dense layer's", kernel)
        found[row] = {"kernel": part} | ({"bias": as_is(bias, file.shape(bias))} if bias in names else {})
    return Found("torch-vgg", found, preprocessing=TORCHVISION)


def _convolution_names(numbers: list[int]) -> dict[str, str] | None:
    """Names of the convolutions at these places of the Sequential; None if they do not stand like VGG's."""
    rows: dict[str, str] = {}
    block, layer, next_place = 1, 1, 0
    for number in numbers:
        if number == next_place + 1 and rows:  # a pool lies between
            block, layer = block + 1, 1
        elif number != next_place:
            return None
        rows[f"features.{number}"] = f"conv{block}_{layer}"
        layer, next_place = layer + 1, number + 2
    return rows
