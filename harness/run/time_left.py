"""The time left in a slot. Cells begin only if they will surely end in time, by what such cells took before."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from harness.job.plan import Cell
from harness.machine.host import training_threads
from harness.records.cell_record import CellRecord

FIRST_GUESS_SECONDS = 12.0
"""Guess before any cell has ended: an H100 took 9 s for one that was imported ahead. A low guess costs one round."""
SPARE = 1.15
"""The time left must be this many times the estimate: a round is lost if its last cell does not end."""
AFTER_THE_LAST_CELL_SECONDS = 10.0
"""Time for the report and the end of the workers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TimeLeft:
    """The end of a run's time; None if it has no end."""

    deadline: float | None
    """In CLOCK_MONOTONIC seconds."""

    def allows(self, cells: Sequence[Cell], records: Sequence[CellRecord], waiting: int = 0) -> bool:
        """True if all these cells would end in time, one after the other. `waiting` of them have already imported."""
        if self.deadline is None:
            return True
        needed = SPARE * seconds_for(cells, records, waiting) + AFTER_THE_LAST_CELL_SECONDS
        return time.monotonic() + needed <= self.deadline


def within(seconds: float | None) -> TimeLeft:
    """Return the time that is left from now on."""
    return TimeLeft(deadline=None if seconds is None else time.monotonic() + seconds)


def seconds_for(cells: Sequence[Cell], records: Sequence[CellRecord], waiting: int = 0) -> float:
    """Return what cells will take: the longest time of a cell like it, or the median of all if there was none."""
    took: dict[tuple[str, str, str], float] = {}
    for record in records:
        if (seconds := _seconds_of(record)) is not None:
            key = record.framework, record.method, record.track
            took[key] = max(seconds, took.get(key, 0.0))
    guess = median(took.values()) if took else FIRST_GUESS_SECONDS
    trained = sum(took.get((cell.framework, cell.method, cell.track), guess) for cell in cells)
    return trained + _imports(max(0, len(cells) - waiting), records)


def _imports(workers: int, records: Sequence[CellRecord]) -> float:
    """Return the seconds of workers that import side by side before the first of their cells begins."""
    ahead = [record.start_seconds for record in records if record.start == "ahead"]
    longest = max((float(seconds) for seconds in ahead if seconds), default=0.0)
    return longest * math.ceil(workers / training_threads())


def _seconds_of(record: CellRecord) -> float | None:
    """Return the seconds of a cell's process, and of its interpreter's start unless that was beside others."""
    wall = record.wall_seconds
    if wall is None:
        return None
    start = record.start_seconds if record.start == "cold" else None
    return float(wall) + float(start or 0.0)
