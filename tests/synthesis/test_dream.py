"""DeepDream: its steps by hand, octaves, the guide, tiles, and how activation gathers in few units."""

import numpy as np
import pytest
from scipy.ndimage import zoom
from small import CHAIN, small_net

from minivis import Tensor, backward, check_backward
from minivis.errors import ImageFileError, InputError, UnknownName
from minivis.objectives import channel, energy
from minivis.synthesis.recipes.animation import save_animation
from minivis.synthesis.recipes.concentration import concentration, entropy, gini
from minivis.synthesis.recipes.dream import (
    PRESETS,
    closer,
    deep_dream,
    guided,
    objective_of,
    octaves_of,
    zoom_in,
    zoomed,
)
from minivis.synthesis.recipes.tiles import TiledAscent, spans

ROW = "relu2_1"


@pytest.fixture
def net():
    return small_net(CHAIN)


@pytest.fixture
def photo(rng):
    return zoomed(rng.uniform(40, 215, (1, 6, 8, 3)), 24, 32)


def last(climb):
    for _ in climb:
        pass
    return climb.picture


def test_a_dream_is_the_loop_of_the_authors_code(net, photo):
    """Jitter, gradient equal to the activation, step over mean |g|, jitter undone, clip; and the detail carried up."""
    rng = np.random.default_rng(6)
    bases, detail = [photo], 0.0
    for _ in range(2):
        bases.insert(0, zoom(bases[0], (1, 1 / 1.4, 1 / 1.4, 1), order=1))
    for number, base in enumerate(bases):
        if number:
            detail = zoom(detail, (1, base.shape[1] / detail.shape[1], base.shape[2] / detail.shape[2], 1), order=1)
        x = base + detail
        for _ in range(3):
            down, across = rng.integers(-32, 33, 2)
            rolled = Tensor(np.roll(x, (down, across), (1, 2)))
            y = net.capture(rolled, [ROW])[ROW]
            g = backward(y, rolled, y.value)
            x = np.roll(rolled.value + 1.5 / abs(g).mean() * g, (-down, -across), (1, 2)).clip(0, 255)
        detail = x - base
    found = last(deep_dream(net, photo, ROW, octaves=3, steps=3, rng=np.random.default_rng(6)))
    np.testing.assert_allclose(found, x, atol=1e-8)


def test_a_dream_raises_what_it_aims_at(net, photo):
    for aim, objective in (("energy", energy(ROW)), (3, channel(ROW, 3)), ("mean", objective_of(ROW, "mean"))):
        found = last(deep_dream(net, photo, ROW, aim, octaves=2, steps=4))
        assert objective(net, found)[0] > objective(net, photo)[0], aim
        assert found.min() >= 0
        assert found.max() <= 255


def test_the_photograph_is_not_written_into(net, photo):
    photo.flags.writeable = False
    last(deep_dream(net, photo, ROW, octaves=2, steps=1))


def test_octaves_are_smallest_first_and_end_with_the_picture(photo):
    octaves = octaves_of(photo, 3, 1.4)
    assert [x.shape[1:3] for x in octaves] == [(12, 16), (17, 23), (24, 32)]
    assert octaves[-1] is photo


def test_the_steps_count_over_all_octaves(net, photo):
    dream = deep_dream(net, photo, ROW, octaves=2, steps=3)
    sizes = []
    for number, (picture, score) in enumerate(dream, 1):
        assert dream.step == number
        assert score.shape == (1,)
        sizes.append(picture.shape[1])
    assert sizes == [17] * 3 + [24] * 3
    assert dream.steps == 6


@pytest.mark.parametrize("taken", [1, 3, 4])
@pytest.mark.parametrize("tile", [None, 12])
def test_a_dream_goes_on_in_the_same_octave_to_the_same_bits(net, photo, taken, tile):
    def dream(seed, state=None):
        return deep_dream(net, photo, ROW, octaves=2, steps=3, tile=tile, rng=np.random.default_rng(seed), state=state)

    first = dream(1)
    for _ in range(taken):
        next(first)
    np.testing.assert_array_equal(last(dream(8, first.state())), last(dream(1)))


