# %% [markdown]
# # 13 · Guided backprop
#
# **Why is the sharpest picture of what a network saw the one that says the least about its decision?**
#
# Lesson 12 changed one row of the walk back, the ReLU, and got DeconvNet. This lesson asks both questions at that row,
# and gets the sharpest of these pictures: guided backprop. You will tell four rules apart with a pencil, and then see
# that the sharp picture hardly changes when the class does.

# %%
import numpy as np

import minivis as mv

# %% [markdown]
# ## The idea
#
# At a ReLU, $R$ comes down from above and $X$ was its input. The gradient asks whether $X$ was positive, DeconvNet
# whether $R$ is. **Guided backprop** (Springenberg and others 2015) asks both. Some lectures explain guided backprop in
# other words: follow "only paths where the weights are positive". That is a fourth rule, for there the *edges* are
# clipped, and not the sums; minivis calls it **positive paths**.
#
# | rule | at a ReLU: what goes on is $R$ times | at a convolution or linear row |
# |---|---|---|
# | gradient | $[X > 0]$ | the transpose |
# | DeconvNet | $[R > 0]$ | the transpose |
# | guided backprop | $[X > 0]\,[R > 0]$ | the transpose |
# | positive paths | $[X > 0]$ | the transpose with $\max(W, 0)$ for $W$ |
#
# What is behind guided backprop? Lesson 11 has shown that a slope is a sum of many terms that cancel. At each ReLU,
# guided backprop drops all that is negative *so far*, so less can cancel. The result is sharper, and it is no slope.

# %% [markdown]
# ## By hand
#
# A network for a pencil: one input, four ReLUs, one output, $h = \mathrm{relu}(Wx + b)$ and $p = v \cdot h$.
#
# | | $h_1$ | $h_2$ | $h_3$ | $h_4$ |
# |---|---|---|---|---|
# | $W$ | 2 | -1 | 4 | 1 |
# | $b$ | 0 | 3 | -5 | 0 |
# | $X = Wx + b$ at $x = 1$ | 2 | 2 | -1 | 1 |
# | $v$, which is what comes down, $R$ | 3 | 1 | 2 | -3 |
# | $v \cdot W$, the path's share | 6 | -1 | 8 | -3 |
#
# Which shares count? The gradient leaves out $h_3$, which is closed: $6 - 1 - 3 = 2$. DeconvNet leaves out $h_4$, where
# $R$ is negative: $6 - 1 + 8 = 13$. Guided backprop leaves out both: $6 - 1 = 5$. Positive paths leave out every path
# with a negative edge as well, and $h_2$ has one: $6$.

# %%
x, W, b, v = 1.0, np.array([2.0, -1, 4, 1]), np.array([0.0, 3, -5, 0]), np.array([3.0, 1, 2, -3])
X, R = W * x + b, v
by_hand = {
    "gradient": (W * R * (X > 0)).sum(),
    "DeconvNet": (W * R * (R > 0)).sum(),
    "guided backprop": (W * R * (X > 0) * (R > 0)).sum(),
    "positive paths": (W.clip(0) * v.clip(0) * (X > 0)).sum(),
}
print(*(f"{name}: {number:g}" for name, number in by_hand.items()), sep=", ")
assert list(by_hand.values()) == [2, 13, 5, 6]

before, after = (v @ np.maximum(W * place + b, 0) for place in (x, x + 0.001))
print(f"p = {before}; nudged by 0.001 it rises by {after - before:.4f}")
assert np.isclose(after - before, 0.001 * by_hand["gradient"])

# %% [markdown]
# Only the first is a slope: a nudge of 0.001 raises $p$ by 0.002, and not by 0.013, 0.005 or 0.006.
#
# A real network needs no more code than that. `mv.backward` takes a table of rules, and what is not in the table is
# walked by its derivative (lesson 12). Here are DeconvNet and guided backprop for every ReLU, each in one line; `g` is
# what comes down, and `y` is what the ReLU gave, which is positive exactly where its input was.

# %%
deconvnet = {mv.relu: lambda g, y: g * (g > 0)}
guided = {mv.relu: lambda g, y: g * (g > 0) * (y > 0)}

net = mv.lesson_net(upto="relu3_2")
photo = net.picture(mv.sample_picture())
recorded = mv.Tensor(photo)
top = net.capture(recorded, ["relu3_2"])["relu3_2"]
strongest = np.argsort(top.value[0].max((0, 1)))[::-1][:3]
walks = {}
for k in map(int, strongest):
    seed = mv.one_hot(top, k)  # 1 at the strongest place of map k
    for name, rules in (("gradient", {}), ("DeconvNet", deconvnet), ("guided backprop", guided)):
        walks[name, k] = mv.backward(top, recorded, seed=seed, rules=rules)

