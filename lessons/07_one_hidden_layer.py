# %% [markdown]
# # 7 · One hidden layer, and the first filters of real networks
#
# **What does a second layer make possible, and can one still see what the first one looks for?**
#
# A linear classifier has one template per class (lesson 6). Here we give it a task that it provably cannot learn, put
# one layer in between, and look at the templates again. Then the same look into the first layer of real networks, where
# the templates are small and are called filters.

# %%
import numpy as np

import minivis as mv

# %% [markdown]
# ## The idea
#
# Put $H$ **hidden units** between picture and scores. Each is a template with a ReLU (lesson 4), and the scores are
# linear in what the ReLUs let through:
#
# $$h = \max(0,\; x W_1 + b_1), \qquad S = h W_2 + b_2 .$$
#
# A column of $W_1$ has one weight per pixel: it is the template of a hidden unit. A row of $W_2$ says for which classes
# the unit speaks, and against which. Without the ReLU nothing would be gained, since $(xW_1)W_2 = x\,(W_1W_2)$ is one
# template per class again. With it, a class can have *several* templates, and a picture needs to fit one of them.
#
# The first layer of a convolutional network is the same, but for the size: a kernel (lesson 3) is a template of 3 x 3
# or 7 x 7 pixels that is laid over every place of the picture. Its pictures are called **first-layer filters**.

# %% [markdown]
# ## By hand
#
# The task: who is it, **in a photograph or in its negative**? We take the six drawn people of lesson 6, at 32 x 32,
# scaled so that middle grey is 0; then the negative of $x$ is $-x$. For a template this is hopeless: what fits $x$ does
# the opposite to $-x$. Started from zero, all probabilities are $1/6$, so the pictures and their negatives pull the
# templates in opposite directions with the same strength, and the slope is exactly zero. It does not even begin to
# learn.

# %%
luma = np.array([0.299, 0.587, 0.114])
faces = mv.synthetic_faces(20), mv.synthetic_faces(8, "test")
grey = [((some.pictures @ luma - 128) / 64).reshape(-1, 32, 2, 32, 2).mean((2, 4)).reshape(-1, 1024) for some in faces]
(x, labels), (x_test, labels_test) = (
    (np.concatenate([one, -one]), np.concatenate([some.labels] * 2)) for one, some in zip(grey, faces, strict=True)
)
right = np.eye(6)[labels]

slope = x.T @ (mv.softmax(x @ np.zeros((1024, 6))) - right) / len(x)
print(f"linear: the largest slope at the start is {abs(slope).max():.0e}")
assert abs(slope).max() < 1e-12

# %% [markdown]
# Now 24 hidden units. The way back is lesson 4's, layer by layer. Units that all started from zero would stay alike
# forever, so they start from small random numbers. All settings are ours.

# %%
rng = np.random.default_rng(0)
w1, b1 = 0.02 * np.sqrt(2 / 1024) * rng.normal(size=(1024, 24)), np.zeros(24)
w2, b2 = np.sqrt(2 / 24) * rng.normal(size=(24, 6)), np.zeros(6)
for _ in range(300):
    h = np.maximum(x @ w1 + b1, 0)
    g = (mv.softmax(h @ w2 + b2) - right) / len(x)  # with respect to the scores
    gh = (g @ w2.T) * (h > 0)  # with respect to what enters the ReLUs
    w2, b2 = w2 - 0.05 * (h.T @ g), b2 - 0.05 * g.sum(0)
    w1, b1 = w1 - 0.05 * (x.T @ gh + 0.02 * w1), b1 - 0.05 * gh.sum(0)  # 0.02: a weight decay, as in lesson 6

guessed = (np.maximum(x_test @ w1 + b1, 0) @ w2 + b2).argmax(1)
half = len(x_test) // 2
for name, some in (("photographs", slice(half)), ("negatives", slice(half, None))):
    print(f"one hidden layer: right on {(guessed[some] == labels_test[some]).mean():.0%} of {half} new {name}")
assert (guessed == labels_test).mean() > 0.85

