# %% [markdown]
# # 30 · How fast is it, and why
#
# **How can a convolution be computed with a quarter of its multiplications, and how do you measure that honestly?**
#
# Lesson 3 wrote the convolution as one sum. This lesson computes the same sum with fewer multiplications, by a trick
# that is older than convolutional networks, and then asks what a claim such as "twice as fast" is worth.

# %%
import time

import numpy as np

import minivis as mv

# %% [markdown]
# ## The idea
#
# Slide a filter of three taps over four numbers: two results, and by the definition six multiplications.
#
# $$y_0 = d_0 g_0 + d_1 g_1 + d_2 g_2, \qquad y_1 = d_1 g_0 + d_2 g_1 + d_3 g_2 .$$
#
# The two sums share $d_1$ and $d_2$. Winograd found that four products are enough:
#
# $$m_1 = (d_0 - d_2)\, g_0, \quad m_2 = (d_1 + d_2)\,\tfrac{g_0 + g_1 + g_2}{2}, \quad
#   m_3 = (d_2 - d_1)\,\tfrac{g_0 - g_1 + g_2}{2}, \quad m_4 = (d_1 - d_3)\, g_2,$$
#
# $$y_0 = m_1 + m_2 + m_3, \qquad y_1 = m_2 - m_3 - m_4 .$$
#
# Multiply it out: it is the same. As matrices, with $\odot$ for the product element by element,
#
# $$y = A^\mathsf{T} \big[ (G g) \odot (B^\mathsf{T} d) \big].$$
#
# In two directions the trick is used twice: a tile of $4 \times 4$ numbers gives $2 \times 2$ results by 16
# products in place of 36. Lavin and Gray (2016, arXiv:1509.09308) brought this to convolutional networks. Two things
# make it pay there. The kernel's part, $G g G^\mathsf{T}$, is computed once and used at every place. And the sum over
# the channels can be taken *before* going back: so the 16 products become 16 matrix products, the one thing that a
# computer does at full speed.

# %% [markdown]
# ## By hand
#
# The three matrices, read off the formulas above, and the convolution: cut into tiles, transform, multiply, go back.

