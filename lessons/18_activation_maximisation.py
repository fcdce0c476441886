# %% [markdown]
# # 18 · Activation maximisation
#
# **Of all pictures that are equally strong, which one makes a unit answer the most?**
#
# Lesson 9 looked for a unit's favourites in a heap of photographs. This one makes the favourite: it starts from noise,
# and follows lesson 1's slope. At the end you will have climbed a few dozen units, and know how far the pictures that
# come out can be trusted.

# %%
import numpy as np

import minivis as mv

net = mv.load("minivgg", dtype="float64")

# %% [markdown]
# ## The idea
#
# Let $h(x)$ be the activation of one unit for the picture $x$. Networks with ReLUs answer the more, the stronger the
# picture is: without a bound there is no best one. So fix the strength $\rho$, and ask for (Erhan, Bengio, Courville
# and Vincent 2009)
#
# $$x^* = \arg\max_{\|x\| = \rho} h(x), \qquad
#   x \leftarrow x + s\,\frac{g}{\|g\|}, \quad x \leftarrow \rho\,\frac{x}{\|x\|},
#   \qquad g = \frac{\partial h}{\partial x}.$$
#
# This is **gradient ascent** on a sphere: a step of length $s$ uphill, then back to length $\rho$; again and again. The
# authors take for $\rho$ the mean length of the training pictures, and climb from nine random starts: if all arrive at
# the same picture, it is likely to be the best. How far to step, and how often, is ours here.
#
# Two ways of writing it differ in a sign. Some lectures bound the picture by a *term* instead, $x^* = \arg\max h(x) +
# \lambda R(x)$. If $R$ is a penalty, such as $\|x\|^2$, then $\lambda$ must be **negative**. Lesson 19 does this, with
# the minus sign written.
#
# Strength is counted from the colour that the network's preprocessing takes to zero; $x$ is the picture minus that
# colour. It matters: of pictures of 0..255, a plain white one would be the strongest.

# %%
from skimage import data
from sklearn.datasets import load_sample_image

photos = [
    mv.sample_picture(),
    data.cat(),
    data.coffee(),
    data.rocket(),
    *map(load_sample_image, ("flower.jpg", "china.jpg")),
]
photos = np.concatenate([net.picture(photo) for photo in photos])
contrast = np.mean([np.sqrt(((photo - net.mean_colour) ** 2).mean()) for photo in photos])
print(f"zero colour {net.mean_colour}; a photograph's values differ from it by {contrast:.1f} in root mean square")

# %% [markdown]
# ## By hand
#
# A unit of `conv2_2` sees 14 x 14 pixels. On a picture of just that size, its map has 7 x 7 units, and the one in the
# middle sees the picture and nothing else. We take the row *before* its ReLU: behind it a unit that is silent has the
# slope 0, in every direction, and an ascent that starts there never moves.

# %%
row, unit, side = "conv2_2", 3, 14
rho = contrast * np.sqrt(side * side * 3)
rng = np.random.default_rng(0)
starts = rng.standard_normal((9, side, side, 3))
seed = np.zeros((9, 7, 7, 32))
seed[:, 3, 3, unit] = 1  # the slope of this unit's activation, in each of the nine pictures

x = rho * starts / np.sqrt((starts**2).sum((1, 2, 3), keepdims=True))
heights = []
for _ in range(60):
    picture = mv.Tensor(net.mean_colour + x)
    maps = net.capture(picture, [row])[row]
    heights.append(maps.value[:, 3, 3, unit])
    g = mv.backward(maps, picture, seed=seed)
    x = x + rho / 10 * g / np.sqrt((g**2).sum((1, 2, 3), keepdims=True))
    x = rho * x / np.sqrt((x**2).sum((1, 2, 3), keepdims=True))
best = net.mean_colour + x
heights = np.array(heights)
print("activation of noise:      ", heights[0].round(1))
print("after 59 steps:           ", heights[-1].round(1))
assert (heights[-1] > heights[0] + 5).all() and np.allclose((x**2).sum((1, 2, 3)), rho**2)

# %% [markdown]
# ## Nine pictures of one unit
#
# What must be seen: something that is no noise any more. By the idea of the paper the nine should all be the same. Look
# whether they are: stand back, and the same colours lie on the same sides; come near, and pixel by pixel they differ.
# The correlation of two pictures says the same: it is 1 if they are the same up to contrast, and about 0 if they have
# nothing to do with each other. We take its mean over all pairs, of the pictures as they are, and blurred by 2 pixels.

# %%
mv.show(
    best,
    titles=[f"start {i + 1}: {h:.1f}" for i, h in enumerate(heights[-1])],
    columns=5,
    caption=f"The unit in the middle of map {unit} of {row}, climbed from nine starts of noise: all the 14 x 14 pixels "
    "that it sees, and its activation. Middle grey is zero.",
    side=140,
)

