# %% [markdown]
# # 9 · Which patches excite a neuron, and receptive fields
#
# **What does one unit deep inside a network look for, and how much of the picture can it see at all?**
#
# Lesson 8 looked at the maps of one picture. Here we turn the question round: take one unit (a *neuron*), many
# pictures, and keep those parts of them that it likes best. To cut out the part, one must know which pixels a unit can
# see. That follows from the table of lesson 5 and the windows of lesson 3, without a single weight.

# %%
import numpy as np

import minivis as mv

# %% [markdown]
# ## The idea
#
# Which pixels can change unit $i$ of a row? Go down, row by row. If the places $a$ to $b$ of a row matter (both
# included), and it has kernels of width $k$, stride $s$ and padding $p$, then what matters in the row below is
#
# $$a \to a\,s - p, \qquad b \to b\,s - p + k - 1 .$$
#
# Start with $a = b = i$. What arrives at the picture is the unit's **receptive field**, along one axis; the other is
# alike. It grows by $k - 1$ places at each convolution, and these places are the farther apart the more pools lie
# below: so, in pixels, it grows faster and faster.
#
# With it, the patches: for each picture find the place where the unit's map is largest, take the nine pictures with
# the largest of these values, and cut the receptive field out of each. One place per picture, or else all nine could be
# from one. Zeiler and Fergus (2014) showed units like this.

# %% [markdown]
# ## By hand
#
# First the field. Kernel, stride and padding are the same for all rows of a kind, in VGG16 and in minivgg.

# %%
net = mv.lesson_net(upto="relu3_2")
windows = {"conv": (3, 1, 1), "pool": (2, 2, 0)}


def field(row, i):
    first = last = i
    for name in net.names[net.names.index(row) : 0 : -1]:
        kernel, stride, padding = windows.get(name[:4], (1, 1, 0))  # normalize and ReLUs: place by place
        first, last = first * stride - padding, last * stride - padding + kernel - 1
    return first, last + 1


for row in ("relu1_1", "relu1_2", "relu2_2", "relu3_2"):
    first, end = field(row, 10)
    print(f"{row}: unit 10 sees pixels {first} to {end - 1}, {end - first} of them")

# %% [markdown]
# Next the pictures. Six photographs, cut into pieces; each piece has the size that `net.picture` cuts its middle out of
# without resizing. They are written into a folder, where the library will look for them later. (Pieces as large as
# VGG16 takes them overlap, so with VGG16 one thing can come twice among the nine.)

# %%
from pathlib import Path
from tempfile import TemporaryDirectory

from skimage import data
from sklearn.datasets import load_sample_image

