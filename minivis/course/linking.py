"""Links between the pages of the site.

A page of a method is Markdown in the repository and an executed notebook when Sphinx reads it, so links to it are
turned over on the way. ``{lesson}`10` `` is a link to that lesson, whatever its file is called, or text if it was not
built.
"""

import re
from typing import Any

from .finding import lessons

TO_A_METHOD = re.compile(r"(\]\((?:methods/|\.\./methods/)?(?!index)[\w-]+)\.md(?=[)#])")


def relinked(markdown: str) -> str:
    """Return the text of a page with its links to pages of methods as Sphinx finds them."""
    return TO_A_METHOD.sub(r"\1.ipynb", markdown)


def lesson_role(name: str, raw: str, text: str, line: int, inliner: Any, options: Any = None, content: Any = ()) -> Any:
    """Return the nodes of ``{lesson}`10` ``, or of ``{Lesson}`10` `` where a sentence begins, for docutils."""
    from docutils.nodes import Text, inline
    from sphinx.addnodes import pending_xref

    environment = inliner.document.settings.env
    words = f"{name} {text}"
    said = inline("", words)
    for one in lessons():
        page = f"lessons/{one.name}"
        if str(one.number) == text and page in environment.found_docs:
            where = {"refdomain": "std", "reftype": "doc", "reftarget": f"/{page}", "refexplicit": True}
            return [pending_xref("", said, refdoc=environment.docname, refwarn=True, **where)], []
    return [Text(words)], []


def setup(app: Any) -> dict[str, bool]:
    """Register the roles with Sphinx."""
    app.add_role("lesson", lesson_role)
    app.add_role("Lesson", lesson_role)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
