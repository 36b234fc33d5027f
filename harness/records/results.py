"""A recorded run as people and tools get it: one row per cell, checked, with what the audit says of it."""

from __future__ import annotations

import functools
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from harness.audit.timed import audited_record
from harness.errors import RunFolderError
from harness.files.seal import is_sealed, seal_of
from harness.job.experiment import Enough, enough_of, section_of
from harness.job.plan import cell_name
from harness.machine.host import machine_of, usable_threads
from harness.measure.ceilings import LIMIT_COLUMNS, against_limits
from harness.measure.steps import why_steps_invalid
from harness.records.probes import ProbeFile, ProbeRecord
from harness.records.run_folder import EDITED, RunFolder
from harness.records.schema import COLUMNS, COUNT, NUMBER, RECORD_COLUMNS, TEXT, TRUTH, why_no_run, why_not_measured
from harness.records.searches import SearchFile, SearchRecord

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Content = TypeVar("Content")
MANY = 1000
"""Cells that are worth a process for each thread to read them."""
AUDIT_COLUMNS = ("same_job", "why_not_same_job")
_KINDS = {**dict.fromkeys((*AUDIT_COLUMNS, "machine"), TEXT), "memory_floor_bytes": COUNT}
"""Of the columns that no cell records; the others are numbers."""
_AT = RECORD_COLUMNS.index("deviations")
_START = RECORD_COLUMNS.index("start")
_MEMORY = RECORD_COLUMNS.index("peak_rss_bytes")
RESULT_COLUMNS = (
    *RECORD_COLUMNS[:_AT],
    *AUDIT_COLUMNS,
    *RECORD_COLUMNS[_AT:_START],
    "machine",
    *RECORD_COLUMNS[_START:_MEMORY],
    *LIMIT_COLUMNS,
    *RECORD_COLUMNS[_MEMORY:],
)
FIGURES = (
    "tokens_per_second",
    "peak_memory_bytes",
    "end_to_end_tokens_per_second",
    "median_step_seconds",
    "median_step_cpu_seconds",
    "energy_joules_per_1000_tokens",
)
"""What a cell whose files are not what was recorded loses."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckedRun:
    """A recorded run, read and checked once."""

    folder: RunFolder
    run: Mapping[str, Any]
    """What run.json says."""
    cells: Sequence[Mapping[str, Any]]
    """With RESULT_COLUMNS; `invalid` where files were edited or steps do not give the figures, whatever they say."""
    verdicts: Sequence[Mapping[str, Any]]
    """Of its audits."""
    searches: Sequence[SearchRecord]
    """For the longest sequence and the largest micro batch."""
    probes: Sequence[ProbeRecord]
    """Of what the frameworks can do."""
    unreadable: Sequence[str]
    """Files that could not be read, and why."""


def read_checked(folder: RunFolder) -> CheckedRun:
    """All that a run's folder says. A file in it that cannot be read is named and left out.

    Raises RunFolderError if run.json is not there or not this program's.
    """
    run = folder.read_run()
    if problem := why_no_run(run):
        raise RunFolderError(f"{folder.path / 'run.json'}: {problem}")
    unreadable: list[str] = []
    verdicts = folder.read_audits(unreadable)
    return CheckedRun(
        folder=folder,
        run={**run, "name": folder.name},
        cells=_checked_cells(folder, run, verdicts, folder.read_records(unreadable)),
        verdicts=verdicts,
        searches=_or_none(SearchFile(folder.path).read, unreadable),
        probes=_or_none(ProbeFile(folder.path).read, unreadable),
        unreadable=unreadable,
    )


def _or_none(read: Callable[[], list[Content]], unreadable: list[str]) -> list[Content]:
    """What a file holds; nothing, and why, if it cannot be read."""
    try:
        return read()
    except RunFolderError as error:
        unreadable.append(str(error))
        return []


def _checked_cells(
    folder: RunFolder,
    run: Mapping[str, Any],
    audits: Sequence[Mapping[str, Any]],
    records: Sequence[dict[str, Any]],
) -> list[dict[str, Any]]:
    source = _Source(
        folder=folder,
        run=run,
        is_sealed=is_sealed(run),
        verdicts={(one["framework"], section_of(one)): one for one in audits},
        enough=enough_of(run["experiment"]),
    )
    if len(records) < MANY:
        return [_row(source, record) for record in records]
    with ProcessPoolExecutor(usable_threads()) as pool:
        return list(pool.map(functools.partial(_row, source), records, chunksize=MANY // 4))


def _row(source: _Source, recorded: dict[str, Any]) -> dict[str, Any]:
    """A cell's record with RESULT_COLUMNS."""
    steps = source.folder.read_steps(recorded["cell"])
    record = {**_checked(source, recorded, steps), "machine": machine_of(source.run["host"])}
    losses = [step.get("loss") for step in steps]
    audited = audited_record(record, losses, source.verdicts.get((record["framework"], section_of(record))))
    if record["run"] == source.run["name"]:
        audited["run"] = source.folder.name
    row = {**audited, **_limits(source.folder, audited, source.run.get("chip", {}))}
    return {name: row.get(name) for name in RESULT_COLUMNS}


