# %% [markdown]
# # 6 · Templates: what a linear classifier sees
#
# **What does a classifier look for that has a single layer, and can you see it in its weights?**
#
# Before we look into deep networks, here is the one kind whose weights can be read like a picture. You will train one
# by hand, from nothing, with the linear layer of lesson 4 and the rows of lesson 5. At the end you will know what such
# a picture says, and three things that it seems to say and does not.

# %%
import numpy as np

import minivis as mv

# %% [markdown]
# ## The idea
#
# A **linear classifier** gives each class one weight per pixel. Its score is their sum of products, plus a number
# $b_k$, the *bias*; a softmax turns the scores into probabilities:
#
# $$S_k = \langle T_k, x\rangle + b_k, \qquad p = \mathrm{softmax}(S).$$
#
# The weights $T_k$ of class $k$ have the shape of the picture. They are called its **template**, and the score says how
# well picture and template fit: where the template is positive, bright pixels raise the score; where it is negative,
# dark ones do; where it is 0, the classifier does not look.
#
# **Training** means to make the weights better in small steps. For one picture of class $c$ let the **loss** be
# $-\log p_c$: it is 0 if the classifier is sure of the right class, and large if it is sure of another. Its slope with
# respect to the scores is $p - y$, where $y$ is 1 at the right class and 0 elsewhere (with lesson 2's second exercise,
# that is one line). So a step *against* the slope changes the template of class $k$ by an amount proportional to
#
# $$\sum_{\text{pictures}} (y_k - p_k)\; x.$$
#
# Each template gets the pictures of its own class *added*, in so far as they are not recognised yet, and those of other
# classes *taken off*, in so far as they are mistaken for it. A template is a weighted sum of training pictures.

# %% [markdown]
# ## By hand
#
# The pictures are faces of six invented people, drawn by minivis, 64 x 64. We make them grey, and shift and scale them
# as minivis's own small networks do. Then a hundred steps, each with all pictures. The step size, 0.002, is ours, and
# so is the *weight decay*, 0.1: at each step it pulls the weights a little towards 0, which rids the templates of what
# does not help.

# %%
train, test = mv.synthetic_faces(40), mv.synthetic_faces(20, "test")  # so many pictures of each person
luma = np.array([0.299, 0.587, 0.114])  # how much red, green and blue count for grey
x, x_test = (((faces.pictures @ luma - 128) / 64).reshape(-1, 64 * 64) for faces in (train, test))
right = np.eye(6)[train.labels]

weights, biases = np.zeros((64 * 64, 6)), np.zeros(6)
for step in range(100):
    p = mv.softmax(x @ weights + biases)
    g = (p - right) / len(x)  # of the mean loss, with respect to the scores
    if step == 0:
        first_slope = x.T @ g
    weights -= 0.002 * (x.T @ g + 0.1 * weights)
    biases -= 0.002 * g.sum(0)

guessed = (x_test @ weights + biases).argmax(1)
print(f"{weights.size + biases.size:,} weights; right on {(guessed == test.labels).mean():.0%} of pictures never seen")
assert (guessed == test.labels).mean() > 0.8

# %% [markdown]
# ## The templates
#
# Above, a picture of each person; in the middle, the templates as they are usually drawn, each stretched from its own
# smallest weight (black) to its own largest (white); below, with their signs, on one scale for all. You must see ghosts
# of the people: what is brighter in one person than in the others is bright in the template, what is darker is dark.
# Ada's long hair, Ben's beard and Cora's curls must be blue in the third row, Eve's grey hair red. What all people have
# in common, and what changes from picture to picture, such as the ground behind them, must nearly vanish.