from scipy.ndimage import gaussian_filter

pairs = np.triu_indices(9, 1)
sharp = np.corrcoef(x.reshape(9, -1))[pairs].mean()
blurred = np.corrcoef(gaussian_filter(x, (0, 2, 2, 0)).reshape(9, -1))[pairs].mean()
print(f"mean correlation of two of the nine: {sharp:.2f}; blurred by 2 pixels: {blurred:.2f}")
assert sharp < 0.5 < blurred

mv.plot(
    {f"start {i + 1}": h for i, h in enumerate(heights.T)},
    xlabel="step",
    ylabel="activation",
    caption="The nine climbs. They rise fast, level off, and need not end at one height.",
)

# %% [markdown]
# ## Do the starts agree?
#
# The same mean correlation, of four starts, for units of one row after the other. For a unit of the first row, which is
# linear, the answer can be worked out. By the inequality of Cauchy and Schwarz
#
# $$\langle w, x\rangle + b \;\le\; \|w\|\,\|x\| + b, \qquad\text{equal only for } x^* = \rho\,\frac{w}{\|w\|}:$$
#
# so all starts must end at the weights. This is what lectures mean by "a neuron is activated the most if the input
# looks like its weights". It holds among inputs *of one length*: a stronger input that looks less like them wins.

# %%
fast = mv.load("minivgg")
agreements = {}
for name, steps in (("conv1_1", 60), ("conv1_2", 40), ("conv2_1", 40), ("conv2_2", 40), ("conv3_1", 25)):
    size = fast.receptive_field(name).size
    room = fast.shapes(size, upto=name)[name][0] // 2
    values = []
    for channel in range(4):
        z = rng.standard_normal((4, size, size, 3)).astype("float32")
        length = np.float32(contrast * np.sqrt(size * size * 3))
        z *= length / np.sqrt((z**2).sum((1, 2, 3), keepdims=True))
        for _ in range(steps):
            picture = mv.Tensor(fast.mean_colour + z)
            maps = fast.capture(picture, [name])[name]
            slopes = np.zeros_like(maps.value)
            slopes[:, room, room, channel] = 1
            g = mv.backward(maps, picture, seed=slopes)
            z = z + length / 10 * g / np.sqrt((g**2).sum((1, 2, 3), keepdims=True))
            z *= length / np.sqrt((z**2).sum((1, 2, 3), keepdims=True))
        values.append(np.corrcoef(z.reshape(4, -1))[np.triu_indices(4, 1)].mean())
        if name == "conv1_1":
            w = fast.weights[name]["kernel"][..., channel]
            assert np.allclose(z, length * w / np.sqrt((w**2).sum()), atol=0.02 * abs(z).max())
    agreements[name] = values
    print(f"{name} sees {size:>2} pixels: mean correlation of four starts, for four units:", np.round(values, 2))

mv.plot(
    {f"unit {i}": (np.arange(5), [agreements[name][i] for name in agreements]) for i in range(4)},
    xlabel="row: conv1_1, conv1_2, conv2_1, conv2_2, conv3_1",
    ylabel="mean correlation of the starts",
    dots=True,
    caption="How alike the pictures from different starts are, by row. In the first row, which is linear, they are the "
    "same picture. Farther up they have less and less in common.",
)
assert min(agreements["conv1_1"]) > 0.99 and np.mean(agreements["conv3_1"]) < 0.3

w, length = fast.weights["conv1_1"]["kernel"][..., 0], 10.0
favourite, other = length * w / np.sqrt((w**2).sum()), np.zeros_like(w)
other.flat[abs(w).argmax()] = 4 * length * np.sign(w.flat[abs(w).argmax()])  # four times as strong, in one number
print(f"<w, x>: like the weights {(w * favourite).sum():.2f}; one value, four times as strong {(w * other).sum():.2f}")
assert (w * other).sum() > (w * favourite).sum()

# %% [markdown]
# So the hope of the paper, whose networks were of another kind, comes true in this one's first row only. Farther up the
# starts agree, at best, on where the colours lie, and not on the pixels: such a picture is *a* favourite, not *the*
# favourite. Lesson 20 makes something of that.
#
# Before there was ascent, units were drawn as a **linear combination** of the filters below, weighted by the unit's own
# weights. That forgets the ReLUs in between. Is it as good? For `conv1_2`, on pictures of the same length:

