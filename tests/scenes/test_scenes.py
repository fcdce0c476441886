"""Scenes: the same from a seed, true answers, and no way to tell the class but by its cause."""

import json
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from minivis.cli import main
from minivis.errors import InputError
from minivis.scenes import OTHERS, SHAPES, TEXTURES, box_of, draw_scene, make_scenes, write_scenes
from minivis.scenes.paint import COLOURS, JITTER
from minivis.scenes.scene import MOST_HIDDEN
from minivis.scenes.shapes import coverage, reach
from minivis.training import open_folder


@pytest.fixture(scope="module")
def scenes():
    return make_scenes(120, size=32, seed=5)


def test_a_scene_is_the_same_whatever_the_count_and_the_first(scenes):
    some = make_scenes(7, size=32, seed=5, first=40)
    for field in ("pictures", "labels", "masks", "boxes", "captions", "questions"):
        assert np.array_equal(getattr(some, field), getattr(scenes, field)[40:47]) or (
            getattr(some, field) == getattr(scenes, field)[40:47]
        )
    assert not np.array_equal(make_scenes(1, size=32, seed=6).pictures, scenes.pictures[:1])


def test_shapes_and_types(scenes):
    assert scenes.pictures.shape == (120, 32, 32, 3)
    assert scenes.pictures.dtype == np.float32
    assert scenes.masks.shape == (120, 32, 32)
    assert scenes.masks.dtype == bool
    assert scenes.pictures.min() >= 0
    assert scenes.pictures.max() <= 255
    assert np.array_equal(scenes.pictures, np.rint(scenes.pictures))
    assert scenes.classes == SHAPES


def test_each_class_comes_once_in_every_block(scenes):
    for block in scenes.labels.reshape(-1, 6):
        assert sorted(block) == list(range(6))
    assert len({tuple(block) for block in scenes.labels.reshape(-1, 6)}) > 10  # in changing order


@pytest.mark.parametrize("name", SHAPES + OTHERS)
def test_every_shape_has_the_area_asked_for_however_it_is_turned(name):
    for turn in (0.0, 0.7, 2.5):
        covered = coverage(name, 96, (47.3, 49.1), 900.0, turn)
        assert covered.sum() == pytest.approx(900, rel=0.012)
        assert covered.min() == 0
        assert covered.max() == 1
        y, x = np.argwhere(covered > 0).T
        assert np.hypot(y + 0.5 - 47.3, x + 0.5 - 49.1).max() <= reach(name) * 30 + 1


def test_a_disc_covers_what_a_disc_covers():
    y, x = np.mgrid[:40, :40] + 0.5
    inside = np.hypot(y - 20, x - 18) < np.sqrt(300 / np.pi)
    covered = coverage("disc", 40, (20, 18), 300, 0.3)
    edge = abs(np.hypot(y - 20, x - 18) - np.sqrt(300 / np.pi)) < 1
    assert np.array_equal(covered[~edge], inside[~edge].astype("float32"))
    assert ((covered[edge] > 0) & (covered[edge] < 1)).mean() > 0.4  # soft edges


def test_a_turn_is_a_turn():
    upright = coverage("corner", 41, (20.5, 20.5), 300, 0)
    assert abs(coverage("corner", 41, (20.5, 20.5), 300, np.pi / 2) - np.rot90(upright, -1)).max() < 0.07


def test_the_mask_is_what_the_deciding_object_alone_changes():
    """Painted in two classes, a scene differs only where the one or the other shape is."""
    for index in range(12):
        a, b = (draw_scene(3, index, label, 48) for label in (0, 3))
        if [t[1:] for t in a.things] != [t[1:] for t in b.things]:
            continue  # another object was left out
        changed = abs(a.picture - b.picture).max(-1) > 0
        first = a.things[0]
        either = coverage("disc", 48, first.centre, first.area, first.turn) + coverage(
            "star", 48, first.centre, first.area, first.turn
        )
        assert not changed[either == 0].any()
        assert (either[a.mask] > 0).all()


