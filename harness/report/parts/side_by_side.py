"""The frameworks side by side: the matrix, its figures, its cautions, what was tuned."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from harness.analysis.compare_frameworks import Row
from harness.job.experiment import section
from harness.job.frameworks import BASELINE
from harness.report.content.comparison_notes import conditions_text, noise_floor_text, notes_of, numbered
from harness.report.content.comparison_table import (
    COMPARISON,
    SHORT_COMPARISON,
    Column,
    cells_of,
    headings,
)
from harness.report.parts.blocks import Block, Bullets, Paragraph, Picture, Subheading, Table
from harness.report.parts.recorded import ReportedRun

FIRST = "speed-memory"
"""The figure that stands at the front."""


def compared(run: ReportedRun) -> Iterator[Block]:
    """Yield every framework's figures in one table, method by method and track by track, and what is said of them."""
    job = next(iter(run.experiment.jobs.values()))
    yield Paragraph(
        text=f"On {run.machine}. Sequence length {job.sequence_length}, micro batch {job.micro_batch_size}, "
        f"accumulation {job.gradient_accumulation_steps}, {job.precision}, {job.max_steps} optimizer steps. "
        "n: fresh processes. tokens/s: the median of their medians over the steps after the warm-up. "
        f"Below a figure: its 95% interval. A ratio is over the rounds that the framework and {BASELINE} both ran.",
        see="statistics",
    )
    notes = notes_of(run.rows)
    yield table_of(run, run.rows, COMPARISON, notes)
    yield Bullets(items=numbered(notes))
    sections = run.experiment.sections
    texts = [conditions_text(run.cells, name) for name in sections]
    texts.append(noise_floor_text(run.cells, sections, run.experiment.smallest_effect))
    yield from (Paragraph(text=text) for text in texts if text)


def in_short(run: ReportedRun) -> Iterator[Block]:
    """Yield the comparison for a terminal."""
    bars = {
        "tokens/s": [0.0 if row.tokens_per_second is None else row.tokens_per_second.estimate.value for row in run.rows]
    }
    yield dataclasses.replace(table_of(run, run.rows, SHORT_COMPARISON), bars=bars)
    yield Paragraph(
        text=f"speed, memory: times {BASELINE}, over the rounds that both ran. unsure: no difference is shown."
    )


def table_of(run: ReportedRun, rows: Sequence[Row], columns: Sequence[Column], notes: Sequence[str] = ()) -> Table:
    """Return rows as a table, grouped by section if the run has several."""
    groups = {}
    if len(run.experiment.sections) > 1:
        for index, row in enumerate(rows):
            if not index or row.section != rows[index - 1].section:
                groups[index] = row.section
    texts = [cells_of(row, columns, notes) for row in rows]
    return Table(headings=headings(columns), rows=texts, groups=groups)


def speed_against_memory(run: ReportedRun) -> Iterator[Block]:
    """Yield the figure that shows the answer."""
    yield from (Picture(figure=figure) for figure in run.figures if figure.name.endswith(FIRST))


def other_figures(run: ReportedRun) -> Iterator[Block]:
    """Yield every other figure that has data."""
    for figure in run.figures:
        if not figure.name.endswith(FIRST):
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