# %%
one, two = net.weights["conv1_1"]["kernel"], net.weights["conv1_2"]["kernel"]
higher = []
for channel in range(16):
    combined = np.zeros((5, 5, 3))
    for a in range(3):
        for b in range(3):
            combined[a : a + 3, b : b + 3] += one @ two[a, b, :, channel]
    length = contrast * np.sqrt(combined.size)
    z = length * combined / np.sqrt((combined**2).sum())
    drawn = net.capture((net.mean_colour + z)[None], ["conv1_2"])["conv1_2"][0, 2, 2, channel]
    for _ in range(20):  # and now climb, from there
        picture = mv.Tensor((net.mean_colour + z)[None])
        maps = net.capture(picture, ["conv1_2"])["conv1_2"]
        slopes = np.zeros_like(maps.value)
        slopes[0, 2, 2, channel] = 1
        g = mv.backward(maps, picture, seed=slopes)[0]
        z = z + length / 20 * g / np.sqrt((g**2).sum())
        z = length * z / np.sqrt((z**2).sum())
    climbed = net.capture((net.mean_colour + z)[None], ["conv1_2"])["conv1_2"][0, 2, 2, channel]
    higher.append(climbed - drawn)
print("what climbing adds to the linear combination, 16 units:", np.round(higher, 1))
assert np.mean(higher) > 0

# %% [markdown]
# (The paper also *samples*: in a deep belief network, which can run downwards, it clamps the unit, and draws what fits.
# Our network has no downward direction.)
#
# ## From edges to parts
#
# The library adds what later authors found to help, and says where each number is from: for small units a little blur,
# for large ones random shifts, turns and zooms while climbing (Olah, Mordvintsev and Schubert 2017). In the first two
# blocks we raise the mean of what is above 0 in a whole map, so that the favourite is drawn everywhere, as a texture;
# in the others the one unit in the middle, before its ReLU, on just the pixels that it sees. (Those maps are silent on
# grey noise, and a mean of zeros has no slope.)
#
# What must be seen: plain colours and stripes in the first block, coarser stripes in the second, one patch with edges
# in several directions in the third, a larger and busier one in the fourth. Do not expect an object, from a network
# this small.

# %%
sheet = []
for name, place in (("conv1_2", "positive"), ("conv2_2", "positive"), ("conv3_2", "centre"), ("conv4_2", "centre")):
    size = max(fast.receptive_field(name).size, 32)
    climb = mv.activation_maximization(
        fast, name, range(6), place=place, size=size, steps=32, rng=np.random.default_rng(0)
    )
    for _ in climb:
        pass
    sheet.extend(climb.picture)
mv.show(
    sheet,
    titles=[f"{name}, {i}" for name in ("conv1_2", "conv2_2", "conv3_2", "conv4_2") for i in range(6)],
    columns=6,
    caption="Maps 0 to 5 of the last row of each block of minivgg, each with the picture that a climb of 32 steps made "
    "for it. Above: a texture that fills the map, 32 x 32 pixels. Below: the patch that the unit in the middle sees, "
    "32 x 32 and 68 x 68 pixels.",
    side=130,
)

# %% [markdown]
# ## The library agrees
#
# `mv.ascend(net, objective, start, ...)` is the loop above: an objective, a step, and what is done after each step.

# %%
from minivis import objectives

start = net.mean_colour + rho * starts / np.sqrt((starts**2).sum((1, 2, 3), keepdims=True))
climb = mv.ascend(
    net,
    objectives.unit(row, unit, "centre"),
    start,
    lr=rho / 10,
    step="norm",
    after=[mv.renormalise(rho, centred=True)],
    steps=60,
)
scores = np.array([score for _, score in climb])
assert np.allclose(scores, heights, atol=1e-6) and np.allclose(climb.picture, best, atol=1e-4)
print("60 steps of the library from the same nine starts: the same heights, and the same pictures.")

# %% [markdown]
# ## What this does not show
#
# **The number depends on the bound.** Take one of the pictures, and only turn up its contrast:

# %%
factors = np.linspace(0, 3, 13)
rises = net.capture(net.mean_colour + factors[:, None, None, None] * x[:1], [row])[row][:, 3, 3, unit]
mv.plot(
    {f"unit {unit} of {row}": (factors, rises)},
    xlabel="contrast, times that of photographs",
    ylabel="activation",
    caption="One maximised picture at several contrasts. The activation goes on rising: without a bound, there is no "
    "maximum.",
)
print(f"at contrast 1: {rises[4]:.1f}, at contrast 3: {rises[12]:.1f}")
assert (np.diff(rises[4:]) > 0).all()

# %% [markdown]
# **A sanity check that can fail: is the picture special to its unit?** Make one for each of eight units, and show each
# to all eight (Erhan et al. call it a sensitivity analysis; their units end in a sigmoid, ours in a ReLU). If the climb
# is any good, each unit's own picture excites it more than any other's. If the pictures are good for *naming* units,
# all that is off the diagonal is dark.

# %%
units = range(8)
slopes = np.zeros((8, 7, 7, 32))
slopes[units, 3, 3, units] = 1
z = starts[[0] * 8] * rho / np.sqrt((starts[0] ** 2).sum())
for _ in range(40):
    picture = mv.Tensor(net.mean_colour + z)
    g = mv.backward(net.capture(picture, [row])[row], picture, seed=slopes)
    z = z + rho / 10 * g / np.sqrt((g**2).sum((1, 2, 3), keepdims=True))
    z *= rho / np.sqrt((z**2).sum((1, 2, 3), keepdims=True))
