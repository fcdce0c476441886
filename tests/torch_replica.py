"""SqueezeNet 1.1, GoogLeNet and VGG16 in PyTorch on the CPU, written apart from the library.

Pictures are RGB, 0..255, (N, H, W, 3), NumPy or PyTorch; every row's value and every gradient is channels
last too. A net is a list of rows named as in its Caffe graph: a convolution and the ReLU after it are two
rows. Every method is as slow and as direct as PyTorch allows.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.autograd import Function
from torch.nn import functional

CAFFE_MEAN = (104.0, 117.0, 123.0)  # blue, green, red: the mean of both Caffe nets' training pictures
VGG_MEAN = (103.939, 116.779, 123.68)  # blue, green, red: Simonyan and Zisserman's

RULES = ("vanilla", "deconvnet", "guided", "positive_paths", "deconvnet_zf")


class Row(NamedTuple):
    name: str
    kind: str
    inputs: tuple[str, ...]  # names of rows
    options: dict[str, Any]


class Model(NamedTuple):
    graph: list[Row]
    weights: dict[str, torch.Tensor]  # "<row>/weight" as PyTorch has it (OIHW, or (out, in)), "<row>/bias"
    logits: str  # the row before the softmax
    maps: str  # the last spatial row, after its ReLU
    mean: tuple[float, float, float]  # blue, green, red
    dtype: torch.dtype


# --- the three nets ----------------------------------------------------------------------------------


def caffe_rows(layers, mean):
    """Rows from a Caffe layer list.

    Caffe names blobs, and a ReLU or a Dropout writes over its own input. A bottom is therefore read as the
    last row that wrote the blob of that name.
    """
    rows: list[Row] = []
    writer: dict[str, str] = {}
    for layer in layers:
        inputs = tuple(writer[bottom] for bottom in layer["bottom"])
        if layer["type"] == "Input":
            rows += [Row("input", "Input", (), {}), Row("normalize", "Normalize", ("input",), {"mean": mean})]
            writer[layer["top"]] = "normalize"
            continue
        rows.append(Row(layer["name"], layer["type"], inputs, layer))
        writer[layer["top"]] = layer["name"]
    return rows


def caffe_model(folder, name, logits, maps, dtype):
    folder = Path(folder)
    rows = caffe_rows(json.loads((folder / f"{name}.layers.json").read_text()), CAFFE_MEAN)
    with np.load(folder / f"{name}.npz") as file:
        weights = {key: torch.from_numpy(file[key]).to(dtype) for key in file.files}
    return Model(rows, weights, logits, maps, CAFFE_MEAN, dtype)


def squeezenet(folder, dtype=torch.float32):
    """SqueezeNet 1.1 (227 x 227) from the .npz and .layers.json in a folder."""
    return caffe_model(folder, "squeezenet_v1.1", "pool10", "fire9/concat", dtype)


def googlenet(folder, dtype=torch.float32):
    """BVLC GoogLeNet (224 x 224) from the .npz and .layers.json in a folder."""
    return caffe_model(folder, "bvlc_googlenet", "loss3/classifier", "inception_5b/output", dtype)


def vgg16(arrays, dtype=torch.float32):
    """VGG16 from {"conv1_1": (kernel HWIO, bias), ..., "fc6": (weights (in, out), bias), ...}.

    Any number of first convolutions, of any width; fc6 reads the maps row by row, column by column,
    channels last. A block gets its pool when it is complete.
    """
    blocks = [2, 2, 3, 3, 3]
    rows = [Row("input", "Input", (), {}), Row("normalize", "Normalize", ("input",), {"mean": VGG_MEAN})]
    weights = {}

    def add(name, kind, **options):
        rows.append(Row(name, kind, (rows[-1].name,), options))

    def keep(name, weight):
        weights[f"{name}/weight"] = torch.from_numpy(np.ascontiguousarray(weight)).to(dtype)
        weights[f"{name}/bias"] = torch.from_numpy(np.ascontiguousarray(arrays[name][1])).to(dtype)

    for block, length in enumerate(blocks, 1):
        for i in range(1, length + 1):
            name = f"conv{block}_{i}"
            if name not in arrays:
                break
            add(name, "Convolution", pad=1, stride=1)
            keep(name, arrays[name][0].transpose(3, 2, 0, 1))
            add(f"relu{block}_{i}", "ReLU")
        if f"conv{block}_{length}" in arrays:
            add(f"pool{block}", "Pooling", pool="MAX", kernel_size=2, stride=2)
    maps = [row.name for row in rows if row.kind == "ReLU"][-1]
    for name in ("fc6", "fc7", "fc8"):
        if name not in arrays:
            break
        add(name, "InnerProduct")
        keep(name, arrays[name][0].T)
        if name != "fc8":
            add(name.replace("fc", "relu"), "ReLU")
    logits = rows[-1].name
    if logits == "fc8":
        add("prob", "Softmax")
    return Model(rows, weights, logits, maps, VGG_MEAN, dtype)


def read_vgg16(path):
    """The arrays for vgg16() from a Keras file of VGG16, with or without the dense layers."""
    import h5py

    dense = {"fc1": "fc6", "fc2": "fc7", "predictions": "fc8"}
    arrays = {}
    with h5py.File(path, "r") as file:
        for group in file.values():
            names = [n.decode() if isinstance(n, bytes) else n for n in group.attrs.get("weight_names", [])]
            if names:
                keras = group.name.strip("/")
                name = dense.get(keras, keras.replace("block", "conv").replace("_conv", "_"))
                arrays[name] = tuple(group[n][()] for n in names)
    return arrays


def random_vgg16(rng, widths=(4, 6, 8, 8, 8), dense=(12, 10, 7), size=32):
    """Arrays for a small vgg16() that takes size x size pictures; He's scale, so signals keep their size."""
    arrays, channels = {}, 3
    for block, (width, length) in enumerate(zip(widths, [2, 2, 3, 3, 3], strict=False), 1):
        for i in range(1, length + 1):
            kernel = rng.normal(size=(3, 3, channels, width)) * np.sqrt(2 / (9 * channels))
            arrays[f"conv{block}_{i}"] = (kernel, 0.1 * rng.normal(size=width))
            channels = width
    fan_in = (size // 2 ** len(widths)) ** 2 * channels
    for name, width in zip(("fc6", "fc7", "fc8"), dense, strict=False):
        arrays[name] = (rng.normal(size=(fan_in, width)) * np.sqrt(2 / fan_in), 0.1 * rng.normal(size=width))
        fan_in = width
    return arrays


# --- the way back through ReLU and max-pool ----------------------------------------------------------


class DeconvReLU(Function):
    @staticmethod
    def forward(ctx, x):
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, g):
        return g * (g > 0)


