"""The patches of a unit are those that a search through everything finds, however the run went."""

import itertools
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import h5py
import numpy as np
import pytest
from conftest import ROOT, shared_path

sys.path.insert(0, str(Path(__file__).parent))
from folder_of_pictures import ROWS, make_bad, make_pictures, small_net

import minivis as mv
from minivis.errors import ImageFileError, InputError, UnknownName
from minivis.pictures import picture_files
from minivis.representation.cutouts import crop, unit_patches
from minivis.representation.heaps import empty_heap, heap_of, merged
from minivis.representation.patches import read_patches, top_patches
from minivis.shards import Workers


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return make_pictures(tmp_path_factory.mktemp("pictures"), 21)


def find(folder, index=None, net=None, rows=ROWS, batch=4, **options):
    return top_patches(net or small_net(), folder, rows, index, batch=batch, **options)


def brute_force(maps, top):
    """Of each unit, all (value, picture, place), one place per picture, sorted: by loops, in Python's numbers."""
    found = []
    for unit in range(maps[0].shape[-1]):
        best = []
        for picture, values in enumerate(maps):
            values = values[..., unit].tolist() if values.ndim == 3 else [[values[unit].item()]]
            places = [(-value, i, j) for i, line in enumerate(values) for j, value in enumerate(line)]
            value, i, j = min(places)
            best.append((value, picture, i, j))
        found.append([(-value, picture, (i, j)) for value, picture, i, j in sorted(best)[:top]])
    return found


def as_lists(heap):
    return [
        [(value, picture, tuple(place)) for value, picture, place in zip(*unit, strict=True)]
        for unit in zip(heap.values.tolist(), heap.pictures.tolist(), heap.places.tolist(), strict=True)
    ]


def equal(a, b):
    return all(np.array_equal(x, y) and x.dtype == y.dtype for x, y in zip(a, b, strict=True))


# -- heaps ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(12, 4, 5, 3), (12, 6)])
@pytest.mark.parametrize("top", [1, 4, 12])
def test_a_heap_is_a_sorted_list_with_ties(rng, shape, top):
    maps = rng.integers(0, 3, shape).astype(np.float32)  # full of ties
    assert as_lists(heap_of(maps, list(range(12)), top)) == brute_force(maps, top)


def test_heaps_merge_in_any_order(rng):
    maps = rng.integers(0, 3, (12, 4, 5, 3)).astype(np.float32)
    whole = heap_of(maps, list(range(12)), 4)
    parts = [heap_of(maps[i : i + 3], list(range(i, i + 3)), 4) for i in range(0, 12, 3)]
    for a, b, c, d in itertools.permutations(parts):
        assert equal(merged(merged(a, b), merged(c, d)), whole)
        assert equal(merged(a, merged(b, merged(c, d))), whole)
        assert equal(merged(empty_heap(3, 4, np.float32), merged(merged(merged(a, b), c), d)), whole)


def test_fewer_pictures_than_places():
    heap = heap_of(np.array([[2.0], [3.0]], np.float32), [5, 7], 4)
    assert heap.values.tolist() == [[3, 2, -np.inf, -np.inf]]
    assert heap.pictures.tolist() == [[7, 5, -1, -1]]


def test_nan_never_gets_in_and_minus_infinity_does():
    heap = heap_of(np.array([[np.nan], [-np.inf], [1.0]], np.float32), [0, 1, 2], 3)
    assert heap.pictures.tolist() == [[2, 1, -1]]
    assert heap.values.tolist() == [[1, -np.inf, -np.inf]]


def test_a_heap_from_the_device(device, rng):
    maps = rng.normal(size=(6, 4, 5, 3)).astype(np.float32)
    assert equal(heap_of(device.asarray(maps), list(range(6)), 4), heap_of(maps, list(range(6)), 4))


