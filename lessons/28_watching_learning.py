# %% [markdown]
# # 28 · Watching a network learn
#
# **What happens inside a network while it learns, and how do you draw it so that what moves in the drawing has moved?**
#
# Most networks so far came finished. This one you train yourself, in a second, and look at it after every step: its
# loss, its weights, its dead units, and where it puts a fixed set of pictures. For the last you need the maps of lesson
# 27, with one thing added: all moments must be on one map.

# %%
import numpy as np
from sklearn.datasets import load_digits

import minivis as mv

# %% [markdown]
# ## The idea
#
# To **train** is to descend the loss: the mean cross-entropy $L = -\frac1N \sum_n \log p_{n, c(n)}$ of the right
# classes $c(n)$, where $p$ is the softmax of the scores (lesson 4). A step follows the gradient with respect to the
# weights, and a **velocity** remembers where the last steps went (*momentum*):
#
# $$v \leftarrow \mu v + \frac{\partial L}{\partial W}, \qquad W \leftarrow W - \eta\, v,$$
#
# with a learning rate $\eta$ and $\mu = 0.9$. Usually a step sees a small *batch* of the pictures, and an **epoch** is
# over when all have been seen. Here a step sees all 1,000, so a step is an epoch, and there is no chance in it.
#
# To **watch**, take some pictures that the network does not learn from, always the same ones, and keep their codes
# after each epoch: an array (epochs, pictures, numbers). Some lectures monitor training by a map of the *output* in two
# dimensions. One map for all epochs: stack the codes of all of them, take the mean $m$ of all, and two axes $V$ for
# all, the principal components. Then the place of picture $n$ in epoch $e$,
#
# $$y_{e,n} = V^\top (z_{e,n} - m),$$
#
# moves from one epoch to the next by $V^\top(z_{e+1,n} - z_{e,n})$: if the code stands still, so does the dot, and no
# dot moves further than its code.

# %% [markdown]
# ## By hand
#
# The digits of lesson 27, 1,000 to learn from and 400 to watch. The network: 64 pixels, 32 hidden units with a ReLU, 10
# scores. Start from small random weights; at each epoch look first, then step.

# %%
digits = load_digits()
pictures = np.repeat(255 / 16 * digits.images[:, :, :, None], 3, axis=3).astype("float32")
x = ((pictures[:, :, :, 0] - 128.0) / 64).reshape(-1, 64).astype(float)  # about -2 to 2
train, watched = slice(0, 1000), slice(1000, 1400)
classes = digits.target

plan = mv.mlp([str(digit) for digit in range(10)], size=8, hidden=32, name="digits")
first = mv.initial_weights(plan, np.random.default_rng(0))
names = ["fc1/kernel", "fc1/bias", "fc2/kernel", "fc2/bias"]
weights = [first[name[:3]][name[4:]].astype(float) for name in names]
velocity = [np.zeros_like(w) for w in weights]

history = {"loss": [], "watched loss": [], "right": [], "dead": [], "scores": [], "kernels": [], "steps": []}
for _ in range(61):
    recorded = [mv.Tensor(w) for w in weights]
    hidden = mv.relu(mv.linear(x[train], recorded[0], recorded[1]))
    losses = mv.cross_entropy(mv.linear(hidden, recorded[2], recorded[3]), labels=classes[train])
    slopes = mv.backward(mv.sum(losses) * (1 / 1000), recorded)

    active = np.maximum(x[watched] @ weights[0] + weights[1], 0)
    scores = active @ weights[2] + weights[3]
    history["loss"].append(losses.value.mean())
    history["watched loss"].append(mv.cross_entropy(scores, labels=classes[watched]).mean())
    history["right"].append((scores.argmax(1) == classes[watched]).mean())
    history["scores"].append(scores)
    history["kernels"].append(weights[0])
    died = (active == 0).all(0)
    history["dead"].append(died.mean())

    velocity = [0.9 * v + slope for v, slope in zip(velocity, slopes, strict=True)]
    history["steps"].append(0.05 * np.linalg.norm(velocity[0]) / np.linalg.norm(weights[0]))
    weights = [w - 0.05 * v for w, v in zip(weights, velocity, strict=True)]
