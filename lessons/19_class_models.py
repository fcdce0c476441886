# %% [markdown]
# # 19 · Class models
#
# **What would a picture look like that a network calls a flower, and nothing but a flower?**
#
# Lesson 18 climbed single units. Here we climb the last ones, the scores of the classes, or what the softmax of lesson
# 4 makes of them, and see that this is not the same. And we see how much of a "class model" is the network, and how
# much is the climber's taste.

# %%
import numpy as np

import minivis as mv

net = mv.load("minivgg")

# %% [markdown]
# ## The idea
#
# Simonyan, Vedaldi and Zisserman (2014) look for the picture with the highest **score** $S_c$ of a class, less a
# penalty for strength:
#
# $$I^* = \arg\max_I\; S_c(I) - \lambda \|I\|_2^2, \qquad
#   I \leftarrow I + s\left(\frac{\partial S_c}{\partial I} - 2\lambda I\right).$$
#
# $I$ is counted from the mean picture: the climb starts from the **zero image**, which is the mean colour, and the mean
# is added to the result. That matters twice. Started from the zeros of a file, the climb would begin at black; and a
# penalty on 0..255 values would pull towards black.
#
# The paper gives no $\lambda$, no step length $s$ and no number of steps, so all numbers here are ours. The penalty has
# a balance of its own: where the two slopes cancel, $I^* = \frac{1}{2\lambda}\,\partial S_c/\partial I$.
#
# Why the score, and not the probability, which is called the **posterior** in the paper? Because the posterior
#
# $$P_c = \frac{e^{S_c}}{\sum_k e^{S_k}}, \qquad
#   \log\frac{P_c}{1 - P_c} \;=\; \underbrace{S_c}_{\text{own}} \;-\; \underbrace{\log \sum_{k \ne c}
# e^{S_k}}_{\text{rivals}}$$
#
# also rises if the *rivals* fall. The second equation, the **log-odds**, is exact, and lets us say how much of a rise
# is the class's own. Some lectures climb "the i-th output of the softmax" nevertheless. We do both.

# %% [markdown]
# ## By hand
#
# One function, for several classes at once. The length of a step is divided by the mean size of its slopes, so that
# values change by `rate` grey levels on average, and the same rate will do for the score and the posterior, whose
# slopes differ by powers of ten. If a picture has no slope left at all, it stays.


# %%
def climb(net, labels, of, steps, weight, rate=2.0):
    x = np.zeros((len(labels), net.size, net.size, 3), net.dtype)  # the zero image
    one = np.eye(8, dtype=net.dtype)[labels]
    scores, sizes = [], []
    for _ in range(steps):
        picture = mv.Tensor(net.mean_colour + x)
        rows = net.capture(picture, [net.logits, "prob"])
        g = mv.backward(rows[net.logits if of == "score" else "prob"], picture, seed=one)
        scores.append(rows[net.logits].value)
        sizes.append(abs(g).mean((1, 2, 3)))
        g = g - 2 * weight * x
        size = abs(g).mean((1, 2, 3), keepdims=True)
        x = x + rate * g / np.where(size > 0, size, 1)
    return net.mean_colour + x, np.array(scores), np.array(sizes)  # the mean is added at the end


classes = ["airplane", "cat", "flower", "person"]
labels = [net.labels.index(name) for name in classes]
by_score, scores, sizes = climb(net, labels, "score", 18, 1e-5)
blank = np.exp(scores[0, 0] - scores[0, 0].max())
blank /= blank.sum()
print(f"the blank picture is called {net.labels[blank.argmax()]!r}, with {blank.max():.3f}")
for n, name in enumerate(classes):
    print(f"{name:<9} score {scores[0, n, labels[n]]:6.1f} -> {scores[-1, n, labels[n]]:6.1f}")
assert (scores[-1, range(4), labels] > scores[0, range(4), labels] + 30).all()

# %% [markdown]
# (That this network has a firm opinion about a blank picture says something about its training: there was no class
# "nothing".)
#
# ## Score and posterior, side by side
#
# The same again, for the posterior, without a penalty: next to a penalty its slope would soon count for nothing, since
# it vanishes where the network is sure (lesson 4). What must be seen: fine, repeated strokes at places that
# differ from class to class, in both rows, and no object, in either.

