"""`minivis look`: its files, what the report and the HDF5 file say, and what happens when it cannot go on."""

import contextlib
import html
import io
import re

import h5py
import numpy as np
import pytest
from command_line import caller, prepare
from PIL import Image
from small import CHAIN

import minivis as mv
from minivis.cli import look, main
from minivis.cli.look import methods, report, table
from minivis.cli.look.subject import Panel, patch, ranges, state
from minivis.errors import InputError
from minivis.nets import ARCHITECTURES

EVERY = [method.name for method in look.METHODS]
APPLIES = [name for name in EVERY if name != "cam"]  # the chain of small.py ends in linear layers


@pytest.fixture
def folder(tmp_path, monkeypatch):
    return prepare(tmp_path, monkeypatch)


@pytest.fixture
def call(capsys):
    return caller(capsys)


@pytest.fixture(scope="module")
def looked(tmp_path_factory):
    """One run of everything, for two classes: its folder and what it printed. The photograph lies beside it."""
    with pytest.MonkeyPatch.context() as monkeypatch, contextlib.redirect_stdout(io.StringIO()) as printed:
        folder = prepare(tmp_path_factory.mktemp("looked"), monkeypatch)
        argv = ["look", "cat.png", "--net", "chain.h5", "--target", "bee", "--target", "4", "--out", "out"]
        assert main(argv) == 0
        yield folder / "out", printed.getvalue()


@pytest.fixture
def net(folder):
    return mv.load("chain.h5")


@pytest.fixture
def x(net):
    return net.picture("cat.png")


def test_everything_is_written_and_told(looked, net, x):
    out, printed = looked
    files = {path.name for path in out.iterdir()}
    assert files == {f"{name}.png" for name in APPLIES} | {"contact-sheet.png", "arrays.h5", "report.html"}
    lines = printed.splitlines()
    assert lines[0] == "cat.png through chain"
    assert lines[1:6] == [f"  {p:.4f}  {name}" for name, p in net.top(x)[0]]
    assert [line.split()[0] for line in lines[6:-1]] == EVERY
    assert re.search(r"^cam +skipped: .*global average pooling", printed, re.MULTILINE)
    assert lines[-1] == "report: out/report.html"
    for name in files:
        if name.endswith(".png"):
            assert min(Image.open(out / name).size) > 100


def test_the_arrays_are_those_of_the_library(looked, net, x):
    out, _ = looked
    with h5py.File(out / "arrays.h5") as file:
        assert sorted(name for name in file if isinstance(file[name], h5py.Group)) == sorted(APPLIES)
        assert file.attrs["net"] == "chain"
        assert np.array_equal(file["photograph"], x[0])
        assert np.array_equal(file["probabilities"], net(x)[0])
        for i, target in enumerate((1, 4)):
            expected = {
                "saliency/map": mv.saliency(net, x, target),
                "gradient/gradient": mv.gradient(net, x, target),
                "guided_backprop/guided_backprop": mv.guided_backprop(net, x, target),
                "grad_cam/map": mv.grad_cam(net, x, target),
                "guided_grad_cam/guided_grad_cam": mv.guided_grad_cam(net, x, target),
                "occlusion/drop": mv.occlusion(net, x, target, window=2, stride=1, overhang=True),
            }
            for name, array in expected.items():
                assert np.allclose(file[name][i], array[0], rtol=0, atol=1e-6 * np.abs(array).max()), name
        assert np.array_equal(file["deconvnet/deconvnet"], mv.deconvnet(net, x, "relu2_1")[0])
        assert np.array_equal(file["activations/maps"], mv.activations(net, x, "relu2_1")[0].transpose(2, 0, 1))
        assert np.array_equal(file["activations_through/pool1"], mv.activations(net, x, "pool1", [0])[0, :, :, 0])
        assert np.array_equal(file["filters/filters"], mv.filters(net))


