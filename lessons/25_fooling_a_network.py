# %% [markdown]
# # 25 · Fooling a network
#
# **How little must a photograph change for a network to see something else in it?**
#
# Lesson 18 climbed from grey to make a unit respond, and got patterns. This lesson climbs from a photograph, and stops
# as soon as the network changes its mind. Lesson 10 has prepared it: one grey level along the gradient moves a score a
# long way. At the end you will know why, and how such claims are checked.

# %%
import numpy as np

import minivis as mv

# %% [markdown]
# ## The idea
#
# Take the gradient $g$ of the score of the class that the network *shall* see, and walk in steps of one length,
#
# $$x \leftarrow \mathrm{clip}\Big(x + \eta\,\frac{g}{\|g\|}\Big), \qquad
#   g = \frac{\partial S_{\text{target}}}{\partial x},$$
#
# until that class is the first. (Szegedy et al. 2014 found that this works; the step is that of the course CS231n.)
#
# Why should it work? Near $x$ the score is a plane with slope $w$. Changing each of the $n$ values by $\varepsilon$, up
# or down as its slope says, raises the score by
#
# $$\varepsilon \sum_i |w_i| = \varepsilon\,\|w\|_1, \qquad\text{while random signs give about}\qquad
#   \varepsilon \sqrt{\textstyle\sum_i w_i^2} = \varepsilon\,\|w\|_2 .$$
#
# If all slopes are of about the same size, the first is $\sqrt n$ times the second. A picture of $96 \times 96 \times
# 3$ values has $\sqrt n = 166$: a change that is nothing to the eye, and nothing if random, is large if it is *chosen*
# (Goodfellow, Shlens and Szegedy 2015).

# %% [markdown]
# ## By hand

# %%
net = mv.load("minivgg")
portrait = np.rint(net.picture(mv.sample_picture()))
target = net.labels.index("airplane")
print("before:", net.top(portrait, 3)[0])

exact = mv.load("minivgg", dtype="float64")  # so that two programs that do the same give the same
x, steps = portrait.astype(float), 0
while exact(x)[0].argmax() != target:
    g = mv.gradient(exact, x, target)
    x = (x + 20 * g / np.linalg.norm(g)).clip(0, 255)
    steps += 1
by_hand = x.astype("float32")
print(f"after {steps} steps:", net.top(by_hand, 3)[0])

change = by_hand - portrait
size = np.sqrt((change**2).mean())
print(f"values have changed by {size:.2f} of 255 grey levels (root mean square), by {abs(change).max():.1f} at most;")
print(f"the difference has {np.linalg.norm(change) / np.linalg.norm(portrait):.1%} of the norm of the photograph")
assert size < 4

# %% [markdown]
# ## A picture
#
# The two photographs must look alike. Their difference, about middle grey, shows next to nothing; ten times the
# difference shows what was added. It looks like noise. It should *not* look like an airplane.

# %%
mv.show(
    [portrait[0], by_hand[0], (127.5 + change[0]).clip(0, 255), (127.5 + 10 * change[0]).clip(0, 255)],
    titles=[net.top(portrait, 1)[0][0][0], net.top(by_hand, 1)[0][0][0], "difference", "ten times the difference"],
    caption="The photograph as it was, and after a few steps along the gradient of another class; the titles are what "
    "the network sees. Then what was added: middle grey is no change.",
    side=192,
)

# %% [markdown]
# ## Any photograph, one class
#
# A well-known figure turns many different photographs into an *ostrich*. With eight classes we have airplanes.
# `mv.fool` steps a whole batch, each picture until it is fooled, and judges the pictures **rounded to whole numbers**,
# as a file holds them.

# %%
from skimage import data
from sklearn.datasets import load_sample_image

photos = [data.cat(), data.rocket(), load_sample_image("china.jpg")]
pictures = np.concatenate([portrait, *(net.picture(one) for one in photos)])
results = mv.fool(net, pictures, "airplane", lr=20).finish()
for one in results:
    print(one)
mv.show(
    [one.picture for one in results] + [(127.5 + 10 * one.difference).clip(0, 255) for one in results],
    titles=[f"was {one.before[0][0]}, is {one.after[0][0]}" for one in results] + ["10 x difference"] * len(results),
    columns=4,
    caption="Four photographs, all of them airplanes to the network now, and ten times what was added to each.",
    side=150,
)
assert all(one.success and one.relative_norm < 0.2 for one in results)