# %%
templates = weights.T.reshape(6, 64, 64)
limit = abs(templates).max()
usual = mv.rescale_each(templates[..., None]).repeat(3, axis=3)
mv.show(
    [
        *(train.pictures[40 * k + 3] for k in range(6)),
        *usual,
        *(mv.signed(template, limit) for template in templates),
    ],
    titles=[*train.names, *["stretched"] * 6, *["signed"] * 6],
    columns=6,
    caption="Six people, and the six templates that were trained to tell them apart, twice. Stretched: black is a "
    "template's own smallest weight, white its largest, so zero has no fixed grey. Signed: red is positive, blue "
    "negative, white zero, on one scale for all six.",
    side=128,
)
means = np.stack([x[train.labels == k].mean(0) for k in range(6)])
alike = np.corrcoef(templates.reshape(6, -1), means - means.mean(0))[:6, 6:]  # of template k and mean face l
print("each template is most like:", *(f"{train.names[k]} -> {train.names[alike[k].argmax()]}" for k in range(6)))
assert (alike.argmax(1) == np.arange(6)).all()

# %% [markdown]
# Is a template then the mean face of its class? The first step, from zero, is exactly that, less what all faces have in
# common. The steps that follow depart from it: they add only what is still mistaken.

# %%
one_step = means - means.mean(0)
assert np.allclose(-first_slope.T, one_step / 6)
for name, template, mean in zip(train.names, templates, one_step, strict=True):
    print(f"{name:<5} correlation of the template with 'mean face minus mean of all': ", end="")
    print(f"{np.corrcoef(template.ravel(), mean)[0, 1]:.2f}")

# %% [markdown]
# ## One picture, pixel by pixel
#
# A linear classifier hides nothing: the score is a sum over the pixels, and each pixel's share, template times picture,
# can be drawn. For a face of Dan's, red pixels speak for the class above, blue ones against it. The six maps share one
# scale, and the shares and the bias must add up to the score, exactly. The map of his own class must have the largest
# sum.

# %%
chosen = 3 * 20 + 2
shares = templates * x_test[chosen].reshape(64, 64)
scores = shares.sum((1, 2)) + biases
mv.show(
    [test.pictures[chosen], *(mv.signed(share, np.percentile(abs(shares), 99.5)) for share in shares)],
    titles=["a face", *(f"{name}: {score:+.2f}" for name, score in zip(test.names, scores, strict=True))],
    columns=7,
    caption="A picture of Dan, and how much each of its pixels adds to the score of each class: red adds, blue takes "
    "away, white is nothing. The number above each map is its sum plus the class's bias: the score.",
    side=128,
)
assert np.allclose(scores, x_test[chosen] @ weights + biases)
print(f"taken for {test.names[scores.argmax()]}, and is {test.names[test.labels[chosen]]}")

# %% [markdown]
# ## Trained on other pictures
#
# Three linear classifiers come with minivis: of the same drawn people (with more pictures and steps than ours), of six
# people in real photographs (the ORL faces of AT&T Laboratories Cambridge), and of handwritten digits (MNIST). In the
# second you must see ghosts of faces; in the third, the digits 0 and 3 at least can be read. A 0 is recognised by what
# is *not* there: the dark middle.

# %%
for name in ("faces-linear", "orl-linear", "mnist-linear"):
    net = mv.load(name)
    mv.show(
        mv.rescale_each(mv.templates(net)).repeat(3, axis=3),
        titles=list(net.labels),
        columns=6 if len(net.labels) == 6 else 5,
        caption=f"The templates of {name}, each stretched from its own smallest weight (black) to its largest (white).",
        side=112,
    )
zero = mv.templates(net)[0, :, :, 0]
assert zero[12:16, 13:17].max() < 0 < zero.max()  # the middle of the 0 is negative, all of it

# %% [markdown]
# ## Softmax or sigmoid?
#
# Some lectures end this classifier not in a softmax but in a **sigmoid**, $p_k = 1/(1 + e^{-S_k})$: six separate
# questions, "is it Ada, yes or no?", instead of one choice among six. The slope of its loss is $p - y$ again, so the
# program changes in one place. The templates differ, and there is an identity that tells which is which: a softmax's
# probabilities sum to 1, so $\sum_k (p_k - y_k) = 0$ for each picture, and what one template gains another loses.
# Started from zero, **the templates of a softmax sum to zero** at every pixel. Those of a sigmoid need not.

