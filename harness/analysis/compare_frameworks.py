"""Recorded cells -> a row per section and framework, with its estimates and its comparison with the baseline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.analysis.cell_columns import by_round, median_of
from harness.analysis.estimates import Estimate, median_estimate
from harness.analysis.row_grouping import Key, grouped, order_of
from harness.analysis.significance import Comparison, compare
from harness.job.experiment import SMALLEST_EFFECT, section_of
from harness.job.frameworks import BASELINE, CEILING
from harness.records.cell_record import CellRecord
from harness.records.run_record import RunRecord

RANKED = ("tokens_per_second", "peak_memory_bytes")
"""The quantities by which frameworks, and versions of one framework, are compared."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """One quantity of one row: its median over processes, and its ratio to the baseline."""

    estimate: Estimate
    comparison: Comparison | None
    """None for the baseline, for a run without a baseline, for the ceiling, and for a row that was another job."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """Figures of one framework's processes in one section. A figure is None if no process was ok."""

    key: Key
    n: int
    """Number of processes with outcome ok. Every figure of this row is over these."""
    tokens_per_second: Measured | None
    peak_memory_bytes: Measured | None
    step_cpu_seconds: Measured | None
    first_loss: float | None
    final_loss: float | None
    outcomes: Mapping[str, int]
    deviations: str
    same_job: str
    """ "yes", "with deviations", "no" or "not audited". A row with "no" is in no ratio and no answer."""
    notes: tuple[str, ...] = ()
    """What every report says of this framework beside its figures."""

    @property
    def section(self) -> str:
        """The section of the row: the method, and the track unless it is parity."""
        return self.key.section

    @property
    def framework(self) -> str:
        """The framework of the row."""
        return self.key.framework

    @property
    def outcome(self) -> str:
        """ "ok", or how many cells ended in which way."""
        if set(self.outcomes) == {"ok"}:
            return "ok"
        return ", ".join(f"{count} {outcome}" for outcome, count in self.outcomes.items())


def rows_of(records: Iterable[CellRecord], run: RunRecord | None = None) -> list[Row]:
    """Return a row per section and framework, in the order of SECTIONS and TRAINERS.

    Cells of other machines, jobs, inputs or versions make separate rows. `run` adds the frameworks' notes.
    """
    frameworks = {} if run is None else run.frameworks
    smallest_effect = SMALLEST_EFFECT if run is None else run.experiment.smallest_effect
    cells = [record for record in records if not record.twin]
    groups = grouped(cells)
    same_job = {key: same_job_of(group) for key, group in groups.items()}
    measured = (*RANKED, "median_step_cpu_seconds")
    speed, memory, cpu = (_measured(groups, same_job, column, smallest_effect) for column in measured)
    return [
        Row(
            key=key,
            n=sum(cell.outcome == "ok" for cell in groups[key]),
            tokens_per_second=speed.get(key),
            peak_memory_bytes=memory.get(key),
            step_cpu_seconds=cpu.get(key),
            first_loss=median_of(groups[key], "first_loss"),
            final_loss=median_of(groups[key], "final_loss"),
            outcomes=dict(Counter(cell.outcome for cell in groups[key])),
            same_job=same_job[key],
            deviations=next((cell.deviations for cell in groups[key] if cell.deviations), ""),
            notes=frameworks[key.framework].notes if key.framework in frameworks else (),
        )
        for key in sorted(groups, key=order_of)
    ]


def noise_floor(
    records: Iterable[CellRecord], section: str, smallest_effect: float = SMALLEST_EFFECT
) -> Measured | None:
    """Return the A/A pair: the baseline compared with itself. None if the run has no such pair."""
    cells = [record for record in records if section_of(record) == section and record.framework == BASELINE]
    pair = {
        twin: by_round([cell for cell in cells if bool(cell.twin) is twin], "tokens_per_second")
        for twin in (False, True)
    }
    compared = compare({"twin": pair[True]}, pair[False], smallest_effect)
    if not compared:
        return None
    return Measured(estimate=median_estimate([*pair[True].values()]), comparison=compared["twin"])


def same_job_of(cells: Sequence[CellRecord]) -> str:
    """Return the audit's word for a row. One cell that was another job makes the whole row another job."""
    said = {cell.same_job for cell in cells if cell.outcome == "ok"} or {cell.same_job for cell in cells}
    return next((word for word in ("no", "not audited", "with deviations") if word in said), "yes")


def _measured(
    groups: Mapping[Key, Sequence[CellRecord]], same_job: Mapping[Key, str], column: str, smallest_effect: float
) -> dict[Key, Measured]:
    """Measure a quantity of every row. A family of comparisons is one section under one set of conditions."""
    values = {key: found for key, cells in groups.items() if (found := by_round(cells, column))}
    comparisons: dict[Key, Comparison] = {}
    for family in {(key.section, key.conditions) for key in values}:
        members = {
            key: found
            for key, found in values.items()
            if (key.section, key.conditions) == family and same_job[key] != "no" and key.framework != CEILING
        }
        baselines = [key for key in members if key.framework == BASELINE]
        # Two versions of the baseline would make two ratios of each row.
        if len(baselines) == 1:
            baseline = members.pop(baselines[0])
            comparisons |= compare(members, baseline, smallest_effect)
    return {
        key: Measured(estimate=median_estimate([*found.values()]), comparison=comparisons.get(key))
        for key, found in values.items()
    }
