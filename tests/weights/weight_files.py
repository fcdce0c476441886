"""Tiny weight files, one writer per layout. All hold the same numbers, so all must load equal."""

import json
import pickle
import struct
import zipfile

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


def keras_0(path, weights=WEIGHTS, flipped=True):
    """Keras 0.x: /layer_1/param_0, counting padding, pools and dropout; OIHW, flipped; fc6's rows channels first."""
    with h5py.File(path, "w") as f:
        number = 0
        for row, tensors in weights.items():
            for skipped in range(1 if row.startswith("conv") else 2):  # padding; dropout and flatten
                f.create_group(f"layer_{number + skipped}").attrs["nb_params"] = 0
            number += 1 if row.startswith("conv") else 2
            group = f.create_group(f"layer_{number}")
            group.attrs["nb_params"] = len(tensors)
            for k, tensor in enumerate(channels_first(row, tensors, flipped).values()):
                group.create_dataset(f"param_{k}", data=tensor)
            number += 1
        f.attrs["nb_layers"] = number
    return path


def keras_th(path, weights=WEIGHTS, flipped=True):
    """The groups of `keras_1`, with the kernels and fc6 of channels first."""
    return keras_1(path, {row: channels_first(row, tensors, flipped) for row, tensors in weights.items()})


def keras_oihw(path, weights=WEIGHTS):
    return keras_th(path, weights, flipped=False)


def channels_first(row, tensors, flipped):
    """Kernels OIHW, turned by half a turn if `flipped`; the rows of fc6 from height, width, channel to c, h, w."""
    kernel = tensors["kernel"]
    if kernel.ndim == 4:
        kernel = kernel.transpose(3, 2, 0, 1)
        kernel = kernel[:, :, ::-1, ::-1] if flipped else kernel
    elif row == "fc6":
        kernel = kernel.reshape(2, 2, 6, -1).transpose(2, 0, 1, 3).reshape(kernel.shape)
    return tensors | {"kernel": np.ascontiguousarray(kernel)}


def frossard_npz(path, weights=WEIGHTS):
    """conv1_1_W, conv1_1_b, ...: our layout."""
    names = {"kernel": "W", "bias": "b"}
    with path.open("wb") as f:
        np.savez(f, **{f"{row}_{names[n]}": t for row, tensors in weights.items() for n, t in tensors.items()})
    return path


def flaxmodels(path, weights=WEIGHTS):
    """/conv1_1/weight HWIO; /fc6/weight (in, out) with its rows channels first."""
    with h5py.File(path, "w") as f:
        for row, tensors in weights.items():
            kernel = tensors["kernel"] if row != "fc6" else channels_first(row, tensors, False)["kernel"]
            f[f"{row}/weight"] = kernel
            if "bias" in tensors:
                f[f"{row}/bias"] = tensors["bias"]
    return path


TORCH = {
    "conv1_1": "features.0",
    "conv1_2": "features.2",
    "conv2_1": "features.5",
    "conv2_2": "features.7",
    "fc6": "classifier.0",
    "fc7": "classifier.3",
    "fc8": "classifier.6",
}
TIMM = TORCH | {"fc6": "pre_logits.fc1", "fc7": "pre_logits.fc2", "fc8": "head.fc"}


def torch_state(weights=WEIGHTS, names=TORCH):
    """What PyTorch's state_dict() holds, by name: OIHW, (out, in), fc6's columns in channel, height, width order."""
    state = {}
    for row, tensors in weights.items():
        kernel = channels_first(row, tensors, False)["kernel"]
        if kernel.ndim == 2:
            kernel = kernel.T
            if names is TIMM and row != "fc8":
                side = 2 if row == "fc6" else 1
                kernel = kernel.reshape(len(kernel), -1, side, side)
        state[f"{names[row]}.weight"] = np.ascontiguousarray(kernel)
        if "bias" in tensors:
            state[f"{names[row]}.bias"] = tensors["bias"]
    return state


