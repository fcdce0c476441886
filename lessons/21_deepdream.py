# %% [markdown]
# # 21 · DeepDream: "this is not the gradient at all"
#
# **What does a network see in a photograph that nobody else sees, and is the trick that shows it a gradient?**
#
# Lessons 18 and 19 started from nothing, and said what was wanted. Here we start from a photograph and want nothing in
# particular: whatever a row answers to a little, it shall answer to more. At the end you will have made such a picture
# by hand, and settled a quarrel between two lectures with one line of lesson 2.

# %%
import numpy as np

import minivis as mv

net = mv.load("minivgg")

# %% [markdown]
# ## The idea
#
# Let $f$ be all the activations of a row. In 2015 Mordvintsev, Olah and Tyka published a program that walks back to the
# picture from $\bar f = f$: it **sets the slope of the row to the activation of the row**. Some lectures call this a
# hack: "this is not the gradient at all". Others answer that it is, and that the picture climbs
#
# $$I^* = \arg\max_I \; \tfrac12 \sum_i f_i(I)^2, \qquad\text{because}\qquad
#   \frac{\partial}{\partial f_i}\, \tfrac12 \sum_j f_j^2 = f_i .$$
#
# They are right, and it is settled below. Others again climb the **mean** of the row, where every unit has the same
# slope, $1/N$. In the first version the strong units pull harder, so what is seen already is seen even more.
#
# Four more things belong to it. The numbers are those of the published code:
#
# - the step is $1.5\,g / \overline{|g|}$, so that values change by 1.5 grey levels on average;
# - before each step the picture is shifted by up to 32 pixels, and shifted back after it (lesson 18);
# - values stay within 0..255;
# - it is done at 4 sizes, **octaves**, each 1.4 times the one before, 10 steps in each, smallest first, so that the
#   row's units, which see a window of fixed size, draw large things as well as small ones. From one size to the next
#   only the **detail** is carried up, what has been added to the photograph; the photograph itself is taken anew, and
#   stays sharp.

# %% [markdown]
# ## By hand
#
# For pictures of 140 x 140 we take three octaves, shifts of up to 8, and 8 steps each (ours).

# %%
from scipy.ndimage import zoom
from skimage import data

photo = mv.read_picture(data.cat()[10:290:2, 60:340:2])[None]


def dream(net, photo, row, seed_of, octaves=3, steps=8, rate=1.5, shift=8):
    rng = np.random.default_rng(0)
    sizes = [photo]
    for _ in range(octaves - 1):
        height, width = (round(side / 1.4) for side in sizes[0].shape[1:3])
        sizes.insert(0, zoom(sizes[0], (1, height / sizes[0].shape[1], width / sizes[0].shape[2], 1), order=1))
    x = sizes[0]
    for base, above in zip(sizes, [*sizes[1:], None], strict=True):
        for _ in range(steps):
            move = rng.integers(-shift, shift + 1, 2)
            picture = mv.Tensor(np.roll(x, move, axis=(1, 2)))
            f = net.capture(picture, [row])[row]
            g = np.roll(mv.backward(f, picture, seed=seed_of(f.value)), -move, axis=(1, 2))
            x = (x + rate * g / abs(g).mean()).clip(0, 255)
        if above is not None:
            detail = x - base
            x = above + zoom(detail, (1, above.shape[1] / base.shape[1], above.shape[2] / base.shape[2], 1), order=1)
    return x


by_energy = dream(net, photo, "relu3_2", lambda f: f)
by_mean = dream(net, photo, "relu3_2", lambda f: np.full_like(f, 1 / f.size))

# %% [markdown]
# ## A picture
#
# What must be seen: the cat is still there, and sharp. On it lie strokes in colours of their own, which follow
# its stripes and edges; the network of this lesson likes bright, steep strokes, and puts them where there was something
# like a stroke before. With the mean of the row, they also come up where there was not much. In the last picture there
# is one octave instead of three: its strokes have one size.

# %%
one_octave = dream(net, photo, "relu3_2", lambda f: f, octaves=1, steps=24)
mv.show(
    [photo[0], by_energy[0], by_mean[0], one_octave[0]],
    titles=["photograph", "slope = activation", "slope = 1/N, the mean", "activation, one octave"],
    columns=2,
    caption="A photograph, and what minivgg's row relu3_2 makes of it in 24 steps.",
    side=280,
)
assert all(np.corrcoef(photo.ravel(), made.ravel())[0, 1] > 0.7 for made in (by_energy, by_mean, one_octave))

# %% [markdown]
# Another row, and another photograph: each row dreams of what its units answer to. With VGG16 there are more kinds of
# things to be seen. The published pictures, with their dogs and eyes, are from a high row of a larger network
# (`inception_4c/output` of GoogLeNet), which had been trained on more than a hundred breeds of dogs.

