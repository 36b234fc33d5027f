"""Print the blocks of a report, and whole reports, as the terminal has room for them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table as RichTable

from harness.cli.screens.bars import bar
from harness.cli.screens.console import plain, say
from harness.report.content.cells import text_of
from harness.report.content.titles import section_title
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

READABLE = 13
"""Characters that a column needs to be readable."""
UNLIMITED = 100_000
BAR = 8
"""Characters of a bar."""
FIGURE = re.compile(r"[\d.,]+( |x|%|$)|-?$")
"""How the cells of a column of figures begin."""
STYLES = {"confirmed": "green", "refuted": "red", "partly": "yellow", "inconclusive": "yellow"}
"""Colours of cells with just this word."""


def print_report(console: Console, report: Report) -> None:
    """Print a report: its answer, then its sections."""
    for answer in report.answers:
        console.print()
        for sentence in answer.sentences:
            say(console, plain(sentence), style="bold")
        say(console, plain("".join(piece.text for piece in answer.trust)))
    for section in report.sections:
        console.print()
        if section.title:
            say(console, plain(section.title), style="bold underline")
        print_blocks(console, section.blocks)


def print_blocks(console: Console, blocks: Iterable[Block], *, details: bool = False) -> None:
    """Print blocks; with `details` also those that a page folds. A terminal shows no figures."""
    under_a_table = False
    for block in blocks:
        _print_block(console, block, style="dim" if under_a_table else "", details=details)
        under_a_table = isinstance(block, Table) or (under_a_table and isinstance(block, Paragraph))


def _print_block(console: Console, block: Block, *, style: str, details: bool) -> None:
    match block:
        case Paragraph():
            more = f" See docs/{block.see}.md." if block.see else ""
            say(console, plain(f"{block.text}{more}"), style=style)
        case Bullets():
            for item in block.items:
                say(console, plain(f"- {item}"), style=style)
        case Table():
            _print_table(console, block)
        case Code():
            say(console, plain(block.text))
        case Subheading():
            say(console, plain(block.text), style="bold")
        case Group():
            say(console, f"\n[bold]{plain(block.title)}[/bold]")
            print_blocks(console, block.blocks, details=details)
        case Folded() if details:
            say(console, f"\n[bold]{plain(block.title)}[/bold]")
            print_blocks(console, block.blocks, details=details)
        case Folded() | Picture():
            pass


def _print_table(console: Console, table: Table) -> None:
    """Print a table; where it is not readable, lines for each row."""
    drawn = console.encoding.startswith("utf")
    for padding in (1, 0):
        shown = _rich_table(table, padding=padding, drawn=drawn)
        if _natural_width(console, shown) <= console.width:
            console.print(shown)
            return
    if console.width >= READABLE * len(table.headings):
        shown.show_lines = True
        console.print(shown)
    else:
        for line in _lines(table):
            say(console, line)


def _natural_width(console: Console, shown: RichTable) -> int:
    """Return the characters that a table takes if no cell is broken."""
    return Measurement.get(console, console.options.update(max_width=UNLIMITED), shown).maximum


def _rich_table(table: Table, *, padding: int, drawn: bool) -> RichTable:
    shown = RichTable(box=SIMPLE_HEAD, header_style="bold", pad_edge=False, padding=(0, padding, 0, 0))
    columns = [*_columns(table, drawn=drawn)]
    for heading, cells in columns:
        is_figure = all(FIGURE.match(cell) for cell in cells)
        shown.add_column(plain(heading), justify="right" if is_figure else "left", overflow="fold")
    for index, row in enumerate(zip(*(cells for _, cells in columns), strict=True)):
        if index in table.groups:
            shown.add_section()
            shown.add_row(plain(section_title(table.groups[index])), style="bold")
        shown.add_row(*map(_styled, row))
    return shown


def _columns(table: Table, *, drawn: bool) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield heading and cells of each column, bars before theirs."""
    for place, heading in enumerate(table.headings):
        if drawn and (lengths := table.bars.get(heading)):
            yield "", [bar(length, max(lengths), BAR) for length in lengths]
        yield heading, [text_of(row[place]) for row in table.rows]


def _lines(table: Table) -> Iterator[str]:
    for index, row in enumerate(table.rows):
        first, *others = map(text_of, row)
        if index in table.groups:
            yield f"[bold]{plain(section_title(table.groups[index]))}[/bold]"
        yield f"[bold]{plain(first)}[/bold]"
        for heading, cell in zip(table.headings[1:], others, strict=True):
            if cell:
                yield f"  [dim]{plain(heading)}:[/dim] {_styled(cell)}"


def _styled(cell: str) -> str:
    return f"[{STYLES[cell]}]{plain(cell)}[/{STYLES[cell]}]" if cell in STYLES else plain(cell)
