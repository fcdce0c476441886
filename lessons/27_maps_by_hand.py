# %% [markdown]
# # 27 · PCA, t-SNE and Isomap by hand
#
# **How are points of 64 dimensions, or 4,096, drawn on paper, and which part of the drawing may be believed?**
#
# Lesson 26 asked which points are near to one point. A **map** shows all at once: each point gets a place in the plane,
# and what is near should stay near. That cannot be had for all distances together, so every way to make a map keeps
# something and gives up the rest. You will build three that keep different things, and find out what each gives up.

# %%
import numpy as np
from sklearn.datasets import load_digits

import minivis as mv

# %% [markdown]
# ## The idea
#
# **Principal components** (PCA; Pearson 1901, Hotelling 1933) keep as much *variance* as two straight axes can. Move
# the points $X$, one per row, so that their mean is 0. The singular value decomposition writes them as
# $X = U S V^\top$; the first two columns of $V$ are the axes, and the map is
#
# $$Y = X\, V_{1..2}, \qquad \text{variance along axis } k:\; S_k^2 / (N - 1).$$
#
# **t-SNE** (van der Maaten and Hinton 2008) keeps *who is near whom*. Each point picks another as its neighbour with
# a probability that falls with their distance, in space ($p$) and on the map ($q$):
#
# $$p_{j|i} = \frac{e^{-\beta_i \lVert x_i - x_j \rVert^2}}{\sum_{k \ne i} e^{-\beta_i \lVert x_i - x_k \rVert^2}},
#   \quad p_{ij} = \frac{p_{j|i} + p_{i|j}}{2N}, \qquad
#   q_{ij} = \frac{w_{ij}}{\sum_{k \ne l} w_{kl}}, \quad w_{ij} = \frac{1}{1 + \lVert y_i - y_j \rVert^2}.$$
#
# Each $\beta_i$ is chosen so that the choice of point $i$ is as open as one among a fixed number of equally near
# points, the **perplexity**: the entropy of $p_{\cdot|i}$ is its logarithm. So every point has neighbours, in dense
# places and in sparse ones. The map then descends the gradient of the *Kullback-Leibler divergence*
# $C = \sum p_{ij} \log(p_{ij} / q_{ij})$,
#
# $$\frac{\partial C}{\partial y_i} = 4 \sum_j (p_{ij} - q_{ij})\, w_{ij}\, (y_i - y_j) :$$
#
# who is further than $p$ wants is pulled, who is nearer is pushed away.
#
# **Isomap** (Tenenbaum, de Silva and Langford 2000) keeps *distances along the sheet* on which the points lie, as a
# walker would measure them and not as a bird: join each point to its $k$ nearest, take the shortest path through the
# joints as the distance $D$, and find places with these distances. That last step is *classical scaling*: with the row
# and column means taken out, $-D^2 / 2$ is the matrix of inner products of the places, and its eigenvectors, times the
# roots of the eigenvalues, are the places.

# %% [markdown]
# ## By hand
#
# The points: 400 written digits of 8 x 8 pixels, which come with scikit-learn. First PCA.

# %%
digits = load_digits()
points, labels = digits.data[:400], digits.target[:400]

centred = points - points.mean(0)
_, sizes, axes = np.linalg.svd(centred, full_matrices=False)
by_pca = centred @ axes[:2].T
share = sizes**2 / (sizes**2).sum()
print(f"share of the variance: axis 1 {share[0]:.3f}, axis 2 {share[1]:.3f}, the other 62 {share[2:].sum():.3f}")

# %% [markdown]
# Now t-SNE. Each $\beta_i$ by bisection, for all points at once: where the entropy is too high, $\beta$ must grow.

# %%
squared = ((points[:, None] - points) ** 2).sum(-1)
np.fill_diagonal(squared, np.inf)  # nobody picks itself
gap = squared - squared.min(1, keepdims=True)  # the same probabilities, and no underflow
low, high = np.full((400, 1), -20.0), np.full((400, 1), 5.0)  # bounds of log beta
for _ in range(60):
    middle = (low + high) / 2
    p = np.exp(-np.exp(middle) * gap)
    p /= p.sum(1, keepdims=True)
    entropy = -(p * np.log(np.where(p > 0, p, 1))).sum(1, keepdims=True)
    low, high = np.where(entropy > np.log(30), middle, low), np.where(entropy > np.log(30), high, middle)
p = (p + p.T) / (2 * 400)

# %% [markdown]
# Then the descent. It starts from the PCA map, shrunk to almost a point. Momentum, a rate of its own for each
# coordinate (a *gain*, which grows while its gradient keeps its sign), and *early exaggeration*, which multiplies all
# $p$ by 12 for 250 steps so that groups form while there is room: these are how programs descend, and the numbers are
# theirs (scikit-learn's), not part of the idea.

