# %% [markdown]
# # 10 · Saliency
#
# **Which pixels would change the score of a class, if they changed a little?**
#
# Lesson 1 gave slopes, lessons 3 and 4 the way back through each layer, lesson 5 a trained network. Together they
# answer this question for every pixel at once. At the end you will also know how far such an answer can be trusted: a
# slope is a straight line, and a network is not.

# %%
import numpy as np

import minivis as mv

# %% [markdown]
# ## The idea
#
# Let $S_c(I)$ be the score of class $c$ for the picture $I$: the number *before* the softmax. Near a picture $I_0$ it
# is almost a plane,
#
# $$S_c(I) \approx S_c(I_0) + \langle w,\; I - I_0 \rangle, \qquad
#   w = \frac{\partial S_c}{\partial I}\bigg|_{I_0}, \qquad
#   M_{ij} = \max_{\text{colour } k} |w_{ijk}| .$$
#
# $w$ has the shape of the picture: one slope for each colour of each pixel. The map $M$, one number per pixel, is
# called the **saliency map** of the class (Simonyan, Vedaldi and Zisserman 2014). A pixel is *salient* if changing one
# of its colours a little changes the score much, in either direction.

# %% [markdown]
# ## By hand
#
# Forward, and keep all rows. Then walk back through the table, from the scores to the picture: at each row the rule of
# lesson 3 or 4. The convolution's is again a convolution, with its kernels turned and their channels exchanged.

# %%
net = mv.lesson_net()

from sklearn.datasets import load_sample_image

photo = net.picture(load_sample_image("flower.jpg"))
names = net.names[: net.names.index(net.logits) + 1]
rows = net.capture(photo, names)
scores = rows[net.logits]
label = int(scores[0].argmax())
print(f"the strongest class is {net.labels[label]!r}, with a score of {scores[0, label]:.2f}")

g = np.zeros_like(scores)
g[0, label] = 1
for name, below in zip(names[:0:-1], names[-2::-1], strict=True):
    x, y = rows[below], rows[name]
    if name.startswith("fc"):
        g = (g @ net.weights[name]["kernel"].T).reshape(x.shape)
    elif name.startswith("relu"):
        g = g * (y > 0)
    elif name.startswith("pool"):
        left, gx = g.copy(), np.zeros_like(x)
        for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):  # the first of the four that is the largest gets all of g
            here = x[:, i::2, j::2] == y
            gx[:, i::2, j::2] = np.where(here, left, 0)
            left = np.where(here, 0, left)
        g = gx
    elif name.startswith("conv"):
        g = mv.conv2d(g, net.weights[name]["kernel"][::-1, ::-1].transpose(0, 1, 3, 2), padding=1)
    elif name == "normalize":
        g = g[..., ::-1] if net.name == "vgg16" else g / 64

w = g[0]
saliency = abs(w).max(-1)
print(f"{w.size:,} slopes, from one walk; the largest is {abs(w).max():.4f} per grey level of 255")

# %% [markdown]
# (`drop` rows do nothing outside training, and no `elif` treats them.)
#
# ## A picture
#
# What must be seen: the slopes are not spread evenly. They are large where something begins or ends, which need not be
# on the thing that is named: look whether it is the flower that lights up, or its outline. What may surprise: they look
# like **noise**. Neighbours disagree, even in their sign; lesson 11 finds out why. For the eye, the brightest pixels
# are clipped: the *drawing* ends its scale at the 99th percentile. The method does not.

