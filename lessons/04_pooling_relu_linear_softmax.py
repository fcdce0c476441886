# %% [markdown]
# # 4 · Pooling, switches, ReLU, linear, softmax
#
# **What do the other four kinds of layer do, and what does each let through on the way back?**
#
# With convolution (lesson 3) and the four layers of this lesson you can build VGG16, which lesson 5 does. On the way
# back, ReLU and pooling are gates, and most pictures in this course are decided by those gates.

# %%
import numpy as np

import minivis as mv

# %% [markdown]
# ## The idea
#
# | layer | forward | back |
# |---|---|---|
# | ReLU | $y = \max(x, 0)$, element by element | $\bar x = g$ where $x > 0$, else 0 |
# | max-pool | $y$ = the largest $x$ in each window of 2 x 2 | $\bar x = g$ where that largest was, else 0 |
# | linear | $y = xW + b$ | $\bar x = gW^\top,\quad \overline W = x^\top g,\quad \bar b = \textstyle\sum g$ |
# | softmax | $s_i = e^{x_i} / \sum_j e^{x_j}$ | $\bar x = s\,(g - \langle g, s\rangle)$ |
#
# A **ReLU** is a gate that the input opens. **Max-pooling** halves the picture, and remembers in each window *which* of
# the four was the largest: these memories are called **switches**, and the way back is decided by them alone. A
# **linear** (or *fully connected*) layer is a convolution whose kernel is as large as the picture: each output sees all
# of it. The **softmax** comes last, and turns scores into probabilities: all positive, and summing to 1.

# %% [markdown]
# ## By hand
#
# Maps are (height, width, channel), as in lesson 3; scores are a batch, (pictures, classes). A ReLU takes one line in
# either direction and needs no function.


# %%
def max_pool(x):
    rows, columns, channels = x.shape[0] // 2, x.shape[1] // 2, x.shape[2]
    windows = x[: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2, channels)
    windows = windows.transpose(0, 2, 1, 3, 4).reshape(rows, columns, 4, channels)
    return windows.max(2), windows.argmax(2)  # argmax takes the first of several that are equal


def unpool(g, switches, shape):
    gx = np.zeros(shape)
    for number in range(4):
        i, j = divmod(number, 2)  # the place within the window
        gx[i : 2 * g.shape[0] : 2, j : 2 * g.shape[1] : 2] = np.where(switches == number, g, 0)
    return gx


def linear_back(g, x, weights):
    return g @ weights.T, x.T @ g, g.sum(0)


