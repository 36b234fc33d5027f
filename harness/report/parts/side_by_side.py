"""The frameworks side by side: the matrix, its figures, its cautions, what was tuned."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from harness.analysis.compare_frameworks import Row
from harness.analysis.row_grouping import processes
from harness.job.experiment import section
from harness.report.content.comparison_notes import conditions_text, footnotes, noise_floor_text
from harness.report.content.comparison_table import (
    COMPARISON,
    CPU_TIME,
    MEDIUM_COMPARISON,
    NARROW_COMPARISON,
    NARROW_CPU_TIME,
    Column,
    cells_of,
    headings,
)
from harness.report.parts.blocks import Block, Bullets, Group, Paragraph, Picture, Subheading, Table
from harness.report.parts.recorded import ReportedRun
from harness.text import units


def compared(run: ReportedRun) -> Iterator[Block]:
    """Yield every framework's figures, method by method and track by track."""
    job = next(iter(run.experiment.jobs.values()))
    yield Paragraph(
        text=f"On {run.machine}. Sequence length {job.sequence_length}, micro batch {job.micro_batch_size}, "
        f"accumulation {job.gradient_accumulation_steps}, {job.precision}, {job.max_steps} optimizer steps. "
        "A row is over n fresh processes: tokens/s is the median of their medians over the steps after the warm-up. "
        "In brackets: 95% intervals over processes. A ratio is over the rounds that both sides ran.",
        see="statistics",
    )
    for name in run.experiment.sections:
        yield Group(title=name, section=name, blocks=tuple(_section(run, name)))


def _section(run: ReportedRun, name: str) -> Iterator[Block]:
    in_section = [row for row in run.rows if row.section == name]
    yield _comparison(run, name, in_section)
    if run.experiment.device == "cpu":
        yield dataclasses.replace(_table(in_section, CPU_TIME), narrower=(_table(in_section, NARROW_CPU_TIME),))
    texts = (
        conditions_text(run.cells, name),
        noise_floor_text(run.cells, name, run.experiment.smallest_effect),
        *footnotes(in_section, name),
    )
    for text in filter(None, texts):
        yield Paragraph(text=text)


def _comparison(run: ReportedRun, name: str, rows: Sequence[Row]) -> Table:
    """Return the comparison of one section in three widths, with a bar for speed and curves of the first processes."""
    bars = {
        "tokens/s": [0.0 if row.tokens_per_second is None else row.tokens_per_second.estimate.value for row in rows]
    }
    steps = {key: run.checked.folder.read_steps(cells[0].cell) for key, cells in processes(run.cells, name).items()}
    curves = {
        heading: [
            [value if units.known(value := step.get(column)) else None for step in steps.get(row.key, ())]
            for row in rows
        ]
        for heading, column in (("step time", "seconds"), ("loss", "loss"))
    }
    full, medium = (
        dataclasses.replace(_table(rows, columns), bars=bars, curves=curves)
        for columns in (COMPARISON, MEDIUM_COMPARISON)
    )
    narrow = dataclasses.replace(_table(rows, NARROW_COMPARISON), bars=bars)
    return dataclasses.replace(full, narrower=(medium, narrow))


def _table(rows: Sequence[Row], columns: Sequence[Column]) -> Table:
    return Table(headings=headings(columns), rows=[cells_of(row, columns) for row in rows])


def figures(run: ReportedRun) -> Iterator[Block]:
    """Yield every figure that has data."""
    for figure in run.figures:
        yield Subheading(text=figure.title)
        yield Picture(figure=figure)


def tuned(run: ReportedRun) -> Iterator[Block]:
    """Yield what each framework's tuned row changes, with the sources of the advice."""
    if "tuned" in run.experiment.tracks:
        yield Paragraph(
            text="The same model, data, method and tokens per optimizer step as in the parity track; all else as each "
            "framework's own documentation advises it. A tuned row is compared with tuned rows alone."
        )
        rows = [
            (framework, section(method, "tuned"), advice)
            for framework, tunings in run.experiment.tunings.items()
            for method, tuning in tunings.items()
            for advice in tuning.advice or ("none of its advice applies here: as in the parity track",)
        ]
        yield Table(headings=("framework", "job", "advice (source)"), rows=rows)


def cautions(run: ReportedRun) -> Iterator[Block]:
    """Yield what a reader must know before believing a figure."""
    if run.cautions:
        yield Bullets(items=[caution.value for caution in run.cautions])
