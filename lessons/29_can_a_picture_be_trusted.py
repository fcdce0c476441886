# %% [markdown]
# # 29 · Can a picture be trusted?
#
# **How do you find out whether a picture shows what the network has learned, and whether it is right?**
#
# You have made many pictures that look convincing. Looking convincing is no evidence: an edge detector, which knows no
# network, looks convincing too. This lesson puts the methods of lessons 10 to 15 to two tests that each can fail:
# destroy what the network has learned and see whether the picture notices; and use scenes whose true cause is known.

# %%
import numpy as np

import minivis as mv

# %% [markdown]
# ## The idea
#
# **Sanity check** (Adebayo and others 2018). If a picture explains what a network has learned, it must change when that
# is gone. *Cascading randomisation*: put fresh random weights into the top row, then also into the next lower one, and
# so on down to the first. After each, make the picture again, and compare it with the first one.
#
# How alike are two pictures? Not by their numbers, whose scale means little, but by their order: which pixel matters
# most, which next. **Spearman's correlation** is the usual correlation of the ranks,
#
# $$\rho(a, b) = \mathrm{corr}\big(\mathrm{rank}(a),\, \mathrm{rank}(b)\big),$$
#
# 1 for the same order, 0 for no relation, $-1$ for the opposite. Equal values share the mean of their ranks. A gradient
# has signs; take it with them, or take its size: these are two questions, and the authors ask both.
#
# **Known answers.** For a photograph nobody knows which pixels were the cause. So draw scenes in which it is known: one
# object is striped, dotted or checked, and that texture is the class; all else is chance. Let $T$ be the visible pixels
# of that object. A map $M$ passes the **pointing game** (Zhang and others 2018) if its strongest pixel is in $T$, and
# its **energy inside** is
#
# $$E = \frac{\sum_{i \in T} \max(M_i, 0)}{\sum_i \max(M_i, 0)} .$$
#
# No number says anything alone. It must be held against *controls*, which know nothing of the network: the edges of the
# picture, and noise.

# %% [markdown]
# ## By hand
#
# Spearman's correlation, with ties; and the cascade, which is a table of weights in which ever more rows are fresh.

# %%
net = mv.load("minivgg")
photo = net.picture(mv.sample_picture())


def spearman(a, b):
    ranks = []
    for values in (a, b):
        _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
        last = np.cumsum(counts)  # the last rank that each value takes, from 1
        ranks.append((last - (counts - 1) / 2)[which.ravel()])
    return np.corrcoef(*ranks)[0, 1]


methods = {
    "gradient": lambda net: mv.gradient(net, photo, "person")[0],
    "guided backprop": lambda net: mv.guided_backprop(net, photo, "person")[0],
    "Grad-CAM": lambda net: mv.enlarge(mv.grad_cam(net, photo, "person"), (96, 96))[0],
    "edges (control)": lambda net: np.hypot(*np.gradient(photo[0].mean(-1))),
}
rows = list(reversed(net.architecture.parameters))  # the rows that have weights, from the top down
fresh = mv.initial_weights(net.architecture, np.random.default_rng(0))
learnt = {name: explain(net) for name, explain in methods.items()}
found = {name: [learnt[name]] for name in methods}
for count in range(1, len(rows) + 1):
    table = {row: fresh[row] if row in rows[:count] else net.weights[row] for row in rows}
    other = mv.Net(net.architecture, table)
    for name, explain in methods.items():
        found[name].append(explain(other))

signed = {name: [spearman(maps[0], one) for one in maps[1:]] for name, maps in found.items()}
sizes = {name: [spearman(abs(maps[0]), abs(one)) for one in maps[1:]] for name, maps in found.items()}
print(f"{'random from the top down to':<28}" + "".join(f"{row:>9}" for row in rows))
for name in methods:
    print(f"{name:<28}" + "".join(f"{value:9.2f}" for value in sizes[name]))

