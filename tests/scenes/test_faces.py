"""The drawn faces: that they repeat, differ, and are told apart by more than chance but not by one trick."""

import numpy as np
import pytest

import minivis as mv
from minivis.errors import InputError
from minivis.scenes.faces import PEOPLE, STILL, draw_face, random_pose, synthetic_faces


def test_pictures_labels_and_names():
    pictures, labels, names = synthetic_faces(3, size=32)
    assert pictures.shape == (18, 32, 32, 3) and pictures.dtype == np.uint8
    assert labels.tolist() == [k for k in range(6) for _ in range(3)]
    assert names == ("Ada", "Ben", "Cora", "Dan", "Eve", "Finn")
    assert mv.synthetic_faces is synthetic_faces


def test_a_seed_repeats_and_the_first_pictures_do_not_depend_on_the_count():
    few, more = synthetic_faces(2, size=24).pictures, synthetic_faces(4, size=24).pictures
    assert (few.reshape(6, 2, 24, 24, 3) == more.reshape(6, 4, 24, 24, 3)[:, :2]).all()
    assert (few == synthetic_faces(2, size=24).pictures).all()
    assert (few != synthetic_faces(2, size=24, seed=1).pictures).any(axis=(1, 2, 3)).all()


def test_no_picture_is_in_both_parts():
    everything = [synthetic_faces(20, part, 16, seed).pictures for part in ("train", "test") for seed in (0, 1)]
    flat = np.concatenate(everything).reshape(480, -1)
    assert len(np.unique(flat, axis=0)) == 480


def test_people_keep_their_traits_and_poses_change():
    pictures, labels, _ = synthetic_faces(30, size=32)
    x = pictures.astype(float)
    means = np.stack([x[labels == k].mean(0) for k in range(6)])
    within = np.mean([np.square(x[labels == k] - means[k]).mean() for k in range(6)])
    apart = min(np.square(a - b).mean() for i, a in enumerate(means) for b in means[:i])
    assert within > 300  # light, place and expression change
    assert apart > 200  # and yet each is someone


def test_light_and_background_alone_do_not_give_people_away():
    """The corners are background: they must say nothing about who it is."""
    pictures, labels, _ = synthetic_faces(100, size=32)
    corners = pictures[:, :6, [0, 1, 2, -3, -2, -1]].astype(float).mean((1, 2))
    of_each = np.stack([corners[labels == k].mean(0) for k in range(6)])
    spread = corners.std(0) / 10  # of a mean of 100
    assert (np.abs(of_each - of_each.mean(0)) < 4 * spread).all()


def test_a_still_face_is_noiseless_and_in_even_light():
    for person in PEOPLE:
        face = draw_face(person)
        assert (face == draw_face(person, STILL)).all()
        assert (face[:4, :4] == STILL.ground).all()


@pytest.mark.parametrize("seed", range(20))
def test_any_pose_can_be_drawn(seed):
    rng = np.random.default_rng(seed)
    face = draw_face(PEOPLE[seed % 6], random_pose(rng), 20, rng)
    assert face.shape == (20, 20, 3) and face.std() > 10


@pytest.mark.parametrize("wrong", [{"part": "all"}, {"count": 0}, {"size": 8}, {"seed": -1}])
def test_wrong_arguments_are_refused(wrong):
    with pytest.raises(InputError):
        synthetic_faces(**{"count": 1, **wrong})
