"""Where a cell's time goes, as a table of text."""

from __future__ import annotations

from collections.abc import Iterable

from harness.analysis.cell_columns import median_of
from harness.analysis.row_grouping import processes
from harness.records.cell_record import CellRecord
from harness.text import units

HEADINGS = ("framework", "start and import", "load", "first step", "all steps", "tokens/s end to end")
SECONDS = ("start_seconds", "load_seconds", "first_step_seconds", "training_seconds")


def phase_rows(records: Iterable[CellRecord], section: str) -> list[tuple[str, ...]]:
    """Return a row for each row of the matrix: medians over its processes, in the order of HEADINGS."""
    return [
        (
            key.name,
            *(units.seconds(median_of(cells, column)) for column in SECONDS),
            units.rate(median_of(cells, "end_to_end_tokens_per_second")),
        )
        for key, cells in processes(records, section).items()
    ]
