# %% [markdown]
# # 11 · A gradient by hand, and why it looks like noise
#
# **Where does the slope of one single pixel come from, and why does its neighbour have another?**
#
# Lesson 10's gradient of a score looked like noise. This lesson first walks through a network that is small enough for
# a sheet of paper, gate by gate. Then it takes the slope of one pixel of a real network apart, and puts it together
# again without a remainder. It stands on the gates of lesson 4, the adjoint identity of lesson 2 and the saliency of
# lesson 10.

# %%
import numpy as np

import minivis as mv

# %% [markdown]
# ## The idea
#
# A network of ReLUs and maxima is a sum over **paths** from the input to the output. Each path has a product of
# weights; a path counts if all gates on it are open: ReLUs that are above 0, maxima that it wins. So
#
# $$\frac{\partial y}{\partial x_i} = \sum_{\text{open paths from } x_i \text{ to } y}
#   \;\; \prod_{\text{edges}} \text{weight} .$$
#
# The picture decides which gates are open, the weights decide the rest. In a convolutional network the same detector
# sits at *every* location, and a pixel is seen by many of them. Some lectures put it like this: the network detects
# kittens everywhere, and the same pixel could fit a kitten in one location but not in another. The pixel's slope is the
# sum over the locations $u$ of a row $a$,
#
# $$\frac{\partial S}{\partial x_p} = \sum_u c_u, \qquad
#   c_u = \sum_k \frac{\partial S}{\partial a_{uk}}\, \frac{\partial a_{uk}}{\partial x_p},$$
#
# and we can look at the terms before they are added up.

# %% [markdown]
# ## By hand
#
# Two inputs, four ReLUs, one maximum:
#
# | step | at $x = (2, 1)$ | gate |
# |---|---|---|
# | $h_1 = \mathrm{relu}(3x_1 - 4x_2)$ | 2 | open |
# | $h_2 = \mathrm{relu}(x_1 + 2x_2)$ | 4 | open |
# | $h_3 = \mathrm{relu}(-x_1 + 5x_2)$ | 3 | open |
# | $h_4 = \mathrm{relu}(x_1 - 3x_2)$ | 0, from -1 | closed |
# | $m = \max(h_2, h_3)$ | 4 | $h_2 > h_3$: $h_2$ wins |
# | $y = 2h_1 + 3m + 5h_4$ | 16 | |
#
# Back, from $\bar y = 1$: $\bar h_1 = 2$, $\bar m = 3$, $\bar h_4 = 5$. Because $h_2 > h_3$, all of $\bar m$ goes to
# $h_2$: $\bar h_2 = 3$, $\bar h_3 = 0$. The gate of $h_4$ is closed, and nothing gets through. What is left are two
# paths to each input: $\bar x_1 = 2 \cdot 3 + 3 \cdot 1 = 9$ and $\bar x_2 = 2 \cdot (-4) + 3 \cdot 2 = -2$.
#
# The same for a whole grid of inputs at once:


# %%
def forward(x1, x2):
    h1, h2 = np.maximum(3 * x1 - 4 * x2, 0), np.maximum(x1 + 2 * x2, 0)
    h3, h4 = np.maximum(-x1 + 5 * x2, 0), np.maximum(x1 - 3 * x2, 0)
    return h1, h2, h3, h4, 2 * h1 + 3 * np.maximum(h2, h3) + 5 * h4


def back(x1, x2):
    h1, h2, h3, h4, _ = forward(x1, x2)
    to_h1, to_m, to_h4 = 2, 3, 5  # the slopes of y
    to_h2, to_h3 = np.where(h2 >= h3, to_m, 0), np.where(h2 >= h3, 0, to_m)  # the winner takes all; h2 wins a tie
    to_1, to_2, to_3, to_4 = to_h1 * (h1 > 0), to_h2 * (h2 > 0), to_h3 * (h3 > 0), to_h4 * (h4 > 0)
    return 3 * to_1 + to_2 - to_3 + to_4, -4 * to_1 + 2 * to_2 + 5 * to_3 - 3 * to_4


