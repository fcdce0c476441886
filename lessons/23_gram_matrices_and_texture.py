# %% [markdown]
# # 23 · Gram matrices and texture
#
# **How can a network say what a surface is made of, without saying where anything is?**
#
# Lesson 22 asked for a picture with the same activations at the same places. This lesson asks for less: the same
# activations *together*, at any place. At the end you will have made dots, boards and roofs out of noise, from a few
# matrices of numbers. It stands on lesson 8's maps and on the ascent of lessons 18 and 22.

# %%
import numpy as np

import minivis as mv

# %% [markdown]
# ## The idea
#
# A row of maps has $N$ channels and $M$ places (height times width). Write it as a table $F$ with one line for each
# channel and one column for each place. The **Gram matrix** of the row multiplies any two channels place by place, and
# adds up:
#
# $$G_{ij} = \sum_{k=1}^{M} F_{ik}\,F_{jk}, \qquad\text{that is,}\qquad G = F F^\top .$$
#
# $G_{ij}$ is large if channels $i$ and $j$ fire strongly at the same places. The place $k$ has been summed away: $G$ is
# $N \times N$, however large the picture. Gatys, Ecker and Bethge (2015) take this as the definition of a **texture**:
# two pictures have the same texture if their Gram matrices agree in several rows of a network. How far they are apart
# in row $l$, and over all, is
#
# $$E_l = \frac{1}{4 N_l^2 M_l^2} \sum_{ij} \big(G^l_{ij} - \hat G^l_{ij}\big)^2, \qquad L = \sum_l w_l\,E_l ,$$
#
# where $\hat G$ belongs to the picture that is imitated. To lower $L$ we need its slope, which the chain rule gives:
#
# $$\frac{\partial E_l}{\partial F^l} = \frac{1}{N_l^2 M_l^2}\,\big(G^l - \hat G^l\big)\,F^l .$$

# %% [markdown]
# ## By hand
#
# Maps are (height, width, channel) in this course, so it is the *columns* that are channels, and $G = F^\top F$. First
# the sum as it is written, with its loops, to know that the product is right.


# %%
def gram_matrix(maps):
    F = maps.reshape(-1, maps.shape[-1])  # one line for each place
    return F.T @ F


def texture_loss(maps, wanted):
    G, (height, width, N) = gram_matrix(maps), maps.shape
    return ((G - wanted) ** 2).sum() / (4 * N**2 * (height * width) ** 2)


def texture_slope(maps, wanted):
    height, width, N = maps.shape
    return maps @ (gram_matrix(maps) - wanted) / (N**2 * (height * width) ** 2)


rng = np.random.default_rng(0)
maps, other = rng.normal(size=(2, 5, 4, 3))
loops = np.zeros((3, 3))
for i in range(3):
    for j in range(3):
        for y in range(5):
            for x in range(4):
                loops[i, j] += maps[y, x, i] * maps[y, x, j]
assert np.allclose(gram_matrix(maps), loops)

v, h = rng.normal(size=maps.shape), 1e-6  # lesson 2: nudge in a random direction
wanted = gram_matrix(other)
nudged = (texture_loss(maps + h * v, wanted) - texture_loss(maps - h * v, wanted)) / (2 * h)
print(f"the slope of the loss: by nudging {nudged:.8f}, by the formula {(texture_slope(maps, wanted) * v).sum():.8f}")
assert np.isclose(nudged, (texture_slope(maps, wanted) * v).sum(), rtol=1e-6)

# %% [markdown]
# ## Three textures, and their matrices
#
# One that we draw ourselves, so that we know what is in it: red dots, 16 pixels apart. And two cut from photographs:
# scratched wood, and a painted house. Each network row turns them into a Gram matrix. What should be seen: the matrices
# are symmetric, and each texture has its own. Bright crosses belong to channels that fire much and with many others;
# where a line is black, the channel is silent in this texture.

# %%
from skimage import data
from sklearn.datasets import load_sample_image