# %%
by_posterior, scores_p, sizes_p = climb(net, labels, "posterior", 18, 0.0)
mv.show(
    [*by_score, *by_posterior],
    titles=[*(f"{name}: score" for name in classes), *(f"{name}: posterior" for name in classes)],
    columns=4,
    caption="Class models of minivgg after 18 steps from the mean colour (grey). Above the score was climbed, with "
    "a little L2, below the posterior. The contrast is as it came.",
    side=192,
)
steps = np.arange(18)
mv.plot(
    {
        **{f"{name}: score": (steps, sizes[:, n]) for n, name in enumerate(classes[:2])},
        **{f"{name}: posterior": (steps, np.maximum(sizes_p[:, n], 1e-45)) for n, name in enumerate(classes[:2])},
    },
    xlabel="step",
    ylabel="mean size of the slope",
    log="y",
    caption="Mean size of the slopes on the way. Those of the score stay as they are; those of the posterior fall by "
    "powers of ten as soon as the class is recognised. Below 1e-45 single precision has no numbers: drawn at 1e-45.",
)
assert sizes[-1].min() > 1e-5 and np.median(sizes_p[-1]) < 1e-12

# %% [markdown]
# Now the log-odds. For each picture, how much did the class's own score rise, and how far did the rivals fall? The two
# parts add up to the rise of the log-odds. So that the two climbs differ in nothing else, the score's is repeated
# without the penalty.

# %%
_, scores_s, _ = climb(net, labels, "score", 18, 0.0)
print(f"{'':<22}{'own score':>11}{'rivals':>9}{'log-odds':>10}{'own share':>11}")
share = {}
for of, table in (("score", scores_s.astype(float)), ("posterior", scores_p.astype(float))):
    for n, (name, label) in enumerate(zip(classes, labels, strict=True)):
        others = np.delete(table[:, n], label, axis=1)
        rivals = np.log(np.exp(others - others.max(1, keepdims=True)).sum(1)) + others.max(1)
        own, fall = table[-1, n, label] - table[0, n, label], rivals[0] - rivals[-1]
        share[of, name] = own / (own + fall)
        print(f"{name + ', ' + of:<22}{own:>+11.1f}{fall:>+9.1f}{own + fall:>+10.1f}{share[of, name]:>11.0%}")
assert all(share["score", name] > share["posterior", name] for name in classes)

# %% [markdown]
# So the paper's argument can be measured: for each of the four classes, a larger share of the rise is its own if the
# score is climbed than if the posterior is. (More than all of it is its own where the rivals have risen, too.) But
# climbing the score does not keep the rivals where they were, either: all classes share most of the network.
#
# ## Regularisation: what makes it look like something
#
# All that the network asks for is in the first rows above. The rest is **regularisation**: what the climber demands of
# a picture beside a high score. Lectures give this list: L2; and besides, every few steps, blur; set pixels with small
# values to zero; set pixels with small *gradients* to zero. The toolbox that this comes from (Yosinski and others 2015)
# does something else in the last place: it takes away pixels with a small **contribution**, the size of value times
# slope, summed over the colours. Two touches, and not the same pixels:

# %%
x, slopes = (by_score - net.mean_colour)[2], mv.gradient(net, by_score[2:3], "flower")[0]
by_gradient, by_contribution = (slopes**2).sum(-1), abs((x * slopes).sum(-1))
small_g = by_gradient < np.quantile(by_gradient, 0.5)
small_c = by_contribution < np.quantile(by_contribution, 0.5)
agree = (small_g & small_c).sum() / small_g.sum()
print(f"the half with the smallest gradients, the half with the smallest contributions: {agree:.0%} in common")
mv.show(
    [by_score[2], np.where(small_g[..., None], 128, by_score[2]), np.where(small_c[..., None], 128, by_score[2])],
    titles=["flower", "small gradients away", "small contributions away"],
    caption="The class model of the flower, and what is left if the half of the pixels is set to grey whose gradient "
    "is smallest, or whose contribution is smallest.",
    side=192,
)
assert 0.5 < agree < 0.98