print("epoch    ", *(f"{epoch:>6}" for epoch in (0, 5, 10, 20, 40, 60)))
for name in ("loss", "watched loss", "right", "dead", "steps"):
    print(f"{name:<13}", *(f"{history[name][epoch]:6.3f}" for epoch in (0, 5, 10, 20, 40, 60)))

# %% [markdown]
# ## Curves
#
# Both losses should fall together and then part, since the network goes on to learn what is special to the 1,000
# pictures. "right" is the share of the watched pictures whose digit has the highest score, "dead" the share of hidden
# units that are 0 for all of them. (A unit that is 0 for all pictures *learned from*, too, lets no slope pass, and
# learns no more.)

# %%
mv.plot(
    {name: np.array(history[name]) for name in ("loss", "watched loss", "right", "dead")},
    xlabel="epoch",
    ylabel="loss; shares of 1",
    caption="The loss on the 1,000 pictures learned from and on the 400 watched; the share of the watched that are "
    "right, and of the hidden units that are dead.",
)
assert history["loss"][60] < history["watched loss"][60] and history["right"][60] > 0.9

# %% [markdown]
# How large is a step, compared with the weights that it changes? Some lecture notes watch this ratio, with a rule of
# thumb of about 0.001; the line is there to compare, and nothing hangs on it. Far below, nothing happens; near 1, each
# step throws away what the last one learned. Here it starts at several hundredths, and falls as the slopes do.

# %%
mv.plot(
    {"first kernel": np.array(history["steps"]), "0.001": np.full(61, 0.001)},
    xlabel="epoch",
    ylabel="length of the step / of the weights",
    log="y",
    caption="How much each step changes the kernel of the hidden layer, relative to its length.",
)

# %% [markdown]
# ## The weights
#
# Each hidden unit has 64 weights, so they are a picture of 8 x 8 (lesson 7). The top row is the random start of eight
# units, the middle row the end, the bottom row the difference. In the end the start still shows through, and only the
# difference is smooth, with strokes wider than a pixel. Some units have hardly changed. Dead ones should be among them;
# but a unit may learn first, and die later.

# %%
start, end = (history["kernels"][epoch].T.reshape(32, 8, 8) for epoch in (0, 60))
largest = np.abs(end[:8]).max()
mv.show(
    [mv.signed(one, limit=largest) for some in (start, end, end - start) for one in some[:8]],
    titles=[f"{when}, unit {unit}" for when in ("start", "end", "change") for unit in range(8)],
    columns=8,
    caption="Weights of the first eight hidden units: red positive, blue negative, white 0, on one scale.",
    side=80,
)
changed = np.linalg.norm(end - start, axis=(1, 2)) / np.linalg.norm(start, axis=(1, 2))
print(f"change / start: median {np.median(changed[~died]):.2f} of living units, {np.median(changed[died]):.2f} of dead")
assert np.median(changed[died]) < np.median(changed[~died])

# %% [markdown]
# ## One map for all epochs
#
# Stack, centre, decompose, and cut into epochs again. The first picture follows the mean place of each digit: all start
# near one point and go apart, and they do not stop when the network is right, for a loss can always be lowered by
# larger scores.

# %%
codes = np.array(history["scores"])  # (epochs, pictures, 10)
stacked = codes.reshape(-1, 10)
_, _, axes = np.linalg.svd(stacked - stacked.mean(0), full_matrices=False)
places = ((stacked - stacked.mean(0)) @ axes[:2].T).reshape(61, 400, 2)

