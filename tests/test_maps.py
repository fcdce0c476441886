"""Maps as pictures: points in their class's colour, cells with their pictures, neighbours with their frames."""

import numpy as np
import pytest
from PIL import Image

from minivis.drawing import save_figure
from minivis.drawing.maps import (
    MAP,
    MOST_NAMED,
    PALETTE,
    RIGHT,
    SHAPES,
    WRONG,
    Row,
    Shown,
    map_of_pictures,
    neighbours_sheet,
    scatter,
)
from minivis.errors import InputError


def drawn(figure, tmp_path):
    save_figure(tmp_path / "x.png", figure)
    with Image.open(tmp_path / "x.png") as image:
        return np.asarray(image.convert("RGB")).astype(int)


def where(pixels, colour):
    """The middle of the pixels of one colour, (row, column), or None."""
    rgb = [int(colour[i : i + 2], 16) for i in (1, 3, 5)] if isinstance(colour, str) else colour
    found = np.argwhere((pixels == rgb).all(-1))
    return None if not len(found) else found.mean(0)


def test_points_stand_in_their_places_and_colours(tmp_path):
    figure = scatter(np.array([[0.0, 0], [4, 0], [0, 4]]), [0, 1, 2], ["a", "b", "c"], "Title", "Caption.")
    pixels = drawn(figure, tmp_path)[:, : MAP + 14]  # without the legend
    first, second, third = (where(pixels, PALETTE[i]) for i in range(3))
    assert abs(first[0] - second[0]) < 2  # one height
    assert abs(first[1] - third[1]) < 2
    assert second[1] > first[1] + 300
    assert third[0] < first[0] - 300  # the second coordinate grows upwards
    assert abs((second[1] - first[1]) - (first[0] - third[0])) < 4  # one scale


def texts(figure):
    legend = figure.axes[0].get_legend()
    return [text.get_text() for text in legend.get_texts()] if legend else []


def test_the_legend_names_the_classes_that_are_there():
    names = ["$x$", "_hidden", "absent", "a very long name of a class that would not fit"]
    assert texts(scatter(np.eye(4)[:3, :2], [0, 1, 3], names)) == ["$x$", "_hidden", "a very long name of a c…"]
    assert texts(scatter(np.eye(2))) == []


def test_more_classes_than_can_be_told_apart_have_no_legend():
    n = MOST_NAMED + 1
    figure = scatter(np.random.default_rng(0).random((n, 2)), range(n), [str(i) for i in range(n)])
    assert texts(figure) == []
    assert len({(PALETTE[i % 8], SHAPES[i % len(SHAPES)]) for i in range(MOST_NAMED)}) == MOST_NAMED
    assert any("57 classes are too many" in text.get_text() for text in figure.texts)
    assert len(texts(scatter(np.eye(40)[:, :2], range(40), [str(i) for i in range(40)]))) == 40


@pytest.mark.parametrize(
    ("points", "labels", "told"),
    [
        (np.zeros((3, 3)), None, r"\(N, 2\), got shape \(3, 3\)"),
        (np.full((3, 2), np.nan), None, r"finite"),
        (np.zeros((3, 2)), [0, 1], r"3 points and 2 classes"),
    ],
)
def test_what_cannot_be_drawn_is_told(points, labels, told):
    with pytest.raises(InputError, match=told):
        scatter(points, labels)


def test_cells_have_their_pictures_and_empty_ones_are_white():
    colours = np.array([[10.0, 20, 30], [200, 100, 50]])
    asked = []

    def picture_of(index):
        asked.append(index)
        return np.broadcast_to(colours[index], (20, 30, 3))

    found = map_of_pictures(picture_of, np.array([[0, 1, -1], [1, 1, 0]]), side=8)
    assert found.shape == (16, 24, 3)
    np.testing.assert_array_equal(found[4, [4, 12, 20]], [colours[0], colours[1], [255] * 3])
    np.testing.assert_array_equal(found[12, [4, 12, 20]], [colours[1], colours[1], colours[0]])
    assert asked == [0, 1]  # each is read once


def test_the_middle_square_of_a_picture_is_shown():
    wide = np.zeros((10, 30, 3))
    wide[:, 10:20] = 255
    assert (map_of_pictures(lambda _: wide, np.zeros((1, 1), int), side=10) == 255).all()


def test_a_sheet_frames_what_is_right_and_wrong(tmp_path):
    grey = np.full((40, 40, 3), 128.0)
    rows = [Row(Shown(grey, "cat"), ([Shown(grey, "cat\n1.2", True)], [Shown(grey, "dog\n3.4", False)]))]
    figure = neighbours_sheet(rows, ["by pixels", "by codes"], "A caption.")
    pixels = drawn(figure, tmp_path)
    right, wrong = where(pixels, RIGHT), where(pixels, WRONG)
    assert right[1] < wrong[1]
    assert abs(right[0] - wrong[0]) < 1
    written = [text.get_text() for text in figure.texts]
    assert {"query", "by pixels", "by codes", "cat", "✓ cat\n1.2", "✗ dog\n3.4", "A caption."} <= set(written)
    unknown = [Row(Shown(grey, "cat.png"), ([Shown(grey, "1.2")], [Shown(grey, "3.4")]))]
    pixels = drawn(neighbours_sheet(unknown, ["by pixels", "by codes"]), tmp_path)
    assert where(pixels, RIGHT) is where(pixels, WRONG) is None


def test_a_sheet_without_rows_or_kinds_is_refused():
    with pytest.raises(InputError, match="2 kinds of neighbours"):
        neighbours_sheet([], ["a", "b"])
    with pytest.raises(InputError, match="1 kinds"):
        neighbours_sheet([Row(Shown(np.zeros((4, 4, 3)), ""), ())], ["a"])