# %% [markdown]
# ## Chosen, not random
#
# How far does the formula hold? Change every value of the portrait by $\varepsilon$: by the sign of the gradient of
# "airplane minus person", or by random signs. Draw the *lead* of the person over the airplane. Along the sign it must
# fall at first as the plane promises, $-\varepsilon\,\|w\|_1$, and then, as in lesson 10, fall behind it. Random signs
# must leave it about where it was.

# %%
person = net.labels.index("person")
w = mv.gradient(net, portrait, target) - mv.gradient(net, portrait, person)
signs = np.random.default_rng(0).choice([-1.0, 1.0], size=w.shape).astype("float32")
eps = np.array([0, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 4], "float32")


def lead(direction):
    scores = net.capture(np.concatenate([portrait + e * direction for e in eps]), [net.logits])[net.logits]
    return scores[:, person] - scores[:, target]


chosen, at_random = lead(np.sign(w)), lead(signs)
mv.plot(
    {
        "by the sign of the slope": (eps, chosen),
        "by random signs": (eps, at_random),
        "what the plane promises": (eps[:7], chosen[0] - eps[:7] * abs(w).sum()),
    },
    xlabel="epsilon: change of every value, in grey levels",
    ylabel="lead of person over airplane",
    caption="The lead of 'person' over 'airplane' when all values are changed by epsilon. Below 0 the network prefers "
    "the airplane.",
)
print(f"||w||_1 / ||w||_2 = {abs(w).sum() / np.linalg.norm(w):.0f}, at most {np.sqrt(w.size):.0f} for so many values")
assert np.isclose(chosen[1], chosen[0] - eps[1] * abs(w).sum(), atol=0.1 * abs(chosen[0] - chosen[1]))
assert abs(at_random - at_random[0]).max() < 0.5 * abs(chosen - chosen[0]).max()

# %% [markdown]
# ## Score, logarithm or probability
#
# What should rise? Lectures climb the **score** of the target, Nguyen, Yosinski and Clune (2015) its **probability**,
# and minivis as a default the **logarithm** of the probability, which also rises when the rivals sink. Score and
# logarithm point in different directions. The slope of the probability is that of the logarithm times $p$: the same
# direction, but where $p$ is nearly 0, as at the start, hardly any length. A step of fixed length does not mind; a
# plain step, a rate times the slope, would stand still.

# %%
tape = mv.Tensor(portrait)
found = net.capture(tape, [net.logits])[net.logits]
seed = np.eye(8, dtype="float32")[[target]]
slopes = {
    "score": mv.backward(found, tape, seed=seed),
    "logarithm": mv.backward(mv.log_softmax(found), tape, seed=seed),
    "probability": mv.backward(mv.softmax(found), tape, seed=seed),
}
p = net(portrait)[0, target]
for name, slope in slopes.items():
    cosine = (slope * slopes["logarithm"]).sum() / np.linalg.norm(slope) / np.linalg.norm(slopes["logarithm"])
    print(f"{name:<12} norm of the slope {np.linalg.norm(slope):.2e}   cosine to the logarithm's {cosine:.3f}")
assert np.allclose(slopes["probability"], p * slopes["logarithm"], atol=1e-3 * abs(slopes["probability"]).max())
for objective in ("score", "log-probability"):
    (one,) = mv.fool(net, portrait, "airplane", lr=20, objective=objective).finish()
    print(f"{objective:<16} {one.steps} steps, norm of the difference {one.norm:.0f}")

# %% [markdown]
# ## Pictures of nothing
#
# The same climb can start from noise. Nguyen, Yosinski and Clune found pictures that mean nothing to us and of which a
# network is certain: by raising the probability, with a weak pull to grey (`mv.fool_from_noise`), and by breeding,
# without any gradient (`mv.evolve`). The steps of this lesson do it as well, if they go on after the class has flipped,
# until its score leads by a `margin`. What should be seen: nothing.

# %%
classes = ["airplane", "dog", "motorbike"]
noise = np.rint(128 + 10 * np.random.default_rng(0).normal(size=(3, *portrait.shape[1:]))).astype("float32")
nothing = mv.fool(net, noise, classes, lr=60, margin=4).finish()
mv.show(
    [one.picture for one in nothing],
    titles=[f"{one.after[0][0]} {one.after[0][1]:.2f}" for one in nothing],
    caption="Noise, changed until the network is sure of a class; the titles are its answers.",
    side=192,
)
print("before:", [one.before[0] for one in nothing])
assert all(one.success and one.after[0][0] == name for one, name in zip(nothing, classes, strict=True))