print("y and its gradient where h2 > h3:", forward(2, 1)[-1], *back(2, 1))
print("y and its gradient where h3 > h2:", forward(1, 2)[-1], *back(1, 2))
assert (forward(2, 1)[-1], *back(2, 1)) == (16, 9, -2)
assert (forward(1, 2)[-1], *back(1, 2)) == (27, -3, 15)
for x1, x2 in ((2, 1), (1, 2)):
    nudged = [forward(x1 + a, x2 + b)[-1] - forward(x1 - a, x2 - b)[-1] for a, b in ((1e-6, 0), (0, 1e-6))]
    assert np.allclose(np.array(nudged) / 2e-6, back(x1, x2))

# %% [markdown]
# At $x = (1, 2)$ it is $h_3$ that wins, $h_1$ is closed, and one path is left to each input: quite another gradient,
# with other signs, and not one weight has changed.
#
# ## A picture
#
# All inputs from -4 to 4. Where no gate changes, $y$ is a plane, and its slopes are constant. So the slopes must look
# like a pane of flat pieces, with jumps where a gate flips; $y$ itself has bends there, but no jumps.

# %%
x1, x2 = np.meshgrid(np.linspace(-4, 4, 161), np.linspace(4, -4, 161))
by_x1, by_x2 = back(x1, x2)
mv.show(
    [mv.grey(forward(x1, x2)[-1]), mv.signed(by_x1), mv.signed(by_x2)],
    titles=["y", "dy / dx1", "dy / dx2"],
    caption="x1 from -4 (left) to 4, x2 from -4 (bottom) to 4. y: black is 0, white the largest. The slopes: red "
    "positive, blue negative, white zero. A flat piece is one set of open gates.",
)
pieces = len(set(zip(by_x1.ravel(), by_x2.ravel(), strict=True)))
print(f"{pieces} different gradients on {x1.size:,} points")
assert pieces < 16

# %% [markdown]
# Five gates make a handful of pieces. minivgg has half a million, and lesson 10 has shown how soon one of them flips.
#
# ## One pixel, location by location
#
# A photograph of a cat, and the score of `cat`. We record the row `relu3_2`, which has 24 x 24 locations of 64 channels
# each, and get two things: the slopes of the score by that row, and by the picture.

# %%
from skimage import data

net = mv.load("minivgg", dtype="float64")
photo = net.picture(data.cat())
cat, row = net.labels.index("cat"), "relu3_2"
x = mv.Tensor(photo)
rows = net.capture(x, [row, "fc8"])
w = mv.backward(rows["fc8"], x, seed=np.eye(8)[[cat]])  # of the picture: lesson 10's gradient
middle = mv.Tensor(rows[row].value)  # a new recording, which starts at the row
by_row = mv.backward(net.capture({row: middle}, ["fc8"])["fc8"], middle, seed=np.eye(8)[[cat]])

# %% [markdown]
# What does a pixel do to each location? Nudge it, and see how the row moves. This is lesson 2's identity
# $\langle g, Jv \rangle = \langle J^\top g, v \rangle$, with $v$ a single pixel: on the right stands the pixel's slope,
# on the left a sum over locations, whose terms are the $c_u$. While no gate flips, the row is exactly linear, and a
# nudge is as good as a derivative. Twenty-four pixels, chosen at random, in their green:

# %%
rng = np.random.default_rng(0)
places = rng.integers(20, 76, size=(24, 2))
nudge = 1e-4
contributions = []
for part in np.split(places, 4):
    nudged = photo.repeat(len(part), 0)
    nudged[np.arange(len(part)), part[:, 0], part[:, 1], 1] += nudge
    moved = net.capture(nudged, [row])[row] - rows[row].value
    contributions += list((by_row * moved).sum(-1) / nudge)
contributions = np.array(contributions)  # (24 pixels, 24, 24 locations)

slopes = w[0, places[:, 0], places[:, 1], 1]
assert np.allclose(contributions.sum((1, 2)), slopes, atol=1e-6 * abs(slopes).max())
print("The contributions of all locations add up to the pixel's slope, for all 24 pixels.")

