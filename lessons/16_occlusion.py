# %% [markdown]
# # 16 · Occlusion, without computing everything again
#
# **What does the network still say if a part of the picture is covered, and do a thousand covers cost a thousand
# forward passes?**
#
# Lessons 10 to 15 looked into the network and walked back through it. This one only asks questions from outside: cover
# something, and watch the answer. It needs no gradient, so there is nothing in it that could be noisy. What it needs
# is time, and the second half of the lesson saves most of that, exactly, with lesson 3's arithmetic of windows.

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
# probability, the class that comes first, and the sum over the strongest map of the last row of maps.

# %%
net = mv.load("minivgg")  # small: this lesson asks it several thousand times
photo = net.picture(mv.sample_picture())
person = net.labels.index("person")
clean = net.capture(photo, [net.maps, "prob"])
strongest = int(clean[net.maps][0].sum((0, 1)).argmax())

window, stride = 24, 4
starts = range(0, net.size - window + 1, stride)
probability, first, activation = (np.zeros((len(starts), len(starts))) for _ in range(3))
for i, top in enumerate(starts):
    covered = np.repeat(photo, len(starts), axis=0)
    for j, left in enumerate(starts):
        covered[j, top : top + window, left : left + window] = net.mean_colour
    found = net.capture(covered, [net.maps, "prob"])
    probability[i] = found["prob"][:, person]
    first[i] = found["prob"].argmax(1)
    activation[i] = found[net.maps][..., strongest].sum((1, 2))

p_clean = clean["prob"][0, person]
drop = p_clean - probability
i, j = np.unravel_index(drop.argmax(), drop.shape)
worst = starts[i], starts[j]
print(f"{drop.size} covered pictures; uncovered, p(person) = {p_clean:.3f}")
print(f"the largest drop is {drop.max():.3f}, with the square's corner at {worst}")

# %% [markdown]
# ## A picture
#
# Each number of a map stands for the place at which the *centre* of its square was, so the map covers the photograph
# without its margin, half a square wide; the photograph is cut to fit. The bright spot of the drop must be the dark
# spot of the probability, and it must lie where the covered picture beside it has its square. The fifth picture shows
# which class comes first: one colour for each. It can only change where the probability has dropped.

# %%
covered = photo.copy()
covered[0, worst[0] : worst[0] + window, worst[1] : worst[1] + window] = net.mean_colour
margin = (window - stride) // 2
seen = photo[0, margin : margin + stride * len(starts), margin : margin + stride * len(starts)]
palette = np.array(
    [(86, 180, 233), (0, 158, 115), (230, 159, 0), (0, 114, 178), (240, 228, 66), (213, 94, 0), (60, 60, 60), (204, 121, 167)]
)
names = [net.labels[k] for k in np.unique(first).astype(int)]
mv.show(
    [
        photo[0],
        covered[0],
        mv.heat_over(seen, drop.clip(0)),
        mv.grey(probability, limit=1),
        palette[first.astype(int)],
        mv.grey(activation),
    ],
    titles=["photograph", "the worst place", "drop", "probability", "first choice", f"map {strongest}, its sum"],
    caption="A grey square over a portrait. Drop: heat, none where it is 0 or less. Probability of 'person': black 0, "
    f"white 1. First choice: one colour per class, dark grey is 'person'; the others here: "
    f"{', '.join(name for name in names if name != 'person')}. Last: the sum over the strongest map of {net.maps}, "
    "white where it keeps the most.",
    side=192,
)
assert first[i, j] != person and np.argmin(probability) == np.argmax(drop)
assert (first[drop < 0.2] == person).all()

# %% [markdown]
# ## The random version
#
# Four hundred squares at random places. A pixel is bright if most of the squares that covered it left the first choice
# as it was: the network can do without it. It must be dark where the drop was bright.

# %%
random = mv.random_occlusion(net, photo, "person", count=400, window=window, fill="mean")
kept, all_of_them = np.zeros((2, net.size, net.size))
for (top, left), still in zip(random.corners, random.kept[0], strict=True):
    all_of_them[top : top + window, left : left + window] += 1
    kept[top : top + window, left : left + window] += still
share = kept / np.maximum(all_of_them, 1)  # at a corner of the picture there may be no square at all
mv.show(
    [photo[0], mv.grey(share, limit=1), np.where((all_of_them > 0)[..., None], photo[0] * share[..., None], 0)],
    titles=["photograph", "share of squares kept", "photograph x share"],
    caption=f"{random.kept.sum()} of {random.kept.size} random squares left 'person' the first choice. White: all the "
    "squares over this pixel did. Black: none did, or there was none.",
    side=192,
)
where = worst[0] + window // 2, worst[1] + window // 2
print(f"at the centre of the worst square {share[where]:.2f}, on average {share.mean():.2f}")
assert share[where] < share.mean()