# %%
y = by_pca / by_pca[:, 0].std() * 1e-4
update, gains, by_tsne = np.zeros_like(y), np.ones_like(y), {}
for step in range(1, 501):
    if step == 251:
        update, gains = np.zeros_like(y), np.ones_like(y)
    lengths = (y**2).sum(1)
    w = 1 / (1 + lengths[:, None] + lengths - 2 * y @ y.T)  # lesson 26's product
    np.fill_diagonal(w, 0)
    force = ((12 if step <= 250 else 1) * p - w / w.sum()) * w
    slope = 4 * (force.sum(1, keepdims=True) * y - force @ y)  # the sum over j of force_ij (y_i - y_j)
    gains = np.maximum(np.where(slope * update < 0, gains + 0.2, gains * 0.8), 0.01)
    update = (0.5 if step <= 250 else 0.8) * update - 50 * gains * slope
    y = y + update
    if step in (20, 100, 250, 500):
        by_tsne[step] = y

# %% [markdown]
# And Isomap. The loop over `via` is the whole of the shortest paths: for each point in turn, see whether a way through
# it is shorter than the way known so far (Floyd and Warshall, 1962).

# %%
nearest = squared.argsort(axis=1, kind="stable")[:, :10]
each = np.arange(400)[:, None]
paths = np.full((400, 400), np.inf)
paths[each, nearest] = np.sqrt(squared[each, nearest])
paths = np.minimum(paths, paths.T)  # a joint may be walked both ways
np.fill_diagonal(paths, 0)
for via in range(400):
    paths = np.minimum(paths, paths[:, via : via + 1] + paths[via])

products = -(paths**2) / 2
products -= products.mean(0)
products -= products.mean(1, keepdims=True)
values, vectors = np.linalg.eigh(products)  # smallest first
by_isomap = vectors[:, :-3:-1] * np.sqrt(values[:-3:-1])

# %% [markdown]
# ## Three maps of the same points
#
# No map was told the labels; they only choose the colours. PCA must lay digits over each other, for two axes of 64 keep
# less than a third of the variance. t-SNE should show groups with gaps between them, each mostly of one digit (though a
# digit may have two groups). Isomap is in between.

# %%
maps = {"PCA": by_pca, "t-SNE": by_tsne[500], "Isomap": by_isomap}
for name, places in maps.items():
    mv.plot(
        {str(digit): tuple(places[labels == digit].T) for digit in range(10)},
        xlabel=f"{name}, axis 1",
        ylabel=f"{name}, axis 2",
        dots=True,
        caption=f"400 written digits by {name}: each dot is a picture, each colour and shape a digit.",
    )

agree = {}
for name, places in {"64 dimensions": points, **maps}.items():
    index = mv.nearest_neighbours(places, 5).index
    agree[name] = (labels[index] == labels[:, None]).mean()
    print(f"{name:<14} share of the 5 nearest that are the same digit: {agree[name]:.3f}")
assert agree["t-SNE"] > 0.95 > agree["Isomap"] > agree["PCA"]

# %% [markdown]
# The last number of lesson 26, now for maps. It is the sanity check for every map with groups: count neighbours in the
# *space* as well. Here the groups are there, in 64 dimensions.
#
# How a t-SNE map forms: under exaggeration each group is drawn together, while the whole map is still small; then it is
# let go, and spreads. Here it is half way. The groups are there already, but packed.

# %%
mv.plot(
    {str(digit): tuple(by_tsne[100][labels == digit].T) for digit in range(10)},
    xlabel="t-SNE after 100 steps, axis 1",
    ylabel="t-SNE after 100 steps, axis 2",
    dots=True,
    caption="The same 400 digits, after 100 steps of 500: each group is drawn together, in threads.",
)
print("the width of the map, by steps:", {step: f"{np.ptp(places[:, 0]):.2g}" for step, places in by_tsne.items()})

# %% [markdown]
# ## A sheet of pictures
#
# Dots hide what they stand for. In lectures, such maps are often drawn as a grid, in each cell the picture whose place
# is nearest. Neighbouring cells should look alike, not only between digits but within: slanted ones beside slanted.

# %%
cells = mv.picture_grid(by_tsne[500], 22)
inked = 255 - 255 / 16 * np.repeat(digits.images[:400, :, :, None], 3, axis=3)
mv.show(
    mv.tile(inked[cells.ravel()], 22),
    caption="The t-SNE map as a grid of 22 x 22 cells, each with the picture nearest to its place; some stand in "
    "several cells.",
    side=528,
)

