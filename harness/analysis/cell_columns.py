"""One column of several cells: their values, by round or in the median. Only cells that were ok count."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median

from harness.analysis.estimates import Rounds
from harness.records.cell_record import CellRecord


def values_of(cells: Iterable[CellRecord], column: str) -> list[float]:
    """Return a column over the cells that were ok, in their order."""
    return [getattr(cell, column) for cell in cells if cell.outcome == "ok" and getattr(cell, column) is not None]


def by_round(cells: Iterable[CellRecord], column: str) -> Rounds:
    """Return a column over the cells that were ok, by round and machine."""
    return {
        round_of(cell): getattr(cell, column)
        for cell in cells
        if cell.outcome == "ok" and getattr(cell, column) is not None
    }


def round_of(cell: CellRecord) -> tuple[int, str]:
    """Return what pairs a cell with others: its round and its machine."""
    return cell.repeat, cell.node or ""


def median_of(cells: Iterable[CellRecord], column: str) -> float | None:
    """Return the median of a column over the cells that were ok; None if there are none."""
    values = values_of(cells, column)
    return median(values) if values else None
