# %% [markdown]
# # 16 · Occlusion, without computing everything again
#
# **What does a network still say if a part of the picture is covered, and must it start anew for each cover?**
#
# Lessons 10 to 15 looked into the network and walked back through it. This one only asks questions from outside: cover
# something, and watch the answer. It needs no gradient, so there is nothing in it that could be noisy. What it needs is
# time, and the second half of the lesson saves more than half of that, exactly, with lesson 3's arithmetic of windows.

# %%
import numpy as np

import minivis as mv

# %% [markdown]
# ## The idea
#
# Slide a grey square over the picture. Let $I^{(w)}$ be the picture $I$ with the square at place $w$, and $p_c$ the
# probability of class $c$. The **occlusion map** has one number for each place,
#
# $$D_w = p_c(I) - p_c\big(I^{(w)}\big) ,$$
#
# the drop. It is large where the square hides what the network goes by, and negative where it hides what spoke for
# something else. Zeiler and Fergus (2014) introduced it. Grey is the mean colour of the training pictures, which the
# row `normalize` turns to zero. How large the square is, and how far it moves each time, is for the user to choose; the
# values here are ours.
#
# Some lectures draw this drop, others the probability $p_c(I^{(w)})$ itself, which is dark where the drop is bright.
# And there is a third version: put squares at random places, and keep those for which the right class is still the
# first choice. What they leave free is enough for the network. All three follow.

# %% [markdown]
# ## By hand
#
# All covered pictures go through the network as batches. We keep three things, as Zeiler and Fergus did: the
# probability, the class that comes first, and the sum over the strongest map of the last row of maps. The square is
# centred on each cell of $8 \times 8$ pixels, and at the edge it overhangs: then only a part of it covers anything.

# %%
net = mv.load("minivgg")  # small: this lesson asks it more than a thousand times
photo = net.picture(mv.sample_picture())
person = net.labels.index("person")
clean = net.capture(photo, [net.maps, "prob"])
strongest = int(clean[net.maps][0].sum((0, 1)).argmax())

