"""Tables of text -> tables of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.text.printable import printable


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table."""
    return marked_table(headings, (map(inline, row) for row in rows))


def marked_table(headings: Sequence[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """Return the lines of a table whose cells are Markdown already."""
    lines = ["| " + " | ".join(map(inline, headings)) + " |", "|" + " --- |" * len(headings)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def inline(text: str) -> str:
    """Return text that a framework may have printed, made harmless: one line, no cell breaks, markup, links or code."""
    flat = " ".join(printable(text).split())
    for mark in ("\\|", "\\`", "\\["):
        flat = flat.replace(mark, mark[1])
    for mark in "|`[":
        flat = flat.replace(mark, f"\\{mark}")
    return flat.replace("<", "&lt;")


def line(text: str) -> str:
    """Return the text as a separate line: its first character must not make it a heading, a list or a quotation."""
    flat = inline(text)
    return f"\\{flat}" if flat.startswith(tuple("#>-+*=~_")) else flat
