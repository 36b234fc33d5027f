"""Tables on the terminal, from the same rows as the reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from harness.cautions import cautions_of
from harness.comparison import Row, rows_of, smallest_effect_of
from harness.doctor import Finding
from harness.experiment import Experiment
from harness.probe.record import ProbeRecord
from harness.report import capabilities
from harness.report.answer import answers
from harness.report.table import (
    HEADINGS,
    cells_of,
    conditions_text,
    footnotes,
    loss_agreement,
    noise_floor_text,
)
from harness.results import CheckedRun
from harness.terminal.console import plain

NUMBERS = {"tokens/s", "n", "to transformers", "peak memory", "final loss"}


def print_results(console: Console, of: CheckedRun) -> None:
    """The answer, a table per section, and the cautions."""
    run, records = of.run, of.cells
    rows = rows_of(records, run)
    sections = Experiment.from_dict(run["experiment"]).sections
    console.print()
    for one in answers(rows, run):
        console.print(f"[bold]{plain(one.title)}:[/bold] {plain(one.text)}", soft_wrap=True)
    for section in sections:
        console.print(_section_table(rows, section))
        if mixed := conditions_text(records, section):
            console.print(plain(mixed), soft_wrap=True)
        if floor := noise_floor_text(records, section, smallest_effect_of(run)):
            console.print(plain(floor), soft_wrap=True)
        for text in footnotes(rows, section):
            console.print(plain(text), style="dim", soft_wrap=True)
        if agreement := loss_agreement(rows, section):
            console.print(plain(agreement), soft_wrap=True)
    for record in records:
        if record["outcome"] != "ok":
            console.print(plain(f"{record['cell']}: {record['outcome']}: {record['reason']}"), soft_wrap=True)
        elif record["same_job"] == "no":
            console.print(plain(f"{record['cell']}: not the same job: {record['why_not_same_job']}"), soft_wrap=True)
    for caution in cautions_of(run, records):
        console.print(f"- {plain(caution.value)}", style="dim", soft_wrap=True)


def results_table(of: CheckedRun) -> Table:
    """The table of a run's first section."""
    return _section_table(rows_of(of.cells, of.run), Experiment.from_dict(of.run["experiment"]).sections[0])


def _section_table(rows: Iterable[Row], section: str) -> Table:
    table = Table(title=section, title_justify="left", header_style="bold")
    for heading in HEADINGS:
        table.add_column(heading, justify="right" if heading in NUMBERS else "left", overflow="fold")
    for row in rows:
        if row.section == section:
            table.add_row(*(plain(cell) for cell in cells_of(row)))
    return table


def text_table(headings: Iterable[str], rows: Iterable[Sequence[str]], title: str = "") -> Table:
    """A table of text as it stands."""
    table = Table(title=title or None, title_justify="left", header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*map(plain, row))
    return table


def capabilities_tables(probes: Sequence[ProbeRecord], *, details: bool) -> list[Table]:
    """How each attempt ended; with `details` what showed it."""
    tables = [text_table(capabilities.headings(probes), capabilities.capability_rows(probes))]
    if details:
        tables.append(text_table(capabilities.DETAIL_HEADINGS, capabilities.detail_rows(probes)))
    return tables


def pairs_table(pairs: Mapping[str, Any]) -> Table:
    """Two columns: a name and what is said about it."""
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in pairs.items():
        table.add_row(plain(name), plain(str(value)))
    return table


def findings_table(findings: Iterable[Finding]) -> Table:
    """What `doctor` found, with its advice."""
    return text_table(("", "found", "advice"), [(one.subject, one.found, one.advice) for one in findings])
