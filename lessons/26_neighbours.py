# %% [markdown]
# # 26 · Neighbours in pixels and in codes
#
# **Which pictures does a network take for alike, and is that more than what their pixels say?**
#
# Most pictures so far were made by asking one unit or one class. This lesson asks a whole layer at once: its numbers
# for a picture, taken together, are that picture's **code** (lesson 22 went from a code back to a picture). You will
# find the pictures whose codes are nearest, compare them with the nearest in pixels, and measure which of the two is
# right.

# %%
import numpy as np

import minivis as mv

# %% [markdown]
# ## The idea
#
# A picture of 64 x 64 colours is a list of 12,288 numbers: a *point* in a space of 12,288 dimensions. A row of a
# network, written out as one list, is a point as well. Two points have a distance,
#
# $$d(a, b) = \lVert a - b \rVert = \sqrt{\sum_i (a_i - b_i)^2}
#   \qquad\text{(Euclidean, or L2)},$$
#
# and the points with the smallest distance to $a$ are its **nearest neighbours**. With $a = x$, the pixels, this asks
# which pictures have the same colours in the same places. With $a = \Phi(x)$, the code, it asks which pictures the rest
# of the network can hardly tell apart, since it sees nothing but the code. Krizhevsky, Sutskever and Hinton (2012)
# showed such neighbours for the 4,096 numbers of the last hidden layer of their network, and lectures have repeated the
# comparison ever since.
#
# To find neighbours, all distances are wanted at once. Multiplied out, the square is a product of matrices:
#
# $$d(a, b)^2 = \lVert a \rVert^2 + \lVert b \rVert^2 - 2\, a \cdot b .$$

# %% [markdown]
# ## By hand
#
# The pictures are faces of six invented people, drawn by minivis: the person stays, but place, tilt, expression, light
# and background change. The network is `faces-mlp`, a hidden layer of 16 units, trained on *other* drawings of the same
# six. Its code is the hidden layer after its ReLU, `relu1`: 16 numbers.

# %%
faces = mv.synthetic_faces(20, part="test")
pictures, people = faces.pictures.astype("float32"), faces.labels
net = mv.load("faces-mlp")
pixels = pictures.reshape(len(pictures), -1).astype(float)
codes = net.capture(pictures, ["relu1"])["relu1"].astype(float)
print("pixels:", pixels.shape, " codes:", codes.shape)


def neighbours(points, k):
    squares = (points**2).sum(1)
    squared = squares[:, None] + squares - 2 * points @ points.T
    np.fill_diagonal(squared, np.inf)  # nobody is a neighbour of itself
    return squared.argsort(axis=1, kind="stable")[:, :k]


by_pixels, by_codes = neighbours(pixels, 5), neighbours(codes, 5)

# %% [markdown]
# ## A picture
#
# The first drawing of three of the people, with its five nearest by pixels above, and by codes below. By pixels, what
# is alike is the background, the light, and where the head is. By codes, it should mostly be the person, and the rest
# may vary.

# %%
shown, titles = [], []
for query in (20, 60, 80):
    for name, index in (("pixels", by_pixels), ("codes", by_codes)):
        shown += [pictures[query], *pictures[index[query]]]
        titles += [f"{faces.names[people[query]]}: by {name}", *(faces.names[people[i]] for i in index[query])]
mv.show(
    shown,
    titles=titles,
    columns=6,
    caption="On the left three queries, each twice; beside them the five nearest of the other 119 pictures, nearest "
    "first, with the names of the people. Odd rows: by pixels. Even rows: by codes.",
    side=96,
)

# %% [markdown]
# ## How often is a neighbour the same person?
#
# A sheet of a few queries can be chosen to show anything. So count: which share of all 600 neighbours shows the person
# of its query? By chance it would be 19 of 119. Here it is for every row of the network. **Lectures and papers do not
# all take the same row**: some take a hidden layer as it is, some after its ReLU (as the widely copied code for VGG16
# does); the picture has both.
#
# And one control, without which the numbers say little: the same rows of a network of the same shape whose weights are
# random. It has learned nothing, so whatever its codes are good for does not come from learning.

# %%
rows = ["normalize", "fc1", "relu1", "fc2", "prob"]
untrained = mv.Net(net.architecture, mv.initial_weights(net.architecture, np.random.default_rng(0)))
shares = {"trained": [], "untrained": []}
for which, one in (("trained", net), ("untrained", untrained)):
    captured = one.capture(pictures, rows)
    for row in rows:
        index = neighbours(captured[row].reshape(len(pictures), -1).astype(float), 5)
        shares[which].append((people[index] == people[:, None]).mean())