# %%
other = mv.lesson_net(upto="relu3_3")
cup = mv.read_picture(data.coffee()[40:360:3, 120:440:3])[None]
pair = ("relu2_2", "relu3_3" if other.name == "vgg16" else "relu4_2")
mv.show(
    [cup[0], *(dream(other, cup, row, lambda f: f, octaves=2, steps=6)[0] for row in pair)],
    titles=["photograph", *(f"{other.name}, {row}" for row in pair)],
    caption="A cup of coffee, and what a lower and a higher row make of it, with 2 octaves of 6 steps.",
    side=216,
)

# %% [markdown]
# ## Is it a gradient?
#
# Lesson 2's question, in float64: nudge the picture in a random direction $v$, and compare the change of
# $\tfrac12 \sum f^2$ with $\langle g, v\rangle$, where $g$ is what the "hack" walks back.

# %%
exact = mv.load("minivgg", dtype="float64")
small = photo[:, 40:88, 40:88].astype(float)
v = np.random.default_rng(1).standard_normal(small.shape)
picture = mv.Tensor(small)
f = exact.capture(picture, ["relu3_2"])["relu3_2"]
hack = mv.backward(f, picture, seed=f.value)
up, down = (exact.capture(small + h * v, ["relu3_2"])["relu3_2"] for h in (1e-6, -1e-6))
nudged, walked = ((up**2).sum() - (down**2).sum()) / 2 / 2e-6, (hack * v).sum()
print(f"half the sum of squares changes by {nudged:.6f} per unit, the hack says {walked:.6f}")
assert np.isclose(nudged, walked, rtol=1e-6)

# %% [markdown]
# So it is the gradient of something, exactly. What it is not is the gradient of the row's *sum*. Other lectures write
# $\sum f_i^2$, without the half, or speak of the norm $\|f\|$: their slopes are $2f$ and $f/\|f\|$. Since the step is
# divided by the mean size of the slopes, all three take **the same step**. The mean of the row takes another.

# %%
length = np.sqrt((f.value**2).sum())
ways = {"sum of squares": 2 * f.value, "norm": f.value / length, "mean": np.full_like(f.value, 1 / f.value.size)}
for name, seed in ways.items():
    g = mv.backward(f, picture, seed=seed)
    alike = (g * hack).sum() / np.sqrt((g**2).sum() * (hack**2).sum())
    print(f"{name:<15}cosine with the hack's gradient {alike:.4f}")
    assert (alike > 1 - 1e-9) == (name != "mean")

# %% [markdown]
# ## Do the rich get richer?
#
# "Make the rich get richer" is how lectures describe the first version. It can be measured: of all the energy of the
# row, $\sum f_i^2$, how much is in the strongest hundredth of its units? If the saying holds, that share must grow, and
# with the mean, which pulls at all units alike, it need not. (What is rich matters: by whole channels the saying does
# not hold here. The strongest channel's share of the energy grows about as much under the mean. Try it.)

