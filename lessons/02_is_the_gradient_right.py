# %% [markdown]
# # 2 · Is the gradient right?
#
# **How do you know that a slope is right, when there is nothing to compare it with?**
#
# A wrong rule in a tape raises no error: it gives a picture, and the picture is wrong. This lesson builds the check
# that every rule of minivis has passed, and shows two checks that look as good and are not. It stands on lesson 1.

# %%
import numpy as np

import minivis as mv

# %% [markdown]
# ## The idea
#
# A slope says what a small change does. So make one, and look. For a step $h$ there are two ways,
#
# $$\frac{f(x+h)-f(x)}{h} = f'(x) + \frac{h}{2} f''(x) + \dots, \qquad
#   \frac{f(x+h)-f(x-h)}{2h} = f'(x) + \frac{h^2}{6} f'''(x) + \dots,$$
#
# the **forward** and the **central** difference. Both are the better the smaller $h$ is, until rounding spoils them: a
# computer keeps about 16 digits of $f$, and if $f(x+h)$ and $f(x-h)$ agree in the first ten, only six are left.

# %%
steps = 10.0 ** np.arange(-15, 0.1, 0.25)
forward = abs((np.exp(1 + steps) - np.exp(1)) / steps - np.exp(1)) / np.exp(1)
central = abs((np.exp(1 + steps) - np.exp(1 - steps)) / (2 * steps) - np.exp(1)) / np.exp(1)
one, few = np.float32(1), steps.astype("float32")
single = abs((np.exp(one + few) - np.exp(one - few)) / (2 * few) - np.exp(1)) / np.exp(1)

mv.plot(
    {"forward": (steps, forward), "central": (steps, central), "central, float32": (steps, single)},
    xlabel="step h",
    ylabel="relative error of the slope",
    log="xy",
    caption="Finite differences of exp at 1. From the right the error falls with h, or with h²; then rounding takes "
    "over, and it rises again. The central difference is the best, and float64 better than float32 by far.",
)
print(f"the best step: forward {steps[forward.argmin()]:.0e}, central {steps[central.argmin()]:.0e}")
middle = np.argmin(abs(steps - 1e-5))
assert central[middle] < 1e-9 < 1e-6 < forward[middle]

# %% [markdown]
# So gradients are checked in float64, by central differences.
#
# ### Many numbers in, many numbers out
#
# A layer takes an array and gives an array. All its slopes form a matrix, the **Jacobian**,
# $J_{ij} = \partial y_i/\partial x_j$. Nobody computes it whole, but there are two ways to touch it:
#
# - **Nudge** the input in some direction $v$: the output moves by $Jv$. Finite differences can do that.
# - **Walk back** with some weights $g$ on the outputs: that gives $J^\top g$, the slope of $\langle g, y\rangle$.
#   This is what a rule does. ($\langle a, b\rangle$ is the sum of the products of their elements.)
#
# The two must fit together, because both sides are the same sum $\sum_{ij} g_i J_{ij} v_j$:
#
# $$\langle g,\; Jv \rangle \;=\; \langle J^\top g,\; v \rangle \qquad\text{for all } v \text{ and } g.$$
#
# Choose $v$ and $g$ **at random**. One wrong entry of $J$ then changes one side and not the other, unless chance makes
# its weight $g_i v_j$ exactly zero, which it does not. So one comparison of two numbers tests every entry.

# %% [markdown]
# ## By hand
#
# The example is the **softmax**, $s_i = e^{x_i} / \sum_j e^{x_j}$, which turns scores into probabilities; lesson 4 asks
# what it means. Its Jacobian is $\partial s_i/\partial x_j = s_i\,([i = j] - s_j)$, so a walk back gives
# $s\,(g - \langle g, s\rangle)$.

# %%
rng = np.random.default_rng(0)


def softmax(x):
    powers = np.exp(x - x.max())  # the same as without - x.max(), but no overflow
    return powers / powers.sum()


def softmax_back(g, x):
    s = softmax(x)
    return s * (g - (g * s).sum())


def two_sides(f, back, x, g, v, h=1e-6):
    by_nudging = (g * (f(x + h * v) - f(x - h * v))).sum() / (2 * h)
    by_walking = (back(g, x) * v).sum()
    return by_nudging, by_walking


x, v, g = rng.normal(size=6), rng.normal(size=6), rng.normal(size=6)
by_nudging, by_walking = two_sides(softmax, softmax_back, x, g, v)
print(f"by nudging {by_nudging:.12f}, by walking back {by_walking:.12f}")
assert np.isclose(by_nudging, by_walking, rtol=1e-8)

# %% [markdown]
# ## A picture of the whole matrix
#
# With six numbers we can afford all of $J$, in both directions: nudging $x_j$ alone gives its column $j$, walking back
# from $y_i$ alone gives its row $i$. The two matrices must be the same, and they must be symmetric (for a softmax).

# %%
basis = np.eye(6)
columns = [(softmax(x + 1e-6 * e) - softmax(x - 1e-6 * e)) / 2e-6 for e in basis]
by_columns = np.stack(columns, axis=1)
by_rows = np.stack([softmax_back(e, x) for e in basis])

