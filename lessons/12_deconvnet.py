# %% [markdown]
# # 12 · DeconvNet
#
# **Which pattern in a picture made one single unit respond, and is a DeconvNet really something else than a gradient?**
#
# DeconvNet is the older way to send an activation back to the pixels. This lesson builds it, and then compares it with
# the gradient of lesson 10, row by row, as Simonyan, Vedaldi and Zisserman did in a table that lectures like to show,
# one of them with a misprint. You need lesson 3's transpose and lesson 4's switches.

# %%
import numpy as np

import minivis as mv

# %% [markdown]
# ## The idea
#
# Zeiler and Fergus (2014) attach to a network a second one that runs from a unit back to the picture. All other
# activations of the unit's row are set to zero; the unit **keeps its value**. Then, row by row,
#
# 1. **unpool**: put each number where the switch of *this picture's* max-pool says,
# 2. **rectify**: set what is negative to 0, so that what comes down is a possible activation,
# 3. **filter** with the same kernels, transposed (turned), and without the bias,
#
# until the pixels are reached, which are not rectified. Write $X_l$ for the activations going up and $R_l$ for what
# comes down to the same place. The three kinds of rows, as DeconvNet treats them and as the gradient does:
#
# | row, upwards | gradient | DeconvNet | the same? |
# |---|---|---|---|
# | convolution, $X_{l+1} = X_l \star K$ | $R_l = R_{l+1} \star \widehat K$ | $R_l = R_{l+1} \star \widehat K$ | yes |
# | ReLU, $X_{l+1} = \max(X_l, 0)$ | $R_l = R_{l+1}\,[X_l > 0]$ | $R_l = R_{l+1}\,[R_{l+1} > 0]$ | **no** |
# | max-pool, $X_{l+1}(p) = \max_{\Omega(p)} X_l$ | $R_l(s) = R_{l+1}(p),\; s = \arg\max_{\Omega(p)} X_l$ | same | yes |
#
# $\widehat K$ is the turned kernel, $[\,\cdot\,]$ is 1 where the claim holds and 0 elsewhere, $\Omega(p)$ is the window
# of $p$, and $s$ its switch. So there is one difference: at a ReLU the gradient asks whether the *input* was positive,
# DeconvNet whether *what comes down* is.

# %% [markdown]
# ## By hand
#
# One unit of the row `relu3_2`: the strongest place of one of its maps. The walk has the shape of lesson 10's, and both
# signals go down side by side, so that the one line in which they differ stands out.

# %%
net = mv.lesson_net(upto="relu3_2")
photo = net.picture(mv.sample_picture())
row = "relu3_2"
names = net.names[: net.names.index(row) + 1]
up = net.capture(photo, names)

channel = int(up[row][0].max((0, 1)).argmax())  # the map with the largest number
place = tuple(map(int, np.unravel_index(up[row][0, :, :, channel].argmax(), up[row].shape[1:3])))
value = up[row][(0, *place, channel)]
print(f"{net.name}: unit {place} of map {channel} of {row} has the value {value:.2f}")

seed = np.zeros_like(up[row])
seed[(0, *place, channel)] = value
down = {"gradient": seed, "DeconvNet": seed}
for name, below in zip(names[:0:-1], names[-2::-1], strict=True):
    x, y = up[below], up[name]
    for method, r in down.items():
        if name.startswith("relu"):
            r = r * (y > 0) if method == "gradient" else r * (r > 0)
        elif name.startswith("pool"):
            left, back = r.copy(), np.zeros_like(x)
            for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):  # the switch: the first of the largest in each window
                here = x[:, i::2, j::2] == y
                back[:, i::2, j::2] = np.where(here, left, 0)
                left = np.where(here, 0, left)
            r = back
        elif name.startswith("conv"):
            r = mv.conv2d(r, net.weights[name]["kernel"][::-1, ::-1].transpose(0, 1, 3, 2), padding=1)
        elif name == "normalize":
            r = r[..., ::-1] if net.name == "vgg16" else r / 64
        down[method] = r

