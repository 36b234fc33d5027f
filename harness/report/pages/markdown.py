"""A report as Markdown: tables, folded details, figures that follow the reader's light or dark theme."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import assert_never
from urllib.parse import quote

from harness.report.content.answer import Answer
from harness.report.content.cells import Cell, target_of
from harness.report.content.titles import section_title
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
    Section,
    Subheading,
    Table,
    anchor_of,
)
from harness.text.markdown_table import inline, line, marked_table
from harness.text.printable import printable


def render_markdown(report: Report, figures: str) -> str:
    """Return the text of a report. `figures`: the folder of its figures, beside it."""
    sections = [[f"# {inline(report.title)}", "", *([line(report.about), ""] if report.about else [])]]
    for answer in report.answers:
        sections[0] += [f"**{inline(answer.about)}**", ""] if answer.about else []
        sections[0] += [*(f"- {inline(sentence)}" for sentence in answer.sentences), "", _trust(answer), ""]
    sections += [[f"## {inline(section.title)}", "", *_section(section, figures)] for section in report.sections]
    return "\n\n".join("\n".join(lines).rstrip() for lines in sections) + "\n"


def _trust(answer: Answer) -> str:
    """Return the line on how far to trust an answer, with its links."""
    return "".join(
        f"[{inline(piece.text)}](#{anchor_of(piece.to)})" if piece.to else _piece(piece.text) for piece in answer.trust
    )


def _piece(text: str) -> str:
    """Return a piece of a line, with the spaces at its ends."""
    before, after = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
    return f"{before}{inline(text)}{after}"


def _section(section: Section, figures: str) -> Iterator[str]:
    if section.folded:
        yield from ("<details><summary>Show</summary>", "")
    yield from lines_of(section.blocks, figures)
    if section.folded:
        yield "</details>"


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
            yield from marked_table(block.headings, _rows(block))
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


def _rows(table: Table) -> Iterator[list[str]]:
    """Yield the rows of a table, and before each group a row with its title."""
    for index, row in enumerate(table.rows):
        if index in table.groups:
            yield [f"**{inline(section_title(table.groups[index]))}**", *[""] * (len(table.headings) - 1)]
        first, *others = (_cell(cell, " " if table.is_compact else "<br>") for cell in row)
        anchor = f'<a id="{table.anchors[index]}"></a>' if table.anchors else ""
        yield [anchor + first, *others]


def _cell(cell: str | Cell, before_muted: str) -> str:
    if isinstance(cell, str):
        return inline(cell)
    text = inline(cell.text)
    if cell.more:
        text = f"<details><summary>{text}</summary>{inline(cell.more)}</details>"
    if cell.to:
        text = f"[{text}]({target_of(cell)})"
    return f"{text}{before_muted}<sub>{inline(cell.muted)}</sub>" if cell.muted else text


def _longest_run(text: str, character: str) -> int:
    """Return the longest run of a character."""
    longest = run = 0
    for letter in text:
        run = run + 1 if letter == character else 0
        longest = max(longest, run)
    return longest