def test_every_choice_is_an_attribute_and_stands_in_the_line(looked):
    out, _ = looked
    page = (out / "report.html").read_text(encoding="utf-8")
    said = {}
    with h5py.File(out / "arrays.h5") as file:
        for name in APPLIES:
            said[name] = choices = dict(file[name].attrs)
            seconds = choices.pop("seconds")
            (line,) = re.findall(rf'<h2>{name}</h2>\n<p class="line">(.*)</p>', page)
            assert {"what", "rules", "baseline", "enlargement", "drawn"} < set(choices)
            assert all(html.escape(str(choice)) in line for choice in choices.values())
            assert line.endswith(f"Took {seconds:.2f} s.")
    assert said["saliency"]["row"] == "fc4, before the softmax"
    assert said["saliency"]["class"] == "bee (1), dog (4)"
    assert said["grad_cam"]["maps"] == "relu2_1, after its ReLU"
    assert said["occlusion"]["row"] == "prob, after the softmax"
    assert said["occlusion"]["window"] == "2 x 2 pixels"
    assert said["occlusion"]["baseline"] == "the net's mean colour"
    assert said["grad_cam"]["enlargement"].startswith("bilinear")
    assert said["deconvnet"]["unit"].endswith(", the strongest of its row")
    assert said["guided_backprop"]["rules"].startswith("GUIDED")


def test_without_a_target_each_photograph_explains_its_top_class(folder, call, net):
    call("look", "cat.png", "dog.png", "--net", "chain.h5", "--methods", "saliency")
    for name in ("cat", "dog"):
        top = net.top(net.picture(f"{name}.png"), 1)[0][0][0]
        with h5py.File(f"minivis-look/{name}/arrays.h5") as file:
            assert file["saliency"].attrs["class"].startswith(f"{top} (")


