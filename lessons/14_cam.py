# %% [markdown]
# # 14 · CAM: class activation maps
#
# **Where in the picture does the evidence for a class lie, and when can that be said exactly?**
#
# Saliency (lesson 10) says which pixels would change a score, not which have made it. For one kind of network the score
# itself can be taken apart, place by place, and the parts add up. This lesson builds that map, holds it against
# pictures whose answer is known, and shows what is arbitrary in it. It stands on lessons 6 and 8.

# %%
import numpy as np

import minivis as mv

# %% [markdown]
# ## The idea
#
# Let the network end in two layers only: each of its last maps $f_k$ is replaced by its *mean* over all places
# (**global average pooling**), and one linear layer makes the scores from these means. A mean and a sum may change
# places:
#
# $$S_c = \sum_k w_{ck}\,\frac1Z\sum_{ij} f_k(i,j) + b_c = \frac1Z\sum_{ij} M_c(i,j) + b_c, \qquad
#   M_c(i,j) = \sum_k w_{ck}\, f_k(i,j),$$
#
# with $Z$ the number of places. $M_c$ is the **class activation map**, CAM, of class $c$ (Zhou, Khosla, Lapedriza,
# Oliva and Torralba 2016). There is no ReLU in it and no bias: positive places speak for the class, negative ones
# against it, and **the mean of the map, plus the bias, is the score**. Lecture notes write $w_1 c_1 + w_2 c_2 + \dots$
# with the maps as $c$; it is the same.

# %% [markdown]
# ## By hand
#
# `minicam` is a small network with such an end. It has learned to tell drawn scenes apart: one object in each is
# striped, dotted or checked, and that is the class. Its shape, size and colours say nothing, and plain objects lie
# about. minivis draws them, and also says which pixels belong to the object that decides. We draw new ones.

# %%
net = mv.load("minicam")
print(net)
scenes = mv.make_scenes(60, by="texture", first=2_000_000)  # trained on other numbers
x, labels = scenes.pictures, scenes.labels
assert tuple(scenes.classes) == tuple(net.labels)

found = net.capture(x, [net.maps, net.logits])
maps, scores = found[net.maps], found[net.logits]  # (60, h, w, K) and (60, classes)
kernel, bias = net.weights["fc"]["kernel"], net.weights["fc"]["bias"]
cams = maps @ kernel  # (60, h, w, classes): at each place the sum over k, for all classes at once

print(f"{(scores.argmax(1) == labels).mean():.0%} of the new scenes are recognised")
difference = abs(cams.mean((1, 2)) + bias - scores).max()
print(f"mean of the map plus bias, minus the score: at most {difference:.0e} in {scores.size} scores")
assert difference < 1e-4 * abs(scores).max()

# %% [markdown]
# ## A picture
#
# Each row is a scene that is recognised, and the maps of its three classes, on one scale. The map of the right class
# must be red on the object with the texture, and on nothing else that lies about; on the object, it must be the highest
# of the three.

# %%
recognised = scores.argmax(1) == labels
chosen = [int(np.flatnonzero((labels == c) & recognised)[4]) for c in range(3)]
limit = float(np.percentile(abs(cams), 99.5))
panels, titles = [], []
for n in chosen:
    panels += [x[n], *(mv.heat_over(x[n], cams[n, :, :, c], limit, either_sign=True) for c in range(3))]
    titles += [f"a {net.labels[labels[n]]} object", *(f"{net.labels[c]}: {scores[n, c]:+.1f}" for c in range(3))]
mv.show(
    panels,
    titles=titles,
    columns=4,
    caption="Three scenes, and the class activation maps of their three classes laid over them. Red speaks for the "
    "class, blue against it; one scale for all. The number is the score: the mean of the map plus the bias.",
    side=192,
)
for n in chosen:
    on_object = [mv.enlarge(cams[[n], :, :, c], x.shape[1:3])[0][scenes.masks[n]].mean() for c in range(3)]
    print(f"a {net.labels[labels[n]]} object, mean of the maps on it:", end=" ")
    print(*(f"{name} {value:+.0f}" for name, value in zip(net.labels, on_object, strict=True)), sep=", ")
    assert int(np.argmax(on_object)) == labels[n] and max(on_object) > 0

