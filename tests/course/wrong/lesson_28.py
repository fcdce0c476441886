"""Typical wrong answers to lesson 28: EXERCISE__WHAT_IS_WRONG."""

import numpy as np


def momentum_step__sign_flipped(w, v, slope, rate, momentum):
    v = momentum * v + slope
    return w + rate * v, v


def momentum_step__rate_in_the_velocity(w, v, slope, rate, momentum):
    v = momentum * v + rate * slope
    return w - v, v


def momentum_step__old_velocity(w, v, slope, rate, momentum):
    return w - rate * v, momentum * v + slope


def momentum_step__running_mean(w, v, slope, rate, momentum):
    v = momentum * v + (1 - momentum) * slope
    return w - rate * v, v


def momentum_step__in_place(w, v, slope, rate, momentum):
    v *= momentum
    v += slope
    w -= rate * v
    return w, v


def momentum_step__weights_only(w, v, slope, rate, momentum):
    return w - rate * (momentum * v + slope)


def momentum_step__no_memory(w, v, slope, rate, momentum):
    return w - rate * slope, slope


def _map(codes, mean, axes):
    return (codes - mean) @ axes.T


def _axes(points):
    return np.linalg.svd(points - points.mean(0), full_matrices=False)[2][:2]


def common_map__a_map_for_each_epoch(codes):
    return np.array([_map(one, one.mean(0), _axes(one)) for one in codes])


def common_map__axes_of_the_last_epoch(codes):
    return _map(codes, codes.mean((0, 1)), _axes(codes[-1]))


def common_map__each_epoch_centred(codes):
    centred = codes - codes.mean(1, keepdims=True)
    return _map(centred, 0, _axes(centred.reshape(-1, codes.shape[2])))


def common_map__not_centred(codes):
    axes = np.linalg.svd(codes.reshape(-1, codes.shape[2]), full_matrices=False)[2][:2]
    return codes @ axes.T


def common_map__axes_of_unit_variance(codes):
    stacked = codes.reshape(-1, codes.shape[2])
    places = _map(codes, stacked.mean(0), _axes(stacked))
    return places / places.std((0, 1))


def common_map__epochs_and_pictures_mixed(codes):
    stacked = codes.reshape(-1, codes.shape[2])
    return _map(stacked, stacked.mean(0), _axes(stacked)).reshape(codes.shape[1], codes.shape[0], 2)


def common_map__the_first_two_numbers(codes):
    return codes[:, :, :2] - codes[:, :, :2].mean((0, 1))


def dead_share__last_batch_only(batches):
    for batch in batches:
        dead = (batch == 0).all(0)
    return dead.mean()


def dead_share__mean_over_batches(batches):
    return np.mean([(batch == 0).all(0).mean() for batch in batches])


def dead_share__share_of_zeros(batches):
    return (np.concatenate(batches) == 0).mean()


def dead_share__zero_once_is_dead(batches):
    return (np.concatenate(batches) == 0).any(0).mean()


def dead_share__the_living(batches):
    return (np.concatenate(batches) > 0).any(0).mean()


def dead_share__number_for_share(batches):
    return (np.concatenate(batches) == 0).all(0).sum()
