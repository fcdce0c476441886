"""One synthetic file per layout, all with the same numbers; then the traps of each layout, and the real files."""

import os
import pickle
import subprocess
import sys
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import pytest
from weight_files import (
    BIAS,
    EXPECTED,
    KERAS,
    KERNEL,
    TIMM,
    WEIGHTS,
    assert_equal,
    caffe_npz,
    flaxmodels,
    frossard_npz,
    keras_0,
    keras_1,
    keras_2,
    keras_3,
    keras_nested,
    keras_whole,
    numbers,
    pth_old,
    pth_zip,
    safetensors,
    without_top,
)

from minivis.errors import InputError, WeightFileError
from minivis.weights import Preprocessing, open_weights, save_weights
from minivis.weights.reading import first_not_finite

ROOT = Path(__file__).parents[2]
WRITERS = {
    "keras-1": keras_1,
    "keras-1, user block": partial(keras_1, userblock_size=512),
    "keras-1, latest": partial(keras_1, libver="latest"),
    "keras-2": keras_2,
    "keras-2, nested": keras_nested,
    "keras-whole": keras_whole,
    "keras-whole, Keras 2": partial(keras_whole, suffix=":0"),
    "keras-3": keras_3,
    "keras-3, before 3.6": partial(keras_3, names=None),
    "caffe-npz": caffe_npz,
    "caffe-npz, compressed": partial(caffe_npz, save=np.savez_compressed),
    "keras-0": keras_0,
    "frossard-npz": frossard_npz,
    "flaxmodels": flaxmodels,
    "torch-vgg, .pth": pth_zip,
    "torch-vgg, old .pth": pth_old,
    "torch-vgg, .safetensors": safetensors,
    "torch-vgg, timm": partial(safetensors, names=TIMM),
    "minivis": save_weights,
}


@pytest.mark.parametrize("writer", WRITERS)
def test_every_layout_gives_the_same_arrays(tmp_path, writer):
    file = open_weights(WRITERS[writer](tmp_path / "w", WEIGHTS), EXPECTED)
    assert file.layout == writer.split(",")[0]
    assert file.ignored == ()
    assert_equal(file, WEIGHTS)


@pytest.mark.parametrize("writer", [w for w in WRITERS if not w.startswith(("keras-3", "keras-0"))])
def test_without_expected_the_rows_have_their_names_and_order(tmp_path, writer):
    file = open_weights(WRITERS[writer](tmp_path / "w", WEIGHTS))
    assert_equal(file, WEIGHTS)
    assert list(file.read("fc6")) == ["kernel", "bias"]


@pytest.mark.parametrize("writer", [w for w in WRITERS if "nested" not in w])
def test_45_last_rows_may_be_missing(tmp_path, writer):
    file = open_weights(WRITERS[writer](tmp_path / "w", without_top()), EXPECTED)
    assert_equal(file, without_top())


NUMBERED = ("keras-0", "keras-3", "torch-vgg")  # their layers have numbers, and no names that could be missed


@pytest.mark.parametrize("writer", [w for w in WRITERS if "nested" not in w and not w.startswith(NUMBERED)])
def test_45_a_row_missing_in_the_middle_is_named(tmp_path, writer):
    weights = {row: tensors for row, tensors in WEIGHTS.items() if row != "conv2_1"}
    with pytest.raises(WeightFileError, match="missing rows: 'conv2_1'; it has 'conv1_1', 'conv1_2', 'conv2_2'"):
        open_weights(WRITERS[writer](tmp_path / "w", weights), EXPECTED)


@pytest.mark.parametrize("writer", WRITERS)
def test_a_wrong_shape_says_expected_and_found(tmp_path, writer):
    expected = EXPECTED | {"fc8": {"kernel": (8, 10), "bias": (10,)}}
    with pytest.raises(WeightFileError, match=r"'fc8': kernel: expected \(8, 10\), found \(8, 5\)$"):
        open_weights(WRITERS[writer](tmp_path / "w", WEIGHTS), expected)


@pytest.mark.parametrize("writer", [w for w in WRITERS if w.startswith(NUMBERED)])
def test_45_a_row_missing_in_the_middle_of_numbered_ones_is_refused(tmp_path, writer):
    weights = {row: tensors for row, tensors in WEIGHTS.items() if row != "conv2_1"}
    with pytest.raises(WeightFileError, match=r"missing rows|does not read|no square map|expected \(3, 3, 4, 6\)"):
        open_weights(WRITERS[writer](tmp_path / "w", weights), EXPECTED)