answers = np.maximum(net.capture(net.mean_colour + z, [row])[row][:, 3, 3, :8], 0)
mv.show(
    mv.grey(answers),
    titles="row: whose picture; column: who answers",
    caption=f"Activations, after the ReLU, of units 0 to 7 of {row} (columns) at the picture of each (rows). Black is "
    "0. The diagonal is each unit's answer to its own picture.",
    side=240,
)
own = np.diag(answers)
others = answers - np.diag(own)
print(f"own picture: {own.mean():.1f} on average; another unit's: {others.sum() / 56:.1f}, at most {others.max():.1f}")
assert (answers.argmax(0) == np.arange(8)).all()

# %% [markdown]
# **No photograph looks like that.** The same unit, at all places of six photographs, against the lowest of the nine
# climbs:

# %%
in_photos = net.capture(photos, [row])[row][..., unit]
print(f"best place in six photographs: {in_photos.max():.1f}; the lowest of nine climbs: {heights[-1].min():.1f}")
assert in_photos.max() < heights[-1].min()

# %% [markdown]
# So the picture says in which *direction* the unit wants inputs to go, not what it meets in its life. Lesson 9's
# patches say the other half. Look at both.
#
# **A wrong implementation.** To keep an ascent from drawing needles that fit one pixel grid, the picture is shifted at
# random before each step (**jitter**), and *shifted back afterwards*. A published library forgets to shift back, and it
# draws from $-j \dots j-1$, since the upper end of `randint` is left out. Its shifts of $-4 \dots 3$ add up, over 200
# steps, to a drift of $-100$ pixels on average, circularly. The identity that exposes it: **with steps of length 0 the
# picture must come back as it was.**

# %%
left = np.random.default_rng(1).integers(-4, 4, size=(2000, 200)).sum(1)  # 2000 runs of 200 steps
print(f"drift after 200 steps: {left.mean():.0f} pixels on average, standard deviation {left.std():.0f}")
assert abs(left.mean() + 100) < 3 and abs(left.std() - 32.4) < 2

moved, kept = photos[0].copy(), photos[0].copy()
for shift in np.random.default_rng(2).integers(-4, 4, size=(200, 2)):
    moved = np.roll(moved, shift, axis=(0, 1))  # shift, then a step of length 0
    kept = np.roll(np.roll(kept, shift, axis=(0, 1)), -shift, axis=(0, 1))
library = mv.ascend(
    net,
    objectives.channel("conv1_1", 0),
    photos[:1],
    lr=1e-12,
    views=[mv.jitter(4)],
    steps=10,
    rng=np.random.default_rng(2),
)
for _ in library:
    pass
mv.show(
    [photos[0], moved, kept],
    titles=["photograph", "jitter, not undone", "jitter, undone"],
    caption="A photograph after 200 steps of length 0. If the jitter is not undone it has drifted, circularly.",
)
assert np.array_equal(kept, photos[0]) and np.allclose(library.picture, photos[:1], atol=1e-6)
assert not np.allclose(moved, photos[0])

# %% [markdown]
# ## Exercises
#
# **1.** One step on the sphere, for a batch. Each picture must be treated as if it were alone.


# %%
def step_on_the_sphere(x, g, length, rho):
    """Return the pictures after one step: `length` along each one's gradient, then back to the norm rho.

    x, g: (N, H, W, 3), pictures minus the zero colour, and gradients; neither must be changed. A picture whose gradient
    is 0 everywhere takes no step, but comes to the norm rho.
    """
    ...


mv.check(step_on_the_sphere)

# %% [markdown]
# **2.** The answer on paper. Which input of length rho does a linear unit like best, and if it is bounded colour by
# colour instead, $|x_i| \le m$?


# %%
def favourites_of_a_linear_unit(w, rho, most):
    """Return two inputs of the shape of w that make the sum of w x as large as possible.

    The first among all inputs whose Euclidean norm is rho, the second among all whose values lie in -most..most. No
    number in w is 0.
    """
    ...


mv.check(favourites_of_a_linear_unit)

# %% [markdown]
# **3.** A gradient through a jitter. The network sees the shifted picture; the step belongs to the picture itself.


# %%
def gradient_through_jitter(gradient_at, x, shift):
    """Return the gradient, with respect to x, of f(x shifted): (H, W, 3).

    gradient_at: a function; gradient_at(z) is the gradient of f at the picture z. x: (H, W, 3). shift: two whole
    numbers, by how many rows and columns np.roll moves x before f sees it.
    """
    ...


mv.check(gradient_through_jitter)