# %% [markdown]
# ## Without computing everything again
#
# A square of $24 \times 24$ pixels covers a sixteenth of this picture. In the first rows of the network nearly
# everything is as it was. Which part is not? Look along one axis. If places $a$ to $b-1$ of a row have changed, and the
# next row has kernels of width $k$, stride $s$ and padding $q$, then output $i$ reads places $is - q$ to $is - q + k - 1$,
# and it has changed if and only if one of those lies in the changed part:
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
    for below, name in zip(rows, rows[1:], strict=False):
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
for place in ((0, 0), (36, 36), (61, 3), (72, 72)):
    by_pieces, areas[place] = pool3_covered(*place)
    covered = picture.copy()
    covered[0, place[0] : place[0] + window, place[1] : place[1] + window] = exact.mean_colour
    whole_pass = exact.capture(covered, ["pool3", "prob"])
    error = abs(by_pieces - whole_pass["pool3"]).max()
    p = exact.capture({"pool3": by_pieces}, ["prob"])["prob"][0, person]
    print(f"square at {place}: pool3 differs by {error:.0e}, p(person) = {p:.6f}, whole pass {whole_pass['prob'][0, person]:.6f}")
    assert error < 1e-12 and abs(p - whole_pass["prob"][0, person]) < 1e-12

# %% [markdown]
# The same numbers. Now the savings: which share of each row is computed anew, and how many products that is. The share
# must grow from row to row, and it must be smaller for a square in the corner, because half of what it would reach lies
# outside.

# %%
mv.plot(
    {f"square at {place}": 100 * np.array(areas[place]) for place in ((36, 36), (0, 0))},
    xlabel="row: 0 = normalize ... 14 = pool3",
    ylabel="computed anew, % of the map",
    caption=f"How much of each row a square of {window} x {window} pixels changes, in the middle of the picture and in "
    "its corner. It grows at each convolution (by a frame of one place) and at pools (rounded to whole windows).",
)
costs = []
for name in rows[1:]:
    products = np.prod(exact.weights[name]["kernel"].shape) if name.startswith("conv") else 0
    costs.append(products * np.prod(clean_maps[name].shape[1:3]))
saved = 1 - (np.array(costs) * areas[36, 36]).sum() / sum(costs)
print(f"up to pool3, a square in the middle needs {1 - saved:.0%} of the products of a whole pass")
assert all(a <= b for a, b in zip(areas[36, 36], areas[36, 36][1:], strict=False))
assert saved > 0.5

# %% [markdown]
# ## The library agrees
#
# `mv.occlusion` does both: `incremental=True`, the default, computes piece by piece up to the row where a square in the
# middle reaches half of the map, and whole maps from there on; `incremental=False` is our first loop.

# %%
theirs = mv.occlusion(net, photo, "person", window=window, stride=stride)
slow = mv.occlusion(net, photo, "person", window=window, stride=stride, incremental=False)
print(f"largest difference from our loop {abs(theirs[0] - drop).max():.0e}, between the two {abs(theirs - slow).max():.0e}")
assert np.allclose(theirs[0], drop, atol=1e-4) and np.allclose(theirs, slow, atol=1e-4)
value = mv.occlusion(net, photo, "person", window=window, stride=stride, value=True)
assert np.allclose(value[0], probability, atol=1e-4)
print("Drop and probability: the library's are the same, piece by piece or not.")

# %% [markdown]
# ## What this does not show
#
# **What the cover itself looks like to the network.** A square has edges, and its colour may mean something. Four
# covers, the same places:

# %%
maps = {fill: mv.occlusion(net, photo, "person", window, stride, fill=fill)[0] for fill in ("mean", 0, 255, "blur")}
limit = max(abs(one).max() for one in maps.values())
mv.show(
    [mv.signed(one, limit=limit) for one in maps.values()],
    titles=["mean colour", "black", "white", "blurred photograph"],
    caption="The drop of p(person) by the colour of the square, on one scale: red is a drop, blue a rise, white 0.",
    side=192,
)
for fill, one in maps.items():
    print(f"{fill!s:<6}largest drop {one.max():.2f}; correlation with the mean colour's map "
          f"{np.corrcoef(one.ravel(), maps['mean'].ravel())[0, 1]:.2f}")

# %% [markdown]
# **Evidence that is there twice.** A square can only show what is missing *without what it covers*. If two things speak
# for the class and one is enough, covering either does nothing, and the map says that neither matters. Four copies of a
# flower, and one:

# %%
from sklearn.datasets import load_sample_image

flower = net.picture(load_sample_image("flower.jpg"))
small = mv.read_picture(load_sample_image("flower.jpg"))[14:414, 120:520]
small = small[: 8 * 48 : 8, : 8 * 48 : 8]
four = np.tile(small, (2, 2, 1))[None]
for name, x in (("one flower", flower), ("four flowers", four)):
    for row in ("prob", net.logits):
        alone = net.capture(x, [row])[row][0, net.labels.index("flower")]
        one = mv.occlusion(net, x, "flower", window, stride, output=row)
        print(f"{name}: {row} = {alone:.2f}, largest drop {one.max():.3f}")