# %% [markdown]
# The toolbox's four settings, from the documentation of its code. "Every" counts steps, a percentile is one of all
# pixels, and blur is in pixels; "progress" means a step that should raise the score by a given amount.
#
# | decay | blur sigma | blur every | small norm, percentile | small contribution, percentile | steps | rate |
# |---|---|---|---|---|---|---|
# | 0 | 0.5 | 4 | 50 | 0 | 500 | progress, at most 100 |
# | 0.3 | 0 | 0 | 20 | 0 | 750 | 100 |
# | 0.0001 | 1.0 | 4 | 0 | 0 | 1000 | 100 |
# | 0 | 0.5 | 4 | 0 | 90 | 1000 | progress, at most 1e8 |
#
# They need hundreds of steps. Here is one class, with 20 steps or 30 and numbers of ours. We say how *rough* each
# picture is: the mean difference of neighbouring pixels, over the standard deviation. Whatever is asked for beside the
# score costs score: that of the first picture must be the highest. And with blur or Fourier coefficients the pictures
# must be smoother, for the number as for the eye.

# %%
from minivis.objectives import l2, unit

flower = unit("logits", "flower")
grey = np.zeros((1, 96, 96, 3), "float32") + net.mean_colour
touches = {
    "nothing": (flower, []),
    "L2": (flower - 1e-5 * l2(), []),
    "blur": (flower, [mv.every(2, mv.blur(0.7))]),
    "blur, small pixels": (flower, [mv.every(2, mv.blur(0.7)), mv.every(4, mv.clip_small_pixels(30))]),
    "blur, small gradients": (flower, [mv.every(2, mv.blur(0.7)), mv.every(4, mv.clip_small_gradients(30))]),
    "blur, small contributions": (flower, [mv.every(2, mv.blur(0.7)), mv.every(4, mv.clip_small_contributions(30))]),
}
made = {}
for name, (objective, after) in touches.items():
    ascent = mv.ascend(net, objective, grey, lr=4.0, step="mean-abs", after=[*after, mv.clip_to_range()], steps=20)
    for _ in ascent:
        pass
    made[name] = ascent.picture
ascent = mv.class_model(net, "flower", "clear", steps=30, rng=np.random.default_rng(0))
for _ in ascent:
    pass
made["Fourier, jitter, zoom"] = ascent.picture

rough, reached = {}, {}
for name, picture in made.items():
    reached[name] = net.capture(picture, [net.logits])[net.logits][0, net.labels.index("flower")]
    rough[name] = abs(np.diff(picture, axis=2)).mean() / picture.std()
    print(f"{name:<27} score {reached[name]:6.1f}, roughness {rough[name]:.2f}")
mv.show(
    np.concatenate(list(made.values())),
    titles=list(made),
    columns=4,
    caption="Flower, seven times: what is asked for beside the score. The last one climbs Fourier coefficients instead "
    "of pixels, which favours large shapes, and looks through random shifts, turns and zooms.",
    side=192,
)
assert max(reached, key=reached.get) == "nothing"
assert all(rough[name] < 0.7 * rough["nothing"] for name in made if "blur" in name or "Fourier" in name)

# %% [markdown]
# Pink petals and green about them, in dots: with a network this small that is as far as it goes. The published class
# models of flamingos, pelicans or turtles are from networks with many times its weights.
#
# ## The library agrees
#
# `mv.class_model(net, class, preset)`: "simonyan" is the climb above, and has the same numbers of ours. In float64, a
# few steps:

# %%
exact = mv.load("minivgg", dtype="float64")
mine, mine_scores, _ = climb(exact, labels[2:], "score", 4, 1e-5)
ascent = mv.class_model(exact, classes[2:], "simonyan", steps=4)
theirs = np.array([score for _, score in ascent])
assert np.allclose(ascent.picture, mine, atol=1e-6)
penalty = [1e-5 * float(l2()(exact, mine[:1])[0]), 1e-5 * float(l2()(exact, mine[1:])[0])]
assert np.allclose(theirs[0], mine_scores[0, range(2), labels[2:]]) and float(l2()(exact, grey.astype(float))[0]) == 0
print(
    "the library climbs to the same pictures; the penalty of the zero image is 0, that of the results",
    np.round(penalty, 1),
)