# %%
by_sigmoid, its_biases = np.zeros((64 * 64, 6)), np.zeros(6)
for _ in range(100):
    g = (1 / (1 + np.exp(-x @ by_sigmoid - its_biases)) - right) / len(x)
    by_sigmoid -= 0.002 * (x.T @ g + 0.1 * by_sigmoid)
    its_biases -= 0.002 * g.sum(0)
print(f"sigmoid: right on {((x_test @ by_sigmoid + its_biases).argmax(1) == test.labels).mean():.0%}")
for name, some in (("softmax", weights), ("sigmoid", by_sigmoid)):
    print(
        f"{name}: the largest sum of the six weights of a pixel is {abs(some.sum(1)).max() / abs(some).max():.0e}",
        end="",
    )
    print(" of the largest weight")
assert abs(weights.sum(1)).max() < 1e-12 < 0.1 * abs(by_sigmoid).max() < abs(by_sigmoid.sum(1)).max()

mv.show(
    [mv.signed(one.reshape(64, 64)) for one in (*weights.T, *by_sigmoid.T)],
    titles=[*(f"{name}, softmax" for name in train.names), *(f"{name}, sigmoid" for name in train.names)],
    columns=6,
    caption="The same data, the same steps: templates under a softmax, and under sigmoids. Red is positive, blue "
    "negative, white zero; each template has its own scale here.",
    side=128,
)

# %% [markdown]
# ## The library agrees
#
# `mv.load` takes a network that is named in the library, here the table of `faces-linear`, with any weights, here ours.
# `mv.templates` takes them out again, and `mv.cross_entropy` is $-\log p_c$ for each picture: going back through its
# mean must give the slope that we have written down as $x^\top (p - y)/N$.

# %%
ours = mv.load("faces-linear", weights={"fc1": {"kernel": weights, "bias": biases}}, dtype="float64")
assert np.array_equal(mv.templates(ours)[..., 0], templates)
assert np.allclose(ours(test.pictures), mv.softmax(x_test @ weights + biases))

recorded = mv.Tensor(weights)
loss = mv.mean(mv.cross_entropy(mv.linear(x, recorded, biases), labels=train.labels))
p = mv.softmax(x @ weights + biases)
assert np.isclose(loss.value, -np.log(p[np.arange(len(x)), train.labels]).mean())
assert np.allclose(mv.backward(loss, recorded), x.T @ (p - right) / len(x), atol=1e-12)
print("The library's templates, probabilities and slopes are ours.")

# %% [markdown]
# ## What this does not show
#
# **"The unit is activated most by what looks like its weights."** This is often said, and it is true in one sense only:
# among all inputs *of the same length* $\lVert x\rVert = \rho$, the one with the largest score is $\rho\, T/\lVert T
# \rVert$, since $\langle T, x\rangle \le \lVert T\rVert\,\lVert x\rVert$ with equality for parallel arrays. Without a
# bound on the length there is no largest score: twice the input, twice the product. Nor is the best *face* like its
# template: scale all test pictures to length 1, as the templates, and see how near to 1 their product comes.

# %%
directions = weights / np.linalg.norm(weights, axis=0)
fit = (x_test / np.linalg.norm(x_test, axis=1, keepdims=True)) @ directions
print("the template itself: 1.00; the best of 120 faces:", end=" ")
print(*(f"{name} {best:.2f}" for name, best in zip(test.names, fit.max(0), strict=True)), sep=", ")
assert fit.max() < 0.9

# %% [markdown]
# **A template is not fixed by what the classifier says.** A softmax looks at *differences* of scores only. So the same
# picture may be added to all templates, and no probability changes. We add a cat. What is drawn is then six cats, and
# the classifier is the same. What can be trusted is the difference of two templates, or a convention, such as the one
# above: the templates sum to zero.

# %%
from skimage import data

cat = mv.read_picture(data.cat()[::4, ::4])[5:69, 20:84] @ luma
added = weights + 10 * limit * (cat.reshape(-1, 1) / 128 - 1)
mv.show(
    mv.rescale_each(added.T.reshape(6, 64, 64, 1)).repeat(3, axis=3),
    titles=list(train.names),
    columns=6,
    caption="Templates of a classifier that gives every picture the same probabilities as ours. Drawn as before: "
    "black is the smallest weight, white the largest.",
    side=128,
)
before, after = (mv.softmax(x_test @ some + biases) for some in (weights, added))
print(f"largest change of a probability: {abs(after - before).max():.0e}")
assert abs(after - before).max() < 1e-9

