# %% [markdown]
# # 22 · Inversion
#
# **If all you were given is what a row says about a picture, which picture would you draw?**
#
# What comes back of the photograph is what the row has kept; what comes back otherwise is what it has forgotten, unless
# the search has failed. Telling those two apart is half of this lesson. It stands on lesson 2's identity, and climbs as
# lessons 18 and 19 did, downhill this time.

# %%
import numpy as np

import minivis as mv

net = mv.load("minivgg")

# %% [markdown]
# ## The idea
#
# Let $\Phi(x)$ be the numbers of a row, its **code** of the picture, and $\Phi_0$ that of a photograph. Mahendran and
# Vedaldi (2015) look for the picture with that code that is most like a picture,
#
# $$x^* = \arg\min_x\; \frac{\|\Phi(x) - \Phi_0\|^2}{\|\Phi_0\|^2} + R(x), \qquad
#   R = \lambda_\alpha \sum |z|^\alpha + \lambda_V \sum \left(d_{\downarrow}^2 + d_{\rightarrow}^2\right)^{\beta/2},
#   \qquad z = \frac{x - \text{mean colour}}{\sigma} .$$
#
# $R$ is needed because many pictures share a code. Its first part, with $\alpha = 6$, forbids glaring colours. In the
# second, the **total variation**, the $d$ are the differences of $z$ to the pixel below and to the right, 0 beyond the
# border; it asks for smoothness. $\sigma$ = 27098 is the mean length of a centred photograph of 227 x 227 pixels, and
# makes the constants independent of the units. From the authors' code: $\lambda_\alpha = 2.16 \cdot 10^8$,
# $\beta = 2$, and $\lambda_V$ = 0.5, 5 or 50 for low, middle and high rows.
#
# The slope of the first term at the row is $2(\Phi - \Phi_0)/\|\Phi_0\|^2$; that is all there is to walk back.

# %% [markdown]
# ## By hand
#
# Descent with **momentum**: each step keeps 0.9 of the one before. From noise as strong as a photograph, as in the
# authors' code.

# %%
row = "relu1_2"
photo = net.picture(mv.sample_picture())
face = photo[:, 16:80, 16:80].astype(float)
exact = mv.load("minivgg", dtype="float64")
code = exact.capture(face, [row])[row]

sigma, lambda_alpha, lambda_v = 27098.116, 4e-10 * 27098.116**4, 0.5
noise = np.random.default_rng(0).standard_normal(face.shape)
start = exact.mean_colour + 68.85 * noise / np.sqrt((noise**2).mean())

z, change, errors, way = (start - exact.mean_colour) / sigma, 0.0, [], []
for _ in range(60):
    picture = mv.Tensor(exact.mean_colour + sigma * z)
    f = exact.capture(picture, [row])[row]
    errors.append(np.sqrt(((f.value - code) ** 2).sum() / (code**2).sum()))
    g = sigma * mv.backward(f, picture, seed=2 * (f.value - code) / (code**2).sum())
    g += lambda_alpha * 6 * abs(z) ** 5 * np.sign(z)
    for axis in (1, 2):
        d = 2 * lambda_v * np.diff(z, axis=axis)  # each difference pulls its two ends together
        g -= np.diff(d, axis=axis, prepend=0, append=0)
    change = 0.9 * change - 0.004 * g
    z = z + change
    way.append(exact.mean_colour + sigma * z)
by_hand = way[-1]
print(f"relative error of the code: {errors[0]:.2f} at the start, {errors[-1]:.2f} after 60 steps")
assert errors[-1] < 0.5 * errors[0]

# %% [markdown]
# ## A picture
#
# What must be seen: the face, out of nothing but 16 maps, and nothing of the noise. Dark parts have streaks of other
# colours. (The authors take 400 steps, with smaller rates later on.)

# %%
mv.show(
    [face[0], start[0], by_hand[0]],
    titles=["photograph", "start", "same code, nearly"],
    caption=f"Inversion of {row}: a photograph, the noise that the descent starts from, and the result of 60 steps.",
    side=192,
)
plain = np.corrcoef(by_hand.ravel(), face.ravel())[0, 1]
print(f"correlation with the photograph: start {np.corrcoef(start.ravel(), face.ravel())[0, 1]:.2f}, now {plain:.2f}")
assert plain > 0.6

# %% [markdown]
# ## Row by row
#
# "As we go down the layers, unnecessary information is discarded", say some lectures. Here is the whole way down, up to
# the scores. The search is another one, faster for rows that see much: instead of pixels it climbs Fourier coefficients
# (lesson 19), which prefer large shapes, and so take the place of $R$; its numbers are ours. What must be seen: the
# colours of plain areas go first; at `relu3_2` the collar and a few outlines are left; and from the scores, eight
# numbers, comes nothing that looks like a face.

# %%
from minivis.objectives import match, total_variation

