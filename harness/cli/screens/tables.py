"""Print tables of text; where they would be too narrow to read, a block of lines for each row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from harness.cli.screens.console import plain
from harness.records.probes import ProbeRecord
from harness.report.content import capabilities
from harness.studies.doctor import Check

LEAST_WIDTH = 13
"""Characters that a column needs to be readable."""


class TextTable:
    """A table of plain text under headings."""

    def __init__(self, headings: Iterable[str], rows: Iterable[Sequence[str]], title: str = "") -> None:
        self.headings = tuple(headings)
        self.rows = tuple(tuple(row) for row in rows)
        self.title = title

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        few = options.max_width >= LEAST_WIDTH * len(self.headings)
        yield from self._table() if few else self._blocks()

    def _table(self) -> RenderResult:
        table = Table(title=self.title or None, title_justify="left", header_style="bold")
        for heading in self.headings:
            table.add_column(plain(heading), overflow="fold")
        for row in self.rows:
            table.add_row(*map(plain, row))
        yield table

    def _blocks(self) -> RenderResult:
        if self.title:
            yield Text(self.title, style="italic")
        for first, *others in self.rows:
            yield Text.from_markup(plain(first), style="bold")
            for heading, cell in zip(self.headings[1:], others, strict=True):
                if cell:
                    yield Text.from_markup(f"  [dim]{plain(heading)}:[/dim] {plain(cell)}")


def text_table(headings: Iterable[str], rows: Iterable[Sequence[str]], title: str = "") -> TextTable:
    """Return a table of plain text."""
    return TextTable(headings, rows, title)


def capabilities_tables(probes: Sequence[ProbeRecord], *, details: bool) -> list[TextTable]:
    """Return how each attempt ended; with `details` also the evidence."""
    tables = [text_table(capabilities.headings(probes), capabilities.capability_rows(probes))]
    if details:
        tables.append(text_table(capabilities.DETAIL_HEADINGS, capabilities.detail_rows(probes)))
    return tables


def pairs_table(pairs: Mapping[str, Any]) -> Table:
    """Return two columns: a name and what is said about it."""
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in pairs.items():
        table.add_row(plain(name), plain(str(value)))
    return table


def findings_table(findings: Iterable[Check]) -> TextTable:
    """Return the checks of `doctor` with their advice."""
    return text_table(
        ("", "found", "advice"), [(finding.subject, finding.found, finding.advice) for finding in findings]
    )
