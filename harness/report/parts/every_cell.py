"""Every cell by itself: how it ended, its figures, its config, the end of what its framework printed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.files.machine_paths import without_machine_paths
from harness.job.experiment import section_of
from harness.records.cell_record import CellRecord
from harness.report.parts.blocks import Block, Code, Folded, Paragraph, Table
from harness.report.parts.recorded import ReportedRun
from harness.text import units

MOST_CELLS = 150
"""Most cells of one page. Those that failed come first."""
LOG_BYTES = 2500
HEADINGS = ("framework", "job", "cell", "round", "outcome", "tokens/s", "peak memory", "first loss", "final loss")


def every_cell(run: ReportedRun) -> Iterator[Block]:
    """Yield a table of all cells, and a fold for each."""
    cells = sorted(run.cells, key=lambda cell: (cell.outcome == "ok", cell.same_job != "no", cell.cell))
    shown = cells[:MOST_CELLS]
    if len(shown) < len(cells):
        yield Paragraph(text=f"{len(shown)} of {len(cells)} cells; the others are in the run's folder.")
    yield Table(headings=HEADINGS, rows=[_row(run, cell) for cell in shown])
    for cell in shown:
        log = without_machine_paths(run.checked.folder.read_log(cell.cell, LOG_BYTES)).strip()
        yield Folded(
            title=run.name_of(cell),
            anchor=run.name_of(cell),
            blocks=(
                Table(headings=("what", "recorded"), rows=_details(run, cell)),
                Paragraph(text="The end of what it printed:" if log else "It printed nothing."),
                *([Code(text=log)] if log else []),
            ),
        )


def _row(run: ReportedRun, cell: CellRecord) -> tuple[str, ...]:
    return (
        cell.framework,
        section_of(cell),
        run.name_of(cell),
        f"{cell.repeat}{' (twin)' if cell.twin else ''}",
        cell.outcome,
        units.rate(cell.tokens_per_second),
        units.gibibytes(cell.peak_memory_bytes),
        units.loss(cell.first_loss),
        units.loss(cell.final_loss),
    )


def _details(run: ReportedRun, cell: CellRecord) -> Sequence[tuple[str, str]]:
    """Return what the table of all cells does not show."""
    pairs = {
        "reason": cell.reason,
        "same job": " ".join(filter(None, [cell.same_job, cell.why_not_same_job])),
        "deviations": cell.deviations,
        "native config": run.config_name(cell),
        "version": cell.framework_version,
        "start": cell.start,
        "median step": units.seconds(cell.median_step_seconds),
        "load": units.seconds(cell.load_seconds),
        "first step": units.seconds(cell.first_step_seconds),
        "all steps": units.seconds(cell.training_seconds),
        "steps, of them warm-up": f"{cell.steps}, {cell.warmup_steps}" if cell.steps else "",
        "cores that others used": units.number(cell.other_cpu_cores, ""),
    }
    return [(name, value) for name, value in pairs.items() if value and value != units.NOTHING]