# %% [markdown]
# What is the red patch made of? Of the last maps, times their weights. Here are the four maps that add most to the
# score of the first scene, and their sum so far. After four of all the maps, the object can already be seen.

# %%
n, c = chosen[0], int(labels[chosen[0]])
parts = maps[n] * kernel[:, c]  # (h, w, K): one map per filter, and their sum is the CAM
strongest = parts.mean((0, 1)).argsort()[::-1][:4]
few = parts[:, :, strongest].sum(-1)
mv.show(
    [*(mv.signed(parts[:, :, k], limit) for k in strongest), mv.signed(few, limit), mv.signed(cams[n, :, :, c], limit)],
    titles=[*(f"w f, filter {k}" for k in strongest), "sum of the four", f"sum of all {parts.shape[-1]}"],
    columns=6,
    caption=f"What the map of {net.labels[c]!r} for the first scene is made of. Red is positive, blue negative, "
    "white zero.",
    side=128,
)
assert np.allclose(parts.sum(-1), cams[n, :, :, c], atol=1e-3)
print(f"the four hold {few.mean() / (scores[n, c] - bias[c]):.0%} of the score")

# %% [markdown]
# ## Is it true?
#
# Here the answer is known. Enlarge the maps to the size of the pictures, and ask two questions: does the strongest
# place lie on the object (the *pointing game*), and which share of the positive part of the map lies on it? Guessing
# blindly would give the object's share of the picture, for both.

# %%
own = cams[np.arange(60), :, :, labels]
large = mv.enlarge(own, x.shape[1:3])
pointed = mv.pointing_game(large, scenes.masks).mean()
inside = mv.energy_inside(large, scenes.masks).mean()
print(f"strongest place on the object: {pointed:.0%}; positive part on it: {inside:.0%};", end=" ")
print(f"the objects cover {scenes.masks.mean():.0%}")
assert pointed > 0.8 and inside > 3 * scenes.masks.mean()

# %% [markdown]
# A network that was never told *where* anything is can then draw a **box**. The recipe of the paper: keep what is above
# 20 % of the map's largest value, take the largest connected part, and put a box around it. The quality of a box is
# measured by the area that it has in common with the true one, divided by the area that either covers (*intersection
# over union*, IoU); above 0.5 counts as found.

# %%
from scipy.ndimage import label

boxes, quality = [], []
for one, (left, top, right, bottom) in zip(large, scenes.boxes, strict=True):
    regions, _ = label(one > 0.2 * one.max())
    sizes = np.bincount(regions.ravel())[1:]  # region 0 is what is below
    rows, columns = np.nonzero(regions == 1 + sizes.argmax())
    box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)  # left, top, right, bottom, the last two after
    width = min(box[2], right + 1) - max(box[0], left)
    height = min(box[3], bottom + 1) - max(box[1], top)
    common = max(width, 0) * max(height, 0)
    areas = (box[2] - box[0]) * (box[3] - box[1]) + (right + 1 - left) * (bottom + 1 - top)
    boxes.append(box)
    quality.append(common / (areas - common))
quality = np.array(quality)
mv.show(
    [mv.outline(x[n], boxes[n][1], boxes[n][0], boxes[n][3], boxes[n][2]) for n in (*chosen, quality.argmin())],
    titles=[f"IoU {quality[n]:.2f}" for n in (*chosen, quality.argmin())],
    columns=4,
    caption="The boxes that the maps give for the three scenes above, and for the scene, of sixty, whose box is worst.",
    side=192,
)
print(f"mean IoU {quality.mean():.2f}; found: {(quality > 0.5).mean():.0%} of 60, the worst {quality.min():.2f}")
assert (quality > 0.5).mean() > 0.7

# %% [markdown]
# ## The library agrees
#
# `mv.cam(net, x, target)` is the map of one class for each picture, and `mv.box_of_map` the box. The slope of a score
# by the last maps must be $w_{ck}/Z$ at every place: that is how lesson 15 makes such maps for networks with another
# end.

# %%
assert np.allclose(mv.cam(net, x, list(labels)), own, atol=1e-4 * abs(own).max())
assert [mv.box_of_map(one) for one in large] == boxes
truth = [(left, top, right + 1, bottom + 1) for left, top, right, bottom in scenes.boxes]
assert np.allclose([mv.iou(box, true) for box, true in zip(boxes, truth, strict=True)], quality)

