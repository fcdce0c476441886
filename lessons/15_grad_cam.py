# %% [markdown]
# # 15 · Grad-CAM and guided Grad-CAM
#
# **Where in the picture is the evidence for a class, in a network that was not built to tell?**
#
# Lesson 14's CAM answers this exactly, but only for networks that end in an average and one linear row. Grad-CAM gives
# up the exactness and works for all. At the end you will have maps of two classes in one photograph that point to
# different things, and a picture that is as fine as guided backprop (lesson 13) and still knows the class.

# %%
import numpy as np

import minivis as mv

# %% [markdown]
# ## The idea
#
# Take the last row of maps, $A^k$, with $Z$ places each: in VGG16 `relu5_3`, in minivgg `relu4_2`, `net.maps` for
# short. It is the last row that still knows *where*; what lies above it only turns maps into scores. How much does map
# $k$ as a whole speak for class $c$? Ask the gradient of the score $y_c$ (before the softmax), and average it over the
# map:
#
# $$\alpha_k = \frac{1}{Z} \sum_{ij} \frac{\partial y_c}{\partial A^k_{ij}}, \qquad
#   L_{ij} = \max\Big(0,\; \sum_k \alpha_k A^k_{ij}\Big) .$$
#
# So: weight each map, add them up, and keep what is positive, since what is negative speaks for other classes.
# $L$ is as coarse as the maps are, and is enlarged to the picture by bilinear interpolation. Selvaraju and others
# (2017) called this **Grad-CAM**, and the product of the enlarged $L$ with guided backprop **guided Grad-CAM**.

# %% [markdown]
# ## By hand
#
# The photograph must have two things in it whose places we know. So we make one: the middle of a flower on the left,
# the middle of a portrait on the right.
#
# The walk back begins at the scores and ends at the maps, which is short. `net.capture({net.maps: maps}, ...)` computes
# the rows above given maps, and the tape starts there. Enlarging is a matrix product on either side: row $i$ of
# `spread` says which two of the coarse places the fine place $i$ lies between, and how near it is to each.

# %%
net = mv.lesson_net()

from sklearn.datasets import load_sample_image

