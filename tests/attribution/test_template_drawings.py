"""Templates as pictures, and the command that draws them."""

import numpy as np
import pytest
from PIL import Image

import minivis as mv
from minivis import drawing
from minivis.cli import main
from minivis.errors import InputError
from minivis.nets import Net, attributes_of, linear_classifier, mlp
from minivis.weights import save_weights

LABELS = ("ant", "bee", "cow")


def test_each_template_is_stretched_by_its_own_range():
    weights = np.array([[-1.0, 0.0], [1.0, 3.0]]).reshape(1, 2, 2, 1) * np.array([1.0, 10.0]).reshape(2, 1, 1, 1)
    drawn = drawing.template_pictures(weights)
    assert drawn.shape == (2, 2, 2, 3)
    np.testing.assert_allclose(drawn[0, :, :, 0], [[0, 63.75], [127.5, 255]], atol=1e-4)
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert (drawn[..., 0] == drawn[..., 2]).all()


def test_signed_keeps_zero_grey_and_the_signs_apart():
    weights = np.array([[-1.0, 0.0], [1.0, 4.0]]).reshape(1, 2, 2, 1)
    np.testing.assert_allclose(
        drawing.template_pictures(weights, signed=True)[0, :, :, 1], [[95.625, 127.5], [159.375, 255]]
    )


def test_colours_stay_colours(rng):
    weights = rng.standard_normal((4, 5, 5, 3))
    drawn = drawing.template_pictures(weights)
    np.testing.assert_allclose(drawn, drawing.rescale_each(weights))
    with pytest.raises(InputError, match="expected templates"):
        drawing.template_pictures(weights[..., :2])


@pytest.fixture
def files(tmp_path, monkeypatch, rng):
    monkeypatch.chdir(tmp_path)
    for table in (linear_classifier(LABELS, 8), mlp(LABELS, 8, hidden=9)):
        said = {"labels": list(table.labels), "architecture": table.name, **attributes_of(table)}
        save_weights(f"{table.name}.h5", mv.initial_weights(table, rng), attributes=said)
    return tmp_path


@pytest.mark.parametrize("name", ["linear", "mlp"])
@pytest.mark.parametrize("signed", [[], ["--signed"]])
def test_the_command_draws_them(files, capsys, name, signed):
    assert main(["filters", f"{name}.h5", *signed]) == 0
    assert capsys.readouterr().out == f"{name}-templates.png\n"
    assert Image.open(f"{name}-templates.png").size[0] > 300


def test_signed_filters_of_a_convolution(files, capsys):
    assert main(["filters", "minivgg", "--signed"]) == 0
    assert capsys.readouterr().out == "minivgg-filters.png\n"


def test_each_is_named_after_whom_it_speaks_for(rng):
    table = mlp(LABELS, 8, hidden=4)
    weights = mv.initial_weights(table, rng)
    weights["fc2"]["kernel"][:] = [[3, 1, 2], [0, 1, 0], [0, 0, 9], [5, 4, 3]]
    figure = drawing.draw_templates(Net(table, weights))
    texts = [text.get_text() for text in figure.texts]
    assert texts[:4] == ["0: for ant", "1: for bee", "2: for cow", "3: for ant"]
    assert "one hidden unit each" in texts[4].replace("\n", " ")
    table = linear_classifier(LABELS, 8)
    figure = drawing.draw_templates(Net(table, mv.initial_weights(table, rng)), signed=True)
    texts = [text.get_text() for text in figure.texts]
    assert texts[:3] == list(LABELS)
    assert "middle grey zero" in texts[3].replace("\n", " ")
