"""A recorded run, read and checked: one row per cell, with its audit's verdict."""

from __future__ import annotations

import dataclasses
import functools
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from harness.audit.verdict import Verdict
from harness.errors import RunFolderError
from harness.files.seal import seal_of
from harness.job.experiment import section_of
from harness.job.plan import cell_name
from harness.machine.chip import Chip
from harness.machine.host import usable_threads
from harness.measure.ceilings import against_limits
from harness.measure.steps import why_steps_invalid
from harness.records.audited import audited_record
from harness.records.cell_record import COLUMNS, CellRecord, kind_of
from harness.records.deployments import DeploymentFile, Deployments
from harness.records.impossible_numbers import why_not_measured
from harness.records.probes import ProbeFile, ProbeRecord
from harness.records.run_folder import EDITED, RunFolder
from harness.records.run_record import RunRecord
from harness.records.searches import SearchFile, SearchRecord

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Content = TypeVar("Content")
MANY = 1000
"""From this many cells on, a process for each thread reads them."""
FIGURES = (
    "tokens_per_second",
    "peak_memory_bytes",
    "end_to_end_tokens_per_second",
    "median_step_seconds",
    "median_step_cpu_seconds",
    "energy_joules_per_1000_tokens",
)
"""Figures that a cell loses if its files differ from what was recorded."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckedRun:
    """A recorded run, read and checked once."""

    folder: RunFolder
    record: RunRecord
    """What run.json says, with the folder's present name."""
    cells: Sequence[CellRecord]
    """Cells with the columns that reading adds; `invalid` if files were edited or steps do not give the figures."""
    verdicts: Sequence[Verdict]
    """Verdicts of its audits."""
    searches: Sequence[SearchRecord]
    """Searches for the longest sequence and the largest micro batch."""
    probes: Sequence[ProbeRecord]
    """Attempts at the frameworks' capabilities."""
    deployments: Deployments
    """What became of the results after training."""
    unreadable: Sequence[str]
    """Files that could not be read, and why."""


def read_checked(folder: RunFolder) -> CheckedRun:
    """Read everything in a run's folder. An unreadable file is named and left out.

    Raises RunFolderError if run.json is missing or not this program's.
    """
    run = folder.read_run()
    unreadable: list[str] = []
    verdicts = folder.read_audits(unreadable)
    return CheckedRun(
        folder=folder,
        record=run.model_copy(update={"name": folder.name}),
        cells=_checked_cells(folder, run, verdicts, folder.read_records(unreadable)),
        verdicts=verdicts,
        searches=_or(SearchFile(folder.path).read, [], unreadable),
        probes=_or(ProbeFile(folder.path).read, [], unreadable),
        deployments=_or(DeploymentFile(folder.path).read, Deployments(), unreadable),
        unreadable=unreadable,
    )


def _or(read: Callable[[], Content], nothing: Content, unreadable: list[str]) -> Content:
    """Return what a file holds; `nothing` if it is unreadable, and the reason goes to `unreadable`."""
    try:
        return read()
    except RunFolderError as error:
        unreadable.append(str(error))
        return nothing


