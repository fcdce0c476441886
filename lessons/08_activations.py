# %% [markdown]
# # 8 · Activations, filter by filter
#
# **What does each filter of a network find in a photograph?**
#
# Lesson 7 looked at filters by themselves, and beyond the first layer there was nothing to see: their kernels are no
# pictures. Their *results* are. This lesson takes apart the map of one filter, follows a photograph through all rows of
# the table of lesson 5, and shows what such maps do not tell.

# %%
import numpy as np

import minivis as mv

# %% [markdown]
# ## The idea
#
# A convolution with $K$ filters gives, at each place, $K$ numbers. Those of one filter, at all places, are a picture in
# grey: its **map**. After the ReLU it is called the filter's **activation map**, $A_k$. It is bright where the filter
# has found what it looks for. Written out, with $A_c$ for the maps of the row below and $*$ for the convolution of
# lesson 3,
#
# $$A_k = \max\Bigl(0,\; \sum_c A_c * w_{ck} + b_k\Bigr).$$
#
# So a filter has a small kernel $w_{ck}$ *for each map below*, and adds up what all of them find. That is all that
# happens between one row of maps and the next.

# %% [markdown]
# ## By hand
#
# First all rows of maps, one after the other, each from the one below, as in lesson 5, for four photographs at once.

# %%
net = mv.lesson_net(upto="relu3_3")
from skimage import data
from sklearn.datasets import load_sample_image

pictures = [mv.sample_picture(), data.cat(), load_sample_image("flower.jpg"), data.coffee()]
photos = np.concatenate([net.picture(picture) for picture in pictures])

below = "normalize"
rows = net.capture(photos, [below])
for name in net.names[2:]:
    if len(net.shapes()[name]) < 3:
        break  # from here on there are no maps any more
    try:
        rows[name] = net.capture({below: rows[below]}, [name])[name]
    except mv.WeightFileError:
        break  # this file of weights ends here
    below = name
maps = list(rows)[1:]
relus = [name for name in maps if name.startswith("relu")]
print(f"{len(maps)} rows of maps, from {maps[0]} to {maps[-1]}")

# %% [markdown]
# Now one filter of `conv2_1`: the one whose map is largest somewhere in the first photograph. Its map must be the sum
# of the shares of all maps below, each convolved with its own little kernel, plus the bias.

# %%
kernel, bias = net.weights["conv2_1"]["kernel"], net.weights["conv2_1"]["bias"]
k = int(rows["conv2_1"][0].max((0, 1)).argmax())
shares = np.stack(
    [
        mv.conv2d(rows["pool1"][:1, :, :, [c]], kernel[:, :, [c]][..., [k]], padding=1)[0, :, :, 0]
        for c in range(kernel.shape[2])
    ]
)
by_hand = shares.sum(0) + bias[k]
after_relu = np.maximum(by_hand, 0)
difference = abs(by_hand - rows["conv2_1"][0, :, :, k]).max() / abs(by_hand).max()
print(f"filter {k} of conv2_1: {len(shares)} shares; largest difference from the row, of its largest: {difference:.0e}")
assert difference < 1e-4

# %% [markdown]
# Below, the two shares that add most in all, and the two that take away most, on one scale; then the sum, and the sum
# after the ReLU. Red adds, blue takes away. So the first two must be mostly red, the next two mostly blue, and what is
# blue in the sum must be black in the last picture. A filter is a balance: much of what some maps add, others take
# away.

# %%
order = shares.sum((1, 2)).argsort()
chosen = [*order[:-3:-1], *order[:2]]
scale = float(np.percentile(abs(shares[chosen]), 99.5))
limit = float(np.percentile(abs(by_hand), 99.5))
mv.show(
    [
        photos[0],
        *(mv.signed(shares[c], scale) for c in chosen),
        mv.signed(by_hand, limit),
        mv.grey(after_relu, limit),
    ],
    titles=["photograph", *(f"from map {c}" for c in chosen), f"sum of all {len(shares)}", "after the ReLU"],
    columns=4,
    caption=f"How filter {k} of conv2_1 comes to its map. Shares and sum: red is positive, blue negative, white zero; "
    "the four shares on one scale, the sum on its own. After the ReLU: black is 0, bright is much.",
    side=192,
)
assert shares[chosen].sum((1, 2))[:2].min() > 0 > shares[chosen].sum((1, 2))[2:].max()
against = np.minimum(shares, 0).sum() / np.maximum(shares, 0).sum()
print(f"for every 1 that the shares add, they take away {-against:.2f}")
assert -against > 0.2

