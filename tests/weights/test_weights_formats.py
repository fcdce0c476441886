"""Files of other programs: the same logits from every layout, the right preprocessing, and no way to run code."""

import pickle
import struct
from dataclasses import replace
from functools import partial

import h5py
import numpy as np
import pytest
from weight_files import (
    EXPECTED,
    TIMM,
    WEIGHTS,
    assert_equal,
    caffe_npz,
    channels_first,
    dump,
    flaxmodels,
    frossard_npz,
    keras_0,
    keras_1,
    keras_2,
    keras_3,
    keras_oihw,
    keras_th,
    keras_whole,
    pickled,
    pickled_tensor,
    pth_old,
    pth_zip,
    safetensors,
    text,
    torch_state,
    whole,
    without_top,
    write_pth_old,
    write_pth_zip,
    write_safetensors,
)

import minivis as mv
from minivis import nets
from minivis.cli import main
from minivis.errors import InputError, WeightFileError
from minivis.nets import Architecture, Net
from minivis.nets.layers import Input, Normalize
from minivis.nets.vgg16 import blocks, classifier
from minivis.weights import Preprocessing, convert, open_weights, sha256_of

CAFFE = Normalize(mean=(103.939, 116.779, 123.68), order="BGR")
TINY = Architecture(
    "tiny_vgg",
    (("input", Input(8)), ("normalize", CAFFE), *blocks([[4] * 2, [6] * 2]), *classifier(hidden=8, classes=5)),
    tuple("abcde"),
    maps="relu2_2",
)
FROSSARD = Preprocessing("RGB", 1.0, (123.68, 116.779, 103.939), (1.0, 1.0, 1.0))
TORCHVISION = Preprocessing("RGB", 1 / 255, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))

# layout -> (writer, what must be said of it, what it says of the preprocessing itself)
FORMATS = {
    "keras-0": (keras_0, None, None),
    "keras-0 of TensorFlow": (partial(keras_0, flipped=False), "keras-oihw", None),
    "keras-th": (keras_th, "keras-th", None),
    "keras-oihw": (keras_oihw, "keras-oihw", None),
    "keras-1": (keras_1, None, None),
    "keras-2": (keras_2, None, None),
    "keras-3": (keras_3, None, None),
    "keras-whole": (keras_whole, None, None),
    "caffe-npz": (caffe_npz, None, None),
    "frossard-npz": (frossard_npz, None, FROSSARD),
    "flaxmodels": (flaxmodels, None, TORCHVISION),
    "torchvision .pth": (pth_zip, None, TORCHVISION),
    "torchvision old .pth": (pth_old, None, TORCHVISION),
    "torchvision .safetensors": (safetensors, None, TORCHVISION),
    "timm .safetensors": (partial(safetensors, names=TIMM), None, TORCHVISION),
}