mv.plot(
    {f"{digit}": tuple(places[:, classes[watched] == digit].mean(1).T) for digit in range(10)},
    xlabel="axis 1, for all epochs",
    ylabel="axis 2, for all epochs",
    caption="The mean place of each digit's scores, a line through 61 epochs, on one map. The lines come from one "
    "region near the middle.",
)
for epoch in (5, 15, 60):
    mv.plot(
        {str(digit): tuple(places[epoch, classes[watched] == digit].T) for digit in range(10)},
        xlabel="axis 1, for all epochs",
        ylabel="axis 2, for all epochs",
        dots=True,
        caption=f"The 400 watched pictures after {epoch} epochs, {history['right'][epoch]:.0%} of them right, on that "
        "map. Mind the numbers on the axes: they grow.",
    )
spread = [np.linalg.norm(codes[epoch] - codes[epoch].mean(0), axis=1).mean() for epoch in (5, 15, 40, 60)]
print("mean distance of the scores from their centre after 5, 15, 40, 60 epochs:", np.round(spread, 2))
assert spread[0] < spread[1] < spread[2] < spread[3]

# %% [markdown]
# **Which output?** "The output" may be the scores or, after the softmax, the probabilities. Scores grow for ever;
# probabilities end in the corners, where a picture is 1 for one digit and 0 for the others, and then stand still.
# Compare how much of the whole way is gone in the last 20 epochs.

# %%
powers = np.exp(codes - codes.max(2, keepdims=True))
probabilities = powers / powers.sum(2, keepdims=True)
last = {}
for name, output in (("scores", codes), ("probabilities", probabilities)):
    moved = np.linalg.norm(np.diff(output, axis=0), axis=2).mean(1)  # in each epoch, the mean over the pictures
    last[name] = moved[40:].sum() / moved.sum()
    print(f"{name:<14} of the way, in the last 20 of 60 epochs: {last[name]:.1%}")
assert last["probabilities"] < last["scores"]

# %% [markdown]
# ## The library agrees
#
# `mv.Training` is the loop; it stops after each step, so that one can look. `mv.Recorder` looks at the same quantities
# after each epoch. `mv.trajectories` makes the map. One difference in what is said: the library's training loss of an
# epoch is the mean over the pictures *as they were met*, before the step, and its held-out loss is measured after it.
# With one step per epoch, its epoch $e$ has our loss of $e - 1$ beside our watched loss of $e$. Many programs draw the
# two as one figure, and a held-out curve then looks better than it is by half an epoch.

# %%
training = mv.Training(
    plan,
    pictures[train],
    classes[train],
    mv.SGD(momentum=0.9),
    lr=0.05,
    epochs=60,
    batch=1000,
    rng=np.random.default_rng(0),
    start=first,
)
recorder = mv.Recorder(plan, pictures[watched], classes[watched], "fc2", held_out=(pictures[watched], classes[watched]))
recorder.begin(training.state)
before = training.state
for step in training:
    recorder.add(step, before, training.state)
    before = training.state
record = recorder.record()
assert np.allclose(record.codes, codes, atol=1e-4 * np.abs(codes).max())  # float32 there, float64 here
assert np.allclose(record.loss[1:], history["loss"][:-1], rtol=1e-4)
assert np.allclose(record.held_out_loss, history["watched loss"], rtol=1e-4)
assert np.allclose(record.update_ratio[1:, 0], history["steps"][:-1], rtol=0.05)  # relative to the weights after it
assert np.allclose(np.abs(mv.trajectories(codes)), np.abs(places))
print(f"codes of 61 epochs: largest difference {np.abs(record.codes - codes).max():.1e} of {np.abs(codes).max():.0f}")

# %% [markdown]
# ## What this does not show
#
# **Groups are not knowledge.** Shuffle the labels of 200 pictures, so that there is nothing to be learned, and train.
# The network learns them by heart, and the map of these 200, here a t-SNE map of their probabilities, should come apart
# by their random labels all the same. Only pictures that it has *not* seen can tell. This is why the pictures watched
# above were others than those learned from.