# %% [markdown]
# ## Codes
#
# The points may as well be codes, and that is what these maps are mostly used for. The faces of lesson 26, once by the
# 12,288 numbers of their pixels, once by the 16 of the hidden layer. In pixels, people overlap. In codes, Ada, Ben and
# Cora should stand alone; the other three share a group, so there is work left for the last row.

# %%
faces = mv.synthetic_faces(20, part="test")
net = mv.load("faces-mlp")
codes = net.capture(faces.pictures.astype("float32"), ["relu1"])["relu1"]
for name, given in (("pixels", faces.pictures.reshape(120, -1)), ("codes", codes)):
    places = mv.tsne(given, perplexity=20, steps=500)
    mv.plot(
        {person: tuple(places[faces.labels == i].T) for i, person in enumerate(faces.names)},
        xlabel="t-SNE, axis 1",
        ylabel="t-SNE, axis 2",
        dots=True,
        caption=f"120 drawn faces by the t-SNE map of their {name}.",
    )

# %% [markdown]
# ## The library agrees
#
# PCA up to the sign of each axis, which is anybody's choice. The probabilities of t-SNE, and its first 20 steps, to the
# last digits; after 500 steps two programs that round differently stand at different maps, equally good ones. Isomap's
# paths and places, again up to signs.

# %%
theirs = mv.pca(points, 2)
assert np.allclose(np.abs(theirs.transform(points)), np.abs(by_pca)) and np.allclose(theirs.share, share[:2])

assert np.allclose(mv.affinities(points, 30), p, rtol=1e-6, atol=1e-12)
start = by_pca / by_pca[:, 0].std() * 1e-4
descent = mv.tsne_steps(mv.affinities(points, 30), start, steps=500, every=20)
_, places, divergence = next(descent)
assert np.allclose(places, by_tsne[20], rtol=0, atol=1e-8)
*_, (_, _, divergence) = descent  # to the end
w = 1 / (1 + ((y[:, None] - y) ** 2).sum(-1))
np.fill_diagonal(w, 0)
mine = (p * np.log(np.where(p > 0, p, 1) * w.sum() / np.where(w > 0, w, 1))).sum()
print(f"divergence after 500 steps: by hand {mine:.3f}, by the library {divergence:.3f}")
assert abs(mine - divergence) < 0.05

found = mv.isomap(points, k=10)
assert np.allclose(found.distances, paths) and np.allclose(np.abs(found.embedding), np.abs(by_isomap))
print("PCA, the affinities, the first steps of t-SNE, and Isomap are those of the library.")

# %% [markdown]
# ## What this does not show
#
# **A known answer: a rolled sheet.** 500 points on a sheet of paper that is rolled up. PCA looks at the roll from the
# side. Isomap should unroll it: its first axis must be the length along the paper. But take too many neighbours, and
# one joint from a layer of the roll to the next is a short cut that all paths use.

# %%
rng = np.random.default_rng(0)
turn, across = rng.uniform(1.5 * np.pi, 4.5 * np.pi, 500), rng.uniform(0, 15, 500)
roll = np.stack([turn * np.cos(turn), across, turn * np.sin(turn)], axis=1)
along = (turn * np.sqrt(1 + turn**2) + np.arcsinh(turn)) / 2  # the length of the spiral

unrolled = {"PCA": mv.pca(roll, 2).transform(roll)}
unrolled |= {f"Isomap, {k} neighbours": mv.isomap(roll, k=k).embedding for k in (10, 20)}
order = along.argsort()
kept = {}
for name, places in unrolled.items():
    kept[name] = abs(np.corrcoef(along, places[:, 0])[0, 1])
    print(f"{name:<22} correlation of axis 1 with the length along the paper: {kept[name]:.3f}")
mv.plot(
    {name: (along, places[:, 0] / np.abs(places[:, 0]).max()) for name, places in unrolled.items()},
    xlabel="length along the paper, known",
    ylabel="axis 1 of the map, largest = 1",
    dots=True,
    caption="A rolled sheet of 500 points. Isomap with 10 neighbours gives a straight line: the sheet is unrolled. "
    "With 20 it takes short cuts between the layers, and PCA sees the roll from the side.",
)
assert kept["Isomap, 10 neighbours"] > 0.999 > 0.6 > max(kept["PCA"], kept["Isomap, 20 neighbours"])

# %% [markdown]
# **Sizes and distances on a t-SNE map mean nothing.** Three round clouds in 10 dimensions: the first ten times as wide
# as the others, the third nine times as far from the second as that is from the first. On the map all three should have
# about one size, and stand about equally far apart. Each point has its own $\beta$, so widths are evened out; and once
# $p$ is nearly 0, how far away is "far" is nobody's concern.

