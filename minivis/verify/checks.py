"""The checks behind `minivis verify`, each a line with a number, what is allowed, and a verdict."""

import contextlib
from collections.abc import Iterator
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np

from .. import attribution as look
from ..attribution.targets import resolve
from ..errors import InputError
from ..nets import Net
from ..primitives import conv2d, linear, max_pool, planes, pool2x2, relu, winograd
from ..primitives.conv import conv2d_x
from ..primitives.pooling import max_pool_x
from ..rules import DECONVNET, GUIDED, POSITIVE_PATHS, VANILLA
from ..tape import Tensor, backward
from ..testing import GradientMismatch, check_backward, relative_error
from .cases import CASES, Case, positions

GRADIENT_FLOAT32 = 2e-2  # Euclidean: 90 % of gradients on photographs err by less where rounding flips a ReLU; ours
VALUE = {"float64": 1e-9, "float32": 1e-4}  # of the largest value


class Verdict(NamedTuple):
    """One check: a number that should be small, and how small."""

    group: str
    name: str
    error: float
    allowed: float

    @property
    def holds(self) -> bool:
        """Whether the error is within what is allowed; NaN is not."""
        return bool(self.error <= self.allowed)


def verify(net: Net, x: np.ndarray) -> Iterator[Verdict]:
    """Check the engine, and every way of looking at one picture, one after the other.

    Parameters
    ----------
    net : Net
        On the CPU.
    x : ndarray, shape (1, H, W, 3)
        RGB picture, 0..255.

    Yields
    ------
    Verdict
        Finite differences for every primitive, exact identities, and where PyTorch is installed every walk back.

    Notes
    -----
    The picture gets noise of half a grey level. Flat areas of photographs make ties in max-pools; here the first of
    equals wins, while PyTorch's rounding may differ from place to place and let another win.
    """
    if net.device != "cpu":
        raise InputError("verify compares on the CPU: load the network with device='cpu'")
    x = (x + np.random.default_rng(0).uniform(-0.5, 0.5, x.shape)).astype(net.dtype)
    yield from primitives()
    yield from identities(net, x)
    if find_spec("torch"):
        yield from beside_torch(net, x)


def primitives() -> Iterator[Verdict]:
    """Compare every rule with finite differences, and every linear one with its exact adjoint."""
    for case, i in positions():
        try:
            error = check_backward(case, *case.arrays, wrt=i)
        except GradientMismatch:
            error = np.inf
        yield Verdict("finite differences", f"{case.name}, argument {i}", error, 1e-6)
    for case in CASES:
        for i in case.linear:
            yield Verdict("adjoint", f"{case.name}, argument {i}", _adjoint_error(case, i), 1e-12)


