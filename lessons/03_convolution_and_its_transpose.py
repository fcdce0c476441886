# %% [markdown]
# # 3 · Convolution and its transpose
#
# **What does a convolution compute, and what is it to go through one backwards?**
#
# Nearly all the arithmetic of the networks in this course is convolution, and nearly all pictures of what they see are
# made by sending something back through it. This lesson builds both directions, and the exact test that ties them
# together: lesson 2's identity, with no step $h$ in it.

# %%
import numpy as np

import minivis as mv

# %% [markdown]
# ## The idea
#
# A **kernel** is a small picture of weights. Lay it over the top left corner of a picture, multiply what lies on top of
# each other, add it all up: that is the first output. Move the kernel by one, and so on. A colour picture has $C$ = 3
# **channels**, so a kernel has 3 too, and with $K$ kernels there are $K$ outputs at each place:
#
# $$y_{ijk} = \sum_{a,b,c} x_{i+a,\;j+b,\;c}\; w_{abck}.$$
#
# Pictures are (height, width, channel) here, kernels (height, width, channel in, channel out). Moving by $s$ places at
# a time is **stride** $s$; a frame of $p$ zeros around the picture is **padding** $p$. (Mathematicians turn the kernel
# by 180 degrees first, and call this one a cross-correlation. In deep learning nobody turns it.)
#
# Each $y$ is a sum of $x$ times numbers that do not depend on $x$: convolution is **linear**, $y = Ax$, with a huge
# matrix $A$ made of copies of the kernel. A linear function is its own slope. So the walk back is the transpose,
# $\bar x = A^\top g$: each output's $g$ is sent back through the kernel to the window it came from, and where windows
# overlap, the shares are added. And the identity of lesson 2 holds exactly,
#
# $$\langle Ax,\; g\rangle = \langle x,\; A^\top g\rangle \qquad\text{for all } x \text{ and } g.$$

# %% [markdown]
# ## By hand
#
# Gather, spread, and the same once more for the kernel: three functions with the same two loops.


# %%
def convolve(x, kernel, stride=1):
    kh, kw, _, filters = kernel.shape
    rows, columns = (x.shape[0] - kh) // stride + 1, (x.shape[1] - kw) // stride + 1
    y = np.zeros((rows, columns, filters))
    for i in range(rows):
        for j in range(columns):
            window = x[i * stride : i * stride + kh, j * stride : j * stride + kw]
            y[i, j] = np.tensordot(window, kernel, 3)  # the sum over a, b and c
    return y


def spread(g, kernel, shape, stride=1):
    kh, kw, _, _ = kernel.shape
    gx = np.zeros(shape)
    for i in range(g.shape[0]):
        for j in range(g.shape[1]):
            gx[i * stride : i * stride + kh, j * stride : j * stride + kw] += kernel @ g[i, j]  # the sum over k
    return gx


def spread_to_kernel(g, x, kernel_shape, stride=1):
    kh, kw, _, _ = kernel_shape
    gk = np.zeros(kernel_shape)
    for i in range(g.shape[0]):
        for j in range(g.shape[1]):
            gk += x[i * stride : i * stride + kh, j * stride : j * stride + kw, :, None] * g[i, j]
    return gk


# %% [markdown]
# ## What kernels do to a photograph
#
# Three kernels that treat the colours alike: the mean of 7 x 7 pixels, and the difference between what is to the right
# and to the left, or below and above. The mean must look blurred. A difference must vanish on plain areas and show
# edges of one direction: upright ones in the third picture, level ones in the fourth.

# %%
from skimage import data

photo = mv.read_picture(data.rocket()[127:427:2, 170:470:2])
mean = np.full((7, 7, 3, 1), 1 / (7 * 7 * 3))
across = np.zeros((3, 3, 3, 1))
across[:, 0], across[:, 2] = -1 / 9, 1 / 9
down = across.transpose(1, 0, 2, 3)

blurred, right_left, below_above = (convolve(photo, kernel)[:, :, 0] for kernel in (mean, across, down))
mv.show(
    [photo, mv.grey(blurred), mv.signed(right_left), mv.signed(below_above)],
    titles=["photograph", "mean of 7 x 7", "right minus left", "below minus above"],
    caption="Three convolutions of one photograph, and what they give. In the last two red is positive, blue negative, "
    "white zero. The results are smaller than the photograph: a kernel must fit in.",
)
assert blurred.shape == (144, 144) and right_left.shape == (148, 148)

