"""ILSVRC's localisation error: counted by hand, over folders as VOC and the scenes have them."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from conftest import shared_path
from small import CHAIN, CLASS_MAPS, small_net

import minivis as mv
from minivis.errors import ImageFileError, InputError
from minivis.pictures import save_picture
from minivis.scenes import make_scenes, write_scenes
from minivis.segmentation.localisation import (
    Guess,
    Localisation,
    Located,
    Truth,
    box_files,
    boxes_for,
    judge,
    localise,
)
from minivis.segmentation.views import view_of
from minivis.segmentation.voc import read_voc

NAMES = {name: [i % 5] for i, name in enumerate(("cross", "disc", "ring", "square", "star", "triangle"))}


def xml(name="ant", box=(3, 3, 12, 12), size=(20, 24)):
    told = "".join(f"<{f}>{v}</{f}>" for f, v in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True))
    return (
        f"<annotation><size><width>{size[1]}</width><height>{size[0]}</height></size>"
        f"<object><name>{name}</name><bndbox>{told}</bndbox></object></annotation>"
    )


@pytest.fixture
def voc(tmp_path, rng):
    """A folder as PASCAL VOC has it: three good pictures, and one of each thing that goes wrong."""
    for name in ("JPEGImages", "Annotations"):
        (tmp_path / name).mkdir()
    for name in ("a", "b", "c", "size", "class", "bomb", "alone"):
        save_picture(tmp_path / "JPEGImages" / f"{name}.png", rng.uniform(0, 255, (20, 24, 3)))
        (tmp_path / "Annotations" / f"{name}.xml").write_text(xml())
    (tmp_path / "JPEGImages" / "broken.jpg").write_text("no picture")
    (tmp_path / "Annotations" / "broken.xml").write_text(xml())
    (tmp_path / "JPEGImages" / "alone.png").unlink()
    (tmp_path / "Annotations" / "size.xml").write_text(xml(size=(24, 20), box=(3, 3, 9, 9)))
    (tmp_path / "Annotations" / "class.xml").write_text(xml(name="unicorn"))
    (tmp_path / "Annotations" / "bomb.xml").write_text("<!DOCTYPE a [<!ENTITY x 'y'>]>" + xml())
    return tmp_path


def test_a_try_is_right_from_one_half_on():
    truths = [Truth(frozenset({1}), (0, 0, 10, 10)), Truth(frozenset({1, 2}), (20, 0, 30, 10))]
    assert judge((1, 0.9, (0, 0, 10, 5)), truths).overlap == 0.5  # exactly one half is enough
    assert judge((1, 0.9, (20, 0, 30, 10)), truths).overlap == 1  # any box of the class
    assert judge((2, 0.9, (0, 0, 10, 10)), truths).overlap == 0  # a box of another class
    assert judge((1, 0.9, None), truths).overlap == 0


def test_the_errors_are_counted_over_the_first_tries():
    there = [Truth(frozenset({1}), (0, 0, 10, 10))]

    def located(*tries):
        return Located("x", there, [judge((label, 0.1, box), there) for label, box in tries])

    good, half, poor = (0, 0, 10, 10), (0, 0, 10, 5), (0, 0, 10, 4.9)
    found = Localisation(
        [
            located((1, good), (2, good)),
            located((2, good), (1, half)),
            located((1, poor), (2, good)),
            located((2, good), (3, good)),
        ],
        [],
    )
    assert (found.error(1), found.error(2)) == (0.75, 0.5)
    assert (found.class_error(1), found.class_error(2)) == (0.5, 0.25)


@pytest.mark.parametrize("method", ["graphcut", "grad-cam"])
def test_a_folder_is_measured_and_what_is_bad_is_listed(voc, method):
    net = small_net(CHAIN)
    found = localise(net, voc, 2, method)
    assert [picture.picture[-5:] for picture in found.pictures] == ["a.png", "b.png", "c.png"]
    told = {file.rsplit("/")[-1]: why for file, why in found.skipped}
    assert told.keys() == {"alone.xml", "bomb.xml", "broken.jpg", "class.xml", "size.xml"}
    assert told["alone.xml"] == "no picture has its name"
    assert "document type" in told["bomb.xml"] and "no class is called 'unicorn'" in told["class.xml"]
    assert told["size.xml"] == "it says 20 x 24, the picture has 24 x 20"
    for picture in found.pictures:
        probabilities = net(net.picture(picture.picture))[0]
        assert [guess.label for guess in picture.guesses] == (-probabilities).argsort()[:2].tolist()
        assert picture.truths == [(frozenset({0}), (2, 2, 12, 12))]
        x = net.picture(picture.picture)
        boxes = boxes_for(net, x, [guess.label for guess in picture.guesses], method)
        view = view_of(20, 24, net.size)
        assert [guess.box for guess in picture.guesses] == [box and view.to_picture(box) for box in boxes]


def test_shards_elsewhere_give_the_same(voc):
    net = small_net(CHAIN)
    with ThreadPoolExecutor(2) as executor:
        assert localise(net, voc, 2, "grad-cam", executor=executor) == localise(net, voc, 2, "grad-cam")


def test_cam_is_of_nets_that_pool(voc):
    assert len(localise(small_net(CLASS_MAPS), voc, 1, "cam").pictures) == 3
    with pytest.raises(InputError, match="global average pooling"):
        localise(small_net(CHAIN), voc, 1, "cam")


def test_names_stand_for_classes(voc):
    found = localise(small_net(CHAIN), voc, 1, "grad-cam", {"unicorn": ["bee", 4]})
    assert [p.truths[0].classes for p in found.pictures if p.picture.endswith("class.png")] == [{1, 4}]


def test_the_scenes_boxes_are_those_of_their_masks(tmp_path):
    list(write_scenes(tmp_path, 6, 48, seed=2))
    scenes = make_scenes(6, 48, seed=2)
    pairs, skipped = box_files(tmp_path)
    assert len(pairs) == 6 and not skipped and all("/pictures/" in picture for picture, _ in pairs)  # not the masks
    for (_, file), mask in zip(pairs, scenes.masks, strict=True):
        assert read_voc(file).things[0].box == mv.bounding_box(mask)
    found = localise(small_net(CHAIN), tmp_path, 5, "grad-cam", NAMES)
    assert len(found.pictures) == 6 and found.class_error(5) == 0  # five tries name each of the five classes


def test_a_scene_with_a_perfect_map_is_cut_to_its_box():
    """What the cut makes of the object's own mask as saliency: an upper bound for any network."""
    scenes = make_scenes(6, 48, seed=4)
    found = mv.segment(scenes.pictures, scenes.masks.astype(np.float32))
    overlaps = [
        mv.iou(box, mv.bounding_box(mask)) if box else 0.0 for box, mask in zip(found.boxes, scenes.masks, strict=True)
    ]
    assert np.median(overlaps) > 0.8