# %%
shuffled = np.random.default_rng(3).permutation(classes[:200])
by_heart = mv.Training(
    plan,
    pictures[:200],
    shuffled,
    mv.SGD(momentum=0.9),
    lr=0.05,
    epochs=1000,
    batch=200,
    rng=np.random.default_rng(0),
    start=first,
)
*_, step = by_heart  # to the last step
outputs = {
    name: by_heart.net().capture(pictures[some], ["prob"])["prob"]
    for name, some in (("learned from", slice(0, 200)), ("new", watched))
}
learnt = (outputs["learned from"].argmax(1) == shuffled).mean()
new = (outputs["new"].argmax(1) == classes[watched]).mean()
print(f"random labels: right on the 200 learned from {learnt:.1%}, on new ones {new:.1%}; by chance 10%")
places_by_heart = mv.tsne(outputs["learned from"], perplexity=20, steps=500)
mv.plot(
    {str(label): tuple(places_by_heart[shuffled == label].T) for label in range(10)},
    xlabel="t-SNE, axis 1",
    ylabel="t-SNE, axis 2",
    dots=True,
    caption="Probabilities of 200 digits whose labels were shuffled, after training on them, as a t-SNE map; colours "
    "and shapes are the shuffled labels. Groups, and nothing behind them.",
)
assert learnt > 0.9 and new < 0.25

# %% [markdown]
# **A map for each epoch, on its own.** The axes of a PCA are turned to the variance of the moment, so a new map is
# turned and stretched against the old one, and dots seem to fly about. The identity that exposes it: **no dot may move
# further than its code.**

# %%
separate = np.array([mv.pca(one, 2).transform(one) for one in codes])
in_codes = np.linalg.norm(np.diff(codes, axis=0), axis=2)
for name, drawn in (("one map", places), ("a map each", separate)):
    on_paper = np.linalg.norm(np.diff(drawn, axis=0), axis=2)
    too_far = (on_paper > in_codes * (1 + 1e-9)).mean()
    print(f"{name:<11} dots that move further than their codes: {too_far:.1%};", end=" ")
    print(f"the largest ratio of the two ways is {(on_paper / in_codes).max():.3f}")
    assert (too_far == 0) == (name == "one map")

# %% [markdown]
# **A wrong implementation.** Statistics over many pictures are gathered in batches. A published tool that counts how
# often the gates of a recurrent network are saturated writes each text's counts over those of the text before, so its
# figures are about the last text alone. The same slip with dead units: a unit is dead if it is 0 for *all* pictures.
# The identity: **the answer does not depend on how the pictures are cut into batches.**

# %%
kernel, bias = weights[0], weights[1]
whole = np.maximum(x[watched] @ kernel + bias, 0)
right, wrong = {}, {}
for batch in (400, 100, 10, 1):
    alive = np.zeros(32, bool)
    for begin in range(0, 400, batch):
        fires = (whole[begin : begin + batch] > 0).any(0)
        alive |= fires
        overwritten = fires  # what the published tool keeps
    right[batch], wrong[batch] = float(1 - alive.mean()), float(1 - overwritten.mean())
print("dead, by the size of a batch: right", right, " wrong", wrong)
assert len(set(right.values())) == 1 and len(set(wrong.values())) > 1

# %% [markdown]
# ## Exercises
#
# **1.** A step with momentum, in the form above: what $v$ remembers are slopes, not steps.


# %%
def momentum_step(w, v, slope, rate, momentum):
    """Return (new weights, new velocity), from weights w, velocity v and the slope of the loss: arrays of one shape.

    None of the three is changed. With a slope that stays 1, the velocity comes near to 1 / (1 - momentum).
    """
    ...


mv.check(momentum_step)

# %% [markdown]
# **2.** One map for all epochs.


# %%
def common_map(codes):
    """Return the places (E, N, 2) of codes (E, N, D): their first two principal components, one pair for all epochs.

    The sign of each axis is free. The mean of all places is 0.
    """
    ...


mv.check(common_map)

# %% [markdown]
# **3.** Dead units, when the pictures come in batches.


# %%
def dead_share(batches):
    """Return the share (0..1) of units that are 0 for all pictures of all batches.

    batches: a list of arrays (pictures, units), after the ReLU. The batches may be of different sizes.
    """
    ...


mv.check(dead_share)
