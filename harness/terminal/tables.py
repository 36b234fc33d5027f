"""Tables on the terminal, from the same rows as the reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from harness.cautions import cautions_of
from harness.comparison import Row, rows_of
from harness.doctor import Finding
from harness.record import RunFolder
from harness.report.table import (
    HEADINGS,
    answer,
    cells_of,
    conditions_text,
    footnotes,
    loss_agreement,
    noise_floor_text,
)
from harness.results import read_cells

NUMBERS = {"tokens/s", "n", "to transformers", "peak memory", "final loss"}


def print_results(console: Console, folder: RunFolder) -> None:
    """The answer, a table per method, and the cautions."""
    run, records = folder.read_run(), read_cells(folder)
    rows = rows_of(records, run)
    methods = list(run["experiment"]["jobs"])
    console.print()
    for method in methods:
        console.print(escape(answer(rows, method)), soft_wrap=True)
    for method in methods:
        console.print(_method_table(rows, method))
        if mixed := conditions_text(records, method):
            console.print(escape(mixed), soft_wrap=True)
        if floor := noise_floor_text(records, method):
            console.print(escape(floor), soft_wrap=True)
        for text in footnotes(rows, method):
            console.print(escape(text), style="dim", soft_wrap=True)
        if agreement := loss_agreement(rows, method):
            console.print(escape(agreement), soft_wrap=True)
    for record in records:
        if record["outcome"] != "ok":
            console.print(escape(f"{record['cell']}: {record['outcome']}: {record['reason']}"), soft_wrap=True)
        elif record["same_job"] == "no":
            console.print(escape(f"{record['cell']}: not the same job: {record['why_not_same_job']}"), soft_wrap=True)
    for caution in cautions_of(run, records):
        console.print(f"- {escape(caution.value)}", style="dim", soft_wrap=True)


def results_table(folder: RunFolder) -> Table:
    """The table of a run's first method."""
    run = folder.read_run()
    return _method_table(rows_of(read_cells(folder), run), next(iter(run["experiment"]["jobs"])))


def _method_table(rows: Iterable[Row], method: str) -> Table:
    table = Table(title=method, title_justify="left", header_style="bold")
    for heading in HEADINGS:
        table.add_column(heading, justify="right" if heading in NUMBERS else "left", overflow="fold")
    for row in rows:
        if row.method == method:
            table.add_row(*(escape(cell) for cell in cells_of(row)))
    return table


def pairs_table(pairs: Mapping[str, Any]) -> Table:
    """Two columns: a name and what is said about it."""
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in pairs.items():
        table.add_row(escape(name), escape(str(value)))
    return table


def findings_table(findings: Iterable[Finding]) -> Table:
    """What `doctor` found, with its advice."""
    table = Table(header_style="bold")
    for heading in ("", "found", "advice"):
        table.add_column(heading, overflow="fold")
    for finding in findings:
        table.add_row(finding.subject, escape(finding.found), escape(finding.advice))
    return table