window, stride = 24, 8
cells = net.size // stride
probability, first, activation = (np.zeros((cells, cells)) for _ in range(3))
for i in range(cells):
    covered = np.repeat(photo, cells, axis=0)
    for j in range(cells):
        top, left = (k * stride + stride // 2 - window // 2 for k in (i, j))
        covered[j, max(top, 0) : top + window, max(left, 0) : left + window] = net.mean_colour
    found = net.capture(covered, [net.maps, "prob"])
    probability[i] = found["prob"][:, person]
    first[i] = found["prob"].argmax(1)
    activation[i] = found[net.maps][..., strongest].sum((1, 2))

p_clean = clean["prob"][0, person]
drop = p_clean - probability
worst = np.unravel_index(drop.argmax(), drop.shape)
print(f"{drop.size} covered pictures; uncovered, p(person) = {p_clean:.3f}; the largest drop is {drop.max():.3f}")

# %% [markdown]
# `max(top, 0)` is not a detail: the slice `x[-8:16]` of 96 rows is empty, and nothing would be covered.
#
# ## A picture
#
# The bright spots of the drop must be the dark spots of the probability. The first choice can only change where the
# probability has dropped far. And one expects the face to matter most. Does it? The second picture shows the square at
# the worst place that the loop found.

# %%
covered = photo.copy()
top, left = (k * stride + stride // 2 - window // 2 for k in worst)
covered[0, max(top, 0) : top + window, max(left, 0) : left + window] = net.mean_colour
rivals = np.unique(first[first != person]).astype(int)
mv.show(
    [
        photo[0],
        covered[0],
        mv.heat_over(photo[0], drop.clip(0).repeat(stride, 0).repeat(stride, 1)),
        mv.grey(probability, limit=1),
        mv.grey(first == person),
        mv.grey(activation),
    ],
    titles=["photograph", "the worst place", "drop", "probability", "first choice", f"map {strongest}, its sum"],
    caption="A grey square over a portrait; each cell shows what happens if the square is centred there. Drop: heat, "
    "none where it is 0 or less. Probability of 'person': black 0, white 1. First choice: white where it is 'person'; "
    f"black: {', '.join(net.labels[k] for k in rivals)}. Last: the sum over the strongest map of {net.maps}, black 0.",
    side=192,
)
assert first[worst] != person and (first[drop < 0.2] == person).all()
face = np.s_[36:60, 36:60]
covered = photo.copy()
covered[0][face] = net.mean_colour
p_faceless = net(covered)[0, person]
print(f"with a square over eyes and nose, p(person) = {p_faceless:.3f}; at the worst place {probability[worst]:.3f}")
assert p_faceless > 0.5 > probability[worst]

# %% [markdown]
# This small network does not need the face. It goes by the upper edge of the picture, cap, sky and flag, as it seems.
# An occlusion map does not show what *should* matter, and that is its use: without it, 97 % for "person" would look
# like an understanding of persons.
#
# ## The random version
#
# Two hundred squares at random places, all inside the picture. A pixel is bright if most of the squares that covered
# it left the first choice as it was: the network can do without it. It must be dark where the drop was bright.

# %%
random = mv.random_occlusion(net, photo, "person", count=200, window=window, fill="mean")
kept, all_of_them = np.zeros((2, net.size, net.size))
for (top, left), still in zip(random.corners, random.kept[0], strict=True):
    all_of_them[top : top + window, left : left + window] += 1
    kept[top : top + window, left : left + window] += still
never = all_of_them == 0
share = kept / np.maximum(all_of_them, 1)
mv.show(
    [photo[0], mv.grey(all_of_them), mv.grey(np.where(never, 1, share), limit=1)],
    titles=["photograph", "how often covered", "share of squares kept"],
    caption=f"{random.kept.sum()} of {random.kept.size} random squares left 'person' the first choice. Middle: how "
    f"many squares cover each pixel, black 0, white {all_of_them.max():.0f}. Right: white if all of those were kept "
    "(or there were none), black if no one was.",
    side=192,
)
cell_share = share.reshape(cells, stride, cells, stride).mean((1, 3))
alike = np.corrcoef(cell_share.ravel(), drop.ravel())[0, 1]
print(f"correlation of the share with the drop: {alike:.2f}; {never.sum()} pixels were never covered")
assert alike < -0.3

# %% [markdown]
# Corners are covered seldom, and the share of two or three squares is not worth much. The map in the middle belongs
# beside the one on the right.
#
# ## Without computing everything again
#
# A square of $24 \times 24$ pixels covers a sixteenth of this picture. In the first rows of the network nearly
# everything is as it was. Which part is not? Look along one axis. If places $a$ to $b-1$ of a row have changed, and
# the next row has kernels of width $k$, stride $s$ and padding $q$, then output $i$ reads the places $is - q$ to
# $is - q + k - 1$, and it can only have changed if one of those lies in the changed part:
#
# $$\Big\lceil \frac{a + q - k + 1}{s} \Big\rceil \;\le\; i \;\le\; \Big\lfloor \frac{b - 1 + q}{s} \Big\rfloor .$$
#
# A ReLU changes nothing about the places ($k = s = 1$, $q = 0$). So a square of changes walks up the network and grows
# a little at each convolution, and halves at each pool. Only this square is computed; all around it the clean maps,
# computed once, are still true. Nakandala and others (2019) described this for occlusion.
#
# Here it is, up to `pool3`, in float64 so that "exactly" can be tested. From there on we let the network go on by
# itself: above, the square has grown to most of the map, and the linear rows need all of it.

# %%
exact = mv.load("minivgg", dtype="float64")
picture = exact.picture(mv.sample_picture())
rows = list(exact.names[: exact.names.index("pool3") + 1])
clean_maps = exact.capture(picture, rows)
windows = {"conv": (3, 1, 1), "pool": (2, 2, 0)}  # kernel, stride, padding


def changed(a, b, kernel, stride, padding, size):
    return max(0, -((kernel - 1 - padding - a) // stride)), min(size, (b - 1 + padding) // stride + 1)


def pool3_covered(top, left):
    places = [(top, top + window), (left, left + window)]
    piece = np.broadcast_to(exact.mean_colour, (1, window, window, 3))
    areas = []
    for number, name in enumerate(rows[1:]):
        below = rows[number]
        kernel, step, padding = windows.get(name[:4], (1, 1, 0))
        if kernel > 1:  # it reads more than has changed: lay the piece over the clean map, and cut out what it reads
            whole = clean_maps[below].copy()
            whole[:, slice(*places[0]), slice(*places[1])] = piece
            places = [changed(a, b, kernel, step, padding, clean_maps[name].shape[1]) for a, b in places]
            whole = np.pad(whole, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
            (t, b), (l, r) = [(a * step, (b - 1) * step + kernel) for a, b in places]
            piece = whole[:, t:b, l:r]
        if name == "normalize":
            piece = (piece - 128) / 64
        elif name.startswith("conv"):
            piece = mv.conv2d(piece, exact.weights[name]["kernel"], exact.weights[name]["bias"])
        elif name.startswith("relu"):
            piece = mv.relu(piece)
        elif name.startswith("pool"):
            piece = mv.max_pool(piece, kernel=2)
        areas.append(piece.shape[1] * piece.shape[2] / np.prod(clean_maps[name].shape[1:3]))
    whole = clean_maps["pool3"].copy()
    whole[:, slice(*places[0]), slice(*places[1])] = piece
    return whole, areas


areas = {}
for place in ((0, 0), (36, 36), (61, 3)):
    by_pieces, areas[place] = pool3_covered(*place)
    covered = picture.copy()
    covered[0, place[0] : place[0] + window, place[1] : place[1] + window] = exact.mean_colour
    whole_pass = exact.capture(covered, ["pool3", "prob"])
    error = abs(by_pieces - whole_pass["pool3"]).max()
    p = exact.capture({"pool3": by_pieces}, ["prob"])["prob"][0, person]
    p_whole = whole_pass["prob"][0, person]
    print(
        f"square at {place}: pool3 differs by {error:.0e}; p(person) by pieces {p:.6f}, by a whole pass {p_whole:.6f}"
    )
    assert error < 1e-12 and abs(p - p_whole) < 1e-12

# %% [markdown]
# The same numbers. Now the savings: which share of each row is computed anew, and how many products that is. The share
# must grow from row to row, and it must be smaller for a square in the corner, because half of what it would reach lies
# outside.

# %%
mv.plot(
    {f"square at {place}": 100 * np.array(areas[place]) for place in ((36, 36), (0, 0))},
    xlabel=f"row: 0 = normalize ... {len(rows) - 2} = pool3",
    ylabel="computed anew, % of the map",
    caption=f"How much of each row a square of {window} x {window} pixels changes, in the middle of the picture and in "
    "its corner. It grows at each convolution (by a frame of one place) and at pools (rounded to whole windows).",
)
costs = []
for name in rows[1:]:
    products = np.prod(exact.weights[name]["kernel"].shape) if name.startswith("conv") else 0
    costs.append(products * np.prod(clean_maps[name].shape[1:3]))
saved = 1 - (np.array(costs) * areas[36, 36]).sum() / sum(costs)
print(f"up to pool3, a square in the middle needs {1 - saved:.0%} of the products of a whole pass,", end=" ")
shapes = exact.shapes()
above = [name for name in exact.names[len(rows) :] if name.startswith(("conv", "fc"))]
rest = sum(np.prod(exact.weights[name]["kernel"].shape) * np.prod(shapes[name][:-1]) for name in above)
in_all = ((1 - saved) * sum(costs) + rest) / (sum(costs) + rest)
print(f"and {in_all:.0%} with all that comes after, computed whole")
assert all(a <= b for a, b in zip(areas[36, 36], areas[36, 36][1:], strict=False))
assert saved > 0.5 and in_all < 0.5

# %% [markdown]
# ## The library agrees
#
# `mv.occlusion` does both: `incremental=True`, the default, computes piece by piece up to the row where a square in the
# middle reaches half of the map, and whole maps from there on; `incremental=False` is our first loop.

# %%
theirs = mv.occlusion(net, photo, "person", window, stride, overhang=True)
slow = mv.occlusion(net, photo, "person", window, stride, overhang=True, incremental=False)
assert np.allclose(theirs[0], drop, atol=1e-4) and np.allclose(theirs, slow, atol=1e-4)
print(f"largest difference from our loop {abs(theirs[0] - drop).max():.0e},", end=" ")
print(f"between the library's two ways {abs(theirs - slow).max():.0e}")

# %% [markdown]
# (`value=True` returns the probability in place of its drop. `overhang=False`, the default, keeps the squares inside
# the picture; the map is then smaller than the picture by one square. In float32 the two ways add in different orders,
# so they agree to rounding. In float64, above, the two were equal.)
#
# ## What this does not show
#
# **A large step is not a slope.** For a *faint* square, one that mixes in a thousandth of grey, the gradient of lesson
# 10 knows the drop without any pass: it is $\sum w\,(I - \text{grey})$ over the square. That is a check which can
# fail, of both. A full square is another question, and has another answer.

# %%
x = mv.Tensor(picture)
prob = exact.capture(x, ["prob"])["prob"]
w = mv.backward(prob, x, seed=np.eye(len(exact.labels))[[person]])
share_of_grey = (w * (picture - exact.mean_colour))[0].sum(-1)
predicted = share_of_grey.reshape(4, 24, 4, 24).sum((1, 3))  # for 4 x 4 squares of 24 x 24 pixels
alike = {}
for mix in (0.0001, 0.01, 1):
    covered = np.repeat(picture, 16, axis=0)
    for n in range(16):
        inside = np.s_[n, n // 4 * 24 : n // 4 * 24 + 24, n % 4 * 24 : n % 4 * 24 + 24]
        covered[inside] += mix * (exact.mean_colour - covered[inside])
    found = (prob.value[0, person] - exact(covered)[:, person]) / mix
    alike[mix] = np.corrcoef(found.ravel(), predicted.ravel())[0, 1]
    print(f"{mix:>7.2%} grey: correlation of the drops with what the gradient predicts {alike[mix]:.4f}")
assert alike[0.0001] > 0.999 and alike[1] < 0.5

# %% [markdown]
# **The colour of the square.** A square has edges, and its colour may mean something to the network. Four covers at the
# same places. Where the maps disagree, at least three of them tell about the cover and not about the photograph.

# %%
maps = {"mean": drop}
for fill in (0, 255, "blur"):
    maps[fill] = mv.occlusion(net, photo, "person", window, stride, fill=fill, overhang=True)[0]
    correlation = np.corrcoef(maps[fill].ravel(), drop.ravel())[0, 1]
    print(f"{fill!s:<5}correlation with the map of the mean colour {correlation:.2f}")
mv.show(
    [mv.signed(one, limit=1) for one in maps.values()],
    titles=["mean colour", "black", "white", "blurred photograph"],
    caption="The drop of p(person) by what the square is filled with, on one scale: red is a drop, blue a rise, "
    "white 0.",
    side=192,
)

# %% [markdown]
# **Evidence that is there more than once.** A flower, of which the network is sure, and each quarter of the picture:
# covered, and shown alone. No quarter is needed, so the drop is nearly 0 everywhere; but no quarter is enough, either.
# A map of single covers cannot tell "this does not matter" from "this is not needed as long as the rest is there". The
# *score* still drops visibly, since the probability is flat where the network is sure (lesson 4).

# %%
from sklearn.datasets import load_sample_image

flower, c = net.picture(load_sample_image("flower.jpg")), net.labels.index("flower")
at_first = net.capture(flower, [net.logits, "prob"])
print(f"whole: score {at_first[net.logits][0, c]:.2f}, p(flower) {at_first['prob'][0, c]:.4f}")
half = net.size // 2
for top, left in ((0, 0), (0, half), (half, 0), (half, half)):
    inside = np.s_[:, top : top + half, left : left + half]
    without, alone = flower.copy(), np.broadcast_to(net.mean_colour, flower.shape).copy()
    without[inside], alone[inside] = net.mean_colour, flower[inside]
    found = net.capture(np.concatenate([without, alone]), [net.logits, "prob"])
    print(
        f"quarter at {(top, left)!s:<9} covered: score {found[net.logits][0, c]:5.2f}, p {found['prob'][0, c]:.4f}; "
        f"alone: score {found[net.logits][1, c]:5.2f}, p {found['prob'][1, c]:.4f}"
    )
    assert found["prob"][0, c] > 0.99 and found["prob"][1, c] < 0.5

# %% [markdown]
# **Two wrong implementations.** A map with one number per *pixel* is made by giving the drop of each square to all the
# pixels under it. A published one adds these up, and does not divide by how many squares there were. In the middle of
# the picture there are more: with squares of 15 pixels that move by 1, a corner pixel is under 1 square, an inner one
# under 225. The identity: **if every square has the same drop, the map is that number, everywhere.** Another one draws
# $1 - p$ and calls it the drop. There the identity is: **covering something with what is there already must give 0.**

# %%
starts = range(0, net.size - window + 1, stride)
inner = mv.occlusion(net, photo, "person", window, stride)[0]
sums = {"the drops of the portrait": inner, "1 for every square": np.ones_like(inner)}
coverage = np.zeros((net.size, net.size))
for top in starts:
    for left in starts:
        coverage[top : top + window, left : left + window] += 1
drawn = []
for name, drops in sums.items():
    total = np.zeros((net.size, net.size))
    for top, row in zip(starts, drops, strict=True):
        for left, one in zip(starts, row, strict=True):
            total[top : top + window, left : left + window] += one
    drawn += [mv.grey(total.clip(0)), mv.grey((total / coverage).clip(0))]
    print(f"{name}: the sum is {total[0, 0]:.2f} in a corner and {total[48, 48]:.2f} in the centre,", end=" ")
    print(f"the mean {total[0, 0] / coverage[0, 0]:.2f} and {total[48, 48] / coverage[48, 48]:.2f}")
mv.show(
    drawn,
    titles=["portrait: sum (wrong)", "portrait: mean", "equal drops: sum (wrong)", "equal drops: mean"],
    caption="Drops of squares given to the pixels under them; black is 0, white each map's largest value. The sum "
    "darkens the margin, whatever the picture is. The mean of equal drops is white everywhere.",
    side=192,
)
assert np.ptp(total / coverage) == 0 and total[0, 0] == 1 and total[48, 48] == (window // stride) ** 2

plain = np.broadcast_to(net.mean_colour, photo.shape).copy()
as_it_is = mv.occlusion(net, plain, "person", window, stride=window)
one_minus_p = 1 - mv.occlusion(net, plain, "person", window, stride=window, value=True)
print(f"grey squares on a grey picture: drop {abs(as_it_is).max():.0e}, 1 - p {one_minus_p.min():.3f}")
assert abs(as_it_is).max() < 1e-5 < one_minus_p.min()

# %% [markdown]
# ## Exercises
#
# **1.** Cover a part of a picture by a rectangle that may overhang on any side.


# %%
def covered_picture(picture, top, left, height, width, colour):
    """Return a copy of `picture` (H, W, 3), with rows top .. top + height - 1 and columns left .. left + width - 1
    of it set to `colour` (3,). top and left may be negative, and the rectangle may reach beyond the picture.
    """
    ...


mv.check(covered_picture)

# %% [markdown]
# **2.** Which outputs does a change reach? Try small cases on paper first.


# %%
def outputs_changed(start, stop, kernel, stride, padding, size):
    """Return (first, last + 1) of the outputs that read at least one of the places start .. stop - 1, along one axis.

    There are `size` outputs. Output i reads the places i * stride - padding ... i * stride - padding + kernel - 1.
    Some output reads one of them.
    """
    ...


mv.check(outputs_changed)

# %% [markdown]
# **3.** From drops per square to a map per pixel.


# %%
def map_per_pixel(drops, corners, window, height, width):
    """Return the map (height, width): at each pixel the mean of the drops of the squares that cover it, or 0 if none.

    drops: (n,). corners: (n, 2), whole numbers, the top and left of each square of `window` x `window` pixels. All
    squares lie inside.
    """
    ...


mv.check(map_per_pixel)