mv.show(
    [mv.signed(by_columns), mv.signed(by_rows), mv.signed(1e9 * (by_columns - by_rows), limit=np.abs(by_rows).max())],
    titles=["by nudging", "by walking back", "10⁹ x the difference"],
    caption="The Jacobian of a softmax of six numbers: row i, column j is the slope of output i by input j. Red is "
    "positive, blue negative, white zero. The last one is drawn on the same scale as the others.",
    side=180,
)
assert np.allclose(by_columns, by_rows, atol=1e-8) and np.allclose(by_rows, by_rows.T)

# %% [markdown]
# ## The library agrees
#
# `mv.check_backward` does what `two_sides` does, for any function of arrays, and raises an error if the two numbers
# differ. Every rule in minivis goes through it in the tests. Here it meets the library's softmax, and then one of ours
# whose rule forgets the second term.

# %%
error = mv.check_backward(mv.softmax, x[None])
print(f"mv.softmax: relative difference {error:.0e}")
recorded = mv.Tensor(x[None])
assert np.allclose(mv.backward(mv.softmax(recorded), recorded, seed=g[None])[0], softmax_back(g, x))


@mv.Primitive
def forgetful_softmax(x):
    s = softmax(x)
    return s, s  # the result, and what the rule needs to know


@forgetful_softmax.backward_to(0)
def forgetful_softmax_rule(g, s):
    return g * s


try:
    mv.check_backward(forgetful_softmax, x)
except AssertionError as complaint:
    print(complaint)
else:
    raise SystemExit("the wrong rule was not found")

# %% [markdown]
# ## What this does not show
#
# **The check that is no check.** It is tempting to take $g = 1$ everywhere, that is, to check the slope of the *sum* of
# all outputs. But probabilities always sum to 1, so the right answer is $J^\top \mathbf 1 = 0$: a rule that returns
# zeros passes, and so does the check of every network that ends in a softmax.

# %%
rules = {
    "right": softmax_back,
    "returns 0": lambda g, x: 0 * g,
    "sign flipped": lambda g, x: -softmax_back(g, x),
    "forgets the second term": lambda g, x: g * softmax(x),
}
print(f"{'rule':<26}{'random g':<12}all ones")
passed = {}
for name, rule in rules.items():
    for weights in (g, np.ones(6)):
        sides = two_sides(softmax, rule, x, weights, v)
        passed[name, weights is g] = bool(np.isclose(*sides, rtol=1e-6, atol=1e-8))
    print(f"{name:<26}{'passes' if passed[name, True] else 'fails':<12}{'passes' if passed[name, False] else 'fails'}")

assert [passed[name, True] for name in rules] == [True, False, False, False]
assert [passed[name, False] for name in rules] == [True, True, True, False]

# %% [markdown]
# **Random points miss the corners.** A ReLU's slope jumps at exactly 0, and random numbers are never exactly 0. A
# published guided ReLU lets $g$ pass where $x \ge 0$, while its own formula says $x > 0$. Finite differences at random
# points cannot tell the two apart. A black picture can: without a bias, all its ReLUs stand at exactly 0.

# %%
strict, lax = (lambda g, x: g * (x > 0)), (lambda g, x: g * (x >= 0))
x, v, g = rng.normal(size=(3, 1000))
for rule in (strict, lax):
    assert np.isclose(*two_sides(mv.relu, rule, x, g, v))
zeros = np.zeros(1000)
print("at exactly 0: strict", np.abs(strict(g, zeros)).sum(), " lax", np.abs(lax(g, zeros)).sum().round(1))
recorded = mv.Tensor(zeros)
assert np.array_equal(mv.backward(mv.relu(recorded), recorded, seed=g), strict(g, zeros))

# %% [markdown]
# There, nudging gives $1/2$, half way between the slopes on either side, so no rule agrees with it. What happens at a
# corner is a convention, and a convention needs a test of its own.
#
# **Right slope, wrong function.** The check compares a rule with the function that is computed. If that function takes
# the colours of a picture in the wrong order, its gradient is perfectly right, and the network still sees a wrong
# picture. Lesson 5 meets that one.

# %% [markdown]
# ## Exercises
#
# **1.** The central difference for one element of an array.


# %%
def central_difference(f, x, i, h):
    """Return the central difference of f, a function from an array to a number, for element i of x, with step h.

    x is an array of one axis; it must not be changed.
    """
    ...


mv.check(central_difference)

# %% [markdown]
# **2.** Networks are trained with $y_i = \log s_i = x_i - \log \sum_j e^{x_j}$. Write its rule, from its output. It
# must hold for every g.


# %%
def log_softmax_rule(g, y):
    """Return what reaches x, from g = the slopes with respect to y, and y = log softmax(x). Both have shape (K,)."""
    ...


mv.check(log_softmax_rule)

# %% [markdown]
# **3.** Write the check itself. It will be given right rules and wrong ones, and must tell them apart.


# %%
def looks_right(f, back, x):
    """Return True if back(g, x) is the walk back through f at x, False if not.

    x has any shape, and so has y = f(x); g has the shape of y. All in float64, and f has no corners near x.
    """
    ...


mv.check(looks_right)