# -- the index -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_index_equals_a_search_through_everything(pictures, dtype):
    net = small_net(dtype=dtype)
    index = find(pictures, net=net, rows=("relu1", "conv2", "relu2", "fc", "prob"))
    files = picture_files(pictures)
    assert [entry.path for entry in index.pictures] == files
    # In the batches of the run: a dense layer rounds differently in others.
    batches = [np.concatenate([net.picture(file) for file in files[i : i + 4]]) for i in range(0, 21, 4)]
    for row, heap in index.heaps.items():
        maps = [picture for batch in batches for picture in net.capture(batch, [row])[row]]
        assert as_lists(heap) == brute_force(maps, 9), row
    assert any(len(set(heap.values[0].tolist())) < 9 for heap in index.heaps.values()), "no ties: a weak test"


def test_an_index_in_a_file_is_the_same(pictures, tmp_path):
    index = find(pictures, tmp_path / "index.h5", top=5)
    again = read_patches(tmp_path / "index.h5", small_net())
    assert again.pictures == index.pictures
    assert all(equal(again.heaps[row], index.heaps[row]) for row in ROWS)
    with h5py.File(tmp_path / "index.h5") as file:
        assert file["heaps/relu2/values"].shape == (7, 5)


def test_a_later_run_adds_new_pictures(tmp_path):
    folder = make_pictures(tmp_path / "pictures", 12)
    find(folder, tmp_path / "index.h5")
    more = make_pictures(tmp_path / "more", 11, seed=5)
    both = find(more, tmp_path / "index.h5")
    assert len(both.pictures) == 23
    net = small_net()
    maps = [net.capture(net.picture(entry.path), ["relu2"])["relu2"][0] for entry in both.pictures]
    assert as_lists(both.heaps["relu2"]) == brute_force(maps, 9)
    assert read_patches(tmp_path / "index.h5").pictures == both.pictures
    nothing = []
    assert find(more, tmp_path / "index.h5", progress=lambda *now: nothing.append(now)).pictures == both.pictures
    assert nothing == []


def test_bad_files_are_listed_and_skipped(tmp_path):
    folder = make_pictures(tmp_path / "pictures", 9)
    (folder / "one" / "0001x.png").touch()  # in the middle of a batch
    bad = ["one/0001x.png", *make_bad(folder)]
    index = find(folder)
    assert [note.partition(":")[0] for note in index.notes[:-1]] == [str(folder / name) for name in bad]
    used = {index.pictures[number].name for heap in index.heaps.values() for number in heap.pictures.ravel()}
    assert not used & set(bad)
    assert len(used) == 9
    good = [entry for entry in index.pictures if entry.problem is None]
    net = small_net()
    maps = [net.capture(net.picture(entry.path), ["relu2"])["relu2"][0] for entry in good]
    for unit, expected in enumerate(brute_force(maps, 9)):  # the skipped ones shift no number
        names = [index.pictures[number].name for number in index.heaps["relu2"].pictures[unit]]
        assert names == [good[number].name for _, number, _ in expected]


def test_no_picture_that_can_be_read(tmp_path):
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.png").touch()
    with pytest.raises(ImageFileError, match=r"none of 1 pictures could be read; the first is .*empty"):
        find(tmp_path / "pictures")


def test_processes_give_the_same_bytes(pictures, tmp_path):
    find(pictures, tmp_path / "here.h5")
    with Workers(2) as workers:
        find(pictures, tmp_path / "there.h5", executor=workers)
    assert (tmp_path / "here.h5").read_bytes() == (tmp_path / "there.h5").read_bytes()


@pytest.mark.parametrize(("point", "number", "left"), [("shard", 3, 3), ("before a file takes its place", 2, 5)])
def test_a_killed_run_goes_on_to_the_same_bytes(pictures, tmp_path, point, number, left):
    find(pictures, tmp_path / "whole.h5")
    out = tmp_path / "killed.h5"
    command = [sys.executable, Path(__file__).parent / "killing.py", "patches", pictures, out, point, str(number)]
    assert subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False).returncode == -9
    done = []
    find(pictures, out, progress=lambda now, total: done.append(now))
    assert len(done) == left
    assert out.read_bytes() == (tmp_path / "whole.h5").read_bytes()


