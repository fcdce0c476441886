"""Lesson 24: style transfer."""

import numpy as np

from ..judging import Answer, derivative, exercise, numbers, same


@exercise
def transfer_slope(answer: Answer) -> None:
    """The slope of content and style at one row."""
    rng = np.random.default_rng(24)
    F, P, other = rng.normal(size=(3, 6, 4))
    wanted = other.T @ other

    for name, content, style in (("content alone", 1, 0), ("style alone", 0, 1), ("3 content + 50 style", 3, 50)):

        def loss(F: np.ndarray, content: float = content, style: float = style) -> float:
            apart = F.T @ F - wanted
            return content * ((F - P) ** 2).sum() / 2 + style * (apart * apart).sum() / (4 * 4**2 * 6**2)

        derivative(f"the slope of {name}", answer(F.copy(), P.copy(), wanted.copy(), content, style), loss, F)


@exercise
def keep_colours(answer: Answer) -> None:
    """The brightness of one picture, the colours of another."""
    rng = np.random.default_rng(25)
    painted, photo = rng.uniform(0, 255, size=(2, 3, 4, 3))
    found = numbers("what it returns", answer(painted.copy(), photo.copy()))
    same("what it returns: its shape, and where painted is the photograph", answer(photo.copy(), photo.copy()), photo)
    same("R - G at each pixel is that of the photograph", found[..., 0] - found[..., 1], photo[..., 0] - photo[..., 1])
    same("G - B at each pixel is that of the photograph", found[..., 1] - found[..., 2], photo[..., 1] - photo[..., 2])
    weights = np.array([0.299, 0.587, 0.114])
    same("the brightness at each pixel is that of the painted picture", found @ weights, painted @ weights)


@exercise
def balanced_weight(answer: Answer) -> None:
    """The weight that balances two slopes."""
    rng = np.random.default_rng(26)
    content, style = rng.normal(size=(2, 4, 5, 3)) * np.array([3.0, 0.01]).reshape(2, 1, 1, 1)
    one, other = np.array([[[3.0, 0, 4]]]), np.array([[[0, 4.0, 0]]])
    same("|| w (0, 4, 0) || = 2 || (3, 0, 4) ||", answer(one, other, 2), 2.5)
    found = answer(content.copy(), style.copy(), 7.0)
    same("|| w style || over || content ||", np.linalg.norm(found * style) / np.linalg.norm(content), 7.0)
    same("the signs of a slope do not matter: w", answer(-content, style.copy(), 7.0), found)