def test_a_folder_without_box_files(tmp_path, voc):
    with pytest.raises(ImageFileError, match="no folder"):
        localise(small_net(CHAIN), tmp_path / "none")
    with pytest.raises(ImageFileError, match="no box file"):
        localise(small_net(CHAIN), voc / "JPEGImages")
    for path in (voc / "JPEGImages").iterdir():
        path.unlink()
    with pytest.raises(InputError, match="none of the 8 box files can be used"):
        localise(small_net(CHAIN), voc)


@pytest.mark.parametrize("options", [{"k": 0}, {"k": 6}, {"method": "grabcut"}])
def test_options_that_are_none(voc, options):
    with pytest.raises(InputError, match=r"k lies in 1\.\.5|graphcut, cam, grad-cam"):
        localise(small_net(CHAIN), voc, **options)


def test_a_flat_picture_gets_no_box_and_is_wrong(tmp_path, monkeypatch):
    from minivis.segmentation import localisation

    monkeypatch.setattr(localisation, "saliency", lambda net, x, label: np.zeros(x.shape[:3], x.dtype))
    save_picture(tmp_path / "a.png", np.full((20, 24, 3), 90.0))
    (tmp_path / "a.xml").write_text(xml())
    found = localise(small_net(CHAIN), tmp_path, 5)
    assert all(isinstance(guess, Guess) and guess.box is None for guess in found.pictures[0].guesses)
    assert found.error(5) == 1 and found.class_error(5) == 0


@pytest.mark.verify
def test_objects_that_fill_clear_photographs_are_found():
    """Boxes measured by eye on two photographs of one animal each, to 10 pixels."""
    net = mv.load("googlenet", weights=shared_path("weights/bvlc_googlenet.npz"))
    for name, truth in (("001_goldfish", (57, 59, 305, 235)), ("207_golden_retriever", (44, 121, 195, 385))):
        path = shared_path(f"images/imagenet/{name}.jpg")
        height, width = mv.read_picture(path).shape[:2]
        x = net.picture(path)
        view = view_of(height, width, net.size)
        for method in ("graphcut", "grad-cam", "cam"):
            (box,) = boxes_for(net, x, [int(net(x)[0].argmax())], method)
            assert mv.iou(view.to_picture(box), truth) >= 0.5, (name, method)
