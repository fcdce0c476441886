# %% [markdown]
# # 1 · A tape in forty lines
#
# **How can a program that only computes numbers know the slope of what it has computed?**
#
# Everything in this course rests on one ability: to ask how much a result would change if one of the numbers that went
# in changed a little. This lesson builds it. You need the chain rule, and a little NumPy.

# %%
import numpy as np

import minivis as mv

# %% [markdown]
# ## The idea
#
# A long computation is a chain of short steps, and each step is easy: if $u = a\,b$ and $a$ grows by 1, then $u$ grows
# by $b$. The chain rule puts the steps together. Write $\bar u$ for the slope of the final result $y$ with respect to
# an intermediate value $u$. A step that made $u$ from $a$ and $b$ then says
#
# $$\bar a \mathrel{+}= \bar u\,\frac{\partial u}{\partial a}, \qquad
#   \bar b \mathrel{+}= \bar u\,\frac{\partial u}{\partial b}.$$
#
# So: **write down every step while computing** (the list of steps is called a *tape*), start with $\bar y = 1$, and
# **walk the tape back**, from the last step to the first. The sign is $\mathrel{+}=$, because a value that is used
# twice acts on the result in two ways, and their slopes add.

# %% [markdown]
# ## By hand
#
# A recorded number knows its value. Each operation computes, and puts on the tape what came out, and for each input a
# **rule**: a function that turns $\bar u$ (called `g` in the code) into that input's share. The values may be arrays;
# then each step treats all their elements at once.

# %%
tape = []


class Recorded:
    def __init__(self, value):
        self.value = np.asarray(value, dtype=float)

    def __add__(self, other):
        return record(self.value + other.value, (self, lambda g: g), (other, lambda g: g))

    def __sub__(self, other):
        return record(self.value - other.value, (self, lambda g: g), (other, lambda g: -g))

    def __mul__(self, other):
        return record(self.value * other.value, (self, lambda g: g * other.value), (other, lambda g: g * self.value))


def record(value, *inputs_and_rules):
    result = Recorded(value)
    tape.append((result, inputs_and_rules))
    return result


def relu(x):
    return record(np.maximum(x.value, 0), (x, lambda g: g * (x.value > 0)))


def total(x):
    return record(x.value.sum(), (x, lambda g: g * np.ones_like(x.value)))


def walk_back(y, x):
    slopes = {y: np.ones_like(y.value)}
    for result, inputs_and_rules in reversed(tape):
        if result in slopes:  # what y does not depend on is passed over
            for source, rule in inputs_and_rules:
                slopes[source] = slopes.get(source, 0) + rule(slopes[result])
    return slopes[x]


# %% [markdown]
# `relu(x)` is $\max(x, 0)$, the bend that makes a network more than a matrix: its slope is 1 where $x > 0$, else 0.
#
# A first try: $y = x^2 + \mathrm{relu}(3x - 2)$ at $x = 1$. On paper the slope is $2x + 3 = 5$.

# %%
x, two, three = Recorded(1.0), Recorded(2.0), Recorded(3.0)  # constants are recorded too; nobody asks for their slopes
y = x * x + relu(three * x - two)
print("y =", y.value, " steps on the tape:", len(tape), " dy/dx =", walk_back(y, x))
assert walk_back(y, x) == 5

# %% [markdown]
# ## A picture
#
# The same function at 401 places at once. Each place only acts on its own result, so the slope of their *sum* with
# respect to the array holds the slope of $y$ at every place. The slope must be zero where $y$ is level, and must
# jump by 3 at $x = 2/3$, where the ReLU opens.

# %%
places = np.linspace(-2, 2, 401)
tape.clear()
x = Recorded(places)
y = x * x + relu(three * x - two)
slopes = walk_back(total(y), x)

mv.plot(
    {"y": (places, y.value), "dy/dx, by the tape": (places, slopes)},
    xlabel="x",
    caption="y = x² + relu(3x - 2) and its slope at 401 places, from one walk along the tape. The slope jumps from "
    "4/3 to 13/3 at x = 2/3, where the ReLU opens.",
)

# %% [markdown]
# One walk gave 401 slopes. That is why the tape is walked *back*: the cost is about that of computing $y$, however many
# inputs there are, while nudging each input in turn would compute $y$ once for every one of them. A photograph has tens
# of thousands of inputs. Here is one result that depends on all of them: how much redder than blue its pixels are,
#
# $$y = \sum_{\text{pixels}} \mathrm{relu}(R - B)^2 .$$

# %%
from skimage import data