def test_a_guide_is_matched_place_by_place(net, photo, rng):
    guide = rng.uniform(0, 255, (1, 16, 16, 3))
    objective = guided(net, ROW, guide)
    x = rng.uniform(0, 255, (2, 16, 16, 3))
    mine, theirs = net.capture(x, [ROW])[ROW], net.capture(guide, [ROW])[ROW].reshape(-1, 8)
    for n in range(2):
        by_hand = sum(max(place @ other for other in theirs) for place in mine[n].reshape(-1, 8))
        assert objective(net, x)[n] == pytest.approx(by_hand)
    check_backward(lambda picture: objective(net, picture), x)
    found = last(deep_dream(net, photo, ROW, guide=guide, octaves=1, steps=4))
    assert objective(net, found)[0] > objective(net, photo)[0]


def test_one_tile_is_the_whole(net, photo):
    """With a tile as large as the picture, a step is that of the whole, rolled by the same amount."""
    tiled = TiledAscent(32, net, energy(ROW), photo, lr=1.5, step="mean-abs", rng=np.random.default_rng(3))
    down, across = (np.random.default_rng(3).integers(0, size, 1)[0] for size in (24, 32))
    rng = np.random.default_rng(3)
    down, across = int(rng.integers(0, 24)), int(rng.integers(0, 32))
    rolled = Tensor(np.roll(photo, (down, across), (1, 2)))
    y = net.capture(rolled, [ROW])[ROW]
    g = np.roll(backward(y, rolled, y.value), (-down, -across), (1, 2))
    picture, score = next(tiled)
    np.testing.assert_allclose(picture, photo + 1.5 * g / abs(g).mean(), atol=1e-9)
    assert score[0] == pytest.approx(0.5 * (y.value**2).sum())


def test_tiles_are_no_larger_than_asked_and_cover_the_picture():
    for size, tile in ((100, 30), (31, 30), (30, 30), (7, 30), (90, 30)):
        slices = spans(size, tile)
        assert [i for s in slices for i in range(size)[s]] == list(range(size))
        lengths = [s.stop - s.start for s in slices]
        assert max(lengths) <= tile
        assert max(lengths) - min(lengths) <= 1


def test_tiles_look_at_no_more_than_a_tile(net, photo):
    seen = []

    class Watched(type(net)):
        def capture(self, x, *rest, **options):
            seen.append(x.shape[1:3])
            return super().capture(x, *rest, **options)

    watched = Watched(net.architecture, net.weights, dtype=net.dtype)
    found = last(deep_dream(watched, photo, ROW, octaves=1, steps=4, tile=12))
    assert max(max(shape) for shape in seen) <= 12
    assert energy(ROW)(net, found)[0] > energy(ROW)(net, photo)[0]


def test_going_in_keeps_the_centre_and_the_size():
    x = np.zeros((1, 21, 21, 3))
    x[0, 10, 10] = 1
    assert closer(x, 0.3)[0, 10, 10, 0] == 1
    ramp = np.broadcast_to(np.arange(100.0)[None, :, None, None], (1, 100, 100, 3))
    found = closer(ramp, 0.1)
    assert found.shape == ramp.shape
    assert found[0, 0, 0, 0] == pytest.approx(49.5 - 0.9 * 49.5)
    assert found[0, 50, 0, 0] - found[0, 49, 0, 0] == pytest.approx(0.9)


def test_a_zoom_is_an_animation(net, photo, tmp_path):
    from PIL import Image

    frames = list(zoom_in(net, photo, 3, row=ROW, octaves=1, steps=1))
    assert len(frames) == 3
    assert abs(frames[0] - frames[2]).max() > 1
    for name in ("zoom.gif", "zoom.webp"):
        save_animation(tmp_path / name, frames, milliseconds=50)
        with Image.open(tmp_path / name) as image:
            assert image.n_frames == 3
            assert image.size == (32, 24)
    with pytest.raises(ImageFileError, match=r"\.gif"):
        save_animation(tmp_path / "zoom.png", frames)
    with pytest.raises(ImageFileError, match="no pictures"):
        save_animation(tmp_path / "zoom.gif", [])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["zoom.gif", "zoom.webp"]