# %% [markdown]
# ## The hidden templates
#
# How did it do that? If a person needs a template for the photograph and one for the negative, then templates must come
# in **opposite pairs**. We look for the twelve units that have the most opposite partner, and show each above it. In
# the upper and the lower row the same shapes must be seen, with the colours exchanged, and often both units speak for
# the same person. (They need not be perfect opposites: no one told the network to make pairs.)

# %%
likeness = np.corrcoef(w1.T)
opposite = likeness.argmin(1)
first = sorted(range(24), key=lambda k: likeness[k].min())
pairs = []
for k in first:
    if k not in sum(pairs, ()) and opposite[k] not in sum(pairs, ()):
        pairs.append((k, int(opposite[k])))
pairs = pairs[:6]
names = faces[0].names
shown = [k for k, _ in pairs] + [k for _, k in pairs]
mv.show(
    [mv.signed(w1[:, k].reshape(32, 32)) for k in shown],
    titles=[f"for {names[w2[k].argmax()]}" for k in shown],
    columns=6,
    caption="Twelve hidden templates: below each unit of the first row the one that is most nearly its opposite. Red "
    "is positive, blue negative, white zero; each has its own scale. The name is the class whose score it raises most.",
    side=128,
)
agree = sum(w2[k].argmax() == w2[partner].argmax() for k, partner in pairs)
print("correlation of the pairs:", *(f"{likeness[pair]:.2f}" for pair in pairs))
print(f"{agree} of {len(pairs)} pairs speak for the same person first")
assert likeness[pairs[0]] < -0.8 and agree >= 3

# %% [markdown]
# So a template in a hidden layer is not "what a class looks like". It is one of several answers, and what it is good
# for is decided above it. `faces-mlp`, which comes with minivis, has 16 hidden units, and was never shown a
# negative. Its templates are mixtures: some people in red, others in blue.

# %%
mlp = mv.load("faces-mlp")
hidden = mv.templates(mlp)[..., 0]
above = mlp.weights["fc2"]["kernel"]
mv.show(
    [mv.signed(template) for template in hidden],
    titles=[f"+{mlp.labels[row.argmax()]} -{mlp.labels[row.argmin()]}" for row in above],
    columns=8,
    caption="The 16 hidden templates of faces-mlp. Red is positive, blue negative, white zero; each has its own scale. "
    "Above each, the class for which its unit speaks most, and the one against which it speaks most.",
    side=96,
)

# %% [markdown]
# ## First-layer filters
#
# The kernel of the first convolution has the shape (height, width, colour, filter). Put the filter first, stretch each
# from its own smallest weight to its own largest, as filters are usually shown, enlarge without smoothing: that is the
# whole method. Filters of 7 x 7 or 11 x 11 pixels, as in GoogLeNet, ResNet or AlexNet, show edges of all directions,
# stripes, and blobs of opposite colours. **Filters of 3 x 3 are barely readable**, and both networks that ship with
# minivis have those, as VGG16 has. Larger ones are shown as well if their weights are here.

