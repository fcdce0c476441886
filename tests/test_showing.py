"""Pictures and curves in front of the reader: as files beside a script, or in a notebook."""

import itertools
import sys
import types

import numpy as np
import pytest

import minivis as mv
from minivis import drawing
from minivis.drawing import showing
from minivis.errors import InputError


@pytest.fixture(autouse=True)
def figures(tmp_path, monkeypatch):
    """Figures go to a folder of this test, numbered from 1, by a script called lesson.py."""
    monkeypatch.setenv("MINIVIS_FIGURES", str(tmp_path / "deep" / "figures"))
    monkeypatch.setattr(showing, "_numbers", itertools.count(1))
    monkeypatch.setattr(sys.modules["__main__"], "__file__", str(tmp_path / "lesson.py"), raising=False)
    return tmp_path / "deep" / "figures"


COLOUR = (201, 43, 7)  # no letter is drawn in it


def picture(value=COLOUR, height=10, width=12):
    return np.broadcast_to(np.float32(value), (height, width, 3))


def test_a_script_writes_files_and_says_where(figures, capsys):
    mv.show(picture(), "bright", caption="A plain picture.")
    mv.plot({"y": [1, 2, 3]})
    assert capsys.readouterr().out.splitlines() == [f"[picture: {figures / f'lesson_{i}.png'}]" for i in (1, 2)]
    drawn = mv.read_picture(figures / "lesson_1.png")
    assert (drawn == COLOUR).all(2).sum() == (12 * 17) * (10 * 17)  # about 200 pixels wide, by a whole factor


def test_without_a_chosen_folder_they_go_beside_the_script(tmp_path, monkeypatch):
    monkeypatch.delenv("MINIVIS_FIGURES")
    mv.show(picture())
    assert (tmp_path / "figures" / "lesson_1.png").exists()


def test_a_session_without_a_script_has_a_name_too(figures, monkeypatch):
    monkeypatch.delattr(sys.modules["__main__"], "__file__")
    mv.show(picture())
    assert (figures / "figure_1.png").exists()


@pytest.mark.parametrize(
    ("pictures", "count"),
    [
        (picture(), 1),
        (picture()[None], 1),
        (np.stack([picture()] * 3), 3),
        ([picture(), picture()], 2),
        ([picture(), np.stack([picture()] * 2)], 3),
        ((picture() for _ in range(2)), 2),
    ],
)
def test_a_picture_a_batch_or_several(figures, pictures, count):
    mv.show(pictures, side=12)
    drawn = mv.read_picture(figures / "lesson_1.png")
    assert (drawn == COLOUR).all(2).sum() == count * 10 * 12


def test_a_figure_is_shown_as_it_is(figures):
    mv.show(drawing.grid([picture()], ["title"], side=12))
    drawn = mv.read_picture(figures / "lesson_1.png")
    assert (drawn == COLOUR).all(2).sum() == 10 * 12


def test_what_is_no_picture_is_refused(figures):
    with pytest.raises(InputError, match="signed and grey"):
        mv.show(np.zeros((4, 4)))
    with pytest.raises(InputError, match="no pictures"):
        mv.show([])
    with pytest.raises(InputError, match="2 titles for 1"):
        mv.show(picture(), ["one", "two"])
    assert not figures.exists()


@pytest.mark.parametrize(
    "options", [{}, {"dots": True}, {"log": "xy"}, {"xlabel": "x", "ylabel": "y", "caption": "c " * 200}]
)
def test_curves_are_drawn(figures, options):
    curves = {f"{i}": (np.arange(1, 5), np.arange(1, 5) + i) for i in range(9)}
    mv.plot(curves, **options)
    drawn = mv.read_picture(figures / "lesson_1.png").astype(int)
    assert drawn.shape == (400, 640, 3)
    if not options.get("dots"):  # dots are a little transparent
        for colour in ((0x00, 0x72, 0xB2), (0xD5, 0x5E, 0x00), (0x00, 0x9E, 0x73)):
            assert (drawn == colour).all(2).sum() > 20


def test_curves_that_do_not_fit_say_so(figures):
    for curves, message in (
        ({}, "no curves"),
        ({"y": (np.arange(3), np.arange(4))}, "equally many"),
        ({"y": np.zeros((2, 2))}, "equally many"),
        ({"y": (1, 2, 3)}, "pair"),
    ):
        with pytest.raises(InputError, match=message):
            mv.plot(curves)
    with pytest.raises(InputError, match="log is"):
        mv.plot({"y": [1, 2]}, log="z")
    assert not figures.exists()


def test_a_notebook_displays(figures, monkeypatch, capsys):
    shown = []
    IPython = types.ModuleType("IPython")
    IPython.get_ipython = lambda: types.SimpleNamespace(kernel=object())
    display = types.ModuleType("IPython.display")
    display.Image = lambda data, alt: (data, alt)
    display.display = shown.append
    monkeypatch.setitem(sys.modules, "IPython", IPython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    mv.show(picture(), caption="What is seen.")
    ((png, alt),) = shown
    assert png.startswith(b"\x89PNG")
    assert alt == "What is seen."
    assert capsys.readouterr().out == ""
    assert not figures.exists()
    IPython.get_ipython = lambda: types.SimpleNamespace()  # IPython in a terminal cannot
    mv.show(picture())
    assert len(shown) == 1
    assert (figures / "lesson_1.png").exists()
