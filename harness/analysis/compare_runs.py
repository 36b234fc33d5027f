"""Two recorded runs -> what changed between them for each framework: figures, versions, knobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.analysis.cell_columns import values_of
from harness.analysis.compare_frameworks import RANKED, same_job_of
from harness.analysis.estimates import median_estimate
from harness.analysis.row_grouping import CONDITIONS, SECTIONS, processes
from harness.analysis.significance import Comparison, compare_apart
from harness.job.experiment import section_of
from harness.job.frameworks import TRAINERS
from harness.records.cell_record import CellRecord
from harness.records.checked_run import CheckedRun
from harness.records.run_folder import RunFolder
from harness.records.run_record import RunRecord

MAY_DIFFER = ("torch_version",)
"""These of CONDITIONS may differ: a comparison over time is about them."""
MUST_BE_EQUAL = tuple(name for name in CONDITIONS if name not in MAY_DIFFER)


@dataclass(frozen=True, kw_only=True, slots=True)
class Changed:
    """One quantity of one framework, before and after."""

    before: float
    after: float
    comparison: Comparison
    """The ratio of after to before."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One framework in one section, compared between both runs."""

    section: str
    framework: str
    versions: tuple[str, str]
    """Versions of the framework, before and after."""
    quantities: Mapping[str, Changed]
    """By quantity of RANKED; empty if the two runs may not be compared."""
    why_not: str
    """Why there is no ratio; empty if there is one."""
    differences: tuple[str, ...]
    """Packages and knobs that differ."""

    @property
    def not_compared(self) -> str:
        """Why nobody can say whether it regressed; empty if that can be said."""
        few = any(pair.comparison.word == "too few processes" for pair in self.quantities.values())
        return self.why_not or ("too few processes" if few or not self.quantities else "")

    def regressed(self) -> bool:
        """True if it is slower or takes more memory, and the difference is shown and matters."""
        words = {name: pair.comparison.word for name, pair in self.quantities.items()}
        return words.get("tokens_per_second") == "less" or words.get("peak_memory_bytes") == "more"


def changes(before: CheckedRun, after: CheckedRun, smallest_effect: float) -> list[Change]:
    """Return a change per framework and section of the earlier run, in the order of every table."""
    runs, folders = (before.record, after.record), (before.folder, after.folder)
    old, new = (_by_row(run.cells) for run in (before, after))
    pairs = [(section, framework) for section in SECTIONS for framework in TRAINERS if (section, framework) in old]
    why = {pair: _why_not(old[pair], new.get(pair, []), _ended(after.cells, *pair)) for pair in pairs}
    compared: dict[tuple[str, str], dict[str, Changed]] = {pair: {} for pair in pairs}
    for section in SECTIONS:
        family = [pair for pair in pairs if pair[0] == section and not why[pair]]
        for quantity in RANKED:
            for pair, change in _compared(family, old, new, quantity, smallest_effect).items():
                compared[pair][quantity] = change
    return [
        Change(
            section=section,
            framework=framework,
            versions=(_version(old[section, framework]), _version(new.get((section, framework), []))),
            quantities=compared[section, framework],
            why_not=why[section, framework],
            differences=_differences(runs, folders, old[section, framework], new.get((section, framework), [])),
        )
        for section, framework in pairs
    ]


def _by_row(records: Sequence[CellRecord]) -> dict[tuple[str, str], list[CellRecord]]:
    """Return the cells with figures by section and framework, under any conditions."""
    found: dict[tuple[str, str], list[CellRecord]] = {}
    for section in SECTIONS:
        for key, cells in processes(records, section).items():
            found.setdefault((section, key.framework), []).extend(cells)
    return found


def _ended(records: Sequence[CellRecord], section: str, framework: str) -> str:
    """Return how the cells of a framework ended in a run that has no figures of it."""
    matching = [record for record in records if record.framework == framework and section_of(record) == section]
    if not matching:
        return "is not in the later run"
    first = matching[0]
    return f"gave no figures in the later run: {first.outcome}, {str(first.reason)[:200]}"


def _why_not(old: Sequence[CellRecord], new: Sequence[CellRecord], ended: str) -> str:
    if not new:
        return ended
    for cells, which in ((old, "before"), (new, "after")):
        if len({tuple(getattr(cell, name) for name in (*CONDITIONS, "framework_version")) for cell in cells}) > 1:
            return f"{which}, its cells ran under several conditions"
    for cells, which in ((old, "before"), (new, "after")):
        if same_job_of(cells) == "no":
            return f"{which}, it was not the same job"
    pairs = {name: (getattr(old[0], name), getattr(new[0], name)) for name in MUST_BE_EQUAL}
    differing = [f"{name} {str(a)[:24]}, then {str(b)[:24]}" for name, (a, b) in pairs.items() if a != b]
    return f"measured under different conditions: {'; '.join(differing)}" if differing else ""


def _compared(
    family: Sequence[tuple[str, str]],
    old: Mapping[tuple[str, str], Sequence[CellRecord]],
    new: Mapping[tuple[str, str], Sequence[CellRecord]],
    quantity: str,
    smallest_effect: float,
) -> dict[tuple[str, str], Changed]:
    values = {pair: (values_of(new[pair], quantity), values_of(old[pair], quantity)) for pair in family}
    whole = {pair: sides for pair, sides in values.items() if all(sides)}
    return {
        pair: Changed(
            before=median_estimate(whole[pair][1]).value,
            after=median_estimate(whole[pair][0]).value,
            comparison=comparison,
        )
        for pair, comparison in compare_apart(whole, smallest_effect).items()
    }


def _version(cells: Sequence[CellRecord]) -> str:
    return str(cells[0].framework_version or "") if cells else ""


def _differences(
    runs: tuple[RunRecord, RunRecord],
    folders: tuple[RunFolder, RunFolder],
    old: Sequence[CellRecord],
    new: Sequence[CellRecord],
) -> tuple[str, ...]:
    if not new:
        return ()
    versions = [run.versions_of(old[0].framework) for run in runs]
    packages = _differing(versions[0], versions[1])
    jobs = [folder.read_job(cells[0].cell).as_dict() for folder, cells in zip(folders, (old, new), strict=True)]
    return (*packages, *_differing(jobs[0], jobs[1]))


def _differing(earlier: Mapping[str, Any], later: Mapping[str, Any]) -> list[str]:
    names = sorted({*earlier, *later})
    return [
        f"{name} {earlier.get(name)}, then {later.get(name)}" for name in names if earlier.get(name) != later.get(name)
    ]