def load_results(path: str | Path) -> pd.DataFrame:
    """One row per cell of a run's folder. Raises RunFolderError, also if one of its files cannot be read."""
    of = read_checked(RunFolder(Path(path)))
    if of.unreadable:
        raise RunFolderError(of.unreadable[0])
    return frame_of(of)


def frame_of(of: CheckedRun) -> pd.DataFrame:
    """One row per cell, in the order of method, framework and round."""
    import pandas as pd

    return pd.DataFrame(_in_order(of.cells), columns=list(RESULT_COLUMNS))


def _in_order(cells: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(cells, key=lambda cell: (cell["method"], cell["framework"], cell["repeat"]))


def arrow_table_of(of: CheckedRun) -> pa.Table:
    """The same with a type for each column that no content changes: what is missing in one run is not in another."""
    import pyarrow as pa

    kinds = {TEXT: pa.string(), NUMBER: pa.float64(), COUNT: pa.int64(), TRUTH: pa.bool_()}
    schema = pa.schema([pa.field(name, kinds[COLUMNS.get(name, _KINDS.get(name, NUMBER))]) for name in RESULT_COLUMNS])
    # From the cells: a frame has turned a missing count into a fraction.
    return pa.Table.from_pylist(_in_order(of.cells), schema=schema)


def _limits(folder: RunFolder, record: Mapping[str, Any], chip: Mapping[str, Any]) -> dict[str, float | None]:
    try:
        return against_limits(record, folder.read_job(record["cell"]), chip)
    except (OSError, ValueError, TypeError):  # The job was edited: the cell is invalid, and says so.
        return {}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Source:
    """Where cells are from."""

    folder: RunFolder
    run: Mapping[str, Any]
    is_sealed: bool
    """Whether run.json is as it was sealed."""
    verdicts: Mapping[tuple[str, str], Mapping[str, Any]]
    """Of the audits, by framework and section."""
    enough: Enough | None
    """When a cell may have ended before its job."""


def _checked(source: _Source, record: dict[str, Any], steps: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    if record["outcome"] == "ok" and (why := _why_unsound(source, record, steps) or _why_foreign(source, record)):
        return {**record, "outcome": "invalid", "reason": why, **dict.fromkeys(FIGURES)}
    return record


def _why_foreign(source: _Source, record: Mapping[str, Any]) -> str:
    """Why a cell is not, or not surely, what this run recorded under its name; empty if it is."""
    run = source.run
    if not source.is_sealed:
        return f"run.json: {EDITED}"
    if record["run"] != run["name"]:
        return f"it was recorded in another run, {record['run']!r}"
    identity = (record["framework"], record["method"], record["track"], record["repeat"])
    if (name := cell_name(*identity, twin=bool(record["twin"]))) != record["cell"]:
        return f"it was recorded as {name}"
    if run["status"] == "complete" and run.get("contents", {}).get("cells", {}).get(record["cell"]) != seal_of(
        source.folder.cells / record["cell"]
    ):
        return "it is not the cell that the run had when it was complete"
    return ""


def _why_unsound(source: _Source, record: Mapping[str, Any], steps: Sequence[Mapping[str, Any]]) -> str:
    """Why a cell that says ok gives no figures all the same; empty if it does."""
    folder = source.folder
    if edited := folder.edited_files(record["cell"]):
        return f"{', '.join(edited)}: {EDITED}"
    try:
        numbers, seconds, losses = ([step[name] for step in steps] for name in ("step", "seconds", "loss"))
        if why := why_steps_invalid(numbers, seconds, losses, folder.read_job(record["cell"]), source.enough):
            return why
        if why := why_not_measured(record):
            return why
        steady = statistics.median(step["seconds"] for step in steps if not step["warmup"])
        if not math.isclose(steady, record["median_step_seconds"], rel_tol=1e-6):
            return f"its steps take {steady:g} s in the median, its record says {record['median_step_seconds']:g} s"
        rate = record["tokens_per_step"] / steady
        if not math.isclose(rate, record["tokens_per_second"], rel_tol=1e-6):
            return f"its steps give {rate:g} tokens/s, its record says {record['tokens_per_second']:g}"
    except (TypeError, KeyError, ValueError, ZeroDivisionError) as error:
        return f"its files cannot be understood: {error}"
    return ""
