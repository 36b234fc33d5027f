"""A cell of a table that says more than a text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Tone = Literal["", "up", "down", "grey"]
"""up and down: better and worse than before. grey: this run cannot say it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """A text with a second line, a rest on demand, a link to its evidence, and a tone."""

    text: str
    muted: str = ""
    """The second line, which is muted."""
    more: str = ""
    """The rest of a long text, shown on demand."""
    to: str = ""
    """The anchor of the evidence, or a file beside this one."""
    tone: Tone = ""


def text_of(cell: str | Cell) -> str:
    """Return a cell in one line of plain text."""
    if isinstance(cell, str):
        return cell
    return " ".join(filter(None, [cell.text, f"({cell.muted})" if cell.muted else "", cell.more]))


def target_of(cell: Cell) -> str:
    """Return where a cell's link leads: to a file, or to an anchor on the page."""
    return cell.to if ".md" in cell.to else f"#{cell.to}"