class GuidedReLU(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * (g > 0) * (x > 0)


class MaskedReLU(Function):
    """The true ReLU going up, somebody else's mask (and still one of the three rules) coming down."""

    @staticmethod
    def forward(ctx, x, mask, rule):
        ctx.mask, ctx.rule = mask, rule
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, g):
        if ctx.rule in ("deconvnet", "deconvnet_zf"):
            return g * (g > 0), None, None
        if ctx.rule == "guided":
            return g * (g > 0) * ctx.mask, None, None
        return g * ctx.mask, None, None


class SwitchedMaxPool(Function):
    """The true maximum going up, somebody else's switches coming down. Channels first."""

    @staticmethod
    def forward(ctx, x, switches, window, stride, padding):
        ctx.switches, ctx.geometry, ctx.shape = switches, (window, stride, padding), x.shape
        return functional.max_pool2d(x, window, stride, padding, ceil_mode=True)

    @staticmethod
    def backward(ctx, g):
        rows, columns = switched_positions(ctx.switches, *ctx.geometry)
        flat = (rows * ctx.shape[3] + columns).flatten(2)
        gx = torch.zeros(*ctx.shape[:2], ctx.shape[2] * ctx.shape[3], dtype=g.dtype)
        gx.scatter_add_(2, flat, g.flatten(2))
        return gx.reshape(ctx.shape), None, None, None, None


def switched_positions(switches, window, stride, padding):
    """Rows and columns of the picture that switches (N, C, rows, columns) point to."""
    switches = switches.long()
    top = torch.arange(switches.shape[2])[:, None] * stride - padding
    left = torch.arange(switches.shape[3])[None, :] * stride - padding
    return top + switches // window, left + switches % window


# --- a pass up ---------------------------------------------------------------------------------------


def tensor(x, dtype=None):
    """A copy: the caller's array may be read-only or flipped, and must stay as it is."""
    return torch.tensor(np.array(x), dtype=dtype) if isinstance(x, np.ndarray) else x.detach().clone().to(dtype)


def channels_first(x):
    return x.permute(0, 3, 1, 2)


def channels_last(x):
    return x.permute(0, 2, 3, 1)


def pool_geometry(row):
    options = row.options
    return int(options["kernel_size"]), int(options["stride"]), int(options.get("pad", 0))


