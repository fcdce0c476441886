"""A student's functions, taken out of a lesson file: its imports and definitions run, and nothing else does."""

import ast
import json
import linecache
from collections.abc import Callable
from pathlib import Path
from types import CodeType
from typing import Any

from ..errors import InputError

DEFINITIONS = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def functions_in(path: Path) -> dict[str, Callable[..., Any]]:
    """Return the functions that a lesson file (``.py`` or ``.ipynb``) defines, by name.

    Raises
    ------
    InputError
        If the file cannot be read or is no Python, or if one of its definitions fails.
    """
    source = source_of(path)
    try:
        tree = ast.parse(source, str(path))
    except SyntaxError as error:
        raise InputError(f"{path}, line {error.lineno}: {error.msg}: {(error.text or '').strip()}") from None
    linecache.cache[str(path)] = (len(source), None, source.splitlines(keepends=True), str(path))  # for error messages
    namespace: dict[str, Any] = {"__name__": "lesson", "__file__": str(path)}
    for statement in tree.body:
        if isinstance(statement, DEFINITIONS):
            code = compile(ast.Module([statement], []), str(path), "exec")
            try:
                exec(code, namespace)
            except ImportError as error:  # the functions that do not need it can be checked all the same
                if not isinstance(statement, ast.Import | ast.ImportFrom):
                    raise
                stand_in = NotInstalled(error)
                namespace |= {alias.asname or alias.name.partition(".")[0]: stand_in for alias in statement.names}
            except Exception as error:
                raise InputError(f"{path}, line {statement.lineno}: {type(error).__name__}: {error}") from None
    named = {statement.name for statement in tree.body if isinstance(statement, ast.FunctionDef)}
    return {name: namespace[name] for name in named if callable(namespace[name])}


class NotInstalled:
    """Stands for what could not be imported, and says so where it is used."""

    def __init__(self, error: ImportError):
        self._error = error

    def __getattr__(self, name: str) -> Any:
        raise self._error

    def __call__(self, *args: Any, **options: Any) -> Any:
        raise self._error


def source_of(path: Path) -> str:
    """Return the Python of a script, or of the code cells of a notebook without their magic lines."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if path.suffix != ".ipynb":
        return text
    try:
        cells = [cell["source"] for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
        lines = "\n".join("".join(cell) for cell in cells).splitlines()
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{path} is no notebook") from None
    return "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in lines) + "\n"


def is_unfinished(function: Callable[..., Any]) -> bool:
    """Return whether the body of `function` is still only ``...``."""
    code = getattr(function, "__code__", None)
    if not isinstance(code, CodeType) or code.co_code not in _EMPTY:
        return False
    return all(constant in (None, function.__doc__) for constant in code.co_consts)  # ``return True`` has another one


def _bare() -> None: ...


def _documented() -> None:
    """What the compiler makes of a docstring and three dots."""
    ...


_EMPTY = (_bare.__code__.co_code, _documented.__code__.co_code)