# %%
table = {}
for name, picture in (("photograph", photo), ("energy", by_energy), ("mean", by_mean)):
    squares = net.capture(picture, ["relu3_2"])["relu3_2"][0] ** 2
    ordered = np.sort(squares.ravel())[::-1]
    top = ordered[: ordered.size // 100].sum()
    table[name] = 0.5 * squares.sum(), top / squares.sum(), np.sqrt(squares).mean()
    print(f"{name:<11}energy {table[name][0]:>7.0f}, mean {table[name][2]:.3f}, strongest 1 %: {table[name][1]:.0%}")
assert table["energy"][0] > table["mean"][0] > table["photograph"][0]
assert table["mean"][2] > table["energy"][2] > table["photograph"][2]
assert table["energy"][1] > table["photograph"][1] > table["mean"][1]

# %% [markdown]
# Each version wins at what it climbs: energy, or mean. The saying holds for the first, a little. With the mean it is
# the poor who gain.

# %% [markdown]
# ## The library agrees
#
# `mv.deep_dream(net, photo, row)`, with the same numbers, is the loop above. (In float64: a dream is so steep that in
# float32 two programs that add in another order part after a dozen steps.)

# %%
mine = dream(exact, photo.astype(float), "relu3_2", lambda f: f, steps=3)
theirs = mv.deep_dream(exact, photo.astype(float), "relu3_2", preset="small", steps=3)
for _ in theirs:
    pass
print(f"9 steps in 3 octaves: the largest difference is {abs(theirs.picture - mine).max():.1e} grey levels")
assert np.allclose(theirs.picture, mine, atol=1e-6)

from minivis.objectives import energy

theirs = mv.ascend(exact, energy("relu3_2"), small, lr=1.5, step="mean-abs", steps=1)
after, score = next(theirs)
assert np.allclose(after, small + 1.5 * hack / abs(hack).mean(), atol=1e-9) and np.isclose(score[0], length**2 / 2)
print("In float64 one step is the same to nine digits, and the objective `energy` is half the sum of squares.")

# %% [markdown]
# ## What this does not show
#
# **What the network thinks is in the photograph.** A dream is the answer to "more of whatever", and it says more about
# the row than about the picture. A sanity check that can fail: compare with noise. Change the photograph by as much,
# pixel by pixel, but at random. If noise raised the energy as well, the strokes would mean nothing.

# %%
change = by_energy - photo
shuffled = np.random.default_rng(2).permutation(change.reshape(-1, 3)).reshape(change.shape)
with_noise = net.capture((photo + shuffled).clip(0, 255), ["relu3_2"])["relu3_2"]
print(
    f"energy: photograph {table['photograph'][0]:.0f}, dream {table['energy'][0]:.0f}, the same changes shuffled "
    f"{0.5 * (with_noise**2).sum():.0f}"
)
assert table["energy"][0] > 2 * 0.5 * (with_noise**2).sum()

# %% [markdown]
# And a second one: an untrained network dreams, too. It raises its energy as readily; but of what? Compare with the
# picture above.

# %%
untrained = mv.Net(net.architecture, mv.initial_weights(net.architecture, np.random.default_rng(0)))
nonsense = dream(untrained, photo, "relu3_2", lambda f: f)
first, last = (0.5 * (untrained.capture(x, ["relu3_2"])["relu3_2"] ** 2).sum() for x in (photo, nonsense))
mv.show(
    [by_energy[0], nonsense[0]],
    titles=["trained", "untrained"],
    caption="The same row of the same table, dreaming with trained and with random weights.",
    side=280,
)
print(f"energy of the untrained row: {first:.0f} before, {last:.0f} after")
assert last > 2 * first

# %% [markdown]
# **A wrong implementation.** It is easy to carry up the whole picture instead of the detail. The result is a dream like
# any other, only softer, and nobody misses what is gone: the photograph has been through the smallest octave, and its
# fine structure with it. The identity that exposes it: **with steps of length 0 the photograph must come out as it went
# in.**

# %%
nothing = dream(net, photo, "relu3_2", lambda f: f, steps=1, rate=0.0)
whole = photo
for _ in range(2):
    whole = zoom(
        whole,
        (1, round(whole.shape[1] / 1.4) / whole.shape[1], round(whole.shape[2] / 1.4) / whole.shape[2], 1),
        order=1,
    )
for _ in range(2):
    side = {71: 100, 100: 140}[whole.shape[1]]
    whole = zoom(whole, (1, side / whole.shape[1], side / whole.shape[2], 1), order=1)  # carried up as a whole
mv.show(
    [photo[0], nothing[0], whole[0]],
    titles=["photograph", "detail carried up", "all carried up"],
    caption="Three octaves of steps of length 0. If the whole picture is carried up, the photograph comes out blurred.",
    side=280,
)
print(f"changed by steps of length 0: {abs(nothing - photo).max():.4f} and {abs(whole - photo).max():.1f} grey levels")
assert np.allclose(nothing, photo, atol=1e-3) and abs(whole - photo).max() > 20

# %% [markdown]
# ## Exercises
#
# **1.** Four things to raise, and the slope of each at the row.


# %%
def dream_seed(f, aim):
    """Return the gradient, with respect to f, of what is to be raised: an array of the shape of f.

    f: activations, any shape, not all 0. aim: "half" for half the sum of squares, "squares" for the sum of squares,
    "norm" for the Euclidean norm, "mean" for the mean of all of f.
    """
    ...


mv.check(dream_seed)

# %% [markdown]
# **2.** One step of a dream, for a batch. Each picture must be treated as if it were alone.


# %%
def dream_step(x, g, rate):
    """Return pictures after one step: values change by `rate` on average, along g, and end within 0..255.

    x: (N, H, W, 3), RGB, 0..255. g: the gradients. Neither must be changed. A picture whose gradient is 0 stays.
    """
    ...


mv.check(dream_step)

# %% [markdown]
# **3.** From one octave to the next.


# %%
def next_octave(dreamt, bases, enlarge):
    """Return where the next octave starts.

    dreamt: the dream of the octave that is finished. bases: (small, large), the photograph in the size of the finished
    octave and of the next. enlarge: a function; enlarge(picture) is a picture in the size of the next octave.
    """
    ...


mv.check(next_octave)