# %% [markdown]
# ## Pictures of a network that forgets
#
# Each row is a method, each column a network that has forgotten more. With `fc8` random, the class "person" is a random
# mixture of what the layer below says. With `fc6` random, the network knows nothing about classes. With `conv1_1`, it
# is all noise. The gradient and Grad-CAM should fall apart at `fc6`. Guided backprop should still show the portrait
# when most of the network is random. And edges never change, for they do not ask the network.

# %%
shown, titles = [], []
for name, maps in found.items():
    for column in (0, 1, 3, 5, 7, 9, 11):
        one = maps[column]
        shown.append(mv.signed(one, limit=np.percentile(abs(one), 99.5)) if one.ndim == 3 else mv.grey(one.clip(0)))
        titles.append(name if column == 0 else f"to {rows[column - 1]}")
mv.show(
    shown,
    titles=titles,
    columns=7,
    caption="Left: as learned. Then, from left to right, random weights from the top down to the row named. Gradients "
    "about middle grey, each on a scale of its own; Grad-CAM and edges from black, 0, to white.",
    side=96,
)
mv.plot(
    {name: np.array(values) for name, values in sizes.items()},
    xlabel="random from the top down to row (0: fc8, 2: fc6, 6: conv3_1, 10: conv1_1)",
    ylabel="Spearman's correlation of sizes",
    caption="How much of each picture is left. Edges, at 1, do not depend on the network; guided backprop follows them "
    "for most of the way.",
)
at_fc6, at_conv3_1 = rows.index("fc6"), rows.index("conv3_1")
assert abs(sizes["gradient"][at_fc6]) < 0.5 and abs(sizes["Grad-CAM"][at_fc6]) < 0.5
assert min(sizes["guided backprop"][: at_conv3_1 + 1]) > 0.7 and min(sizes["edges (control)"]) > 0.999

# %% [markdown]
# **With or without signs?** Papers and programs differ in what they report: the correlation with signs, that of sizes,
# or a measure of another kind, such as SSIM, *structural similarity*, which compares means, variances and covariances
# in small windows (Wang and others 2004; 1 is the same picture). They need not agree. Here are the three for two
# moments: half of the rows random, and all of them.

# %%
for name, maps in found.items():
    for count in (6, 11):
        pair = [abs(one).max(-1) if one.ndim == 3 else one for one in (maps[0], maps[count])]
        print(
            f"{name:<16} {count:2} of 11 rows random: with signs {signed[name][count - 1]:5.2f}, "
            f"sizes {sizes[name][count - 1]:5.2f}, SSIM {mv.ssim(*pair):5.2f}"
        )

# %% [markdown]
# ## Known answers
#
# `minicam`, which ships with minivis, tells the three textures apart; it was trained on other scenes. Each scene comes
# with a mask of the pixels that decide. On the left is the scene with the bounding box of the mask; the network never
# saw a box.

# %%
camera = mv.load("minicam")
scenes = mv.make_scenes(18, by="texture", first=1_200_000)
assert scenes.classes == camera.labels
right = camera(scenes.pictures).argmax(1) == scenes.labels
pictures, masks, classes = scenes.pictures[right], scenes.masks[right], scenes.labels[right].tolist()
print(f"{right.sum()} of 18 scenes are classified right; only those have a known cause")

rng = np.random.default_rng(0)
maps = {
    "gradient": abs(mv.gradient(camera, pictures, classes)).max(-1),
    "guided backprop": abs(mv.guided_backprop(camera, pictures, classes)).max(-1),
    "DeconvNet": abs(mv.deconvnet(camera, pictures, camera.logits, classes)).max(-1),
    "Grad-CAM": mv.enlarge(mv.grad_cam(camera, pictures, classes), (64, 64)),
    "edges (control)": np.hypot(*np.gradient(pictures.mean(-1), axis=(1, 2))),
    "noise (control)": rng.random(masks.shape),
}
pointing, energy = {}, {}
for name, some in maps.items():
    strongest = some.reshape(len(some), -1).argmax(1)
    pointing[name] = masks.reshape(len(masks), -1)[np.arange(len(masks)), strongest].mean()
    positive = some.clip(0)
    energy[name] = ((positive * masks).sum((1, 2)) / positive.sum((1, 2))).mean()
    print(f"{name:<16} pointing {pointing[name]:.2f}   energy inside {energy[name]:.2f}")
