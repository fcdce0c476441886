"""Networks as tables of named rows."""

import json
import pickle

import fakecupy
import numpy as np
import pytest
from conftest import shared_path
from small import ALL, BGR, BRANCHES, CHAIN, pictures, small_net

import minivis as mv
from minivis.backend import why_no_gpu
from minivis.errors import InputError, UnknownName, WeightFileError
from minivis.nets import ARCHITECTURES, Architecture, Net, architecture
from minivis.nets.layers import Conv, Input
from minivis.weights import save_weights


@pytest.mark.parametrize("a", ALL, ids=lambda a: a.name)
def test_shapes_by_arithmetic_are_the_shapes_computed(a):
    net, x = small_net(a), pictures(a)
    for name, value in net.capture(x, a.names).items():
        assert value.shape == (2, *net.shapes()[name])


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_row_of_the_real_tables_has_a_shape(name):
    a = architecture(name)
    assert list(a.shapes()) == list(a.names)
    assert a.shapes()[a.names[-1]] == (len(a.labels),)
    assert a.maps in a.names
    assert len(a.shapes()[a.maps]) == 3


@pytest.mark.parametrize(
    ("name", "row", "size", "stride", "offset"),
    [
        ("vgg16", "conv1_1", 3, 1, 0),
        ("vgg16", "conv1_2", 5, 1, 0),
        ("vgg16", "conv2_2", 14, 2, 0.5),
        ("vgg16", "conv3_3", 40, 4, 1.5),
        ("vgg16", "conv4_3", 92, 8, 3.5),
        ("vgg16", "conv5_3", 196, 16, 7.5),
        ("vgg16", "pool5", 212, 32, 15.5),
    ],
)
def test_receptive_fields(name, row, size, stride, offset):
    assert architecture(name).receptive_fields[row] == (size, stride, offset)


def test_vgg16_is_vgg16():
    a = architecture("vgg16")
    assert sum(a.count(row) for row in a.names) == 138_357_544
    assert a.names.index("relu5_3") == 31  # the 30th row after `normalize`
    assert (a.logits, a.maps, a.names[-1]) == ("fc8", "relu5_3", "prob")


def changed_pixels(net, row, unit, x):
    """Which rows and columns of the picture change a unit of `row`, found by trying every pixel."""
    clean = net.capture(x, [row])[row][(0, *unit)]
    seen = np.zeros(x.shape[1:3], bool)
    for i in range(x.shape[1]):
        for j in range(x.shape[2]):
            touched = x.copy()
            touched[0, i, j] += 50
            seen[i, j] = net.capture(touched, [row])[row][(0, *unit)] != clean
    rows, columns = np.nonzero(seen.any(1))[0], np.nonzero(seen.any(0))[0]
    return (rows[0], rows[-1] + 1), (columns[0], columns[-1] + 1)


@pytest.mark.parametrize(("a", "row", "unit"), [(CHAIN, "conv2_1", (3, 4, 1)), (BRANCHES, "right", (2, 2, 0))])
def test_receptive_fields_contain_what_a_unit_sees(a, row, unit):
    net = small_net(a)
    field = net.receptive_field(row)
    for axis, (first, last) in enumerate(changed_pixels(net, row, unit, pictures(a, 1))):
        start, stop = field.span(unit[axis])
        assert start <= first
        assert last <= stop


def test_convolutions_see_all_of_their_field():
    a = Architecture(
        "convs",
        (
            ("input", Input(15)),
            ("normalize", BGR),
            ("a", Conv(2, stride=2)),
            ("b", Conv(2, padding=1)),
        ),
        (),
        maps="b",
    )
    net = small_net(a)
    assert changed_pixels(net, "b", (3, 3, 0), pictures(a, 1)) == (net.receptive_field("b").span(3),) * 2


def test_capture_computes_only_what_is_asked_for(monkeypatch):
    net, read = small_net(), []
    original = Net._run
    monkeypatch.setattr(Net, "_run", lambda self, row, *rest: read.append(row.name) or original(self, row, *rest))
    net.capture(pictures(), ["relu1_1"])
    assert read == ["normalize", "conv1_1"]  # with its ReLU