# %% [markdown]
# ## The matrix, and its transpose
#
# For a picture of 6 x 6 with one channel, $A$ can be written out: put a 1 at one pixel and 0 elsewhere, convolve, and
# you have the column of $A$ that belongs to that pixel. In the same way `spread` of a single 1 gives a column of
# $A^\top$. Every row of $A$ holds the nine numbers of the kernel, moved along; the second matrix must be the first one,
# mirrored at its diagonal.

# %%
rng = np.random.default_rng(0)
kernel = rng.normal(size=(3, 3, 1, 1))
matrix = np.stack([convolve(one.reshape(6, 6, 1), kernel).ravel() for one in np.eye(36)], axis=1)
transpose = np.stack([spread(one.reshape(4, 4, 1), kernel, (6, 6, 1)).ravel() for one in np.eye(16)], axis=1)

mv.show(
    [mv.signed(matrix), mv.signed(np.pad(transpose, ((0, 0), (0, 20))))],  # as wide as A, so that the scale is one
    titles=["A: 16 outputs from 36 pixels", "its transpose, by spreading"],
    caption="A convolution with a 3 x 3 kernel as a matrix: red is positive, blue negative, white zero.",
    side=288,
)
assert np.array_equal(transpose, matrix.T)

# %% [markdown]
# ## Which way up?
#
# A kernel in the shape of an F makes visible what is turned and what is not. Forward, a picture with one bright pixel
# gives the F **turned by 180 degrees**: the outputs *above and left of* the pixel see it with their *lower right*
# corner. Backward, a single $g$ puts down the F as it is. So the walk back is a convolution as well, with the kernel
# turned by 180 degrees and its channels in and out exchanged: that is why DeconvNet, in lesson 12, "filters with the
# flipped filters".

# %%
letter = np.array([[1, 1, 1, 1, 0], [1, 0, 0, 0, 0], [1, 1, 1, 0, 0], [1, 0, 0, 0, 0], [1, 0, 0, 0, 0.0]])
one = np.zeros((13, 13, 1))
one[6, 6] = 1
forward = convolve(one, letter[:, :, None, None])[:, :, 0]  # 9 x 9
back = spread(one[2:-2, 2:-2], letter[:, :, None, None], (13, 13, 1))[:, :, 0]

mv.show(
    [mv.grey(np.pad(letter, 1)), mv.grey(one[:, :, 0]), mv.grey(forward), mv.grey(back)],
    titles=["kernel", "one bright pixel", "convolved: turned", "one g, spread: upright"],
    caption="White is 1, black 0. The kernel of 5 x 5 (in a frame), a picture of 13 x 13, the convolution of the "
    "picture with the kernel (9 x 9), and what one single g in the middle of such an output sends back to the "
    "picture.",
    side=160,
)
assert np.array_equal(forward[2:7, 2:7], letter[::-1, ::-1])
assert np.array_equal(back[4:9, 4:9], letter)

# %% [markdown]
# ## The library agrees
#
# `mv.conv2d` takes a batch of pictures, so there is one more axis in front. It cuts out all windows of some rows at
# once and multiplies them by the kernel as a matrix, or takes a shorter way still (lesson 30); the sums are the same.

# %%
x, kernel = rng.normal(size=(9, 8, 3)), rng.normal(size=(3, 2, 3, 4))
for stride in (1, 2):
    y = convolve(x, kernel, stride)
    g = rng.normal(size=y.shape)
    picture, weights = mv.Tensor(x[None]), mv.Tensor(kernel)
    theirs = mv.conv2d(picture, weights, stride=stride)
    to_picture, to_weights = mv.backward(theirs, [picture, weights], seed=g[None])
    assert np.allclose(theirs.value[0], y, atol=1e-12)
    assert np.allclose(to_picture[0], spread(g, kernel, x.shape, stride), atol=1e-12)
    assert np.allclose(to_weights, spread_to_kernel(g, x, kernel.shape, stride), atol=1e-12)

    gathered, sent_back = (y * g).sum(), (x * spread(g, kernel, x.shape, stride)).sum()
    print(f"stride {stride}: <Ax, g> = {gathered:.12f}   <x, A'g> = {sent_back:.12f}")
    assert np.isclose(gathered, sent_back, rtol=1e-12)