def test_an_index_of_something_else_is_one_clear_line(pictures, tmp_path):
    out = tmp_path / "index.h5"
    index = find(pictures, out)
    other = small_net(seed=1)
    for call in (lambda: find(pictures, out, other), lambda: read_patches(out, other)):
        with pytest.raises(InputError, match=r"of small with the weights \w{12}, not of small with \w{12}"):
            call()
    with pytest.raises(InputError, match="other weights than this small"):
        unit_patches(other, index, "relu2", 0)
    with pytest.raises(
        InputError, match=r"has relu1, relu2, fc with .*top: 9.*asked for relu1, relu2, fc with .*top: 3"
    ):
        find(pictures, out, top=3)
    with pytest.raises(InputError, match="name a row or more, and 1 picture"):
        find(pictures, top=0)
    with pytest.raises(UnknownName, match="the index has no row 'conv2'; it has relu1"):
        unit_patches(small_net(), index, "conv2", 0)
    with pytest.raises(InputError, match="has units 0 to 6, asked for 7"):
        unit_patches(small_net(), index, "relu2", 7)
    mv.write_codes(small_net(), pictures, "fc", tmp_path / "codes.h5")
    with pytest.raises(InputError, match="holds codes, expected patches"):
        read_patches(tmp_path / "codes.h5")


def test_any_changed_byte_is_read_or_refused(pictures, tmp_path, rng):
    find(pictures, tmp_path / "index.h5", rows="fc")
    whole = (tmp_path / "index.h5").read_bytes()
    bad = tmp_path / "bad.h5"
    refused = 0
    for _ in range(60):
        content = bytearray(whole)
        content[rng.integers(len(whole))] ^= 1 << rng.integers(8)
        bad.write_bytes(content)
        try:
            read_patches(bad)
        except InputError as error:
            refused += 1
            assert "\n" not in str(error)
    assert refused
    for name, value in (("pictures", 21), ("pictures", -2), ("places", -1)):
        bad.write_bytes(whole)
        with h5py.File(bad, "a") as file:
            file[f"heaps/fc/{name}"][0] = value
        with pytest.raises(InputError, match="does not fit its pictures"):
            read_patches(bad)


def test_memory_does_not_grow_with_the_number_of_pictures(tmp_path):
    few, many = (make_pictures(tmp_path / str(n), n) for n in (20, 120))
    net = small_net()
    find(few, tmp_path / "warm.h5", net)
    peaks = []
    for folder in (few, many):
        tracemalloc.start()
        find(folder, tmp_path / f"{folder.name}.h5", net)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # The rows of 100 pictures would be 100 * 11 kB; their names and places in the table are some 1.5 kB each.
    assert peaks[1] - peaks[0] < 100 * 2000


# -- what a unit saw -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "box", [(1, 2, 4, 5), (-2, -1, 2, 3), (4, 3, 9, 9), (-1, -1, 8, 8), (6, 0, 9, 3), (-4, 2, 0, 5)]
)
def test_a_crop_is_taken_pixel_by_pixel(rng, box):
    picture = rng.normal(size=(6, 7, 3))
    fill = np.array([1.0, 2.0, 3.0])
    top, left, bottom, right = box
    expected = np.array(
        [[picture[i, j] if 0 <= i < 6 and 0 <= j < 7 else fill for j in range(left, right)] for i in range(top, bottom)]
    )
    np.testing.assert_array_equal(crop(picture, box, fill), expected)


def test_the_unit_sees_its_patch_and_nothing_else(pictures):
    net = small_net(dtype=np.float64)
    index = find(pictures, net=net)
    colour = mv.to_host(net.mean_colour)
    for unit in range(7):
        found = unit_patches(net, index, "relu2", unit)
        assert len(found.patches) == (index.heaps["relu2"].values[unit] > 0).sum()
        for value, entry, place, patch in zip(found.values, found.entries, found.places, found.patches, strict=True):
            # Alone on a page of the mean colour, which the network pads with as well, the patch excites it as much.
            first, last = (net.receptive_field("relu2").span(i) for i in place)
            page = np.empty((1, 60, 60, 3))
            page[:] = colour
            page[0, 20 + first[0] : 20 + first[1], 20 + last[0] : 20 + last[1]] = patch
            alone = net.capture(page[:, 20:40, 20:40], ["relu2"])["relu2"][0, place[0], place[1], unit]
            np.testing.assert_allclose(alone, value, rtol=1e-9)
            assert patch.shape == (8, 8, 3)
            assert entry in index.pictures


