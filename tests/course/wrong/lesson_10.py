"""Typical wrong answers to lesson 10: EXERCISE__WHAT_IS_WRONG."""

import numpy as np


def saliency_map__signed_max(gradient):
    return gradient.max(-1)


def saliency_map__size_of_the_signed_max(gradient):
    return np.abs(gradient.max(-1))


def saliency_map__sum_over_colours(gradient):
    return np.abs(gradient.sum(-1))


def saliency_map__sum_of_sizes(gradient):
    return np.abs(gradient).sum(-1)


def saliency_map__mean_over_colours(gradient):
    return np.abs(gradient).mean(-1)


def saliency_map__relu(gradient):
    return np.maximum(gradient, 0).max(-1)


def saliency_map__length(gradient):
    return np.sqrt((gradient**2).sum(-1))


def saliency_map__rescaled_to_one(gradient):
    sizes = np.abs(gradient).max(-1)
    return sizes / sizes.max()


def saliency_map__clipped_at_a_percentile(gradient):
    sizes = np.abs(gradient).max(-1)
    return sizes.clip(None, np.percentile(sizes, 90))


def saliency_map__over_the_wrong_axis(gradient):
    return np.abs(gradient).max(1)


def saliency_map__batch_mean(gradient):
    return np.abs(gradient).max(-1).mean(0)


def saliency_map__in_place(gradient):
    np.abs(gradient, out=gradient)
    return gradient.max(-1)


def share_flipped__any_change(here, there):
    return sum((a != b).sum() for a, b in zip(here, there, strict=True)) / sum(a.size for a in here)


def share_flipped__only_those_that_close(here, there):
    return sum(((a > 0) & (b <= 0)).sum() for a, b in zip(here, there, strict=True)) / sum(a.size for a in here)


def share_flipped__mean_of_the_rows(here, there):
    return np.mean([((a > 0) != (b > 0)).mean() for a, b in zip(here, there, strict=True)])


def share_flipped__a_number(here, there):
    return sum(((a > 0) != (b > 0)).sum() for a, b in zip(here, there, strict=True))


def share_flipped__of_the_open_ones(here, there):
    return sum(((a > 0) != (b > 0)).sum() for a, b in zip(here, there, strict=True)) / sum((a > 0).sum() for a in here)


def share_flipped__open_at_zero(here, there):
    return sum(((a >= 0) != (b >= 0)).sum() for a, b in zip(here, there, strict=True)) / sum(a.size for a in here)


def share_flipped__percent(here, there):
    return 100 * sum(((a > 0) != (b > 0)).sum() for a, b in zip(here, there, strict=True)) / sum(a.size for a in here)


def _softmax(scores):
    powers = np.exp(scores - scores.max())
    return powers / powers.sum()


def probability_gradient__that_of_the_score(gradients, scores, label):
    return gradients[label]


def probability_gradient__forgets_the_rivals(gradients, scores, label):
    return _softmax(scores)[label] * gradients[label]


def probability_gradient__of_one_score_only(gradients, scores, label):
    p = _softmax(scores)[label]
    return p * (1 - p) * gradients[label]


def probability_gradient__of_the_logarithm(gradients, scores, label):
    return gradients[label] - np.tensordot(_softmax(scores), gradients, 1)


def probability_gradient__plain_mean(gradients, scores, label):
    return _softmax(scores)[label] * (gradients[label] - gradients.mean(0))


def probability_gradient__sign_flipped(gradients, scores, label):
    p = _softmax(scores)
    return p[label] * (np.tensordot(p, gradients, 1) - gradients[label])


def probability_gradient__overflows(gradients, scores, label):
    with np.errstate(all="ignore"):
        p = np.exp(scores) / np.exp(scores).sum()
        return p[label] * (gradients[label] - np.tensordot(p, gradients, 1))