noise = np.random.default_rng(1).standard_normal(photo.shape).astype("float32")
grey_noise = net.mean_colour + 10 * noise
rows = ("relu1_2", "relu2_2", "relu3_2", "relu4_2", "relu7", "fc8")
found, in_code, in_pixels = {}, {}, {}
for name in rows:
    wanted = net.capture(photo, [name])[name]
    search = mv.ascend(
        net, match(name, wanted, "relative"), grey_noise, lr=0.1, step="adam", parametrisation="fourier", steps=40
    )
    for _ in search:
        pass
    found[name] = search.picture
    again = net.capture(search.picture, [name])[name]
    in_code[name] = np.sqrt(((again - wanted) ** 2).sum() / (wanted**2).sum())
    in_pixels[name] = np.sqrt(((search.picture - photo) ** 2).mean())
    print(f"{name}: relative error of the code {in_code[name]:.2f}, of the pixels {in_pixels[name]:.0f} grey levels")
mv.show(
    [photo[0], *(found[name][0] for name in rows)],
    titles=["photograph", *(f"from {name}" for name in rows)],
    columns=4,
    caption="Pictures found from the code of each row of minivgg alone, after 40 steps each from the same faint noise.",
    side=192,
)
assert in_pixels["relu1_2"] < in_pixels["relu2_2"] < in_pixels["relu4_2"]

# %% [markdown]
# ## Regularisation matters
#
# Pixels again, one row, and four strengths of $R$ from the same faint noise. What must be seen: without it, the picture
# is full of specks, which the row hardly sees, and which therefore stay. With it they go, and the face comes out. With
# too much of it the picture is smooth and pale, and the code is farther off. The authors' strengths belong to pictures
# of 227 x 227; this one is 64 x 64, and rougher, pixel for pixel: for this row, face and seed ten times as much does
# more good than one.

# %%
from minivis.objectives import alpha_norm

penalty = lambda_alpha / sigma**6 * alpha_norm(6) + lambda_v / sigma**2 * total_variation()  # R, of x instead of z
small, faint = face.astype("float32"), grey_noise[:, :64, :64]
wanted = net.capture(small, ["relu2_2"])["relu2_2"]
made, miss, apart, variation = {}, {}, {}, {}
for strength in (0, 1, 10, 100):
    search = mv.ascend(
        net,
        match("relu2_2", wanted, "relative") - strength * penalty,
        faint,
        lr=10.0,
        step="adam",
        after=[mv.clip_to_range()],
        steps=60,
    )
    for _ in search:
        pass
    made[strength] = search.picture
    again = net.capture(search.picture, ["relu2_2"])["relu2_2"]
    miss[strength] = np.sqrt(((again - wanted) ** 2).sum() / (wanted**2).sum())
    apart[strength] = np.sqrt(((search.picture - small) ** 2).mean())
    variation[strength] = total_variation()(net, search.picture)[0]
    print(
        f"strength {strength:>3}: relative error of the code {miss[strength]:.2f}, of the pixels {apart[strength]:.0f} "
        f"grey levels, total variation {variation[strength]:.1e}"
    )
mv.show(
    [small[0], *(x[0] for x in made.values())],
    titles=["photograph", *(f"strength {strength}" for strength in made)],
    caption="Inversion of relu2_2 with the regulariser left out, with the authors' constants, and with ten and a "
    "hundred times as much; 60 steps.",
    side=160,
)
assert variation[0] > variation[1] > variation[10] > variation[100]
assert apart[10] < apart[0] and miss[100] > miss[10]

# %% [markdown]
# ## The library agrees
#
# `mv.invert(net, x, row, preset)`: "mahendran" has the authors' numbers.

# %%
theirs = mv.invert(exact, face, row, preset="mahendran", start=start, steps=15)
for _ in theirs:
    pass
print(f"15 steps from the same noise: the largest difference is {abs(theirs.picture - way[14]).max():.1e} grey levels")
assert np.allclose(theirs.picture, way[14], atol=1e-6)

# %% [markdown]
# ## What this does not show
#
# **Forgotten, or not found?** A search that stops early looks like a row that forgets. The photograph itself always has
# code error 0, so the search has failed wherever it ends above 0, a little. The check: change the photograph by *as
# much*, at random, by the same differences shuffled. If the code then is farther off than the found picture's, the row
# has not seen most of the difference that the search left; if it is not, nothing has been shown about the row.

# %%
for name in rows[:4]:
    difference = np.random.default_rng(2).permutation((found[name] - photo).reshape(-1, 3)).reshape(photo.shape)
    wanted = net.capture(photo, [name])[name]
    shuffled = net.capture(photo + difference, [name])[name]
    far = np.sqrt(((shuffled - wanted) ** 2).sum() / (wanted**2).sum())
    print(f"{name}: code error {in_code[name]:.2f} for what was found, {far:.2f} for as large a change, shuffled")
    assert far > 1.5 * in_code[name]

