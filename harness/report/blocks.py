"""What a report is made of, before it is Markdown or HTML. All text is plain: whoever shows it makes it harmless."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.report.figures.figures import Figure


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
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Code:
    """Text that is shown as it stands."""

    text: str
    language: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Subheading:
    """Of what follows."""

    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """A figure with its caption."""

    figure: Figure


@dataclass(frozen=True, kw_only=True, slots=True)
class Folded:
    """What is shown when it is asked for."""

    title: str
    blocks: Sequence[Block]


Block = Paragraph | Bullets | Table | Code | Subheading | Picture | Folded


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """One part of a report."""

    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """Everything that a report says, in its order."""

    title: str
    answers: Sequence[str]
    """A sentence per section of the run: what a reader wants to know first."""
    sections: Sequence[Section]

    @property
    def figures(self) -> list[Figure]:
        """All that are shown, in their order."""
        return [block.figure for section in self.sections for block in section.blocks if isinstance(block, Picture)]