photo = mv.read_picture(data.rocket()[127:427:2, 170:470:2])
tape.clear()
red, blue = Recorded(photo[:, :, 0]), Recorded(photo[:, :, 2])
redder = relu(red - blue)
y = total(redder * redder)
by_red, by_blue = walk_back(y, red), walk_back(y, blue)
print(f"{2 * red.value.size:,} slopes from one tape of {len(tape)} steps")

mv.show(
    [photo, mv.signed(by_red), mv.signed(by_blue)],
    titles=["photograph", "dy / d red", "dy / d blue"],
    caption="Red raises y, blue lowers it, by 2 (R - B) each. White, slope zero: pixels that are no redder than blue, "
    "where the ReLU is closed and a small change changes nothing.",
    side=200,
)

# %% [markdown]
# ## The library agrees
#
# minivis has the same three parts: `mv.Tensor` is a recorded array, `mv.backward(y, x)` walks back to `x`. There is no
# list `tape`, though: each Tensor remembers the step that made it, so that a tape is forgotten when its result is.

# %%
x = mv.Tensor(places)
y = x * x + mv.relu(3.0 * x - 2.0)
assert np.array_equal(mv.backward(mv.sum(y), x), slopes)

red, blue = mv.Tensor(photo[:, :, 0].astype(float)), mv.Tensor(photo[:, :, 2].astype(float))
redder = mv.relu(red - blue)
theirs = mv.backward(mv.sum(redder * redder), [red, blue])
assert np.array_equal(theirs[0], by_red) and np.array_equal(theirs[1], by_blue)
print("The library's slopes are the same, all of them.")

# %% [markdown]
# ## What this does not show
#
# **A slope is a statement about small changes.** At a pixel where the ReLU is closed the slope is 0, and yet a *large*
# change of red would open it. And at exactly $x = 0$ a ReLU has no slope; we chose 0, as the library does.
#
# **A sanity check** needs no tape: nudge one input, and compare.

# %%
row, column = np.unravel_index(by_red.argmax(), by_red.shape)  # the pixel that is redder than blue the most
r, b = photo[row, column, [0, 2]].astype(float)
change = np.maximum(r + 0.001 - b, 0) ** 2 - np.maximum(r - b, 0) ** 2  # no other pixel's share of y changes
print(f"nudged: {change / 0.001:.3f}   by the tape: {by_red[row, column]:.3f}")
assert abs(change / 0.001 - by_red[row, column]) < 0.01

# %% [markdown]
# **A trap that real programs fell into.** A rule is called later than it was made, and looks at the values *then*. If
# an array on the tape has been changed in place in the meantime, the rule uses the wrong numbers, and nothing warns. A
# published style-transfer example adds the mean colour to the picture before saving it, through a view, and so shifts
# the very array that it is optimising. The same in small:

# %%
tape.clear()
x = Recorded([3.0])
y = x * x
before = walk_back(y, x)
x.value += 100  # in place: the tape's own x has changed
after = walk_back(y, x)
print("the slope of x² at 3:", before, " after the change in place:", after)
assert before == 6 and after == 206

# %% [markdown]
# The identity that gives it away: two walks along the same tape must give the same slopes. minivis makes the weights of
# its networks read-only, and never writes into an array that it was given.

# %% [markdown]
# ## Exercises
#
# Replace the three dots; `mv.check` says whether the answer is right, and if not, what it breaks. In a terminal,
# `minivis check 1` does the same for all of them.
#
# **1.** The sigmoid $s = 1 / (1 + e^{-x})$ has a slope that needs only $s$ itself. Write its rule.


# %%
def sigmoid_rule(g, s):
    """Return what reaches x, from g = the slope with respect to s, and s = 1 / (1 + exp(-x)). Both are arrays."""
    ...


mv.check(sigmoid_rule)

# %% [markdown]
# **2.** Division has two inputs, and so two rules.


# %%
def quotient_rules(g, a, b):
    """Return (what reaches a, what reaches b) for u = a / b, where g is the slope with respect to u. All arrays."""
    ...


mv.check(quotient_rules)

# %% [markdown]
# **3.** Write the walk yourself, on a tape of plain names and numbers. A step is `("u", [("a", 2.0), ("b", -1.0)])`:
# u was made from a and b, and $\partial u/\partial a = 2$, $\partial u/\partial b = -1$. Mind values that are used
# twice, and steps that the result does not depend on.


# %%
def walk(tape, y):
    """Return a dictionary: the slope of y with respect to y itself, and to each name that y depends on.

    The tape is a list of steps (name, [(name of an input, slope), ...]), oldest first.
    """
    ...


mv.check(walk)