# %% [markdown]
# There is one case where forgetting needs no search. `fc6` turns the 4,608 numbers of `pool4` into 256. By linear
# algebra at least 4,352 directions of `pool4` do not reach it at all: its **null space**. We change `pool4` along one
# of them, by as much as it is long.

# %%
pool4 = exact.capture(photo.astype(float), ["pool4"])["pool4"].ravel()
kernel, bias = exact.weights["fc6"]["kernel"], exact.weights["fc6"]["bias"]
seen, _ = np.linalg.qr(kernel)  # 256 directions that span all that fc6 sees
hidden = np.random.default_rng(3).standard_normal(pool4.size)
hidden -= seen @ (seen.T @ hidden)
hidden *= np.sqrt((pool4**2).sum() / (hidden**2).sum())
before, after = pool4 @ kernel + bias, (pool4 + hidden) @ kernel + bias
print(f"pool4 changed by 100 % of its length, fc6 by {np.sqrt(((after - before) ** 2).sum() / (before**2).sum()):.0e}")
assert np.allclose(before, after, atol=1e-9 * abs(before).max())

# %% [markdown]
# **A good inversion is no sign of learning.** Random filters keep a picture, too. A check that could have shown the
# opposite: the same search for the second block of an untrained network.

# %%
untrained = mv.Net(net.architecture, mv.initial_weights(net.architecture, np.random.default_rng(0)))
wanted = untrained.capture(photo, ["relu2_2"])["relu2_2"]
search = mv.ascend(
    untrained,
    match("relu2_2", wanted, "relative"),
    grey_noise,
    lr=0.1,
    step="adam",
    parametrisation="fourier",
    steps=40,
)
for _ in search:
    pass
random_error = np.sqrt(((search.picture - photo) ** 2).mean())
mv.show(
    [photo[0], found["relu2_2"][0], search.picture[0]],
    titles=["photograph", "relu2_2, trained", "relu2_2, untrained"],
    caption="Inversion of the same row with trained and with random weights.",
    side=192,
)
print(f"error of the pixels: trained {in_pixels['relu2_2']:.0f}, untrained {random_error:.0f} grey levels")
assert random_error < in_pixels["relu2_2"] + 10

# %% [markdown]
# **A wrong implementation**, or rather a wrong habit. Published programs carry $\lambda$ from one scale of pixels to
# another, 0..1 or 0..255 or divided by a standard deviation, and leave out $\sigma$, which is there to prevent it. The
# identity that exposes it: **the penalty of one picture must not depend on the units that it is written in.**

# %%
centred = face - exact.mean_colour
for alpha, weight in ((2, 1.0), (6, 1.0)):
    here, there = weight * (abs(centred) ** alpha).sum(), weight * (abs(centred / 255) ** alpha).sum()
    by_sigma = weight * (abs((centred / 255) / (sigma / 255)) ** alpha).sum()
    print(f"alpha {alpha}: 0..255 gives {here:.1e}, 0..1 gives {there:.1e}, a factor of {here / there:.1e}")
    assert np.isclose(by_sigma, weight * (abs(centred / sigma) ** alpha).sum()) and not np.isclose(here, there)

# %% [markdown]
# Nor is "total variation" one thing. Five that are in use, of one picture, each by its usual formula:

# %%
for variant in ("mahendran", "keras-vis", "l1", "squared", "neural-style"):
    print(f"{variant:<13}{float(total_variation(variant=variant)(exact, face)[0]):>14,.1f}")

# %% [markdown]
# (With $\beta = 2$ the first and the fourth are the same, as they must be.) A weight for one of them means nothing for
# another. And a power $\alpha$ that is odd needs the $|\cdot|$: without it, darker than grey is rewarded without end.

# %% [markdown]
# ## Exercises
#
# **1.** The slope of the total variation, for one colour and $\beta = 2$.


# %%
def variation_gradient(x):
    """Return the gradient, with respect to x (H, W), of the sum of all squared differences of neighbours.

    Neighbours are pixels one below, or one to the right of, the other; each pair counts once.
    """
    ...


mv.check(variation_gradient)

# %% [markdown]
# **2.** The other part of $R$, for any power above 1, odd ones too.


# %%
def power_penalty(z, alpha):
    """Return (value, gradient) of the sum of |z| to the power alpha. z: an array of any shape; alpha > 1."""
    ...


mv.check(power_penalty)

# %% [markdown]
# **3.** Inversion without a search. A linear row has the code $A x$. Of all pictures with the code of the photograph,
# which one is nearest to where we start?


# %%
def nearest_with_the_code(matrix, photo, start):
    """Return the y nearest to `start` (Euclidean) with matrix @ y = matrix @ photo.

    matrix: (m, n), m < n, with rows that are linearly independent. photo, start: (n,).
    """
    ...


mv.check(nearest_with_the_code)