def test_55_reading_a_row_that_is_not_there_names_row_file_and_rows(tmp_path):
    file = open_weights(keras_1(tmp_path / "notop.h5", without_top()), EXPECTED)
    with pytest.raises(WeightFileError, match=r"notop\.h5: no row 'fc6' in it; it has 'conv1_1', .*'conv2_2'$"):
        file.read("fc6")


def test_no_expected_row_at_all(tmp_path):
    with pytest.raises(WeightFileError, match="none of the rows 'stem' is in it; it has 'conv1_1'"):
        open_weights(keras_1(tmp_path / "w"), {"stem": {"kernel": (3, 3, 3, 4), "bias": (4,)}})


def test_an_expected_name_is_not_renamed(tmp_path):
    """A net of one's own may call its first dense row fc1."""
    expected = {"fc1": EXPECTED["fc6"]}
    file = open_weights(keras_2(tmp_path / "w", {"fc6": WEIGHTS["fc6"]}), expected)
    assert file.rows == ("fc1",)


def test_rows_without_bias(tmp_path):
    weights = {row: {"kernel": t["kernel"]} for row, t in WEIGHTS.items()}
    expected = {row: {"kernel": shapes["kernel"]} for row, shapes in EXPECTED.items()}
    for writer in (keras_1, keras_3, caffe_npz, save_weights):
        path = writer(tmp_path / writer.__name__, weights)
        assert_equal(open_weights(path, expected), weights)
        with pytest.raises(WeightFileError, match="'conv1_1': expected 'bias', 'kernel', found 'kernel'"):
            open_weights(path, EXPECTED)


# -- names and orders ----------------------------------------------------------------------------------------------


def vgg_rows(deep):
    """Names of VGG's convolutions, `deep` in each of the last three blocks: 3 in VGG16, 4 in VGG19."""
    return [f"conv{b}_{k}" for b, layers in enumerate([2, 2, deep, deep, deep], 1) for k in range(1, layers + 1)]