# %% [markdown]
# ## The library agrees

# %%
(result,) = mv.fool(exact, portrait.astype(float), "airplane", lr=20, objective="score", eight_bit=False).finish()
differ = abs(result.picture - x[0]).max()
assert result.steps == steps and differ < 1e-6
print(f"the library takes {result.steps} steps as well, and its picture differs by {differ:.1e} grey levels at most")

# %% [markdown]
# ## What this does not show
#
# **That the network looks at nothing.** The change is chosen with full knowledge of *this* network, against it alone.
# It says that close to nearly every photograph there is a border, not that one is likely to step over it by chance.
#
# **A sanity check that can fail**: noise of the same length must not fool it. Ten times noise, as long as our change:

# %%
rng = np.random.default_rng(1)
noise = rng.normal(size=(10, *portrait.shape[1:])).astype("float32")
noise *= np.linalg.norm(change) / np.sqrt((noise**2).sum((1, 2, 3), keepdims=True))
answers = [net.labels[i] for i in net((portrait + noise).clip(0, 255)).argmax(1)]
print("noise of the same length:", answers)
assert answers.count("person") == 10

# %% [markdown]
# **Judged as what is saved.** The picture that was stepped has fractions; a file has not. Whether the network is still
# fooled by the rounded picture has to be looked up, every time. (And look what one pixel to the right does: the change
# fits this picture at this place. Nothing says that it survives.)

# %%
for name, picture in (
    ("with fractions", by_hand),
    ("rounded, as a file has it", np.rint(by_hand)),
    ("rounded, then one pixel to the right", np.roll(np.rint(by_hand), 1, axis=2)),
):
    print(f"{name:<38}", *(f"{label} {q:.3f}" for label, q in net.top(picture, 2)[0]), sep="  ")

# %% [markdown]
# **Rounding too early.** A published program that climbs in this way turns the picture into bytes *after every step*.
# But a step of length 2 changes a value by about $2 / \sqrt n \approx 0.01$, and rounding takes that back. The identity
# to check: inside the range, a step of length $\eta$ must move the picture by $\eta$. Then look at the score:

# %%
middle = (64 + portrait / 2).round()  # less contrast, so that nothing is clipped
start = net.capture(middle, [net.logits])[net.logits][0, target]
for way, touch in (("exact", lambda x: x), ("rounded at every step", np.rint)):
    x, moved = middle, []
    for _ in range(15):
        g = mv.gradient(net, x, target)
        after = touch((x + 2 * g / np.linalg.norm(g)).clip(0, 255))
        moved.append(float(np.linalg.norm(after - x)))
        x = after
    score = net.capture(x, [net.logits])[net.logits][0, target]
    print(f"{way:<22} a step moves the picture by {moved[0]:.3f}; after 15 the score has risen by {score - start:.2f}")
    assert np.isclose(moved[0], 2, rtol=1e-3) == (way == "exact")
    assert (score - start > 1) == (way == "exact")

# %% [markdown]
# ## Exercises
#
# **1.** The step of the lecture.


# %%
def fooling_step(x, g, lr):
    """Return the picture after a step of Euclidean length lr along g, then brought into 0..255; x is not changed.

    x, g: (H, W, 3), floats. Where g is 0 everywhere, there is no step.
    """
    ...


mv.check(fooling_step)

# %% [markdown]
# **2.** The step of Kurakin, Goodfellow and Bengio (2016): every value by alpha, up or down as its slope says; then no
# value further than eps from where it was in the photograph; and into the range.


# %%
def step_by_sign(x, photo, g, alpha, eps):
    """Return the picture after such a step from x. photo is where it all began; all (H, W, 3). g = 0: no change."""
    ...


mv.check(step_by_sign)

# %% [markdown]
# **3.** For a linear classifier, scores $s = xW + b$, the smallest change is known. Find the shortest $r$ for which the
# scores of the class `old` and of the class `new` at $x + r$ are equal.


# %%
def to_the_border(x, W, b, old, new):
    """Return r (D,), for x (D,), W (D, K) and b (K,)."""
    ...


mv.check(to_the_border)