# %% [markdown]
# What must be seen: at every pixel, some locations speak for more green and others against it, and for the most part
# the two shares cancel. A dot on the diagonal would be a slope of exactly zero.

# %%
positive, negative = contributions.clip(0, None).sum((1, 2)), -contributions.clip(None, 0).sum((1, 2))
largest = max(positive.max(), negative.max())
diagonal = np.linspace(0, largest, 60)
mv.plot(
    {"24 pixels": (positive, negative), "where they cancel": (diagonal, diagonal)},
    xlabel="sum of the positive contributions",
    ylabel="size of the negative ones",
    dots=True,
    caption="Each dot is one pixel of the photograph. Its slope is how far it lies to the right of the diagonal.",
)
left = abs(slopes) / (positive + negative)
print(f"what is left after adding up: {np.median(left):.0%} of the sum of the sizes, in the median")
assert np.median(left) < 0.4 and (contributions > 0).any((1, 2)).all() and (contributions < 0).any((1, 2)).all()

# %% [markdown]
# A pixel in the middle of that list, and its three neighbours. The maps of their contributions overlap almost entirely,
# for the same locations see them, but nothing makes the maps alike: each location looks at its pixels through kernels
# that prefer light to the left of dark, or red beside green, and the neighbour takes another place in them. So what is
# left over has another size, and often another sign.

# %%
i, j = places[np.argsort(left)[12]]
block = photo.repeat(4, 0)
four = [(i, j), (i, j + 1), (i + 1, j), (i + 1, j + 1)]
for n, (a, b) in enumerate(four):
    block[n, a, b, 1] += nudge
maps = (by_row * (net.capture(block, [row])[row] - rows[row].value)).sum(-1) / nudge
biggest = abs(maps).max()
top, side = i // 4 - 6, j // 4 - 6  # a location is 4 pixels wide, and a pixel is seen by 8 x 8 of them
assert np.isclose(abs(maps[:, top : top + 12, side : side + 12]).sum(), abs(maps).sum())
where = mv.outline(photo[0], max(i - 16, 0), max(j - 16, 0), min(i + 17, 96), min(j + 17, 96))
mv.show(
    [where, *(mv.signed(one[top : top + 12, side : side + 12], limit=biggest) for one in maps)],
    titles=["photograph", *(f"({a}, {b}): {1e4 * w[0, a, b, 1]:+.1f}" for a, b in four)],
    columns=5,
    caption="For four pixels side by side, in the middle of the frame: what each location contributes "
    "to the pixel's slope, red positive, blue negative, on one scale. Above each map its sum, times 10,000.",
    side=168,
)

# %% [markdown]
# A measure for "looks like noise": how alike are neighbours? In the photograph the correlation of a number and its
# right-hand neighbour must be high, in the gradient low.

# %%
alike = {}
for name, picture in (("photograph", photo[0]), ("gradient", w[0])):
    alike[name] = np.corrcoef(picture[:, 1:].ravel(), picture[:, :-1].ravel())[0, 1]
    print(f"{name:<11} correlation of neighbours {alike[name]:.2f}")
assert alike["photograph"] > 0.8 > 0.4 > abs(alike["gradient"])

# %% [markdown]
# So the noise is no rounding error, and no fault of the method. It is what the gradient *is*: a small difference of
# large sums.
#
# ## The library agrees
#
# The network on paper, with `mv.maximum`, where the first wins a tie. And the contributions once more, now by walking
# back from one location at a time: the seed is the row's slopes at that location, and 0 elsewhere. No nudge, so the sum
# is exact to the last digits.

# %%
one, two = mv.Tensor(x1), mv.Tensor(x2)
h1, h2 = mv.relu(3.0 * one - 4.0 * two), mv.relu(one + 2.0 * two)
h3, h4 = mv.relu(5.0 * two - one), mv.relu(one - 3.0 * two)
theirs = mv.backward(mv.sum(2.0 * h1 + 3.0 * mv.maximum(h2, h3) + 5.0 * h4), [one, two])
assert np.array_equal(theirs[0], by_x1) and np.array_equal(theirs[1], by_x2)