# %% [markdown]
# **It does not know what a neighbour is.** To a linear classifier a picture is a list of 4,096 numbers. Shuffle the
# pixels, in the same way in all pictures, and train again: the templates must come out shuffled in the same way, and
# all answers be the same. (A sanity check that can fail: it would for a network with convolutions.) And move the faces
# a little to the side, which no human would mind: the template stays where it is.

# %%
order = np.random.default_rng(0).permutation(64 * 64)
shuffled, x_shuffled, other_biases = np.zeros((64 * 64, 6)), x[:, order], np.zeros(6)
for _ in range(100):
    g = (mv.softmax(x_shuffled @ shuffled + other_biases) - right) / len(x)
    shuffled -= 0.002 * (x_shuffled.T @ g + 0.1 * shuffled)
    other_biases -= 0.002 * g.sum(0)
assert np.allclose(shuffled, weights[order])

moved = [np.roll(x_test.reshape(-1, 64, 64), aside, axis=2).reshape(-1, 64 * 64) for aside in range(13)]
rates = np.array([((some @ weights + biases).argmax(1) == test.labels).mean() for some in moved])
print("with shuffled pixels, the same templates, shuffled.", end=" ")
print(f"Moved by 0, 4, 8, 12 pixels, right on: {', '.join(f'{rates[k]:.0%}' for k in (0, 4, 8, 12))}")
assert rates[12] < 0.75 * rates[0]

# %% [markdown]
# **A wrong drawing.** Weights are about as often negative as positive, and a picture file holds 0 to 255. A published
# function multiplies such numbers by 255 and stores them as bytes, in which $-1$ is 255: everything slightly negative
# becomes white. The identity that exposes it: **a drawing must keep the order**. Of two weights the larger must never
# be drawn darker.

# %%
template = templates[0]
wrapped = (255 * template / abs(template).max()).astype(int).astype(np.uint8)
mv.show(
    [usual[0], mv.grey(wrapped)],
    titles=["stretched", "wrapped"],
    caption="Ada's template drawn in two ways: from its smallest weight, black, to its largest, white; and multiplied "
    "by 255 and stored in bytes, where negative numbers start again at white.",
)
rising = template.ravel().argsort()
kept = (np.diff(usual[0][:, :, 0].ravel()[rising]) >= 0).all()
dark_is_white = (wrapped[template < 0] > np.median(wrapped[template > 0])).mean()
print(
    f"stretched: order kept {kept}; wrapped: {dark_is_white:.0%} of the negative weights are brighter than half of the"
)
print("positive ones")
assert kept and dark_is_white > 0.9

# %% [markdown]
# ## Exercises
#
# **1.** The scores of pictures, from templates.


# %%
def scores_by_templates(templates, biases, pictures):
    """Return the scores (N, K) of pictures (N, H, W), for templates (K, H, W) and biases (K,)."""
    ...


mv.check(scores_by_templates)

# %% [markdown]
# **2.** One step of training needs the slope of the mean loss with respect to the templates. No weight decay here.


# %%
def template_gradient(pictures, labels, probabilities):
    """Return the slope (K, H, W) of the mean of -log p[right class], with respect to the templates.

    pictures: (N, H, W). labels: (N,) int, the right classes. probabilities: (N, K), the softmax's answers.
    """
    ...


mv.check(template_gradient)

# %% [markdown]
# **3.** Two people have trained the same classifier, and one of them has added a cat. Bring both to the convention
# above, so that they can be compared.


# %%
def without_the_common_part(templates, biases):
    """Return (templates (K, H, W), biases (K,)) that give every picture the same probabilities by a softmax.

    The new templates sum to zero over the classes at every pixel, and so do the biases. Leave what comes in as it is.
    """
    ...


mv.check(without_the_common_part)
