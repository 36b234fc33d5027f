"""Tables of Markdown from tables of text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table."""
    lines = ["| " + " | ".join(headings) + " |", "|" + " --- |" * len(headings)]
    return lines + ["| " + " | ".join(inline(cell) for cell in row) + " |" for row in rows]


def inline(text: str) -> str:
    """Text that a framework may have printed, made harmless inside a table: one line, no cell breaks, no markup."""
    flat = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return flat.replace("\\|", "|").replace("|", "\\|").replace("<", "&lt;")