def test_the_walks_are_those_of_the_methods(pictures):
    net = small_net(dtype=np.float64)
    index = find(pictures, net=net)
    found = unit_patches(net, index, "relu2", 1)
    scores = unit_patches(net, index, "fc", 2)
    assert len(found.patches) == 9 == len(scores.patches)
    for unit, row in ((found, "relu2"), (scores, "fc")):
        for entry, place, deconvnet, guided in zip(unit.entries, unit.places, unit.deconvnet, unit.guided, strict=True):
            x, target = net.picture(entry.path), (*place, unit.unit)
            box = (0, 0, 20, 20)
            if place:
                (top, bottom), (left, right) = (net.receptive_field(row).span(i) for i in place)
                box = (top, left, bottom, right)
            np.testing.assert_allclose(deconvnet, crop(mv.deconvnet(net, x, row, target)[0], box, 0), rtol=1e-12)
            np.testing.assert_allclose(guided, crop(mv.guided_backprop(net, x, target, at=row)[0], box, 0), rtol=1e-12)
    assert all(patch.shape == (20, 20, 3) for patch in scores.patches)


def test_pictures_that_are_gone_and_units_that_are_silent(tmp_path):
    folder = make_pictures(tmp_path / "pictures", 9)
    net = small_net()
    net.weights["conv2"]  # read, to be replaced
    weights = {row: dict(net.weights[row]) for row in net.weights}
    bias = weights["conv2"]["bias"].copy()
    bias[3] = -1e6
    weights["conv2"]["bias"] = bias
    net = mv.Net(net.architecture, weights)
    index = find(folder, net=net)
    assert unit_patches(net, index, "relu2", 3).patches == []
    gone = index.pictures[index.heaps["relu2"].pictures[0, 0]].path
    gone.unlink()
    found = unit_patches(net, index, "relu2", 0)
    assert len(found.patches) == 8
    assert found.notes == [f"{gone}: there is no picture file {str(gone)!r}"]


@pytest.mark.verify
def test_vgg16_conv1_1_patches_fit_its_kernels(tmp_path):
    """A patch is the more like its kernel, the more it excites it: correlate them, the bias and the mean aside."""
    net = mv.load("vgg16", weights=shared_path("weights/vgg16_blocks1-3_tf_dim_ordering_tf_kernels_notop.h5"))
    folder = tmp_path / "pictures"
    folder.mkdir()
    for kind in ("cat", "flower", "car"):
        for file in picture_files(shared_path(f"data/natural_images/{kind}"))[:6]:
            (folder / file.name).symlink_to(file)
    index = top_patches(net, folder, "conv1_1", batch=6)
    kernels = mv.filters(net, "conv1_1")
    colour = net.mean_colour
    bias = net.weights["conv1_1"]["bias"]
    alike = []
    for unit in range(64):
        entry = index.pictures[index.heaps["conv1_1"].pictures[unit, 0]]
        i, j = index.heaps["conv1_1"].places[unit, 0]
        patch = crop(net.picture(entry.path)[0], (i - 1, j - 1, i + 2, j + 2), colour) - colour
        answer = float((patch * kernels[unit]).sum() + bias[unit])
        np.testing.assert_allclose(answer, index.heaps["conv1_1"].values[unit, 0], rtol=1e-3, atol=1e-2)
        alike.append((patch * kernels[unit]).sum() / np.linalg.norm(patch) / np.linalg.norm(kernels[unit]))
    print(np.round(sorted(alike), 2))
    assert np.median(alike) > 0.7