# %% [markdown]
# (Both have kept the unit's value here. The gradient proper starts from 1; the last section comes back to this.)
#
# ## A picture
#
# Of six maps, the patch that the strongest unit sees, what DeconvNet sends back, and the gradient. Outside the patch
# all must be zero, up to rounding. With VGG16, DeconvNet draws one edge or one blob, the thing in the patch that the
# map looks for, and is much cleaner than the gradient. With minivgg, which is small, hardly more than stripes are to be
# seen: the walk back can draw only what is in the kernels.
#
# (Lesson 9 searches many photographs for the patches that excite a map the most. Zeiler and Fergus show nine of them
# for each map, each projected with its own switches.)

# %%
strengths = up[row][0].max((0, 1))
chosen = np.argsort(strengths)[::-1][:6]
projected = [mv.deconvnet(net, photo, row, int(k))[0] for k in chosen]
slopes = [mv.gradient(net, photo, int(k), at=row)[0] for k in chosen]
field = net.receptive_field(row)
patches = [[], [], []]
for k, deconv, slope in zip(chosen, projected, slopes, strict=True):
    i, j = np.unravel_index(up[row][0, :, :, k].argmax(), up[row].shape[1:3])
    (top, bottom), (left, right) = ((max(0, a), min(net.size, b)) for a, b in map(field.span, (int(i), int(j))))
    window = (slice(top, bottom), slice(left, right))
    outside = np.ones((net.size, net.size), bool)
    outside[window] = False
    assert abs(deconv[outside]).max() <= 1e-4 * abs(deconv).max()
    for shown, picture in zip(patches, (photo[0], mv.signed(deconv), mv.signed(slope)), strict=True):
        framed = np.full((field.size, field.size, 3), 128, "float32")
        framed[: bottom - top, : right - left] = picture[window]
        shown.append(framed)

mv.show(
    patches[0] + patches[1] + patches[2],
    titles=[f"map {k}" for k in chosen] + ["DeconvNet"] * 6 + ["gradient"] * 6,
    columns=6,
    caption=f"First row: what the strongest unit of six maps of {row} sees, {field.size} pixels wide ({net.name}). "
    "Below, what DeconvNet sends back, and the gradient; middle grey is 0, each colour brighter where it is positive. "
    "A plain grey part is beyond the frame of the photograph.",
    side=128,
)

# %% [markdown]
# ## The table, tested
#
# The table claims that the two differ at ReLUs and nowhere else. So a network without any ReLU must give the same
# numbers with both, and with a single ReLU it must not. `mv.DECONVNET` is the table in code: it holds one entry.

# %%
rng = np.random.default_rng(0)
x = mv.Tensor(rng.normal(size=(1, 12, 12, 3)))
k1, k2 = rng.normal(size=(3, 3, 3, 4)), rng.normal(size=(3, 3, 4, 1))
plain = mv.conv2d(mv.max_pool(mv.conv2d(x, k1), kernel=2), k2)
gated = mv.conv2d(mv.max_pool(mv.relu(mv.conv2d(x, k1)), kernel=2), k2)
for name, y in (("convolution, pool, convolution", plain), ("with a ReLU between", gated)):
    g = rng.normal(size=y.shape)
    vanilla, deconv = mv.backward(y, x, seed=g), mv.backward(y, x, seed=g, rules=mv.DECONVNET)
    print(f"{name:<32} largest difference {abs(vanilla - deconv).max():.3f} of {abs(vanilla).max():.3f}")
    assert np.array_equal(vanilla, deconv) == (y is plain)
print("entries of the rule table:", [primitive.name for primitive in mv.DECONVNET])

# %% [markdown]
# The paper of Zeiler and Fergus also leaves out contrast normalisation on the way down, where a network has such rows
# (AlexNet does). That is `mv.DECONVNET_ZF`; for VGG16 and minivgg the two are the same.
#
# ## The library agrees