flower, portrait = net.picture(load_sample_image("flower.jpg")), net.picture(mv.sample_picture())
half = net.size // 2
middle = slice(half // 2, half // 2 + half)
photo = np.concatenate([flower[:, :, middle], portrait[:, :, middle]], axis=2)
classes = [int(net(one).argmax()) for one in (flower, portrait)]  # what the network says of each, alone
names = [net.labels[c] for c in classes]

maps = mv.Tensor(net.capture(photo, [net.maps])[net.maps])
scores = net.capture({net.maps: maps}, [net.logits])[net.logits]
size = maps.shape[1]
centres = (np.arange(net.size) + 0.5) * size / net.size - 0.5  # of the fine places, counted in coarse ones
spread = np.stack([np.interp(centres, np.arange(size), place) for place in np.eye(size)], axis=1)

coarse, fine = [], []
for c in classes:
    seed = np.zeros_like(scores.value)
    seed[0, c] = 1
    slopes = mv.backward(scores, maps, seed=seed)[0]  # (h, w, K)
    alpha = slopes.mean((0, 1))  # (K,)
    coarse.append(np.maximum((maps.value[0] * alpha).sum(-1), 0))
    fine.append(spread @ coarse[-1] @ spread.T)
    print(f"{net.labels[c]}: score {scores.value[0, c]:.2f}, {(alpha > 0).sum()} of {alpha.size} maps speak for it")

# %% [markdown]
# ## A picture
#
# What must be seen: the map of each class is mainly in its own half. In numbers, the share of each map in the left half
# must be more than a half for the flower and less for the portrait. It need not be all: a place of these maps sees far
# over the border.

# %%
mv.show(
    [
        photo[0],
        mv.grey(coarse[0]),
        mv.heat_over(photo[0], fine[0]),
        mv.grey(coarse[1]),
        mv.heat_over(photo[0], fine[1]),
    ],
    titles=["photograph", f"L of {names[0]}", "enlarged", f"L of {names[1]}", "enlarged"],
    caption=f"Two classes of one photograph, by {net.name}. L has {size} x {size} places; black is 0, white its "
    "largest value. Enlarged: the same as heat over the photograph.",
    side=192,
)
for name, heat in zip(names, coarse, strict=True):
    print(f"{name}: {heat[:, : size // 2].sum() / heat.sum():.0%} of the map in the left half")
left = [heat[:, : size // 2].sum() / heat.sum() for heat in coarse]
assert left[0] > 0.5 > left[1]

# %% [markdown]
# ## Guided Grad-CAM
#
# Guided backprop draws fine lines, but lesson 13 has shown that it hardly asks for which class: its two pictures look
# alike. Multiplied by the enlarged $L$, which does know the class, they become different. The test is the same share,
# now of the absolute values.

# %%
guided = [mv.guided_backprop(net, photo, c)[0] for c in classes]
products = [one * heat[..., None] for one, heat in zip(guided, fine, strict=True)]
mv.show(
    [mv.signed(one, limit=np.percentile(abs(one), 99.5)) for one in (*guided, *products)],
    titles=[f"guided: {names[0]}", f"guided: {names[1]}", f"product: {names[0]}", f"product: {names[1]}"],
    caption="Guided backprop of both classes, and guided Grad-CAM. Middle grey is 0, each colour brighter where it is "
    "positive; clipped at the 99.5th percentile.",
    side=192,
)
shares = [abs(one)[:, :half].sum() / abs(one).sum() for one in (*guided, *products)]
for what, one in zip(("guided backprop", "guided Grad-CAM"), (shares[:2], shares[2:]), strict=True):
    print(f"{what}: {one[0]:.0%} of {names[0]} and {one[1]:.0%} of {names[1]} in the left half")
assert abs(shares[0] - shares[1]) < 0.5 * abs(shares[2] - shares[3])

# %% [markdown]
# ## Which positive?
#
# Some lectures say: *keep the maps that have a positive influence*. That is another formula. It sets negative
# $\alpha_k$ to 0, before the sum, and nothing is left that could speak against a place,
#
# $$L' = \sum_k \max(0, \alpha_k)\, A^k \;\ge\; L .$$
#
# The paper applies the ReLU to the sum. `mv.grad_cam` has both, and a third that keeps the sign. The paper also has a
# **counterfactual**: with $-\alpha_k$, the map shows what would have to go for the score to rise.

# %%
versions = {
    "ReLU of the sum (paper)": mv.grad_cam(net, photo, classes[1])[0],
    "positive weights (lectures)": mv.grad_cam(net, photo, classes[1], positive="weights")[0],
    "no ReLU": mv.grad_cam(net, photo, classes[1], positive="none")[0],
    "counterfactual": mv.grad_cam(net, photo, classes[1], counterfactual=True)[0],
}
limit = max(abs(one).max() for one in versions.values())
mv.show(
    [mv.signed(one, limit=limit) for one in versions.values()],
    titles=list(versions),
    caption=f"Four maps of {names[1]}, on one scale: red is positive, blue negative, white 0.",
    side=192,
)
paper, lectures, signed_map, against = versions.values()
for what, one in versions.items():
    positive = np.maximum(one, 0)
    print(
        f"{what:<28}sum {positive.sum():.3f} of what is positive, {positive[:, : size // 2].sum():.3f} in the left half"
    )
assert (lectures >= paper - 1e-6).all()
assert np.allclose(paper - against, signed_map, atol=1e-6 * limit)

# %% [markdown]
# The last line holds since a number is its positive part minus that of its negative.
#
# ## Any number can be asked about
#
# $y$ need not be the score of a class. In a network that answers questions about pictures it is the score of an answer
# (visual question answering); in one that writes captions, it is the sum of the logarithms of the probabilities of the
# caption's words, and the walk back begins at all the words at once. Two words, as it were:
#
# $$y = y_a + y_b, \qquad \text{or} \qquad y = \log p_a + \log p_b .$$
#
# By lesson 4's softmax, the slope of $\log p_a$ by score $y_k$ is $[k = a] - p_k$. Of the two seeds, the second also
# asks what speaks *against* the other classes; and a word of which the network is sure already, $p_a = 1$, asks for
# nothing. Look which of the two maps has both things in it.

# %%
logits = scores.value[0].astype(float)
p = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
seeds = {"sum of scores": np.zeros_like(scores.value), "sum of log p": np.zeros_like(scores.value)}
for c in classes:
    for seed in seeds.values():
        seed[0, c] += 1
    seeds["sum of log p"][0] -= p
asked = []
for what, seed in seeds.items():
    slopes = mv.backward(scores, maps, seed=seed)[0]
    asked.append(np.maximum((maps.value[0] * slopes.mean((0, 1))).sum(-1), 0))
    in_left = asked[-1][:, : size // 2].sum() / asked[-1].sum()
    print(
        f"{what}: the seed at the two classes is {seed[0, classes].round(2)}; {in_left:.0%} of the map in the left half"
    )
mv.show(
    [photo[0], *(mv.heat_over(photo[0], one) for one in asked)],
    titles=["photograph", *seeds],
    caption=f"Grad-CAM of two numbers that both contain {names[0]} and {names[1]}, as heat. The network gives "
    f"p({names[0]}) = {p[classes[0]]:.4f} and p({names[1]}) = {p[classes[1]]:.1e} to this photograph.",
    side=192,
)
assert abs(seeds["sum of log p"].sum()) < 1e-4  # probabilities do not change if all scores rise together

# %% [markdown]
# ## The library agrees
#
# `mv.grad_cam` returns the coarse map, `mv.enlarge` enlarges, `mv.guided_grad_cam` multiplies.

# %%
for c, heat, large, product in zip(classes, coarse, fine, products, strict=True):
    theirs = mv.grad_cam(net, photo, c)
    assert np.allclose(theirs[0], heat, atol=1e-5 * heat.max())
    assert np.allclose(mv.enlarge(theirs, (net.size, net.size))[0], large, atol=1e-5 * heat.max())
    assert np.allclose(mv.guided_grad_cam(net, photo, c)[0], product, atol=1e-5 * abs(product).max())
print("Grad-CAM, enlarged and guided: the library's are the same, to 5 digits of the largest value.")

# %% [markdown]
# **And it agrees with CAM**, where CAM can be had. In a network whose scores are $y_c = \sum_k w_{kc}\, \overline{A^k}
# + b_c$, with $\overline{A^k}$ the mean of a map, the slope is $w_{kc} / Z$ at each place. So $\alpha_k = w_{kc} / Z$,
# and Grad-CAM is the positive part of lesson 14's map, over $Z$.

# %%
rng = np.random.default_rng(0)
weights = rng.normal(size=(6, 4))
some_maps = mv.Tensor(rng.uniform(0, 1, size=(1, 5, 5, 6)))
y = mv.mean(some_maps, axis=(1, 2)) @ weights
slopes = mv.backward(y, some_maps, seed=np.eye(4)[[2]])[0]
grad_cam = np.maximum((some_maps.value[0] * slopes.mean((0, 1))).sum(-1), 0)
cam = some_maps.value[0] @ weights[:, 2]
assert np.allclose(grad_cam, np.maximum(cam, 0) / 25)
print("With an average and one linear row, Grad-CAM is CAM's positive part / Z.")

# %% [markdown]
# ## What this does not show
#
# **A sanity check that can fail: exchange the halves.** If the map follows the things and not the place, it must
# change sides.

# %%
exchanged = np.concatenate([photo[:, :, half:], photo[:, :, :half]], axis=2)
for c, heat, towards in zip(classes, coarse, (-1, 1), strict=True):
    before = heat[:, : size // 2].sum() / heat.sum()
    now = mv.grad_cam(net, exchanged, c)[0]
    after = now[:, : size // 2].sum() / now.sum()
    print(f"{net.labels[c]}: {before:.0%} in the left half, {after:.0%} after the exchange")
    assert (after - before) * towards > 0.2

# %% [markdown]
# **Neither fine nor exact.** The lines of guided Grad-CAM are those of guided backprop, and these do not depend on the
# class: what the product tells about the class is as coarse as $L$. And the mean $\alpha_k$ has forgotten *where* in a
# map the slope was. If all the slopes are at one place, the map is still lit wherever $A^k$ is.

# %%
bumps = np.zeros((6, 6, 1))
bumps[1, 1], bumps[4, 4] = 1, 1
only_there = np.zeros_like(bumps)
only_there[1, 1] = 36  # the score depends on the first of the two places alone
lit = np.maximum((bumps * only_there.mean((0, 1))).sum(-1), 0)
print(f"at the place that matters {lit[1, 1]:.0f}, at the one that does not {lit[4, 4]:.0f}")
assert lit[1, 1] == lit[4, 4] == 1

# %% [markdown]
# **Two wrong implementations.** One published program starts its sum at *ones* in place of zeros, and applies the ReLU
# afterwards. The other divides the slopes by their largest value, `slopes.max()`, so that they are "at most 1"; where
# all slopes are negative, that turns their sign, and what speaks against the class is shown as what speaks for it. Two
# identities: **four times the score must give four times the map, or, after scaling to 0..1, the same**; and **if all
# slopes are negative, the map is 0**, since maps are not negative. Neither mistake changes a shape, or the range of
# what is drawn.

# %%
before_relu = np.array([-0.5, -0.2, 0.1, 0.4])
for factor in (1, 4):
    right = np.maximum(factor * before_relu, 0)
    wrong = np.maximum(1 + factor * before_relu, 0)
    right, wrong = ((one - one.min()) / np.ptp(one) for one in (right, wrong))
    print(f"{factor} x the score, scaled to 0..1: from zeros {right.round(2)}, from ones {wrong.round(2)}")
    assert np.allclose(right, [0, 0, 0.25, 1])
    assert np.allclose(wrong, [0, 1 / 3, 2 / 3, 1]) == (factor == 1)

against = -rng.uniform(0.1, 1, size=(5, 5, 6))  # every slope is negative
right = np.maximum((some_maps.value[0] * against.mean((0, 1))).sum(-1), 0)
divided = against / against.max()
wrong = np.maximum((some_maps.value[0] * divided.mean((0, 1))).sum(-1), 0)
print(
    f"all slopes negative: largest value of the map {right.max():.0f}, divided by the largest slope {wrong.max():.0f}"
)
assert right.max() == 0 < wrong.min()

# %% [markdown]
# Other ways to go wrong, of which public code has the first three: dropout left on, so that the map is another one each
# time; maps from before the ReLU; height and width exchanged when enlarging; the probability for the score, which lets
# the rivals in (lesson 10).

# %% [markdown]
# ## Exercises
#
# **1.** The method, from maps and slopes.


# %%
def weighted_maps(maps, slopes):
    """Return L (h, w), not scaled, from the maps A (h, w, K) and the slopes of the score by each of their values."""
    ...


mv.check(weighted_maps)

# %% [markdown]
# **2.** Enlarging, along one axis. Value $i$ of $n$ stands for the interval from $i/n$ to $(i+1)/n$, and so at its
# middle; between two middles go straight from one value to the other; before the first and after the last stay level.


# %%
def enlarged(values, size):
    """Return `size` values for the n values (n,), each at the middle of its own interval of width 1 / size."""
    ...


mv.check(enlarged)

# %% [markdown]
# **3.** The seed for a caption: where the walk back begins, at the scores of all the words.


# %%
def caption_seed(scores, words):
    """Return the slope (T, V) of y = the sum over t of log p_t[words[t]], by the scores (T, V).

    p_t is the softmax of row t of the scores, and words (T,) is the number of the word at each step.
    """
    ...


mv.check(caption_seed)
