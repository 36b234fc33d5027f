"""Which cells form one row, and which are never mixed in one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from harness.job.experiment import TRACKS, section, section_of
from harness.job.frameworks import TRAINERS
from harness.job.job import METHODS
from harness.records.cell_record import CellRecord

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

SECTIONS = tuple(section(method, track) for track in TRACKS for method in METHODS)


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


def order_of(key: Key) -> tuple[int, int, int, str]:
    """Return the place of a row: by section, conditions, framework and version."""
    return SECTIONS.index(key.section), key.conditions, TRAINERS.index(key.framework), key.version


def processes(records: Iterable[CellRecord], section: str) -> dict[Key, list[CellRecord]]:
    """Return the section's cells with figures, by row in the order of rows_of. Twins are left out."""
    groups = grouped([record for record in records if section_of(record) == section and not record.twin])
    sound = {key: [cell for cell in groups[key] if cell.outcome == "ok"] for key in sorted(groups, key=order_of)}
    return {key: cells for key, cells in sound.items() if cells}
