"""What colours mean: numeric checks of each drawing function, and figures in which nothing is cut off."""

import subprocess
import sys

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.transforms import Bbox
from PIL import Image

from minivis import drawing
from minivis.drawing.colours import HEAT, NEGATIVE, POSITIVE
from minivis.errors import ImageFileError, InputError


def test_the_limit_is_the_largest_absolute_value_or_a_percentile_of_those_that_are_not_0():
    values = np.array([0, 0, 0, 0, -4, 3, 2, -1, 0, 0], float)
    assert drawing.limit_of(values) == 4
    assert drawing.limit_of(values, 50) == 2.5
    assert drawing.limit_of(np.zeros((3, 3))) == 0
    with pytest.raises(InputError, match="percentile"):
        drawing.limit_of(values, 0)


@pytest.mark.parametrize("draw", [drawing.signed, drawing.grey])
@pytest.mark.parametrize("shape", [(3, 4), (3, 4, 3)])
def test_a_zero_map_is_drawn_without_dividing_by_zero(draw, shape):
    with np.errstate(all="raise"):
        drawn = draw(np.zeros(shape))
    assert drawn.shape == (3, 4, 3)
    middle = 0 if draw is drawing.grey else 127.5 if len(shape) == 3 else 255
    assert np.array_equal(drawn, np.full((3, 4, 3), middle))


def test_signed_colours_lie_symmetrically_about_middle_grey(rng):
    values = rng.standard_normal((5, 6, 3))
    drawn = drawing.signed(values)
    assert drawn.dtype == np.float32
    assert np.array_equal(np.sign(drawn - 127.5), np.sign(values))
    assert np.allclose(drawn + drawing.signed(-values), 255, atol=1e-4)
    assert np.abs(drawn - 127.5).max() == 127.5
    assert np.allclose((drawn - 127.5) / 127.5 * np.abs(values).max(), values, atol=1e-5)


def test_signed_maps_go_from_blue_over_white_to_red_and_clip_at_the_limit():
    drawn = drawing.signed(np.array([[-9.0, -2.0, -1.0, 0.0, 1.0, 2.0, 9.0]]), limit=2)[0]
    assert np.array_equal(drawn[[0, 3, 6]], [NEGATIVE, (255, 255, 255), POSITIVE])
    assert np.array_equal(drawn[[0, 6]], drawn[[1, 5]])
    assert np.allclose(drawn[2], (np.array(NEGATIVE) + 255) / 2)
    assert np.allclose(drawn[4], (np.array(POSITIVE) + 255) / 2)


def test_grey_starts_at_0_and_refuses_what_it_would_hide():
    amounts = np.array([[0.0, 1.0], [2.0, 4.0]])
    assert np.allclose(drawing.grey(amounts)[:, :, 1], [[0, 63.75], [127.5, 255]])
    assert np.allclose(drawing.grey(amounts, limit=2)[:, :, 0], [[0, 127.5], [255, 255]])
    with pytest.raises(InputError, match="use signed"):
        drawing.grey(amounts - 1)


def test_heat_leaves_the_photograph_alone_where_it_is_zero(rng):
    picture = rng.uniform(0, 255, (8, 8, 3))
    lightness = np.repeat(picture.mean(2, keepdims=True), 3, 2)
    assert np.allclose(drawing.heat_over(picture, np.zeros((8, 8))), lightness, atol=1e-3)
    heat = np.zeros((8, 8))
    heat[2, 5], heat[3, 3] = 4, 2
    drawn = drawing.heat_over(picture, heat, opacity=1)
    assert np.allclose(drawn[2, 5], HEAT[-1])
    half = np.mean(HEAT[1:3], axis=0)  # the colour of half the limit, covering half
    assert np.allclose(drawn[3, 3], (half + lightness[3, 3]) / 2, atol=1e-3)
    heat[2, 5] = heat[3, 3] = 0
    assert np.allclose(drawing.heat_over(picture, heat), lightness, atol=1e-3)


def test_heat_shows_the_sign_or_refuses():
    picture, heat = np.full((4, 4, 3), 90.0), np.array([[-1.0, 0.0], [0.0, 1.0]])
    with pytest.raises(InputError, match="either_sign"):
        drawing.heat_over(picture, heat)
    drawn = drawing.heat_over(picture, heat, either_sign=True, opacity=1)
    assert drawn.shape == (4, 4, 3)
    assert np.allclose(drawn[0, 0], NEGATIVE)
    assert np.allclose(drawn[3, 3], POSITIVE)


def test_enlarging_does_not_change_where_the_scale_of_heat_ends():
    picture, heat = np.zeros((4, 4, 3)), np.zeros((3, 3))
    heat[1, 1] = 1  # between the centres of the large pixels: bilinear enlargement lowers it
    assert np.allclose(drawing.heat_over(picture, heat), drawing.heat_over(picture, heat, limit=1))


def test_rescaling_brings_each_filter_to_0_to_255(rng):
    filters = rng.standard_normal((4, 3, 3, 3))
    drawn = drawing.rescale_each(filters)
    assert np.allclose(drawn.min((1, 2, 3)), 0)
    assert np.allclose(drawn.max((1, 2, 3)), 255)
    assert np.allclose(drawing.rescale_each(7 * filters - 3), drawn, atol=1e-3)
    with np.errstate(all="raise"):
        assert np.array_equal(drawing.rescale_each(np.full((1, 2, 2, 3), 0.3)), np.full((1, 2, 2, 3), 127.5))


