"""Numbers of a cell that cannot have been measured."""

from __future__ import annotations

import math

from harness.records.cell_record import RECORDED_COLUMNS, CellRecord

LARGEST_MEASURED = 1e15
"""Above any real value of a column: a petabyte, 30 million years."""
SIGNED = ("clock_difference_seconds",)


def why_not_measured(record: CellRecord) -> str:
    """Return which number of a cell that says ok cannot be a measurement; empty if all can."""
    for name in RECORDED_COLUMNS:
        value = getattr(record, name)
        if value is None or isinstance(value, str):
            continue
        if not math.isfinite(value) or abs(value) > LARGEST_MEASURED or (value < 0 and name not in SIGNED):
            return f"{name} = {value:g} cannot have been measured"
    return ""
