"""Recorded cells -> a row per section and framework, with its estimates and its comparison with the baseline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from harness.analysis.estimates import Estimate, Rounds, median_estimate
from harness.analysis.significance import Comparison, compare, compare_apart
from harness.job.experiment import SMALLEST_EFFECT, TRACKS, section, section_of
from harness.job.frameworks import BASELINE, CEILING, TRAINERS
from harness.job.job import METHODS
from harness.records.cell_record import CellRecord
from harness.records.run_record import RunRecord

CONDITIONS = (
    "compared_sha256",
    "model_sha256",
    "blocks_sha256",
    "device",
    "machine",
    "start",
    "omp_num_threads",
    "torch_version",
)
"""What must be equal on both sides of a ratio."""

RANKED = ("tokens_per_second", "peak_memory_bytes")
"""The quantities by which frameworks, and versions of one framework, are compared."""

SECTIONS = tuple(section(method, track) for track in TRACKS for method in METHODS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """One quantity of one row: its median over processes, and its ratio to the baseline."""

    estimate: Estimate
    comparison: Comparison | None
    """None for the baseline, for a run without a baseline, for the ceiling, and for a row that was another job."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """What the cells of one row share."""

    section: str
    framework: str
    conditions: int
    """Number of the row's set of conditions, from 1 in their order of appearance; 0 if all cells share one set."""
    version: str
    """Version of the framework."""

    @property
    def name(self) -> str:
        """The row's name for people, like "unsloth 2026.7.1 [2]"."""
        conditions = f"[{self.conditions}]" if self.conditions else ""
        return " ".join(filter(None, [self.framework, self.version, conditions]))


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
        for key in sorted(groups, key=_order)
    ]


def conditions_of(records: Iterable[CellRecord]) -> dict[str, list[tuple[Any, ...]]]:
    """Return the sets of CONDITIONS under which each section's cells were measured, in their order of appearance."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for record in records:
        sets = found.setdefault(section_of(record), [])
        # A cell that never became a process has no conditions.
        if (
            record.device is not None
            and (conditions := tuple(getattr(record, name) for name in CONDITIONS)) not in sets
        ):
            sets.append(conditions)
    return found


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


def _order(key: Key) -> tuple[int, int, int, str]:
    return SECTIONS.index(key.section), key.conditions, TRAINERS.index(key.framework), key.version


def grouped(cells: Sequence[CellRecord]) -> dict[Key, list[CellRecord]]:
    """Return the cells of each row. The caller leaves out twins."""
    sets = conditions_of(cells)
    versions: dict[tuple[str, str], str] = {}
    for cell in cells:
        if cell.framework_version:
            versions.setdefault((section_of(cell), cell.framework), cell.framework_version)
    groups: dict[Key, list[CellRecord]] = {}
    for cell in cells:
        conditions = tuple(getattr(cell, name) for name in CONDITIONS)
        known = sets[section_of(cell)]
        number = known.index(conditions) + 1 if conditions in known else 1
        key = Key(
            section=section_of(cell),
            framework=cell.framework,
            conditions=number if len(known) > 1 else 0,
            version=cell.framework_version or versions.get((section_of(cell), cell.framework), ""),
        )
        groups.setdefault(key, []).append(cell)
    return groups


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


def nodes_disagree(records: Iterable[CellRecord], smallest_effect: float) -> bool:
    """True if a ratio on one machine differs from the other machines' by more than rounds explain."""
    cells = [record for record in records if not record.twin]
    sides: dict[tuple[str, str, str, str], tuple[list[float], list[float]]] = {}
    for section_name in {section_of(cell) for cell in cells}:
        in_section = [cell for cell in cells if section_of(cell) == section_name]
        for column in RANKED:
            figures = {
                name: by_round(_of(in_section, name), column) for name in {cell.framework for cell in in_section}
            }
            baseline = figures.pop(BASELINE, {})
            for name, rounds in figures.items():
                ratios = {
                    round_number: rounds[round_number] / baseline[round_number]
                    for round_number in rounds.keys() & baseline.keys()
                }
                for node in {node for _, node in ratios}:
                    here = [ratio for (_, where), ratio in ratios.items() if where == node]
                    elsewhere = [ratio for (_, where), ratio in ratios.items() if where != node]
                    if len(here) > 1 and len(elsewhere) > 1:
                        sides[section_name, column, name, node] = here, elsewhere
    return any(
        _is_apart(comparison.ratio, smallest_effect) for comparison in compare_apart(sides, smallest_effect).values()
    )


def _of(cells: Iterable[CellRecord], framework: str) -> list[CellRecord]:
    return [cell for cell in cells if cell.framework == framework]


def _is_apart(ratio: Estimate, smallest_effect: float) -> bool:
    assert ratio.low is not None and ratio.high is not None
    return not ratio.low <= 1 <= ratio.high and max(ratio.value, 1 / ratio.value) >= 1 + smallest_effect


def round_of(cell: CellRecord) -> tuple[int, str]:
    """Return what pairs a cell with others: its round and its machine."""
    return cell.repeat, cell.node or ""


def median_of(cells: Iterable[CellRecord], column: str) -> float | None:
    """Return the median of a column over the cells that were ok; None if there are none."""
    values = values_of(cells, column)
    return median(values) if values else None


def processes(records: Iterable[CellRecord], section: str) -> dict[Key, list[CellRecord]]:
    """Return the section's cells with figures, by row in the order of rows_of. Twins are left out."""
    groups = grouped([record for record in records if section_of(record) == section and not record.twin])
    sound = {key: [cell for cell in groups[key] if cell.outcome == "ok"] for key in sorted(groups, key=_order)}
    return {key: cells for key, cells in sound.items() if cells}