in_pixels = (people[by_pixels] == people[:, None]).mean()
chance = 19 / 119
print(f"{'pixels':<12}{in_pixels:.3f}   by chance {chance:.3f}")
for row, learnt, random in zip(rows, shares["trained"], shares["untrained"], strict=True):
    print(f"{row:<12}{learnt:.3f}   untrained {random:.3f}")

mv.plot(
    {
        "trained": np.array(shares["trained"]),
        "untrained, same shape": np.array(shares["untrained"]),
        "pixels": np.full(len(rows), in_pixels),
        "by chance": np.full(len(rows), chance),
    },
    xlabel="row: " + ", ".join(f"{i} {row}" for i, row in enumerate(rows)),
    ylabel="neighbours: share of the same person",
    caption="Five nearest neighbours of each of 120 drawn faces. The rows of the trained network bring the pictures of "
    "a person together; those of an untrained one lose what the pixels had.",
)
assert shares["trained"][2] > in_pixels + 0.1 > shares["untrained"][2] + 0.2

# %% [markdown]
# So learning did it, and not the layers: 16 random mixtures of pixels know less than the pixels. But note how good the
# pixels are. The six have hair and shirts of different brightness, and that is in the pixels already.
#
# ## What a code forgets
#
# Pixels compare colours *in the same places*. Move a picture a little, and it is far from itself. For this a network
# with pooling is needed: `minivgg`, and its last hidden layer, `relu7`, 256 numbers. Cut a window out of a photograph,
# move it step by step to the right, and compare with the first window. The unit is the mean distance between windows of
# *different* photographs: at 1, the moved picture would be no nearer to itself than to a stranger.

# %%
from skimage import data
from sklearn.datasets import load_sample_image

vgg = mv.load("minivgg")
photos = [mv.read_picture(one) for one in (mv.sample_picture(), data.cat(), data.coffee(), data.rocket())]
photos += [mv.read_picture(one) for one in (data.astronaut(), load_sample_image("flower.jpg"))]
windows = np.concatenate([vgg.picture(photo[:280, :280]) for photo in photos])
steps = np.arange(0, 101, 10)
moved = np.concatenate([vgg.picture(photos[4][:280, step : step + 280]) for step in steps])

relative = {}
for row in ("input", "relu7"):
    start, others = (vgg.capture(some, [row])[row].reshape(len(some), -1).astype(float) for some in (moved, windows))
    apart = np.linalg.norm(others[:, None] - others, axis=-1)
    relative[row] = np.linalg.norm(start - start[0], axis=1) / apart[np.triu_indices(6, 1)].mean()
mv.plot(
    {"pixels": (steps / 280 * 96, relative["input"]), "codes (relu7)": (steps / 280 * 96, relative["relu7"])},
    xlabel="the window is moved by so many pixels of 96",
    ylabel="distance, in those of strangers",
    caption="A window that moves over the photograph of the astronaut. 1 is the mean distance of windows of different "
    "photographs. In pixels the window is soon as far from itself as from a stranger; in codes it takes "
    "longer. Then the code has gone further.",
)
print("moved by 10 of 96 pixels:", {row: round(float(relative[row][3]), 2) for row in relative})
assert (relative["relu7"][1:4] < relative["input"][1:4]).all() and relative["relu7"][-1] > relative["input"][-1]

# %% [markdown]
# A small move changes the code less than the pixels. It does change it: pooling forgives a pixel or two in each of four
# layers, not more. And where the window has moved so far that something else is in it, the code says so more loudly
# than the pixels do. That is what a code is for.
#
# ## The library agrees
#
# `mv.nearest_neighbours` takes the same product of matrices to see who *may* be near, and then measures those few again
# by their differences, since the product rounds: two large numbers that almost cancel leave little of their digits.

# %%
for points, mine in ((pixels, by_pixels), (codes, by_codes)):
    found = mv.nearest_neighbours(points, 5)
    assert np.array_equal(found.index, mine)
    assert np.allclose(found.distance, np.linalg.norm(points[:, None] - points[mine], axis=-1), rtol=1e-12)
print("The library finds the same neighbours, at the same distances.")

far = np.float32([[10_000.0, 0.0], [10_000.0, 0.01]])  # 0.01 apart, in float32
by_product = (far**2).sum(1)[0] + (far**2).sum(1)[1] - 2 * far[0] @ far[1]
print(f"the squared distance of two near points: by the product {by_product}, by the difference {0.01**2:.4f}")
assert by_product != np.float32(0.01**2) and np.isclose(mv.nearest_neighbours(far, 1).distance[0], 0.01)

