# %% [markdown]
# # 20 · Many facets of one neuron
#
# **If a neuron responds to several quite different things, which of them does its preferred picture show?**
#
# Lessons 18 and 19 make *one* picture for a neuron. A neuron for *grocery store*, the paper's example, answers to rows
# of produce and to shop fronts; it gets one picture, too, often a mixture of both. This lesson makes one for each way
# of being seen, a **facet**. To know whether that works, it begins with a neuron whose facets we know.

# %%
import numpy as np

import minivis as mv

# %% [markdown]
# ## The idea
#
# Nguyen, Yosinski and Clune (2016) call it *multifaceted feature visualisation*. Take pictures that belong to the
# neuron, and the **codes** that the network gives them: the activations of the last hidden row. Sort the codes into $k$
# groups, and start one ascent from the mean *picture* of the middle of each group:
#
# $$x_j^{(0)} = \text{mean of the pictures nearest to the centre of group } j, \qquad
#   x_j \leftarrow x_j + \eta\,\frac{g}{\|g\|}, \quad g = \frac{\partial S}{\partial x}\bigg|_{x_j}.$$
#
# The objective is the same for all facets; only the start differs. So this uses a weakness of gradient ascent, that it
# ends on a hill near its start. The authors reduce the codes to 50 numbers, then to a plane, and sort them there into
# 10 groups, with means of 15 pictures. We leave out the plane (lesson 27 makes such maps) and sort the reduced codes.
#
# Two tools are needed. **Principal components**: the directions in which the codes vary most, from a singular value
# decomposition. **k-means**: assign each point to the nearest of $k$ centres, move each centre to the mean of its
# points, repeat.

# %% [markdown]
# ## By hand
#
# Handwritten digits of 8 x 8 pixels, and a network with one hidden row (lesson 7) that says whether a digit is
# **even**. Its only output has five facets, and we know them: 0, 2, 4, 6, 8. The network has never been told which is
# which.

# %%
known = [0, 2, 4, 6, 8]

from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

digits = load_digits()
model = MLPClassifier((64,), alpha=0.1, max_iter=400, tol=1e-3, random_state=0, learning_rate_init=0.003)
model.fit(digits.data[:1400] / 16, digits.target[:1400] % 2 == 0)
right = model.score(digits.data[1400:] / 16, digits.target[1400:] % 2 == 0)
print(f"even or odd: right for {right:.1%} of digits that it was not trained with")

(W, V), (b, c) = model.coefs_, model.intercepts_
belongs = np.isin(digits.target, known)
pictures, names = digits.data[belongs] / 16, digits.target[belongs]
codes = np.maximum(pictures @ W + b, 0)

centred = codes - codes.mean(0)
directions = np.linalg.svd(centred, full_matrices=False)[2][:10]
points = centred @ directions.T


def k_means(points, k):
    centres = [points[((points - points.mean(0)) ** 2).sum(1).argmax()]]
    while len(centres) < k:  # to begin with: always the point that is farthest from all centres
        apart = ((points[:, None] - np.array(centres)) ** 2).sum(2).min(1)
        centres.append(points[apart.argmax()])
    for _ in range(50):
        group = ((points[:, None] - np.array(centres)) ** 2).sum(2).argmin(1)
        centres = [points[group == j].mean(0) for j in range(k)]
    return group, np.array(centres)


group, centres = k_means(points, 5)
starts, called = [], []
for j in range(5):
    own = np.flatnonzero(group == j)
    nearest = own[((points[own] - centres[j]) ** 2).sum(1).argsort()[:15]]
    starts.append(pictures[nearest].mean(0))
    counts = np.bincount(names[own], minlength=10)
    called.append(int(counts.argmax()))
    print(f"group {j}: {len(own):>3} pictures:", {d: int(n) for d, n in enumerate(counts) if n})

climbed = np.array(starts)
for _ in range(20):
    g = ((climbed @ W + b > 0) * V[:, 0]) @ W.T  # lesson 10: back through the ReLUs that are open
    climbed = (climbed + 0.1 * g / np.linalg.norm(g, axis=1, keepdims=True)).clip(0, 1)
