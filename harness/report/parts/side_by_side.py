"""The frameworks side by side: the matrix, its figures, its cautions, what was tuned."""

from __future__ import annotations

from collections.abc import Iterator

from harness.analysis.compare_frameworks import smallest_effect_of
from harness.job.experiment import section
from harness.report.content.table import (
    CPU_HEADINGS,
    HEADINGS,
    cells_of,
    conditions_text,
    cpu_cells_of,
    footnotes,
    noise_floor_text,
)
from harness.report.parts.blocks import Block, Bullets, Group, Paragraph, Picture, Subheading, Table
from harness.report.parts.recorded import ReportedRun


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
    yield Table(headings=HEADINGS, rows=[cells_of(row) for row in in_section])
    if run.experiment.device == "cpu":
        yield Table(headings=CPU_HEADINGS, rows=[cpu_cells_of(row) for row in in_section])
    texts = (
        conditions_text(run.cells, name),
        noise_floor_text(run.cells, name, smallest_effect_of(run.record)),
        *footnotes(in_section, name),
    )
    for text in filter(None, texts):
        yield Paragraph(text=text)


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
