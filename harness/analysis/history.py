"""All recorded runs -> one quantity over time, by framework, version and machine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.analysis.cell_columns import values_of
from harness.analysis.estimates import Estimate, median_estimate
from harness.analysis.row_grouping import processes
from harness.errors import RunFolderError
from harness.records.checked_run import CheckedRun, read_checked
from harness.records.run_folder import RunFolder


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """One run's figure of one framework in one section."""

    machine: str
    section: str
    job: str
    """Shortened sha256s of job, model and text. Only points that share them are on one line."""
    framework: str
    version: str
    run: str
    created: str
    estimate: Estimate


def history(folders: Iterable[RunFolder], metric: str) -> tuple[list[Point], list[str]]:
    """Return the points in the order of machine, section, job, framework and time; then what is left out, and why."""
    points: list[Point] = []
    left_out: list[str] = []
    for folder in folders:
        try:
            run = read_checked(folder)
            points += _points(run, metric)
            left_out += run.unreadable
        except RunFolderError as error:
            left_out.append(str(error))
    points.sort(key=lambda point: (point.machine, point.section, point.job, point.framework, point.created))
    return points, left_out


def _points(run: CheckedRun, metric: str) -> list[Point]:
    record = run.record
    return [
        Point(
            machine=str(cells[0].machine),
            section=section,
            job="/".join(
                str(getattr(cells[0], name))[:6] for name in ("compared_sha256", "model_sha256", "blocks_sha256")
            ),
            framework=key.framework,
            version=key.version,
            run=record.name,
            created=record.created,
            estimate=median_estimate(values),
        )
        for section in record.experiment.sections
        for key, cells in processes(run.cells, section).items()
        if (values := values_of([cell for cell in cells if cell.same_job != "no"], metric))
    ]