print(f"{'by chance':<16} the masks cover {masks.mean():.2f} of the pictures")

chosen = [classes.index(label) for label in range(3)]
shown, titles = [], []
for scene in chosen:
    left, top, last_column, last_row = scenes.boxes[right][scene]
    shown.append(mv.outline(pictures[scene], top, left, last_row + 1, last_column + 1))
    titles.append(camera.labels[classes[scene]])
    for name in ("gradient", "guided backprop", "DeconvNet", "Grad-CAM", "edges (control)"):
        shown.append(mv.grey(maps[name][scene]))
        titles.append(name)
mv.show(
    shown,
    titles=titles,
    columns=6,
    caption="One scene of each class, with the box of the object that decides, and five maps of it: black is 0, white "
    "each map's largest value.",
    side=112,
)
assert energy["Grad-CAM"] > energy["edges (control)"] + 0.1 > energy["noise (control)"] + 0.3
assert abs(energy["noise (control)"] - masks.mean()) < 0.02

# %% [markdown]
# Two things are worth a second look. Edges are a strong control: where the cause is a texture, it is full of edges. A
# method must beat *them*, not chance. And guided backprop, which failed the sanity check on the portrait, does well
# here. That is no contradiction: the tests ask different things. A picture can be in the right place for a reason that
# has little to do with the network, and it can depend on every weight and be in the wrong place. So ask both.
#
# ## The library agrees
#
# `mv.randomize` runs the cascade for methods from the table `mv.methods_for(net)`; `mv.pointing_game` and
# `mv.energy_inside` measure. `minivis truth` in a terminal does it for all methods and many scenes.

# %%
cascade = mv.randomize(net, photo, mv.methods_for(net, ["saliency"]), "person", seed=0)
records = cascade.of("saliency")
assert [record.row for record in records] == rows
assert np.allclose([record.spearman for record in records], signed["gradient"], atol=1e-6)
assert np.allclose([record.spearman_abs for record in records], sizes["gradient"], atol=1e-6)
assert np.isclose(mv.spearman(found["Grad-CAM"][0], found["Grad-CAM"][5]), signed["Grad-CAM"][4])
for name, some in maps.items():
    assert np.isclose(mv.pointing_game(some, masks).mean(), pointing[name])
    assert np.isclose(mv.energy_inside(some, masks).mean(), energy[name])
print("The same correlations, the same hits, the same shares.")

# %% [markdown]
# ## What this does not show
#
# **To pass the sanity check is not to be right.** Take noise, and let its seed depend on the weights. It changes
# completely with the first random row, so it passes, better than any method. And it knows nothing.

# %%
noise = []
for count in (0, 1):
    table = {row: fresh[row] if row in rows[:count] else net.weights[row] for row in rows}
    seed = int(abs(sum(float(table[row]["kernel"].sum()) for row in rows)) * 1e6)
    noise.append(np.random.default_rng(seed).random((96, 96)))
print(f"noise seeded by the weights, fc8 random: {spearman(*noise):.3f}; its energy inside would be {masks.mean():.2f}")
assert abs(spearman(*noise)) < 0.05

# %% [markdown]
# **A score on drawn scenes is a score on drawn scenes.** Three textures on plain objects are not photographs, minicam
# is not VGG16, and 18 scenes are few: with so many, one more hit moves the pointing game by 0.06. The order of two
# methods that are close may be the other way round elsewhere. A method that fails badly in so easy a case needs a
# reason to be believed in a harder one.
#
# **A wrong implementation that only one measure sees.** A published Grad-CAM starts its sum at one in place of zero:
# $\mathrm{ReLU}(1 + \sum_k \alpha_k A_k)$. The strongest pixel stays the strongest, so the pointing game gives the same
# number to the last digit. But everything is lifted, also what speaks against the class, and the energy runs out of the
# object. The identity it breaks: **where all maps of the layer are 0, the map is 0.**

