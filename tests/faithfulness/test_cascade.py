"""Randomised weights, the table over scenes, and their command."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import small

from minivis import faithfulness as f
from minivis.cli import main
from minivis.errors import InputError, UnknownName
from minivis.faithfulness.cascade import rows_with_weights
from minivis.faithfulness.telling import cascade_json, cascade_text, truth_json, truth_text
from minivis.nets import Net, initial_weights
from minivis.nets.minicam import minicam
from minivis.scenes import SHAPES, make_scenes

CHAIN_ROWS = ("fc4", "fc3", "conv2_1", "conv1_1")


@pytest.fixture(scope="module")
def net():
    return small.small_net()


@pytest.fixture(scope="module")
def on_scenes():
    table = minicam(SHAPES, size=24)
    return Net(table, initial_weights(table, np.random.default_rng(1)))


@pytest.mark.parametrize("independent", [False, True])
def test_weights_change_from_the_top_down_exactly(net, independent):
    before = {row: {k: v.copy() for k, v in net.weights[row].items()} for row in net.weights}
    assert rows_with_weights(net) == CHAIN_ROWS
    for i, (row, other) in enumerate(f.randomized(net, seed=4, independent=independent)):
        assert row == CHAIN_ROWS[i]
        expected = {row} if independent else set(CHAIN_ROWS[: i + 1])
        changed = {r for r in CHAIN_ROWS if not np.array_equal(other.weights[r]["kernel"], before[r]["kernel"])}
        assert changed == expected
        for r in expected:
            assert other.weights[r]["kernel"].shape == before[r]["kernel"].shape
            assert not other.weights[r]["bias"].any()
    for row, arrays in before.items():
        assert all(np.array_equal(net.weights[row][k], v) for k, v in arrays.items())


def test_the_same_seed_gives_the_same_networks(net):
    def kernels(seed, **options):
        return [other.weights[row]["kernel"] for row, other in f.randomized(net, seed, **options)]

    for a, b, c in zip(kernels(1), kernels(1), kernels(2), strict=True):
        assert np.array_equal(a, b)
        assert not np.array_equal(a, c)
    assert all(np.array_equal(a, b) for a, b in zip(kernels(1), kernels(1, independent=True), strict=True))


def test_a_cascade_by_hand(net):
    from scipy.stats import spearmanr

    import minivis as mv

    x = small.pictures(n=2)
    methods = f.methods_for(net, ["saliency", "Grad-CAM", "edges (control)"])
    cascade = f.randomize(net, x, methods, seed=3)
    assert cascade.rows == CHAIN_ROWS
    top = net(x).argmax(-1).tolist()
    for row, other in f.randomized(net, 3):
        record = next(r for r in cascade.of("saliency") if r.row == row)
        a, b = (mv.gradient(one, x, top) for one in (net, other))
        signed = [spearmanr(u.ravel(), v.ravel()).statistic for u, v in zip(a, b, strict=True)]
        absolute = [spearmanr(abs(u).ravel(), abs(v).ravel()).statistic for u, v in zip(a, b, strict=True)]
        assert record.spearman == pytest.approx(np.mean(signed), abs=1e-12)
        assert record.spearman_abs == pytest.approx(np.mean(absolute), abs=1e-12)
        maps = [abs(g).max(-1) for g in (a, b)]
        assert record.ssim == pytest.approx(np.mean([f.ssim(u, v) for u, v in zip(*maps, strict=True)]))
    assert all(r.spearman == pytest.approx(1) and r.ssim == pytest.approx(1) for r in cascade.of("edges (control)"))
    assert [len(maps) for maps in cascade.maps.values()] == [5, 5, 5]
    assert cascade.maps["saliency"][0].shape == (16, 16)


def test_verdicts():
    def cascade(values):
        rows = tuple("abcde")
        return f.Cascade(rows, [f.Randomized("m", r, 0, v, 0) for r, v in zip(rows, values, strict=True)], {"m": []})

    for values, row, depends in (
        ([0.9, 0.8, 0.4, 0.9, 0.1], "c", True),
        ([0.9, 0.8, 0.6, 0.4, 0.1], "d", False),
        ([1.0] * 5, None, False),
        ([-1.0] * 5, None, False),
        ([float("nan")] * 5, "a", True),
    ):
        made = cascade(values)
        assert made.changes_at("m") == row
        assert made.depends_on_weights("m") is depends
        assert ("hardly depends" in cascade_text(made)) is not depends
        assert json.loads(json.dumps(cascade_json(made), allow_nan=False))["changes_at"]["m"] == row


def test_which_methods_fit():
    assert "CAM" not in [m.name for m in f.methods_for(small.small_net())]
    assert "CAM" in [m.name for m in f.methods_for(small.small_net(small.CLASS_MAPS))]
    assert not any(m.control for m in f.methods_for(small.small_net(), controls=False))
    with pytest.raises(UnknownName, match=r"'CAM'.*saliency"):
        f.methods_for(small.small_net(), ["CAM"])


@pytest.mark.parametrize("architecture", small.ALL, ids=lambda a: a.name)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_method_gives_one_number_per_pixel_and_changes_nothing(architecture, dtype):
    net, x = small.small_net(architecture, dtype=dtype), small.pictures(architecture, dtype=dtype)
    for method in f.methods_for(net):
        explained = method.explain(net, x, [0, 3])
        assert explained.dtype == dtype or method.control
        maps = f.importance(method, explained)
        assert maps.shape == x.shape[:3]
        assert np.isfinite(maps).all()
        alone = f.importance(method, method.explain(net, x[1:], [3]))
        assert np.allclose(alone[0], maps[1], rtol=1e-3, atol=1e-4 * abs(maps).max())


def test_the_table_over_scenes_by_hand(on_scenes):
    truth = f.evaluate_on_scenes(on_scenes, 11, seed=2, first=5, steps=4, only_right=False)
    assert (truth.scenes, truth.right) == (11, 11)
    scenes = make_scenes(11, 24, 2, first=5)
    assert truth.area == pytest.approx(scenes.masks.mean())
    method = f.methods_for(on_scenes, ["Grad-CAM"])[0]
    maps = method.explain(on_scenes, scenes.pictures, scenes.labels.tolist())
    found = truth.scores["Grad-CAM"]
    assert np.allclose(found["energy"], f.energy_inside(maps, scenes.masks), atol=1e-6)
    assert np.allclose(found["IoU"], f.intersection_over_union(maps, scenes.masks), atol=1e-6)
    areas = f.deletion(on_scenes, scenes.pictures, maps, scenes.labels.tolist(), 4).area
    assert np.allclose(found["deletion"], areas, atol=1e-5)
    text = truth_text(truth)
    assert all(name in text for name in truth.scores)
    assert json.loads(json.dumps(truth_json(truth)))["methods"]["CAM"]["energy"]["each"]


def test_only_what_is_classified_right_is_measured(on_scenes):
    scenes = make_scenes(24, 24)
    right = int((on_scenes(scenes.pictures).argmax(-1) == scenes.labels).sum())
    truth = f.evaluate_on_scenes(on_scenes, 24, first=0, names=["saliency"], steps=2)
    assert truth.right == right
    assert len(truth.scores["saliency"]["energy"]) == right


def test_shards_give_the_same_table(on_scenes):
    options = {"names": ["saliency", "random (control)"], "steps": 2, "only_right": False}
    here = f.evaluate_on_scenes(on_scenes, 20, **options)
    with ThreadPoolExecutor(2) as executor:
        there = f.evaluate_on_scenes(on_scenes, 20, executor=executor, **options)
    assert truth_text(here) == truth_text(there)


def test_a_network_of_other_classes_is_refused(net):
    with pytest.raises(InputError, match="chain knows other classes"):
        f.evaluate_on_scenes(net, 2)


def test_the_command_on_a_photograph(tmp_path, capsys):
    from minivis.pictures import sample_picture, save_picture

    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    out = tmp_path / "out"
    photo = tmp_path / "p.png"
    save_picture(photo, np.random.default_rng(0).uniform(0, 255, (96, 96, 3)))
    asked = ["--methods", "saliency,edges (control)", "--out", str(out)]
    assert main(["truth", "randomize", str(photo), str(bad), *asked]) == 0
    printed = capsys.readouterr().out
    assert "left out" in printed
    assert "conv1_1" in printed
    assert {p.name for p in out.iterdir()} == {f"randomize-cascading.{s}" for s in ("txt", "json", "png")}
    assert json.loads((out / "randomize-cascading.json").read_text())["photographs"] == 1
    assert main(["truth", "randomize", str(bad)]) == 2
    assert main(["truth", "randomize", str(sample_picture()), "--methods", "salience"]) == 2
    assert "did you mean saliency" in capsys.readouterr().err


def test_the_command_on_scenes(tmp_path, capsys, on_scenes, monkeypatch):
    monkeypatch.setattr("minivis.cli.truth.open_net", lambda *_: on_scenes)
    asked = ["--count", "12", "--steps", "2", "--methods", "saliency", "--out", str(tmp_path / "o")]
    assert main(["truth", "scenes", *asked]) == 0
    assert "saliency" in (tmp_path / "o" / "scenes.txt").read_text()
    assert json.loads((tmp_path / "o" / "scenes.json").read_text())["steps"] == 2
    monkeypatch.setattr("minivis.cli.truth.open_net", lambda *_: small.small_net())
    assert main(["truth", "scenes", *asked]) == 2
    assert capsys.readouterr().err.count("\n") == 1