# %% [markdown]
# ## What this does not show
#
# **"Alike" means: alike for the task.** `faces-mlp` was trained to tell six people apart, so that is what its codes
# keep. Ask codes for something else, and they need not be better than pixels. Here sixteen windows are cut out of each
# of six photographs, every second one mirrored, and the question is which *photograph* a window is from. The nearer a
# row of minivgg is to its eight classes, the less it can say: in `prob`, two photographs taken for one class are one.

# %%
rng = np.random.default_rng(0)
windows, source = [], []
for number, photo in enumerate(photos):
    height, width = photo.shape[:2]
    for k in range(16):
        side = int(min(height, width) * rng.uniform(0.75, 1))
        top, left = rng.integers(height - side + 1), rng.integers(width - side + 1)
        window = photo[top : top + side, left : left + side]
        windows.append(vgg.picture(window[:, ::-1] if k % 2 else window))  # every second one mirrored
        source.append(number)
windows, source = np.concatenate(windows), np.array(source)
captured = vgg.capture(windows, ["input", "pool4", "relu7", "prob"])
same_photo = {}
for row, values in captured.items():
    index = mv.nearest_neighbours(values.reshape(len(values), -1), 5).index
    same_photo[row] = (source[index] == source[:, None]).mean()
    print(f"{row:<7} neighbours from the same photograph: {same_photo[row]:.3f}")
said = captured["prob"].argmax(1)
for number, name in enumerate(("portrait", "cat", "coffee", "rocket", "astronaut", "flower")):
    counted = np.bincount(said[source == number], minlength=8)
    print(f"{name:<10}", {vgg.labels[c]: int(counted[c]) for c in counted.argsort()[::-1] if counted[c]})
assert same_photo["prob"] < same_photo["input"]

# %% [markdown]
# **Nearest is not near.** Every query has a nearest neighbour, also one that is like nothing else: the list is always
# full. Look at the distance too, and ask how large it is among strangers.
#
# **A wrong implementation.** Pictures are stored as whole numbers of 8 bits, 0 to 255, and there $3 - 5$ is not $-2$
# but 254. A published package casts values that may be negative to such numbers; in this lesson the accident is to
# convert one step too late. It raises no error. The identity: **a distance is the same in both directions.**

# %%
stored = faces.pictures.reshape(len(faces.pictures), -1)  # uint8
wrong = np.array([[((a - b).astype(float) ** 2).sum() for b in stored] for a in stored])
right = np.array([[((a - b) ** 2).sum() for b in pixels] for a in pixels])
print(f"d(0, 1)² and d(1, 0)²: wrong {wrong[0, 1]:,.0f} and {wrong[1, 0]:,.0f}, right {right[0, 1]:,.0f} both ways")
np.fill_diagonal(wrong, np.inf)
spoilt = (people[wrong.argsort(1)[:, :5]] == people[:, None]).mean()
print(f"neighbours that are the same person: {spoilt:.3f} in place of {in_pixels:.3f}")
assert np.array_equal(right, right.T) and not np.array_equal(wrong, wrong.T) and spoilt < in_pixels

# %% [markdown]
# ## Exercises
#
# **1.** All distances at once. Mind what you have just seen.


# %%
def all_distances(a, b):
    """Return the Euclidean distances (M, N) between the rows of a (M, D) and the rows of b (N, D).

    The arrays may be of any numbers, also uint8. The distance of a row to an equal one is 0, or nearly, and no nan.
    """
    ...


mv.check(all_distances)

# %% [markdown]
# **2.** Cosine distance, $1 - a \cdot b / (\lVert a \rVert\, \lVert b \rVert)$, asks for the direction of a code and
# not for its length. Find the neighbours by it.


# %%
def cosine_neighbours(points, k):
    """Return the indices (N, k) of the k nearest other points of each of points (N, D), by cosine distance.

    Nearest first; a point is never its own neighbour. No point is all zeros.
    """
    ...


mv.check(cosine_neighbours)

# %% [markdown]
# **3.** Neighbours can classify: a query gets the class that most of its neighbours have.


# %%
def vote(index, labels):
    """Return the class (M,) that is most frequent among each query's neighbours; of several, the nearest one's.

    index (M, k): the neighbours of each query, nearest first. labels (N,): whole numbers, the classes of the points.
    """
    ...


mv.check(vote)
