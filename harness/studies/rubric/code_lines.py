"""How much code an adapter needs."""

from __future__ import annotations

import ast
from pathlib import Path


def code_lines_of(folder: Path) -> int:
    """Return the lines of code of an adapter. Files for probes do not count against the framework."""
    files = [path for path in sorted(folder.rglob("*.py")) if not path.stem.startswith(("probe", "example", "export"))]
    return sum(map(_code_lines, files))


def _code_lines(path: Path) -> int:
    """Return the lines of code in a file, without empty lines, comments and docstrings."""
    text = path.read_text(encoding="utf-8")
    docstrings = {
        line
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    lines = enumerate(text.splitlines(), start=1)
    return sum(bool(line.strip()) and line.strip()[0] != "#" and number not in docstrings for number, line in lines)