net = mv.load("minivgg")
y, x = np.mgrid[:64, :64]
dots = np.where(((y % 16 - 7.5) ** 2 + (x % 16 - 7.5) ** 2 < 25)[..., None], [220, 60, 40], [240, 220, 160])
wood = data.coffee()[300:364, 8:72]
house = load_sample_image("china.jpg")[162:226, 254:318]
sources = np.stack([dots, wood, house]).astype("float32")
names = ["dots", "wood", "house"]

rows = ["relu1_1", "relu2_1", "relu3_1"]
found = net.capture(sources, rows)
grams = {row: [gram_matrix(one) for one in found[row]] for row in rows}
mv.show(
    [
        *sources,
        *(mv.grey(np.sqrt(one)) for one in grams["relu1_1"]),
        *(mv.grey(np.sqrt(one)) for one in grams["relu2_1"]),
    ],
    titles=names + [f"relu1_1: {one.shape[0]} x {one.shape[0]}" for one in grams["relu1_1"]] + ["relu2_1: 32 x 32"] * 3,
    columns=3,
    caption="Three textures of 64 x 64 pixels, and below each its Gram matrices at two rows of minivgg. Black is 0; "
    "the square root is drawn, so that small numbers can be seen.",
    side=192,
)
for row in rows:
    assert all(np.allclose(G, G.T) for G in grams[row])

# %% [markdown]
# ## What the matrix has forgotten
#
# All places. Deal them out anew at random, each with all its channels: the maps are unrecognisable, and $G$ is the
# same. That is also why a wallpaper may be rolled: what leaves at one edge and comes in at the other is still the same
# texture.

# %%
maps = found["relu1_1"][2]
places = maps.reshape(-1, maps.shape[-1])
shuffled = rng.permutation(places).reshape(maps.shape)
difference = abs(gram_matrix(shuffled) - gram_matrix(maps)).max() / abs(gram_matrix(maps)).max()
channel = int(maps.var((0, 1)).argmax())
mv.show(
    [mv.grey(maps[:, :, channel]), mv.grey(shuffled[:, :, channel])],
    titles=["a map of the house", "its places, dealt out anew"],
    caption="Both have the same Gram matrix. What keeps a texture from becoming such dust is that a kernel sees "
    "several pixels at once, and kernels of neighbouring places overlap: few pictures have maps like these on "
    "the right.",
)
print(f"largest difference of the two Gram matrices: {difference:.1e} of the largest entry")
assert difference < 1e-5

# %% [markdown]
# ## A texture from noise
#
# By hand first, with a single row: start with noise, and walk down. The slope at `relu1_1` is the formula above; lesson
# 1's walk takes it from there to the pixels. On its way it passes the ReLU, which closes where $F = 0$. (The authors'
# own code sets the slope to 0 there by hand.) Each step has a fixed size that shrinks slowly, about as in lesson 18.

# %%
picture = start = mv.Tensor(128 + 10 * rng.normal(size=(1, 64, 64, 3)).astype("float32"))
wanted, losses = grams["relu1_1"][0], []
for step in range(60):
    maps = net.capture(picture, ["relu1_1"])["relu1_1"]
    losses.append(texture_loss(maps.value[0], wanted))
    g = mv.backward(maps, picture, seed=texture_slope(maps.value[0], wanted)[None])
    picture = mv.Tensor((picture.value - 8 * 0.95**step * g / abs(g).mean()).clip(0, 255))
by_hand = picture.value[0]
print(f"the loss at relu1_1 falls from {losses[0]:.3g} to {losses[-1]:.3g}")
assert losses[-1] < losses[0] / 50
mv.show(
    [start.value[0], by_hand, dots],
    titles=["noise", "after 60 steps", "what it imitates"],
    caption="Noise that was given the Gram matrix of the dots at relu1_1. The red has come, and grain; the cream "
    "between the dots has not yet: fixed steps are a slow way down.",
    side=192,
)

