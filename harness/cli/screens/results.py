"""Print the results of a run: the answer, then a table per job that fits the width."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table

from harness.analysis.cautions import cautions_of
from harness.analysis.compare_frameworks import Key, Measured, Row, processes, rows_of, smallest_effect_of
from harness.cli.screens.bars import bar, sparkline
from harness.cli.screens.console import plain, say
from harness.records.checked_run import CheckedRun
from harness.report.content.answer import answers
from harness.report.content.table import (
    MEMORY_WORDS,
    SPEED_WORDS,
    conditions_text,
    footnotes,
    loss_agreement,
    noise_floor_text,
    ratio_text,
    word_of,
)
from harness.text import units

WIDE = 150
"""From this many columns on, intervals, versions and sparklines fit."""
SHORTER = {
    "no difference shown": "not shown",
    "too few processes": "too few",
    "more memory": "more",
    "less memory": "less",
}
"""Shorter words for a narrow terminal."""


def print_results(console: Console, run: CheckedRun) -> None:
    """Print the answer, a table per section, and the cautions."""
    run_record, records = run.record, run.cells
    rows = rows_of(records, run_record)
    sections = run_record.experiment.sections
    console.print()
    for answer in answers(rows, run_record):
        say(console, f"[bold]{plain(answer.title)}:[/bold] {plain(answer.text)}")
    for section in sections:
        console.print(SectionTable(run, rows, section))
        texts = [conditions_text(records, section), noise_floor_text(records, section, smallest_effect_of(run_record))]
        for text in (*filter(None, texts), *footnotes(rows, section), loss_agreement(rows, section)):
            if text:
                say(console, plain(text), style="dim")
    for record in records:
        if record.outcome != "ok":
            say(console, plain(f"{record.cell}: {record.outcome}: {record.reason}"))
        elif record.same_job == "no":
            say(console, plain(f"{record.cell}: not the same job: {record.why_not_same_job}"))
    for caution in cautions_of(run_record, records):
        say(console, f"- {plain(caution.value)}", style="dim")


@dataclass(frozen=True, kw_only=True, slots=True)
class Course:
    """The steps of one row's first process."""

    seconds: Sequence[float | None] = ()
    losses: Sequence[float | None] = ()


class SectionTable:
    """A row per framework, in as many columns as fit."""

    def __init__(self, run: CheckedRun, rows: Sequence[Row], section: str) -> None:
        self.title = section
        self.rows = [row for row in rows if row.section == section]
        self.courses = {key: _course(run, cells[0].cell) for key, cells in processes(run.cells, section).items()}

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        table = Table(
            title=self.title,
            title_justify="left",
            title_style="bold",
            header_style="bold",
            box=SIMPLE_HEAD,
            pad_edge=False,
            padding=(0, 1 if options.max_width >= WIDE else 0, 0, 0),
        )
        columns = [*self._columns(wide=options.max_width >= WIDE, drawn=console.encoding.startswith("utf"))]
        for heading, justify, _ in columns:
            fixed = heading != "outcome"
            table.add_column(heading, justify=justify, overflow="fold", no_wrap=fixed)  # type: ignore[arg-type]
        for row in self.rows:
            table.add_row(*(plain(cell(row)) for _, _, cell in columns))
        yield table

    def _columns(self, *, wide: bool, drawn: bool) -> Iterator[tuple[str, str, Callable[[Row], str]]]:
        """Yield heading, alignment and text of each column. Small curves are there only if `drawn`."""
        yield "framework", "left", lambda row: _marked(row.key if wide else row.framework, row)
        if wide:
            yield "n", "right", lambda row: str(row.n)
        if drawn:
            fastest = max((_value(row.tokens_per_second) for row in self.rows), default=0.0)
            yield "", "left", lambda row: bar(_value(row.tokens_per_second), fastest, 8 if wide else 5)
        yield "tokens/s", "right", lambda row: units.rate(_value(row.tokens_per_second) or None)
        yield "ratio", "right", lambda row: _ratio(row.tokens_per_second, wide=wide)
        yield "speed", "left", lambda row: _word(word_of(row.tokens_per_second, SPEED_WORDS), wide=wide)
        yield "memory", "right", lambda row: units.gibibytes(_value(row.peak_memory_bytes) or None)
        yield "ratio", "right", lambda row: _ratio(row.peak_memory_bytes, wide=wide)
        yield "memory", "left", lambda row: _word(word_of(row.peak_memory_bytes, MEMORY_WORDS), wide=False)
        if wide and drawn:
            yield "step time", "left", lambda row: sparkline(self.courses.get(row.key, Course()).seconds, 10)
            yield "loss", "left", lambda row: sparkline(self.courses.get(row.key, Course()).losses, 10)
        if any(row.outcome != "ok" or row.same_job != "yes" for row in self.rows):
            yield "outcome", "left", _outcome


def _course(run: CheckedRun, cell: str) -> Course:
    steps = run.folder.read_steps(cell)
    return Course(
        seconds=[_number(step.get("seconds")) for step in steps], losses=[_number(step.get("loss")) for step in steps]
    )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _value(measured: Measured | None) -> float:
    return 0.0 if measured is None else measured.estimate.value


def _marked(key: Key | str, row: Row) -> str:
    name = key if isinstance(key, str) else key.name
    conditions = f" [{row.key.conditions}]" if isinstance(key, str) and row.key.conditions else ""
    return f"{name}{conditions}{' *' if row.notes or row.deviations else ''}"


def _ratio(measured: Measured | None, *, wide: bool) -> str:
    if measured is None or measured.comparison is None:
        return units.NOTHING
    ratio = measured.comparison.ratio
    return ratio_text(ratio) if wide else units.ratio(ratio.value)


def _word(word: str, *, wide: bool) -> str:
    if wide:
        return word
    return SHORTER.get(word, "equal" if word.startswith("equivalent") else word)


def _outcome(row: Row) -> str:
    job = "" if row.same_job == "yes" else {"no": "NOT the same job"}.get(row.same_job, row.same_job)
    return ", ".join(filter(None, ["" if row.outcome == "ok" else row.outcome, job])) or "ok"