# %%
kept = mv.Tensor(camera.capture(pictures, ["relu4"])["relu4"])
scores = camera.capture({"relu4": kept}, [camera.logits])[camera.logits]
slopes = mv.backward(scores, kept, seed=np.eye(3, dtype="float32")[classes])
weighed = (slopes.mean((1, 2), keepdims=True) * kept.value).sum(-1)
small = {"from 0": np.maximum(weighed, 0), "from 1": np.maximum(1 + weighed, 0)}
assert np.allclose(small["from 0"], mv.grad_cam(camera, pictures, classes), atol=1e-5)
large = {name: mv.enlarge(one, (64, 64)) for name, one in small.items()}
hits = {name: mv.pointing_game(one, masks).mean() for name, one in large.items()}
inside = {name: mv.energy_inside(one, masks).mean() for name, one in large.items()}
for name in large:
    print(f"sum {name}: pointing {hits[name]:.2f}, energy inside {inside[name]:.2f}")
print("a place where all maps are 0:", {name: float(np.maximum(int(name[-1]) + 0.0, 0)) for name in large})
mv.show(
    [picture for scene in chosen for picture in (mv.grey(large["from 0"][scene]), mv.grey(large["from 1"][scene]))],
    titles=["sum from 0", "sum from 1 (wrong)"] * 3,
    columns=6,
    caption="Grad-CAM of the three scenes, as it is defined and as it was published somewhere. Black is 0, white each "
    "map's largest value.",
    side=112,
)
assert np.isclose(hits["from 0"], hits["from 1"]) and inside["from 1"] < inside["from 0"] - 0.2

# %% [markdown]
# **And one in the measure itself.** Ranks are often computed by sorting twice. Equal values then get their ranks by
# where they are stored, and a map that is 0 nearly everywhere, as maps after a ReLU are, agrees with any other such
# map about the order of the zeros. The identity: **renumbering the pixels of both maps in the same way changes
# nothing**; and two maps drawn independently have a correlation near 0.

# %%
sparse = [np.where(rng.random(4096) < 0.05, rng.random(4096), 0) for _ in range(2)]
order = rng.permutation(4096)
for name, one, other in (("as stored", *sparse), ("renumbered", *(one[order] for one in sparse))):
    twice = [values.argsort(kind="stable").argsort() for values in (one, other)]
    print(f"{name:<11} sorted twice {np.corrcoef(*twice)[0, 1]:.4f}   ties share ranks {spearman(one, other):.4f}")
first, second = (values.argsort(kind="stable").argsort() for values in sparse)
assert np.corrcoef(first, second)[0, 1] > 0.5 > 0.1 > abs(spearman(*sparse))
again = np.corrcoef(*(values[order].argsort(kind="stable").argsort() for values in sparse))[0, 1]
assert abs(again - np.corrcoef(first, second)[0, 1]) > 1e-3
assert np.isclose(spearman(*sparse), spearman(*(values[order] for values in sparse)), atol=1e-9)

# %% [markdown]
# ## Exercises
#
# **1.** Spearman's correlation. NumPy alone will do.


# %%
def rank_correlation(a, b):
    """Return the correlation of the ranks of two arrays of one shape; equal values share the mean of their ranks."""
    ...


mv.check(rank_correlation)

# %% [markdown]
# **2.** The pointing game, fair to maps with several strongest pixels: each of these counts for its share.


# %%
def pointing_rate(maps, masks):
    """Return the mean over all maps (N, H, W) of the share of each map's strongest pixels that lie in its mask.

    masks (N, H, W): bool. A map that is 0 everywhere scores the share of the picture that its mask covers.
    """
    ...


mv.check(pointing_rate)

# %% [markdown]
# **3.** The cascade.


# %%
def cascade_tables(learnt, fresh):
    """Return the list of weight tables of a cascading randomisation, from the one with one random row to the last.

    learnt, fresh: dictionaries from the names of the rows, lowest row first, to arrays. Neither is changed. Random rows
    come in from the top.
    """
    ...


mv.check(cascade_tables)
