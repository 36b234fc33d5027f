"""Where the time goes, and how near each framework comes to the machine's ceilings."""

from __future__ import annotations

from collections.abc import Iterator

from harness.report.content import against_limits, phases
from harness.report.content.comparison_table import CPU_TIME
from harness.report.content.titles import section_title
from harness.report.parts.blocks import Block, Group, Paragraph, Subheading, Table
from harness.report.parts.recorded import ReportedRun
from harness.report.parts.side_by_side import table_of

START_TEXTS = {
    "warm": "of a fresh interpreter, once a run, while others import too",
    "cold": "of each cell's own interpreter, alone",
    "ahead": "of each cell's own interpreter, while those of other cells import too",
}
"""What start_seconds measure, by how cells were started."""


def time_spent(run: ReportedRun) -> Iterator[Block]:
    """Yield start, import, load, first step and all steps."""
    start = START_TEXTS[run.record.start or "warm"]
    yield Paragraph(
        text=f"Medians over processes. Start and import: {start}. "
        "End to end: from that start to the end of the last step, for a job of this length."
    )
    for name in run.experiment.sections:
        table = Table(headings=phases.HEADINGS, rows=phases.phase_rows(run.cells, name))
        yield Group(title=section_title(name), section=name, blocks=(table,))
    if run.experiment.device == "cpu":
        yield Subheading(text="CPU time")
        yield table_of(run, run.rows, CPU_TIME)


def shares_of_ceilings(run: ReportedRun) -> Iterator[Block]:
    """Yield shares of the machine's ceilings, memory against its floor, power and energy."""
    yield Paragraph(text=f"{against_limits.ceilings_text(run.record.chip)} {against_limits.FLOOR_TEXT}", see="method")
    for name in run.experiment.sections:
        headings, rows = against_limits.limit_table(run.cells, name)
        yield Group(title=section_title(name), section=name, blocks=(Table(headings=headings, rows=rows),))