# %% [markdown]
# ## One number, through all rows
#
# Lectures often show "filter 0" of every row, one picture each; in VGG16 there are 30 rows of maps up to `relu5_3`. We
# do the same with `mv.activations_through`. Rows before a ReLU have both signs: blue is negative. After it, black is 0.
# The maps must get smaller and coarser. Each has a scale of its own, or nothing could be seen of most; the number is
# its largest absolute value.

# %%
through = mv.activations_through(net, photos[:1], channel=0, rows=maps)
mv.show(
    [mv.signed(one[0]) if name.startswith("conv") else mv.grey(one[0]) for name, one in through.items()],
    titles=[f"{name}: {abs(one).max():.3g}" for name, one in through.items()],
    columns=6,
    caption="Channel 0 of each row of maps. conv rows: red positive, blue negative, white zero. relu and pool rows: "
    "black is 0, white the map's largest value. A map that is all black was silent for this photograph.",
    side=net.size,
)
assert all(one.min() >= 0 for name, one in through.items() if not name.startswith("conv"))

# %% [markdown]
# ## Thirty filters of one row
#
# Now across: the first 30 filters of the last ReLU row that we have, on one scale for all, and beside it each stretched
# to its own largest value. On one scale, strong filters must stand out from weak ones. Stretched, all look equally
# strong. Published figures are mostly of the second kind.

# %%
last = relus[-1]
first_thirty = rows[last][0, :, :, :30].transpose(2, 0, 1)
strongest = float(first_thirty.max())
mv.show(
    [
        mv.tile([mv.grey(one, strongest) for one in first_thirty], columns=6),
        mv.tile([mv.grey(one) for one in first_thirty], columns=6),
    ],
    titles=["one scale for all", "each on its own"],
    columns=2,
    caption=f"The first 30 filters of {last}, for the first photograph. Black is 0. Left, white is the largest value "
    "of all 30; right, of each.",
    side=360,
)
largest_values = np.sort(first_thirty.max((1, 2)))
print(
    f"largest values: the strongest filter {largest_values[-1]:.3g}, the middle one {largest_values[15]:.3g},", end=" "
)
print(f"the weakest {largest_values[0]:.3g}; {(largest_values == 0).sum()} of 30 are silent")
assert largest_values[-1] > 3 * largest_values[0]

# %% [markdown]
# ## From everywhere to somewhere
#
# How many units are open, that is, above 0 after their ReLU? In the first row about half. What the last rows look for
# is found in few places. We count, over all four photographs.

# %%
share_open = np.array([(rows[name] > 0).mean() for name in relus])
mv.plot(
    {net.name: 100 * share_open},
    xlabel=f"ReLU row: 0 is {relus[0]}, {len(relus) - 1} is {relus[-1]}",
    ylabel="units open, %",
    caption="The share of the units of each ReLU row that are above 0, over four photographs.",
)
print(", ".join(f"{name} {share:.0%}" for name, share in zip(relus, share_open, strict=True)))
assert share_open[-1] < 0.7 * share_open[0]

# %% [markdown]
# ## The library agrees
#
# `net.capture` computes all rows in one go, `mv.activations` is the maps of one row, or chosen ones of them. Both must
# give what we have computed row by row.

# %%
together = net.capture(photos, maps)
for name in maps:
    assert np.allclose(together[name], rows[name], atol=1e-4 * abs(rows[name]).max()), name
    if name in through:
        assert np.allclose(through[name][0], rows[name][0, :, :, 0], atol=1e-4 * abs(rows[name]).max())
theirs = mv.activations(net, photos[:1], "relu2_1", channels=[k])[0, :, :, 0]
assert np.allclose(theirs, after_relu, atol=1e-4 * after_relu.max())
print(f"{len(maps)} rows computed at once and one by one, and the map of filter {k} from its shares, agree.")

# %% [markdown]
# ## What this does not show
#
# **Filter 0 of one row has nothing to do with filter 0 of the next.** To follow a number through the rows, as above, is
# to follow nothing: the numbers are only places in a file. To see it, shuffle the filters of `conv3_1` of minivgg, its
# biases, and the channels that `conv3_2` reads, in the same way. Every answer must stay as it is (a sanity check that
# can fail: forget one of the three, and it does), while "filter 0 of conv3_1" is now another one.

# %%
small = mv.load("minivgg", dtype="float64")
portraits = np.concatenate([small.picture(picture) for picture in pictures])
order = np.random.default_rng(1).permutation(small.weights["conv3_1"]["bias"].size)
shuffled = {name: dict(small.weights[name]) for name in small.weights}
shuffled["conv3_1"] = {name: array[..., order] for name, array in small.weights["conv3_1"].items()}
half_done = mv.load("minivgg", weights=shuffled, dtype="float64")
shuffled = shuffled | {"conv3_2": dict(small.weights["conv3_2"])}
shuffled["conv3_2"]["kernel"] = small.weights["conv3_2"]["kernel"][:, :, order]
other = mv.load("minivgg", weights=shuffled, dtype="float64")