def test_gini_and_entropy_of_known_shares():
    equal, one = np.ones((1, 4, 5, 2)), np.zeros((1, 4, 5, 2))
    one[0, 1, 2, 1] = 7
    assert gini(equal)[0] == pytest.approx(0)
    assert entropy(equal)[0] == pytest.approx(1)
    assert gini(one)[0] == pytest.approx(1 - 1 / 40)
    assert entropy(one)[0] == pytest.approx(1 / 40)
    values = np.array([[1.0, 3.0, 0.0, 8.0]])
    by_hand = abs(values[0][:, None] - values[0]).mean() / 2 / values.mean()
    assert gini(values)[0] == pytest.approx(by_hand)
    half = np.array([[0.0, 5.0, 5.0, -3.0]])
    assert entropy(half)[0] == pytest.approx(0.5)
    assert gini(np.zeros((1, 3)))[0] == 0


def test_concentration_is_that_of_the_rows_energy(net, photo):
    row = net.capture(photo, [ROW])[ROW]
    energies = {"units": row**2, "places": (row**2).sum(3), "channels": (row**2).sum((1, 2))}
    found = concentration(net, ROW, photo)
    assert found.keys() == energies.keys()
    for among, amounts in energies.items():
        np.testing.assert_array_equal(found[among], (gini(amounts), entropy(amounts)))
    assert concentration(net, "fc3", photo[:, :16, :16]).keys() == {"units"}


def test_what_is_wrong_is_told_in_one_line(net, photo):
    with pytest.raises(UnknownName, match="conv9"):
        deep_dream(net, photo, "conv9")
    with pytest.raises(UnknownName, match="no preset"):
        deep_dream(net, photo, ROW, preset="nightmare")
    with pytest.raises(InputError, match="aim"):
        deep_dream(net, photo, ROW, "loud")
    with pytest.raises(InputError, match="at least one octave"):
        deep_dream(net, photo, ROW, octaves=0)
    with pytest.raises(InputError, match="no row of maps"):
        deep_dream(net, np.zeros((1, 16, 16, 3)), "fc3", guide=np.zeros((1, 16, 16, 3)))
    with pytest.raises(InputError, match="tile"):
        deep_dream(net, photo, ROW, tile=0)
    with pytest.raises(InputError, match="octave 3"):
        state = deep_dream(net, photo, ROW, octaves=4).state()
        deep_dream(net, photo, ROW, octaves=2, state={**state, "octave": 3})
    with pytest.raises(InputError, match="share"):
        next(zoom_in(net, photo, 1, by=1.0))


def test_the_defaults_are_the_published_ones():
    published = PRESETS["deepdream"]
    assert (published.octaves, published.ratio, published.steps, published.lr, published.jitter) == (
        4,
        1.4,
        10,
        1.5,
        32,
    )


def test_on_a_device(device):
    gpu, cpu = (small_net(CHAIN, dtype="float32", device=where) for where in ("gpu", "cpu"))
    photo = np.random.default_rng(1).uniform(0, 255, (1, 20, 24, 3)).astype("float32")
    found = last(deep_dream(gpu, device.asarray(photo), ROW, octaves=2, steps=1))
    assert isinstance(found, device.ndarray)
    np.testing.assert_allclose(device.asnumpy(found), last(deep_dream(cpu, photo, ROW, octaves=2, steps=1)), atol=0.5)
    tiled = last(deep_dream(gpu, device.asarray(photo), ROW, octaves=1, steps=1, tile=12))
    assert isinstance(tiled, device.ndarray)
    assert isinstance(closer(tiled, 0.1), device.ndarray)
    assert all(isinstance(x, device.ndarray) for x in concentration(gpu, ROW, tiled)["units"])
    guide = last(deep_dream(gpu, device.asarray(photo), ROW, guide=device.asarray(photo), octaves=1, steps=1))
    assert isinstance(guide, device.ndarray)
