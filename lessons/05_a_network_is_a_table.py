# %% [markdown]
# # 5 · A network is a table; VGG16 from a file
#
# **What is in a trained network, and how do you run one that somebody else has stored in a file?**
#
# Lessons 3 and 4 built all the layers. This one takes the weights out of an HDF5 file, without minivis, and runs them,
# row by row. Then it shows two ways to run them wrongly that raise no error.

# %%
import numpy as np

import minivis as mv

# %% [markdown]
# ## The idea
#
# A network such as **VGG16** (Simonyan and Zisserman 2015) is a list of layers, each of which reads the result of the
# one above: a *table* with named rows, nothing else,
#
# $$x_{\text{row}} = f_{\text{row}}(x_{\text{row above}};\; W_{\text{row}}).$$
#
# The rows come in blocks: two or three convolutions with kernels of 3 x 3 and a padding of 1, which keep the size, each
# with its ReLU, and then a max-pool, which halves it. After the last block come three linear rows, `fc6` to `fc8`, and
# a softmax, `prob`. The row before the softmax holds the **scores** of the classes, also called *logits*. What has been
# learned is in the kernels and biases; the rest of the table is the same for everybody.
#
# Row 0 is the picture. Row 1, `normalize`, is the **preprocessing** that the network was trained with: VGG16 wants its
# colours in the order blue, green, red, and the mean colour of its training pictures subtracted; `minivgg`, a small
# network of the same style that ships with minivis, wants $(x - 128) / 64$. "Reads" is empty where a row reads the row
# above, and "sees" is how many pixels across a unit can see (lesson 9).

# %%
net = mv.lesson_net(upto="pool3")
print(net)

# %% [markdown]
# ## By hand
#
# An HDF5 file is a folder of folders inside one file: *groups* contain *datasets*, which are arrays, and both can have
# *attributes*. Files written by Keras keep the order of the layers in an attribute `layer_names`, files of minivis in
# one called `rows`; each layer is a group with a kernel and a bias. (Never take the order from the listing of a file:
# it is alphabetical, and puts a `conv2d_10` before `conv2d_2`.)

# %%
import h5py

weights = []
with h5py.File(net.path) as file:
    for name in file.attrs["layer_names" if "layer_names" in file.attrs else "rows"]:
        inside = []
        file[name].visit(inside.append)  # the paths of what is in the group, at any depth
        arrays = [file[name][path] for path in inside if isinstance(file[name][path], h5py.Dataset)]
        if arrays:  # a pool has none
            bias, kernel = sorted(arrays, key=lambda item: len(item.shape))
            weights.append((kernel[()].astype("float32"), bias[()].astype("float32")))
            print(f"{name.decode():<16}kernel {kernel.shape!s:<20}bias {bias.shape}")

# %% [markdown]
# Now the rows, one after the other. `normalize` is written out for both networks; for the others, the name says which
# layer it is. (`drop` rows act in training only.) If the file ends before the network does, so do we.

# %%
photo = net.picture(mv.sample_picture())  # (1, size, size, 3), RGB, 0..255
if net.name == "vgg16":
    x = photo[..., ::-1] - np.array([103.939, 116.779, 123.68], "float32")  # the means of blue, green, red
else:
    x = (photo - 128) / 64

rows = {"input": photo, "normalize": x}
left = list(weights)
for name in net.names[2:]:
    if name.startswith(("conv", "fc")):
        if not left:
            break
        kernel, bias = left.pop(0)
    if name.startswith("conv"):
        x = mv.conv2d(x, kernel, bias, padding=1)
    elif name.startswith("relu"):
        x = mv.relu(x)
    elif name.startswith("pool"):
        x = mv.max_pool(x, kernel=2)
    elif name.startswith("fc"):
        x = x.reshape(len(x), -1) @ kernel + bias  # a map becomes a row: height first, then width, then channel
    elif name == "prob":
        x = mv.softmax(x)
    rows[name] = x

print(f"computed {len(rows)} of {len(net.names)} rows, up to {name if name in rows else list(rows)[-1]}")

# %% [markdown]
# ## A picture of the way down
#
# One map out of each block, always the one that varies most (leaving out the frame, where the padding makes edges of
# its own). Each block's maps are half as large as those of the block before. What is bright must lie where something is
# in the photograph, and it must get coarser, until a map has no room left for any shape. Lesson 8 looks at such
# maps one by one.

