"""Any network of minivis, computed by PyTorch: a second opinion that shares no code with the first.

It reads the same table of rows and the same weights, but computes channels first, with PyTorch's own convolution,
pooling and automatic differentiation. Needs the extra `verify`.
"""

from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from ..attribution.targets import Unit
from ..nets import Net
from ..nets.layers import (
    LRN,
    LUMA,
    AvgPool,
    Concat,
    Conv,
    Dropout,
    GlobalAvgPool,
    Layer,
    Linear,
    MaxPool,
    Normalize,
    ReLU,
    Sigmoid,
    Softmax,
)


class DeconvReLU(torch.autograd.Function):
    """A ReLU that passes g where g is positive."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, *g: torch.Tensor) -> torch.Tensor:
        return g[0].clamp(min=0)


class GuidedReLU(torch.autograd.Function):
    """A ReLU that passes g where both g and its input are positive."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, *g: torch.Tensor) -> torch.Tensor:
        return g[0].clamp(min=0) * (ctx.saved_tensors[0] > 0)


RELUS = {"vanilla": F.relu, "deconvnet": DeconvReLU.apply, "guided": GuidedReLU.apply}


class Replica:
    """A network in PyTorch; rows are NumPy arrays, channels last, as in `Net`."""

    def __init__(self, net: Net):
        self.net = net
        self.dtype = torch.float64 if net.dtype == np.float64 else torch.float32

    def rows(self, picture: torch.Tensor, upto: str, relu: Any = F.relu, given: dict | None = None) -> dict[str, Any]:
        """Return all rows to `upto`, channels first; `picture` is (N, 3, H, W)."""
        values: dict[str, Any] = {"input": picture, **(given or {})}
        for row in self.net.architecture.ancestors([upto], given=values):
            values[row.name] = self._apply(row.name, row.layer, [values[name] for name in row.inputs], relu)
        return values

    def capture(self, x: np.ndarray, row: str) -> np.ndarray:
        """Return one row."""
        with torch.no_grad():
            return _last(self.rows(self._first(x), row)[row]).numpy()

    def walk(self, x: np.ndarray, row: str, units: list[Unit], rule: str, own_value: bool = False) -> np.ndarray:
        """Return the walk back from one unit per picture to the picture."""
        picture = self._first(x).requires_grad_()
        y = _last(self.rows(picture, row, RELUS[rule])[row])
        seed = torch.zeros_like(y)
        for n, unit in enumerate(units):
            seed[(n, *unit)] = y[(n, *unit)].detach() if own_value else 1.0
        return _last(torch.autograd.grad(y, picture, seed)[0]).numpy()

    def grad_cam(self, x: np.ndarray, layer: str, row: str, units: list[Unit]) -> np.ndarray:
        """Return Grad-CAM of one unit per picture."""
        maps, slope = self._maps_and_slope(x, layer, row, units)
        return F.relu((slope.mean((2, 3), keepdim=True) * maps).sum(1)).numpy()

    def cam(self, x: np.ndarray, row: str, units: list[Unit]) -> np.ndarray:
        """Return CAM of one unit per picture; what a map's mean weighs is its slope, summed over all places."""
        pool = self.net.architecture.rows[row]
        while not isinstance(pool.layer, GlobalAvgPool | AvgPool):
            pool = self.net.architecture.rows[pool.inputs[0]]
        maps, slope = self._maps_and_slope(x, pool.inputs[0], row, units)
        return (slope.sum((2, 3), keepdim=True) * maps).sum(1).numpy()

    def enlarge(self, heat: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Return maps (N, h, w) enlarged bilinearly."""
        x = torch.tensor(heat, dtype=self.dtype)[:, None]
        return F.interpolate(x, size, mode="bilinear", align_corners=False)[:, 0].numpy()

    def occlusion(
        self, x: np.ndarray, row: str, unit: Unit, window: int, stride: int, colour: np.ndarray
    ) -> np.ndarray:
        """Return how much the value of a unit drops under each window: one whole pass for each, (1, rows, columns)."""
        clean = float(self.capture(x, row)[(0, *unit)])
        rows, columns = ((size - window) // stride + 1 for size in x.shape[1:3])
        drops = np.empty((1, rows, columns))
        for i, j in np.ndindex(rows, columns):
            covered = x.copy()
            covered[:, i * stride : i * stride + window, j * stride : j * stride + window] = colour
            drops[0, i, j] = clean - float(self.capture(covered, row)[(0, *unit)])
        return drops

    def _maps_and_slope(self, x: np.ndarray, layer: str, row: str, units: list[Unit]) -> tuple:
        """Return a row of maps, and the gradient of one unit per picture there."""
        with torch.no_grad():
            below = self.rows(self._first(x), layer)
        maps = below[layer].clone().requires_grad_()
        y = self.rows(self._first(x), row, given={layer: maps})[row]
        value = sum(y[(n, *unit)] for n, unit in enumerate(units))
        (slope,) = torch.autograd.grad(value, maps)
        return maps.detach(), slope

    def _first(self, x: np.ndarray) -> torch.Tensor:
        return torch.tensor(x, dtype=self.dtype).permute(0, 3, 1, 2)

    def _apply(self, name: str, layer: Layer, inputs: list, relu: Any) -> Any:
        x = inputs[0]
        if isinstance(layer, Conv):
            kernel, bias = self._weights(name)
            return F.conv2d(x, kernel.permute(3, 2, 0, 1), bias, layer.stride, layer.padding, groups=layer.groups)
        if isinstance(layer, Linear):
            kernel, bias = self._weights(name)
            return _last(x).flatten(1) @ kernel + bias
        if isinstance(layer, AvgPool):
            return F.avg_pool2d(x, layer.kernel, layer.stride, layer.padding, layer.ceil)
        if isinstance(layer, MaxPool):
            return F.max_pool2d(x, layer.kernel, layer.stride, layer.padding, ceil_mode=layer.ceil)
        if isinstance(layer, Normalize):
            constants = layer.mean, layer.std or (1.0,) * len(layer.mean)
            mean, std = (torch.tensor(v, dtype=self.dtype).view(-1, 1, 1) for v in constants)
            if layer.order == "grey":
                x = (x * torch.tensor(LUMA, dtype=self.dtype).view(3, 1, 1)).sum(1, keepdim=True)
            return ((x.flip(1) if layer.order == "BGR" else x) * layer.scale - mean) / std
        if isinstance(layer, LRN):
            return F.local_response_norm(x, layer.size, layer.alpha, layer.beta, layer.k)
        if isinstance(layer, Concat):
            return torch.cat(inputs, 1)
        if isinstance(layer, GlobalAvgPool):
            return x.mean((2, 3))
        if isinstance(layer, Softmax):
            return F.softmax(x, 1)
        if isinstance(layer, Sigmoid):
            return torch.sigmoid(x)
        if isinstance(layer, ReLU):
            return relu(x)
        if isinstance(layer, Dropout):
            return x
        raise TypeError(f"row {name}: there is no PyTorch twin of {type(layer).__name__}")

    def _weights(self, name: str) -> list[torch.Tensor]:
        weights = self.net.weights[name]
        return [torch.tensor(weights[key], dtype=self.dtype) for key in ("kernel", "bias")]


def _last(x: torch.Tensor) -> torch.Tensor:
    return x.permute(0, 2, 3, 1) if x.ndim == 4 else x