def test_an_outline_stays_inside_and_on_a_copy():
    picture = np.full((10, 10, 3), 100.0)
    drawn = drawing.outline(picture, 2, 3, 8, 9)[:, :, 0]
    assert np.all(picture == 100)
    assert np.all(drawn[2, 3:9] == 255)
    assert np.all(drawn[7, 3:9] == 255)
    assert np.all(drawn[3:7, [4, 7]] == 0)
    outside = drawn.copy()
    outside[2:8, 3:9] = 100
    assert np.all(outside == 100)
    assert np.all(drawing.outline(picture, -5, -5, 50, 50)[0] == 255)


def test_tiles_stand_in_reading_order():
    tiles = [np.full((2, 3, 3), 10.0 * i) for i in range(5)]
    sheet = drawing.tile(tiles, columns=3, gap=2)
    assert sheet.shape == (2 * 2 + 2, 3 * 3 + 2 * 2, 3)
    assert [sheet[0, 0, 0], sheet[0, 5, 0], sheet[0, 10, 0], sheet[4, 0, 0], sheet[4, 5, 0]] == [0, 10, 20, 30, 40]
    assert sheet[2, 0, 0] == sheet[4, 10, 0] == 255


@pytest.mark.parametrize(
    "draw",
    [
        lambda: drawing.signed(np.array([[np.nan]])),
        lambda: drawing.signed(np.zeros((2, 2, 4))),
        lambda: drawing.grey(np.zeros((0, 2))),
        lambda: drawing.heat_over(np.zeros((2, 2)), np.zeros((2, 2))),
        lambda: drawing.rescale_each(np.zeros(3)),
        lambda: drawing.tile([np.zeros((2, 2, 3)), np.zeros((3, 2, 3))]),
        lambda: drawing.grid([]),
        lambda: drawing.grid([np.zeros((2, 2, 3))], ["one", "two"]),
        lambda: drawing.grid([np.zeros((2, 2))]),
    ],
)
def test_what_cannot_be_drawn_is_refused(draw):
    with pytest.raises(InputError):
        draw()


def test_a_grid_shows_each_picture_pixel_by_pixel(tmp_path, rng):
    pictures = [rng.integers(0, 256, (10, 12, 3)).astype(float) for _ in range(3)]
    drawing.save_figure(tmp_path / "grid.png", drawing.grid(pictures, ["a", "b", "c"], columns=2, side=24))
    page = np.asarray(Image.open(tmp_path / "grid.png"))
    for picture in pictures:
        wanted = picture.repeat(2, 0).repeat(2, 1)
        assert any(
            np.array_equal(page[top : top + 20, left : left + 24], wanted)
            for top, left in np.argwhere((page == wanted[0, 0]).all(-1))
        )


@pytest.mark.parametrize("side", [60, 120, 200])
def test_no_text_is_cut_off_or_lies_over_a_picture_or_another_text(side):
    titles = ["fire2/relu_squeeze1x1 WWWW", "black-footed ferret, polecat: ±0.00123", "plain", "a $ and a _ and 100 %"]
    figure = drawing.grid(
        [np.zeros((side, side, 3))] * 4, titles, columns=2, caption="What the colours mean. " * 12, side=side
    )
    FigureCanvasAgg(figure).draw()
    boxes = [text.get_window_extent() for text in figure.texts]
    boxes += [Bbox.from_bounds(i.ox, i.oy, *i.get_size()[::-1]) for i in figure.images]
    assert len(boxes) == 9
    for i, box in enumerate(boxes):
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= figure.bbox.width
        assert box.y1 <= figure.bbox.height
        assert not any(box.overlaps(other) for other in boxes[:i])


def test_rows_without_titles_stand_apart():
    figure = drawing.grid([np.zeros((20, 20, 3))] * 4, columns=2, side=20)
    places = sorted((image.ox, image.oy) for image in figure.images)
    assert places[1][1] - places[0][1] > 25
    assert places[2][0] - places[0][0] > 25


def test_row_names_break_after_their_slash_and_titles_keep_their_lines():
    figure = drawing.grid([np.zeros((80, 80, 3))], ["saliency\nfire2/squeeze1x1"], side=80)
    assert figure.texts[0].get_text() == "saliency\nfire2/\nsqueeze1x1"


def test_a_contact_sheet_brings_pictures_of_any_size_to_one():
    sizes = [(300, 200), (4, 4), (50, 100)]
    figure = drawing.contact_sheet([np.zeros((*size, 3)) for size in sizes], ["a", "b", "c"], side=80)
    assert [image.get_size() for image in figure.images] == [(80, 53), (80, 80), (40, 80)]


def test_a_figure_that_cannot_be_written_leaves_nothing(tmp_path):
    figure = drawing.grid([np.zeros((4, 4, 3))])
    with pytest.raises(ImageFileError, match="no folder"):
        drawing.save_figure(tmp_path / "none" / "x.png", figure)
    (tmp_path / "x.png").mkdir()
    with pytest.raises(ImageFileError, match="cannot be written"):
        drawing.save_figure(tmp_path / "x.png", figure)
    assert [path.name for path in tmp_path.iterdir()] == ["x.png"]


def test_pyplot_with_its_global_state_is_not_used(tmp_path):
    code = (
        "import sys, numpy as np; from minivis import drawing; assert 'matplotlib' not in sys.modules;"
        f"drawing.save_figure({str(tmp_path / 'x.png')!r}, drawing.grid([np.zeros((4, 4, 3))], ['t']));"
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert (tmp_path / "x.png").is_file()