def test_capture_drops_values_after_their_last_reader(monkeypatch):
    net = small_net()
    original = Net._run

    held = []

    def spied(self, row, values, *rest):
        held.append(set(values))
        return original(self, row, values, *rest)

    monkeypatch.setattr(Net, "_run", spied)
    assert set(net.capture(pictures(), ["relu1_1", "fc4"])) == {"relu1_1", "fc4"}
    assert held[-1] == {"relu1_1", "drop3"}


def test_capture_goes_on_from_any_row():
    net, x = small_net(BRANCHES), pictures(BRANCHES)
    values = net.capture(x, BRANCHES.names)
    again = net.capture({"pool1": values["pool1"]}, ["prob"])["prob"]
    assert np.array_equal(again, values["prob"])
    with pytest.raises(InputError, match="give 'input' too"):
        net.capture({"relu_left": values["relu_left"]}, ["prob"])
    both = net.capture({"input": x, "relu_left": 0 * values["relu_left"]}, ["join"])["join"]
    assert not both[..., :4].any()
    assert np.array_equal(both[..., 4:], values["join"][..., 4:])


def test_dropout_acts_only_with_an_rng():
    net, x = small_net(), pictures()
    plain = net(x)
    assert np.array_equal(net(x), plain)
    noisy = net.capture(x, ["prob"], rng=np.random.default_rng(0))["prob"]
    assert not np.allclose(noisy, plain)


def test_weights_of_ones_own_are_used_and_recorded():
    net, x = small_net(), pictures()
    own = {"fc4": {name: mv.Tensor(np.array(array)) for name, array in net.weights["fc4"].items()}}
    y = net.capture(x, ["fc4"], weights=own)["fc4"]
    seed = np.ones(y.shape)
    kernel, bias = mv.backward(y, [own["fc4"]["kernel"], own["fc4"]["bias"]], seed)
    assert kernel.shape == (10, 5)
    assert bias.tolist() == [2.0] * 5


def test_uint8_pictures_are_cast_not_wrapped():
    net = small_net(dtype="float32")
    x = np.full((1, 16, 16, 3), 250, "uint8")
    assert np.array_equal(net(x), net(x.astype("float32")))
    assert net(x).dtype == np.float32


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((1, 3, 16, 16)), "channels-first"),
        (np.zeros((16, 16, 3)), r"x\[None\]"),
        (np.zeros((1, 16, 16, 4)), "channels last"),
        (np.zeros((1, 16, 16, 3), complex), "numbers 0..255"),
        ("cat.jpg", "net.picture"),
        (np.zeros((1, 24, 24, 3)), "fc3 in chain: linear expects .* another size"),
        (np.zeros((1, 2, 2, 3)), "pool2 in chain: .*too small"),
        (mv.Tensor(np.zeros((1, 16, 16, 3), "float32")), "Tensor of float32, the network of float64"),
    ],
)
def test_pictures_that_do_not_fit(x, message):
    with pytest.raises(InputError, match=message):
        small_net()(x)


def test_fully_convolutional_at_any_size():
    assert small_net().capture(np.zeros((1, 30, 21, 3)), ["pool2"])["pool2"].shape == (1, 7, 5, 8)


def test_a_row_that_is_not_there():
    with pytest.raises(UnknownName, match=r"no layer named 'conv11' in chain; did you mean conv1_1"):
        small_net().capture(pictures(), ["conv11"])
    with pytest.raises(KeyError):
        small_net().receptive_field("nowhere")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ((("conv1", Conv(2)),), "row 0 must be"),
        ((("input", Input(8)), ("normalize", BGR), ("a", Conv(2), "b"), ("b", Conv(2))), "reads b, which is not above"),
        ((("input", Input(8)), ("normalize", BGR), ("a", Conv(2)), ("a", Conv(2))), "two rows are called a"),
    ],
)
def test_a_table_that_does_not_add_up(table, message):
    with pytest.raises(InputError, match=message):
        Architecture("wrong", table, (), maps="a").names  # noqa: B018  the table is read here


def test_a_network_that_is_not_there():
    with pytest.raises(UnknownName, match="no network named 'vgg61'"):
        mv.load("vgg61")


def test_top_names_the_classes():
    top = small_net().top(pictures(), 2)
    assert [len(best) for best in top] == [2, 2]
    name, p = top[0][0]
    assert name in CHAIN.labels
    assert p >= top[0][1][1]


def test_a_printed_network_is_its_table():
    text = str(small_net())
    assert "conv2_1" in text
    assert "8 x 8 x 8" in text
    assert f"{3 * 3 * 6 * 8 + 8}" in text