def relu_value(row, x, rule, masks):
    if masks is not None:
        return MaskedReLU.apply(x, tensor(masks[row.name]), rule)
    if rule in ("deconvnet", "deconvnet_zf"):
        return DeconvReLU.apply(x)
    return GuidedReLU.apply(x) if rule == "guided" else functional.relu(x)


def pool_value(row, x, switches):
    if row.options.get("global_pooling"):
        return x.mean((1, 2))  # (N, C): a row of scores
    window, stride, padding = pool_geometry(row)
    x = channels_first(x)
    if row.options["pool"] == "AVE":
        y = functional.avg_pool2d(x, window, stride, padding, ceil_mode=True)
    elif switches is None:
        y = functional.max_pool2d(x, window, stride, padding, ceil_mode=True)
    else:
        given = channels_first(tensor(switches[row.name]))
        y = SwitchedMaxPool.apply(x, given, window, stride, padding)
    return channels_last(y)


def affine_value(row, x, weights, rule):
    weight, bias = weights[f"{row.name}/weight"], weights[f"{row.name}/bias"]

    def apply(w):
        if row.kind == "InnerProduct":
            return functional.linear(x.flatten(1), w)
        padding, stride = row.options["pad"], row.options["stride"]
        return channels_last(functional.conv2d(channels_first(x), w, None, stride, padding))

    y = apply(weight) + bias
    if rule != "positive_paths":
        return y
    positive = apply(weight.clamp(min=0))
    return y.detach() + (positive - positive.detach())  # the value of y, the way back of max(W, 0)


def lrn_value(row, x, rule):
    size, alpha, beta = (float(row.options[name]) for name in ("local_size", "alpha", "beta"))
    y = functional.local_response_norm(channels_first(x), int(size), alpha, beta, 1.0)
    y = channels_last(y)
    return y.detach() + (x - x.detach()) if rule == "deconvnet_zf" else y


def row_value(row, x, weights, rule, masks, switches):
    if row.kind == "Normalize":
        return x[0].flip(-1) - torch.tensor(row.options["mean"], dtype=x[0].dtype)
    if row.kind in ("Convolution", "InnerProduct"):
        return affine_value(row, x[0], weights, rule)
    if row.kind == "ReLU":
        return relu_value(row, x[0], rule, masks)
    if row.kind == "Pooling":
        return pool_value(row, x[0], switches)
    if row.kind == "LRN":
        return lrn_value(row, x[0], rule)
    if row.kind == "Concat":
        return torch.cat(x, dim=-1)
    if row.kind == "Softmax":
        return functional.softmax(x[0], dim=-1)
    if row.kind == "Dropout":
        return x[0]
    raise ValueError(f"{row.name}: no layer of kind {row.kind}")


def run(graph, weights, x, rule="vanilla", masks=None, switches=None, last=None):
    """The value of every row (up to `last`), by name: (N, H, W, C), or (N, C) once it is flat.

    `rule` decides what autograd will do on the way back. `masks` {row: (N, H, W, C) bool} and `switches`
    {row: (N, rows, columns, C) uint8, row-major in the window} replace the ReLU's and max-pool's own on the
    way back only. "normalize" is the picture in BGR less the mean, "input" the picture.
    """
    if rule not in RULES:
        raise ValueError(f"rule is one of {', '.join(RULES)}; got {rule!r}")
    dtype = next(iter(weights.values())).dtype
    values = {"input": x.to(dtype) if isinstance(x, torch.Tensor) else tensor(x, dtype)}
    for row in graph[1:]:
        if last in values:
            break
        inputs = [values[name] for name in row.inputs]
        values[row.name] = row_value(row, inputs, weights, rule, masks, switches)
    return values