def test_the_cause_is_mostly_visible(scenes):
    for index, mask in enumerate(scenes.masks):
        scene = draw_scene(5, index, int(scenes.labels[index]), 32)
        assert mask.sum() >= (1 - MOST_HIDDEN) * scene.things[0].area - 12  # the rim: half-covered pixels
        assert np.array_equal(mask, scene.mask)


def test_hidden_pixels_are_not_in_the_mask():
    hidden = 0
    for index in range(60):
        scene = draw_scene(1, index, 1, 64)
        first = scene.things[0]
        whole = coverage(first.shape, 64, first.centre, first.area, first.turn) >= 0.5
        assert not (scene.mask & ~whole).any()
        lost = whole & ~scene.mask
        hidden += lost.any()
        others = [coverage(t.shape, 64, t.centre, t.area, t.turn) for t in scene.things[1:]]
        assert not (lost & (sum(others, np.zeros((64, 64))) == 0)).any()  # only others hide it
    assert hidden > 5


def test_boxes_hold_the_masks(scenes):
    mask = np.zeros((9, 8), bool)
    mask[2:5, 3:7] = True
    assert box_of(mask) == (3, 2, 6, 4)
    assert scenes.boxes.tolist() == [list(box_of(mask)) for mask in scenes.masks]


def test_one_object_decides(scenes):
    for index, label in enumerate(scenes.labels):
        things = draw_scene(5, index, int(label), 32).things
        assert things[0].shape == SHAPES[label]
        assert all(thing.shape in OTHERS for thing in things[1:])
        assert len({thing.colour for thing in things}) == len(things)
    textured = make_scenes(12, 32, by="texture")
    assert textured.classes == TEXTURES[1:]
    for index, label in enumerate(textured.labels):
        first, *others = draw_scene(0, index, int(label), 32, "texture").things
        assert first.texture == TEXTURES[1 + label]
        assert all(thing.texture == "plain" for thing in others)


def test_captions_and_answers_are_true():
    for index in range(30):
        label = index % 6
        scene = draw_scene(2, index, label, 64)
        found = make_scenes(1, 64, 2, first=index)
        assert len(found.captions) == len(found.questions) == 1
        from minivis.scenes.telling import caption, questions

        first = scene.things[0]
        answers = dict(questions(scene))
        assert SHAPES[label] in caption(scene)
        assert first.colour in caption(scene)
        assert answers[f"What shape is the {first.colour} object?"] == SHAPES[label]
        assert answers["How many objects are there?"] == ("one", "two", "three", "four")[len(scene.things) - 1]
        for question, answer in answers.items():
            named = question.removesuffix("?").split()[-1]
            if question.startswith("Is there") and named in SHAPES:
                assert answer == ("yes" if named == SHAPES[label] else "no")
            if "left of" in question:
                other = next(t for t in scene.things[1:] if question.endswith(f"{t.shape}?"))
                assert (answer == "yes") == (first.centre[1] < other.centre[1])
        if first.texture == "plain":
            inner = scene.mask & np.roll(scene.mask, 1, 0) & np.roll(scene.mask, -1, 1) & np.roll(scene.mask, -1, 0)
            colour = np.median(scene.picture[inner], axis=0)
            assert abs(colour - COLOURS[first.colour]).max() <= JITTER + 1