# %% [markdown]
# ## What this does not show
#
# **That the network has learned anything.** A sanity check that can fail: climb a network of the same table with random
# weights, from noise (on a blank picture all its ReLUs are shut: its biases are 0). If a high posterior were a sign of
# knowledge, this one could not be brought to it.

# %%
untrained = mv.Net(net.architecture, mv.initial_weights(net.architecture, np.random.default_rng(0)))
noise = grey + 10 * np.random.default_rng(1).standard_normal((2, 96, 96, 3)).astype("float32")
ascent = mv.ascend(untrained, unit("logits", labels[:2]), noise, lr=2.0, step="mean-abs", steps=12)
for _ in ascent:
    pass
nonsense = ascent.picture
sure = untrained.capture(nonsense, ["prob"])["prob"][range(2), labels[:2]]
mv.show(
    nonsense,
    titles=[f"'{name}': {p:.3f}" for name, p in zip(classes[:2], sure, strict=True)],
    caption="Class models of an untrained network, after 12 steps, and the posteriors of its 'classes'.",
    side=192,
)
print("posteriors that an untrained network was brought to:", sure.round(3))
assert (sure > 0.9).all()

# %% [markdown]
# It can. What training has added is not that there is such a picture, but what is on it.
#
# **That photographs are like this.** The scores of class models are far above those of any photograph:

# %%
from sklearn.datasets import load_sample_image

photo = net.picture(load_sample_image("flower.jpg"))
of_photo = net.capture(photo, [net.logits])[net.logits][0, net.labels.index("flower")]
print(f"score of 'flower': a photograph of one {of_photo:.1f}, the class model {scores[-1, 2, labels[2]]:.1f}")
assert scores[-1, 2, labels[2]] > of_photo

# %% [markdown]
# **A wrong implementation.** A published one turns the picture into whole numbers, 0 to 255, after *every* step,
# because that is what a picture file holds. Steps below half a grey level are then lost, all of them, however many are
# taken. The identity that exposes it: **many small steps add up.** A hundred steps of 0.01 along one slope are one step
# of 1.

# %%
direction = mv.gradient(exact, photo.astype(float), "flower")
direction /= abs(direction).max()
kept, rounded = photo.astype(float), photo.round().astype("uint8")
whole = rounded.copy()
for _ in range(100):
    kept = kept + 0.01 * direction
    rounded = (rounded + 0.01 * direction).round().clip(0, 255).astype("uint8")
print(
    f"a hundred steps of 0.01: the values moved by up to {abs(kept - photo).max():.2f}; rounded each time, by up to "
    f"{abs(rounded.astype(float) - whole).max():.2f}"
)
assert np.allclose(kept, photo + direction) and np.array_equal(rounded, whole)

# %% [markdown]
# (The same program has a second one: it "clips" slopes of the network's *weights*, after the picture's slope has been
# computed. With and without, the pictures are the same, to the last bit. Whatever is called a regulariser must change
# the result; try it with its number at 0.)

# %% [markdown]
# ## Exercises
#
# **1.** If the score is a plane, the balance of score and penalty can be worked out. Where is the maximum, and how
# high?


# %%
def best_under_l2(w, weight):
    """Return (x, height): the x that makes sum(w x) - weight * sum(x²) as large as possible, and that largest value.

    w: an array of any shape; x has the same shape. weight: a number above 0.
    """
    ...


mv.check(best_under_l2)

# %% [markdown]
# **2.** How much of a rise is the class's own? (Scores can be large: mind the overflow.)


# %%
def log_odds_parts(before, after, label):
    """Return (own, rivals), two numbers that sum to the rise of the log-odds of class `label`.

    before, after: scores (K,) before the softmax. own: how much the class's score has risen. rivals: how much the
    log-odds have risen because the other scores have changed; positive if they have fallen.
    """
    ...


mv.check(log_odds_parts)

# %% [markdown]
# **3.** The toolbox's last touch.


# %%
def without_small_contributions(x, g, percentile):
    """Return x (H, W, 3) with all pixels set to 0 whose contribution is below this percentile of the picture's.

    x: the picture minus the mean colour. g: the gradient at x. A pixel's contribution is the size of the sum of x g
    over its three colours; the percentile, 0 to 100, is that of np.percentile. x must not be changed.
    """
    ...


mv.check(without_small_contributions)
