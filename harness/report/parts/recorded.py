"""A recorded run as the parts of its report need it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.cautions import Caution, cautions_of
from harness.analysis.compare_frameworks import Row, rows_of
from harness.job.experiment import Experiment, section_of
from harness.machine.host import measured_on
from harness.records.cell_record import CellRecord
from harness.records.checked_run import CheckedRun
from harness.records.run_record import RunRecord
from harness.report.figures.figure import Figure


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportedRun:
    """One run of a report, with what several parts use."""

    checked: CheckedRun
    experiment: Experiment
    rows: Sequence[Row]
    machine: str
    """What its figures were measured on, in words."""
    cautions: Sequence[Caution]
    """What a reader must know before believing a figure."""
    number: int = 0
    """Number among several runs, from 1; 0 for a single run."""
    figures: Sequence[Figure] = ()

    @property
    def record(self) -> RunRecord:
        """The content of run.json."""
        return self.checked.record

    @property
    def cells(self) -> Sequence[CellRecord]:
        """The cells of the run."""
        return self.checked.cells

    @property
    def name(self) -> str:
        """Name of its folder."""
        return self.checked.folder.path.resolve().name

    def name_of(self, cell: CellRecord) -> str:
        """Return a cell's name in the report."""
        return self._labelled(cell.cell)

    def config_name(self, cell: CellRecord) -> str:
        """Return the name of a cell's native config, which all cells of its row share."""
        return self._labelled(f"{cell.framework}, {section_of(cell)}")

    def _labelled(self, name: str) -> str:
        return f"{self.name}/{name}" if self.number else name


def recorded(run: CheckedRun, *, drawn: bool, number: int = 0) -> ReportedRun:
    """Prepare a run for its report, `drawn` with its figures. `number` keeps the figures of several runs apart."""
    rows = rows_of(run.cells, run.record)
    figures: Sequence[Figure] = ()
    if drawn:
        # Needs the extra `figures`.
        from harness.report.figures.figures import figures_of

        figures = figures_of(run, rows, number)
    return ReportedRun(
        checked=run,
        experiment=run.record.experiment,
        rows=rows,
        machine=measured_on(run.record.host, run.record.omp_num_threads),
        cautions=cautions_of(run.record, run.cells),
        number=number,
        figures=figures,
    )