# %% [markdown]
# ## A picture
#
# Three units in the middle of the network, each the strongest of its map, and four ways back. Guided backprop must look
# the most like a drawing of what is in the photograph at that place. Positive paths are a soft blob: without negative
# edges there is no contrast, and what is left is about where the unit looks, and little else.

# %%
field = net.receptive_field("relu3_2")
shown, titles = [], []
for k in map(int, strongest):
    i, j = np.unravel_index(top.value[0, :, :, k].argmax(), top.shape[1:3])
    (above, below), (left, right) = (
        (min(max(0, first), net.size - field.size), min(max(0, first), net.size - field.size) + field.size)
        for first, _ in (field.span(int(i)), field.span(int(j)))
    )
    walks["positive paths", k] = mv.gradient(net, photo, k, rules=mv.POSITIVE_PATHS, at="relu3_2")
    assert walks["positive paths", k].min() >= 0
    shown.append(photo[0, above:below, left:right])
    titles.append(f"map {k}")
    for name in by_hand:
        shown.append(mv.signed(walks[name, k][0, above:below, left:right]))
        titles.append(name)
mv.show(
    shown,
    titles=titles,
    columns=5,
    caption=f"What three units of relu3_2 of {net.name} see, and what four rules send back from each. "
    "Middle grey is 0, each colour brighter where it is positive; every picture has its own scale.",
    side=128,
)

# %% [markdown]
# ## The library agrees
#
# On paper first, then in the network. The library has the four rules as tables: `mv.VANILLA` (empty), `mv.DECONVNET`,
# `mv.GUIDED` and `mv.POSITIVE_PATHS`.

# %%
tables = dict(zip(by_hand, (mv.VANILLA, mv.DECONVNET, mv.GUIDED, mv.POSITIVE_PATHS), strict=True))
pencil = mv.Tensor(np.array([[x]]))
y = mv.linear(mv.relu(mv.linear(pencil, W[None], b)), v[:, None])
for name, rules in tables.items():
    assert mv.backward(y, pencil, rules=rules)[0, 0] == by_hand[name]

for (name, k), walk in walks.items():
    theirs = mv.gradient(net, photo, k, rules=tables[name], at="relu3_2")
    assert np.allclose(walk, theirs, atol=1e-5 * abs(theirs).max())
for k in map(int, strongest):
    theirs = mv.guided_backprop(net, photo, k, at="relu3_2")
    assert np.allclose(theirs, walks["guided backprop", k], atol=1e-5 * abs(theirs).max())
print("2, 13, 5 and 6 on paper, and the same pictures from the network.")

# %% [markdown]
# **Guided backprop has negative pixels, and should.** After the last ReLU on the way down nothing is negative; then
# comes the first convolution, whose kernels have both signs, and there is no ReLU at the pixels. A program that clips
# the result at 0 throws half of it away.

# %%
small = mv.load("minivgg", dtype="float64")
portrait = small.picture(mv.sample_picture())
x = mv.Tensor(portrait)
scores = small.capture(x, ["fc8"])["fc8"]
person = small.labels.index("person")
first = mv.Tensor(small.capture(portrait, ["conv1_1"])["conv1_1"])
seed = np.eye(8)[[person]]
at_first = mv.backward(small.capture({"conv1_1": first}, ["fc8"])["fc8"], first, seed=seed, rules=mv.GUIDED)
at_pixels = mv.backward(scores, x, seed=seed, rules=mv.GUIDED)
print(f"negative numbers below the last ReLU: {(at_first < 0).mean():.0%}; at the pixels: {(at_pixels < 0).mean():.0%}")
assert at_first.min() == 0 and (at_pixels < 0).mean() > 0.2

# %% [markdown]
# ## What this does not show
#
# **The class.** Start the walk at each of minivgg's eight scores in turn, for one photograph of a person. A picture
# that explains a decision has to depend on the class that it is asked about. We compare by correlation: 1 is the same
# picture, up to brightness.

# %%
pictures = {
    name: np.concatenate([mv.backward(scores, x, seed=one[None], rules=rules) for one in np.eye(8)])
    for name, rules in tables.items()
}
alike = {name: np.corrcoef(eight.reshape(8, -1))[person] for name, eight in pictures.items()}
print(f"{'correlation with person':<25}", *(f"{label:>9}" for label in small.labels))
for name, row in alike.items():
    print(f"{name:<25}", *(f"{number:9.2f}" for number in row))
