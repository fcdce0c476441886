"""The whole way from saliency to a box, on pictures whose answer is known, and its drawing."""

import numpy as np
import pytest

import minivis as mv
from minivis.drawing.segmentation import box_outline, mask_outline, segmentation_figure, trimap_colours
from minivis.errors import InputError
from minivis.segmentation.graphcut import energy, graph_cut, neighbour_links
from minivis.segmentation.segment import colour_costs, segment
from minivis.segmentation.trimap import BACKGROUND, FOREGROUND, UNDEFINED


def disc(rng, dtype=np.float32, size=40):
    """A red disc on green, noisy, its mask, and a saliency that speckles the disc."""
    rows, columns = np.mgrid[:size, :size]
    mask = (rows - 18) ** 2 + (columns - 22) ** 2 <= 9**2
    picture = np.where(mask[..., None], (200.0, 50, 50), (60.0, 150, 70)) + rng.normal(0, 8, (size, size, 3))
    saliency = rng.random((size, size)) * np.where(mask, 1.0, 0.45)
    return picture.clip(0, 255).astype(dtype)[None], saliency.astype(dtype)[None], mask


@pytest.mark.parametrize("neighbours", [4, 8])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_disc_is_cut_out_to_the_pixel(rng, dtype, neighbours):
    picture, saliency, mask = disc(rng, dtype)
    kept = picture.copy(), saliency.copy()
    found = segment(picture, saliency, neighbours=neighbours)
    assert np.array_equal(found.mask[0], mask)
    assert found.boxes == [(13, 9, 32, 28)]
    assert np.array_equal(picture, kept[0]) and np.array_equal(saliency, kept[1])


def test_a_batch_is_each_picture_by_itself(rng):
    first, second = disc(rng), disc(rng, size=40)
    shifted = np.roll(second[0], 5, 2), np.roll(second[1], 5, 2)
    both = segment(np.concatenate([first[0], shifted[0]]), np.concatenate([first[1], shifted[1]]))
    assert both.boxes == [(13, 9, 32, 28), (18, 9, 37, 28)]
    assert both.mask.shape == both.trimap.shape == (2, 40, 40)


def test_the_cut_is_the_best_of_its_costs_and_its_largest_part_is_kept(rng):
    picture, saliency, mask = disc(rng)
    picture[0, 35:38, 2:5] = (200, 50, 50)  # a second, smaller red thing
    found = segment(picture, saliency)
    assert found.cut[0, 36, 3] and not found.mask[0, 36, 3] and np.array_equal(found.mask[0], mask)
    unary = colour_costs(picture[0], found.trimap[0], 5, np.random.default_rng(0))
    links = neighbour_links(picture[0])
    assert np.array_equal(graph_cut(unary, links).mask, found.cut[0])
    for other in (mask, ~mask, found.trimap[0] == FOREGROUND, np.zeros_like(mask), np.ones_like(mask)):
        assert energy(found.cut[0], unary, links) <= energy(other, unary, links) + 1


def test_only_the_pixels_of_the_trimap_teach_the_colours(rng):
    picture, seeds = rng.uniform(0, 255, (12, 12, 3)), rng.integers(0, 3, (12, 12)).astype(np.uint8)
    costs = colour_costs(picture, seeds, 2, np.random.default_rng(0))
    for code, changes in ((UNDEFINED, False), (FOREGROUND, True), (BACKGROUND, True)):
        other = picture.copy()
        other[seeds == code] = (255, 0, 255)
        again = colour_costs(other, seeds, 2, np.random.default_rng(0))
        assert np.array_equal(again[seeds != code], costs[seeds != code]) != changes


def test_hard_seeds_are_kept_and_soft_ones_are_not(rng):
    picture, saliency, _ = disc(rng)
    saliency[0, 2, 2] = 5  # a speckle far from the disc
    hard, soft = segment(picture, saliency, hard=True), segment(picture, saliency)
    assert hard.cut[0][hard.trimap[0] == FOREGROUND].all() and not hard.cut[0][hard.trimap[0] == BACKGROUND].any()
    assert hard.cut[0, 2, 2] and not soft.cut[0, 2, 2]


def test_the_seed_gives_the_same_again(rng):
    picture, saliency, _ = disc(rng)
    picture = rng.uniform(0, 255, picture.shape)
    a, b = (segment(picture, saliency, rng=np.random.default_rng(3)).cut for _ in range(2))
    assert np.array_equal(a, b)


def test_a_picture_of_one_row(rng):
    picture = np.full((1, 1, 60, 3), 30.0)
    picture[0, 0, 20:30] = 220
    saliency = np.zeros((1, 1, 60))
    saliency[0, 0, 22:28] = 1
    assert segment(picture, saliency).boxes == [(20, 0, 30, 1)]


def test_a_picture_of_one_colour_has_an_empty_cut(rng):
    found = segment(np.full((1, 8, 8, 3), 90.0), rng.random((1, 8, 8)))
    assert found.boxes == [None] and not found.mask.any()  # both models are the same: nothing speaks for foreground


def test_a_flat_map_is_said_to_be_flat(rng):
    with pytest.raises(InputError, match="picture 1 is flat"):
        segment(np.zeros((2, 4, 4, 3)), np.stack([rng.random((4, 4)), np.ones((4, 4))]))
    with pytest.raises(InputError, match="picture 0 is flat"):
        segment(np.zeros((1, 1, 1, 3)), np.ones((1, 1, 1)))
    with pytest.raises(InputError, match="of their size"):
        segment(np.zeros((1, 4, 5, 3)), np.zeros((1, 4, 4)))
    with pytest.raises(InputError, match="not finite"):
        segment(np.full((1, 4, 4, 3), np.nan), rng.random((1, 4, 4)))


def test_pictures_of_the_device_are_cut_on_the_host(device, rng):
    picture, saliency, mask = disc(rng)
    found = segment(device.asarray(picture), device.asarray(saliency))
    assert isinstance(found.mask, np.ndarray) and np.array_equal(found.mask[0], mask)


def test_the_trimap_is_drawn_in_blue_cyan_and_red():
    drawn = trimap_colours(np.array([[0, 1, 2]], np.uint8))
    assert drawn.tolist() == [[[255, 0, 0], [0, 0, 255], [0, 255, 255]]]
    with pytest.raises(InputError, match="trimap"):
        trimap_colours(np.array([[3]], np.uint8))


def test_the_outline_of_a_mask(rng):
    picture, mask = np.full((7, 7, 3), 100.0, np.float32), np.zeros((7, 7), bool)
    mask[1:6, 1:6] = True
    drawn = mask_outline(picture, mask, dim=0.5)
    assert (drawn[0] == 50).all() and (drawn[2:5, 2:5] == 100).all() and (drawn[1, 1:6] == (255, 220, 0)).all()
    assert (picture == 100).all()
    boxed = box_outline(picture, (1, 2, 6, 7))
    assert (boxed[2, 1:6] == 255).all() and (boxed[:2] == 100).all()
    assert np.array_equal(box_outline(picture, None), picture)


def test_the_figure_has_six_pictures(rng, tmp_path):
    picture, saliency, _ = disc(rng)
    found = segment(picture, saliency)
    figure = segmentation_figure(picture[0], saliency[0], found, "a disc.")
    texts = [text.get_text() for text in figure.texts]
    assert texts[:6] == ["picture", "saliency", "trimap", "graph cut", "largest component", "box"]
    assert "95 % quantile" in texts[6].replace("\n", " ")


def test_the_public_names():
    assert mv.segment is segment and mv.graph_cut is graph_cut