recorded = mv.Tensor(maps[:1])
score = net.capture({net.maps: recorded}, [net.logits])[net.logits]
slope = mv.backward(score, recorded, seed=mv.one_hot(score, 1))
assert np.allclose(slope, kernel[:, 1] / maps[0, :, :, 0].size, rtol=1e-5)
print("The library's maps, boxes and slopes are ours.")

# %% [markdown]
# ## What this does not show
#
# **The map is not fixed by what the network says.** As in lesson 6, a softmax looks at differences only. Add the same
# vector to the weights of all classes: no probability changes, for any picture, and every map does. We take the weights
# of the first scene's class away from all three. Its map is now empty, and the network answers as before. What does not
# change is the *difference* of two maps: "why striped, rather than dotted?" has an answer. "Why striped?" has one only
# by convention, for instance that the maps of all classes sum to zero.

# %%
vector = -kernel[:, [labels[chosen[0]]]]
other = mv.load("minicam", weights={name: dict(net.weights[name]) for name in net.weights} | {
    "fc": {"kernel": (kernel + vector).astype("float32"), "bias": bias}
})  # fmt: skip
before, after = mv.cam(net, x, list(labels)), mv.cam(other, x, list(labels))
rival = [int(c) for c in (labels + 1) % 3]
why_before, why_after = before - mv.cam(net, x, rival), after - mv.cam(other, x, rival)
print(f"largest change of a probability {abs(net(x) - other(x)).max():.0e};", end=" ")
print(f"of a map {abs(after - before).max() / abs(before).max():.2f} of its largest value;", end=" ")
print(f"of a difference of maps {abs(why_after - why_before).max() / abs(why_before).max():.0e}")
assert abs(net(x) - other(x)).max() < 1e-2 * abs(after - before).max() / abs(before).max()
assert np.allclose(why_after, why_before, atol=1e-4 * abs(why_before).max())
n = chosen[0]
mv.show(
    [mv.heat_over(x[n], one[n], either_sign=True) for one in (before, after, why_before, why_after)],
    titles=["its map", "with the vector added", "own minus rival", "with the vector added"],
    columns=4,
    caption="The first scene. Two networks that give every picture the same probabilities have different class "
    "activation maps, and the same differences of maps. Red is positive, blue negative, each on its own "
    "scale.",
    side=192,
)

# %% [markdown]
# **It is coarse.** A place of the last maps sees a window of the picture (the column "sees" of the table above), and
# the map says that there was something *in that window*. Enlarged, it looks smooth and precise, and is neither.
#
# **A sanity check that can fail.** Paint over, in grey, the tenth of the picture where the map is strongest, and in
# another copy as many pixels somewhere at random, in one piece. The first must lower the score by more. And the map of
# a *wrong* class should not point at the object.

# %%
side = int(np.sqrt(0.1) * x.shape[1])
rng = np.random.default_rng(0)
hidden, elsewhere = x.copy(), x.copy()
for n in range(60):
    hidden[n][large[n] >= np.quantile(large[n], 0.9)] = net.mean_colour
    i, j = rng.integers(0, x.shape[1] - side, size=2)
    elsewhere[n, i : i + side, j : j + side] = net.mean_colour
at = (np.arange(60), labels)
by_map = scores[at] - net.capture(hidden, [net.logits])[net.logits][at]
by_chance = scores[at] - net.capture(elsewhere, [net.logits])[net.logits][at]
wrong_class = mv.enlarge(cams[np.arange(60), :, :, (labels + 1) % 3], x.shape[1:3])
print(f"the score falls by {by_map.mean():.1f} on average, by {by_chance.mean():.1f} at a random place;", end=" ")
print(f"the map of a wrong class points at the object in {mv.pointing_game(wrong_class, scenes.masks).mean():.0%}")
assert by_map.mean() > 2 * by_chance.mean()
assert mv.pointing_game(wrong_class, scenes.masks).mean() < 0.5 * pointed

# %% [markdown]
# **Where the documents differ.** The paper's map has a sign. Some libraries define it with a ReLU around the sum, which
# keeps what speaks *for* the class, and its mean is no longer the score. Others subtract the smallest value and divide
# by the largest, so that *every* map has a brightest place, and zero has no fixed grey: of a class against which all
# places speak, the ground becomes white. All three, for the right class and for a wrong one:

# %%
n = chosen[0]
pair = (labels[n], scores[n].argmin())
three = []
for c in pair:
    one = cams[n, :, :, c]
    three += [mv.signed(one, limit), mv.grey(one.clip(0), limit), mv.grey((one - one.min()) / (one.max() - one.min()))]
mv.show(
    three,
    titles=[f"{net.labels[c]}: {kind}" for c in pair for kind in ("as it is", "ReLU", "stretched")],
    columns=3,
    caption="The maps of the right class and of the one with the lowest score. As it is: red for, blue against, white "
    "zero. ReLU: black is zero or less. Stretched: black is the smallest value, white the largest, whatever they are.",
    side=160,
)
kept = cams.clip(0).mean((1, 2)) + bias
print(f"mean plus bias, minus the score: with a ReLU up to {abs(kept - scores).max():.2f}, without {difference:.0e}")
assert abs(kept - scores).max() > 0.1

# %% [markdown]
# **A wrong implementation.** SqueezeNet has no linear layer at its end: a convolution of 1 x 1 makes one map per class,
# with a bias, *a ReLU follows*, and the scores are the means of what comes out. A published program makes CAMs of it
# from the weights alone, without that ReLU and the bias. Here the same end is built from minicam's maps, and where
# SqueezeNet's weights are present, it is asked as well. The identity that exposes it is the one of this lesson: **the
# mean of the map is the score**.

# %%
ends = {"minicam's maps with such an end": (maps, kernel, bias)}
try:
    squeezenet = mv.load("squeezenet")
except mv.WeightFileError:
    print("squeezenet: its weights are not here")
else:
    photo = squeezenet.picture(mv.sample_picture())
    row = squeezenet.weights["conv10"]
    below = squeezenet.capture(photo, ["fire9/concat"])["fire9/concat"]
    ends["SqueezeNet"] = (below, row["kernel"][0, 0], row["bias"])
    theirs = squeezenet.capture(photo, [squeezenet.logits])[squeezenet.logits].reshape(1, -1)
    top = int(theirs.argmax())
    assert np.isclose(mv.cam(squeezenet, photo).mean(), theirs[0, top], rtol=1e-4)

for name, (last, weights, b) in ends.items():
    right = np.maximum(last @ weights + b, 0)  # one map per class, as the network has it
    wrong = last @ weights  # without bias and ReLU
    its_scores = right.mean((1, 2))
    off = abs(wrong.mean((1, 2)) - its_scores)[0]
    for which, c in (("strongest", its_scores[0].argmax()), ("worst hit", off.argmax())):
        print(f"{name}, {which} class: score {its_scores[0, c]:.2f}, mean of the wrong map", end=" ")
        print(f"{wrong[0, :, :, c].mean():.2f}; {(wrong[0, :, :, c] + b[c] < 0).mean():.0%} of places closed")
    assert off.max() > 0.05 * its_scores[0].max()

# %% [markdown]
# The strongest class is far above 0, and there the two hardly differ. So the mistake is not seen in the maps that are
# usually drawn. It is in those of the other classes.

# %% [markdown]
# ## Exercises
#
# **1.** The map.


# %%
def class_activation_map(maps, weights, c):
    """Return the class activation map (H, W) of class c: no ReLU, no bias.

    maps: (H, W, K), the last maps of one picture. weights: (K, classes), of the linear layer after the pool.
    """
    ...


mv.check(class_activation_map)

# %% [markdown]
# **2.** From a map to a box. `scipy.ndimage.label` finds connected parts.


# %%
def cam_box(heat, share):
    """Return (left, top, right, bottom) around the largest connected part of what is above share times the maximum.

    heat: (H, W), with a positive maximum. right and bottom are one more than the last column and row of the part, so
    that right - left is its width. Pixels are connected through their sides, not their corners.
    """
    ...


mv.check(cam_box)

# %% [markdown]
# **3.** Why this class, rather than that one? Find a map that does not depend on the convention, and whose mean is
# exactly the difference of the two scores.


# %%
def why_rather_than(maps, weights, biases, c, d):
    """Return a map (H, W) whose mean is the score of class c minus that of class d.

    Each place's value depends on the maps at that place only. Spread what the biases contribute evenly over all places.
    maps: (H, W, K). weights: (K, classes). biases: (classes,).
    """
    ...


mv.check(why_rather_than)
