"""Typical wrong answers to lesson 6: EXERCISE__WHAT_IS_WRONG."""

import numpy as np


def scores_by_templates__no_bias(templates, biases, pictures):
    return np.tensordot(pictures, templates, ((1, 2), (1, 2)))


def scores_by_templates__classes_first(templates, biases, pictures):
    return (np.tensordot(pictures, templates, ((1, 2), (1, 2))) + biases).T


def scores_by_templates__mean_over_the_pixels(templates, biases, pictures):
    return (pictures[:, None] * templates).mean((2, 3)) + biases


def scores_by_templates__bias_at_every_pixel(templates, biases, pictures):
    return (pictures[:, None] * templates + biases[:, None, None]).sum((2, 3))


def scores_by_templates__softmax(templates, biases, pictures):
    scores = np.tensordot(pictures, templates, ((1, 2), (1, 2))) + biases
    powers = np.exp(scores - scores.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def template_gradient__sign_flipped(pictures, labels, probabilities):
    return np.tensordot(np.eye(probabilities.shape[1])[labels] - probabilities, pictures, (0, 0)) / len(pictures)


def template_gradient__sum_for_mean(pictures, labels, probabilities):
    return np.tensordot(probabilities - np.eye(probabilities.shape[1])[labels], pictures, (0, 0))


def template_gradient__only_the_right_class(pictures, labels, probabilities):
    y = np.eye(probabilities.shape[1])[labels]
    return np.tensordot((probabilities - y) * y, pictures, (0, 0)) / len(pictures)


def template_gradient__divided_by_the_classes_too(pictures, labels, probabilities):
    g = probabilities - np.eye(probabilities.shape[1])[labels]
    return np.tensordot(g, pictures, (0, 0)) / g.size


def template_gradient__sigmoid_slope_too(pictures, labels, probabilities):
    g = (probabilities - np.eye(probabilities.shape[1])[labels]) * probabilities * (1 - probabilities)
    return np.tensordot(g, pictures, (0, 0)) / len(pictures)


def without_the_common_part__mean_over_the_pixels(templates, biases):
    return templates - templates.mean((1, 2), keepdims=True), biases - biases.mean()


def without_the_common_part__forgets_the_biases(templates, biases):
    return templates - templates.mean(0), biases


def without_the_common_part__takes_off_the_first(templates, biases):
    return templates - templates[0], biases - biases[0]


def without_the_common_part__in_place(templates, biases):
    templates -= templates.mean(0)
    biases -= biases.mean()
    return templates, biases


def without_the_common_part__adds_the_mean(templates, biases):
    return templates + templates.mean(0), biases + biases.mean()


def without_the_common_part__zeros(templates, biases):
    return 0 * templates, 0 * biases