# %% [markdown]
# ## Three textures from noise
#
# A better way down than fixed steps is **L-BFGS**, which learns from the last steps how the ground curves; the authors
# use it, too. `mv.texture` does that. It also replaces each max-pool by an average pool, as the authors do, and as a
# default weighs the rows so that each has an equal say (exercise 3). First one row, then two, then three. What must be
# seen: the first row, whose units see 3 pixels, gets the colours and the grain, and no sizes. The dots must become
# *round things of about one size* only when rows join in whose units see a dot, and the house needs them for its bars
# and edges. The scratches of the wood are thin: for them, one row is nearly enough.

# %%
pictures = [sources]
for many in (1, 2, 3):
    climb = mv.texture(net, sources, rows[:many], steps=60, rng=np.random.default_rng(0))
    scores = [float(score[0]) for _, score in climb]
    pictures.append(climb.picture)
    sees = net.receptive_field(rows[many - 1]).size
    fallen = scores[0] / scores[-1]
    print(f"up to {rows[many - 1]}, whose units see {sees} pixels: the loss of the dots has fallen {fallen:.0f} times")
mv.show(
    [stage[n] for n in range(3) for stage in pictures],
    titles=[f"{name}{how}" for name in names for how in ("", ": 1 row", ": 2 rows", ": 3 rows")],
    columns=4,
    caption="Each texture, and three pictures made from noise by L-BFGS, with one, two and three rows of minivgg.",
    side=192,
)

# %% [markdown]
# To be honest about these pictures: the grain is minivgg's. It is a small network, and noise that its few kernels do
# not see is left in. The size of the patterns and their colours is what should be compared. With VGG's 64 to 512
# channels per row, and thousands of steps instead of 60, the results of the paper are far finer.
#
# ## The library agrees

# %%
from minivis.objectives import gram_of, match_gram

net64 = mv.load("minivgg", dtype="float64")
pair = sources[[0, 2]].astype("float64")
maps = net64.capture(pair, ["relu2_1"])["relu2_1"]
assert np.allclose(gram_of(maps)[0], gram_matrix(maps[0]), rtol=1e-12)
assert np.allclose(mv.gram(maps, average=True)[1], gram_matrix(maps[1]) / (32 * 32), rtol=1e-12)

ours = texture_loss(maps[0], gram_matrix(maps[1]))
theirs = match_gram("relu2_1", gram_matrix(maps[1]))(net64, pair[:1])[0]
F = mv.Tensor(maps[:1])
G = mv.gram(F)
loss = mv.sum((G - gram_matrix(maps[1])) ** 2) / (4 * 32**2 * (32 * 32) ** 2)
assert np.isclose(ours, -theirs, rtol=1e-12)
assert np.allclose(mv.backward(loss, F)[0], texture_slope(maps[0], gram_matrix(maps[1])), rtol=1e-9)
print(
    f"E of the dots with respect to the house, relu2_1: ours {ours:.6g}, the library's {-theirs:.6g}; so is the slope"
)

# %% [markdown]
# ## What this does not show
#
# **That the network understands dots.** Nothing tells it that dots stand in lines: the matrix has no place for "16
# pixels to the right". Look at the dots again: their size comes back, their order does not.
#
# **A sanity check that can fail**: the noise that was given a texture must be nearer to that texture than to the two
# others, also in a row that had no say when it was made. Here is the loss at `relu3_2`, each made picture against each
# source.

# %%
held_out = "relu3_2"
wanted = [gram_matrix(one) for one in net.capture(sources, [held_out])[held_out]]
made = net.capture(pictures[-1], [held_out])[held_out]
apart = np.array([[texture_loss(one, G) for G in wanted] for one in made])
for name, line in zip(names, apart, strict=True):
    print(f"made of {name:<6}", *(f"to {other} {loss:.3g}" for other, loss in zip(names, line, strict=True)), sep="   ")
assert np.array_equal(apart.argmin(1), np.arange(3))

# %% [markdown]
# **Sum or mean over places?** One lecture writes $G = F F^\top$ and says "averaged over the $HW$ pairs" of the same
# formula; the paper sums, and its authors' code divides by $M$. For two pictures of one size it makes no difference
# but a factor. But put four copies of the dots together: it is the same texture. The mean says so. The sum has four
# times as much of everything.