before, after = ((np.maximum(x @ W + b, 0) @ V + c)[:, 0] for x in (np.array(starts), climbed))
print("scores at the starts:", before.round(1), " after the ascent:", after.round(1))
assert (after > before).all() and len(set(called)) >= 4

# %% [markdown]
# ## A picture
#
# What must be seen: the starts are different digits, and after the ascent most are still of the kind they began with,
# now with strokes that the neuron likes, and some dirt. The last column is what a single picture gives: the mean of
# *all* even digits is no digit, and the ascent from it makes none.

# %%
single = pictures.mean(0)
for _ in range(20):
    g = ((single @ W + b > 0) * V[:, 0]) @ W.T
    single = (single + 0.1 * g / np.linalg.norm(g)).clip(0, 1)
mv.show(
    [mv.grey(one.reshape(8, 8), limit=1) for one in (*starts, pictures.mean(0), *climbed, single)],
    titles=[*(f"mean of 15 ({d})" for d in called), "mean of all", *["after ascent"] * 6],
    columns=6,
    caption="Above, where the ascents start: the means of 15 pictures nearest to the centre of each group, and the "
    "mean of all even digits. Below, where 20 steps lead. White is ink.",
    side=120,
)

# %% [markdown]
# Do the facets stay apart? Compare what was *added*: if all ascents added the same, the facets would be nothing but
# their starts. The cosine between the changes of two facets says how alike they are.

# %%
added = climbed - np.array(starts)
added = added / np.linalg.norm(added, axis=1, keepdims=True)
alike = (added @ added.T)[np.triu_indices(5, 1)]
print(f"cosines between what was added to two facets: {alike.min():.2f} to {alike.max():.2f}, mean {alike.mean():.2f}")
assert alike.min() < 0.95

# %% [markdown]
# ## A photograph network
#
# minivgg comes without the photographs that it was trained with. But any pictures can be sorted by their codes. Take
# crops of three photographs: a dahlia, an astronaut, whom minivgg calls a flower as well, and a rocket, which it takes
# for various things. The groups must come out by photograph: crops of one are more alike than crops of two.

# %%
from skimage import data
from sklearn.datasets import load_sample_image

net = mv.load("minivgg")
crops, source = [], []
for name, photo in (
    ("dahlia", load_sample_image("flower.jpg")[60:420, 100:460]),
    ("astronaut", data.astronaut()),
    ("rocket", data.rocket()[:, 100:527]),
):
    side = min(photo.shape[:2])
    for cut in range(8):
        part = photo[cut * 4 : side - 32 + cut * 4, 28 - cut * 4 : side - cut * 4]
        crops.append(net.picture(part))
        source.append(name)
crops = np.concatenate(crops)
answers = [net.labels[i] for i in net(crops).argmax(1)]
for name in dict.fromkeys(source):
    print(f"{name:<10}", [answer for answer, one in zip(answers, source, strict=True) if one == name])

found = mv.facets(net, crops, count=3, nearest=5)
climb = mv.multifaceted(net, "flower", found, steps=25, rng=np.random.default_rng(0))
for _ in climb:
    pass
titles = [source[members[0]] for members in found.members]
mv.show(
    [*found.starts, *climb.picture],
    titles=titles + ["facet of 'flower'"] * 3,
    columns=3,
    caption="Above, the means of five crops that are nearest to the centre of each group. Below, what 25 steps up the "
    "score of 'flower' make of them.",
    side=192,
)
before, after = (net.capture(x, [net.logits])[net.logits][:, net.labels.index("flower")]
                 for x in (found.starts, climb.picture))  # fmt: skip
print("score of 'flower' before", before.round(1), "after", after.round(1))
assert (after > before).all() and len(set(titles)) == 3

# %% [markdown]
# In a small network with eight classes that is all there is to see: patterns like those of lesson 19, laid over each
# start. Facets as in the paper, produce and shop fronts, need a large network and hundreds of photographs per class.
#
# ## The library agrees
#
# With our own components and our own k-means on minivgg's codes, the groups, and the means, are the same.