def safetensors(path, weights=WEIGHTS, names=TORCH):
    return write_safetensors(path, torch_state(weights, names))


def write_safetensors(path, state, metadata=None):
    table, data = {"__metadata__": metadata or {"format": "pt"}}, b""
    for name, array in state.items():
        end = len(data) + array.nbytes
        kind = f"F{8 * array.itemsize}"
        table[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [len(data), end]}
        data += array.tobytes()
    text = json.dumps(table).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def pth_zip(path, weights=WEIGHTS, names=TORCH):
    """torch.save since PyTorch 1.6, written by hand."""
    return write_pth_zip(path, *pickled(torch_state(weights, names)))


def write_pth_zip(path, table, storages, extra=None):
    with zipfile.ZipFile(path, "w") as z:
        z.writestr("archive/data.pkl", table)
        z.writestr("archive/byteorder", b"little")
        for key, data in storages.items():
            z.writestr(f"archive/data/{key}", data)
        for name, data in (extra or {"archive/version": b"3\n"}).items():
            z.writestr(name, data)
    return path


def pth_old(path, weights=WEIGHTS, names=TORCH):
    """torch.save before PyTorch 1.6, written by hand."""
    return write_pth_old(path, *pickled(torch_state(weights, names), rebuild="_rebuild_tensor"))


def write_pth_old(path, table, storages, itemsize=4):
    keys = dump(list(storages))
    parts = [MAGIC, dump(1001), dump({"protocol_version": 1001, "little_endian": True}), table, keys]
    for data in storages.values():
        parts += [struct.pack("<q", len(data) // itemsize), data]
    path.write_bytes(b"".join(parts))
    return path


MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."


def dump(value):
    return pickle.dumps(value, protocol=2)


def text(value):
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def whole(value):
    return b"J" + struct.pack("<i", value)


def pair(values):
    return b"(" + b"".join(whole(value) for value in values) + b"t"


def pickled_tensor(key, shape, numbers=None, offset=0, strides=None, kind="FloatStorage", rebuild="_rebuild_tensor_v2"):
    """The opcodes of one tensor, as pickletools shows them of a file by torch.save."""
    if strides is None:
        strides = [int(np.prod(shape[k + 1 :])) for k in range(len(shape))]
    numbers = int(np.prod(shape)) if numbers is None else numbers
    storage = b"(" + text("storage") + f"ctorch\n{kind}\n".encode() + text(key) + text("cpu") + whole(numbers) + b"tQ"
    rest = b"\x89ccollections\nOrderedDict\n)R" if rebuild.endswith("v2") else b""
    head = f"ctorch._utils\n{rebuild}\n(".encode()
    return head + storage + whole(offset) + pair(shape) + pair(strides) + rest + b"tR"


def pickled(state, rebuild="_rebuild_tensor_v2", tensors=None):
    """The pickle of a state_dict of float32 arrays, and the bytes of its storages by key."""
    storages = {str(k): array.tobytes() for k, array in enumerate(state.values())}
    items = b""
    for k, (name, array) in enumerate(state.items()):
        made = (tensors or {}).get(name) or pickled_tensor(str(k), array.shape, rebuild=rebuild)
        items += text(name) + made
    metadata = b"}(" + text("_metadata") + b"}" + b"ub"
    return b"\x80\x02ccollections\nOrderedDict\nq\x00)Rq\x01(" + items + b"u" + metadata + b".", storages


def assert_equal(file, weights, rows=None):
    assert file.rows == tuple(weights if rows is None else rows)
    for row in file.rows:
        tensors = file.read(row)
        assert set(tensors) == set(weights[row]) == set(file.shapes[row])
        for name, tensor in tensors.items():
            assert tensor.dtype == np.float32
            assert tensor.shape == file.shapes[row][name]
            np.testing.assert_array_equal(tensor, weights[row][name])