# %%
four = net.capture(np.tile(sources[:1], (1, 2, 2, 1)), ["relu2_1"])["relu2_1"]
one = found["relu2_1"][:1]
for average in (False, True):
    ratio = float(np.trace(mv.gram(four, average=average)[0]) / np.trace(mv.gram(one, average=average)[0]))
    print(f"{'mean' if average else 'sum':<5} over places: four dots' matrices are {ratio:.3f} times one's")
    assert np.isclose(ratio, 1 if average else 4, rtol=0.05)

# %% [markdown]
# (Not exactly 4 and 1, because of the padding along the edges.)
#
# **A weight that is copied from another "style loss".** At least four losses go by this name. That of a popular program
# divides $G$ by $N M$ and then the sum by $N^2$: which is $4 / N^2$ times the paper's. The factor **differs from row to
# row**, so that no single weight can make up for it: with equal weights, each of them lets other rows decide. The
# identity to check: the ratio of two losses that are said to be the same must not depend on the row.

# %%
factors = []
for row in rows:
    N = found[row].shape[-1]
    losses = []
    for variant in ("gatys", "neural-style"):
        wanted = gram_of(found[row][1:2], variant)
        losses.append(-float(match_gram(row, wanted, variant)(net, sources[:1])[0]))
    factors.append(losses[1] / losses[0])
    print(f"{row}: {losses[0]:.3g} or {losses[1]:.3g}, a factor of {factors[-1]:.6f} = 4 / {N}²")
    assert np.isclose(factors[-1], 4 / N**2, rtol=1e-3)
assert factors[0] > 10 * factors[-1]

# %% [markdown]
# **A reshape that fits.** Lectures write "reshape $C \times H \times W$ to $C \times HW$", for maps that have their
# channels first. Done to maps that have them last, it raises no error: the matrix has the right size, is symmetric, and
# even has the right trace. But its lines are no channels. What gives it away is the identity of this lesson: **dealing
# out the places anew must not change the matrix**.

# %%
maps = found["relu2_1"][2]
moved = rng.permutation(maps.reshape(-1, 32)).reshape(maps.shape)
wrong, wrong_moved = ((one.reshape(32, -1) @ one.reshape(32, -1).T) for one in (maps, moved))
right, right_moved = gram_matrix(maps), gram_matrix(moved)
for name, before, after in (("right", right, right_moved), ("wrong", wrong, wrong_moved)):
    change = abs(after - before).max() / abs(before).max()
    print(f"{name}: trace {np.trace(before):.6g}, and changed by {change:.1e} when the places are dealt out anew")
    assert (change < 1e-5) == (name == "right")
assert np.isclose(np.trace(right), np.trace(wrong), rtol=1e-5) and np.array_equal(wrong, wrong.T)

# %% [markdown]
# ## Exercises
#
# **1.** The lecture's form: for maps that have their channels first, averaged over the places.


# %%
def mean_gram(maps):
    """Return the Gram matrix (C, C) of maps (C, H, W), divided by the number of places H * W."""
    ...


mv.check(mean_gram)

# %% [markdown]
# **2.** The slope of the other style loss: $G = F^\top F / (N M)$ and $L = \frac{1}{N^2}\sum (G - \hat G)^2$, where $F$
# has $M$ lines, one for each place, and $N$ columns. Find it with the chain rule; the checker nudges.


# %%
def other_style_slope(F, wanted):
    """Return dL / dF, shaped as F (M, N), for wanted (N, N), which is symmetric. F must not be changed."""
    ...


mv.check(other_style_slope)

# %% [markdown]
# **3.** An equal say: choose the weights $w_l$ so that for a picture of nothing, whose maps are all 0, each row
# contributes the same to $L = \sum_l w_l E_l$, and $L = 1$.


# %%
def equal_say(wanted, places):
    """Return the weights, an array with one for each row.

    wanted: list of the Gram matrices (N_l, N_l) of the picture that is imitated, as sums over places.
    places: list of the numbers of places M_l of the rows. E_l is the one of this lesson, with its 1 / (4 N² M²).
    """
    ...


mv.check(equal_say)