# %%
chosen = [name for name in rows if name.startswith("pool")]
maps = [rows[name][0] for name in chosen]
strongest = [one[:, :, one[1:-1, 1:-1].var((0, 1)).argmax()] for one in maps]
mv.show(
    [photo[0], *(mv.grey(one) for one in strongest)],
    titles=[
        "photograph",
        *(f"{name}: {one.shape[0]} x {one.shape[1]}" for name, one in zip(chosen, maps, strict=True)),
    ],
    caption="The photograph, and one map from each block, after its max-pool: black is 0, white the map's largest "
    "value. Small maps are drawn larger.",
    side=max(net.size, 192),
)
assert all(one.shape[0] == net.size // 2 ** (i + 1) for i, one in enumerate(maps))

# %% [markdown]
# ## Where the weights are, and where the numbers are
#
# A convolution with $k \times k$ kernels from $C$ channels to $K$ has $k\,k\,C\,K + K$ weights, wherever and however
# often it is applied; a linear row has one weight for each pair of numbers. So most of the **weights** are in `fc6`,
# and most of the **computed numbers** in the first block. The table knows all shapes without reading a weight.

# %%
learned = [name for name in net.names if name.startswith(("conv", "fc"))]
counts = np.array([net.architecture.count(name) for name in learned])
sizes = np.array([np.prod(net.shapes()[name]) for name in learned])
mv.plot(
    {"weights": counts, "numbers computed for one picture": sizes},
    xlabel=f"row: {learned[0]} = 0 ... {learned[-1]} = {len(learned) - 1}",
    log="y",
    dots=True,
    caption=f"{net.name}: how many weights each row has, and how many numbers it computes. fc6 is row "
    f"{learned.index('fc6')}.",
)
print(f"{counts.sum():,} weights, {counts[learned.index('fc6')] / counts.sum():.0%} of them in fc6")
for (kernel, bias), count in zip(weights, counts, strict=False):
    assert kernel.size + bias.size == count
assert learned[counts.argmax()] == "fc6" and sizes.argmax() == 0

# %% [markdown]
# ## The library agrees
#
# `net.capture(x, names)` returns the rows that are asked for by name, and computes what they need and no more.
# `net(x)` is the last row, and `net.top(x)` gives names to its largest numbers.

# %%
theirs = net.capture(photo, list(rows))
for name in rows:
    # in float32, and with another order of the sums; a softmax turns relative differences of scores into its own
    tolerance = 1e-2 if name == "prob" else 1e-4 * abs(rows[name]).max()
    assert np.allclose(theirs[name], rows[name], atol=tolerance), name
print(f"{len(rows)} rows by hand and by the library agree within 1e-4 of the largest value (prob: within 0.01).")
if "prob" in rows:
    print(*(f"{label} {probability:.3f}" for label, probability in net.top(photo, 3)[0]), sep=", ")

# %% [markdown]
# ## What this does not show
#
# **Nothing complains if the colours are swapped.** A picture with its colours in the wrong order has the right shape
# and the right range. The network computes, and its answer may even look sensible. Here is minivgg, shown one
# photograph both ways:

# %%
small = mv.load("minivgg")
portrait = small.picture(mv.sample_picture())
swapped = portrait[..., ::-1]
for name, picture in (("RGB, as it wants", portrait), ("BGR", swapped)):
    print(f"{name:<18}", *(f"{label} {probability:.2f}" for label, probability in small.top(picture, 3)[0]), sep="  ")
mv.show(
    [portrait[0], swapped[0]],
    titles=["the photograph", "as the network is shown it"],
    caption="The same numbers in the order red, green, blue and blue, green, red.",
)
assert small.top(portrait, 1)[0][0][0] == "person"
assert abs(small(portrait) - small(swapped)).max() > 0.3

# %% [markdown]
# The identity that exposes it belongs to the row `normalize` alone: **the mean colour must become zero**, exactly, and
# it has to be written in the picture's order, RGB. With VGG16's means subtracted in the wrong order, it does not.

# %%
grey = np.broadcast_to(net.mean_colour, (1, 32, 32, 3))
assert abs(net.capture(grey, ["normalize"])["normalize"]).max() < 1e-4

means = np.array([103.939, 116.779, 123.68])  # blue, green, red
mean_colour = means[::-1]  # as an RGB picture has it
right, wrong = mean_colour[::-1] - means, mean_colour - means
print("VGG16's mean colour becomes", right, "and with the order forgotten", wrong.round(2))
assert abs(right).max() == 0 and abs(wrong).max() > 19

# %% [markdown]
# **Nor if a map is flattened in the wrong order.** `fc6` takes a map as one long row of numbers. These weights expect
# height, then width, then channel; programs that keep their channels first flatten channel, height, width, which are as
# many numbers. All photographs then look alike to the rest of the network, and it gives the same class to all.

# %%
from skimage import data

photos = [mv.sample_picture(), data.cat(), data.coffee(), data.rocket()]
pictures = np.concatenate([small.picture(one) for one in photos])
pool4 = small.capture(pictures, ["pool4"])["pool4"]  # (4, 6, 6, 128)
channels_first = pool4.transpose(0, 3, 1, 2)
mistaken = small.capture({"pool4": channels_first.reshape(pool4.shape)}, ["prob"])["prob"]
print("flattened in the right order:", [small.labels[i] for i in small(pictures).argmax(1)])
print("flattened in the wrong order:", [small.labels[i] for i in mistaken.argmax(1)])
assert len(set(mistaken.argmax(1))) == 1

# %% [markdown]
# (The first line is minivgg's honest opinion. It knows eight classes, a rocket and a cup are none of them, and it takes
# this cat for a dog.) The remedy is to reorder the rows of `fc6` once, in the same way. That is exercise 3, and the
# identity that tells right from wrong is that the scores stay the same.
#
# **A sanity check for any network from a file**: a photograph whose answer you know. It would have found both mistakes.
# Shapes and the absence of errors prove nothing.

# %% [markdown]
# ## Exercises
#
# **1.** The size and the weights of a convolution, by arithmetic.


# %%
def convolution_row(shape, kernel, filters, stride, padding):
    """Return (shape of the output, number of weights) for maps of `shape` = (height, width, channels).

    The kernels are `kernel` x `kernel`, there are `filters` of them, and each has a bias. Zeros are added on each side.
    """
    ...


mv.check(convolution_row)

# %% [markdown]
# **2.** The preprocessing of VGG16. Its means are 103.939 for blue, 116.779 for green and 123.68 for red.


# %%
def vgg_preprocessing(x):
    """Return what VGG16 takes, BGR with the means subtracted, for RGB pictures x (N, H, W, 3), float, 0..255.

    x itself must not be changed.
    """
    ...


mv.check(vgg_preprocessing)

# %% [markdown]
# **3.** Somebody's program flattens its maps as (channel, height, width). Reorder the weights of a linear row, which
# were made for (height, width, channel), so that this program gets the same scores.


# %%
def for_channels_first(weights, height, width, channels):
    """Return the weights (height * width * channels, K) with their rows in the order channel, height, width."""
    ...


mv.check(for_channels_first)