# %%
theirs = mv.deconvnet(net, photo, row, (*place, channel))
assert np.allclose(theirs, down["DeconvNet"], atol=1e-4 * abs(theirs).max())
slope = mv.gradient(net, photo, (*place, channel), at=row)
assert np.allclose(value * slope, down["gradient"], atol=1e-4 * abs(value * slope).max())
assert np.array_equal(mv.deconvnet(net, photo, row, (*place, channel), rules=mv.DECONVNET_ZF), theirs)
print(f"DeconvNet and gradient of one unit of {row}: the library's are the same, to 4 digits of the largest.")

# %% [markdown]
# ## What this does not show
#
# **The value of the seed.** Zeiler and Fergus keep the activation; some lecture notes say "set the gradient of that
# neuron to 1 and the rest of that layer to 0". Published programs do the one or the other, one of them both, in two of
# its tools. It is the same picture times a constant, because the rule $R\,[R > 0]$ does not mind a positive factor:

# %%
from_one = mv.gradient(net, photo, (*place, channel), rules=mv.DECONVNET, at=row)
print(f"largest number from the value {abs(theirs).max():.4f}, from 1 {abs(from_one).max():.4f}, ratio", end=" ")
print(f"{abs(theirs).max() / abs(from_one).max():.4f}; the unit's value {value:.4f}")
assert np.allclose(theirs, value * from_one, atol=1e-5 * abs(theirs).max())

# %% [markdown]
# **How little the picture has to do with it.** DeconvNet never asks which ReLUs were open. The photograph comes in only
# by the switches, by the unit's value, and by which unit was chosen. Before the first pool there are no switches: there
# DeconvNet draws **the same pattern for every photograph**, in other strengths. Two photographs, one map of `relu1_2`:

# %%
from skimage import data

size = net.size
cat = net.picture(data.cat())
middle = slice(4, size - 4)  # a unit at the frame sees padding
maps = [net.capture(one, ["relu1_2"])["relu1_2"][0, middle, middle] for one in (photo, cat)]
k = int(np.minimum(maps[0].max((0, 1)), maps[1].max((0, 1))).argmax())  # a map that responds in both
sent = {}
for name, one, found in (("person", photo, maps[0]), ("cat", cat, maps[1])):
    i, j = (4 + int(n) for n in np.unravel_index(found[:, :, k].argmax(), found.shape[:2]))
    around = (0, slice(i - 2, i + 3), slice(j - 2, j + 3))
    sent[name] = (
        one[around],
        mv.deconvnet(net, one, "relu1_2", (i, j, k))[around] / found[:, :, k].max(),
        mv.gradient(net, one, (i, j, k), at="relu1_2")[around],
    )
mv.show(
    [mv.signed(part) if n else part for name in sent for n, part in enumerate(sent[name])],
    titles=[f"{name}: {what}" for name in sent for what in ("patch", "DeconvNet", "gradient")],
    columns=3,
    caption=f"The strongest unit of map {k} of relu1_2 in two photographs: the 5 x 5 pixels that it sees, DeconvNet "
    "divided by the unit's value, and the gradient. Middle grey is 0.",
    side=120,
)
deconvs, gradients = (np.stack([sent[name][n] for name in sent]) for n in (1, 2))
print(
    f"largest difference between the two photographs: DeconvNet {abs(np.diff(deconvs, axis=0)).max():.1e} of", end=" "
)
print(f"{abs(deconvs).max():.1e}; gradient {abs(np.diff(gradients, axis=0)).max():.1e} of {abs(gradients).max():.1e}")
assert np.allclose(deconvs[0], deconvs[1], atol=1e-5 * abs(deconvs).max())

# %% [markdown]
# So a beautiful projection is, in part, a drawing of the kernels, arranged by the switches. Nie, Zhang and Patel (2018)
# argue that DeconvNet and guided backprop largely recover the picture, whatever the network is about to decide.
#
# **A sanity check that can fail**: is it a gradient? Nudge the picture along some direction; the unit must rise by as
# much as the gradient says. DeconvNet promises something else.