# %%
row = net.architecture.rows[net.logits].inputs[0]
codes = net.capture(crops, [row])[row].reshape(len(crops), -1).astype(float)
centred = codes - codes.mean(0)
mine = centred @ np.linalg.svd(centred, full_matrices=False)[2][:50].T
group, centres = k_means(mine, 3)
for members, start in zip(found.members, found.starts, strict=True):
    j = group[members[0]]
    own = np.flatnonzero(group == j)
    nearest = own[((mine[own] - centres[j]) ** 2).sum(1).argsort()[:5]]
    assert set(own) == set(np.flatnonzero(found.facet == found.facet[members[0]]))
    assert set(nearest) == set(members)
    assert np.allclose(start, crops[nearest].mean(0), atol=1e-3)
print(f"three groups by the codes of {row}: the library's groups and means are the same")

# %% [markdown]
# ## What this does not show
#
# **That the network knows these facets.** We chose $k$, and k-means always returns $k$ groups. And a start that looks
# like an 8 makes a result that looks like an 8, whatever the neuron does.
#
# **A sanity check that can fail**, and that half fails here: are the *codes* needed? Sort the even digits by their bare
# pixels, and compare how pure the groups are.

# %%
bare = pictures - pictures.mean(0)
purity = {}
for name, what in (("codes", points), ("pixels", bare)):
    group, _ = k_means(what, 5)
    purity[name] = sum(np.bincount(names[group == j]).max() for j in range(5)) / len(names)
    print(f"sorted by {name:<7}{purity[name]:.0%} of the pictures are in a group of their own digit")
assert purity["codes"] > 0.5

# %% [markdown]
# The pixels of these small, centred digits do better than the codes. That is no accident: a network that only has to
# say *even* gains nothing by keeping 4 and 6 apart, and its groups mix them. Groups of codes show what a network still
# tells apart, which need not be what we would. For photographs, whose pixels say little, the codes are all there is.
#
# **Two schedules that are not what they say.** The authors' program removes noise from the picture as it climbs, with a
# strength that shall go from $a$ to $b$ in $n$ steps. A parenthesis is in the wrong place: it computes
# $a - (a - b\,i)/n$ where $a - (a - b)\,i/n$ is meant. The identities
# that expose it need no picture: a schedule starts at $a$, ends at $b$, and **is level if** $a = b$.

# %%
for a, b_, n in ((0.4, 0.4, 190), (0.4, 2.0, 10)):
    i = np.arange(n + 1)
    meant, coded = a - (a - b_) * i / n, a - (a - b_ * i) / n
    print(f"from {a} to {b_}: meant {meant[0]:.3f} to {meant[-1]:.3f}, coded {coded[0]:.3f} to {coded[-1]:.3f}")
    assert meant[0] == a and np.isclose(meant[-1], b_)
    assert not np.isclose(coded[0], a) and not np.isclose(coded[-1], b_)

# %% [markdown]
# ## Exercises
#
# **1.** One round of k-means: assign, then move.


# %%
def k_means_round(points, centres):
    """Return (group (N,), new centres (k, D)) for points (N, D), centres (k, D).

    group: the number of the nearest old centre, the first of equals. A centre without points stays where it is.
    """
    ...


mv.check(k_means_round)

# %% [markdown]
# **2.** Where a facet starts.


# %%
def facet_start(pictures, codes, group, j, nearest):
    """Return the mean picture (H, W, 3) of group j: of its `nearest` members whose codes are nearest to its mean code.

    pictures (N, H, W, 3), codes (N, D), group (N,). If the group has fewer members, take all.
    """
    ...


mv.check(facet_start)

# %% [markdown]
# **3.** The schedule, as it was meant: a value for each of the steps $0, 1, \dots, n - 1$, with $a$ at the first and
# $b$ at the last of them, in equal stages.


# %%
def schedule(a, b, n):
    """Return an array of n values, n at least 2."""
    ...


mv.check(schedule)