def masks_and_switches(model, x):
    """What run() itself would use on the way back: {ReLU row: bool}, {max-pool row: uint8}."""
    with torch.no_grad():
        values = run(model.graph, model.weights, x)
    masks, switches = {}, {}
    for row in model.graph:
        if row.kind == "ReLU":
            masks[row.name] = (values[row.inputs[0]] > 0).numpy()
        elif row.kind == "Pooling" and row.options["pool"] == "MAX":
            window, stride, padding = pool_geometry(row)
            below = channels_first(values[row.inputs[0]])
            _, flat = functional.max_pool2d(below, window, stride, padding, ceil_mode=True, return_indices=True)
            top = torch.arange(flat.shape[2])[:, None] * stride - padding
            left = torch.arange(flat.shape[3])[None, :] * stride - padding
            index = (flat // below.shape[3] - top) * window + flat % below.shape[3] - left
            switches[row.name] = channels_last(index).to(torch.uint8).numpy()
    return masks, switches


# --- methods -----------------------------------------------------------------------------------------


def units(value, unit):
    """One index tuple per picture.

    At a row of scores a unit is an index or one per picture. At maps it is (i, j, channel), or a channel,
    which means its strongest position in each picture, the first one on ties.
    """
    n = value.shape[0]
    if value.ndim == 2:
        each = [unit] * n if isinstance(unit, int | np.integer) else list(unit)
        return [(k, int(u)) for k, u in enumerate(each)]
    if not isinstance(unit, int | np.integer):
        return [(k, *unit) for k in range(n)]
    flat = value[..., unit].detach().numpy().reshape(n, -1).argmax(1)
    return [(k, *divmod(int(f), value.shape[2]), int(unit)) for k, f in enumerate(flat)]


def pull_back(model, x, row, unit, rule="vanilla", own_value=False, masks=None, switches=None, to="input"):
    """The signal from one unit of a row, seeded with 1 or its own value, at another row (the picture)."""
    picture = tensor(x, model.dtype).requires_grad_()
    values = run(model.graph, model.weights, picture, rule, masks, switches, last=row)
    seed = torch.zeros_like(values[row])
    for where in units(values[row], unit):
        seed[where] = values[row][where].detach() if own_value else 1.0
    (g,) = torch.autograd.grad(values[row], values[to], seed)
    return g.numpy()


def gradient(model, x, row, unit, rule="vanilla", masks=None, switches=None):
    """(N, H, W, 3): the derivative of a unit, or by another rule what takes its place."""
    return pull_back(model, x, row, unit, rule, masks=masks, switches=switches)


def saliency(model, x, target):
    """(N, H, W): the largest absolute derivative over the colours."""
    return np.abs(gradient(model, x, model.logits, target)).max(-1)


def guided_backprop(model, x, unit, row=None, masks=None, switches=None):
    """(N, H, W, 3), from a logit or from a unit of a row."""
    return pull_back(model, x, row or model.logits, unit, "guided", masks=masks, switches=switches)


def deconvnet(model, x, layer, channel, rule="deconvnet", masks=None, switches=None):
    """(N, H, W, 3), from the strongest unit of a map, its own value as seed; LRN keeps its derivative."""
    return pull_back(model, x, layer, channel, rule, own_value=True, masks=masks, switches=switches)


def grad_cam(model, x, target, layer=None, masks=None, switches=None):
    """(N, h, w): maps weighted by the mean gradient of the logit, summed, the positive part."""
    layer = layer or model.maps
    with torch.no_grad():
        maps = run(model.graph, model.weights, x, last=layer)[layer].numpy()
    g = pull_back(model, x, model.logits, target, masks=masks, switches=switches, to=layer)
    weights = g.mean((1, 2), keepdims=True)
    return np.maximum((weights * maps).sum(-1), 0)


def mean_colour(model):
    """RGB."""
    return model.mean[::-1]


def probability(model, x, targets):
    with torch.no_grad():
        p = run(model.graph, model.weights, x)["prob"].numpy()
    return p[np.arange(len(p)), targets]


def occlusion(model, x, target, window=32, stride=8, fill=None, value=False):
    """(N, rows, columns): how far the probability of the class falls when a square is covered.

    One full pass per window. `fill` is RGB (None: the net's mean colour); with `value` the probability
    itself.
    """
    x = np.asarray(x)
    n, height, width, _ = x.shape
    targets = np.broadcast_to(np.asarray(target), n)
    whole = probability(model, x, targets)
    rows, columns = (height - window) // stride + 1, (width - window) // stride + 1
    scores = np.zeros((n, rows, columns), whole.dtype)
    for i in range(rows):
        for j in range(columns):
            covered = x.copy()
            covered[:, i * stride : i * stride + window, j * stride : j * stride + window] = (
                mean_colour(model) if fill is None else fill
            )
            scores[:, i, j] = probability(model, covered, targets)
    return scores if value else whole[:, None, None] - scores


# --- pictures ----------------------------------------------------------------------------------------


def picture(path, size):
    """(1, size, size, 3) float32: short side to round(256 / 224 * size) by Pillow's bicubic, centre-cropped."""
    from PIL import Image, ImageOps

    with Image.open(path) as file:
        image = ImageOps.exif_transpose(file).convert("RGB")
    short = round(256 / 224 * size)
    scale = short / min(image.size)
    image = image.resize([max(short, round(side * scale)) for side in image.size], Image.Resampling.BICUBIC)
    left, top = ((side - size) // 2 for side in image.size)
    return np.asarray(image.crop((left, top, left + size, top + size)), np.float32)[None]
