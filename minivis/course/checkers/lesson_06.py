"""Lesson 6: templates."""

import numpy as np

from ..judging import Answer, derivative, exercise, parts, same


@exercise
def scores_by_templates(answer: Answer) -> None:
    """Template times picture, summed, plus the bias."""
    rng = np.random.default_rng(61)
    templates, biases, pictures = rng.normal(size=(4, 3, 5)), rng.normal(size=4), rng.normal(size=(2, 3, 5))
    scores = answer(templates.copy(), biases.copy(), pictures.copy())
    same("a black picture, all zeros, scores the biases", answer(templates, biases, 0 * pictures), [biases, biases])
    same("without biases, twice the picture scores twice as much",
         answer(templates, 0 * biases, 2 * pictures), 2 * (np.asarray(scores, dtype=float) - biases))  # fmt: skip
    single = np.zeros((1, 3, 5))
    single[0, 1, 4] = 1
    same("a picture with one pixel of 1 scores that pixel's weights, plus the biases",
         answer(templates, biases, single), [templates[:, 1, 4] + biases])  # fmt: skip
    expected = [[(template * picture).sum() + b for template, b in zip(templates, biases, strict=True)]
                for picture in pictures]  # fmt: skip
    same("row n, column k is the fit of picture n and template k", scores, expected)


@exercise
def template_gradient(answer: Answer) -> None:
    """The slope of the mean loss with respect to the templates."""
    rng = np.random.default_rng(62)
    pictures, labels = rng.normal(size=(5, 2, 3)), np.array([0, 2, 1, 2, 2])
    templates = rng.normal(size=(4, 2, 3))

    def probabilities(templates):
        scores = np.tensordot(pictures, templates, ((1, 2), (1, 2)))
        powers = np.exp(scores - scores.max(1, keepdims=True))
        return powers / powers.sum(1, keepdims=True)

    got = answer(pictures.copy(), labels.copy(), probabilities(templates))
    derivative("the slope of the mean of -log p[right class]", got,
               lambda some: -np.log(probabilities(some)[np.arange(5), labels]).mean(), templates)  # fmt: skip
    same("where every answer is sure and right, the slope", answer(pictures, labels, np.eye(4)[labels]), 0 * templates)
    same("over the classes the slopes sum to zero, at every pixel", np.asarray(got).sum(0), np.zeros((2, 3)))


@exercise
def without_the_common_part(answer: Answer) -> None:
    """The same classifier, with templates that sum to zero."""
    rng = np.random.default_rng(63)
    templates, biases, pictures = rng.normal(size=(3, 4, 2)), rng.normal(size=3), rng.normal(size=(5, 4, 2))
    given = templates.copy(), biases.copy()
    new, new_biases = parts(answer(*given), 2)
    same("the templates that came in, afterwards", given[0], templates)
    same("the biases that came in, afterwards", given[1], biases)
    same("the shape of the templates", np.shape(new), templates.shape)
    same("the shape of the biases", np.shape(new_biases), biases.shape)

    def differences(templates, biases):
        scores = np.tensordot(pictures, np.asarray(templates, dtype=float), ((1, 2), (1, 2))) + biases
        return scores[:, 1:] - scores[:, :1]

    same("differences between the scores of two classes, which are all that a softmax looks at",
         differences(new, new_biases), differences(templates, biases))  # fmt: skip
    same("1 + the sum of the templates over the classes", 1 + np.asarray(new).sum(0), np.ones((4, 2)))
    same("1 + the sum of the biases", 1 + np.asarray(new_biases).sum(), 1.0)