@pytest.fixture(autouse=True)
def tiny_is_known(monkeypatch, tmp_path):
    monkeypatch.setitem(nets.ARCHITECTURES, "tiny_vgg", TINY)
    monkeypatch.setenv("MINIVIS_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def picture(rng):
    return rng.uniform(0, 255, (2, 8, 8, 3))


def normalised(picture, preprocessing):
    """What the first row must give, in the words of `Preprocessing`."""
    order, scale, mean, std = preprocessing or ("BGR", 1.0, CAFFE.mean, (1.0, 1.0, 1.0))
    return (picture[..., ::-1] if order == "BGR" else picture) * scale / np.array(std) - np.array(mean) / np.array(std)


def logits(net, picture):
    return net.capture(picture, ["fc8"])["fc8"]


def expected_logits(picture, preprocessing):
    """The logits from the right first row on, which no file has a say in."""
    net = Net(TINY, WEIGHTS, dtype="float64")
    return net.capture({"normalize": normalised(picture, preprocessing)}, ["fc8"])["fc8"]


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_same_logits_once_converted(tmp_path, picture, name, capsys):
    """In float64, to 1e-12, through the command line and our own layout."""
    writer, said, preprocessing = FORMATS[name]
    source = writer(tmp_path / "source", WEIGHTS)
    argv = ["weights", "convert", str(source), str(tmp_path / "w.h5"), *(["--layout", said] if said else [])]
    assert main(argv) == 0, capsys.readouterr().err
    net = mv.load(tmp_path / "w.h5", dtype="float64")
    expected = expected_logits(picture, preprocessing)
    assert np.abs(logits(net, picture) - expected).max() <= 1e-12 * np.abs(expected).max()
    said = open_weights(tmp_path / "w.h5").attributes
    assert (said["source"], said["source_sha256"], said["architecture"]) == ("source", sha256_of(source), "tiny_vgg")
    order, scale, mean, std = preprocessing or ("BGR", 1.0, CAFFE.mean, (1.0, 1.0, 1.0))
    assert (said["colour_order"], said["scale"], said["mean"], said["std"]) == (order, scale, [*mean], [*std])


@pytest.mark.parametrize("name", [name for name, (_, said, _) in FORMATS.items() if said is None])
def test_and_loaded_as_it_is(tmp_path, picture, name):
    writer, _, preprocessing = FORMATS[name]
    path = writer(tmp_path / "source", WEIGHTS)
    for net in (mv.load(path, dtype="float64"), mv.load("tiny_vgg", path, dtype="float64")):
        expected = expected_logits(picture, preprocessing)
        assert np.abs(logits(net, picture) - expected).max() <= 1e-12 * np.abs(expected).max()
        again = pickle.loads(pickle.dumps(net))
        np.testing.assert_array_equal(logits(again, picture), logits(net, picture))
        assert again.architecture.normalize == net.architecture.normalize


def test_the_preprocessing_of_the_file_reaches_the_mean_colour(tmp_path):
    assert mv.load(pth_zip(tmp_path / "a")).mean_colour == pytest.approx([123.675, 116.28, 103.53])
    assert mv.load(keras_1(tmp_path / "b")).mean_colour == pytest.approx([123.68, 116.779, 103.939])
    assert mv.load(frossard_npz(tmp_path / "c")).mean_colour == pytest.approx([123.68, 116.779, 103.939])
    assert mv.load(keras_1(tmp_path / "d")).architecture is TINY


def test_the_mean_is_not_to_be_folded_into_the_first_kernels(picture):
    """Zeros are padded after the mean is taken off: folded in, the border comes out otherwise."""
    net = Net(replace(TINY, table=(TINY.table[0], ("normalize", Normalize(mean=(9.0,) * 3)), *TINY.table[2:])), WEIGHTS)
    kernel, bias = WEIGHTS["conv1_1"]["kernel"], WEIGHTS["conv1_1"]["bias"]
    folded = WEIGHTS | {"conv1_1": {"kernel": kernel, "bias": bias - 9 * kernel.sum((0, 1, 2))}}
    plain = replace(TINY, table=(TINY.table[0], ("normalize", Normalize(mean=(0.0,) * 3)), *TINY.table[2:]))
    right = net.capture(picture.astype("f4"), ["conv1_1"])["conv1_1"]
    wrong = Net(plain, folded).capture(picture.astype("f4"), ["conv1_1"])["conv1_1"]
    np.testing.assert_allclose(wrong[:, 1:-1, 1:-1], right[:, 1:-1, 1:-1], rtol=1e-3, atol=1e-2)
    assert np.abs(wrong - right)[:, 0].max() > 1


def test_a_mean_that_does_not_fit_the_net(tmp_path):
    attributes = {"architecture": "tiny_vgg", "colour_order": "grey", "mean": [1.0]}
    mv.weights.save_weights(tmp_path / "w.h5", WEIGHTS, attributes=attributes)
    with pytest.raises(WeightFileError, match="its mean has 1 numbers for grey; tiny_vgg takes 3"):
        mv.load(tmp_path / "w.h5")


@pytest.mark.parametrize("said", [["vgg16"], 3.0])
def test_an_architecture_that_is_no_name(tmp_path, said):
    mv.weights.save_weights(tmp_path / "w.h5", WEIGHTS, attributes={"architecture": said})
    assert mv.load(tmp_path / "w.h5").architecture is TINY


# -- channels first ------------------------------------------------------------------------------------------------


def test_flipped_and_unflipped_kernels_are_not_told_apart_by_guessing(tmp_path, picture):
    for writer in (keras_th, keras_oihw):
        path = writer(tmp_path / writer.__name__)
        with pytest.raises(WeightFileError, match=r"looks like OIHW.*--layout keras-th.*--layout keras-oihw"):
            open_weights(path, EXPECTED)
        files = [open_weights(path, EXPECTED, layout=layout) for layout in ("keras-th", "keras-oihw")]
        right, wrong = files if writer is keras_th else files[::-1]
        assert_equal(right, WEIGHTS)
        assert right.layout == writer.__name__.replace("_", "-")
        assert not np.array_equal(wrong.read("conv1_1")["kernel"], WEIGHTS["conv1_1"]["kernel"])
        difference = logits(Net(TINY, right, dtype="f8"), picture) - logits(Net(TINY, wrong, dtype="f8"), picture)
        assert np.abs(difference).max() > 1  # nothing but a picture shows it


def test_the_first_dense_layer_of_channels_first_reads_another_order(tmp_path):
    """Row (i, j, c) of ours is row c * 4 + i * 2 + j of the file's."""
    path = keras_th(tmp_path / "w")
    ours = open_weights(path, layout="keras-th").read("fc6")["kernel"]
    with h5py.File(path) as f:
        theirs = f["fc1/fc1_W_1:0"][:]
    for i, j, c in [(0, 0, 0), (0, 1, 0), (1, 0, 3), (1, 1, 5)]:
        np.testing.assert_array_equal(ours[(i * 2 + j) * 6 + c], theirs[c * 4 + i * 2 + j])


@pytest.mark.parametrize(("flipped", "layout"), [(True, "keras-th"), (False, "keras-oihw")])
def test_the_published_vgg16_is_known_by_its_first_kernels(tmp_path, flipped, layout):
    kernel = np.random.default_rng(0).standard_normal((3, 3, 3, 64)).astype("f4")
    kernel[0, 0, 0, 0] = np.float32(0.42947057)
    weights = {"conv1_1": {"kernel": kernel, "bias": np.zeros(64, "f4")}}
    file = open_weights(keras_th(tmp_path / "w", weights, flipped))
    assert file.layout == layout
    assert_equal(file, weights)


def test_the_real_kernels_in_theanos_order(tmp_path, shared):
    """The published VGG16, written as Theano's file has it, sees a photograph as before."""
    path = shared / "weights" / "vgg16_blocks1-3_tf_dim_ordering_tf_kernels_notop.h5"
    file = open_weights(path)
    there = {row: file.read(row) for row in ("conv1_1", "conv1_2")}
    with h5py.File(tmp_path / "th.h5", "w") as f:
        f.attrs["layer_names"] = np.array([b"block1_conv1", b"block1_conv2"])
        for row, tensors in there.items():
            layer = f"block1_conv{row[-1]}"
            turned = channels_first(row, tensors, True)
            f[f"{layer}/{layer}_W:0"], f[f"{layer}/{layer}_b:0"] = turned["kernel"], turned["bias"]
    photo = mv.load("vgg16", path).picture(shared / "images" / "kitten.jpg", 64)
    maps = [mv.load("vgg16", p).capture(photo, ["relu1_2"])["relu1_2"] for p in (path, tmp_path / "th.h5")]
    np.testing.assert_array_equal(*maps)


def test_a_layout_that_is_not_to_be_said(tmp_path):
    with pytest.raises(InputError, match="layout must be one of keras-th, keras-oihw"):
        open_weights(keras_1(tmp_path / "w"), layout="keras-2")
    for writer in (caffe_npz, flaxmodels, pth_zip):
        with pytest.raises(WeightFileError, match="layout 'keras-th' was asked for; this is"):
            open_weights(writer(tmp_path / writer.__name__), layout="keras-th")
    with pytest.raises(WeightFileError, match=r"expected \(3, 3, 3, 4\), found"):
        open_weights(keras_1(tmp_path / "w", without_top()), EXPECTED, layout="keras-th")


def test_verify_takes_the_layout_too(tmp_path, capsys):
    path = str(keras_th(tmp_path / "w"))
    assert main(["weights", "verify", path]) == 2
    assert "looks like OIHW" in capsys.readouterr().err
    assert main(["weights", "verify", path, "--layout", "keras-th"]) == 0
    assert "loads   yes, as tiny_vgg" in capsys.readouterr().out


# -- PyTorch -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("write", [pth_zip, pth_old, safetensors])
def test_without_the_dense_layers(tmp_path, write):
    assert_equal(open_weights(write(tmp_path / "w", without_top()), EXPECTED), without_top())


def test_names_that_python_2_wrote_and_parameters(tmp_path):
    """Old files: bytes for text, OrderedDict made from a list of pairs, Parameters in place of tensors."""
    state = torch_state()
    table = b"\x80\x02ccollections\nOrderedDict\n]("
    for k, (name, array) in enumerate(state.items()):
        tensor = pickled_tensor(str(k), array.shape, rebuild="_rebuild_tensor")
        parameter = b"ctorch.nn.parameter\nParameter\n" + tensor + b"\x85R(\x88\x89}tb"
        table += b"](U" + bytes([len(name)]) + name.encode() + parameter + b"e"
    table += b"e\x85R."
    path = write_pth_old(tmp_path / "w", table, {str(k): a.tobytes() for k, a in enumerate(state.values())})
    assert_equal(open_weights(path, EXPECTED), WEIGHTS)


@pytest.mark.parametrize(("dtype", "kind"), [("<f8", "DoubleStorage"), ("<f2", "HalfStorage")])
def test_other_precisions(tmp_path, dtype, kind):
    weights = {row: {name: t.astype(dtype) for name, t in tensors.items()} for row, tensors in WEIGHTS.items()}
    state = torch_state(weights)
    tensors = {name: pickled_tensor(str(k), a.shape, kind=kind) for k, (name, a) in enumerate(state.items())}
    table, storages = pickled(state, tensors=tensors)
    paths = [
        write_pth_zip(tmp_path / "new", table, storages),
        write_pth_old(tmp_path / "old", table, storages, np.dtype(dtype).itemsize),
        write_safetensors(tmp_path / "safe", state),
    ]
    for path in paths:
        file = open_weights(path, EXPECTED)
        for row, tensors in weights.items():
            for name, tensor in tensors.items():
                np.testing.assert_array_equal(file.read(row, dtype="f8")[name], tensor.astype("f8"))
                np.testing.assert_array_equal(file.read(row)[name], tensor.astype("f4"))


@pytest.mark.parametrize("write", [write_safetensors, lambda p, s: np.savez(p.open("wb"), **s)])
def test_what_float32_cannot_hold_is_found_without_a_warning(tmp_path, write):
    state = {"features.0.weight": np.full((4, 3, 3, 3), 1e39), "features.0.bias": np.zeros(4)}
    if write is not write_safetensors:
        state = {"conv1_1/weight": state["features.0.weight"], "conv1_1/bias": state["features.0.bias"]}
    write(tmp_path / "w", state)
    with pytest.raises(WeightFileError, match=r"kernel\[0, 0, 0, 0\] is inf"):
        open_weights(tmp_path / "w").read("conv1_1")


def test_batch_normalisation_is_not_left_out(tmp_path):
    """vgg16_bn has the same convolutions and would load with wrong results."""
    state = torch_state() | {"features.1.running_mean": np.zeros(4, "f4")}
    with pytest.raises(WeightFileError, match="has batch normalisation"):
        open_weights(write_safetensors(tmp_path / "w", state))


@pytest.mark.parametrize("name", ["features.3.squeeze", "layer1.0.conv1", "features.0.conv", "features.1", "aux.fc"])
def test_other_networks_are_not_taken_for_vgg(tmp_path, name):
    state = torch_state(without_top()) | {f"{name}.weight": np.ones((4, 4, 1, 1), "f4")}
    with pytest.raises(WeightFileError, match="a layout that minivis does not read"):
        open_weights(write_safetensors(tmp_path / "w", state))


def test_a_dense_layer_that_fits_no_map(tmp_path):
    state = torch_state() | {"classifier.0.weight": np.ones((8, 23), "f4")}
    with pytest.raises(WeightFileError, match="reads 23 numbers, which is no square map of the 6 channels"):
        open_weights(write_safetensors(tmp_path / "w", state))


def test_converting_again_keeps_the_first_source_and_preprocessing(tmp_path):
    once = convert(pth_zip(tmp_path / "vgg.pth"), tmp_path / "once.h5", EXPECTED)
    twice = convert(once, tmp_path / "twice.h5")
    assert open_weights(twice).attributes == open_weights(once).attributes
    assert open_weights(twice).preprocessing == TORCHVISION


# -- what a pickle may not do --------------------------------------------------------------------------------------


class Payload:
    """A pickle that leaves a trace where it is executed."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def refused(path, *words):
    with pytest.raises(WeightFileError) as caught:
        open_weights(path, EXPECTED)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert all(word in message for word in words), message
    assert "\n" not in message


def both(tmp_path, table, storages, *words):
    refused(write_pth_zip(tmp_path / "new.pth", table, storages), *words)
    refused(write_pth_old(tmp_path / "old.pth", table, storages), *words)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_pickle_that_would_run_code(tmp_path, protocol):
    table = pickle.dumps({"features.0.weight": Payload(tmp_path / "executed")}, protocol)
    both(tmp_path, table, {}, "'io open', which is refused, and nothing was run")
    assert not (tmp_path / "executed").exists()


def test_every_pickle_of_the_old_format_is_read_as_data(tmp_path):
    bomb = dump(Payload(tmp_path / "executed"))
    good = pth_old(tmp_path / "w").read_bytes()
    machine = dump({"protocol_version": 1001, "little_endian": True})
    keys = dump([str(k) for k in range(14)])
    for part in (machine, keys):
        assert part in good
        path = tmp_path / "bad"
        path.write_bytes(good.replace(part, bomb))
        refused(path, "'io open', which is refused")
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    ("opcodes", "words"),
    [
        (b"cos\nsystem\n(" + text("true") + b"tR", "'os system'"),
        (b"cbuiltins\neval\n", "'builtins eval'"),
        (b"ctorch._utils\n_rebuild_tensor_v3\n", "_rebuild_tensor_v3"),
        (b"ctorch\nUntypedStorage\n", "UntypedStorage"),
        (b"(ios\nsystem\n", "INST"),
        (b"(" + text("true") + b"o", "OBJ"),
        (b"\x82\x01", "EXT1"),
        (b"P0\n", "PERSID"),
        (b"(dp0\n", "DICT"),
        (b"\x81", "NEWOBJ"),
        (b"\x8b" + struct.pack("<I", 1 << 30), "cannot be read"),
        (b"r" + struct.pack("<I", 1 << 31) * 2, "cannot be read"),
        (b"B" + struct.pack("<I", 1 << 31), "cannot be read"),
        (b"h\x09", "cannot be read"),
        (b"R", "cannot be read"),
        (b"ccollections\nOrderedDict\n(K\x01K\x02tR", "cannot be read"),
        (b"ccollections\nOrderedDict\n]K\x01a\x85R", "no pair"),
        (b"ctorch\nFloatStorage\n)R", "cannot be read"),
        (b"ctorch._utils\n_rebuild_tensor\n)R", "cannot be read"),
        (b"ctorch._utils\n_rebuild_tensor\n(NK\x00))tR", "not described by a storage"),
        (b"ctorch.nn.parameter\nParameter\nN\x85R", "no tensor"),
        (b"}}K\x01s", "a dict as the key"),
        (b"}))s", "a tuple as the key"),
        (b"}(K\x01u", "a key without a value"),
        (b"]K\x01K\x02s", "cannot be read"),
        (b"NK\x01a", "a NoneType where a list must be"),
        (b"NQ", "a NoneType where a tuple must be"),
        (b"(" + text("module") + b"ctorch\nFloatStorage\n" + text("0") + text("cpu") + whole(1) + b"tQ", "storage of"),
        (
            b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text("0") + text("cpu") + whole(-1) + b"tQ",
            "storage of",
        ),
        (b"\x8c\x02os\x8c\x06system\x93", "'os system'"),
        (b"K\x01K\x02\x93", "a int where a str must be"),
        (b"\x8a\xff" + b"\x7f" * 255, "a whole number of unreasonable size"),
    ],
    ids=repr,
)
def test_what_a_table_of_tensors_does_not_need_is_refused(tmp_path, opcodes, words):
    both(tmp_path, b"\x80\x02" + opcodes + b".", {}, words)


def test_nested_tuples_as_a_key_cost_nothing(tmp_path):
    """Their hash takes 2**60 steps, as the hash of a tuple is not remembered."""
    table = b"\x80\x02}K\x00" + b"q\x01h\x01\x86" * 60 + b"K\x01s."
    both(tmp_path, table, {}, "a tuple as the key of a dict")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({}, "a dict with none"),
        ([1], "a list"),
        (3, "a int"),
        ({"epoch": 1}, "a dict with 'epoch'"),
        ({1: 2}, "with 1"),
    ],
)
def test_a_pickle_without_tensors(tmp_path, value, words):
    both(tmp_path, dump(value), {}, "expected tensors by name", words)


STATE = torch_state()
NAME = "features.0.bias"  # (4,), the second tensor


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"numbers": 1 << 28}, ["not all of its storage", "268435456 numbers"]),
        ({"shape": (1 << 29,)}, ["a tensor may have"]),
        ({"shape": (1 << 30,) * 2}, ["a tensor may have"]),
        ({"shape": (1,) * 9}, ["a tensor of 9 axes"]),
        ({"shape": ()}, ["at least one number"]),
        ({"shape": (0,)}, ["at least one number"]),
        ({"shape": (-4,)}, ["at least one number"]),
        ({"shape": (-2, -2)}, ["at least one number"]),
        ({"offset": -1}, ["at -1 is not all of its storage"]),
        ({"offset": 1}, ["at 1 is not all of its storage"]),
        ({"strides": (0,)}, ["strides (0,)", "save tensor.clone("]),
        ({"strides": (-1,)}, ["strides (-1,)"]),
        ({"strides": (2,)}, ["strides (2,)"]),
        ({"strides": (1, 1)}, ["strides (1, 1)"]),
        ({"strides": ()}, ["strides ()"]),
        ({"shape": (2, 2), "strides": (1, 2)}, ["strides (1, 2)"]),
        ({"kind": "LongStorage"}, ["expected floats of 2, 4 or 8 bytes, found Long"]),
        ({"kind": "BFloat16Storage"}, ["found BFloat16"]),
        ({"kind": "BoolStorage"}, ["found Bool"]),
    ],
    ids=repr,
)
def test_a_tensor_that_is_not_what_it_says(tmp_path, options, words):
    tensor = pickled_tensor("1", **({"shape": (4,), "numbers": 4} | options))
    table, storages = pickled(STATE, tensors={NAME: tensor})
    refused(write_pth_zip(tmp_path / "w", table, storages), "features.0.bias", *words)
    if options.get("numbers"):
        storages = storages | {"1": b""}
    path = write_pth_old(tmp_path / "old", table, storages)
    with pytest.raises(WeightFileError):
        open_weights(path, EXPECTED)


def test_two_types_for_one_storage(tmp_path):
    tensor = pickled_tensor("0", (4,), kind="DoubleStorage")
    table, storages = pickled(STATE, tensors={NAME: tensor})
    both(tmp_path, table, storages, "two storages of the name '0'")


def test_the_storages_of_a_zip(tmp_path):
    table, storages = pickled(STATE)
    path = tmp_path / "w"
    refused(write_pth_zip(path, table, storages | {"1": b"four"}), "shape (4,) needs 16 bytes", "has 4")
    del storages["1"]
    refused(write_pth_zip(path, table, storages), "'archive/data/1' has 0")
    refused(write_pth_zip(path, table, storages, {"archive/byteorder2": b"", "other/data.pkl": table}), "expected one")
    good = write_pth_zip(tmp_path / "good", table, storages).read_bytes()
    path.write_bytes(good.replace(b"little", b"biglit"))  # the CRC is wrong too, and seen first
    refused(path, "CRC")


def test_a_storage_that_points_out_of_its_folder(tmp_path):
    tensor = pickled_tensor("../../../etc/hostname", (4,))
    table, storages = pickled(STATE, tensors={NAME: tensor})
    refused(write_pth_zip(tmp_path / "w", table, storages), "has 0")


def test_old_files_that_are_cut_or_damaged(tmp_path):
    good = pth_old(tmp_path / "good").read_bytes()
    path = tmp_path / "w"
    for kept in (20, 40, 300, 2000, len(good) - 100, len(good) - 1):
        path.write_bytes(good[:kept])
        with pytest.raises(WeightFileError):
            open_weights(path, EXPECTED)
    path.write_bytes(good[:-1])
    refused(path, f"truncated: {len(good) - 1} of {len(good)} bytes")
    path.write_bytes(good.replace(b"M\xe9\x03.", b"M\xe8\x03.", 1))
    refused(path, "protocol 1000 of PyTorch's old format; expected 1001")
    path.write_bytes(good.replace(b"little_endianq\x02\x88", b"little_endianq\x02\x89", 1))
    refused(path, "big-endian")
    bias = struct.pack("<q", 4) + STATE[NAME].tobytes()
    path.write_bytes(good.replace(bias, struct.pack("<q", -4) + bias[8:]))
    refused(path, "storage '1' has 18446744073709551612, not 4 numbers")
    path.write_bytes(good.replace(dump([str(k) for k in range(14)]), dump([str(k) for k in range(13)])))
    refused(path, "its list of storages does not fit")


# -- safetensors ---------------------------------------------------------------------------------------------------


def raw_safetensors(path, table, data=b"", length=None):
    path.write_bytes(struct.pack("<Q", len(table) if length is None else length) + table + data)
    return path


@pytest.mark.parametrize(
    ("table", "data", "words"),
    [
        (b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}', bytes(8), "cannot be read"),
        (b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}', bytes(7), "truncated: 69 bytes are there, 70"),
        (b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}', bytes(9), "goes on after its last tensor"),
        (b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[1,9]}}', bytes(9), "expected from 0 on"),
        (b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}', b"", "lies at 8 to 0"),
        (b'{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}', bytes(8), "needs 12 bytes, 8 are there"),
        (b'{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}', bytes(8), "whole numbers from 0 on"),
        (b'{"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}}', bytes(8), "whole numbers from 0 on"),
        (b'{"a":{"dtype":"F32","shape":[true],"data_offsets":[0,4]}}', bytes(4), "whole numbers from 0 on"),
        (b'{"a":{"dtype":"F32","shape":[NaN],"data_offsets":[0,4]}}', bytes(4), "whole numbers from 0 on"),
        (b'{"a":{"dtype":"F32","shape":2,"data_offsets":[0,8]}}', bytes(8), "whole numbers from 0 on"),
        (b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4,8]}}', bytes(8), "whole numbers from 0 on"),
        (b'{"a":{"dtype":"F32","shape":[2]}}', bytes(8), "whole numbers from 0 on"),
        (b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"file":"b"}}', bytes(8), "whole numbers from 0 on"),
        (b'{"a":[1]}', b"", "whole numbers from 0 on"),
        (b'{"a":{"dtype":"F32","dtype":"F64","shape":[2],"data_offsets":[0,8]}}', bytes(8), "a name twice"),
        (b'{"__metadata__":{}}', b"", "there are no tensors in it"),
        (b"{}", b"", "there are no tensors in it"),
        (b'{"a":{"dtype":"F32","shape":[' + b"9" * 5000 + b'],"data_offsets":[0,8]}}', bytes(8), "cannot be read"),
        (b'{"a":' + b"[" * 100_000, b"", "cannot be read"),
        (b'{"\xff":1}', b"", "cannot be read"),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_tables_of_safetensors(tmp_path, table, data, words):
    table = table.replace(b'"a"', b'"features.0.weight"')
    refused(raw_safetensors(tmp_path / "w", table, data), words.replace("69", "85").replace("70", "86"))


@pytest.mark.parametrize(
    ("dtype", "size"), [("BF16", 2), ("I64", 8), ("BOOL", 1), ("F8_E4M3", 1), ("C64", 8), ("f32", 4), ("", 1)]
)
def test_numbers_that_are_no_floats(tmp_path, dtype, size):
    table = f'{{"features.0.weight":{{"dtype":"{dtype}","shape":[4],"data_offsets":[0,{4 * size}]}}}}'.encode()
    refused(raw_safetensors(tmp_path / "w", table, bytes(4 * size)), "expected F16, F32, F64, found", repr(dtype))


def test_overlapping_tensors(tmp_path):
    entry = '"features.{}.{}":{{"dtype":"F32","shape":[4],"data_offsets":[{},{}]}}'
    table = "{" + ",".join([entry.format(0, "weight", 0, 16), entry.format(0, "bias", 8, 24)]) + "}"
    refused(raw_safetensors(tmp_path / "w", table.encode(), bytes(24)), "lies at 8 to 24, expected from 16 on")


def test_lengths_of_the_table(tmp_path):
    refused(raw_safetensors(tmp_path / "w", b"{" + bytes(50), b"", 1 << 39), "a table of 549755813888 bytes; at most")
    refused(raw_safetensors(tmp_path / "w", b"{}", b"", 100), "truncated: 10 of 108 bytes or more")
    refused(raw_safetensors(tmp_path / "w", b"{}", b"", 1 << 40), "is neither HDF5 nor .npz, nor .safetensors or .pth")


def test_too_many_tensors(tmp_path):
    state = {f"features.{k}.bias": np.ones(1, "f4") for k in range(5000)}
    refused(write_safetensors(tmp_path / "w", state), "at most 4096 tensors")


# -- against the libraries that write these files ------------------------------------------------------------------


@pytest.mark.verify
@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("parameters", [True, False])
def test_what_pytorch_saves(tmp_path, picture, zipped, parameters):
    """A VGG in PyTorch, its file in minivis: the same logits, preprocessing included."""
    torch = pytest.importorskip("torch")
    from torch import nn

    net = nn.Module()
    steps = [nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    steps += [nn.Conv2d(4, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    net.features = nn.Sequential(*steps)
    dense = [nn.Linear(24, 8), nn.ReLU(), nn.Dropout(), nn.Linear(8, 8), nn.ReLU(), nn.Dropout(), nn.Linear(8, 5)]
    net.classifier = nn.Sequential(*dense)
    state = dict(net.named_parameters()) if parameters else net.state_dict()
    torch.save(state, tmp_path / "w.pth", _use_new_zipfile_serialization=zipped)
    loaded = mv.load(tmp_path / "w.pth", dtype="float64")
    net = net.double().eval()
    x = torch.from_numpy(picture.transpose(0, 3, 1, 2)) / 255
    mean, std = (torch.tensor(v, dtype=torch.float64)[:, None, None] for v in (TORCHVISION.mean, TORCHVISION.std))
    theirs = net.classifier(net.features((x - mean) / std).flatten(1)).detach().numpy()
    assert np.abs(logits(loaded, picture) - theirs).max() <= 1e-12 * np.abs(theirs).max()
    torch.save(net, tmp_path / "whole.pth", _use_new_zipfile_serialization=zipped)
    refused(tmp_path / "whole.pth", "which is refused, and nothing was run", "torch.save(model.state_dict(), path)")


@pytest.mark.verify
def test_what_pytorch_saves_of_other_kinds(tmp_path):
    torch = pytest.importorskip("torch")
    state = {name: torch.from_numpy(array.copy()) for name, array in STATE.items()}
    views = state | {NAME: torch.arange(9.0)[1:5]}
    torch.save(views, tmp_path / "view.pth")
    refused(tmp_path / "view.pth", "is not all of its storage")
    turned = state | {"features.2.weight": torch.ones(4, 3, 3, 4).permute(0, 3, 1, 2)}
    torch.save(turned, tmp_path / "turned.pth")
    refused(tmp_path / "turned.pth", "is not all of its storage")
    for dtype, name in [(torch.bfloat16, "BFloat16"), (torch.int64, "Long"), (torch.uint8, "Byte")]:
        torch.save(state | {NAME: torch.ones(4, dtype=dtype)}, tmp_path / "w.pth")
        refused(tmp_path / "w.pth", f"found {name}")
    torch.save({k: v.half() for k, v in state.items()}, tmp_path / "half.pth", pickle_protocol=4)
    assert open_weights(tmp_path / "half.pth", EXPECTED).layout == "torch-vgg"
    torch.save({"state_dict": state, "epoch": 3}, tmp_path / "checkpoint.pth")
    refused(tmp_path / "checkpoint.pth", "a dict with 'state_dict', 'epoch'")
