"""What a report is made of, before it is Markdown or HTML. All text is plain; each output escapes it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.report.content.answer import Answer
from harness.report.content.cells import Cell
from harness.report.figures.figure import Figure


@dataclass(frozen=True, kw_only=True, slots=True)
class Paragraph:
    """Sentences, and the page of docs/ that says more."""

    text: str
    see: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bullets:
    """One line each."""

    items: Sequence[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """Rows of text under headings."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str | Cell]]
    groups: Mapping[int, str] = field(default_factory=dict)
    """By the number of the row that it precedes, the section (method and track) of the rows from there."""
    is_compact: bool = False
    """True if the second line of a cell stands behind the first."""
    anchors: Sequence[str] = ()
    """An anchor per row, for links to it."""
    bars: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """By the heading of the column behind them, a length per row, for a display that draws bars."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Code:
    """Text that is shown literally."""

    text: str
    language: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Subheading:
    """The heading of the blocks after it."""

    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """A figure with its caption."""

    figure: Figure


@dataclass(frozen=True, kw_only=True, slots=True)
class Folded:
    """Blocks that are shown on request."""

    title: str
    blocks: Sequence[Block]
    anchor: str = ""
    """Other blocks with just this text link here."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Blocks under one heading about one job or one machine, for readers who want only some."""

    title: str
    blocks: Sequence[Block]
    section: str = ""
    """Method and track; empty for blocks about all."""
    machine: str = ""


Block = Paragraph | Bullets | Table | Code | Subheading | Picture | Folded | Group


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """One part of a report."""

    title: str
    blocks: Sequence[Block]
    folded: bool = False
    """True if its blocks are shown on request."""
    machine: str = ""
    """What the section's run was measured on, in a report of several runs."""

    @property
    def anchor(self) -> str:
        """The anchor of the section, as Markdown makes it from the title."""
        return anchor_of(self.title)


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """Everything that a report says, in order."""

    title: str
    about: str
    """The job and the machine, in one line."""
    answers: Sequence[Answer]
    """What a reader wants first; one for each run."""
    sections: Sequence[Section]

    @property
    def figures(self) -> list[Figure]:
        """All figures, in order."""
        return [block.figure for section in self.sections for block in section.blocks if isinstance(block, Picture)]


def anchor_of(title: str) -> str:
    """Return the anchor of a heading: lower case, hyphens for spaces, nothing else but letters and digits."""
    return re.sub(r"[^\w-]", "", title.lower().replace(" ", "-"))
