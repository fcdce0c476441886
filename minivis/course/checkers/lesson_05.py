"""Lesson 5: a network is a table."""

import numpy as np

from ..judging import Answer, exercise, parts, same


@exercise
def convolution_row(answer: Answer) -> None:
    """The shape and the weights of a row."""
    cases = (
        ("the first row of VGG16", ((224, 224, 3), 3, 64, 1, 1), (224, 224, 64), 1792),
        ("the first row of AlexNet, stride 4", ((227, 227, 3), 11, 96, 4, 0), (55, 55, 96), 34_944),
        ("a map that is not square", ((10, 7, 2), 3, 5, 1, 0), (8, 5, 5), 95),
        ("stride 2, where a row is left over", ((8, 8, 1), 3, 1, 2, 0), (3, 3, 1), 10),
        ("stride 2 and padding 3", ((224, 224, 3), 7, 64, 2, 3), (112, 112, 64), 9472),
    )
    for name, row, shape, weights in cases:
        found, counted = parts(answer(*row), 2)
        same(f"{name}: shape of the output", found, shape)
        same(f"{name}: number of weights", counted, weights)


@exercise
def vgg_preprocessing(answer: Answer) -> None:
    """Blue, green, red, minus their means."""
    mean_colour = np.broadcast_to(np.array([123.68, 116.779, 103.939]), (1, 2, 2, 3)).copy()
    same(
        "the mean colour (as RGB: 123.68, 116.779, 103.939) becomes zero",
        1 + answer(mean_colour),
        np.ones((1, 2, 2, 3)),
    )
    x = np.random.default_rng(11).uniform(0, 255, (2, 3, 4, 3))
    given = x.copy()
    y = answer(x)
    same("x afterwards", x, given)
    red = x.copy()
    red[..., 0] += 1
    same("one more red adds 1 to the last channel", answer(red) - y, np.broadcast_to([0.0, 0, 1], x.shape))
    same("black becomes minus the means", answer(np.zeros((1, 1, 1, 3))).ravel(), [-103.939, -116.779, -123.68])


@exercise
def for_channels_first(answer: Answer) -> None:
    """The rows of a linear layer in another order."""
    rng = np.random.default_rng(12)
    for height, width, channels in ((2, 2, 3), (2, 3, 4), (1, 1, 5)):
        maps, weights = rng.normal(size=(6, height, width, channels)), rng.normal(size=(height * width * channels, 2))
        same("the shape of the weights", np.shape(answer(weights.copy(), height, width, channels)), weights.shape)
        flat = maps.transpose(0, 3, 1, 2).reshape(6, -1)
        scores = flat @ np.asarray(answer(weights.copy(), height, width, channels), dtype=float)
        same(f"the scores of maps of {height} x {width} x {channels}", scores, maps.reshape(6, -1) @ weights)