# %%
kernels = {}
for name in ("minivgg", "minicam", "vgg16", "squeezenet", "googlenet"):
    try:
        net = mv.load(name)
    except mv.WeightFileError:
        print(f"{name}: its weights are not here")
        continue
    row = next(row for row in net.names if row.startswith("conv"))
    kernel = net.weights[row]["kernel"]
    if name not in ("minivgg", "minicam"):  # the others take their colours as blue, green, red
        kernel = kernel[:, :, ::-1]
    kernels[name] = kernel
    pictures = kernel.transpose(3, 0, 1, 2)
    low, high = pictures.min((1, 2, 3), keepdims=True), pictures.max((1, 2, 3), keepdims=True)
    mv.show(
        mv.tile((pictures - low) / (high - low) * 255, columns=max(8, len(pictures) // 4)),
        titles=[f"{row} of {name}: {len(pictures)} filters of {kernel.shape[0]} x {kernel.shape[1]}"],
        caption="Each filter is stretched from its own smallest weight to its own largest, so zero has no fixed "
        "colour.",
        side=640,
    )

# %% [markdown]
# What the eye cannot read can be measured. Split a filter in two: what it has in common with plain grey areas (its
# mean) and the rest; the first part's share of the sum of its squared weights says how far the filter answers to
# *brightness*. Or: what treats the three colours alike, and the rest. Random filters stand beside, for comparison. If
# trained filters look for *differences*, most of their means must hold much less. Some may be the exception, and pass
# the brightness on.

# %%
for name, kernel in ({"random": rng.normal(size=(3, 3, 3, 1000))} | kernels).items():
    squares = (kernel**2).sum((0, 1, 2))
    of_mean = kernel.mean((0, 1, 2)) ** 2 * kernel[..., 0].size / squares
    of_grey = 3 * (kernel.mean(2) ** 2).sum((0, 1)) / squares
    print(f"{name:<11}in the mean: median {np.median(of_mean):.4f}, at most {of_mean.max():.2f};", end=" ")
    print(f"in grey: mean {of_grey.mean():.2f}, from {of_grey.min():.2f} to {of_grey.max():.2f}")
    if name == "random":
        by_chance = np.median(of_mean)
    else:
        assert np.median(of_mean) < 0.5 * by_chance

# %% [markdown]
# ## "Most of the weights are close to 0"
#
# So say some lecture notes. Close compared to what? Here, to the largest of the row. The curves say which share of a
# row's weights is smaller than so much of its largest. The steeper a curve rises at the left, the more nearly the
# sentence holds: well for the large rows, and hardly for the first filters.

# %%
small = mv.load("minivgg")
curves, tenth = {}, {}
for row in ("conv1_1", "conv2_1", "conv4_2", "fc6"):
    sizes = np.sort(abs(small.weights[row]["kernel"]).ravel())
    at = np.linspace(0, 1, 101)
    curves[f"{row}: {sizes.size:,} weights"] = (at, np.searchsorted(sizes, at * sizes[-1]) / sizes.size)
    tenth[row] = np.searchsorted(sizes, 0.1 * sizes[-1]) / sizes.size
mv.plot(
    curves,
    xlabel="absolute weight, as a share of the row's largest",
    ylabel="share of the weights that are smaller",
    caption="The weights of four rows of minivgg by size. In a row with many weights the largest is an exception, and "
    "most are small beside it.",
)
print("smaller than a tenth of the largest:", ", ".join(f"{row} {share:.0%}" for row, share in tenth.items()))
assert tenth["conv1_1"] < 0.5 < tenth["fc6"]

# %% [markdown]
# ## The library agrees
#
# `mv.filters(net)` returns first-layer filters, (filter, height, width, colour), in RGB whatever the network's own
# order. `mv.templates` does the same for layers that read the whole picture. And the slopes with which we trained must
# be those of the library's tape.

# %%
for name, kernel in kernels.items():
    assert np.array_equal(mv.filters(mv.load(name)), kernel.transpose(3, 0, 1, 2))
assert np.array_equal(hidden, mlp.weights["fc1"]["kernel"].T.reshape(16, 64, 64))

recorded = [mv.Tensor(w1), mv.Tensor(b1), mv.Tensor(w2), mv.Tensor(b2)]
h = np.maximum(x @ w1 + b1, 0)
g = (mv.softmax(h @ w2 + b2) - right) / len(x)
gh = (g @ w2.T) * (h > 0)
scores = mv.linear(mv.relu(mv.linear(x, recorded[0], recorded[1])), recorded[2], recorded[3])
loss = mv.mean(mv.cross_entropy(scores, labels=labels))
for theirs, ours in zip(mv.backward(loss, recorded), (x.T @ gh, gh.sum(0), h.T @ g, g.sum(0)), strict=True):
    assert np.allclose(theirs, ours, atol=1e-12)
print(f"Filters of {', '.join(kernels)}, hidden templates, and all four slopes: the library's are the same.")

# %% [markdown]
# ## What this does not show
#
# **How strong a unit is.** Multiply a hidden unit's template and bias by 10 and its row of $W_2$ by $1/10$: a ReLU does
# not mind, since $\max(0, 10u) = 10\max(0, u)$. The network is the same, for every picture, and yet one template is now
# ten times as strong as before. So neither a stretched template nor one on a common scale shows what a unit is worth;
# to find out, switch it off, and look at the answers.

# %%
factors = rng.uniform(0.1, 10, size=24)
same_scores = np.maximum(x_test @ (w1 * factors) + b1 * factors, 0) @ (w2 / factors[:, None]) + b2
h = np.maximum(x_test @ w1 + b1, 0)
assert np.allclose(same_scores, h @ w2 + b2)

switched_off = [(h * (np.arange(24) != k) @ w2 + b2).argmax(1) for k in range(24)]
loss_of_unit = np.array([(guessed == labels_test).mean() - (some == labels_test).mean() for some in switched_off])
print(f"without one unit, {100 * loss_of_unit.min():.0f} to {100 * loss_of_unit.max():.0f} % fewer are right")
for name, some in (("as trained", w1), ("rescaled, the same network", w1 * factors)):
    length = np.linalg.norm(some, axis=0)
    print(f"correlation of that with the length of the template, {name}: {np.corrcoef(loss_of_unit, length)[0, 1]:.2f}")

# %% [markdown]
# **The order.** The hidden units can be shuffled, and so can filters. "Filter 7" means nothing beyond this one file.
#
# **A sanity check that can fail, and a wrong picture.** Many networks take their colours as blue, green, red, and a
# published notebook saves what it has found without turning them: red becomes blue, and the picture is as pretty as
# before. The identity that exposes it stands in lesson 6: among all patches of one length, **a filter answers most to
# itself**. So give every drawn filter back to its network as a patch of a picture, in the picture's order RGB. Here is
# minivgg, rewritten so that it takes BGR; its answers are the same.

# %%
rgb = small.weights["conv1_1"]["kernel"]
bgr = rgb[:, :, ::-1]  # the rewritten network's kernel; it is given pictures[..., ::-1]
for name, drawn in (("colours turned back", bgr[:, :, ::-1]), ("not turned", bgr)):
    patches = drawn.transpose(3, 0, 1, 2)  # RGB pictures, or so it is claimed
    patches = patches / np.sqrt((patches**2).sum((1, 2, 3), keepdims=True))
    answers = np.tensordot(patches[..., ::-1], bgr, 3)  # (patch, filter)
    best = (answers.argmax(0) == np.arange(16)).mean()
    share = answers.diagonal() / np.sqrt((bgr**2).sum((0, 1, 2)))
    print(f"{name:<20} {best:.0%} of the filters answer most to their own picture,", end=" ")
    print(f"with {share.min():.2f} to {share.max():.2f} of what is possible")
    assert np.allclose(share, 1) == (name == "colours turned back")

stretched = mv.rescale_each(mv.filters(small))
mv.show(
    [mv.tile(stretched, columns=8), mv.tile(stretched[..., ::-1], columns=8)],
    titles=["right", "red and blue exchanged"],
    columns=1,
    caption="The 16 filters of minivgg, right and with their colours in the wrong order. Without the check, nobody "
    "could say which is which.",
    side=320,
)

# %% [markdown]
# ## Exercises
#
# **1.** From a kernel to pictures.


# %%
def filters_as_pictures(kernel, order):
    """Return the filters as RGB pictures (K, kh, kw, 3), each stretched from its own minimum, 0, to its maximum, 255.

    kernel: (kh, kw, 3, K), which must not be changed. order: "RGB" or "BGR", the order of its three channels.
    """
    ...


mv.check(filters_as_pictures)

# %% [markdown]
# **2.** Training needs the slope of the loss with respect to the first weights, through the ReLU.


# %%
def slope_of_hidden_templates(x, w1, b1, w2, g):
    """Return the slope (D, H) with respect to w1, for scores max(0, x w1 + b1) w2 + b2.

    x: (N, D). w1: (D, H). b1: (H,). w2: (H, K). g: (N, K), the slope with respect to the scores.
    """
    ...


mv.check(slope_of_hidden_templates)

# %% [markdown]
# **3.** Make hidden templates comparable: the same network, with templates of length 1.


# %%
def with_templates_of_length_one(w1, b1, w2):
    """Return (w1, b1, w2) of a network that gives the same scores, in which every column of w1 has length 1.

    w1: (D, H), no column of which is zero. b1: (H,). w2: (H, K). Leave what comes in as it is.
    """
    ...


mv.check(with_templates_of_length_one)
