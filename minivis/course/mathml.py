"""Formulas as MathML, which browsers draw themselves: no script, and nothing fetched from elsewhere.

A Sphinx extension. What LaTeX has and the converter has not is an error, so that no formula is lost silently.
"""

import re
from typing import Any

BRACKETS = {"lceil": "⌈", "rceil": "⌉", "lfloor": "⌊", "rfloor": "⌋"}
SPELLED = (  # what latex2mathml draws letter by letter, wrongly or not at all, in other words
    (re.compile(r"\\(arg)(?![A-Za-z])"), r"\\operatorname{\1}"),
    (re.compile(r"\\mathrm\{([A-Za-z]{2,})\}"), r"\\operatorname{\1}"),
    (re.compile(r"\\mathrel\{(.)\}"), r"\1"),
    *((re.compile(rf"(\\[bB]igg?[lr]?)\s*\\{name}(?![A-Za-z])"), rf"\1{sign}") for name, sign in BRACKETS.items()),
    (re.compile(r"\\[lr]Vert(?![A-Za-z])"), r"\\|"),  # else one bar of a norm is drawn longer than the other
)
LIMITS = re.compile(r"(\\(?:max|min)|\\operatorname\{arg(?:max|min)\})_")  # what stands below these in a display
UNKNOWN = re.compile(r">[^<]*\\[^<]*<")  # what latex2mathml leaves of a command that it does not know


def mathml(latex: str, display: bool) -> str:
    """Return a formula as a ``<math>`` element.

    Raises
    ------
    ValueError
        If a command in it is not known.
    """
    from latex2mathml.converter import convert

    for pattern, words in SPELLED:
        latex = pattern.sub(words, latex)
    if display:
        latex = LIMITS.sub(r"\1\\limits_", latex)
    text = convert(latex, display="block" if display else "inline")
    if unknown := UNKNOWN.search(text):
        raise ValueError(f"the formula {latex!r} has a command that cannot be drawn: {unknown[0]}")
    return text


def visit_inline(writer: Any, node: Any) -> None:
    """Write a formula within a line."""
    from docutils.nodes import SkipNode

    writer.body.append(mathml(node.astext(), display=False))
    raise SkipNode


def visit_display(writer: Any, node: Any) -> None:
    """Write a formula on lines of its own, which scrolls where the screen is narrower."""
    from docutils.nodes import SkipNode

    writer.body.append(f'<div class="formula">{mathml(node.astext(), display=True)}</div>')
    raise SkipNode


def setup(app: Any) -> dict[str, bool]:
    """Register the renderer with Sphinx."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_display, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
