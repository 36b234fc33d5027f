"""The audit's verdicts on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from harness.experiment import section_of
from harness.report.audits import FINDING_HEADINGS, HEADINGS, audit_cells, finding_cells, ordered


def print_audits(console: Console, verdicts: Sequence[Mapping[str, Any]], *, details: bool) -> None:
    """A line per framework and job; with `details`, every finding too."""
    console.print(_table("", HEADINGS, [audit_cells(verdict) for verdict in ordered(verdicts)]))
    for why in dict.fromkeys(verdict["tolerance"] for verdict in verdicts if verdict["tolerance"]):
        console.print(f"Tolerance, relative to a plain PyTorch loop: {escape(why)}.", style="dim", soft_wrap=True)
    if details:
        for verdict in ordered(verdicts):
            rows = [finding_cells(finding) for finding in verdict["findings"]]
            console.print(_table(f"{verdict['framework']}, {section_of(verdict)}", FINDING_HEADINGS, rows))


def _table(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(title=title or None, title_justify="left", header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    return table