# %%
clouds = rng.normal(size=(3, 60, 10)) * np.array([1, 0.1, 0.1])[:, None, None]
clouds[1, :, 0] += 8
clouds[2, :, 0] += 80
places = mv.tsne(clouds.reshape(180, 10), perplexity=15, steps=600).reshape(3, 60, 2)
for name, some in (("in space", clouds), ("on the map", places)):
    middles, widths = some.mean(1), some.std(1).mean(1)
    near, far = np.linalg.norm(middles[0] - middles[1]), np.linalg.norm(middles[1] - middles[2])
    print(f"{name:<11} widths {widths.round(2)}, distances {near:.1f} and {far:.1f}: ratio {far / near:.2f}")
mv.plot(
    {name: tuple(some.T) for name, some in zip(("wide", "narrow", "narrow, far away"), places, strict=True)},
    xlabel="t-SNE, axis 1",
    ylabel="t-SNE, axis 2",
    dots=True,
    caption="Three clouds, of which one is ten times as wide and one nine times as far away. The map does not tell.",
)
assert 0.5 < far / near < 2 and widths.max() < 2 * widths.min()

# %% [markdown]
# **Where programs differ.** Is there a 4 in the gradient? In the paper, yes. A widely used program leaves it out and
# takes a rate of 200, which is a rate of 50 with the 4; whoever copies the 200 to a gradient with the 4 steps four
# times as far. Lesson 2 tells which gradient is one: nudge the map, and see how much the divergence changes.

# %%
few = np.random.default_rng(1).normal(size=(30, 5))
p30, y30, nudge = mv.affinities(few, 8), rng.normal(size=(30, 2)), rng.normal(size=(30, 2))
change = []
for h in (1e-6, -1e-6):
    w = 1 / (1 + (((y30 + h * nudge)[:, None] - (y30 + h * nudge)) ** 2).sum(-1))
    np.fill_diagonal(w, 0)
    q = w / w.sum()
    off = ~np.eye(30, dtype=bool)
    change.append((p30[off] * np.log(p30[off] / q[off])).sum())
w = 1 / (1 + ((y30[:, None] - y30) ** 2).sum(-1))
np.fill_diagonal(w, 0)
force = (p30 - w / w.sum()) * w
without_4 = ((force.sum(1, keepdims=True) * y30 - force @ y30) * nudge).sum()
print(f"nudged: {(change[0] - change[1]) / 2e-6:.6f}   without the 4: {without_4:.6f}   with it: {4 * without_4:.6f}")
assert np.isclose((change[0] - change[1]) / 2e-6, 4 * without_4, rtol=1e-5)

# %% [markdown]
# **A wrong implementation: PCA without the mean taken out.** It raises no error and draws a map. But codes after a
# ReLU, like pixels, are never negative, so all points lie on one side of the origin, and the direction that explains
# most of $X^\top X$ is the way to the cloud, not a way within it. Two identities expose it: **the coordinates must have
# mean 0, and moving all points by one vector must not change the map.**

# %%
_, raw_sizes, raw_axes = np.linalg.svd(points, full_matrices=False)
wrong = points @ raw_axes[:2].T
mean = points.mean(0)
print(f"mean of the coordinates: right {by_pca.mean(0).round(9) + 0}, wrong {wrong.mean(0).round(1)}")
print(f"cosine of the wrong first axis and the mean picture: {abs(raw_axes[0] @ mean) / np.linalg.norm(mean):.3f}")
print(f"'variance explained' by axis 1: right {share[0]:.2f}, wrong {raw_sizes[0] ** 2 / (raw_sizes**2).sum():.2f}")
assert np.allclose(by_pca.mean(0), 0) and abs(wrong.mean(0)).max() > 10
assert np.allclose(np.abs(mv.pca(points + 5, 2).transform(points + 5)), np.abs(by_pca))

# %% [markdown]
# ## Exercises
#
# **1.** How much do the first axes keep?


# %%
def share_of_variance(points, count):
    """Return the share (0..1) of the variance of points (N, D) that lies along their first `count` components."""
    ...


mv.check(share_of_variance)

# %% [markdown]
# **2.** The gradient of t-SNE. A loop over pairs will do; so will the matrices above.


# %%
def map_gradient(p, y):
    """Return the gradient (N, 2) of C = sum p log(p / q) with respect to the places y (N, 2).

    p (N, N): symmetric, 0 on the diagonal, of sum 1. The sum runs over pairs of different points.
    """
    ...


mv.check(map_gradient)

# %% [markdown]
# **3.** Shortest paths.


# %%
def shortest_paths(lengths):
    """Return the lengths (N, N) of the shortest paths between all points; inf where there is no path.

    lengths (N, N): of the joints, symmetric, 0 on the diagonal, inf where two points are not joined. Not changed.
    """
    ...


mv.check(shortest_paths)