def softmax(x):
    powers = np.exp(x - x.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def softmax_back(g, s):
    return s * (g - (g * s).sum(1, keepdims=True))


# %% [markdown]
# ## Through a ReLU and a pool, and back
#
# One convolution (right minus left, from lesson 3), its ReLU, and a max-pool. The ReLU must keep the red edges and drop
# the blue ones. Then we send the pooled map itself back, as if it were $g$: first to where the switches say, then
# through the ReLU's gate. What comes out must lie on the edges, exactly: each number is back at the pixel that it came
# from.

# %%
from skimage import data

photo = mv.read_picture(data.rocket()[280:412:2, 255:387:2])
across = np.zeros((3, 3, 3, 1))
across[:, 0], across[:, 2] = -1 / 9, 1 / 9
edges = mv.conv2d(photo[None], across)[0]
kept = np.maximum(edges, 0)
pooled, switches = max_pool(kept)
back = unpool(pooled, switches, kept.shape) * (edges > 0)

mv.show(
    [mv.signed(edges[:, :, 0]), mv.grey(kept[:, :, 0]), mv.grey(pooled[:, :, 0]), mv.grey(back[:, :, 0])],
    titles=["right minus left", "after ReLU", "after max-pool", "sent back by switches"],
    caption="From left to right: a convolution (red positive, blue negative), then amounts from 0, black, to white. "
    "The pooled map has 32 x 32 numbers, drawn larger; sent back, each stands at the pixel it came from, the "
    "others are 0.",
    side=192,
)
assert np.array_equal(back[back > 0], kept[back > 0])
assert np.isclose(back.sum(), pooled.sum())

# %% [markdown]
# The last line is the identity to remember: **unpooling moves, it never multiplies.** Whatever is sent back through a
# max-pool, its sum stays the same (as long as windows do not overlap).

# %% [markdown]
# ## Score or probability?
#
# Take three classes, and raise the score of the first while the other two stay at 0. Its probability rises from 0 to 1,
# and the slope of the probability, $s(1-s)$, is large only where it is undecided. A network that is sure has a slope of
# nearly **nothing**. The slope of the score itself is 1, everywhere.

# %%
scores = np.linspace(-6, 10, 161)
table = np.stack([scores, 0 * scores, 0 * scores], axis=1)
probability = softmax(table)
seed = np.zeros_like(table)
seed[:, 0] = 1  # the slope of the first probability
slope = softmax_back(seed, probability)

mv.plot(
    {
        "probability of class 1": (scores, probability[:, 0]),
        "its slope by score 1": (scores, slope[:, 0]),
        "its slope by score 2": (scores, slope[:, 1]),
    },
    xlabel="score of class 1, the others being 0",
    caption="A softmax of three scores. The slope by a rival's score is negative: the probability of class 1 also "
    "rises if the rivals fall.",
)
print(f"at score 10: probability {probability[-1, 0]:.4f}, its slope {slope[-1, 0]:.4f}, slope of the score 1")
assert np.allclose(slope[:, 0], probability[:, 0] * (1 - probability[:, 0]))
assert np.allclose(slope.sum(1), 0)

# %% [markdown]
# ## The library agrees
#
# All four, forwards and back, with random numbers.

# %%
rng = np.random.default_rng(0)
x = rng.normal(size=(7, 8, 3))
pooled, switches = max_pool(x)
g = rng.normal(size=pooled.shape)
recorded = mv.Tensor(x[None])
theirs = mv.max_pool(recorded, kernel=2)
assert np.array_equal(theirs.value[0], pooled)
assert np.array_equal(mv.backward(theirs, recorded, seed=g[None])[0], unpool(g, switches, x.shape))

theirs = mv.relu(recorded)
g = rng.normal(size=x.shape)
assert np.array_equal(mv.backward(theirs, recorded, seed=g[None])[0], g * (x > 0))

x, weights, bias, g = rng.normal(size=(5, 6)), rng.normal(size=(6, 4)), rng.normal(size=4), rng.normal(size=(5, 4))
recorded = [mv.Tensor(x), mv.Tensor(weights), mv.Tensor(bias)]
theirs = mv.linear(*recorded)
assert np.allclose(theirs.value, x @ weights + bias)
for one, other in zip(mv.backward(theirs, recorded, seed=g), linear_back(g, x, weights), strict=True):
    assert np.allclose(one, other)

recorded = mv.Tensor(x)
theirs = mv.softmax(recorded)
g = rng.normal(size=x.shape)
assert np.allclose(theirs.value, softmax(x))
assert np.allclose(mv.backward(theirs, recorded, seed=g), softmax_back(g, softmax(x)))
print("Max-pool, ReLU, linear and softmax: the library's results are the same, forwards and back.")

# %% [markdown]
# ## What this does not show
#
# **Equal numbers.** What if two numbers in a window are equal, and the largest? Then the max has a corner, and, as at a
# ReLU's 0, there is no slope, only a convention: here, the first of them gets all of $g$. Published code picks maxima
# with `x == x.max()` instead, which keeps all that are equal. Do that in a max-pool, and each of them gets the whole of
# $g$. It sounds harmless, until one looks behind a ReLU, where whole windows are 0: there, each $g$ is counted four
# times. The identity above, that the sum stays the same, gives it away.

# %%
pooled, switches = max_pool(kept)
g = np.ones_like(pooled)
first = unpool(g, switches, kept.shape)
every = (kept == pooled.repeat(2, 0).repeat(2, 1)) * g.repeat(2, 0).repeat(2, 1)
print(f"sent in {g.sum():.0f}; to the first maximum {first.sum():.0f}; to every maximum {every.sum():.0f}")
mv.show(
    [mv.grey(first[:, :, 0]), mv.grey(every[:, :, 0])],
    titles=["to the first", "to every equal one"],
    caption="The same g, 1 for every window, sent back in two ways: white is 1, black 0. Plain areas, where the ReLU "
    "gave 0, come back four times as strong if ties are not broken.",
)
assert first.sum() == g.sum() < 2 * every.sum()

# %% [markdown]
# (Where the ReLU below closes at 0, these $g$ are then dropped, and the mistake does not show. It does where a row is
# pooled that no ReLU follows on the way back, or where one looks at the pooled layer itself.)
#
# **Position is lost forwards, not backwards.** The pooled map no longer knows where in its window each maximum was.
# Only the switches do, and they come from *this* picture. So whatever is sent back through a max-pool carries the
# outlines of the photograph that was looked at, also if the $g$ that is sent back does not. Lesson 29 makes this
# suspicion precise.
#
# **A sanity check for the softmax**: adding the same number to all scores changes no probability. So the slopes of any
# function of the probabilities must sum to zero over the scores.

# %%
x, g = rng.normal(size=(2, 5, 6))
assert np.allclose(softmax(x + 100), softmax(x))
assert np.allclose(softmax_back(g, softmax(x)).sum(1), 0)
assert not np.allclose((g * softmax(x)).sum(1), 0)  # lesson 2's wrong rule fails here, too

# %% [markdown]
# ## Exercises
#
# **1.** The way back through a ReLU, given its *output*, which the next layer keeps anyway.


# %%
def relu_rule(g, y):
    """Return what reaches x, from g and y = max(x, 0), arrays of one shape. Where x was exactly 0, nothing passes."""
    ...


mv.check(relu_rule)

# %% [markdown]
# **2.** The way back through a max-pool of one map, without switches at hand: find them yourself.


# %%
def max_pool_rule(g, x):
    """Return what reaches x (2h, 2w), from g (h, w), one number for each window of 2 x 2.

    Among equals the first in reading order (top left, top right, bottom left, bottom right) was chosen.
    """
    ...


mv.check(max_pool_rule)

# %% [markdown]
# **3.** The way back through a linear layer, to all three of its inputs, for a batch of pictures.


# %%
def linear_rules(g, x, weights):
    """Return (to x, to the weights, to the bias) for y = x W + b, with x (N, D), weights (D, K) and g (N, K)."""
    ...


mv.check(linear_rules)