# %%
small = mv.load("minivgg", dtype="float64")
picture = small.picture(mv.sample_picture())
unit = (12, 12, int(small.capture(picture, [row])[row][0, 12, 12].argmax()))
direction = np.random.default_rng(1).normal(size=picture.shape)
ends = [small.capture(picture + h * direction, [row])[row][(0, *unit)] for h in (1e-6, -1e-6)]
rise = (ends[0] - ends[1]) / 2e-6
by_gradient = (mv.gradient(small, picture, unit, at=row) * direction).sum()
by_deconvnet = (mv.gradient(small, picture, unit, rules=mv.DECONVNET, at=row) * direction).sum()
print(f"a nudge: the unit rises by {rise:.5f}, the gradient says {by_gradient:.5f}, DeconvNet {by_deconvnet:.5f}")
assert np.isclose(rise, by_gradient, rtol=1e-4) and not np.isclose(rise, by_deconvnet, rtol=0.05)

# %% [markdown]
# **A wrong implementation.** A published DeconvNet picks its unit by `map == map.max()`, which keeps all places that
# are equal, and saves its pictures with blue and red exchanged. The second has a simple test, at the lowest unit there
# is: what DeconvNet sends back from a unit of `conv1_1` is the unit's own kernel. So a step along it must raise the
# unit by the value times $\|$kernel$\|^2$, and with the colours exchanged it does not.

# %%
lowest = small.capture(picture, ["conv1_1"])["conv1_1"][0, 48, 48]
unit = (48, 48, int(lowest.argmax()))
kernel = small.weights["conv1_1"]["kernel"][..., unit[2]] / 64  # normalize divides by 64
before = lowest[unit[2]]
right = mv.deconvnet(small, picture, "conv1_1", unit)
for name, sent_back in (("RGB", right), ("colours exchanged", right[..., ::-1])):
    after = small.capture(picture + sent_back, ["conv1_1"])["conv1_1"][(0, *unit)]
    print(f"{name:<18} rises by {after - before:.6f}, and should by {before * (kernel**2).sum():.6f}")
    assert np.isclose(after - before, before * (kernel**2).sum(), rtol=1e-6) == (name == "RGB")
assert np.allclose(right[0, 47:50, 47:50], before * kernel)

# %% [markdown]
# And keeping all that are equal: on a plain picture every place of a map is a maximum, and one unit becomes thousands.

# %%
plain = small.capture(np.full((1, 96, 96, 3), 255.0), ["relu1_2"])["relu1_2"][0, 2:-2, 2:-2]
k = int(plain.max((0, 1)).argmax())
kept = plain[:, :, k] >= plain[:, :, k].max() * (1 - 1e-12)
print(f"on a white picture {kept.sum():,} of {kept.size:,} units of map {k} are the largest")
assert kept.sum() > 1000
assert np.count_nonzero(mv.one_hot(plain[None], k)) == 1  # the library takes the first

# %% [markdown]
# ## Exercises
#
# **1. An empty cell.** In the table as one lecture prints it, DeconvNet's cell for the ReLU is empty. Fill it.


# %%
def deconvnet_relu(R, X):
    """Return what goes down from a ReLU: R comes down to its output, X was its input; arrays of one shape."""
    ...


mv.check(deconvnet_relu)

# %% [markdown]
# **2. Find the misprint.** The same lecture gives, for max-pooling on the way down, $R_l(s) = R_{l+1}(p)$ with the
# switch $s = \arg\max_{\Omega(p)} R_l$. One letter of this cannot be right. Write it as it must be, for
# windows of two neighbours on a line.


# %%
def pool_row_of_the_table(R, X):
    """Return R_l (2n,) from R = R_{l+1} (n,); X = X_l (2n,) went into the pool. Of two equal numbers, the first."""
    ...


mv.check(pool_row_of_the_table)

# %% [markdown]
# **3.** DeconvNet for a network of two linear rows, each with its ReLU: $h = \mathrm{relu}(xW + b)$,
# $a = \mathrm{relu}(hV + c)$.


# %%
def project(x, W, b, V, c, unit):
    """Return what DeconvNet sends to x (D,) from a[unit], which keeps its value. W (D, H), b (H,), V (H, K), c (K,)."""
    ...


mv.check(project)