field = net.receptive_field(row)
sees = [[first <= pixel < end for first, end in map(field.span, range(24))] for pixel in (i, j)]
walked = np.zeros((24, 24))
for a in np.flatnonzero(sees[0]):
    for b in np.flatnonzero(sees[1]):
        seed = np.zeros_like(by_row)
        seed[0, a, b] = by_row[0, a, b]
        walked[a, b] = mv.backward(rows[row], x, seed=seed)[0, i, j, 1]
print(f"{(walked != 0).sum()} walks: their sum {walked.sum():.15f}")
print(f"the pixel's slope:  {w[0, i, j, 1]:.15f}")
assert np.isclose(walked.sum(), w[0, i, j, 1], rtol=1e-9)
assert np.allclose(walked, maps[0], atol=1e-6 * biggest)

# %% [markdown]
# ## What this does not show
#
# **Contributions to a slope are no evidence for a cat.** They say where a *change* of this pixel would be felt. And
# they are the split by locations of one row; another row gives other terms, with the same sum.
#
# **A sanity check that can fail**: a location that does not see the pixel must contribute exactly nothing.

# %%
blind = ~np.outer(*sees)
print(
    f"{blind.sum()} of {blind.size} locations do not see the pixel; their largest contribution:",
    abs(maps[0][blind]).max(),
)
assert abs(maps[0][blind]).max() == 0

# %% [markdown]
# **A tempting repair that is none.** To make the noise look better, programs clip the gradient at its 99th percentile,
# inside the method. A few very large slopes then no longer spoil the picture, but what is returned is no gradient. The
# identity that gives it away is the one of this lesson, **slopes add up**: the gradient of cat + dog is the gradient of
# cat plus that of dog.

# %%
dog = net.labels.index("dog")
of_cat, of_dog, of_both = (
    mv.backward(rows["fc8"], x, seed=seed[None])
    for seed in (np.eye(8)[cat], np.eye(8)[dog], np.eye(8)[[cat, dog]].sum(0))
)
clipped = [one.clip(-np.percentile(abs(one), 99), np.percentile(abs(one), 99)) for one in (of_cat, of_dog, of_both)]
print(f"cat + dog - both: {abs(of_cat + of_dog - of_both).max():.1e};", end=" ")
print(f"clipped: {abs(clipped[0] + clipped[1] - clipped[2]).max():.1e}, of {abs(of_both).max():.1e}")
assert np.allclose(of_cat + of_dog, of_both, atol=1e-12 * abs(of_both).max())
assert abs(clipped[0] + clipped[1] - clipped[2]).max() > 0.05 * abs(of_both).max()

# %% [markdown]
# Clip in the drawing, where the caption can say so.
#
# Lessons 12 and 13 change the walk itself, so that fewer terms cancel. The pictures get sharper, and the sum is no
# longer the gradient: that is the price.

# %% [markdown]
# ## Exercises
#
# **1.** On paper first: $h_1 = \mathrm{relu}(a - 2b)$, $h_2 = \mathrm{relu}(2a + b)$, $h_3 = \mathrm{relu}(3b - a)$ and
# $y = \max(h_2, h_3) - 4h_1$.


# %%
def paper_gradient(a, b):
    """Return (dy/da, dy/db) for the y above, for numbers a and b at which no gate stands on its edge."""
    ...


mv.check(paper_gradient)

# %% [markdown]
# **2.** The two rules of an element-wise maximum.


# %%
def maximum_rules(g, a, b):
    """Return (what reaches a, what reaches b) for u = max(a, b), element by element; among equals a wins."""
    ...


mv.check(maximum_rules)

# %% [markdown]
# **3.** The contributions to one pixel's slope, for a convolution without padding and with stride 1 (lesson 3).


# %%
def contributions_of_locations(g, kernel, i, j):
    """Return an array like g: what each output of the convolution contributes to the slope of pixel (i, j).

    g: (H - kh + 1, W - kw + 1), the slope of the score by each output. kernel: (kh, kw), not turned.
    """
    ...


mv.check(contributions_of_locations)