def _checked_cells(
    folder: RunFolder, run: RunRecord, audits: Sequence[Verdict], records: Sequence[CellRecord]
) -> list[CellRecord]:
    verdicts = {(verdict.framework, section_of(verdict)): verdict for verdict in audits}
    source = _Source(folder=folder, run=run, verdicts=verdicts)
    if len(records) < MANY:
        return [_checked(source, record) for record in records]
    with ProcessPoolExecutor(usable_threads()) as pool:
        return list(pool.map(functools.partial(_checked, source), records, chunksize=MANY // 4))


def _checked(source: _Source, recorded: CellRecord) -> CellRecord:
    """Return a cell's record with the columns that reading adds."""
    steps = source.folder.read_steps(recorded.cell)
    record = _sound(source, recorded, steps)
    losses = [step.get("loss") for step in steps]
    record = audited_record(record, losses, source.verdicts.get((record.framework, section_of(record))))
    name = source.folder.name if record.run == source.run.name else record.run
    return record.model_copy(
        update={"run": name, "machine": source.run.host.name, **_limits(source.folder, record, source.run.ceilings)}
    )


def load_results(path: str | Path) -> pd.DataFrame:
    """Return one row per cell of a run's folder. Raises RunFolderError, also if a file cannot be read."""
    run = read_checked(RunFolder(Path(path)))
    if run.unreadable:
        raise RunFolderError(run.unreadable[0])
    return frame_of(run)


def frame_of(run: CheckedRun) -> pd.DataFrame:
    """Return one row per cell, in the order of method, framework and round."""
    import pandas as pd

    return pd.DataFrame(_in_order(run.cells), columns=list(COLUMNS))


def _in_order(cells: Sequence[CellRecord]) -> list[dict[str, Any]]:
    ordered = sorted(cells, key=lambda cell: (cell.method, cell.framework, cell.repeat))
    return [cell.model_dump() for cell in ordered]


def arrow_table_of(run: CheckedRun) -> pa.Table:
    """Return the rows with a fixed type for each column, so that runs with missing values have the same types."""
    import pyarrow as pa

    kinds = {str: pa.string(), float: pa.float64(), int: pa.int64(), bool: pa.bool_()}
    schema = pa.schema([pa.field(name, kinds[kind_of(name)]) for name in COLUMNS])
    # From the cells: a data frame has turned a missing count into a fraction.
    return pa.Table.from_pylist(_in_order(run.cells), schema=schema)


def _limits(folder: RunFolder, record: CellRecord, chip: Chip) -> dict[str, float | None]:
    try:
        job = folder.read_job(record.cell)
    except (OSError, ValueError, TypeError, KeyError):  # The job was edited. The cell is invalid and says so.
        return {}
    return dataclasses.asdict(against_limits(record.tokens_per_second, record.median_step_seconds, job, chip))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Source:
    """Where cells come from."""

    folder: RunFolder
    run: RunRecord
    verdicts: Mapping[tuple[str, str], Verdict]
    """Verdicts of the audits, by framework and section."""


def _sound(source: _Source, record: CellRecord, steps: Sequence[Mapping[str, Any]]) -> CellRecord:
    """Return the record, or an invalid one without figures."""
    if record.outcome == "ok" and (why := _why_unsound(source, record, steps) or _why_foreign(source, record)):
        return record.model_copy(update={"outcome": "invalid", "reason": why, **dict.fromkeys(FIGURES)})
    return record


def _why_foreign(source: _Source, record: CellRecord) -> str:
    """Return why a cell is not surely what this run recorded under its name; empty if it is."""
    run = source.run
    if not run.is_sealed:
        return f"run.json: {EDITED}"
    if record.run != run.name:
        return f"it was recorded in another run, {record.run!r}"
    identity = (record.framework, record.method, record.track, record.repeat)
    if (name := cell_name(*identity, twin=bool(record.twin))) != record.cell:
        return f"it was recorded as {name}"
    sealed_as = run.contents.get("cells", {}).get(record.cell)
    if run.is_complete and sealed_as != seal_of(source.folder.cells / record.cell):
        return "it is not the cell that the run had when it was complete"
    return ""


def _why_unsound(source: _Source, record: CellRecord, steps: Sequence[Mapping[str, Any]]) -> str:
    """Return why a cell that says ok still has no valid figures; empty if it has."""
    folder = source.folder
    if edited := folder.edited_files(record.cell):
        return f"{', '.join(edited)}: {EDITED}"
    try:
        numbers, seconds, losses = ([step[name] for step in steps] for name in ("step", "seconds", "loss"))
        job, enough = folder.read_job(record.cell), source.run.experiment.enough
        if why := why_steps_invalid(numbers, seconds, losses, job, enough):
            return why
        if why := why_not_measured(record):
            return why
        steady = statistics.median(step["seconds"] for step in steps if not step["warmup"])
        told_seconds, told_rate, tokens = record.median_step_seconds, record.tokens_per_second, record.tokens_per_step
        if told_seconds is None or told_rate is None or tokens is None:
            return "its record lacks its step time, its tokens/s or its tokens a step"
        if not math.isclose(steady, told_seconds, rel_tol=1e-6):
            return f"its steps take {steady:g} s in the median, its record says {told_seconds:g} s"
        rate = tokens / steady
        if not math.isclose(rate, told_rate, rel_tol=1e-6):
            return f"its steps give {rate:g} tokens/s, its record says {told_rate:g}"
    except (TypeError, KeyError, ValueError, ZeroDivisionError) as error:
        return f"its files cannot be understood: {error}"
    return ""