others = np.arange(8) != person
assert alike["guided backprop"][others].min() > 0.85
assert alike["gradient"][others].max() < 0 and alike["positive paths"].min() > 0.995

# %% [markdown]
# The gradients of the rivals even point the other way: what speaks for a person speaks against the others. Guided
# backprop sends back nearly the same picture for a person, a flower and an airplane, and positive paths make
# no difference at all that two digits could show. See for yourself:

# %%
four = [person, *(small.labels.index(label) for label in ("flower", "airplane", "motorbike"))]
mv.show(
    [
        mv.signed(pictures[name][c], limit=float(np.percentile(abs(pictures[name][c]), 99.5)))
        for name in ("gradient", "guided backprop")
        for c in four
    ],
    titles=[f"{name}: {small.labels[c]}" for name in ("gradient", "guided") for c in four],
    columns=4,
    caption="One photograph of a person, four classes. Above the gradients of their scores, below guided backprop. "
    "Middle grey is 0; the scale of each ends at the 99.5th percentile.",
    side=160,
)

# %% [markdown]
# **A sanity check that can fail, and does**: shuffle the weights of the three linear rows, so that the network knows
# nothing any more. What explains a decision must change beyond recognition. (Adebayo and others (2018) do this row by
# row, from the top down; lesson 29 does, too.)

# %%
rng = np.random.default_rng(0)
shuffled = {
    row: {
        "kernel": rng.permutation(small.weights[row]["kernel"].ravel()).reshape(small.weights[row]["kernel"].shape),
        "bias": small.weights[row]["bias"],
    }
    for row in ("fc6", "fc7", "fc8")
}
ignorant = small.capture(x, ["fc8"], weights=shuffled)["fc8"]
still = {}
for name, rules in tables.items():
    after = mv.backward(ignorant, x, seed=seed, rules=rules)
    still[name] = np.corrcoef(after.ravel(), pictures[name][person].ravel())[0, 1]
    print(f"{name:<16} correlation of the picture with that of the shuffled network {still[name]:5.2f}")
assert still["guided backprop"] > 0.75 > 0.4 > abs(still["gradient"])

# %% [markdown]
# So guided backprop shows what the lower rows respond to in this photograph: edges, mostly. That is worth seeing for a
# unit in the middle of a network, as above. It is no explanation of a class.
#
# **A wrong implementation.** The rule belongs to ReLUs, all of them, the ones between linear rows too, and to nothing
# else. A published program once applied it to linear outputs, too. Then a class with a negative score
# sends back nothing. The identity that exposes it: adding the same number to all scores changes no probability (lesson
# 4), and no rule of the table above either; it must not change the picture.

# %%
airplane = small.labels.index("airplane")
seed = np.eye(8)[[airplane]]
print(f"the score of 'airplane' is {scores.value[0, airplane]:.2f}")
for added in (0.0, 100.0):
    right = mv.backward(scores + added, x, seed=seed, rules=mv.GUIDED)
    wrong = mv.backward(mv.relu(scores + added), x, seed=seed, rules=mv.GUIDED)  # one gate too many, at the output
    print(f"all scores + {added:3.0f}: largest value right {abs(right).max():.5f}, with a gate at the output", end=" ")
    print(f"{abs(wrong).max():.5f}")
    assert np.array_equal(right, pictures["guided backprop"][[airplane]])
    assert np.array_equal(right, wrong) == (added > 0)

# %% [markdown]
# ## Exercises
#
# **1.** The rule.


# %%
def guided_relu(R, X):
    """Return what guided backprop sends on from a ReLU: R comes down to its output, X was its input. Of one shape."""
    ...


mv.check(guided_relu)

# %% [markdown]
# **2.** Positive paths for a network of the pencil's kind, with any number of inputs:
# $p = v \cdot \mathrm{relu}(xW + b)$.


# %%
def positive_paths(x, W, b, v):
    """Return what reaches x (D,) from p along the positive paths. W (D, H), b (H,), v (H,)."""
    ...


mv.check(positive_paths)

# %% [markdown]
# **3.** Guided backprop through two ReLU rows and a row of scores: $h = \mathrm{relu}(xW + b)$,
# $k = \mathrm{relu}(hV + c)$, $s = kU$.


# %%
def guided_by_hand(x, W, b, V, c, U, label):
    """Return what guided backprop sends to x (D,) from the score s[label], starting from 1.

    W (D, H), b (H,), V (H, K), c (K,), U (K, classes).
    """
    ...


mv.check(guided_by_hand)