# %%
B_T = np.array([[1.0, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]])
G = np.array([[1.0, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
A_T = np.array([[1.0, 1, 1, 0], [0, 1, -1, -1]])


def winograd(x, kernel):
    """A 3x3 convolution with padding 1: x (H, W, C) with even H and W, kernel (3, 3, C, K)."""
    height, width, channels = x.shape
    dtype = x.dtype
    b_t, g_, a_t = B_T.astype(dtype), G.astype(dtype), A_T.astype(dtype)
    padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
    tiles = np.empty((4, 4, height // 2, width // 2, channels), dtype)
    for i in range(4):
        for j in range(4):
            tiles[i, j] = padded[i : i + height : 2, j : j + width : 2]  # element (i, j) of every tile
    d = np.einsum("ai,bj,ijyxc->abyxc", b_t, b_t, tiles, optimize=True)
    u = np.einsum("ai,bj,ijck->abck", g_, g_, kernel, optimize=True)
    m = d.reshape(4, 4, -1, channels) @ u  # 16 matrix products: (tiles, C) by (C, K)
    y = np.einsum("ia,jb,abtk->ijtk", a_t, a_t, m, optimize=True).reshape(2, 2, height // 2, width // 2, -1)
    return y.transpose(2, 0, 3, 1, 4).reshape(height, width, -1)


rng = np.random.default_rng(0)
x, kernel = rng.normal(size=(8, 6, 3)), rng.normal(size=(3, 3, 3, 5))
direct = np.zeros((8, 6, 5))
padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
for a in range(3):
    for b in range(3):
        direct += padded[a : a + 8, b : b + 6] @ kernel[a, b]
print("largest difference from the definition:", np.abs(winograd(x, kernel) - direct).max())
assert np.allclose(winograd(x, kernel), direct, atol=1e-12)

# %% [markdown]
# ## How many products, and how exact
#
# Larger tiles need fewer products still: a tile of $(m + 2) \times (m + 2)$ numbers gives $m \times m$ results. But the
# matrices get larger entries, for $m = 4$ up to 8, and numbers that are multiplied and then cancelled lose digits.
# First the count, then the loss for $m = 2$, in the 24 bits of a float32.

# %%
sides = np.arange(1, 9)
products = (sides + 2) ** 2 / sides**2
mv.plot(
    {"products per result": (sides, products)},
    xlabel="results per side of a tile, m",
    ylabel="products per result and channel",
    caption="A 3x3 convolution has 9 products per result (m = 1: no trick at all). m = 2 needs 4, m = 4 needs 2.25, a "
    "quarter of 9; from there little is to be gained. The additions of the transforms are not counted, and grow.",
)
assert products[0] == 9 and products[1] == 4 and products[3] == 2.25

x32 = rng.normal(size=(64, 64, 32)).astype("float32")
k32 = (rng.normal(size=(3, 3, 32, 32)) / 17).astype("float32")
exact = mv.conv2d(x32[None].astype("float64"), k32.astype("float64"), padding=1)[0]
by_definition = mv.conv2d(x32[None], k32, padding=1)[0]
errors = {
    "by the definition": np.abs(by_definition - exact).max() / np.abs(exact).max(),
    "by tiles, m = 2": np.abs(winograd(x32, k32) - exact).max() / np.abs(exact).max(),
}
for name, error in errors.items():
    print(f"{name:<20} largest error {error:.1e} of the largest value")
assert all(error < 1e-5 for error in errors.values())

# %% [markdown]
# ## The library agrees
#
# minivis uses $m = 4$ inside its networks, for float32 and kernels of $3 \times 3$; `mv.conv2d` on its own is the
# convolution of lesson 3. So the same layer can be computed both ways: by the network, and by hand with the network's
# own weights. Each way runs seven times, in turns, after once to warm up, and what counts is the *median*.

# %%
net = mv.lesson_net(upto="relu3_2")
maps = net.capture(net.picture(mv.sample_picture(), size=384), ["relu3_1"])["relu3_1"]
weights = net.weights["conv3_2"]


def by_network():
    return net.capture({"relu3_1": maps}, ["conv3_2"])["conv3_2"]


def by_lesson_3():
    return mv.conv2d(maps, weights["kernel"], weights["bias"], padding=1)


fast, readable = by_network(), by_lesson_3()
seconds = {by_network: [], by_lesson_3: []}
for _ in range(7):
    for way, times in seconds.items():
        start = time.perf_counter()
        way()
        times.append(time.perf_counter() - start)
for way, times in seconds.items():
    low, middle, high = (1e3 * f(times) for f in (min, np.median, max))
    print(f"{way.__name__:<12} median {middle:.2f} ms, from {low:.2f} to {high:.2f}")
print(f"ratio {np.median(seconds[by_network]) / np.median(seconds[by_lesson_3]):.2f} for {maps.shape[1:]}")

difference = np.abs(fast - readable).max() / np.abs(readable).max()
print(f"largest difference {difference:.1e} of the largest value")
assert difference < 1e-4

# %% [markdown]
# The two results are equal to float32's precision; the times are whatever your machine gave. They are printed and not
# asserted: a program that is right is right on a slow day as well.

# %% [markdown]
# ## What this does not show
#
# **Equal is not identical.** The two ways round differently, in the last digits. For a forward pass nothing follows
# from that. But a gradient passes ReLUs, and a ReLU whose input is nearly zero may open in one and stay closed in the
# other: then a part of the gradient is there or is not. The deeper the network and the larger the picture, the more
# such ReLUs there are; then two gradients that are both right differ at single pixels, and a comparison must ask for
# the *typical* difference. In a small network it may not happen at all. Count the flips before you look:

# %%
photo = mv.sample_picture()
small, exact_net = mv.load("minivgg"), mv.load("minivgg", dtype="float64")
g32 = mv.gradient(small, small.picture(photo), "person")
g64 = mv.gradient(exact_net, exact_net.picture(photo), "person")
apart = np.abs(g32 - g64)
relus = [name for name in small.names if name.startswith("relu")]
open32, open64 = (n.capture(n.picture(photo), relus) for n in (small, exact_net))
flips = sum(int(((open32[name] > 0) != (open64[name] > 0)).sum()) for name in relus)
print(f"ReLUs that are open in one and closed in the other: {flips} of {sum(a.size for a in open64.values()):,}")
print(f"gradient, float32 with tiles against float64 by the definition: median difference {np.median(apart):.1e}, ")
print(f"largest {apart.max():.1e}; the gradient itself reaches {np.abs(g64).max():.1e}")
cosine = (g32 * g64).sum() / np.linalg.norm(g32) / np.linalg.norm(g64)
assert cosine > 0.97

mv.show(
    [mv.signed(g64[0]), mv.signed(g32[0]), mv.grey(apart[0].max(-1))],
    titles=["float64, by the definition", "float32, by tiles", "where they differ"],
    caption="The gradient of 'person' for the portrait, twice, and the difference on a scale of its own, bright where "
    f"it is largest. The cosine of the two gradients is {cosine:.6f}.",
)

# %% [markdown]
# **A wrong implementation.** On the way back, the gradient of the input is a convolution with the kernel *turned* by
# 180 degrees and its channels exchanged. Forgetting to turn it is a mistake that shapes do not notice: the result has
# the right size, and for symmetric kernels even the right values. The adjoint identity of lesson 3,
# $\langle A x, g \rangle = \langle x, A^\mathsf{T} g \rangle$, notices.

# %%
x, kernel = rng.normal(size=(8, 6, 3)), rng.normal(size=(3, 3, 3, 5))
g = rng.normal(size=(8, 6, 5))
left = (winograd(x, kernel) * g).sum()
right = (x * winograd(g, kernel[::-1, ::-1].transpose(0, 1, 3, 2))).sum()
wrong = (x * winograd(g, kernel.transpose(0, 1, 3, 2))).sum()
print(f"<Ax, g> = {left:.6f}   <x, A'g> = {right:.6f}   with the kernel not turned: {wrong:.6f}")
assert np.isclose(left, right) and not np.isclose(left, wrong)

# %% [markdown]
# **A fast layer is not a fast network.** The tiles gain where there are many channels and many places. Where there are
# few of either, the transforms cost more than they save: with 16 channels minivis stays with lesson 3. And the products
# are not all: reading the weights of a fully connected layer takes as long as its products. That is why a claim of
# speed names the machine, the threads, the sizes, both versions, and comes with the program that measured it: minivis
# has `benchmarks/run.py`.

# %% [markdown]
# ## Exercises
#
# **1.** The trick itself, in one direction. Each product of a number made of the $d$ with a number made of the $g$
# counts; you have four. (Adding, and multiplying by constants such as 0.5, is free.)


# %%
def two_results(d, g):
    """Return (y0, y1): the filter g = (g0, g1, g2) slid over d = (d0, d1, d2, d3), by four products of d's and g's."""
    ...


mv.check(two_results)

# %% [markdown]
# **2.** How much is saved by tiles of $m \times m$ results, for a filter of $r \times r$, when the maps have
# `height` times `width` places? Tiles that overhang the edge are computed whole, so count them whole.


# %%
def share_of_products(height, width, m, r):
    """Return products by tiles / products by the definition (r * r per place), for one channel; a number."""
    ...


mv.check(share_of_products)

# %% [markdown]
# **3.** Two systems were measured in turns, each `ours[i]` just before `theirs[i]`. The first pair of runs is the
# warm-up. Report one number that a single slow run on either side cannot spoil.


# %%
def reported_ratio(ours, theirs):
    """Return the median of our seconds over the median of theirs, the first run of each left out; a number."""
    ...


mv.check(reported_ratio)