# %%
limit = float(np.percentile(saliency, 99))
mv.show(
    [
        photo[0],
        mv.signed(w, limit=limit),
        mv.grey(saliency, limit=limit),
        mv.heat_over(photo[0], saliency, limit=limit),
    ],
    titles=["photograph", "the gradient w", "saliency M", "M over the photograph"],
    caption=f"The slopes of the score of {net.labels[label]!r}. Second: each colour by itself, middle grey is 0, "
    "brighter is positive, darker negative. Third: the largest absolute value of the three colours, black is 0. "
    "Fourth: the same, as heat over the photograph.",
)
order = np.sort(saliency.ravel())[::-1]
print(f"the most salient tenth of the pixels holds {order[: order.size // 10].sum() / order.sum():.0%} of the saliency")
assert order[: order.size // 10].sum() > 0.2 * order.sum()

# %% [markdown]
# ## The tangent, and the score itself
#
# $w$ is a slope, and the line with that slope is the **tangent**. How long does the score follow it? We walk away from
# the photograph of a person along a straight line, $I_0 + t\,d$, and look at the score and the tangent together. The
# length of $d$ is chosen so that $t$ counts grey levels (of 255): at $t = 1$ the values have changed by 1 in root mean
# square. Two directions: along the gradient, $d \sim w$, and along random noise.
#
# Why should the score leave its tangent at all? All rows are linear but for the gates: ReLUs, which open and close, and
# max-pools, whose switches move. **As long as no gate flips, the network is exactly a plane.** So we also count the
# ReLUs that are not as they were at $t = 0$.

# %%
small = mv.load("minivgg", dtype="float64")
portrait = small.picture(mv.sample_picture())
person = small.labels.index("person")
relus = [name for name in small.names if name.startswith("relu")]
pools = [name for name in small.names if name.startswith("pool")]

x = mv.Tensor(portrait)
start = small.capture(x, ["fc8", *relus])
slope = mv.backward(start["fc8"], x, seed=np.eye(8)[[person]])
open_before = {name: start[name].value > 0 for name in relus}
gates = sum(gate.size for gate in open_before.values())

noise = np.random.default_rng(0).normal(size=portrait.shape)
steps = np.linspace(-2, 2, 17)
curves, flips = {}, {}
for name, d in (("along w", slope), ("along noise", noise)):
    d = d / np.sqrt((d**2).mean())
    score, flipped = [], []
    for t in steps:
        there = small.capture(portrait + t * d, ["fc8", *relus])
        score.append(there["fc8"][0, person])
        flipped.append(sum(((there[row] > 0) != open_before[row]).sum() for row in relus) / gates)
    curves[f"score, {name}"] = (steps, np.array(score))
    curves[f"tangent, {name}"] = (steps, start["fc8"].value[0, person] + steps * (slope * d).sum())
    flips[name] = (steps, 100 * np.array(flipped))

mv.plot(
    curves,
    xlabel="t: root mean square change, in grey levels",
    ylabel="score of 'person'",
    caption="The score of 'person' on two straight lines through a photograph, and its tangent on each. Along the "
    "gradient the score leaves its tangent within one grey level. Along noise both are nearly level.",
)
mv.plot(
    flips,
    xlabel="t: root mean square change, in grey levels",
    ylabel="ReLUs flipped, %",
    caption=f"The share of the {gates:,} ReLUs that are open where they were closed at t = 0, or the other way round.",
)

# %% [markdown]
# At $t = 0$ the curves touch, and nothing has flipped. Farther out along $w$, the tangent promises more than the score
# gives. Noise of the same size also flips gates, more than half as many, and yet it hardly moves the score: its slopes
# cancel, and the tangent knew that, too.

# %%
score_w, tangent_w = curves["score, along w"][1], curves["tangent, along w"][1]
score_n, tangent_n = curves["score, along noise"][1], curves["tangent, along noise"][1]
for t in (0, 0.25, 1, 2):
    at = int(np.argmin(abs(steps - t)))
    print(
        f"t = {t:<4}: along w score {score_w[at]:6.2f}, tangent {tangent_w[at]:6.2f}, {flips['along w'][1][at]:.2f} % "
        f"flipped; along noise score {score_n[at]:5.2f}, {flips['along noise'][1][at]:.2f} % flipped"
    )
assert np.isclose(score_w[8], tangent_w[8]) and flips["along w"][1][8] == 0
assert abs(score_w - tangent_w).max() > 5 * abs(score_n - tangent_n).max()
assert flips["along noise"][1][-1] > 0.5 * flips["along w"][1][-1]

# %% [markdown]
# (One grey level along $w$ changes nothing that an eye would notice. Lesson 25 makes use of that.)
#
# How small must a step be for the tangent to be *exact*? Divide $t$ by 4 until no ReLU flips and no switch moves.

# %%
below = {pool: small.names[small.names.index(pool) - 1] for pool in pools}
here = small.capture(portrait, ["fc8", *relus, *pools])
d, t, changes = slope / np.sqrt((slope**2).mean()), 4.0, 1
while changes:
    t = t / 4
    there = small.capture(portrait + t * d, ["fc8", *relus, *pools])
    flipped = sum(((there[relu] > 0) != (here[relu] > 0)).sum() for relu in relus)
    moved = 0
    for pool, relu in below.items():
        largest_here = here[relu] == here[pool].repeat(2, 1).repeat(2, 2)
        moved += (largest_here != (there[relu] == there[pool].repeat(2, 1).repeat(2, 2))).sum()
    changes = flipped + moved
    error = there["fc8"][0, person] - here["fc8"][0, person] - t * (slope * d).sum()
    print(f"t = {t:.7f}: {flipped:>5} ReLUs and {moved:>5} switches changed; score minus tangent {error:.1e}")
assert abs(error) < 1e-11

# %% [markdown]
# Without a change, what is left is rounding. So the gradient of a network is exact, in a neighbourhood that is far
# smaller than the step from one grey level to the next.
#
# ## The library agrees
#
# `mv.gradient(net, x)` is $w$ and `mv.saliency(net, x)` is $M$, of each picture's strongest class, or of any class
# that is named.

# %%
theirs = mv.gradient(net, photo)
assert np.allclose(theirs[0], w, atol=1e-4 * abs(w).max())
assert np.allclose(mv.saliency(net, photo)[0], saliency, atol=1e-4 * saliency.max())
assert np.array_equal(mv.saliency(net, photo, net.labels[label]), abs(theirs).max(-1))
assert np.array_equal(mv.gradient(small, portrait, "person"), slope)
print(f"gradient and saliency in {net.name}: the library's are the same, to 4 digits of the largest.")

# %% [markdown]
# ## What this does not show
#
# **A slope is not a share.** A large slope says: change me, and the score changes. It does not say: the score is what
# it is because of me. Follow the tangent from the photograph all the way to plain grey, and compare with what the
# network says about plain grey.

# %%
grey = np.full_like(portrait, 128)
promised = (slope * (grey - portrait)).sum()
happened = small.capture(grey, ["fc8"])["fc8"][0, person] - here["fc8"][0, person]
print(f"from the photograph to grey the tangent promises {promised:+.2f}; the score changes by {happened:+.2f}")
assert abs(promised - happened) > 0.5

# %% [markdown]
# **A sanity check that can fail.** Change the tenth of the pixels that is most salient by a little, each colour in the
# direction of its slope, and then do the same with the least salient half. The first must move the score by more,
# although it touches fewer pixels.

# %%
amounts = abs(slope).max(-1, keepdims=True)
effect = {}
for name, chosen in (
    ("the most salient tenth", amounts > np.quantile(amounts, 0.9)),
    ("the least salient half", amounts < np.quantile(amounts, 0.5)),
):
    changed = small.capture(portrait + 0.02 * np.sign(slope) * chosen, ["fc8"])["fc8"]
    effect[name] = changed[0, person] - here["fc8"][0, person]
    print(f"{name}: {chosen.sum()} pixels, the score changes by {effect[name]:+.4f}")
assert effect["the most salient tenth"] > effect["the least salient half"] > 0

# %% [markdown]
# **Score, not probability.** The slope of the probability $p_c$ mixes all classes, $\partial p_c/\partial I = p_c\,(w_c
# - \sum_k p_k w_k)$: a pixel can be salient because it speaks for a rival. And as in lesson 4, it nearly vanishes where
# the network is sure.

# %%
flower = small.picture(load_sample_image("flower.jpg"))
x = mv.Tensor(np.concatenate([portrait, flower]))
found = small.capture(x, ["fc8", "prob"])
p = found["prob"].value
for n, c in enumerate(p.argmax(1)):
    seed = np.zeros_like(p)
    seed[n, c] = 1
    of_p = mv.backward(found["prob"], x, seed=seed)[n]
    of_scores = np.stack([mv.backward(found["fc8"], x, seed=seed[:, [c]] * one)[n] for one in np.eye(8)])
    ratio = abs(of_p).max() / abs(of_scores[c]).max()
    alike = np.corrcoef(abs(of_p).max(-1).ravel(), abs(of_scores[c]).max(-1).ravel())[0, 1]
    print(f"{small.labels[c]:<8}p = {p[n, c]:.5f}: the slope of p is {ratio:.5f} times that of the score,", end=" ")
    print(f"correlation of the two maps {alike:.2f}")
    assert np.allclose(of_p, p[n, c] * (of_scores[c] - np.tensordot(p[n], of_scores, 1)), atol=1e-12)
    assert ratio < 0.25

# %% [markdown]
# **A wrong map that is hard to see.** A published implementation takes the largest *signed* slope of the three colours.
# It forgets the $|\cdot|$. A pixel whose colours all lower the score then gets a negative saliency, or, if the map is
# clipped at 0 for drawing, none. The identity that exposes it: a pixel matters as much to $-S$ as to $S$, so **the map
# must not change if the score is negated**.

# %%
right, wrong = abs(w).max(-1), w.max(-1)
assert np.array_equal(abs(-w).max(-1), right)
differ = ((-w).max(-1) != wrong).mean()
print(
    f"negate the score: {differ:.0%} of the pixels of the wrong map change, and {(wrong < 0).mean():.0%} are negative"
)
mv.show(
    [mv.grey(right, limit=limit), mv.grey(wrong.clip(0), limit=limit), mv.grey((-w).max(-1).clip(0), limit=limit)],
    titles=["max |w|", "max w, without | |", "the same, of - score"],
    caption="Saliency of the flower, right and wrong, on one scale; black is 0. The right map is the same for the "
    "score and its negative. The wrong ones have holes, in different places.",
)
assert differ > 0.5 and (wrong < 0).any()

# %% [markdown]
# Other maps in use take the sum or the mean of the three slopes; there, red and blue can cancel. None of them is the
# map of the paper, and a figure should say which it is.

# %% [markdown]
# ## Exercises
#
# **1.** From gradient to map.


# %%
def saliency_map(gradient):
    """Return the saliency map (N, H, W) of a batch of gradients (N, H, W, 3). The gradients must not be changed."""
    ...


mv.check(saliency_map)

# %% [markdown]
# **2.** How many ReLUs flip on the way from one picture to another?


# %%
def share_flipped(here, there):
    """Return the share, 0 to 1, of all ReLUs that are open in one of two pictures and closed in the other.

    here, there: lists of arrays of any shapes, the *outputs* of the same ReLU rows for the two pictures. A ReLU is
    open if its output is above 0. Every ReLU counts once, whichever row it is in.
    """
    ...


mv.check(share_flipped)

# %% [markdown]
# **3.** The gradient of a probability, from the gradients of all scores.


# %%
def probability_gradient(gradients, scores, label):
    """Return the gradient (H, W, 3) of the probability of class `label` with respect to the picture.

    gradients: (K, H, W, 3), the gradient of each of the K scores. scores: (K,), before the softmax.
    """
    ...


mv.check(probability_gradient)