# %% [markdown]
# The identity, often called the **adjoint test**, is sharper than finite differences: it has no step, so it holds to
# the last digits. minivis applies it to every linear layer, with strides, padding and groups.

# %% [markdown]
# ## What this does not show
#
# **The transpose is not the inverse.** It sends back what each output is made of; it does not undo. Blurring, and then
# going back through the blur, blurs twice. No picture in this course that was "sent back to the pixels" is a
# reconstruction of the photograph; lesson 22 makes those, and it takes more than a transpose.

# %%
grey_photo = photo.mean(2, keepdims=True)
box = np.full((7, 7, 1, 1), 1 / 49)
once = convolve(grey_photo, box)
twice = spread(once, box, grey_photo.shape)
mv.show(
    [mv.grey(picture[:, :, 0]) for picture in (grey_photo, once, twice)],
    titles=["photograph", "blurred: Ax", "sent back: A'Ax"],
    caption="The transpose of a blur blurs again, and darkens the frame, where fewer windows reach.",
)
print(f"from the photograph: blurred {abs(once - grey_photo[3:-3, 3:-3]).mean():.1f},", end=" ")
print(f"sent back {abs(twice - grey_photo)[3:-3, 3:-3].mean():.1f} on average, of 255")

# %% [markdown]
# **A wrong transpose that often looks right.** Somebody writes the walk back as a padded convolution and forgets to
# turn the kernel. For one that looks the same upside down, such as a blur, nothing is wrong; for all others it is. The
# adjoint test tells at once.

# %%
for name, kernel in (("blur", box), ("right minus left", across[:, :, :1]), ("random", rng.normal(size=(3, 3, 1, 1)))):
    x = rng.normal(size=(12, 12, 1))
    y = convolve(x, kernel)
    g = rng.normal(size=y.shape)
    frame = kernel.shape[0] - 1
    framed = np.pad(g, ((frame, frame), (frame, frame), (0, 0)))
    turned, unturned = convolve(framed, kernel[::-1, ::-1]), convolve(framed, kernel)
    left = (y * g).sum()
    print(
        f"{name:<18}<Ax, g> = {left:8.4f}   turned {(x * turned).sum():8.4f}   not turned {(x * unturned).sum():8.4f}"
    )
    assert np.isclose(left, (x * turned).sum())
    assert np.isclose(left, (x * unturned).sum()) == (name == "blur")

# %% [markdown]
# **Adding up windows counts the middle more often.** Send back ones through a kernel of ones, and you see how many
# windows cover each pixel. The middle is covered more often than the frame; with stride 2 and a kernel of 3 there is
# even a chequered pattern, which shows in many a gradient. A published occlusion map adds up overlapping windows and
# forgets to divide by this count, so its centre comes out too strong; lesson 16 divides.

# %%
ones = np.ones((3, 3, 1, 1))
dense, strided = spread(np.ones((9, 9, 1)), ones, (11, 11, 1)), spread(np.ones((5, 5, 1)), ones, (11, 11, 1), stride=2)
mv.show(
    [mv.grey(dense[:, :, 0]), mv.grey(strided[:, :, 0])],
    titles=["stride 1: 1 to 9 windows", "stride 2: 1 to 4 windows"],
    caption="How many windows of 3 x 3 cover each pixel of a picture of 11 x 11. Black would be 0.",
    side=176,
)
assert (dense.min(), dense.max(), strided.min(), strided.max()) == (1, 9, 1, 4)

# %% [markdown]
# ## Exercises
#
# **1.** A convolution with stride, for pictures without colours. No padding.


# %%
def convolve_grey(x, kernel, stride):
    """Return the convolution of x (H, W) with kernel (kh, kw), moved by `stride` pixels; the kernel is not turned.

    There is an output wherever the whole kernel fits in.
    """
    ...


mv.check(convolve_grey)

# %% [markdown]
# **2.** Its transpose for stride 1. Spread, or pad and convolve: both can be right.


# %%
def transpose_grey(g, kernel):
    """Return what reaches x (H, W) from g (H - kh + 1, W - kw + 1), for kernel (kh, kw) and stride 1."""
    ...


mv.check(transpose_grey)

# %% [markdown]
# **3.** Padding adds a frame of zeros on the way forward. Its walk back takes the frame off again, for any widths.


# %%
def padding_rule(g, top, bottom, left, right):
    """Return what reaches x, from g (H, W) with respect to x padded by so many rows and columns on each side."""
    ...


mv.check(padding_rule)
