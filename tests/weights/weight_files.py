"""Tiny weight files, one writer per layout. All hold the same numbers, so all must load equal."""

import h5py
import numpy as np

# A miniature VGG: two blocks, then a 2 x 2 map of 6 channels into three dense layers. fc7 is square on purpose.
EXPECTED = {
    "conv1_1": {"kernel": (3, 3, 3, 4), "bias": (4,)},
    "conv1_2": {"kernel": (3, 3, 4, 4), "bias": (4,)},
    "conv2_1": {"kernel": (3, 3, 4, 6), "bias": (6,)},
    "conv2_2": {"kernel": (3, 3, 6, 6), "bias": (6,)},
    "fc6": {"kernel": (24, 8), "bias": (8,)},
    "fc7": {"kernel": (8, 8), "bias": (8,)},
    "fc8": {"kernel": (8, 5), "bias": (5,)},
}
KERAS = {
    "conv1_1": "block1_conv1",
    "conv1_2": "block1_conv2",
    "conv2_1": "block2_conv1",
    "conv2_2": "block2_conv2",
    "fc6": "fc1",
    "fc7": "fc2",
    "fc8": "predictions",
}
KERNEL = "block1_conv1/block1_conv1_W_1:0"  # in the files of `keras_1`
BIAS = "block1_conv1/block1_conv1_b_1:0"
LAST = "predictions/predictions_b_1:0"


def numbers(expected=EXPECTED, seed=0):
    """Random float32 arrays of the expected shapes."""
    rng = np.random.default_rng(seed)
    return {
        row: {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
        for row, shapes in expected.items()
    }


WEIGHTS = numbers()


def without_top(weights=WEIGHTS):
    return {row: tensors for row, tensors in weights.items() if not row.startswith("fc")}


def keras_1(path, weights=WEIGHTS, **options):
    """The layout of the published file: /block1_conv1/block1_conv1_W_1:0, pools among the layers."""
    with h5py.File(path, "w", **options) as f:
        _keras_groups(f, weights, lambda layer: (f"{layer}_W_1:0", f"{layer}_b_1:0"))
    return path


def keras_2(path, weights=WEIGHTS):
    """/block1_conv1/block1_conv1/kernel:0"""
    with h5py.File(path, "w") as f:
        f.attrs["keras_version"], f.attrs["backend"] = b"2.4.0", b"tensorflow"
        _keras_groups(f, weights, lambda layer: (f"{layer}/kernel:0", f"{layer}/bias:0"))
    return path


def keras_whole(path, weights=WEIGHTS, suffix=""):
    """model.save("x.h5"): the groups below /model_weights, and a model_config which nobody may look at."""
    with h5py.File(path, "w") as f:
        f.attrs["model_config"] = '{"class_name": "Lambda", "config": {"function": "__import__(\'os\').abort()"}}'
        _keras_groups(f.create_group("model_weights"), weights, lambda k: (f"{k}/kernel{suffix}", f"{k}/bias{suffix}"))
    return path


def keras_nested(path, weights=WEIGHTS):
    """A VGG used as one layer of another model: all convolutions in one group, the new top beside it."""
    with h5py.File(path, "w") as f:
        f.attrs["layer_names"] = [b"vgg16", b"predictions"]
        inner = []
        for row, tensors in weights.items():
            for name, tensor in tensors.items():
                group = "predictions" if row == "fc8" else "vgg16"
                weight = f"{KERAS[row]}/{name}:0"
                f.create_dataset(f"{group}/{weight}", data=tensor)
                if group == "vgg16":
                    inner.append(weight.encode())
        f["vgg16"].attrs["weight_names"] = inner
        f["predictions"].attrs["weight_names"] = [b"predictions/kernel:0", b"predictions/bias:0"]
    return path


def _keras_groups(root, weights, names):
    layers = ["input_1"]
    for row in weights:
        layers.append(KERAS[row])
        if row in ("conv1_2", "conv2_2"):
            layers.append(KERAS[row][:6] + "_pool")
    root.attrs["layer_names"] = [layer.encode() for layer in layers]
    rows = {KERAS[row]: row for row in weights}
    for layer in layers:
        group = root.create_group(layer)
        tensors = weights[rows[layer]].values() if layer in rows else ()
        group.attrs["weight_names"] = [name.encode() for name, _ in zip(names(layer), tensors, strict=False)]
        for name, tensor in zip(names(layer), tensors, strict=False):
            group.create_dataset(name, data=tensor)


def keras_3(path, weights=WEIGHTS, names=KERAS):
    """x.weights.h5: /layers/conv2d_1/vars/0; with `names`, vars has the attribute `name` (Keras 3.6 and later)."""
    counts = {"conv2d": 0, "dense": 0}
    with h5py.File(path, "w") as f:
        f.create_group("layers/max_pooling2d/vars")
        f.create_group("optimizer/vars").create_dataset("0", data=np.int64(1000))
        for row, tensors in weights.items():
            kind = "conv2d" if tensors["kernel"].ndim == 4 else "dense"
            number, counts[kind] = counts[kind], counts[kind] + 1
            group = f.create_group(f"layers/{kind}_{number}/vars" if number else f"layers/{kind}/vars")
            if names:
                group.attrs["name"] = names[row]
            for k, tensor in enumerate(tensors.values()):
                group.create_dataset(str(k), data=tensor)
    return path


def caffe_npz(path, weights=WEIGHTS, save=np.savez):
    """<layer>/weight and <layer>/bias: OIHW, (out, in), fc6's columns in channel, height, width order."""
    arrays = {}
    for row, tensors in weights.items():
        kernel = tensors["kernel"]
        if kernel.ndim == 4:
            kernel = kernel.transpose(3, 2, 0, 1)
        elif row == "fc6":
            channels = 6  # of conv2_2
            side = round((len(kernel) / channels) ** 0.5)
            kernel = kernel.reshape(side, side, channels, -1).transpose(3, 2, 0, 1).reshape(kernel.shape[::-1])
        else:
            kernel = kernel.T
        arrays[f"{row}/weight"] = np.ascontiguousarray(kernel)
        if "bias" in tensors:
            arrays[f"{row}/bias"] = tensors["bias"]
    with path.open("wb") as f:
        save(f, **arrays)
    return path


def assert_equal(file, weights, rows=None):
    assert file.rows == tuple(weights if rows is None else rows)
    for row in file.rows:
        tensors = file.read(row)
        assert set(tensors) == set(weights[row]) == set(file.shapes[row])
        for name, tensor in tensors.items():
            assert tensor.dtype == np.float32
            assert tensor.shape == file.shapes[row][name]
            np.testing.assert_array_equal(tensor, weights[row][name])