def test_weights_are_read_only_and_read_late(tmp_path):
    a = architecture("minivgg")
    weights = mv.initial_weights(a, np.random.default_rng(0))
    path = tmp_path / "net.h5"
    save_weights(path, {row: weights[row] for row in list(weights)[:4]}, attributes={"architecture": "minivgg"})
    net = mv.load(path)
    assert net.name == "minivgg"
    x = np.zeros((1, 96, 96, 3), "float32")
    assert net.capture(x, ["relu2_2"])["relu2_2"].shape == (1, 48, 48, 32)
    with pytest.raises(ValueError, match="read-only"):
        net.weights["conv1_1"]["kernel"][0] = 0
    with pytest.raises(WeightFileError, match=r"net\.h5: no row 'conv3_1' in it; it has 'conv1_1'"):
        net(x)
    assert np.array_equal(net.weights["conv1_1"]["kernel"], weights["conv1_1"]["kernel"])


def test_a_net_pickles_as_its_name_and_path(tmp_path):
    a = architecture("minivgg")
    path = tmp_path / "net.h5"
    save_weights(path, mv.initial_weights(a, np.random.default_rng(0)), attributes={"architecture": "minivgg"})
    net = mv.load("minivgg", weights=path)
    net.weights["fc6"]
    data = pickle.dumps(net)
    assert len(data) < 1000
    again = pickle.loads(data)
    x = np.random.default_rng(1).uniform(0, 255, (1, 96, 96, 3)).astype("float32")
    assert np.array_equal(again(x), net(x))
    given = pickle.loads(pickle.dumps(small_net()))
    assert np.array_equal(given(pictures()), small_net()(pictures()))


@pytest.mark.parametrize(("name", "file"), [("squeezenet", "squeezenet_v1.1"), ("googlenet", "bvlc_googlenet")])
def test_the_tables_are_the_authors_layer_graphs(name, file):
    """Bottoms are blobs there, and a ReLU overwrites its blob: a bottom is the last row that wrote it."""
    graph = json.loads(shared_path(f"weights/{file}.layers.json").read_text())[1:]
    rows = architecture(name).rows
    assert list(rows)[2:] == [layer["name"] for layer in graph]
    wrote = {"data": "normalize"}
    for layer in graph:
        row = rows[layer["name"]]
        assert row.inputs == tuple(wrote[bottom] for bottom in layer["bottom"])
        wrote[layer["top"]] = layer["name"]
        if layer["type"] == "Convolution":
            found = (row.layer.filters, row.layer.kernel, row.layer.stride, row.layer.padding)
            assert found == tuple(layer[key] for key in ("num_output", "kernel", "stride", "pad"))
        if layer["type"] == "Pooling" and "kernel_size" in layer:
            found = (row.layer.kernel, row.layer.stride, row.layer.padding)
            assert found == tuple(int(layer.get(key, 0)) for key in ("kernel_size", "stride", "pad"))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_on_a_device_that_refuses_the_host(device, dtype):
    for a in ALL:
        x = pictures(a, dtype=dtype)
        expected = small_net(a, dtype=dtype)(x)
        found = small_net(a, dtype=dtype, device="gpu")(device.asarray(x))
        assert isinstance(found, device.ndarray)
        assert found.dtype == expected.dtype
        assert np.allclose(device.asnumpy(found), expected, atol=1e-4 if dtype == "float32" else 1e-12)
        with pytest.raises(TypeError, match="the network is on the gpu"):
            small_net(a, device="gpu")(x)


@pytest.mark.parametrize("a", ALL, ids=lambda a: a.name)
@pytest.mark.parametrize("rules", [mv.VANILLA, mv.GUIDED], ids=["vanilla", "guided"])
def test_a_pass_forward_and_back_never_waits_for_the_device(a, rules):
    with fakecupy.install() as device:
        why_no_gpu.cache_clear()
        net = small_net(a, dtype="float32", device="gpu")
        x = mv.Tensor(device.asarray(pictures(a, dtype="float32")))
        net.capture(x, [net.logits])  # weights are brought there when they are first needed
        before = fakecupy.synchronisations.count
        y = net.capture(x, [net.logits])[net.logits]
        mv.backward(y, x, device.ones_like(y.value), rules)
        assert fakecupy.synchronisations.count == before
    why_no_gpu.cache_clear()
