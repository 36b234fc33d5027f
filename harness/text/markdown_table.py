"""Tables of Markdown from tables of text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.text.printable import printable


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table."""
    lines = ["| " + " | ".join(map(inline, headings)) + " |", "|" + " --- |" * len(headings)]
    return lines + ["| " + " | ".join(inline(cell) for cell in row) + " |" for row in rows]


def inline(text: str) -> str:
    """Text that a framework may have printed, made harmless: one line, no cell breaks, no markup, link or code."""
    flat = " ".join(printable(text).split())
    for mark in ("\\|", "\\`", "\\["):
        flat = flat.replace(mark, mark[1])
    for mark in "|`[":
        flat = flat.replace(mark, f"\\{mark}")
    return flat.replace("<", "&lt;")


def line(text: str) -> str:
    """The same as a line of its own: by its first character it might else be a heading, a list or a quotation."""
    flat = inline(text)
    return f"\\{flat}" if flat.startswith(tuple("#>-+*=~_")) else flat