print(f"filter 0 is now what was filter {order[0]};", end=" ")
print(f"largest change of a probability: {abs(other(portraits) - small(portraits)).max():.0e},", end=" ")
print(f"with conv3_2 forgotten: {abs(half_done(portraits) - small(portraits)).max():.2f}")
assert np.allclose(other(portraits), small(portraits), atol=1e-12)
assert not np.allclose(half_done(portraits), small(portraits), atol=0.01)

# %% [markdown]
# **A bright map need not matter.** The map says what the filter finds, not what the network makes of it. Switch off one
# filter of the last ReLU row at a time, and see how much the score of the strongest class changes. If bright were
# importance, the five brightest filters would have the ranks 1 to 5. Some of them come close. One of them changes next
# to nothing; and of all filters that are not silent, nearly half speak *against* the class.

# %%
found = small.capture(portraits[:1], ["relu4_2", "fc8"])
top = int(found["fc8"][0].argmax())
brightness = found["relu4_2"][0].mean((0, 1))
without = np.repeat(found["relu4_2"], len(brightness), axis=0)
without[np.arange(len(brightness)), :, :, np.arange(len(brightness))] = 0
drop = found["fc8"][0, top] - small.capture({"relu4_2": without}, ["fc8"])["fc8"][:, top]
rank = [int((abs(drop) > abs(drop[one])).sum()) + 1 for one in brightness.argsort()[::-1][:5]]
print(
    f"score of {small.labels[top]!r}: by the change that they make, the five brightest of {len(drop)} filters rank",
    rank,
)
print(f"of the {int((brightness > 0).sum())} that are not silent, {int((drop < -1e-12).sum())} speak against the class")
assert max(rank) > 50 and abs(drop[brightness == 0]).max() < 1e-12

# %% [markdown]
# **Before or after the ReLU?** A published Grad-CAM example reads its maps *before* the ReLU, and there is a way to do
# so without noticing: some programs let a ReLU write its result over what it was given, so that the same name holds one
# thing or the other, depending on when one looks. Drawn by their absolute values, the wrong maps even look richer. The
# identity that exposes it: **the next row must follow from the maps that you show.**

# %%
follows = {}
for name in ("relu1_1", "conv1_1"):
    shown = rows[name]
    weights = net.weights["conv1_2"]
    next_row = mv.conv2d(shown, weights["kernel"], weights["bias"], padding=1)
    follows[name] = abs(next_row - rows["conv1_2"]).max() / abs(rows["conv1_2"]).max()
    print(f"conv1_2 from {name}: wrong by {follows[name]:.0e} of its largest value; {(shown < 0).mean():.0%} negative")
assert follows["relu1_1"] < 1e-4 < 0.1 < follows["conv1_1"]

one = int(rows["conv1_1"][0].min((0, 1)).argmin())
mv.show(
    [mv.grey(rows["relu1_1"][0, :, :, one]), mv.grey(abs(rows["conv1_1"][0, :, :, one]))],
    titles=["after the ReLU", "absolute value, before it"],
    columns=2,
    caption=f"Filter {one} of conv1_1: what the network goes on with, and a map that looks richer and is not in the "
    "network. Black is 0.",
    side=192,
)

# %% [markdown]
# What a filter looks for is still a guess after all these pictures. Lesson 9 looks for the patches that excite it most,
# and lesson 18 makes such patches.
#
# ## Exercises
#
# **1.** The share of one map below in the map of one filter.


# %%
def share_of_a_map(maps, kernel, c, k):
    """Return what map c adds to the map of filter k: (H - kh + 1, W - kw + 1), without bias, ReLU or padding.

    maps: (H, W, C). kernel: (kh, kw, C, K).
    """
    ...


mv.check(share_of_a_map)

# %% [markdown]
# **2.** Which filters are silent, for all of the pictures?


# %%
def silent_filters(maps):
    """Return the numbers, rising, of the filters that are above 0 nowhere, in none of the pictures.

    maps: (N, H, W, K), the maps *before* their ReLU.
    """
    ...


mv.check(silent_filters)

# %% [markdown]
# **3.** Shuffle the filters of a row so that the network does not notice.


# %%
def reordered(kernel, bias, next_kernel, order):
    """Return (kernel, bias, next_kernel) such that filter i is now what was filter order[i].

    kernel: (kh, kw, C, K). bias: (K,). next_kernel: (kh, kw, K, L), of the convolution that reads this row after its
    ReLU, and whose results must be the same as before.
    """
    ...


mv.check(reordered)
