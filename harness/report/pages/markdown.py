"""A report as Markdown: tables, folded details, figures that follow the reader's light or dark theme."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import assert_never
from urllib.parse import quote

from harness.report.figures.figure import file_of
from harness.report.figures.theme import THEMES
from harness.report.parts.blocks import (
    Block,
    Bullets,
    Code,
    Folded,
    Group,
    Paragraph,
    Picture,
    Report,
    Subheading,
    Table,
)
from harness.text.markdown_table import inline, line, table
from harness.text.printable import printable


def render_markdown(report: Report, figures: str) -> str:
    """Return the text of a report. `figures`: the folder of its figures, beside it."""
    sections = [
        [
            f"# {inline(report.title)}",
            "",
            *(f"- **{inline(answer.title)}**: {line(answer.text)}" for answer in report.answers),
        ]
    ]
    sections += [[f"## {inline(section.title)}", "", *lines_of(section.blocks, figures)] for section in report.sections]
    return "\n\n".join("\n".join(lines).rstrip() for lines in sections) + "\n"


def lines_of(blocks: Iterable[Block], figures: str = "") -> Iterator[str]:
    """Yield the lines of blocks, with an empty one after each."""
    for block in blocks:
        yield from _lines(block, figures)
        yield ""


def _lines(block: Block, figures: str) -> Iterator[str]:
    match block:
        case Paragraph():
            more = f" See [{block.see}](../docs/{block.see}.md)." if block.see else ""
            yield line(block.text) + more
        case Bullets():
            yield from (f"- {line(item)}" for item in block.items)
        case Table():
            yield from table(block.headings, block.rows)
        case Code():
            fence = "`" * max(3, 1 + _longest_run(block.text, "`"))
            yield from (f"{fence}{block.language}", printable(block.text), fence)
        case Subheading():
            yield f"### {inline(block.text)}"
        case Group():
            yield f"### {inline(block.title)}"
            yield ""
            yield from lines_of(block.blocks, figures)
        case Picture():
            light, dark = (f"{quote(figures)}/{file_of(block.figure, theme)}" for theme in THEMES)
            source = f'<source media="(prefers-color-scheme: dark)" srcset="{dark}">'
            yield f'<picture>{source}<img alt="{block.figure.title}" src="{light}"></picture>'
            yield ""
            yield inline(block.figure.caption)
        case Folded():
            yield f"<details><summary>{inline(block.title)}</summary>"
            yield ""
            yield from lines_of(block.blocks, figures)
            yield "</details>"
        case _:
            assert_never(block)


def _longest_run(text: str, character: str) -> int:
    """Return the longest run of a character."""
    longest = run = 0
    for letter in text:
        run = run + 1 if letter == character else 0
        longest = max(longest, run)
    return longest