def identities(net: Net, x: np.ndarray) -> Iterator[Verdict]:
    """Check what must hold exactly, whatever the weights."""
    group = "identity"
    h = Tensor(np.array([[1.0]]))
    w, b = np.array([[2.0, -1.0, 4.0, 1.0]]), np.array([0.0, 3.0, -5.0, 0.0])
    p = linear(relu(linear(h, w, b)), np.array([[3.0], [1.0], [2.0], [-3.0]]))
    answers = [backward(p, h, rules=rules).item() for rules in (VANILLA, DECONVNET, GUIDED, POSITIVE_PATHS)]
    yield Verdict(group, "the pencil network's four rules give 2, 13, 5, 6", _gap(answers, [2, 13, 5, 6]), 0.0)

    allowed = VALUE[net.dtype.name]
    yield from twins()
    window, stride = max(2, x.shape[1] // 4), max(1, x.shape[1] // 5)
    fast = look.occlusion(net, x, None, window, stride, value=True)
    whole = look.occlusion(net, x, None, window, stride, value=True, incremental=False)
    yield Verdict(group, "incremental occlusion is the full one", _gap(fast, whole), allowed)
    try:
        cam = look.cam(net, x)
    except InputError:
        return
    scores = net.capture(x, [net.logits])[net.logits]
    (unit,) = resolve(net, scores, None)
    bias = net.weights[net.logits]["bias"][unit] if net.logits in net.weights else 0.0
    error = abs(float(cam.mean() + bias - scores[(0, *unit)])) / float(np.abs(scores).max())
    yield Verdict(group, "the mean of CAM plus the bias is the score", error, allowed)


def twins() -> Iterator[Verdict]:
    """Compare each fast path with the readable one that it stands for, both called directly, in float64."""
    group, rng = "twin", np.random.default_rng(0)
    for name, channels in (("Winograd's convolution", 24), ("the convolution in planes", 3)):
        maps, kernel = rng.standard_normal((1, 21, 18, channels)), rng.standard_normal((3, 3, channels, 20))
        y, residual = conv2d.forward(maps, kernel, None, padding=1)
        places = residual.grid
        if channels == 3:
            fast, back = planes.forward(maps, kernel, places), planes.adjoint(y, kernel, places, maps.shape)
        else:
            plan = winograd.WinogradPlan(kernel)
            fast = winograd.forward(maps, plan, places.sides, y.shape[1:3])
            back = winograd.adjoint(y, plan, places.sides, maps.shape)
        yield Verdict(group, f"{name} is the readable one", relative_error(fast, y), 1e-9)
        yield Verdict(group, "... and so is its way back", relative_error(back, conv2d_x(y, residual)), 1e-9)
    maps = rng.integers(-3, 4, (2, 9, 8, 5)).astype(float)  # many ties
    y, residual = max_pool.forward(maps)
    fast, switches = pool2x2.forward(maps)
    wrong = float((switches != residual.switches).sum()) + _gap(fast, y)
    yield Verdict(group, "the 2x2 pool in one pass has the readable one's switches", wrong, 0.0)
    back = pool2x2.adjoint(y, switches, maps.shape)
    yield Verdict(group, "... and so has its way back", _gap(back, max_pool_x(y, residual)), 0.0)


def beside_torch(net: Net, x: np.ndarray) -> Iterator[Verdict]:
    """Compare rows, walks back and maps with PyTorch's."""
    from .with_torch import Replica

    theirs, group, allowed = Replica(net), "beside PyTorch", VALUE[net.dtype.name]
    for row in (net.maps, net.logits, net.names[-1]):
        yield Verdict(group, f"row {row}", relative_error(net.capture(x, [row])[row], theirs.capture(x, row)), allowed)
    scores = net.capture(x, [net.logits])[net.logits]
    top = resolve(net, scores, None)
    for rule, table in (("vanilla", VANILLA), ("guided", GUIDED), ("deconvnet", DECONVNET)):
        ours = look.gradient(net, x, None, table)
        yield _walk(net, f"{rule} walk from {net.logits}", ours, theirs.walk(x, net.logits, top, rule))
    strongest = resolve(net, net.capture(x, [net.maps])[net.maps], None)
    projected = theirs.walk(x, net.maps, strongest, "deconvnet", own_value=True)
    yield _walk(net, f"DeconvNet from {net.maps}", look.deconvnet(net, x, net.maps), projected)
    heat = theirs.grad_cam(x, net.maps, net.logits, top)
    yield Verdict(group, f"Grad-CAM at {net.maps}", relative_error(look.grad_cam(net, x), heat), allowed)
    with contextlib.suppress(InputError):  # of networks that do not end in global average pooling
        cam = look.cam(net, x)
        yield Verdict(group, "CAM", relative_error(cam, theirs.cam(x, net.logits, top)), allowed)
    enlarged = theirs.enlarge(heat, x.shape[1:3])
    guided = theirs.walk(x, net.logits, top, "guided") * enlarged[..., None]
    yield _walk(net, "guided Grad-CAM", look.guided_grad_cam(net, x), guided)
    saliency = np.abs(theirs.walk(x, net.logits, top, "vanilla")).max(-1)
    yield _walk(net, "saliency", look.saliency(net, x), saliency)
    window, stride = max(2, x.shape[1] // 4), max(1, x.shape[1] // 5)
    drops = theirs.occlusion(x, net.names[-1], top[0], window, stride, net.mean_colour)
    error = _gap(look.occlusion(net, x, None, window, stride), drops)
    yield Verdict(group, f"occlusion by windows of {window} (difference of the probability)", error, allowed)


def _walk(net: Net, name: str, ours: np.ndarray, theirs: np.ndarray) -> Verdict:
    """Judge a walk to the picture: in float32 by its Euclidean error, since rounding flips single ReLUs."""
    if net.dtype == np.float64:
        return Verdict("beside PyTorch", name, relative_error(ours, theirs), VALUE["float64"])
    error = float(np.linalg.norm(ours - theirs) / max(float(np.linalg.norm(theirs)), 1e-30))
    return Verdict("beside PyTorch", f"{name} (Euclidean)", error, GRADIENT_FLOAT32)


def _adjoint_error(case: Case, position: int) -> float:
    """Return how far <A x, g> and <x, A' g> differ, relative to the sizes of what is multiplied."""
    x = Tensor(case.arrays[position])
    y = case(*case.arrays[:position], x, *case.arrays[position + 1 :])
    g = np.random.default_rng(1).standard_normal(y.shape)
    back = backward(y, x, g)
    return abs(float((y.value * g).sum() - (x.value * back).sum())) / float(np.abs(y.value * g).sum())


def _gap(found: object, expected: object) -> float:
    return float(np.abs(np.asarray(found, float) - np.asarray(expected, float)).max())
