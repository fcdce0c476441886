"""Trimap, components, boxes, and where a net's pixels lie in a picture: counts, brute force and marked pixels."""

import numpy as np
import pytest

import minivis as mv
from minivis.errors import InputError
from minivis.pictures import for_net
from minivis.segmentation.boxes import bounding_box, box_of_map, iou, largest_component
from minivis.segmentation.trimap import BACKGROUND, FOREGROUND, UNDEFINED, trimap
from minivis.segmentation.views import view_of


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_trimap_takes_5_and_30_percent_of_each_map(rng, dtype):
    maps = np.stack([rng.permutation(1000), 7 * rng.permutation(1000)]).reshape(2, 20, 50).astype(dtype)
    seeds = trimap(maps)
    assert seeds.dtype == np.uint8
    for found, values in zip(seeds, maps, strict=True):
        rank = values.ravel().argsort().argsort().reshape(20, 50)
        assert np.array_equal(found == FOREGROUND, rank >= 950)
        assert np.array_equal(found == BACKGROUND, rank < 300)
        assert np.count_nonzero(found == UNDEFINED) == 650


def test_equal_values_stay_together():
    mask = np.zeros((1, 10, 10))
    mask[0, :4, :5] = 1  # more than 5 % have the largest value
    assert np.array_equal(trimap(mask)[0], np.where(mask[0] > 0, FOREGROUND, BACKGROUND))
    assert (trimap(np.full((1, 3, 3), 2.0)) == BACKGROUND).all()
    assert (trimap(np.ones((1, 1, 1))) == BACKGROUND).all()


def test_a_trimap_of_one_row(rng):
    seeds = trimap(np.arange(100.0).reshape(1, 1, 100))
    assert seeds.shape == (1, 1, 100) and (seeds[0, 0, 95:] == FOREGROUND).all() and seeds[0, 0, 94] == UNDEFINED


@pytest.mark.parametrize(
    "maps, quantiles, message",
    [
        (np.zeros((3, 3)), (0.95, 0.3), r"shape \(N, H, W\), got float64 of shape \(3, 3\)"),
        (np.zeros((1, 0, 3)), (0.95, 0.3), "shape"),
        (np.full((1, 2, 2), np.nan), (0.95, 0.3), "4 values of the saliency map are not finite"),
        (np.zeros((1, 2, 2)), (0.3, 0.3), "background < foreground"),
        (np.zeros((1, 2, 2)), (1.5, 0.3), "background < foreground"),
        (np.zeros((1, 2, 2), complex), (0.95, 0.3), "complex"),
    ],
)
def test_a_trimap_of_something_else(maps, quantiles, message):
    with pytest.raises(InputError, match=message):
        trimap(maps, *quantiles)


def test_arrays_of_the_device_are_brought_to_the_host(device):
    assert isinstance(trimap(device.asarray(np.arange(12.0).reshape(1, 3, 4))), np.ndarray)
    assert bounding_box(device.asarray(np.eye(3, dtype=bool))) == (0, 0, 3, 3)


def flood(mask):
    """All components of a mask by flood fill: sets of places."""
    left, found = set(map(tuple, np.argwhere(mask).tolist())), []
    while left:
        part, edge = set(), [min(left)]
        while edge:
            i, j = edge.pop()
            if (i, j) in left:
                left.remove((i, j))
                part.add((i, j))
                edge += [(i + 1, j), (i - 1, j), (i, j + 1), (i, j - 1)]
        found.append(part)
    return found


@pytest.mark.parametrize("seed", range(20))
def test_the_largest_component_against_flood_fill(seed):
    mask = np.random.default_rng(seed).random((9, 12)) < 0.5
    parts = flood(mask)
    largest = max(parts, key=len)  # the first of equals, as it is found from the top
    assert set(map(tuple, np.argwhere(largest_component(mask)).tolist())) == largest
    rows, columns = zip(*largest, strict=True)
    assert bounding_box(largest_component(mask)) == (min(columns), min(rows), max(columns) + 1, max(rows) + 1)


def test_an_empty_mask_has_no_box_and_one_pixel_has_one():
    empty = np.zeros((4, 5), bool)
    assert bounding_box(empty) is None and not largest_component(empty).any()
    one = empty.copy()
    one[2, 3] = True
    assert bounding_box(one) == (3, 2, 4, 3)
    with pytest.raises(InputError, match="mask"):
        largest_component(one.astype(int))


def test_the_box_of_a_map_is_of_what_exceeds_the_share():
    heat = np.zeros((6, 8))
    heat[1, 1], heat[1, 2], heat[1, 3], heat[4, 6] = 10, 2.1, 2.0, 9
    assert box_of_map(heat, 0.2) == (1, 1, 3, 2)
    assert box_of_map(heat, 0.15) == (1, 1, 4, 2)
    assert box_of_map(-heat) is None and box_of_map(np.zeros((2, 2))) is None
    with pytest.raises(InputError, match=r"0\.\.1"):
        box_of_map(heat, 1.0)


def test_iou_against_counting_pixels(rng):
    for _ in range(200):
        boxes, masks = [], []
        for _ in range(2):
            (x0, x1), (y0, y1) = (np.sort(rng.choice(12, 2, replace=False)) for _ in range(2))
            boxes.append((x0, y0, x1, y1))
            mask = np.zeros((12, 12), bool)
            mask[y0:y1, x0:x1] = True
            masks.append(mask)
        assert iou(*boxes) == pytest.approx((masks[0] & masks[1]).sum() / (masks[0] | masks[1]).sum(), abs=1e-15)


@pytest.mark.parametrize("box", [(0, 0, 0, 1), (2, 0, 1, 1), (0, 0, np.nan, 1), (0, 0, np.inf, 1), (0, 0, 1)])
def test_iou_of_what_is_no_box(box):
    with pytest.raises(InputError, match="a box is"):
        iou((0, 0, 1, 1), box)


@pytest.mark.parametrize("height, width", [(263, 376), (500, 300), (224, 224), (64, 1000), (999, 500), (37, 41)])
def test_a_view_says_where_the_marked_place_is_seen(height, width, rng):
    """A soft spot stays where it is when a picture is resized: its centre of mass is found again."""
    size = 96
    view = view_of(height, width, size)
    left, top, right, bottom = view.to_picture((0.4 * size, 0.4 * size, 0.6 * size, 0.6 * size))
    j, i = rng.uniform((left, top), (right, bottom))
    rows, columns = np.mgrid[:height, :width] + 0.5
    spread = min(height, width) / 20
    spot = 250 * np.exp(-((rows - i) ** 2 + (columns - j) ** 2) / (2 * spread**2))
    seen = for_net(np.repeat(spot[..., None], 3, 2).astype(np.float32), size)[0, :, :, 0].astype(float)
    rows, columns = np.mgrid[:size, :size] + 0.5
    found = (seen * columns).sum() / seen.sum(), (seen * rows).sum() / seen.sum()
    assert view.to_net((j, i, j, i))[:2] == pytest.approx(found, abs=0.02)


@pytest.mark.parametrize("height, width", [(263, 376), (500, 301), (1, 1), (97, 3000)])
def test_a_view_there_and_back(height, width):
    view = view_of(height, width, 227)
    box = (1.5, 2.0, 30.25, 40.0)
    assert view.to_net(view.to_picture(box)) == pytest.approx(box)
    left, top, right, bottom = view.to_picture((0, 0, 227, 227))
    assert 0 <= left < right <= width and 0 <= top < bottom <= height


def test_the_public_names():
    assert mv.trimap is trimap and mv.iou is iou and mv.bounding_box is bounding_box