def colours(pictures):
    """Histograms of each picture's colours: 4 levels of each, (N, 64)."""
    level = (pictures // 64).astype(int)
    return (
        np.stack([np.bincount(p.ravel(), minlength=64) for p in level @ np.array([16, 4, 1])])
        / pictures[0, ..., 0].size
    )


@pytest.mark.verify  # it asks scikit-learn
def test_colours_do_not_tell_the_class():
    """Nearest mean of colour histograms, and of mean colours: 400 scenes to learn from, 200 to test."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.neighbors import NearestCentroid

    made = make_scenes(600, 24, seed=8)
    deviation = np.sqrt(1 / 6 * 5 / 6 / 200)
    for features in (colours(made.pictures), made.pictures.mean((1, 2)), made.pictures.std((1, 2))):
        for model in (NearestCentroid(), RandomForestClassifier(25, random_state=0)):
            accuracy = model.fit(features[:400], made.labels[:400]).score(features[400:], made.labels[400:])
            assert accuracy < 1 / 6 + 3.5 * deviation
    # The same learners do see a shortcut where there is one.
    tinted = made.pictures.mean((1, 2)) + 40 * np.eye(6)[made.labels] @ np.random.default_rng(0).normal(size=(6, 3))
    assert NearestCentroid().fit(tinted[:400], made.labels[:400]).score(tinted[400:], made.labels[400:]) > 0.3


def test_the_class_changes_nothing_else():
    for index in range(6):
        drawn = [draw_scene(4, index, label, 32) for label in range(6)]
        firsts = {scene.things[0][1:] for scene in drawn}
        assert len(firsts) == 1  # colour, texture, place, area and turn
        elsewhere = np.ones((32, 32), bool)
        for scene in drawn:
            for thing in scene.things:
                elsewhere &= coverage(thing.shape, 32, thing.centre, thing.area, thing.turn) == 0
        assert all(np.array_equal(scene.picture[elsewhere], drawn[0].picture[elsewhere]) for scene in drawn)


def test_a_folder_of_scenes_reads_back(tmp_path):
    scenes = make_scenes(12, 32, seed=2, first=30)
    paths = list(write_scenes(tmp_path / "made", 12, 32, seed=2, first=30))
    assert len(paths) == 12
    told = json.loads((tmp_path / "made" / "scenes.json").read_text())
    assert told["made"] == {"size": 32, "seed": 2, "by": "shape", "first": 30, "count": 12}
    for i, path in enumerate(paths):
        assert path.parent.name == SHAPES[scenes.labels[i]]
        assert np.array_equal(np.asarray(Image.open(path)), scenes.pictures[i])
        mask = np.asarray(Image.open(tmp_path / "made" / "masks" / path.name))
        assert np.array_equal(mask, scenes.masks[i] * np.uint8(255))
        annotation = ElementTree.parse(tmp_path / "made" / "annotations" / f"{path.stem}.xml").getroot()
        assert annotation.findtext("filename") == path.name
        assert annotation.findtext("object/name") == path.parent.name
        box = [int(annotation.findtext(f"object/bndbox/{side}")) for side in ("xmin", "ymin", "xmax", "ymax")]
        assert box == [place + 1 for place in scenes.boxes[i]]  # counted from 1
        assert told["scenes"][i]["caption"] == scenes.captions[i]
        assert [(q["question"], q["answer"]) for q in told["scenes"][i]["questions"]] == list(scenes.questions[i])
    folder = open_folder(tmp_path / "made" / "pictures")
    assert folder.classes == tuple(sorted(SHAPES))


@pytest.mark.parametrize(
    "wrong", [{"count": 0}, {"seed": -1}, {"first": -1}, {"size": 23}, {"by": "colour"}], ids=lambda w: next(iter(w))
)
def test_wrong_arguments_are_told(wrong):
    with pytest.raises(InputError, match=str(next(iter(wrong.values())))):
        make_scenes(**{"count": 1, **wrong})


def test_the_command(tmp_path, capsys):
    assert main(["scenes", str(tmp_path / "s"), "--count", "6", "--size", "24", "--by", "texture"]) == 0
    assert "6 scenes" in capsys.readouterr().out
    assert len(list((tmp_path / "s" / "pictures").rglob("*.png"))) == 6
    assert main(["scenes", str(tmp_path / "s"), "--size", "5"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