@pytest.mark.parametrize("count", [13, 16])
@pytest.mark.parametrize("names", [None, "keras"])
def test_56_keras_3_counts_layers_as_numbers_not_as_text(tmp_path, names, count):
    """Thirteen convolutions of one shape, tagged by their index: HDF5 lists conv2d_10 before conv2d_2."""
    shapes = {"kernel": (3, 3, 2, 2), "bias": (2,)}
    rows = [
        f"conv{b}_{k}"
        for b, layers in enumerate([2, 2, count // 4, count // 4, count // 4], 1)
        for k in range(1, layers + 1)
    ]
    weights = {row: {n: np.full(s, i, np.float32) for n, s in shapes.items()} for i, row in enumerate(rows)}
    named = names and {row: f"block{row[4]}_conv{row[6]}" for row in rows}
    path = keras_3(tmp_path / "w", weights, names=named)
    with h5py.File(path) as f:
        assert list(f["layers"])[2] == "conv2d_10"
    expected = dict.fromkeys(rows[:13], shapes)
    if count == 13:
        assert_equal(open_weights(path, expected), weights)
        assert open_weights(path).rows == ("conv2d", *(f"conv2d_{k}" for k in range(1, 13)))
    else:
        with pytest.raises(WeightFileError, match="16 convolutions found, 13 expected: VGG19"):
            open_weights(path, expected)


def test_54_vgg19_by_name(tmp_path):
    vgg19 = {row: {"kernel": (3, 3, 2, 2), "bias": (2,)} for row in vgg_rows(4)}
    vgg16 = {row: shapes for row, shapes in vgg19.items() if row not in ("conv3_4", "conv4_4", "conv5_4")}
    assert len(vgg16) == 13
    path = save_weights(tmp_path / "w", numbers(vgg19))
    with pytest.raises(WeightFileError, match="16 convolutions found, 13 expected: VGG19"):
        open_weights(path, vgg16)
    assert len(open_weights(path, vgg19).rows) == 16


def test_a_model_inside_a_keras_3_model(tmp_path):
    path = keras_3(tmp_path / "w")
    with h5py.File(path, "r+") as f:
        f.create_group("outer/layers/vgg")
        f.move("layers", "outer/layers/vgg/layers")
        f.move("outer/layers", "layers")
        f["layers/dropout/seed_generator/vars/0"] = np.array([1, 2], "u4")
        f["layers/normalization/vars/0"], f["layers/normalization/vars/1"] = np.ones(3, "f4"), np.ones(3, "f4")
        f["layers/normalization/vars/2"] = np.int64(0)
    file = open_weights(path, EXPECTED)
    assert_equal(file, WEIGHTS)
    assert file.ignored == ("normalization",)


def test_keras_layer_names_with_a_slash(tmp_path):
    with h5py.File(tmp_path / "w", "w") as f:
        f.attrs["layer_names"] = [b"fire2/squeeze1x1", b"fire2/expand1x1"]
        for name in ("fire2/squeeze1x1", "fire2/expand1x1"):
            f[f"{name}/{name}/kernel:0"] = np.ones((1, 1, 4, 2), "f4")
            f[f"{name}/{name}/bias:0"] = np.ones(2, "f4")
    assert open_weights(tmp_path / "w").rows == ("fire2/expand1x1", "fire2/squeeze1x1")


@pytest.mark.parametrize("expected", [None, EXPECTED])
def test_53_oihw_in_a_keras_file_is_explained(tmp_path, expected):
    path = keras_1(tmp_path / "w")
    with h5py.File(path, "r+") as f:
        del f[KERNEL]
        f[KERNEL] = WEIGHTS["conv1_1"]["kernel"].transpose(3, 2, 0, 1)
    with pytest.raises(WeightFileError, match=r"\(4, 3, 3, 3\).* looks like OIHW.*tf_dim_ordering"):
        open_weights(path, expected)


def test_dense_kernels_the_other_way_round_are_explained(tmp_path):
    weights = {row: {n: t.T if row == "fc8" else t for n, t in tensors.items()} for row, tensors in WEIGHTS.items()}
    path = keras_1(tmp_path / "w", weights)
    for expected in (None, EXPECTED):
        with pytest.raises(WeightFileError, match=r"\(5, 8\).*looks like \(out, in\)"):
            open_weights(path, expected)


def test_a_file_of_no_known_layout_says_what_it_has(tmp_path):
    with h5py.File(tmp_path / "w", "w") as f:
        f["something/else"] = np.ones(3, "f4")
    with pytest.raises(WeightFileError, match="a layout that minivis does not read: it has 'something'"):
        open_weights(tmp_path / "w")
    np.savez(tmp_path / "w.npz", a=np.ones(3))
    with pytest.raises(WeightFileError, match="a layout that minivis does not read: it has 'a'"):
        open_weights(tmp_path / "w.npz")


def test_names_from_a_file_reach_no_terminal_unquoted(tmp_path):
    with h5py.File(tmp_path / "w", "w") as f:
        f["\x1b[31mred"] = np.ones(3, "f4")
    with pytest.raises(WeightFileError) as caught:
        open_weights(tmp_path / "w")
    assert "\x1b" not in str(caught.value)


# -- Caffe ---------------------------------------------------------------------------------------------------------


def test_caffe_fc6_is_found_behind_the_last_convolution(tmp_path):
    """The map is 2 x 2 x 6: row (i, j, c) of ours is column c * 4 + i * 2 + j of Caffe's."""
    path = caffe_npz(tmp_path / "w")
    caffe = np.load(path)["fc6/weight"]
    ours = open_weights(path).read("fc6")["kernel"]
    for i, j, c in [(0, 0, 0), (0, 1, 0), (1, 0, 3), (1, 1, 5)]:
        np.testing.assert_array_equal(ours[(i * 2 + j) * 6 + c], caffe[:, c * 4 + i * 2 + j])


def test_caffe_fc6_that_fits_no_square_map(tmp_path):
    np.savez(tmp_path / "w.npz", **{"conv/weight": np.ones((5, 3, 3, 3)), "fc6/weight": np.ones((8, 24))})
    with pytest.raises(WeightFileError, match="reads 24 numbers, which is no square map of the 5 channels"):
        open_weights(tmp_path / "w.npz")
    np.savez(tmp_path / "v.npz", **{"fc6/weight": np.ones((8, 24))})
    with pytest.raises(WeightFileError, match="no square map of the 0 channels"):
        open_weights(tmp_path / "v.npz")


def test_caffe_members_that_are_no_weights(tmp_path):
    np.savez(tmp_path / "w.npz", **{"ip/weight": np.ones((4, 3)), "scale/bias": np.ones(4), "iterations": np.ones(1)})
    file = open_weights(tmp_path / "w.npz")
    assert (file.rows, file.ignored) == (("ip",), ("scale",))


# -- what a row is when it has been read ---------------------------------------------------------------------------


@pytest.mark.parametrize("writer", WRITERS)
def test_arrays_are_read_only_and_contiguous(tmp_path, writer):
    file = open_weights(WRITERS[writer](tmp_path / "w", WEIGHTS), EXPECTED)
    for row in ("conv1_1", "fc6"):
        for tensor in file.read(row).values():
            assert tensor.flags.c_contiguous
            assert not tensor.flags.writeable
            assert file.read(row)["bias"] is not file.read(row)["bias"]


@pytest.mark.parametrize("stored", ["<f2", ">f2", ">f4", "<f8", ">f8"])
def test_39_40_other_precisions_are_cast(tmp_path, stored):
    weights = {row: {n: t.astype(stored) for n, t in tensors.items()} for row, tensors in WEIGHTS.items()}
    for writer in (keras_1, caffe_npz):
        file = open_weights(writer(tmp_path / writer.__name__, weights), EXPECTED)
        for row in file.rows:
            for name, tensor in weights[row].items():
                single, double = file.read(row)[name], file.read(row, dtype=np.float64)[name]
                assert (single.dtype, double.dtype) == (np.float32, np.float64)
                np.testing.assert_array_equal(single, tensor.astype(np.float32))
                np.testing.assert_array_equal(double, tensor.astype(np.float64))


def test_float64_that_is_too_large_for_float32(tmp_path):
    weights = {"fc8": {"kernel": np.full((8, 5), 1e39), "bias": np.zeros(5)}}
    file = open_weights(keras_1(tmp_path / "w", weights))
    assert file.read("fc8", dtype=np.float64)["kernel"][0, 0] == 1e39
    with pytest.raises(WeightFileError, match=r"'fc8': kernel\[0, 0\] is inf"):
        file.read("fc8")


def test_infinity_anywhere_in_a_large_tensor_is_found():
    array = np.zeros((3, 1 << 20, 1), np.float32)
    assert first_not_finite(array) is None
    array[2, 7, 0] = array[2, 8, 0] = -np.inf
    assert first_not_finite(array) == (2, 7, 0)


def test_weights_are_read_as_floats(tmp_path):
    file = open_weights(keras_1(tmp_path / "w"))
    with pytest.raises(InputError, match="float32 or float64, not int32"):
        file.read("conv1_1", dtype=np.int32)


@pytest.mark.parametrize("options", [{"chunks": True}, {"compression": "gzip"}, {"shuffle": True, "fletcher32": True}])
@pytest.mark.parametrize("data", ["random", "zeros"])
def test_29_chunked_and_compressed_tensors(tmp_path, options, data):
    rng = np.random.default_rng(0)
    kernel = rng.standard_normal((200, 300)).astype("f4") if data == "random" else np.zeros((200, 300), "f4")
    with h5py.File(tmp_path / "w", "w") as f:
        f.attrs["layer_names"] = [b"fc8"]
        f.create_dataset("fc8/fc8_W_1:0", data=kernel, **options)
        f.create_dataset("fc8/fc8_b_1:0", data=kernel[0], compression="gzip", shuffle=True, fletcher32=True)
    tensors = open_weights(tmp_path / "w").read("fc8")
    np.testing.assert_array_equal(tensors["kernel"], kernel)
    np.testing.assert_array_equal(tensors["bias"], kernel[0])


@pytest.mark.parametrize("writer", [keras_1, caffe_npz, save_weights])
def test_a_weight_file_pickles_and_prints(tmp_path, writer):
    file = pickle.loads(pickle.dumps(open_weights(writer(tmp_path / "w", WEIGHTS), EXPECTED)))
    assert_equal(file, WEIGHTS)
    assert str(file) == f"{tmp_path / 'w'}: layout {file.layout}, 7 rows, conv1_1 to fc8"
    assert len(repr(file)) < 300


@pytest.mark.parametrize("writer", [keras_1, caffe_npz])
def test_60_a_file_that_is_replaced_after_opening(tmp_path, writer):
    file = open_weights(writer(tmp_path / "w", WEIGHTS), EXPECTED)
    writer(tmp_path / "other", numbers(seed=1)).replace(tmp_path / "w")
    with pytest.raises(WeightFileError, match="was replaced or changed since it was opened"):
        file.read("conv1_1")


def test_60_a_file_that_changes_in_place_or_disappears(tmp_path):
    path = keras_1(tmp_path / "w")
    file = open_weights(path)
    os.utime(path, ns=(0, 1))
    with pytest.raises(WeightFileError, match="was replaced or changed"):
        file.read("conv1_1")
    path.unlink()
    with pytest.raises(WeightFileError, match="no such file"):
        file.read("conv1_1")


def test_60_a_file_that_changes_while_it_is_read(tmp_path, monkeypatch):
    path = keras_1(tmp_path / "w")
    file = open_weights(path)
    from minivis.weights.hdf5 import Hdf5File

    read_into = Hdf5File.read_into

    def change_then_read(self, where, out):
        os.utime(path, ns=(0, 1))
        read_into(self, where, out)

    monkeypatch.setattr(Hdf5File, "read_into", change_then_read)
    with pytest.raises(WeightFileError, match="was replaced or changed"):
        file.read("conv1_1")


def test_no_handle_stays_open(tmp_path):
    file = open_weights(keras_1(tmp_path / "w"))
    file.read("conv1_1")
    with pytest.raises(WeightFileError) as caught:
        open_weights(tmp_path / "w", {"stem": {}})
    with h5py.File(tmp_path / "w", "r+") as f:  # h5py refuses this while a handle for reading is open
        del f[BIAS]
        f[BIAS] = np.ones(3, "f4")
    with pytest.raises(WeightFileError) as caught:
        open_weights(tmp_path / "w")
    with h5py.File(tmp_path / "w", "r+") as f:
        del f["block1_conv1"]
    with pytest.raises(WeightFileError) as caught:
        open_weights(tmp_path / "w", EXPECTED)
    assert caught.tb is not None  # the frames in which the file was open are still there
    h5py.File(tmp_path / "w", "r+").close()


def test_61_a_file_that_may_not_be_read(tmp_path):
    """As root every file may be read, so this is done by a process that gives root up."""
    path = keras_1(tmp_path / "w")
    path.chmod(0)
    program = (
        "import os, sys, h5py\n"
        "import minivis.weights.layouts, minivis.weights.matching\n"  # what is imported later, while it may be read
        "from minivis.weights import open_weights; from minivis.errors import WeightFileError\n"
        "os.chdir(sys.argv[1])\n"
        "os.geteuid() or os.setresuid(65534, 65534, 65534)\n"
        "try: open_weights('w')\nexcept WeightFileError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.stdout == "w: cannot be opened: [Errno 13] Permission denied: 'w'\n", done.stderr


def test_a_large_tensor_is_read_without_a_second_copy(tmp_path):
    """64 MiB, stored as they are needed, may cost 64 MiB and a little."""
    path = tmp_path / "w"
    with h5py.File(path, "w") as f:
        f.attrs["layer_names"] = [b"fc8"]
        f["fc8/fc8_W_1:0"] = np.ones((4096, 4096), "f4")
        f["fc8/fc8_b_1:0"] = np.ones(4096, "f4")
    program = (
        "import sys; from hostile import peak; from minivis.weights import open_weights\n"
        "file = open_weights(sys.argv[1]); before = peak(); file.read('fc8'); print(peak() - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])},
        check=True,
    )
    if float(done.stdout) == 0:
        pytest.skip("this system does not tell the memory of a process")
    assert 60 < float(done.stdout) < 90


# -- our own layout's attributes -----------------------------------------------------------------------------------


def test_preprocessing_is_what_our_own_layout_says(tmp_path):
    bgr = {"colour_order": "BGR", "mean": [103.939, 116.779, 123.68]}
    file = open_weights(save_weights(tmp_path / "w", WEIGHTS, attributes=bgr))
    assert file.preprocessing == Preprocessing("BGR", 1.0, (103.939, 116.779, 123.68), (1.0, 1.0, 1.0))
    torch = {"colour_order": "RGB", "scale": 1 / 255, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
    file = open_weights(save_weights(tmp_path / "w", WEIGHTS, attributes=torch))
    assert file.preprocessing == Preprocessing("RGB", 1 / 255, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    assert open_weights(keras_1(tmp_path / "k")).preprocessing is None
    assert open_weights(keras_1(tmp_path / "k")).attributes == {}


@pytest.mark.parametrize(
    "wrong",
    [
        {"colour_order": "GRB", "mean": [1.0, 2.0, 3.0]},
        {"colour_order": "RGB"},
        {"colour_order": "RGB", "mean": "none"},
        {"colour_order": "RGB", "mean": [1.0, float("nan"), 3.0]},
        {"colour_order": "RGB", "mean": [1.0, 2.0, 3.0], "std": [1.0]},
        {"colour_order": "RGB", "mean": [1.0, 2.0, 3.0], "std": [1.0, 0.0, 1.0]},
        {"colour_order": "RGB", "mean": [1.0, 2.0, 3.0], "scale": -1.0},
        {"colour_order": "RGB", "mean": [1.0, 2.0, 3.0], "scale": "1"},
    ],
)
def test_preprocessing_that_makes_no_sense(tmp_path, wrong):
    with pytest.raises(WeightFileError, match="expected colour_order"):
        open_weights(save_weights(tmp_path / "w", WEIGHTS, attributes=wrong))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("version", 2, "version 2 of the minivis layout; this minivis reads version 1"),
        ("rows", 3, "the attribute rows must list the names"),
        ("rows", "conv1_1", "variable length"),
        ("rows", np.array([b"conv1_1", b"conv9"]), "'conv9': is not there; there is 'conv1_1'"),
        ("format", "minivis", "variable length"),
        ("note", h5py.Empty("f4"), None),
        ("note", [b"a", b"b"], "variable length"),
        ("note", np.array([b"\xff"]), "utf-8"),
        ("note", True, "expected numbers or text"),
    ],
)
def test_damaged_attributes_of_our_own_layout(tmp_path, name, value, message):
    path = save_weights(tmp_path / "w", WEIGHTS)
    with h5py.File(path, "r+") as f:
        f.attrs[name] = value
    if message is None:
        assert_equal(open_weights(path), WEIGHTS)
    else:
        with pytest.raises(WeightFileError, match=message):
            open_weights(path)


def test_attributes_of_unreasonable_size(tmp_path):
    path = save_weights(tmp_path / "w", WEIGHTS)
    with h5py.File(path, "r+") as f:
        f.attrs["note"] = np.zeros(5000, "f4")
    with pytest.raises(WeightFileError, match="5000 entries"):
        open_weights(path)


# -- the real files ------------------------------------------------------------------------------------------------


def shared_weights(shared, name):
    path = shared / "weights" / name
    if not path.exists():
        pytest.skip(f"{path} is not there")
    return path


def test_the_real_keras_file(shared):
    file = open_weights(shared_weights(shared, "vgg16_blocks1-3_tf_dim_ordering_tf_kernels_notop.h5"))
    assert file.layout == "keras-1"
    assert file.rows == ("conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1", "conv3_2", "conv3_3")
    assert file.shapes["conv1_1"] == {"kernel": (3, 3, 3, 64), "bias": (64,)}
    assert file.shapes["conv3_3"] == {"kernel": (3, 3, 256, 256), "bias": (256,)}
    assert file.read("conv1_1")["kernel"][0, 0, 0, 0] == np.float32(0.42947057)


@pytest.mark.parametrize(
    ("name", "rows", "numbers", "first", "last"),
    [
        ("squeezenet_v1.1", 26, 1_235_496, "conv1", "conv10"),
        ("bvlc_googlenet", 58, 6_998_552, "conv1/7x7_s2", "loss3/classifier"),
    ],
)
def test_the_real_caffe_files(shared, name, rows, numbers, first, last):
    path = shared_weights(shared, f"{name}.npz")
    file = open_weights(path)
    assert (file.layout, len(file.rows), file.rows[0], file.rows[-1]) == ("caffe-npz", rows, first, last)
    assert sum(tensor.size for row in file.rows for tensor in file.read(row).values()) == numbers
    with np.load(path) as caffe:
        kernel = file.read(first)["kernel"]
        assert kernel.shape[2:] == (3, 64)
        for o, i, y, x in [(0, 0, 0, 0), (63, 2, 1, 2), (5, 1, 2, 0)]:
            assert kernel[y, x, i, o] == caffe[f"{first}/weight"][o, i, y, x]
        np.testing.assert_array_equal(file.read(last)["bias"], caffe[f"{last}/bias"])
        if last.startswith("loss3"):
            np.testing.assert_array_equal(file.read(last)["kernel"], caffe[f"{last}/weight"].T)


def test_every_keras_name_of_the_synthetic_files_is_mapped():
    assert list(KERAS) == list(EXPECTED) == list(WEIGHTS)