photographs = [load_sample_image("flower.jpg"), load_sample_image("china.jpg")]
photographs += [data.cat(), data.coffee(), data.rocket(), data.astronaut()]
side = round(net.size * 256 / 224)
step = max(96, side // 2)
folder = TemporaryDirectory()
pictures = []
for photograph in photographs:
    for top in range(0, photograph.shape[0] - side + 1, step):
        for left in range(0, photograph.shape[1] - side + 1, step):
            piece = photograph[top : top + side, left : left + side]
            mv.save_picture(Path(folder.name, f"{len(pictures):03}.png"), piece)
            pictures.append(net.picture(piece)[0])
print(f"{len(pictures)} pieces of {len(photographs)} photographs")

# %% [markdown]
# Then the strongest place of every map in every picture, the pictures in order of that value, and the patches. What
# lies beyond the edge of a picture is filled with the network's mean colour.

# %%
rows = ("relu1_2", "relu2_2", "relu3_2")
values, places, order = {}, {}, {}
for picture in pictures:
    for row, maps in net.capture(picture[None], rows).items():
        flat = maps[0].reshape(-1, maps.shape[3])  # all places, channel by channel
        values.setdefault(row, []).append(flat.max(0))
        places.setdefault(row, []).append(np.stack(np.divmod(flat.argmax(0), maps.shape[2]), axis=1))
for row in rows:
    values[row], places[row] = np.array(values[row]), np.array(places[row])
    order[row] = np.argsort(-values[row], axis=0, kind="stable")  # of equal values, the earlier picture first


def patch(n, row, place):
    (top, bottom), (left, right) = (field(row, int(i)) for i in place)
    framed = np.tile(net.mean_colour, (bottom - top, right - left, 1))
    inside = pictures[n][max(top, 0) : bottom, max(left, 0) : right]
    down, across = max(-top, 0), max(-left, 0)
    framed[down : down + inside.shape[0], across : across + inside.shape[1]] = inside
    return framed


def nine(row, unit):
    return [patch(n, row, places[row][n, unit]) for n in order[row][:9, unit]]


# %% [markdown]
# ## A picture
#
# Of each of the three rows six units, those whose ninth value exceeds their average over the pictures most: the choosy
# ones. What must be seen, by every unit for itself: its nine patches have something in common. In the first row they
# are a few pixels wide, and share a colour or an edge. Farther down they share textures, corners, curves, and they
# agree in less and less that could be said of a single pixel.

# %%
chosen = {}
for row in rows:
    strong = np.sort(values[row], axis=0)[-9]
    chosen[row] = np.argsort(-strong / (values[row].mean(0) + 0.05 * strong.max()))[:6]
mv.show(
    [
        mv.tile([one.repeat(48 // len(one), 0).repeat(48 // len(one), 1) for one in nine(row, u)], 3)
        for row in rows
        for u in chosen[row]
    ],
    titles=[f"{row}, {u}" for row in rows for u in chosen[row]],
    columns=6,
    caption=f"The nine patches that excite a unit most, the strongest at the top left, for 18 units of {net.name} "
    f"among {len(pictures)} pictures. Patches of {', '.join(str(len(nine(row, 0)[0])) for row in rows)} pixels, from "
    "above, drawn larger. Plain grey: beyond the edge of the picture.",
    side=144,
)

# %% [markdown]
# ## How much can a unit see, and how much does it look at?
#
# "Neurons in the top layers are affected by almost the entire picture", some lectures say. The field tells for which
# rows that is true. Here is its width for all rows of both networks; a network's table is enough, no weights are read.

# %%
widths = {}
for name in ("minivgg", "vgg16"):
    table = mv.architecture(name)
    to_plot = [row for row in table.names if row.startswith(("conv", "pool", "fc6"))]
    width = np.array([table.receptive_fields[row].size for row in to_plot])
    widths[f"{name}, picture of {table.size}"] = (np.arange(len(width)), 100 * width / table.size)
    last = next(row for row in to_plot[::-1] if row.startswith("conv"))
    print(f"{name}: a unit of {last} sees {table.receptive_fields[last].size} of {table.size} pixels, one of fc6 all")
mv.plot(
    widths,
    xlabel="row: convolutions and pools, and fc6 at the end",
    ylabel="width of the receptive field, % of the picture",
    caption="How wide the receptive field is. In VGG16 a unit of the last convolution sees 196 of 224 pixels; those of "
    "fc6 see more than there is, since fields of units at the edge overhang.",
)
assert mv.architecture("vgg16").receptive_fields["conv5_3"].size == 196

# %% [markdown]
# But to be *able* to change a unit is one thing, and by how much is another. The slope of one unit by each pixel
# (lesson 1) must be exactly zero outside the field. Inside it need not be even: a pixel in the middle reaches the unit
# on many paths through the windows, one at the rim on a single path.

# %%
exact = mv.load("minivgg", dtype="float64")
x = mv.Tensor(exact.picture(mv.sample_picture()))
found = exact.capture(x, ["relu2_2", "relu3_2", "relu4_2"])
drawn, outlined = [], []
for row, maps in found.items():
    i = maps.shape[1] // 2
    seed = np.zeros(maps.shape)
    seed[0, i, i, maps.value[0, i, i].argmax()] = 1  # the unit in the middle of the map that is strongest there
    size = abs(mv.backward(maps, x, seed=seed)[0]).sum(-1)
    first, end = exact.receptive_field(row).span(i)
    outside = np.ones(size.shape, bool)
    outside[first:end, first:end] = False
    quarter = (end - first) // 4
    middle = size[first + quarter : end - quarter, first + quarter : end - quarter]
    print(f"{row}: sees {end - first} pixels; slopes outside {size[outside].max():.0f};", end=" ")
    print(f"the middle half of the width has {middle.size / (end - first) ** 2:.0%} of the field, ", end="")
    print(f"and {middle.sum() / size.sum():.0%} of the slopes' size")
    assert size[outside].max() == 0
    picture = mv.outline(mv.grey(size), first - 1, first - 1, end + 1, end + 1)
    drawn.append(picture)
mv.show(
    [x.value[0], *drawn],
    titles=["photograph", *(f"{row}: slopes" for row in found)],
    caption="How much one unit in the middle of three rows of minivgg depends on each pixel: black is not at all. The "
    "frame is the receptive field.",
    side=192,
)

# %% [markdown]
# ## The library agrees
#
# `net.receptive_field(row)` gives size, stride and offset of the fields. `mv.top_patches` goes through a folder of any
# size, and keeps for each unit its strongest few; `mv.unit_patches` cuts them out. In a terminal: `minivis patches`.

# %%
for row in rows:
    assert all(net.receptive_field(row).span(i) == field(row, i) for i in range(20))
index = mv.top_patches(net, folder.name, rows)
folder_of = [entry.path.name for entry in index.pictures]
assert folder_of == [f"{n:03}.png" for n in range(len(pictures))]
for row in rows:
    heap = index.heap(row)
    best = order[row][:9].T  # (units, 9)
    ours = np.take_along_axis(values[row].T, best, 1)
    assert np.allclose(heap.values, ours, atol=1e-4 * ours.max())
    for u in chosen[row]:
        same = heap.pictures[u] == best[u]
        assert same.mean() > 0.7  # two values that are nearly equal may change places
        assert np.array_equal(heap.places[u][same], places[row][best[u][same], u])
unit = int(chosen["relu2_2"][0])
theirs = mv.unit_patches(net, index, "relu2_2", unit)
assert np.array_equal(theirs.patches[0], patch(index.heap("relu2_2").pictures[unit, 0], "relu2_2", theirs.places[0]))
print(
    f"{sum(len(index.heap(row).values) for row in rows)} units: the library finds the same values, pictures and places."
)

# %% [markdown]
# ## What this does not show
#
# **The best nine are not the rest.** Nine patches that look alike suggest that the unit means just this. But they are
# the extreme of a long row. Here are one unit's best nine, and nine from pictures where its answer is about half as
# strong, which in a network counts just as well.

# %%
row, unit = "relu3_2", int(chosen["relu3_2"][0])
answers = values[row][order[row][:, unit], unit]
half = int(np.argmin(abs(answers - answers[0] / 2)))
first = min(max(half - 4, 9), len(answers) - 9)
halves = [patch(n, row, places[row][n, unit]) for n in order[row][first : first + 9, unit]]
mv.show(
    [mv.tile(nine(row, unit), 3), mv.tile(halves, 3)],
    titles=[f"{answers[0]:.2f} to {answers[8]:.2f}", f"{answers[first]:.2f} to {answers[first + 8]:.2f}"],
    caption=f"Unit {unit} of {row} ({net.name}): the nine best patches, and nine at about half of the strongest "
    "answer. The titles give the values.",
    side=192,
)
mv.plot(
    {f"unit {unit} of {row}": answers},
    xlabel="picture, in the order of the unit's answer",
    ylabel="largest value in the picture",
    caption="The nine best are the first nine dots. Nothing in the curve says that they are a kind of their own.",
    dots=True,
)
print(f"{(answers > answers[0] / 2).sum()} of {len(answers)} pictures excite it more than half as much as the best one")

# %% [markdown]
# **One place per picture.** Without that rule, good places crowd: neighbours of the best place are good as well.

# %%
best = order[row][:9, unit]  # no place of another picture can be among the nine largest
everything = np.concatenate([net.capture(pictures[n][None], [row])[row][0, :, :, unit].ravel() for n in best])
crowd = np.argsort(-everything, kind="stable")[:9] // (len(everything) // 9)
print(f"the nine largest of all places are from {len(set(crowd))} pictures, not from nine")

# %% [markdown]
# **A sanity check that can fail: hide everything else.** If the field is right, all pixels outside may be replaced by
# anything, and the unit must not notice. A **wrong implementation** that is easy to write multiplies the place by the
# stride and takes as many pixels from there, forgetting that padding moves the field up and to the left. Its patches
# look reasonable, and the identity exposes it. Another one, in a published notebook, finds the place with
# `map == map.max()`; in a plain region many places are equal, and it then speaks of all of them as one unit. The
# identity there: **one unit has one place.**

# %%
n = int(order[row][0, unit])
i, j = places[row][n, unit]
size = len(nine(row, unit)[0])
stride = net.receptive_field(row).stride
fields = {
    "right": (field(row, int(i)), field(row, int(j))),
    "wrong": ((i * stride, i * stride + size), (j * stride, j * stride + size)),
}
for name, ((top, bottom), (left, right)) in fields.items():
    hidden = np.random.default_rng(0).uniform(0, 255, pictures[n].shape).astype("float32")
    window = np.s_[max(top, 0) : bottom, max(left, 0) : right]
    hidden[window] = pictures[n][window]
    value = net.capture(hidden[None], [row])[row][0, i, j, unit]
    print(f"{name} field: {value:.4f} with noise everywhere else, {values[row][n, unit]:.4f} in the picture")
    assert (abs(value - values[row][n, unit]) < 1e-3 * values[row][n, unit]) == (name == "right")

plain = np.full_like(pictures[0], 200)
maps = net.capture(plain[None], ["relu1_2"])["relu1_2"][0]
u = int(maps[10, 10].argmax())
centre = maps[5:-5, 5:-5, u]  # away from the edge, where the padding of zeros is seen
print(f"a plain picture: {(centre == centre.max()).sum()} places have the largest value; argmax names 1")
assert (centre == centre.max()).sum() > 1
folder.cleanup()

# %% [markdown]
# And last: the pictures decide what can be found. Six photographs have no dog in them, and no unit will show one.
# (Lesson 12 sends a unit's value back to the pixels, and so tells *what in the patch* it was.)

# %% [markdown]
# ## Exercises
#
# **1.** The receptive field, for any rows.


# %%
def receptive_span(windows, i):
    """Return (first, last + 1) of the pixels, along one axis, that unit i of the last row can see.

    windows: a list of (kernel, stride, padding), one for each row, the one nearest to the picture first. Pixels beyond
    the edge count: the first may be negative.
    """
    ...


mv.check(receptive_span)

# %% [markdown]
# **2.** The pictures that excite one unit most.


# %%
def strongest_places(maps, count):
    """Return (pictures, places) for one unit, from its maps (N, h, w) of N pictures.

    pictures: (count,), the numbers of the pictures with the largest values, the strongest first, and among equals the
    earlier one. places: (count, 2), row and column of the largest value of each of these, the first if several are
    equal. Each picture counts once.
    """
    ...


mv.check(strongest_places)

# %% [markdown]
# **3.** Cut out a patch that may overhang.


# %%
def patch_of(picture, top, left, size, colour):
    """Return rows top .. top + size - 1 and columns left .. left + size - 1 of `picture` (H, W, 3): (size, size, 3).

    What lies outside has the `colour` (3,). The patch and the picture share at least one pixel.
    """
    ...


mv.check(patch_of)