def test_the_report_needs_nothing_else(folder, call):
    (folder / "cat.png").rename(folder / "<b>&.png")
    call("look", "<b>&.png", "--net", "chain.h5", "--out", "out", "--methods", "saliency,cam")
    page = (folder / "out" / "report.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;&amp;.png through chain" in page
    assert "<b>" not in page
    sources = re.findall(r'src="([^"]*)"', page)
    assert len(sources) == 4  # the photograph at the top, then the three panels of saliency
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert not re.search(r"https?:|<script|<link|@import|url\(", page)
    assert "<li>cam: chain does not end in global average pooling" in page
    net = mv.load("chain.h5")
    for name, p in net.top(net.picture("<b>&.png"))[0]:
        assert f'<td>{name}</td><td class="number">{p:.4f}</td>' in page


def test_titles_and_notes_are_escaped_and_each_class_has_a_row_of_its_own():
    panels = [Panel(f"<i>{k}", np.zeros((2, 2, 3))) for k in range(4)]
    finished = table.Finished(table.METHODS[0], table.Result({}, panels, [], {}, 2), 0.1)
    page = report.html(
        report.Page("<i>", {"<i>": "<i>"}, np.zeros((2, 2, 3)), [("<i>", 0.5)], [finished], {"<i>": "<i>"})
    )
    assert "<i>" not in page
    assert page.count("&lt;i&gt;") == 2 + 2 + 1 + 2 + 2 * len(panels)
    rows = page.split('class="panels"')[1:]
    assert [re.findall(r"<figcaption>&lt;i&gt;(\d)", row) for row in rows] == [["0", "1"], ["2", "3"]]


def test_cam_is_drawn_where_the_net_ends_in_global_average_pooling(folder, call):
    said = call("look", "cat.png", "--net", "class_maps.h5", "--out", "out", "--methods", "cam")
    assert said.code == 0
    net = mv.load("class_maps.h5")
    with h5py.File("out/arrays.h5") as file:
        assert np.allclose(file["cam/map"], mv.cam(net, net.picture("cat.png")))
        assert file["cam"].attrs["maps"] == "relu2, after its ReLU"


def test_layer_and_unit_are_obeyed(folder, call, net, x):
    some = "deconvnet,activations,grad_cam"
    call("look", "cat.png", "--net", "chain.h5", "--methods", some, "--layer", "conv1_1", "--unit", "3,2,5")
    with h5py.File("minivis-look/arrays.h5") as file:
        assert np.array_equal(file["deconvnet/deconvnet"], mv.deconvnet(net, x, "conv1_1", (3, 2, 5))[0])
        assert file["deconvnet"].attrs["unit"] == "(3, 2, 5), as asked"
        assert file["deconvnet"].attrs["row"] == "conv1_1, before its ReLU"
        assert list(file["activations/channels"]) == [5, 0, 1, 2, 3, 4]
        assert np.array_equal(file["grad_cam/map"], mv.grad_cam(net, x, layer="conv1_1"))


def test_of_a_channel_the_strongest_unit_is_taken(folder, call, net, x):
    call("look", "cat.png", "--net", "chain.h5", "--methods", "deconvnet,activations", "--unit", "5")
    maps = net.capture(x, ["relu2_1"])["relu2_1"][0, :, :, 5]
    i, j = np.unravel_index(maps.argmax(), maps.shape)
    with h5py.File("minivis-look/arrays.h5") as file:
        assert file["deconvnet"].attrs["unit"] == f"({i}, {j}, 5), the strongest of channel 5"
        assert list(file["activations/channels"]) == [5, 0, 1, 2, 3, 4, 6, 7]


def test_a_row_of_scores_serves_deconvnet_and_no_method_of_maps(folder, call, net, x):
    said = call(
        "look", "cat.png", "--net", "chain.h5", "--layer", "relu3", "--methods", "deconvnet,activations,grad_cam"
    )
    assert said.code == 0
    assert re.search("^activations +skipped: relu3 of chain is a row of 10 scores", said.out, re.MULTILINE)
    assert re.search("^grad_cam +skipped: Grad-CAM needs a row of maps", said.out, re.MULTILINE)
    with h5py.File("minivis-look/arrays.h5") as file:
        assert np.array_equal(file["deconvnet/deconvnet"], mv.deconvnet(net, x, "relu3")[0])


def test_weights_that_end_early_still_show_what_lies_below(folder, call):
    whole = mv.load("chain.h5").weights
    mv.weights.save_weights("short.h5", {"conv1_1": whole["conv1_1"]}, attributes={"architecture": "chain"})
    said = call("look", "cat.png", "--net", "short.h5", "--layer", "relu1_1", "--methods", "saliency,deconvnet,filters")
    assert said.code == 0
    assert "no classes: " in said.out
    assert re.search("^saliency +skipped: .*conv2_1", said.out, re.MULTILINE)
    files = {path.name for path in (folder / "minivis-look").iterdir()}
    assert files == {"deconvnet.png", "filters.png", "contact-sheet.png", "arrays.h5", "report.html"}


def test_several_photographs_get_a_folder_each(folder, call):
    (folder / "more").mkdir()
    (folder / "more" / "cat.png").write_bytes((folder / "dog.png").read_bytes())
    said = call("look", "cat.png", "dog.png", "more/cat.png", "--net", "chain.h5", "--methods", "filters", "--out", "o")
    assert said.code == 0
    assert said.out.count("report: ") == 3
    assert {path.name for path in (folder / "o").iterdir()} == {"cat", "dog", "cat-2"}
    with h5py.File("o/cat-2/arrays.h5") as again, h5py.File("o/dog/arrays.h5") as dog:
        assert np.array_equal(again["photograph"], dog["photograph"])


def test_nothing_but_its_own_files_is_touched(folder, call):
    out = folder / "out"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    (out / "gradient.png").write_text("of an earlier run")
    (out / "saliency.png").write_text("of an earlier run")
    call("look", "cat.png", "--net", "chain.h5", "--methods", "saliency", "--out", "out")
    assert (out / "notes.txt").read_text() == "mine"
    assert (out / "gradient.png").read_text() == "of an earlier run"
    assert Image.open(out / "saliency.png").format == "PNG"


def test_without_a_photograph_it_takes_the_one_of_matplotlib(folder, call):
    said = call("look", "--net", "chain.h5", "--methods", "filters")
    assert said.code == 0
    assert said.out.startswith("grace_hopper.jpg through chain\n")


def test_the_device_finds_what_the_host_finds(folder, call, device):
    for name in ("cpu", "gpu"):
        said = call("look", "cat.png", "--net", "class_maps.h5", "--device", name, "--out", name)
        assert (said.code, said.err) == (0, "")
        assert "skipped" not in said.out
    with h5py.File("cpu/arrays.h5") as host, h5py.File("gpu/arrays.h5") as found:
        for method in EVERY:
            for array in host[method]:
                values = host[method][array][()]
                close = np.allclose(found[method][array], values, rtol=0, atol=1e-4 * np.abs(values).max())
                assert close, f"{method}/{array}"
        assert found.attrs["computed"] == "in float32 on the gpu"


def test_ctrl_c_ends_with_130_and_what_is_finished_stays(folder, call, monkeypatch):
    def interrupted(subject):
        raise KeyboardInterrupt

    monkeypatch.setattr(
        look, "METHODS", tuple(m._replace(run=interrupted) if m.name == "deconvnet" else m for m in look.METHODS)
    )
    said = call("look", "cat.png", "--net", "chain.h5", "--out", "out")
    assert said.code == 130
    assert said.err == "minivis: interrupted; what was finished stays\n"
    before = EVERY[: EVERY.index("deconvnet")]
    files = {path.name for path in (folder / "out").iterdir()}
    assert files == {f"{name}.png" for name in before} | {"contact-sheet.png", "arrays.h5", "report.html"}
    page = (folder / "out" / "report.html").read_text(encoding="utf-8")
    assert "Interrupted" in page
    assert re.findall("<h2>(.*)</h2>", page) == before
    with h5py.File("out/arrays.h5") as file:
        assert set(before) < set(file)


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["cats.png"], "no picture file 'cats.png'; did you mean cat.png?"),
        (["."], "is a folder"),
        (["chain.h5"], "is no picture"),
        (["cat.png", "--methods", "salient"], "no method named 'salient'; did you mean saliency or gradient?"),
        (["cat.png", "--methods", "qqq"], "there are saliency, gradient"),
        (["cat.png", "--methods", ","], "no method given"),
        (["cat.png", "--layer", "relu2-1"], "did you mean relu2_1"),
        (["cat.png", "--target", "beee"], "nearest: 'bee' (1)"),
        (["cat.png", "--target", "crane"], "2 classes are called 'crane'"),
        (["cat.png", "--target", "5"], "class 5 is out of range"),
        (["cat.png", "--target=-1"], "class -1 is out of range"),
        (["cat.png", "--unit", "8"], "relu2_1 of chain has shape (8, 8, 8): it has no unit 8"),
        (["cat.png", "--unit", "8,0,0"], "it has no unit 8,0,0"),
        (["cat.png", "--unit", "1,2"], "--unit must be a channel, or i,j,channel"),
        (["cat.png", "--layer", "fc4", "--unit", "0,0,1"], "it has no unit 0,0,1"),
        (["cat.png", "--methods", "cam"], "no method could be applied"),
        (["cat.png", "--out", "cat.png"], "'cat.png' cannot be written: File exists"),
        (["cat.png", "--out", "cat.png/out"], "cannot be written: Not a directory"),
        (["cat.png", "--net", "chian"], "did you mean chain?"),
        (["cat.png", "--net", "none.h5"], "none.h5: no such file"),
        (["cat.png", "--net", "vgg16"], "no weights for vgg16"),
        (["cat.png", "--net", "chain", "--weights", "cat.png"], "is neither HDF5 nor .npz"),
        (["cat.png", "--device", "tpu"], "argument --device: invalid choice: 'tpu'"),
        (["cat.png", "--colour"], "unrecognized arguments: --colour"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(folder, call, argv, told):
    said = call("look", "--net", "chain.h5", *argv)
    assert said.code == 2
    assert told in said.err
    assert said.err.startswith("minivis")
    assert said.err.count("\n") == 1
    assert said.err.endswith("\n")


def test_a_wrong_photograph_is_told_before_any_work(folder, call):
    assert call("look", "cat.png", "none.png", "--net", "chain.h5").code == 2
    assert not (folder / "minivis-look").exists()


@pytest.mark.parametrize("taken", ["arrays.h5", "saliency.png", "report.html", "contact-sheet.png"])
def test_a_file_that_cannot_be_written_is_named(folder, call, taken):
    (folder / "out" / taken / "full").mkdir(parents=True)
    said = call("look", "cat.png", "--net", "chain.h5", "--methods", "saliency", "--out", "out")
    assert said.code == 2
    assert taken in said.err
    assert "cannot be written" in said.err
    assert said.err.count("\n") == 1
    assert not list((folder / "out").glob(".*"))


def test_a_bug_in_a_method_is_told_in_one_line_too(folder, call, monkeypatch):
    def broken(subject):
        raise ZeroDivisionError("first line\nsecond line")

    monkeypatch.setattr(look, "METHODS", (look.METHODS[0]._replace(run=broken),))
    said = call("look", "cat.png", "--net", "chain.h5")
    assert said.code == 2
    assert said.err == "minivis: ZeroDivisionError: first line second line (unexpected; --debug shows where)\n"
    assert "Traceback" in call("look", "cat.png", "--net", "chain.h5", "--debug").err


def test_each_method_of_the_table_is_named_after_what_it_calls():
    for method in look.METHODS:
        assert method.run is getattr(methods, method.name)
        assert hasattr(mv, method.name)
        assert method.what.endswith(".")
        assert method.drawn.endswith(".")


def test_of_class_says_truly_whether_a_method_depends_on_the_class(folder):
    net = mv.load("class_maps.h5")
    x = net.picture("cat.png")
    for method in look.METHODS:
        results = [method.run(look.Subject(net, x, (c,), net.maps)) for c in (0, 3)]
        same = all(np.array_equal(a, results[1].arrays[name]) for name, a in results[0].arrays.items())
        assert same != method.of_class, method.name


@pytest.mark.parametrize(
    ("net", "row", "said"),
    [
        ("vgg16", "conv5_3", "before its ReLU"),
        ("vgg16", "relu5_3", "after its ReLU"),
        ("vgg16", "pool5", "after the ReLU"),
        ("vgg16", "fc8", "before the softmax"),
        ("vgg16", "prob", "after the softmax"),
        ("vgg16", "normalize", "no ReLU there"),
        ("squeezenet", "fire9/concat", "after the ReLU"),
        ("squeezenet", "pool10", "before the softmax"),
    ],
)
def test_where_a_row_stands_to_relu_and_softmax(net, row, said):
    assert state(mv.Net(ARCHITECTURES[net], {}), row) == said


def test_the_patch_is_what_changes_a_unit():
    net = mv.Net(CHAIN, mv.initial_weights(CHAIN, np.random.default_rng(0), "float64"), dtype="float64")
    x = np.random.default_rng(1).uniform(0, 255, (1, 16, 16, 3))
    top, bottom, left, right = patch(net, "conv2_1", (1, 4, 2), (16, 16, 3))
    slope = np.abs(mv.gradient(net, x, (1, 4, 2), at="conv2_1"))[0].sum(-1)
    assert slope[top:bottom, left:right].sum() == slope.sum() > 0
    assert (bottom - top, right - left) == (7, 8)
    assert patch(net, "fc3", (4,), (16, 16, 3)) == (0, 16, 0, 16)


def test_ranges():
    assert ranges([45, 0, 1, 2, 3]) == "45, 0 to 3"
    assert ranges([7]) == "7"


def test_the_line_has_every_choice_once():
    method = table.METHODS[0]
    result = table.Result({}, [], [], {"row": "fc8, before the softmax"}, 1)
    line = table.Finished(method, result, 0.25).line
    assert line.startswith(method.what)
    assert "Row: fc8, before the softmax; rules: the derivative (VANILLA); baseline: none; enlargement: none." in line
    assert line.endswith(f"Drawn: {method.drawn} Took 0.25 s.")


def test_an_unknown_reason_to_skip_is_no_reason(folder, call, monkeypatch):
    def refuses(subject):
        raise InputError("not for this net")

    monkeypatch.setattr(look, "METHODS", (look.METHODS[0]._replace(run=refuses), look.METHODS[-2]))
    said = call("look", "cat.png", "--net", "chain.h5")
    assert said.code == 0
    assert re.search("^saliency +skipped: not for this net$", said.out, re.MULTILINE)
